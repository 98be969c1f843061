"""Delimited text in pieces: pyarrow's parser where a piece is sound, plain Python where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cramprisk.errors import InputError
from cramprisk.files.batch import Batch, Columns, Rows
from cramprisk.files.dialect import NO_DELIMITER, delimiter_words, dialect_of, has_header
from cramprisk.files.problems import Fault, Problems
from cramprisk.files.records import Dialect, Record, conformed, count_lines, records
from cramprisk.files.source import Source, encoding_of, utf8_blocks

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Delimited", "TextOptions", "arrow"]

_PIECE = 2 << 20
_SAMPLE = 256 << 10
_MAX_RECORD = 96 << 20
# Above this a piece is one giant cell: it is cut without the copies that the quick parser makes.
_QUICK = 24 << 20
_WIDE = 1000
_CELLS = 200_000


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What the user says about text files; None is found out.

    Attributes:
        encoding: A name that Python knows.
        delimiter: One character.
        header: Whether the first row names the columns.
        wanted: Names of columns that the user gave; a row that holds one is a header.
        is_entry: Says whether a row holds a known medicine or condition; such a row is no header.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    wanted: Sequence[str] = ()
    is_entry: Callable[[Sequence[str]], bool] | None = field(default=None, compare=False)


def arrow() -> Any:
    """pyarrow, or None where it is not installed."""
    try:
        import pyarrow
    except ImportError:
        return None
    return pyarrow


class Delimited:
    """A text file: its columns, and its rows in batches.

    Attributes:
        names: Of the columns, as in the file.
        said: What was found out and should be said.
    """

    def __init__(self, source: Source, options: TextOptions, problems: Problems) -> None:
        self._source, self._problems = source, problems
        self.said: list[str] = []
        sample = source.read(_SAMPLE)
        if not sample:
            raise InputError(f"{source.label}: is empty. There is nothing to scan.")
        encoding, skipped, words = encoding_of(sample, final=len(sample) < _SAMPLE)
        if options.encoding is not None:
            encoding, words = _encoding(options.encoding), ""
            skipped = skipped if encoding.startswith(("utf-8", "utf-16", "utf-32")) else 0
        if words:
            self.said.append(f"{source.label}: {words}")
        self._pieces = utf8_blocks(source, encoding, sample[skipped:], _PIECE)
        self._data = next(self._pieces, b"")
        self._final = False
        self._line = 1
        self._dialect = self._found_dialect(options)
        head = self._first_records()
        if not head:
            raise InputError(f"{source.label}: holds no row. There is nothing to scan.")
        self.names = self._header(head, options)
        self.width = len(self.names)
        self._blank: list[Record] = []

    @property
    def delimiter(self) -> str:
        """What sets the cells apart; a comma for a file of one column."""
        return "," if self._dialect.delimiter == NO_DELIMITER else self._dialect.delimiter.decode()

    # ------------------------------------------------------------------ the beginning

    def _found_dialect(self, options: TextOptions) -> Dialect:
        while len(self._data) < 4096 and self._more():
            pass
        if self._source.format == "txt":
            return dialect_of(self._data, final=self._final, delimiter=NO_DELIMITER)
        given = None
        if options.delimiter is not None:
            given = options.delimiter.replace("\\t", "\t").encode()
            if len(given) != 1 or given in b'"\r\n':
                raise InputError("--delimiter: is not one character. Use for example ; or \\t.")
        dialect = dialect_of(self._data[:_SAMPLE], final=self._final, delimiter=given)
        usual = {"csv": b",", "tsv": b"\t"}[self._source.format]
        if given is None and dialect.delimiter != usual:
            words = (
                "one column"
                if dialect.delimiter == NO_DELIMITER
                else f"columns set apart by a {delimiter_words(dialect.delimiter)}"
            )
            self.said.append(f"{self._source.label}: {words}")
        return dialect

    def _first_records(self) -> list[tuple[Record, int]]:
        while True:
            head = []
            for found in records(self._data, self._dialect, 1, 0, final=self._final):
                head.append(found)
                if len(head) == 50:
                    return head
            if len(head) > 1 or not self._more():
                return head

    def _more(self) -> bool:
        """Whether there was another piece to put behind the data at hand."""
        if len(self._data) > _MAX_RECORD:
            raise InputError(
                f"{self._source.label}:{self._line}: a row of over {_MAX_RECORD >> 20} MB, or a quote that is not closed. "
                "Check the quotes, or give --delimiter."
            )
        piece = next(self._pieces, None)
        if piece is None:
            self._final = True
            return False
        self._data = self._data + piece if self._data else piece
        return True

    def _header(self, head: list[tuple[Record, int]], options: TextOptions) -> list[str]:
        label, first = self._source.label, head[0][0].cells
        if self._source.format == "txt":
            return ["text"]
        has = options.header
        if has is None:
            has = has_header([record.cells for record, _ in head], options.wanted, options.is_entry)
        if not has:
            if options.header is None:
                last = f" to column_{len(first)}" if len(first) > 1 else ""
                self.said.append(f"{label}: no header found: columns are column_1{last}")
            return [f"column_{index + 1}" for index in range(len(first))]
        after = head[0][1]
        self._line += count_lines(self._data[:after], self._dialect)
        self._data = self._data[after:]
        return [name.strip() or f"column_{index + 1}" for index, name in enumerate(first)]

    # ------------------------------------------------------------------ the rows

    def batches(self) -> Iterator[Batch]:
        """The rows in order."""
        quick = arrow() is not None and self.width <= _WIDE
        while True:
            if not self._data and not self._more():
                return
            end, lines = self._sound_end() if quick and len(self._data) < _QUICK else (-1, 0)
            if end > 0:
                batch = self._quick(self._data[:end], lines)
                if batch is not None:
                    self._line += lines
                    self._data = self._data[end:]
                    yield batch
                    continue
            elif end == 0 and not self._final:
                self._more()
                continue
            left = len(self._data)
            yield from self._careful()
            if len(self._data) == left:
                self._more()

    def _sound_end(self) -> tuple[int, int]:
        """Up to where the data are whole rows that the quick parser reads as meant, and how many lines end there.

        0 for none yet, -1 for not at all.
        """
        data, dialect = self._data, self._dialect
        # A single byte is found many times as fast as two or three.
        if b"\0" in data or (b"\xef" in data and b"\xef\xbf\xbd" in data):
            return -1, 0
        returns = b"\r" in data
        letters = np.frombuffer(data, np.uint8)
        feeds = np.flatnonzero(letters == 10)
        if self.width > 1 and (
            data.startswith((b"\n", b"\r")) or (np.diff(feeds) == 1).any() or (returns and (b"\n\r" in data or b"\r\r" in data))
        ):
            # pyarrow makes rows of empty cells of empty lines without a word.
            return -1, 0
        if not dialect.cr_only and returns:
            last = 1 if data.endswith(b"\r") and not self._final else 0
            if data.count(b"\r") - last != data.count(b"\r\n"):
                return -1, 0
        end = int(feeds[-1]) + 1 if len(feeds) else 0
        if b'"' in data:
            end = self._quoted_end(letters, feeds)
        elif self._final:
            end = len(data)
        elif dialect.cr_only:
            # A line feed may follow in the next piece.
            end = max(data.rfind(b"\r", 0, len(data) - 1) + 1, end)
        if end <= 0:
            return end, 0
        return end, count_lines(data[:end], dialect) if dialect.cr_only else int(np.searchsorted(feeds, end))

    def _quoted_end(self, letters: Any, feeds: Any) -> int:
        """The same for data with quotes: each must open a cell, close one, or be one of a pair inside."""
        quotes = np.flatnonzero(letters == 34)
        opening, closing = quotes[0::2], quotes[1::2]
        beside = np.zeros(256, bool)
        beside[[ord(self._dialect.delimiter), 10, 13, 34]] = True
        before = opening[1:] if opening[0] == 0 else opening
        behind = closing[:-1] if len(closing) and closing[-1] == len(letters) - 1 else closing
        if not (beside[letters[before - 1]].all() and beside[letters[behind + 1]].all()):
            return -1
        if self._final:
            return len(letters) if len(quotes) % 2 == 0 else -1
        ends = np.flatnonzero((letters == 10) | (letters == 13)) if self._dialect.cr_only else feeds
        if self._dialect.cr_only and len(ends) and ends[-1] == len(letters) - 1:
            ends = ends[:-1]
        for some in (ends[-64:], ends):
            outside = some[np.searchsorted(quotes, some) % 2 == 0]
            if len(outside):
                return int(outside[-1]) + 1
        return 0

    def _quick(self, block: bytes, ended: int) -> Batch | None:
        """The rows of a block, in which so many lines end, as columns; None when one of them is broken."""
        import pyarrow as pa
        from pyarrow import csv

        names = [str(index) for index in range(self.width)]
        quoted = b'"' in block
        try:
            table = csv.read_csv(
                pa.BufferReader(block),
                read_options=csv.ReadOptions(
                    column_names=names, block_size=len(block) + 1 if quoted else max(len(block) // 2 + 1, 1 << 16)
                ),
                parse_options=csv.ParseOptions(
                    delimiter=self._dialect.delimiter.decode(), newlines_in_values=quoted, ignore_empty_lines=False
                ),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:
            return None
        lines = ended + (not block.endswith((b"\n", b"\r")))
        if not quoted and table.num_rows != lines:
            return None
        first = self._line
        if table.num_rows == lines:
            return Columns(_one_batch(table), lambda index: first + index)
        dialect, width = self._dialect, self.width

        def line_of(index: int) -> int:
            for position, (record, _) in enumerate(records(block, dialect, first, width, final=True)):
                if position == index:
                    return record.line
            return first

        return Columns(_one_batch(table), line_of)

    def _careful(self) -> Iterator[Batch]:
        """The rows of the data at hand one by one; what is not yet a whole row stays."""
        rows: list[list[str]] = []
        lines: list[int] = []
        unread: set[int] = set()
        weight = end = 0
        data = self._data
        line = self._line
        delimiter = self._dialect.delimiter.decode()
        for record, after in records(data, self._dialect, line, self.width, final=self._final):
            kept, faults = conformed(record, self.width, delimiter)
            end = after
            if Fault.BLANK in faults:
                # Empty lines behind the last row are no rows.
                self._blank.append(Record(kept, record.line, faults))
                continue
            for blank in self._blank:
                self._report(blank.line, blank.faults)
                rows.append(blank.cells)
                lines.append(blank.line)
            self._blank = []
            self._report(record.line, faults)
            if Fault.MANY in faults:
                unread.add(len(rows))
            rows.append(kept)
            lines.append(record.line)
            weight += self.width
            if weight >= _CELLS:
                yield self._made(rows, lines, unread)
                rows, lines, unread, weight = [], [], set(), 0
        self._line += count_lines(data[:end], self._dialect)
        if end:
            self._data = data[end:]
        del data
        if rows:
            yield self._made(rows, lines, unread)

    def _report(self, line: int, faults: Sequence[Fault]) -> None:
        for fault in faults:
            self._problems.add(self._source.label, line, fault)

    def _made(self, rows: list[list[str]], lines: list[int], unread: set[int]) -> Batch:
        if self.width <= _WIDE and arrow() is not None and max(max(map(len, row)) for row in rows) < 1 << 20:
            import pyarrow as pa

            columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            table = pa.RecordBatch.from_arrays(columns, names=[str(index) for index in range(self.width)])
            return Columns(table, lines.__getitem__, frozenset(unread))
        return Rows(list[list[Any]](rows), lines.__getitem__, frozenset(unread))


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    if batches:
        return batches[0]
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([], schema=table.schema)


def _encoding(name: str) -> str:
    import codecs

    try:
        found = codecs.lookup(name).name
        "a".encode(found)
    except (LookupError, UnicodeError):
        raise InputError("--encoding: is not known. Use for example utf-8, windows-1252 or utf-16-le.") from None
    # The marked forms would look for a mark that is already taken off.
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(found, found)
