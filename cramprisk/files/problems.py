"""Rows that are broken: kept, counted, and reported with their line; never with what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum

__all__ = ["Fault", "Problems"]

_SHOWN = 5


class Fault(StrEnum):
    """What can be wrong with a row; the value is the words for it."""

    MANY = "too many fields: the row is kept with what is over in its last cell, and was not read"
    MANY_EMPTY = "more delimiters than the header has, with nothing behind them"
    FEW = "too few fields: the missing cells are empty"
    QUOTES = "quotes that do not pair: taken as they stand"
    BYTES = "bytes that are not of the encoding: taken as Windows-1252"
    LOST = "holds a replacement character: a letter was lost before this file was written"
    NUL = "holds a NUL character"
    BLANK = "an empty line: kept as a row of empty cells"
    LONG = "a cell longer than 32,767 characters: kept, and not read as an entry"
    JSON = "not a JSON object: kept, and not read"
    DEEP = "a JSON object nested deeper than 100 levels: kept, and not read"
    TWICE = "a JSON object with a key twice: kept, and not read"


class Problems:
    """Counts broken rows and remembers the first lines of each kind.

    Args:
        tell: Called with file, line and fault of every problem, for a list of all of them.
    """

    def __init__(self, tell: Callable[[str, int, Fault], None] | None = None) -> None:
        self._tell = tell
        self._counts: dict[tuple[str, Fault], int] = {}
        self._lines: dict[tuple[str, Fault], list[int]] = {}

    def add(self, file: str, line: int, fault: Fault) -> None:
        """One broken row."""
        key = (file, fault)
        self._counts[key] = self._counts.get(key, 0) + 1
        lines = self._lines.setdefault(key, [])
        if len(lines) < _SHOWN:
            lines.append(line)
        if self._tell is not None:
            self._tell(file, line, fault)

    @property
    def count(self) -> int:
        """How many problems there were; a row may have several."""
        return sum(self._counts.values())

    def counts(self) -> dict[str, int]:
        """How many of each kind, by the name of the fault in small letters."""
        made: dict[str, int] = {}
        for (_, fault), count in self._counts.items():
            made[fault.name.lower()] = made.get(fault.name.lower(), 0) + count
        return made

    def lines(self) -> Iterator[str]:
        """A line for each file and kind of problem.

        Examples:
            >>> problems = Problems()
            >>> problems.add("list.csv", 7, Fault.NUL)
            >>> list(problems.lines())
            ['list.csv:7: holds a NUL character (1 row)']
        """
        for (file, fault), count in self._counts.items():
            lines = self._lines[file, fault]
            where = ",".join(map(str, lines)) + (",…" if count > len(lines) else "")
            yield f"{file}:{where}: {fault.value} ({count:,} {'row' if count == 1 else 'rows'})"
