"""Lines and small tables for a terminal: wrapped to its width, with colour only where it is wanted.

A report of ten lines has to be there at once; the library that draws our progress bars takes longer to load than the
whole check. What is needed here is little: text columns, wide letters (East Asian scripts), bold.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence

__all__ = ["Page"]

_DEFAULT_WIDTH = 100
_NARROWEST = 40
_STYLES = {"bold": "1", "red": "1;31", "green": "1;32", "yellow": "1;33", "dim": "2", "italic": "3"}


class Page:
    """Writes to standard output, as wide as the terminal (100 where there is none, or what COLUMNS says)."""

    def __init__(self) -> None:
        terminal = sys.stdout.isatty()
        columns = os.environ.get("COLUMNS", "")
        if columns.isdigit() and int(columns) > 0:
            self.width = max(_NARROWEST, int(columns))
        elif terminal:
            self.width = max(_NARROWEST, os.get_terminal_size(sys.stdout.fileno()).columns)
        else:
            self.width = _DEFAULT_WIDTH
        self._colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """Write a text, wrapped; an empty one is an empty line."""
        for line in _folded(text, self.width - indent):
            sys.stdout.write(f"{' ' * indent}{self._styled(line, style)}".rstrip() + "\n")

    def table(self, title: str, style: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table: title, headers, a rule, the rows; the last column takes what room is left."""
        widths = self._widths([headers, *rows])
        self.line(title, style)
        self.line()
        sys.stdout.write(self._row(headers, widths, "bold"))
        sys.stdout.write(" " + "─" * (sum(widths) + 3 * len(widths) - 1) + "\n")
        for row in rows:
            sys.stdout.write(self._row(row, widths, ""))
        self.line()

    def _widths(self, rows: Sequence[Sequence[str]]) -> list[int]:
        """As wide as the widest cell where that fits; else every column but the last is kept to a quarter of the room."""
        natural = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        room = self.width - 3 * len(natural)
        if sum(natural) <= room:
            return natural
        widths = [min(width, room // 4) for width in natural[:-1]]
        return [*widths, max(room // 4, min(natural[-1], room - sum(widths)))]

    def _row(self, cells: Sequence[str], widths: Sequence[int], style: str) -> str:
        columns = [list(_folded(cell, width)) for cell, width in zip(cells, widths, strict=True)]
        lines = []
        for index in range(max(map(len, columns))):
            parts = []
            for column, width in zip(columns, widths, strict=True):
                text = column[index] if index < len(column) else ""
                parts.append(self._styled(text, style) + " " * (width - _width(text)))
            lines.append("  " + "   ".join(parts).rstrip() + "\n")
        return "".join(lines)

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if text and style and self._colour else text


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _folded(text: str, width: int) -> Iterator[str]:
    """The lines of a text that is broken at spaces, and within a word that is longer than a line."""
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if _width(joined) <= width:
            line = joined
            continue
        if line:
            yield line
        line = word
        while _width(line) > width:
            fits = 1
            while fits < len(line) and _width(line[: fits + 1]) <= width:
                fits += 1
            yield line[:fits]
            line = line[fits:]
    yield line
