"""Parquet files in batches; every column keeps its type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cramprisk.errors import InputError, MissingExtraError
from cramprisk.files.batch import Batch, Columns
from cramprisk.files.source import Source

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

    def __init__(self, source: Source) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise MissingExtraError('parquet files need the extra "parquet": pip install "cramprisk[parquet]"') from None
        self.said: list[str] = []
        self._label = source.label
        try:
            # Without pre_buffer, and through a buffer, a row group is never in memory as a whole.
            self._file = parquet.ParquetFile(source.file, pre_buffer=False, buffer_size=1 << 18)
            self.schema: pa.Schema = self._file.schema_arrow
        except (pa.ArrowException, OSError):
            raise InputError(f"{self._label}: is cut off or no parquet file. Fetch or write the file again.") from None
        self.names: list[str] = list(self.schema.names)
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
                yield Columns(table, lambda index, start=start: start + index)  # type: ignore[misc]
                first += table.num_rows
        except (pa.ArrowException, OSError):
            raise InputError(f"{self._label}: is damaged behind row {first - 1:,}. Fetch or write the file again.") from None
