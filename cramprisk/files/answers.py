"""The readings of a column's texts, kept as long as there is room: every text is read once, however often it comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from cramprisk.columns import Reading
from cramprisk.files.delimited import arrow
from cramprisk.model import Status

__all__ = ["UNREAD", "Answers", "Rendering"]

UNREAD = Reading(Status.UNRECOGNISED.value, None, None, None, False, None, None, False, None, None)
"""What is said of a cell that could not be read."""

_MOST_TEXTS = 1_000_000
_MOST_TEXTS_PLAIN = 250_000
# A text takes some forty bytes, a reading with all that is made of it over five hundred.
_MOST_READINGS = 150_000
_MOST_BYTES = 48 << 20
_AT_ONCE = 8_192
# "617310.0" is how a spreadsheet or a frame with gaps writes the code 617310.
_WHOLE = re.compile(r"(\d{3,})\.0\Z")

Read = Callable[[list[str]], list[Reading]]


class Answers:
    """Texts and their readings, numbered; started anew when there are too many.

    Args:
        read: Reads distinct texts.

    Attributes:
        readings: The distinct readings; 0 is :data:`UNREAD`.
        distinct: How many distinct texts were met; at most so many if `renewed`, for then a text may be counted again.
        renewed: How often everything was forgotten. Numbers from before are void.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self.distinct = self.renewed = 0
        self._start()

    def _start(self) -> None:
        pa = arrow()
        self._plain: dict[str, int] = {}
        self._known: Any = pa.array([], pa.string()) if pa is not None else None
        self.readings: list[Reading] = [UNREAD]
        self._number = {UNREAD: 0}
        self._reading_of = np.zeros(0, np.int32)

    def find(self, texts: Any, unread: Collection[int]) -> Any:
        """For each row of a batch the number of its reading, as an array.

        Args:
            texts: A list of texts, or an Arrow array of strings without nulls.
            unread: Rows that are not to be read.
        """
        codes = self._codes(texts)  # first: it may add readings
        found = self._reading_of[codes]
        if unread:
            found[np.fromiter(unread, np.int64, len(unread))] = 0
        return found

    def _codes(self, texts: Any) -> Any:
        return self._arrow_codes(texts) if self._known is not None else self._plain_codes(texts)

    def _plain_codes(self, texts: list[str]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in self._plain]
        full = len(self._plain) + len(new) > _MOST_TEXTS_PLAIN or len(self.readings) + len(new) > _MOST_READINGS
        if new and self._plain and full:
            self.renewed += 1
            self._start()
            new = list(dict.fromkeys(texts))
        for text in new:
            self._plain[text] = len(self._plain)
        self._add(new)
        return np.fromiter((self._plain[text] for text in texts), np.int64, len(texts))

    def _arrow_codes(self, texts: Any) -> Any:
        import pyarrow as pa
        from pyarrow import compute as pc

        if isinstance(texts, list):
            texts = pa.array(texts, pa.string())
        codes = pc.index_in(texts, value_set=self._known)
        if codes.null_count:
            new = texts.filter(codes.is_null()).unique()
            texts_full = len(self._known) + len(new) > _MOST_TEXTS or self._known.nbytes + new.nbytes > _MOST_BYTES
            if len(self._known) and (texts_full or len(self.readings) + len(new) > _MOST_READINGS):
                self.renewed += 1
                self._start()
                new = texts.unique()
            self._known = pa.concat_arrays([self._known, new])
            self._add(new.to_pylist())
            codes = pc.index_in(texts, value_set=self._known)
        return codes.to_numpy(zero_copy_only=False)

    def _add(self, new: list[str]) -> None:
        if not new:
            return
        self.distinct += len(new)
        numbers = np.empty(len(new), np.int32)
        for start in range(0, len(new), _AT_ONCE):
            part = [_WHOLE.sub(r"\1", text) for text in new[start : start + _AT_ONCE]]
            for index, reading in enumerate(self._read(part), start):
                number = self._number.setdefault(reading, len(self.readings))
                if number == len(self.readings):
                    self.readings.append(reading)
                numbers[index] = number
            pa = arrow()
            if pa is not None and len(part) == _AT_ONCE:
                # What reading needed for a while goes back to the system.
                pa.default_memory_pool().release_unused()
        self._reading_of = np.concatenate([self._reading_of, numbers])


class Rendering:
    """One value for each distinct reading, made when first needed.

    Args:
        answers: Where the readings are.
        made: Gives the value of a reading.
    """

    def __init__(self, answers: Answers, made: Callable[[Reading], Any]) -> None:
        self._answers, self._made = answers, made
        self._values: list[Any] = []
        self._renewed = answers.renewed
        self._array: Any = None

    @property
    def values(self) -> list[Any]:
        """By the number of the reading."""
        if self._renewed != self._answers.renewed:
            self._values, self._renewed, self._array = [], self._answers.renewed, None
        readings = self._answers.readings
        if len(self._values) < len(readings):
            self._values += [self._made(reading) for reading in readings[len(self._values) :]]
            self._array = None
        return self._values

    def array(self, convert: Callable[[list[Any]], Any]) -> Any:
        """The same as an array, made anew only when there are more."""
        values = self.values
        if self._array is None:
            self._array = convert(values)
        return self._array
