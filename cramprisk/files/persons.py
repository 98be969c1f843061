"""What the report of each person shows, from files: the rows of a person brought together in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from cramprisk.checker import Checker
from cramprisk.errors import MissingExtraError
from cramprisk.files.batch import Columns
from cramprisk.files.decisions import Decision, decided_texts
from cramprisk.files.source import format_of
from cramprisk.files.target import Target
from cramprisk.files.writers import writer_for
from cramprisk.frames import findings
from cramprisk.json_objects import whole_letters
from cramprisk.model import Kind

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Persons"]

_HELD, _HELD_BYTES = 250_000, 32 << 20
"""Rows that are held in memory, and their bytes; where there are more, all lie in files beside the target."""
_SHARES = 64
"""So many files: each person is in one of them."""
_READ, _READ_BYTES = 50_000, 8 << 20
"""Rows that are read again at a time, and their bytes, more or less; a person is never divided."""
_PERSON, _ROW = "person", "row"


class Persons:
    """The entries of persons, kept until all rows were read.

    Args:
        target: Where the findings are written.
        checker: Over which tables.
        kinds: What the columns of entries are, in order.
        name: Of the column of the person.
        decisions: From :func:`~cramprisk.files.decisions.read_decisions`.
        raw: Whether formulas are left as they are.

    Raises:
        MissingExtraError: pyarrow is missing.
    """

    def __init__(
        self,
        target: Target,
        checker: Checker,
        kinds: Sequence[Kind],
        name: str,
        *,
        decisions: Mapping[tuple[Kind, str], Decision],
        raw: bool,
    ) -> None:
        try:
            import pyarrow as pa
        except ImportError:
            raise MissingExtraError('--findings needs the extra "parquet": pip install "cramprisk[parquet]"') from None
        self._target, self._checker, self._kinds, self._name = target, checker, list(kinds), name
        self._decisions, self._raw = decisions, raw
        texts = [(_PERSON, pa.string()), *((kind.value, pa.string()) for kind in kinds)]
        self._schema = pa.schema([*texts, (_ROW, pa.int64())])
        self._held: list[pa.RecordBatch] = []
        self._held_rows = self._held_bytes = self._rows = 0
        self._shares: list[tuple[Any, Any]] = []
        self._sizes = np.zeros((_SHARES, 2))
        self.lines = 0

    def add(self, persons: Any, entries: Sequence[Any]) -> None:
        """Rows, in their order.

        Args:
            persons: Whose they are, as texts; a row where this is empty is a person of its own.
            entries: For each kind its texts.
        """
        import pyarrow as pa
        from pyarrow import compute as pc

        whose = _text(persons)
        whose = pc.if_else(pc.equal(pc.utf8_trim_whitespace(whose), ""), None, whose)
        rows = pa.array(np.arange(self._rows, self._rows + len(whose)))
        held = pa.RecordBatch.from_arrays([whose, *map(_text, entries), rows], schema=self._schema)
        self._held.append(held)
        self._rows += held.num_rows
        self._held_rows += held.num_rows
        self._held_bytes += held.nbytes
        if self._held_rows >= _HELD or self._held_bytes >= _HELD_BYTES:
            try:
                self._spill()
            except OSError as error:
                raise self._target.failure(error) from None

    def _spill(self) -> None:
        """Bring what is held into the files, each person's rows into one."""
        import pyarrow as pa

        if not self._shares:
            folder = Path(self._target.scratch() or "")
            for number in range(_SHARES):
                file = (folder / f"{number}.arrow").open("wb")
                self._shares.append((file, pa.ipc.new_stream(file, self._schema)))
        table = pa.Table.from_batches(self._held)
        shares = _numbers(table) % _SHARES
        order = np.argsort(shares, kind="stable")
        ends = np.searchsorted(shares[order], np.arange(_SHARES + 1))
        for number, (_, writer) in enumerate(self._shares):
            if ends[number] < ends[number + 1]:
                writer.write_table(table.take(pa.array(order[ends[number] : ends[number + 1]])))
        rows = np.diff(ends)
        self._sizes += np.column_stack([rows, rows * (self._held_bytes / self._held_rows)])
        self._held, self._held_rows, self._held_bytes = [], 0, 0

    def write(self) -> None:
        """Write the findings of all persons."""
        import pyarrow as pa

        if not self._shares:
            self._write([pa.Table.from_batches(self._held, self._schema)])
            return
        if self._held:
            self._spill()
        for file, stream in self._shares:
            stream.close()
            file.close()
        self._write(table for number in range(_SHARES) for table in self._read(number))

    def _read(self, number: int) -> Iterator[pa.Table]:
        """The rows of one file; of a large one in parts."""
        import pyarrow as pa

        rows, size = self._sizes[number]
        parts = max(1, int(np.ceil(max(rows / _READ, size / _READ_BYTES))))
        for part in range(parts):
            with (Path(self._target.scratch() or "") / f"{number}.arrow").open("rb") as file:
                batches = (pa.Table.from_batches([batch]) for batch in pa.ipc.open_stream(file))
                found = [one.filter(pa.array(_numbers(one) // _SHARES % parts == part)) for one in batches]
            yield pa.concat_tables([self._schema.empty_table(), *found])

    def _write(self, shares: Iterable[pa.Table]) -> None:
        form = format_of(self._target.label)[0] or "csv"
        writer = None
        try:
            for share in shares:
                found = self._found(share)
                if writer is None:
                    schema = found.schema if form == "parquet" else None
                    writer = writer_for(form, self._target, found.column_names, [], raw=self._raw, schema=schema)
                for batch in found.to_batches(max_chunksize=50_000):
                    writer.write(Columns(batch, lambda row: row), [])
                self.lines += found.num_rows
            assert writer is not None
            writer.end()
        finally:
            if writer is not None:
                writer.discard()

    def _found(self, share: pa.Table) -> pa.Table:
        """The findings of some persons, as they are written."""
        import pyarrow as pa
        from pyarrow import compute as pc

        for kind in self._kinds if self._decisions else ():
            column = share.column(kind.value).combine_chunks().dictionary_encode()
            texts = decided_texts(column.dictionary.to_pylist(), kind, self._checker, self._decisions)
            new = pa.DictionaryArray.from_arrays(column.indices, pa.array(texts, pa.string())).dictionary_decode()
            share = share.set_column(share.column_names.index(kind.value), kind.value, new)
        columns = {kind.value: kind.value for kind in self._kinds}
        found = findings(share, id=_PERSON, checker=self._checker, **columns)
        # Rows are counted in the share; they are told as they stand in the output.
        where = pc.split_pattern(pc.cast(found.column("rows"), pa.string()).combine_chunks(), "|")
        numbers = share.column(_ROW).take(pc.cast(where.flatten(), pa.int64())).cast(pa.string()).combine_chunks()
        rows = pc.binary_join(pa.ListArray.from_arrays(where.offsets, numbers), "|")
        found = found.set_column(found.column_names.index("rows"), "rows", rows)
        plain = [_plain(column) for column in found.columns]
        names = [self._name if name == _PERSON else name for name in found.column_names]
        return pa.Table.from_arrays(plain, names)

    def close(self) -> None:
        """Close the files; their folder is the target's."""
        for file, stream in self._shares:
            with suppress(OSError, ValueError):
                stream.close()
            with suppress(OSError, ValueError):
                file.close()


def _text(texts: Any) -> pa.Array:
    import pyarrow as pa

    from cramprisk.files.arrow_text import plain_text

    if isinstance(texts, list):
        return pa.array(list(map(whole_letters, texts)), pa.string())
    return plain_text(texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _numbers(table: pa.Table) -> Any:
    """For each row a number that hangs on its person alone; of a row that is nobody's, its own."""
    import pyarrow as pa

    whose = table.column(_PERSON).combine_chunks().dictionary_encode()
    numbers = np.array([*(crc32(text.encode()) for text in whose.dictionary.to_pylist()), 0], np.int64)
    codes = whose.indices.fill_null(pa.scalar(len(numbers) - 1, whose.indices.type)).to_numpy(zero_copy_only=False)
    return np.where(whose.is_null().to_numpy(zero_copy_only=False), table.column(_ROW).to_numpy(), numbers[codes])
