"""A file that was opened on the page: its columns, and what each probably holds.

Nothing of a file is lost in silence: a first row is taken for headings only if a cell of it has nothing but words of
headings, and a file that is too large is refused, not cut. It is read in memory and leaves no trace on a disk. A spreadsheet
is measured before it is opened, since a small one can unfold without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any

from cramprisk.checker import Checker
from cramprisk.errors import InputError, MissingExtraError
from cramprisk.files.batch import cell_text
from cramprisk.files.dialect import dialect_of
from cramprisk.files.records import records
from cramprisk.files.sheet_size import unfolded
from cramprisk.files.source import encoding_of, latin
from cramprisk.files.workbook import read_or_refused
from cramprisk.model import Kind, Match, Method, Status

__all__ = ["MAX_FILE_BYTES", "Column", "columns_of", "opened"]

MAX_FILE_BYTES = 2 * 1024 * 1024
_MOST_ROWS = 500
_MOST_COLUMNS = 60
_MOST_LINES = 4 * _MOST_ROWS
# Empty cells that carry a format count too: a sheet of Google's has 26,000 from the start.
_MOST_CELLS = 1_000_000
_MOST_UNPACKED = 40 * 1024 * 1024
_SAMPLE = 40
_HEADING = re.compile(
    r"(?:(?:medications?|medicines?|meds|drugs?|products?|brand|generic|ingredient|substance|names?|description|items?|dose|dosage|"
    r"strength|sig|directions|instructions|frequency|route|form|unit|units|quantity|qty|conditions?|diagnos[ie]s|problems?|indications?|"
    r"reason|comorbidit(?:y|ies)|started|start|stopped|stop|end|date|since|status|codes?|rxcui|ndc|atc|icd|snomed|patient|id|nr|number|"
    r"comments?|notes?|prescriber|text|entry|entries|list|current|active|of|the|for)[\W_]*)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file.

    Attributes:
        name: Its heading, or its number.
        entries: Its cells that are not empty, in order.
        kind: What most of it reads as, if no other column does so more; None if neither.
    """

    name: str
    entries: tuple[str, ...]
    kind: Kind | None = None

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {"name": self.name, "entries": list(self.entries), "kind": self.kind.value if self.kind else None}


def opened(content: bytes, kind: str, checker: Checker) -> dict[str, Any]:
    r"""The columns of a file, as the page asks for them.

    Args:
        content: The file.
        kind: What its name ends with: ``csv``, ``tsv``, ``txt`` or ``xlsx``.
        checker: Says which column holds medicines and which conditions.

    Raises:
        InputError: The file is of another kind, too large, damaged or empty.
        MissingExtraError: A spreadsheet was given, and what reads it is not installed.

    Examples:
        >>> [column["name"] for column in opened(b"drug;dose\nLasix;40 mg\n", "csv", Checker.default())["columns"]]
        ['drug', 'dose']
    """
    return {"columns": [column.to_dict() for column in columns_of(content, kind, checker)]}


def columns_of(content: bytes, kind: str, checker: Checker) -> list[Column]:
    """The columns of a file that hold anything, with what each probably is; see :func:`opened`."""
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"more than {MAX_FILE_BYTES // 1024} kB. Check long lists with the command line.")
    if kind == "xlsx":
        columns = [column for name, rows in _sheets(content) for column in _columns(rows, name)]
    elif kind in ("csv", "tsv"):
        columns = _columns(_rows(_text(content), b"\t" if kind == "tsv" else None))
    elif kind == "txt":
        # As on the command line: a line that begins with # is a remark.
        columns = [
            Column("lines", tuple(line for line in _lines(_text(content)) if line.strip() and not line.lstrip().startswith("#")))
        ]
    else:
        raise InputError("it is no file of the kinds csv, tsv, txt or xlsx.")
    columns = [column for column in columns if column.entries]
    if not columns:
        raise InputError("it holds no entry.")
    if len(columns) > _MOST_COLUMNS or any(len(column.entries) > _MOST_ROWS for column in columns):
        raise InputError(f"more than {_MOST_ROWS} rows or {_MOST_COLUMNS} columns. Check long lists with the command line.")
    return _guessed(columns, checker)


# ---------------------------------------------------------------------- text


def _text(content: bytes) -> bytes:
    """The file as UTF-8, without a mark at its beginning."""
    encoding, mark, _ = encoding_of(content)
    if encoding == "utf-8":
        text = content[mark:]
    elif encoding == "cp1252":
        text = latin(content).encode()
    else:
        text = content[mark:].decode(encoding, errors="replace").encode()
    if b"\0" in text:
        raise InputError("it is no text.")
    return text


def _lines(text: bytes) -> Iterator[str]:
    for line in text.splitlines():
        try:
            yield line.decode()
        except UnicodeDecodeError:
            # One line with bad bytes spoils no other.
            yield latin(line)


def _rows(text: bytes, delimiter: bytes | None) -> list[list[str]]:
    found = records(text, dialect_of(text, final=True, delimiter=delimiter), 1, 0, final=True)
    # Empty rows are left aside later; a file of nothing else is not read to its end.
    rows = [record.cells for record, _ in islice(found, _MOST_LINES + 1)]
    if len(rows) > _MOST_LINES:
        raise InputError(f"more than {_MOST_LINES} rows. Check long lists with the command line.")
    return rows


# ---------------------------------------------------------------------- spreadsheets


def _sheets(content: bytes) -> Iterator[tuple[str, list[list[str]]]]:
    """The sheets of a workbook; the name of a sheet is empty if there is one only."""
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise MissingExtraError('python-calamine reads spreadsheets. Install it: pip install "cramprisk[xlsx]".') from None
    _measure(content)
    with read_or_refused("the spreadsheet is damaged, locked with a password, or of another format than xlsx."):
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        sheets = [(name, workbook.get_sheet_by_name(name).to_python()) for name in workbook.sheet_names]
    filled = [(name, rows) for name, rows in sheets if any(cell != "" for row in rows for cell in row)]
    for name, rows in filled:
        yield (name if len(filled) > 1 else ""), [[cell_text(cell) for cell in row] for row in rows]


def _measure(content: bytes) -> None:
    """Refuse a workbook that unfolds to more than a list can hold."""
    for unpacked, cells, _ in unfolded(BytesIO(content)):
        if unpacked > _MOST_UNPACKED:
            raise InputError("the spreadsheet is too large. Check long lists with the command line.")
        # One cell far out would make the reader lay out the whole field before it.
        if cells > _MOST_CELLS:
            raise InputError(f"the spreadsheet has more than {_MOST_CELLS:,} cells. Check long lists with the command line.")


# ---------------------------------------------------------------------- columns


def _columns(rows: Sequence[Sequence[str]], sheet: str = "") -> list[Column]:
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    width = max(map(len, filled), default=0)
    if width > _MOST_COLUMNS or len(filled) > _MOST_ROWS + 1:
        raise InputError(f"more than {_MOST_ROWS} rows or {_MOST_COLUMNS} columns. Check long lists with the command line.")
    headed = bool(filled) and any(_HEADING.fullmatch(cell.strip()) for cell in filled[0])
    names = [" ".join(cell.split())[:80] for cell in filled[0]] if headed else []
    columns = []
    for index in range(width):
        name = (names[index] if index < len(names) else "") or f"column {index + 1}"
        cells = (row[index].strip() for row in filled[headed:] if index < len(row))
        columns.append(Column(f"{sheet}: {name}" if sheet else name, tuple(cell for cell in cells if cell)))
    return columns


def _guessed(columns: Sequence[Column], checker: Checker) -> list[Column]:
    """The columns, the one that reads most as medicines and the one that reads most as conditions marked so."""
    shares = {kind: [_share(column, kind, checker) for column in columns] for kind in Kind}
    kinds: dict[int, Kind] = {}
    for kind, other in ((Kind.DRUG, Kind.CONDITION), (Kind.CONDITION, Kind.DRUG)):
        best = max(range(len(columns)), key=lambda index: shares[kind][index])
        if shares[kind][best] > max(0.3, shares[other][best]):
            kinds[best] = kind
    return [Column(column.name, column.entries, kinds.get(index)) for index, column in enumerate(columns)]


def _share(column: Column, kind: Kind, checker: Checker) -> float:
    """How much of a column is read as a kind by name: codes count for little, since numbers of any kind may be some."""
    sample = list(dict.fromkeys(column.entries))[:_SAMPLE]
    return sum(_weight(match) for match in checker.normalize_many(sample, kind)) / len(sample)


def _weight(match: Match) -> float:
    if match.status is Status.AMBIGUOUS:
        return 0.5
    if match.status is not Status.MATCHED:
        return 0.0
    return 0.3 if match.method is Method.CODE else 1.0
