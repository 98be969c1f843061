"""Small sound files of every format that is read, for the targets to change."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from fuzz.changes import Choices, patched

__all__ = ["MARK", "SAMPLES", "archive_patched", "typed_parquet"]

MARK = "Zzqxmark"
"""Stands in rows of the samples; it must not come out in a message."""

_ROWS = (
    ("7", "Lasix 40 mg", "gout", MARK),
    ("007", "HCTZ, 25 mg", "T2DM", f'a "b" {MARK}'),
    ("8", f"quinine {MARK}", f"{MARK} since 2019", "=1+1"),
    ("9", "HCT 12.5\nwarfarin", "", "-5"),
    ("10", "", "PD", "x"),
)
_NAMES = ("id", "drug", "condition", "NDC note")


def _quoted(cell: str, delimiter: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & {delimiter, '"', "\n"} else cell


def _delimited(delimiter: str) -> bytes:
    return "".join(delimiter.join(_quoted(cell, delimiter) for cell in row) + "\n" for row in (_NAMES, *_ROWS)).encode()


def _lines() -> bytes:
    return "".join(row[1].replace("\n", " ") + "\n" for row in _ROWS).encode()


def _objects() -> bytes:
    import json

    objects: list[dict[str, Any]] = [dict(zip(_NAMES, row, strict=True)) for row in _ROWS]
    objects[1] |= {"more": [1, {"a": None}], "score": 1.5, "flag": True}
    return "".join(json.dumps(one) + "\n" for one in objects).encode()


@cache
def _workbook() -> bytes:
    import xlsxwriter

    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("list")
    days = book.add_format({"num_format": "yyyy-mm-dd"})
    for number, row in enumerate((_NAMES, *_ROWS)):
        for column, cell in enumerate(row):
            sheet.write_string(number, column, cell)
    sheet.write_number(6, 1, 617310)
    sheet.write_number(6, 0, 0.5)
    sheet.write_datetime(6, 2, datetime(2026, 11, 21, 8, 30), days)
    sheet.write_boolean(6, 3, True)
    sheet.write_formula(7, 1, '="Lasix"', value="Lasix")
    sheet.write_datetime(7, 2, datetime(1904, 1, 1), days)
    sheet.write_formula(7, 3, "=1/0", value="#DIV/0!")
    book.add_worksheet("other").write_string(3, 2, MARK)
    book.close()
    return file.getvalue()


_ODS = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 office:version="1.3"><office:body><office:spreadsheet><table:table table:name="list">
<table:table-row><table:table-cell office:value-type="string"><text:p>id</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>drug</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>Lasix {MARK}</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="date" office:date-value="2026-11-21"/>
<table:table-cell office:value-type="boolean" office:boolean-value="true" table:number-columns-repeated="1"/></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""


@cache
def _open_document() -> bytes:
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (("mimetype", kind), ("content.xml", _ODS), ("META-INF/manifest.xml", manifest)):
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


@cache
def _parquet() -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table(
        {
            **{name: [row[index] for row in _ROWS] for index, name in enumerate(_NAMES)},
            "day": pa.array([date(2026, 11, 21), None] * 2 + [None], pa.date32()),
            "list": pa.array([["a"], [], None, ["b", None], ["c"]], pa.list_(pa.string())),
        }
    )
    file = io.BytesIO()
    parquet.write_table(table, file, compression="none", use_dictionary=["drug"])
    return file.getvalue()


SAMPLES: dict[str, Callable[[], bytes]] = {
    ".csv": lambda: _delimited(","),
    ".tsv": lambda: _delimited("\t"),
    ".txt": _lines,
    ".ndjson": _objects,
    ".xlsx": _workbook,
    ".ods": _open_document,
    ".parquet": _parquet,
}
"""What makes a sound file, by its suffix."""


def archive_patched(content: bytes, choices: Choices) -> bytes:
    """A zip archive with one of its members changed and packed anew, so that it is read past its checksums."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(one.filename, archive.read(one)) for one in archive.infolist()]
    chosen = choices.number() % len(members)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, (name, inside) in enumerate(members):
            # Without the time of day: equal choices give equal bytes.
            archive.writestr(zipfile.ZipInfo(name), patched(inside, choices) if number == chosen else inside)
    return file.getvalue()


def typed_parquet(choices: Choices) -> bytes:
    """A parquet file of columns of chosen types, whose values are chosen bytes; an empty one if there can be none of these."""
    import pyarrow as pa
    from pyarrow import parquet

    whole = (
        pa.int64(), pa.uint64(), pa.float64(), pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns"),
        pa.timestamp("us", "UTC"), pa.timestamp("ms", "Europe/Berlin"), pa.timestamp("us", "Nowhere/Land"), pa.duration("s"),
        pa.duration("ns"), pa.time64("us"), pa.time64("ns"), pa.date64(),
    )  # fmt: skip
    half = (pa.int32(), pa.float32(), pa.date32(), pa.time32("s"), pa.time32("ms"))
    texts = (
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.large_binary(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
    )
    count = 1 + choices.number() % 4
    columns: dict[str, pa.Array] = {}
    for name in ("drug", "condition", "note")[: 1 + choices.number() % 3]:
        kind = choices.of((*whole, *half, *texts, pa.list_(pa.string()), pa.decimal128(20, 3), pa.null(), pa.bool_()))
        null = choices.number() % (count + 2)
        if kind in whole or kind in half:
            size = 8 if kind in whole else 4
            buffer = pa.py_buffer(b"".join(choices.taken(size).ljust(size, b"\0") for _ in range(count)))
            made = pa.Array.from_buffers(kind, count, [None, buffer])
        elif kind in texts or kind == pa.list_(pa.string()):
            cells = [choices.taken(choices.number() % 24) for _ in range(count)]
            # Without a look at whether it is UTF-8: other programs write such files.
            plain = pa.array(cells, pa.binary())
            text = pa.Array.from_buffers(pa.string(), count, plain.buffers())
            try:
                made = (
                    pa.array([[one] for one in text.to_pylist()])
                    if pa.types.is_list(kind)
                    else (
                        text
                        if kind == pa.string()
                        else plain
                        if kind == pa.binary()
                        else (text.dictionary_encode() if pa.types.is_dictionary(kind) else plain.cast(kind))
                    )
                )
            except (pa.ArrowException, UnicodeDecodeError):
                made = text
        elif pa.types.is_decimal(kind):
            made = pa.array([Decimal(choices.number(4)) / 8 for _ in range(count)], kind)
        elif pa.types.is_boolean(kind):
            made = pa.array([bool(choices.number() % 2) for _ in range(count)])
        else:
            made = pa.nulls(count)
        if null < count:
            made = pa.concat_arrays([made[:null], pa.nulls(1, made.type), made[null + 1 :]])
        if choices.number() % 4 == 3:
            made = pa.ListArray.from_arrays(pa.array([0, *range(1, count), len(made)], pa.int32()), made)
        columns[name] = made
    file = io.BytesIO()
    try:
        parquet.write_table(pa.table(columns), file)
    except pa.ArrowException:
        return b""
    return file.getvalue()
