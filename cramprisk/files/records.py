"""Records of delimited text, broken ones too: every line ends up in a row.

Plain Python, for what the quick parser refuses. It works on bytes, so that one row with bad bytes spoils no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cramprisk.files.problems import Fault
from cramprisk.files.source import latin

__all__ = ["Dialect", "Record", "conformed", "count_lines", "records"]

_OPEN_LINES = 1000
_ANY_END = re.compile(rb"\r\n|\r|\n")
_LOST = "\ufffd"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a text file are set apart.

    Attributes:
        delimiter: One byte.
        cr_only: Whether a carriage return alone ends a line, as on old Macintoshes.
    """

    delimiter: bytes
    cr_only: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the file.

    Attributes:
        cells: As text, quotes taken off.
        line: The line on which it begins, from 1.
        faults: What is wrong with it.
    """

    cells: list[str]
    line: int
    faults: tuple[Fault, ...] = ()


def count_lines(data: bytes, dialect: Dialect) -> int:
    """How many lines end in some text."""
    ended = data.count(b"\n")
    return ended + data.count(b"\r") - data.count(b"\r\n") if dialect.cr_only else ended


def _line_end(data: bytes, position: int, dialect: Dialect) -> tuple[int, int]:
    """Where the line from a position ends, and where the next begins; the latter is -1 if no line end was seen."""
    if dialect.cr_only:
        found = _ANY_END.search(data, position)
        return (found.start(), found.end()) if found else (len(data), -1)
    end = data.find(b"\n", position)
    if end < 0:
        return (len(data) - 1 if data.endswith(b"\r") and len(data) > position else len(data)), -1
    return (end - 1 if end > position and data[end - 1] == 13 else end), end + 1


def _closing(data: bytes, position: int) -> int:
    """Where the quote is that closes a quoted cell; -1 if there is none."""
    while True:
        position = data.find(b'"', position)
        if position < 0 or data[position + 1 : position + 2] != b'"':
            return position
        position += 2


def records(data: bytes, dialect: Dialect, line: int, width: int, *, final: bool) -> Iterator[tuple[Record, int]]:
    """The whole records in some text, each with the position behind it.

    A quoted cell may hold line ends when the record then has its `width`; an opening quote that is never closed spoils
    its own line only.

    Args:
        data: Text in UTF-8, from the beginning of a record.
        dialect: Of the file.
        line: The line on which it begins.
        width: How many cells a record should have; 0 if that is not known.
        final: Whether the text ends here; if not, a record that may go on is left.
    """
    position, size = 0, len(data)
    while position < size:
        found = _record(data, position, dialect, width, final)
        if found is None:
            return
        cells, after, odd = found
        faults = [Fault.QUOTES] if odd else []
        raw = data[position:after]
        texts, bad = _texts(cells)
        if bad:
            faults.append(Fault.BYTES)
        if b"\0" in raw:
            faults.append(Fault.NUL)
        if not bad and any(_LOST in text for text in texts if len(text) != 0 and not text.isascii()):
            faults.append(Fault.LOST)
        yield Record(texts, line, tuple(faults)), after
        line += count_lines(raw, dialect)
        position = after


def _record(data: bytes, position: int, dialect: Dialect, width: int, final: bool) -> tuple[list[bytes], int, bool] | None:
    """The cells of the record at a position, where the next begins, and whether its quotes are odd; None if it may go on."""
    mark = dialect.delimiter
    first_end, first_after = _line_end(data, position, dialect)
    if first_after < 0 and not final:
        return None
    after_line = first_after if first_after >= 0 else len(data)
    start, end, after = position, first_end, after_line
    if data.find(b'"', start, end) < 0:
        return data[start:end].split(mark), after, False
    cells: list[bytes] = []
    odd = False
    while True:
        if data[position : position + 1] == b'"' and position < end:
            close = _closing(data, position + 1)
            if close < 0:
                if not final and data.count(b"\n", position) <= _OPEN_LINES:
                    return None
                return data[start:first_end].split(mark), after_line, True
            if close > end:
                end, behind = _line_end(data, close + 1, dialect)
                if behind < 0 and not final:
                    return None
                after = behind if behind >= 0 else len(data)
            cell, next_position = data[position + 1 : close].replace(b'""', b'"'), close + 1
            if next_position < end and data[next_position : next_position + 1] != mark:
                if end != first_end:
                    return data[start:first_end].split(mark), after_line, True
                odd = True
                stop = data.find(mark, next_position, end)
                next_position = stop if stop >= 0 else end
                cell = data[position:next_position]
        else:
            stop = data.find(mark, position, end)
            next_position = stop if stop >= 0 else end
            cell = data[position:next_position]
            odd = odd or b'"' in cell
        cells.append(cell)
        if next_position >= end:
            break
        position = next_position + 1
    if end != first_end and width and len(cells) != width:
        return data[start:first_end].split(mark), after_line, True
    return cells, after, odd


def _texts(cells: list[bytes]) -> tuple[list[str], bool]:
    try:
        return [cell.decode() for cell in cells], False
    except UnicodeDecodeError:
        return [_mended(cell) for cell in cells], True


def _mended(cell: bytes) -> str:
    """The text of a cell, bytes that are no UTF-8 read as Windows-1252."""
    made = []
    while True:
        try:
            made.append(cell.decode())
            return "".join(made)
        except UnicodeDecodeError as error:
            made += [cell[: error.start].decode(), latin(cell[error.start : error.end])]
            cell = cell[error.end :]


def conformed(record: Record, width: int, delimiter: str) -> tuple[list[str], tuple[Fault, ...]]:
    """The cells of a record made as many as the header has, and what was wrong; no text is lost.

    Examples:
        >>> conformed(Record(["1", "Smith", " John", "hctz"], 9), 3, ",")[0]
        ['1', 'Smith', ' John,hctz']
    """
    cells, faults = record.cells, record.faults
    count = len(cells)
    if count == width:
        return cells, faults
    if count < width:
        blank = count == 1 and not cells[0].strip()
        return cells + [""] * (width - count), (*faults, Fault.BLANK if blank else Fault.FEW)
    if not any(cells[width:]):
        return cells[:width], (*faults, Fault.MANY_EMPTY)
    return [*cells[: width - 1], delimiter.join(cells[width - 1 :])], (*faults, Fault.MANY)
