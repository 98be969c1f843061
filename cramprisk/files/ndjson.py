"""Files of JSON lines: one object a line, kept as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cramprisk.errors import InputError
from cramprisk.files.batch import Batch, Cell, Rows
from cramprisk.files.problems import Fault, Problems
from cramprisk.files.source import Source, encoding_of, utf8_blocks

__all__ = ["JsonLines"]

_PIECE = 1 << 20
_MAX_LINE = 96 << 20
_MOST_NAMES = 10_000


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
            found = _object(line)
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
            if "\ufffd" in text:
                self._problems.add(self._label, number, Fault.LOST)
            found = _object(line)
            if found is None:
                self._problems.add(self._label, number, Fault.JSON)
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


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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
