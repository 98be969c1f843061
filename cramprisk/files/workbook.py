"""Spreadsheets: one sheet, read by calamine, codes as they were typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cramprisk.errors import InputError, MissingExtraError
from cramprisk.files.batch import Batch, Cell, Rows, cell_text
from cramprisk.files.delimited import TextOptions
from cramprisk.files.dialect import has_header
from cramprisk.files.sheet_size import NotXlsxError, unfolded
from cramprisk.files.source import Source

__all__ = ["Workbook", "read_or_refused"]

_CELLS = 50_000
# Some thirty bytes each, two gigabytes in all. A full sheet has 64 columns then; one with more of both is no list.
_MOST_CELLS = 1 << 26
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Workbook:
    """A sheet of a spreadsheet: its columns, and its rows in batches.

    Attributes:
        names: Of the columns, as in the first row.
        said: What was found out and should be said.
    """

    def __init__(self, source: Source, options: TextOptions, sheet: str | None) -> None:
        try:
            from python_calamine import CalamineWorkbook
        except ImportError:
            raise MissingExtraError('spreadsheets need the extra "xlsx": pip install "cramprisk[xlsx]"') from None
        label = source.label
        self.said: list[str] = []
        self._damaged = f"{label}: the sheet cannot be read. Save it again as .xlsx or as CSV."
        _measure(source)
        with read_or_refused(f"{label}: is cut off or no spreadsheet. Save it again as .xlsx or as CSV."):
            book = CalamineWorkbook.from_filelike(source.file)
            names = list(book.sheet_names)
        if not names:
            raise InputError(f"{label}: holds no sheet. There is nothing to scan.")
        name = _chosen(names, sheet, label)
        if sheet is None and len(names) > 1:
            self.said.append(f"{label}: the first of {len(names)} sheets is read; --sheet names another")
        with read_or_refused(self._damaged):
            found = book.get_sheet_by_name(name)
        self.rows = found.height
        self._rows: Iterator[list[Any]] = iter(found.iter_rows())
        # Rows above the first filled one are skipped; a row is named as the spreadsheet numbers it.
        self._number = 1 if found.start is None else found.start[0] + 1
        with read_or_refused(self._damaged):
            head = [row for row, _ in zip(self._rows, range(50), strict=False)] if found.height else []
        if not head:
            raise InputError(f"{label}: the sheet is empty. There is nothing to scan.")
        first = [cell_text(_kept(cell)) for cell in head[0]]
        has = options.header
        if has is None:
            has = has_header([[cell_text(_kept(cell)) for cell in row] for row in head], options.wanted, options.is_entry)
            if not has:
                last = f" to column_{len(first)}" if len(first) > 1 else ""
                self.said.append(f"{label}: no header found: columns are column_1{last}")
        if has:
            self.names = [cell.strip() or f"column_{index + 1}" for index, cell in enumerate(first)]
            head = head[1:]
            self._number += 1
            self.rows -= 1
        else:
            self.names = [f"column_{index + 1}" for index in range(len(first))]
        self.width = len(self.names)
        self._head = head

    def batches(self) -> Iterator[Batch]:
        """The rows in order."""
        rows: list[list[Cell]] = []
        most = max(1, _CELLS // self.width)
        first = self._number
        with read_or_refused(self._damaged):
            for source in (self._head, self._rows):
                for row in source:
                    rows.append([_kept(cell) for cell in row])
                    if len(rows) >= most:
                        yield _batch(rows, first)
                        first += len(rows)
                        rows = []
        if rows:
            yield _batch(rows, first)


@contextmanager
def read_or_refused(message: str) -> Iterator[None]:
    """While the reader of spreadsheets is at work: what it fails with becomes an InputError with this message.

    A broken file may end it in a way that is no ordinary exception, a panic of its own language.
    """
    from python_calamine import CalamineError

    try:
        yield
    except (CalamineError, OSError, ValueError, OverflowError):
        raise InputError(message) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise InputError(message) from None


def _measure(source: Source) -> None:
    """Refuse a sheet whose last cell lies so far out that laying out the field before it takes all memory."""
    head = source.file.read(len(_COMPOUND))
    source.file.seek(0)
    if head == _COMPOUND:
        # The format of before 2007, whose sheets have no more than 65,536 rows of 256 cells.
        return
    try:
        for *_, cells in unfolded(source.file, plainly=True):
            if cells > _MOST_CELLS:
                raise InputError(
                    f"{source.label}: a sheet reaches over more than {_MOST_CELLS:,} cells. "
                    "Delete what lies far out, or save the list as CSV."
                )
    except NotXlsxError:
        raise InputError(f"{source.label}: is cut off or no spreadsheet. Save it again as .xlsx or as CSV.") from None
    source.file.seek(0)


def _batch(rows: list[list[Cell]], first: int) -> Rows:
    return Rows(rows, lambda index: first + index)


def _kept(cell: Any) -> Cell:
    """A cell as it was typed: calamine gives whole numbers as floats, and nothing as an empty text."""
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return cell  # type: ignore[no-any-return]


def _chosen(names: list[str], sheet: str | None, label: str) -> str:
    if sheet is None:
        return names[0]
    if sheet in names:
        return sheet
    folded = [name for name in names if name.casefold() == sheet.casefold()]
    if len(folded) == 1:
        return folded[0]
    if sheet.isdecimal() and 1 <= int(sheet) <= len(names):
        return names[int(sheet) - 1]
    raise InputError(f"--sheet: {label} has no such sheet. It has: {', '.join(names[:20])}.")
