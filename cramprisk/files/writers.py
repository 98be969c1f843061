"""Writers of the output: every format takes batches and what was found for their rows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Protocol

from cramprisk.columns import COLUMNS, Reading
from cramprisk.errors import InputError, MissingExtraError
from cramprisk.files.answers import Answers, Rendering
from cramprisk.files.batch import Batch, Cell, Columns, Rows, cell_text, unique_names
from cramprisk.files.behind import Behind
from cramprisk.files.target import Target
from cramprisk.guard import guarded

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Added", "Writer", "as_rows", "as_text_rows", "reading_values", "writer_for"]


@dataclass(frozen=True, slots=True)
class Added:
    """The columns that one kind adds.

    Attributes:
        names: Of the columns.
        answers: Where the readings are.
    """

    names: tuple[str, ...]
    answers: Answers


def reading_values(reading: Reading) -> tuple[Cell, ...]:
    """The cells that a reading adds, in the order of :data:`~cramprisk.columns.COLUMNS`; the score has one decimal."""
    values = [getattr(reading, column) for column in COLUMNS]
    return tuple(round(value, 1) if isinstance(value, float) else value for value in values)


class Writer(Protocol):
    """Writes batches to one file."""

    def write(self, batch: Batch, found: Sequence[Any]) -> None:
        """Write rows.

        Args:
            batch: The rows.
            found: For each :class:`Added` the numbers of the readings of the rows.
        """

    def end(self) -> None:
        """Write what is still held back."""

    def discard(self) -> None:
        """Let go of what is held, before the file that is written to is closed; after :meth:`end` nothing is."""


def as_rows(batch: Batch) -> list[list[Cell]]:
    """The cells of a batch, row by row."""
    if isinstance(batch, Rows):
        return batch.rows
    from cramprisk.files.arrow_text import cells_of

    return [list(row) for row in zip(*map(cells_of, batch.table.columns), strict=True)]


def as_text_rows(batch: Batch) -> list[list[str]]:
    """The cells of a batch as texts, row by row."""
    return [[cell_text(cell) for cell in row] for row in as_rows(batch)]


def writer_for(
    form: str, target: Target, names: list[str], added: Sequence[Added], *, raw: bool, schema: Any = None, delimiter: str = ","
) -> Writer:
    """The writer of a format.

    Args:
        form: One of :data:`~cramprisk.files.source.FORMATS`.
        target: Where to.
        names: Of the columns of the input.
        added: What is added to them.
        raw: Whether formulas are left as they are.
        schema: Types of the columns of the input, where it has them.
        delimiter: Of a CSV file.

    Raises:
        MissingExtraError: The package that writes it is missing.
    """
    if form in ("csv", "tsv", "txt"):
        return TextWriter(target.file, delimiter if form == "csv" else "\t", names, added, raw=raw)
    if form == "ndjson":
        return JsonLinesWriter(target.file, names, added)
    if form == "xlsx":
        return WorkbookWriter(target, names, added, raw=raw)
    return ParquetWriter(target.file, names, added, schema)


# ---------------------------------------------------------------------- delimited text


class TextWriter:
    """CSV and the like: UTF-8, LF, quoted where needed."""

    def __init__(self, file: IO[bytes], delimiter: str, names: list[str], added: Sequence[Added], *, raw: bool) -> None:
        self._file, self._delimiter, self._raw = file, delimiter, raw
        self._special = re.compile(f'["{re.escape(delimiter)}\r\n]')
        self._tails = [
            Rendering(one.answers, lambda reading, end=end: self._tail(reading) + end)  # type: ignore[misc]
            for one, end in zip(added, [""] * (len(added) - 1) + ["\n"], strict=True)
        ] if added else []  # fmt: skip
        self._line([*names, *(name for one in added for name in one.names)])

    def _cell(self, cell: Cell) -> str:
        text = cell_text(cell)
        if not self._raw and isinstance(cell, str):
            text = guarded(text)
        return '"' + text.replace('"', '""') + '"' if self._special.search(text) else text

    def _tail(self, reading: Reading) -> str:
        return self._delimiter.join(
            str(value) if type(value) is float else self._cell(value) for value in reading_values(reading)
        )

    def _line(self, cells: Sequence[Cell]) -> None:
        if sum(len(cell) for cell in cells if isinstance(cell, str)) < 1 << 20:
            self._file.write((self._delimiter.join(map(self._cell, cells)) + "\n").encode("utf-8", "replace"))
            return
        # A giant cell is not copied together with its row.
        for index, cell in enumerate(cells):
            if index:
                self._file.write(self._delimiter.encode())
            self._file.write(self._cell(cell).encode("utf-8", "replace"))
        self._file.write(b"\n")

    def write(self, batch: Batch, found: Sequence[Any]) -> None:
        """Write rows."""
        tails = [tail.values for tail in self._tails]
        if isinstance(batch, Columns):
            self._write_columns(batch.table, found)
            return
        for index, row in enumerate(batch.rows):
            if not tails:
                self._line(row)
                continue
            ends = self._delimiter.join(tail[numbers[index]] for tail, numbers in zip(tails, found, strict=True))
            if sum(len(cell) for cell in row if isinstance(cell, str)) < 1 << 20:
                text = self._delimiter.join(map(self._cell, row)) + self._delimiter + ends
                self._file.write(text.encode("utf-8", "replace"))
                continue
            for cell in row:
                self._file.write(self._cell(cell).encode("utf-8", "replace"))
                self._file.write(self._delimiter.encode())
            self._file.write(ends.encode("utf-8", "replace"))

    def _write_columns(self, table: pa.RecordBatch, found: Sequence[Any]) -> None:
        import pyarrow as pa
        from pyarrow import compute as pc

        from cramprisk.files.arrow_text import csv_cells

        cells = [csv_cells(column, self._delimiter, raw=self._raw) for column in table.columns]
        for tail, numbers in zip(self._tails, found, strict=True):
            cells.append(tail.array(lambda values: pa.array(values, pa.string())).take(pa.array(numbers)))
        if not self._tails:
            cells[-1] = pc.binary_join_element_wise(cells[-1], "\n", "", null_handling="replace", null_replacement="")
        lines = pc.binary_join_element_wise(*cells, self._delimiter, null_handling="replace", null_replacement="")
        if len(lines):
            *_, offsets, data = lines.buffers()
            size = memoryview(offsets).cast("i")[len(lines)]
            self._file.write(memoryview(data)[:size])

    def end(self) -> None:
        """Nothing is held back."""

    def discard(self) -> None:
        """Nothing is held."""


# ---------------------------------------------------------------------- JSON lines


class JsonLinesWriter:
    """One object a line; an object that was read is kept as it was written, with the new keys behind its own."""

    def __init__(self, file: IO[bytes], names: list[str], added: Sequence[Added]) -> None:
        self._file = file
        self._names = unique_names(names)
        self._tails = [
            Rendering(
                one.answers,
                lambda reading, names=one.names: json.dumps(  # type: ignore[misc]
                    dict(zip(names, reading_values(reading), strict=True)), ensure_ascii=False
                )[1:-1],
            )
            for one in added
        ]

    def write(self, batch: Batch, found: Sequence[Any]) -> None:
        """Write rows."""
        tails = [tail.values for tail in self._tails]
        raw = batch.raw if isinstance(batch, Rows) and batch.raw is not None else None
        lines = []
        for index, row in enumerate(as_rows(batch) if raw is None else raw):
            if isinstance(row, str):
                body = row.rstrip()
            else:
                body = json.dumps(_json_value(dict(zip(self._names, row, strict=True))), ensure_ascii=False)
            body = body[:-1].rstrip()
            ends = [tail[numbers[index]] for tail, numbers in zip(tails, found, strict=True)]
            lines.append(", ".join(ends if body == "{" else [body, *ends]))
            if body == "{":
                lines[-1] = "{" + lines[-1]
        self._file.write("".join(line + "}\n" for line in lines).encode("utf-8", "replace"))

    def end(self) -> None:
        """Nothing is held back."""

    def discard(self) -> None:
        """Nothing is held."""


def _json_value(cell: Any) -> Any:
    """A cell as JSON has it, also what is inside it; JSON has no NaN and nothing infinite."""
    if isinstance(cell, dict):
        return {key: _json_value(inner) for key, inner in cell.items()}
    if isinstance(cell, (list, tuple)):
        return [_json_value(inner) for inner in cell]
    if isinstance(cell, float) and not math.isfinite(cell):
        return None if math.isnan(cell) else cell_text(cell)
    return cell if cell is None or isinstance(cell, (str, int, float, bool)) else cell_text(cell)


# ---------------------------------------------------------------------- spreadsheets

_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384


class WorkbookWriter:
    """A spreadsheet of one sheet; texts stay texts, numbers numbers, and nothing is run as a formula."""

    def __init__(self, target: Target, names: list[str], added: Sequence[Added], *, raw: bool) -> None:
        try:
            import xlsxwriter
        except ImportError:
            raise MissingExtraError('spreadsheets need the extra "xlsx": pip install "cramprisk[xlsx]"') from None
        self._target, self._raw = target, raw
        all_names = [*names, *(name for one in added for name in one.names)]
        if len(all_names) > _MOST_COLUMNS:
            raise InputError(f"{target.label}: {len(all_names):,} columns are more than a sheet holds. Write csv or parquet.")
        # Beside the target, not in a place that others may look into.
        settings = {"constant_memory": True, "tmpdir": target.scratch(), "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(target.file, settings)
        self._dates = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._times = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet = self._book.add_worksheet("scan")
        self._sheet.freeze_panes(1, 0)
        self._row = 0
        self._tails = [Rendering(one.answers, reading_values) for one in added]
        self._line(all_names)

    def _line(self, cells: Sequence[Cell]) -> None:
        if self._row >= _MOST_ROWS:
            raise InputError(f"{self._target.label}: a sheet holds {_MOST_ROWS - 1:,} rows. Write csv or parquet.")
        for column, cell in enumerate(cells):
            if self._write(column, cell) < 0:
                raise InputError(
                    f"{self._target.label}: row {self._row:,} has a cell of over 32,767 characters, more than a sheet holds. "
                    "Write csv or parquet."
                )
        self._row += 1

    def _write(self, column: int, cell: Cell) -> int:
        from datetime import date, datetime

        row, sheet = self._row, self._sheet
        if cell is None or cell == "":
            return 0
        if isinstance(cell, bool):
            return int(sheet.write_boolean(row, column, cell))
        # A sheet keeps fifteen digits of a number; a longer code is text.
        if isinstance(cell, (int, float)) and abs(cell) < 1e15:
            return int(sheet.write_number(row, column, cell))
        if isinstance(cell, (date, datetime)) and cell.year >= 1900:
            plain = cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell
            return int(sheet.write_datetime(row, column, plain, self._times if isinstance(cell, datetime) else self._dates))
        text = cell_text(cell)
        return int(sheet.write_string(row, column, text if self._raw or not isinstance(cell, str) else guarded(text)))

    def write(self, batch: Batch, found: Sequence[Any]) -> None:
        """Write rows."""
        tails = [tail.values for tail in self._tails]
        for index, row in enumerate(as_rows(batch)):
            self._line([*row, *(cell for tail, numbers in zip(tails, found, strict=True) for cell in tail[numbers[index]])])

    def end(self) -> None:
        """Put the sheet into the file."""
        from xlsxwriter.exceptions import FileCreateError

        try:
            self._book.close()
        except FileCreateError as error:
            cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else OSError(0, "the sheet is not whole")
            raise cause from None
        finally:
            self.discard()

    def discard(self) -> None:
        """Close the file that holds the rows until the end; the folder is the target's."""
        rows = getattr(self._sheet, "row_data_fh", None)
        if rows is not None:
            with suppress(OSError):
                rows.close()


# ---------------------------------------------------------------------- parquet

_GROUP_ROWS, _GROUP_BYTES = 1 << 17, 12 << 20


class ParquetWriter:
    """Parquet: columns of the input as they are, the added texts dictionary-encoded."""

    def __init__(self, file: IO[bytes], names: list[str], added: Sequence[Added], schema: Any) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise MissingExtraError('parquet files need the extra "parquet": pip install "cramprisk[parquet]"') from None
        text = pa.dictionary(pa.int32(), pa.string())
        own = (
            [field.with_name(name) for field, name in zip(schema, unique_names(names), strict=True)]
            if schema is not None
            else [pa.field(name, pa.string()) for name in unique_names(names)]
        )
        types = {"flagged": pa.bool_(), "contested": pa.bool_(), "score": pa.float64()}
        new = [pa.field(name, types.get(column, text)) for one in added for name, column in zip(one.names, COLUMNS, strict=True)]
        self._own = pa.schema(own)
        self._schema = pa.schema([*own, *new], metadata=schema.metadata if schema is not None else None)
        self._writer = parquet.ParquetWriter(file, self._schema)
        self._typed = schema is not None
        self._held: list[Any] = []
        self._rows = self._bytes = 0
        self._behind = Behind()
        self._columns = [
            Rendering(one.answers, lambda reading, index=index: reading_values(reading)[index])  # type: ignore[misc]
            for one in added
            for index in range(len(COLUMNS))
        ]

    def write(self, batch: Batch, found: Sequence[Any]) -> None:
        """Write rows."""
        import pyarrow as pa

        from cramprisk.files.arrow_text import plain_text, taken

        if isinstance(batch, Columns):
            own = batch.table.columns if self._typed else [plain_text(column) for column in batch.table.columns]
        else:
            rows = [[None if cell is None else cell_text(cell) for cell in row] for row in batch.rows]
            own = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        new = []
        for position, column in enumerate(self._columns):
            field = self._schema.field(len(self._own) + position)
            new.append(taken(column, found[position // len(COLUMNS)], field.type))
        held = pa.RecordBatch.from_arrays([*own, *new], schema=self._schema)
        self._held.append(held)
        self._rows += held.num_rows
        self._bytes += sum(column.nbytes for column in own)
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._held:
            self._behind.do(partial(self._write_group, pa.Table.from_batches(self._held), self._rows))
            self._held, self._rows, self._bytes = [], 0, 0

    def _write_group(self, table: pa.Table, rows: int) -> None:
        import pyarrow as pa

        self._writer.write_table(table.unify_dictionaries(), row_group_size=rows)
        del table
        pa.default_memory_pool().release_unused()

    def end(self) -> None:
        """Write the last rows and the footer."""
        self._flush()
        self._behind.wait()
        self._writer.close()

    def discard(self) -> None:
        """Close pyarrow's writer, which would do so when it is forgotten, and say on standard error that it cannot."""
        self._behind.end()
        with suppress(OSError, ValueError):
            self._writer.close()
        self._writer.is_open = False
