"""Some rows of a file, as they pass from a reader to a writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cramprisk.files.source import latin

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MAX_CELL", "Batch", "Cell", "Columns", "Rows", "cell_text", "unique_names"]

Cell = str | bytes | int | float | bool | date | datetime | time | timedelta | Decimal | list[Any] | dict[str, Any] | None

MAX_CELL = 32_767
"""The longest cell that is read, in characters: the most that a cell of a spreadsheet holds. A longer one is no entry."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as lists of cells, as many as there are columns.

    Attributes:
        rows: The cells.
        line_of: The line (or row) of the file on which a row of the batch stands.
        unread: Rows whose cells cannot be told apart for sure; they are kept, and read as not understood.
        raw: The rows as they stood in a file of JSON lines, or None.
    """

    rows: list[list[Cell]]
    line_of: Callable[[int], int]
    unread: frozenset[int] = frozenset()
    raw: list[str] | None = None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows as Arrow columns; the attributes are those of :class:`Rows`."""

    table: pa.RecordBatch
    line_of: Callable[[int], int]
    unread: frozenset[int] = field(default_factory=frozenset)

    def __len__(self) -> int:
        return int(self.table.num_rows)


Batch = Rows | Columns


def cell_text(cell: Cell) -> str:
    """A cell as text; a whole number has no decimals, a date is ISO, bytes that are no UTF-8 are Windows-1252.

    Examples:
        >>> cell_text(617310.0), cell_text(0.5), cell_text(None), cell_text(date(2026, 11, 21))
        ('617310', '0.5', '', '2026-11-21')
    """
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, (list, dict)):
        import json

        return json.dumps(cell, ensure_ascii=False, default=cell_text)
    if isinstance(cell, bytes):
        try:
            return cell.decode()
        except UnicodeDecodeError:
            return latin(cell)
    return str(cell)


def unique_names(names: list[str]) -> list[str]:
    """The names, a repeated one with a number behind it.

    Examples:
        >>> unique_names(["drug", "drug", "drug_2", "drug"])
        ['drug', 'drug_3', 'drug_2', 'drug_4']
    """
    taken, seen = set(names), set()
    made = []
    for name in names:
        new, number = name, 2
        while new in seen or (new != name and new in taken):
            new, number = f"{name}_{number}", number + 1
        seen.add(new)
        made.append(new)
    return made
