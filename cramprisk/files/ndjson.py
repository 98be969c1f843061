"""Files of JSON lines: one object a line, kept as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cramprisk.errors import InputError
from cramprisk.files.batch import Batch, Cell, Rows
from cramprisk.files.problems import Fault, Problems
from cramprisk.files.source import Source, encoding_of, utf8_blocks
from cramprisk.json_objects import TwiceError, deeper_than, each_once, whole_letters

__all__ = ["JsonLines"]

_PIECE = 1 << 20
_MAX_LINE = 96 << 20
_MOST_NAMES = 10_000
_DEEPEST = 100
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class JsonLines:
    """A file of JSON lines: its columns, and its rows in batches.

    The file is gone through twice, because a later object may have more keys than the first.

    Attributes:
        names: All keys, in the order in which they first come.
        said: What was found out and should be said.
    """

    def __init__(self, source: Source, problems: Problems) -> None:
        self.said: list[str] = []
        self._label, self._problems = source.label, problems
        names: dict[str, None] = {}
        self.rows = 0
        for line in _lines(source, self.said):
            self.rows += 1
            found, _ = _object(line)
            if found is not None:
                names.update(dict.fromkeys(found))
                if len(names) > _MOST_NAMES:
                    raise InputError(
                        f"{self._label}: has over {_MOST_NAMES:,} keys; they are no columns. Write a file of one object a line."
                    )
        if not self.rows:
            raise InputError(f"{self._label}: is empty. There is nothing to scan.")
        if not names:
            raise InputError(f"{self._label}: holds no JSON object. One object a line is needed.")
        self.names = list(names)
        self.width = len(self.names)
        source.rewind()
        self._source = source

    def batches(self) -> Iterator[Batch]:
        """The rows in order."""
        rows: list[list[Cell]] = []
        raw: list[str] = []
        unread: set[int] = set()
        weight, first = 0, 1
        number = 0
        for number, line in enumerate(_lines(self._source, []), 1):
            text = line.decode("utf-8", "replace")
            found, fault = _object(line)
            if "\ufffd" in text and fault is not Fault.LOST:
                self._problems.add(self._label, number, Fault.LOST)
            if fault is not None:
                self._problems.add(self._label, number, fault)
            if found is None:
                unread.add(len(rows))
                rows.append([text, *[None] * (self.width - 1)])
                text = json.dumps({self.names[0]: text}, ensure_ascii=False)
            else:
                rows.append([found.get(name) for name in self.names])
            raw.append(text)
            weight += len(line) + self.width * 10
            if weight > _PIECE:
                yield _batch(rows, raw, unread, first)
                rows, raw, unread, weight, first = [], [], set(), 0, number + 1
        if rows:
            yield _batch(rows, raw, unread, first)


def _batch(rows: list[list[Cell]], raw: list[str], unread: set[int], first: int) -> Rows:
    return Rows(rows, lambda index: first + index, frozenset(unread), raw)


def _object(line: bytes) -> tuple[dict[str, Any] | None, Fault | None]:
    """The object of a line, or None, and what is wrong with it."""
    text = line.decode("utf-8", "replace")
    try:
        found = json.loads(text, object_pairs_hook=each_once)
        if not isinstance(found, dict):
            return None, Fault.JSON
        if text.count("[") + text.count("{") > _DEEPEST and deeper_than(found, _DEEPEST - 1):
            return None, Fault.DEEP
        if _HALF.search(text) is None:
            return found, None
        mended = _mended(found)
    except TwiceError:
        return None, Fault.TWICE
    except (ValueError, RecursionError):
        return None, Fault.JSON
    return mended, (Fault.LOST if mended != found else None)


def _mended(value: Any) -> Any:
    """The value with a replacement character for each half of a surrogate pair, which no encoding can hold."""
    if isinstance(value, str):
        return whole_letters(value)
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    if isinstance(value, dict):
        return each_once([(_mended(key), _mended(inner)) for key, inner in value.items()])
    return value


def _lines(source: Source, said: list[str]) -> Iterator[bytes]:
    sample = source.read(_PIECE)
    encoding, skipped, words = encoding_of(sample, final=len(sample) < _PIECE)
    if words:
        said.append(f"{source.label}: {words}")
    rest = b""
    for piece in utf8_blocks(source, encoding, sample[skipped:], _PIECE):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)
        if len(rest) > _MAX_LINE:
            raise InputError(f"{source.label}: has a line of over {_MAX_LINE >> 20} MB. One object a line is needed.")
    if rest:
        yield rest
