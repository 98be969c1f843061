"""Parquet files in batches; every column keeps its type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cramprisk.errors import InputError, MissingExtraError
from cramprisk.files.batch import Batch, Columns
from cramprisk.files.problems import Fault, Problems
from cramprisk.files.source import Source, latin

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Parquet"]

_MOST_ROWS = 1 << 15
_BYTES = 6 << 20
_PROBE = 256


class Parquet:
    """A parquet file: its columns, and its rows in batches.

    Attributes:
        names: Of the columns.
        schema: Their types.
        said: What should be said; nothing.
    """

    def __init__(self, source: Source, problems: Problems) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise MissingExtraError('parquet files need the extra "parquet": pip install "cramprisk[parquet]"') from None
        self.said: list[str] = []
        self._label, self._problems = source.label, problems
        try:
            # Without pre_buffer, and through a buffer, a row group is never in memory as a whole.
            self._file = parquet.ParquetFile(source.file, pre_buffer=False, buffer_size=1 << 18)
            self.schema: pa.Schema = self._file.schema_arrow
            self.names: list[str] = list(self.schema.names)
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            raise InputError(f"{self._label}: is cut off or no parquet file. Fetch or write the file again.") from None
        self.width = len(self.names)
        self.rows = self._file.metadata.num_rows
        if not self.names:
            raise InputError(f"{self._label}: has no column. There is nothing to scan.")

    def batches(self) -> Iterator[Batch]:
        """The rows in order."""
        import pyarrow as pa

        first = 1
        try:
            # Texts that are long but repeated are small in the file: what a row takes in memory is tried out.
            probe = next(self._file.iter_batches(_PROBE), None)
            if probe is None or not probe.num_rows:
                return
            rows = max(1, min(_MOST_ROWS, _BYTES * probe.num_rows // max(1, probe.nbytes)))
            for table in self._file.iter_batches(rows, use_threads=True):
                start = first
                yield Columns(self._mended(table, start), lambda index, start=start: start + index)  # type: ignore[misc]
                first += table.num_rows
        except (pa.ArrowException, OSError):
            raise InputError(f"{self._label}: is damaged behind row {first - 1:,}. Fetch or write the file again.") from None

    def _mended(self, table: pa.RecordBatch, first: int) -> pa.RecordBatch:
        """The rows with texts that can be read: what Arrow holds for a text may be any bytes, if another program wrote it."""
        import pyarrow as pa

        columns = list(table.columns)
        spoilt: set[int] = set()
        for place, column in enumerate(table.columns):
            if _sound(column):
                continue
            columns[place], rows = _mended_texts(column)
            if not _sound(columns[place]):
                name = self.names[place]
                raise InputError(f"{self._label}: {name}: is damaged, or its texts are not UTF-8. Write the file again.")
            spoilt |= rows
        for row in sorted(spoilt):
            self._problems.add(self._label, first + row, Fault.BYTES)
        return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _sound(column: pa.Array | None) -> bool:
    import pyarrow as pa

    try:
        if column is not None:
            column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return column is not None


def _mended_texts(column: pa.Array) -> tuple[Any, set[int]]:
    """A column of texts, of the same type, with bytes that are no UTF-8 read as Windows-1252, and the rows that had some.

    None in place of the column if it is none of texts.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        dictionary, wrong = _mended_texts(column.dictionary)
        if dictionary is None:
            return None, set()
        codes = column.indices.to_pylist()
        return (
            pa.DictionaryArray.from_arrays(column.indices, dictionary, ordered=kind.ordered),
            {row for row, code in enumerate(codes) if code in wrong},
        )
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        return None, set()
    cells: list[str | None] = []
    rows: set[int] = set()
    for row, cell in enumerate(column.cast(pa.large_binary()).to_pylist()):
        try:
            cells.append(None if cell is None else cell.decode())
        except UnicodeDecodeError:
            rows.add(row)
            cells.append(latin(cell))
    return pa.array(cells, kind), rows
