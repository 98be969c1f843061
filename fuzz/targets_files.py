"""What must hold for a file of any bytes that is scanned, read for decisions, or opened on the page."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cramprisk.checker import Checker
from cramprisk.columns import COLUMNS, readings
from cramprisk.errors import CrampRiskError
from cramprisk.files.arrow_text import cells_of
from cramprisk.files.batch import MAX_CELL, Cell, cell_text, unique_names
from cramprisk.files.decisions import read_decisions
from cramprisk.files.delimited import TextOptions
from cramprisk.files.problems import Problems
from cramprisk.files.readers import opened
from cramprisk.files.review import folded
from cramprisk.files.scan import Options, Summary, scan
from cramprisk.files.source import encoding_of, format_of
from cramprisk.files.writers import as_rows
from cramprisk.guard import guarded, unguarded
from cramprisk.model import Kind, Status
from cramprisk.service.uploads import columns_of
from fuzz.changes import Choices, patched
from fuzz.samples import MARK, SAMPLES, archive_patched, typed_parquet

__all__ = ["files"]

_INPUTS = (
    ".csv", ".tsv", ".txt", ".ndjson", ".xlsx", ".parquet", ".ods", ".csv.gz", ".csv.zst", ".ndjson.gz", ".tsv.zst",
    ".xlsx.gz", ".parquet.zst", "typed", "members", "members",
)  # fmt: skip
_OUTPUTS = (".csv", ".ndjson", ".parquet", ".xlsx", ".tsv", ".txt", ".csv.gz", ".ndjson.zst")
_NO_CHARACTER = re.compile("_xFFF[EF]_")
_REVIEWS = (".csv", ".xlsx", ".ndjson", ".parquet")
_ENCODINGS = (None, None, None, None, None, "utf-8", "windows-1252", "utf-16-le", "utf-8-sig", "shift-jis")
_REVIEW_OF = (
    f"text,kind,count,status,candidates,decision,note\nHCT,drug,2,ambiguous,hydrochlorothiazide|hydrocortisone,HCTZ,{MARK}\n"
    f"{MARK},drug,1,unrecognised,,ignore,\n{MARK} disease,condition,1,unrecognised,,gout|diabetes,\n"
    "xyzzy,drug,1,unrecognised,,,\n"
)


def files(data: bytes) -> None:
    """A scan refuses a file and leaves nothing, or every row comes out with its cells as they were; so does the page."""
    choices = Choices(data)
    with _all_said(), tempfile.TemporaryDirectory(prefix="cramprisk-fuzz-") as scratch:
        folder = Path(scratch)
        if choices.number() % 8 == 7:
            _decisions(folder, choices)
            return
        source, options, out = _case(folder, choices)
        _scanned(folder, source, options, out)
        _uploaded(source)


@contextmanager
def _all_said() -> Iterator[None]:
    """Fails if something went wrong where no exception can be raised, which Python prints with a traceback."""
    silent: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, silent.append
    try:
        yield
        # What was made of late and forgotten is thrown away now, not in the middle of another case.
        gc.collect(1)
    finally:
        sys.unraisablehook = before
    assert not silent, "an exception was printed and went on"


def _case(folder: Path, choices: Choices) -> tuple[Path, Options, Path]:
    """A changed file, how it is to be scanned, and where to."""
    given = choices.of(_INPUTS)
    out = folder / f"out{choices.of(_OUTPUTS)}"
    said, kept = choices.number(), choices.number()
    options = Options(
        drug=("drug", "2", None, "1")[said & 3],
        condition=(None, "condition", "3", None)[said >> 2 & 3],
        person="1" if said & 16 else None,
        header=(None, None, True, False)[said >> 5 & 3],
        raw=bool(said & 128),
        review=str(folder / f"review{choices.of(_REVIEWS)}") if kept & 1 else None,
        problems=str(folder / "problems.csv") if kept & 2 else None,
        delimiter=";" if kept & 12 == 12 else None,
        encoding=choices.of(_ENCODINGS),
    )
    if given == "typed":
        content, suffix = typed_parquet(choices), ".parquet"
    elif given == "members":
        suffix = choices.of((".xlsx", ".ods"))
        content = archive_patched(SAMPLES[suffix](), choices)
    else:
        suffix, _, packing = given[1:].partition(".")
        content = SAMPLES[f".{suffix}"]()
        if packing:
            # Changed before it is packed, and after.
            inside = Choices(choices.taken(choices.number()))
            content = patched(_packed(patched(content, inside), packing), choices)
        else:
            content = patched(content, choices)
        suffix = given
    source = folder / f"list{suffix}"
    source.write_bytes(content)
    return source, options, out


def _packed(content: bytes, packing: str) -> bytes:
    if packing == "gz":
        return gzip.compress(content, 1, mtime=0)
    import zstandard

    return zstandard.compress(content, 1)


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zst":
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content), read_across_frames=True).read()
    return content


def _told(message: str) -> None:
    """A message holds no cell of a row. Names of columns it may list, and a file may be all header."""
    assert MARK not in message.partition("The columns are: ")[0], "a message holds a cell"


# ---------------------------------------------------------------------- scanning


def _scanned(folder: Path, source: Path, options: Options, out: Path) -> None:
    said: list[str] = []
    before = source.read_bytes()
    try:
        summary = scan([str(source)], str(out), Checker.default(), options, say=said.append)
    except CrampRiskError as error:
        _told(str(error))
        assert [one.name for one in folder.iterdir()] == [source.name], "a scan that was refused left something"
        return
    finally:
        assert source.read_bytes() == before, "a scan changed its input"
    named = [out, *(Path(name) for name in (options.review, options.problems) if name is not None)]
    assert {one.name for one in folder.iterdir()} == {source.name, *(one.name for one in named)}, "a scan left something"
    for line in said:
        _told(line)
    assert summary.rows == sum(summary.statuses[next(iter(summary.statuses))].values())
    given = _read_again(source, options, summary)
    if format_of(source.name)[0] not in ("xlsx", "parquet"):
        _nothing_lost(source, options, [given.names, *given.rows])
    # An object that was read is written as it was, NaN and all.
    made = _output(out, given.names, strict=format_of(source.name)[0] != "ndjson")
    _comes_back(given, made, format_of(out.name)[0] or "", options, summary)
    if options.problems is not None:
        listed = (folder / "problems.csv").read_text("utf-8").splitlines()
        assert len(listed) - 1 == sum(summary.problems.values()), "a problem is not listed"
        _told("\n".join(listed))


Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Names of columns, rows, and which of them could not be taken apart."""

    names: list[str]
    rows: list[Row]
    unread: frozenset[int] = frozenset()


def _read_again(source: Path, options: Options, summary: Summary) -> _Rows:
    """The file as its reader gives it."""
    headers = (options.header,) if options.header is not None else (True, False)
    for header in headers:
        text = TextOptions(options.encoding, options.delimiter, header)
        rows: list[Row] = []
        unread: set[int] = set()
        with opened(str(source), None, text, None, Problems()) as (reader, _):
            for batch in reader.batches():
                unread |= {len(rows) + row for row in batch.unread}
                rows += as_rows(batch)
            if len(rows) == summary.rows:
                return _Rows(list(reader.names), rows, frozenset(unread))
    raise AssertionError("a second reading has another number of rows")


def _letters(text: str | bytes) -> Counter[int]:
    """How often each plain letter and digit comes."""
    found = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return Counter(one for one in found if one < 128 and chr(one).isalnum())


def _texts_in(lines: str) -> Iterator[str]:
    """The texts in objects of JSON, with all that stand under one name."""
    found: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        found.extend(value for _, value in pairs if isinstance(value, str))

    for line in lines.split("\n"):
        with suppress(ValueError, RecursionError):
            json.loads(line, object_pairs_hook=keep)
            yield from found
        found.clear()


def _nothing_lost(source: Path, options: Options, rows: Iterable[Row]) -> None:
    """Every letter of a text file, or of the texts in a file of JSON lines, is in one of its rows."""
    content = _unpacked(source)
    if format_of(source.name)[0] == "ndjson":
        content = "".join(_texts_in(content.decode("utf-8", "replace"))).encode("utf-8", "replace")
    elif options.encoding not in (None, "utf-8", "utf-8-sig", "windows-1252"):
        return
    if options.encoding is None and encoding_of(content)[0] not in ("utf-8", "cp1252"):
        return
    kept = _letters("".join(cell_text(cell) for row in rows for cell in row))
    assert not _letters(content) - kept, "reading lost a letter"


def _comes_back(given: _Rows, made: _Rows, form: str, options: Options, summary: Summary) -> None:
    """The output has the rows that were read, each cell as it was, and what the cell says beside it."""
    names = unique_names(given.names) if form in ("ndjson", "parquet") else given.names
    width = len(names)
    assert made.names[:width] == [_plain(name, form, raw=options.raw) for name in names], "a column has another name"
    if form in ("ndjson", "parquet"):
        assert len(set(made.names)) == len(made.names), "two columns of one name"
    assert len(made.rows) == summary.rows == len(given.rows), "a row was lost or added"
    _same_cells(given, made, form, raw=options.raw)
    for number, kind in enumerate(Kind(one) for one in summary.statuses):
        said = [cell_text(row[width + len(COLUMNS) * number]) for row in made.rows]
        column = _column(names, kind, options)
        texts = [None if column is None else _read_text(row[column]) for row in given.rows]
        if None in texts:
            continue
        expected = readings(texts, kind, Checker.default())
        assert all(
            status == (Status.UNRECOGNISED if row in given.unread else one.status)
            for row, (status, one) in enumerate(zip(said, expected, strict=True))
        ), "a row has what another says"


def _same_cells(given: _Rows, made: _Rows, form: str, *, raw: bool) -> None:
    for before, after in zip(given.rows, made.rows, strict=True):
        assert len(after) >= len(before)
        assert all(_same(cell, kept, form, raw=raw) for cell, kept in zip(before, after, strict=False)), "a cell changed"


def _read_text(cell: Cell) -> str | None:
    """What is read of a cell, where that is plain."""
    if cell is None or isinstance(cell, str):
        return None if len(cell or "") > MAX_CELL or (cell or "").endswith(".0") else cell or ""
    return None


def _column(names: Sequence[str], kind: Kind, options: Options) -> int | None:
    """The position of the column that was asked for, where that is plain."""
    wanted = options.drug if kind is Kind.DRUG else options.condition
    if wanted is None:
        return None
    if any(name.strip().casefold() == wanted for name in names):
        return list(names).index(wanted) if list(names).count(wanted) == 1 else None
    return int(wanted) - 1


def _no_json(word: str) -> None:
    raise AssertionError("a line of the output is no JSON")


def _output(out: Path, names: Sequence[str], *, strict: bool = True) -> _Rows:
    """An output, read by others' readers."""
    form, content = format_of(out.name)[0], _unpacked(out)
    if form == "ndjson":
        lines = content.decode("utf-8").split("\n")[:-1]
        objects = [json.loads(line, parse_constant=_no_json if strict else None) for line in lines]
        own = unique_names(list(names))
        heads = [[*own, *(key for key in one if key not in own)] for one in objects]
        rows = [[one.get(key) for key in head] for one, head in zip(objects, heads, strict=True)]
        return _Rows(heads[0] if heads else own, list(rows))
    if form == "parquet":
        from pyarrow import parquet

        table = parquet.read_table(io.BytesIO(content))
        columns = [cells_of(column.combine_chunks()) for column in table.columns]
        return _Rows(list(table.column_names), [list(row) for row in zip(*columns, strict=True)])
    if form == "xlsx":
        from python_calamine import CalamineWorkbook

        first, *others = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).iter_rows()
        return _Rows([str(cell) for cell in first], [list(row) for row in others])
    for mark in (",", ";", "|", "\t", "\x1f") if form == "csv" else ("\t",):
        head, *found = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), delimiter=mark)
        if len(head) >= len(names) + len(COLUMNS) and all(len(row) == len(head) for row in found):
            return _Rows(head, list(found))
    raise AssertionError("a row of the output has another number of cells than its header")


def _plain(text: str, form: str, *, raw: bool) -> str:
    return text if raw or form in ("ndjson", "parquet") else guarded(text)


def _same(cell: Cell, kept: Any, form: str, *, raw: bool) -> bool:
    """Whether a cell came out as it went in, as far as the format can hold it."""
    if isinstance(cell, str):
        text = cell.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        made = cell_text(kept).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if form == "xlsx":
            # A sheet has its own ways with control characters, ends of lines, and what is no character at all.
            return _letters(text) == _letters(_NO_CHARACTER.sub("", made))
        return _lenient(made) == _lenient(_plain(text, form, raw=raw))
    # A number or a day may be written in more than one way, an empty one (of a list, of bytes) like an absent one.
    return not cell or form in ("xlsx", "parquet") or kept not in (None, "") or cell_text(cell) in ("nan", "")


def _lenient(text: str) -> str:
    """A text in which letters that no encoding has are equal."""
    return text.replace("?", "\ufffd")


# ---------------------------------------------------------------------- decisions


def _decisions(folder: Path, choices: Choices) -> None:
    """A file of decisions is refused with its places, or can be laid over a scan that then loses no row."""
    suffix = choices.of((".csv", ".csv", ".tsv", ".ndjson"))
    path = folder / f"decisions{suffix}"
    rows = list(csv.reader(io.StringIO(_REVIEW_OF)))
    sound = {
        ".csv": _REVIEW_OF,
        ".tsv": _REVIEW_OF.replace(",", "\t"),
        ".ndjson": "".join(json.dumps(dict(zip(rows[0], row, strict=True))) + "\n" for row in rows[1:]),
    }[suffix]
    path.write_bytes(patched(sound.encode(), choices))
    checker = Checker.default()
    try:
        decided = read_decisions(str(path), checker)
    except CrampRiskError as error:
        _told(str(error))
        return
    source = folder / "list.csv"
    source.write_bytes(SAMPLES[".csv"]())
    options = Options(drug="drug", condition="condition", review=str(folder / "review.csv"))
    summary = scan([str(source)], str(folder / "out.csv"), checker, options, decisions=decided)
    assert summary.rows == 5
    made = _output(folder / "out.csv", ())
    left = {
        folded(name)
        for row in made.rows
        for column, cell in zip(made.names, row, strict=True)
        if column.endswith("_not_understood")
        for name in unguarded(str(cell)).split("|")
        if name
    }
    with (folder / "review.csv").open(encoding="utf-8", newline="") as file:
        asked = {folded(unguarded(row["text"])) for row in csv.DictReader(file)}
    assert left == asked, "what was not understood is not what is asked for"
    _same_cells(_read_again(source, options, summary), made, "csv", raw=False)
    assert read_decisions(str(folder / "review.csv"), checker) == {}


# ---------------------------------------------------------------------- the page


def _uploaded(source: Path) -> None:
    content = source.read_bytes()
    for kind in ("xlsx",) if source.suffix in (".xlsx", ".ods") else ("csv", "tsv", "txt"):
        try:
            columns = columns_of(content, kind, Checker.default())
        except CrampRiskError as error:
            _told(str(error))
            continue
        json.dumps([column.to_dict() for column in columns])
        assert all(column.entries for column in columns)
        if kind == "txt" and encoding_of(content)[0] == "utf-8":
            kept = [line for line in content.splitlines() if not line.lstrip().startswith(b"#")]
            assert not _letters(b"".join(kept)) - _letters("".join(columns[0].entries)), "opening a file lost a letter"
