"""What files of types may hold and no list should: every row comes out, or the file is refused; most of it found by fuzzing."""

import datetime
import gc
import gzip
import io
import json
import sys
import zipfile

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
xlsxwriter = pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
pytest.importorskip("python_calamine", reason="python-calamine is not installed")

from pyarrow import parquet

FAR = 300_000_000


@pytest.fixture
def printed(monkeypatch):
    """What went wrong where no exception can be raised; Python prints it with a traceback."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", found.append)
    return found


def in_parquet(folder, **columns):
    path = folder / "list.parquet"
    parquet.write_table(pa.table({"drug": ["Lasix"], **columns}), path)
    return path


def text_of(*cells):
    """A column of texts of any bytes, as other programs write them."""
    plain = pa.array(cells, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(plain), plain.buffers())


def rows_of(path):
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "xlsx", "parquet"])
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (pa.date32(), FAR),
        (pa.timestamp("s"), FAR * 10**6),
        (pa.timestamp("us", "UTC"), FAR * 10**9),
        (pa.timestamp("ms", "Nowhere/Land"), FAR * 10**6),
        (pa.duration("s"), FAR * 10**6),
    ],
    ids=str,
)
def test_a_day_that_python_has_no_value_for_comes_out(tmp_path, run, suffix, kind, number):
    day = pa.array([number], pa.int32() if kind == pa.date32() else pa.int64()).view(kind)

    code, said = run(in_parquet(tmp_path, day=day), "-o", tmp_path / f"out.{suffix}")

    assert code == 0, said


def test_a_day_that_python_has_no_value_for_is_written_with_its_number(tmp_path, run):
    run(in_parquet(tmp_path, day=pa.array([FAR], pa.int32()).view(pa.date32())), "-o", tmp_path / "out.ndjson")

    assert str(FAR) in rows_of(tmp_path / "out.ndjson")[0]["day"]


def test_a_moment_in_an_unknown_time_zone_is_written_in_utc(tmp_path, run):
    moment = pa.array([0], pa.int64()).view(pa.timestamp("ms", "Nowhere/Land"))

    run(in_parquet(tmp_path, day=moment), "-o", tmp_path / "out.ndjson")

    assert rows_of(tmp_path / "out.ndjson")[0]["day"] == "1970-01-01 00:00:00.000Z"


def test_such_a_day_inside_a_list_is_refused_with_what_to_do(tmp_path, run):
    days = pa.ListArray.from_arrays([0, 1], pa.array([FAR], pa.int32()).view(pa.date32()))

    code, said = run(in_parquet(tmp_path, days=days), "-o", tmp_path / "out.csv")

    assert code == 4
    assert "outside of the years 1 to 9999" in said
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "xlsx", "parquet"])
def test_lists_of_days_and_bytes_come_out(tmp_path, run, suffix):
    days = pa.array([[datetime.date(2026, 11, 21)]])
    code, said = run(in_parquet(tmp_path, days=days, parts=pa.array([[b"caf\xe9"]])), "-o", tmp_path / f"out.{suffix}")

    assert code == 0, said


def test_bytes_are_written_as_the_text_they_are(tmp_path, run):
    run(in_parquet(tmp_path, note=pa.array([b"caf\xc3\xa9"])), "-o", tmp_path / "out.ndjson")

    assert rows_of(tmp_path / "out.ndjson")[0]["note"] == "café"


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "xlsx", "parquet"])
def test_texts_that_are_no_utf_8_are_kept_and_reported(tmp_path, run, suffix):
    path = tmp_path / "list.parquet"
    parquet.write_table(pa.table({"drug": text_of(b"Lasix", b"quinine caf\xe9")}), path)

    code, said = run(path, "-o", tmp_path / f"out.{suffix}")

    assert code == 0, said
    assert "list.parquet:2: bytes that are not of the encoding" in said


def test_texts_that_are_no_utf_8_keep_their_letters(tmp_path, run):
    path = tmp_path / "list.parquet"
    parquet.write_table(pa.table({"drug": text_of(b"quinine caf\xe9").dictionary_encode()}), path)

    run(path, "-o", tmp_path / "out.ndjson")

    assert rows_of(tmp_path / "out.ndjson")[0]["drug"] == "quinine café"


def test_texts_inside_a_list_that_are_no_utf_8_are_refused_by_the_name_of_the_column(tmp_path, run):
    texts = pa.ListArray.from_arrays([0, 1], text_of(b"secret \xe9"))

    code, said = run(in_parquet(tmp_path, notes=texts), "-o", tmp_path / "out.csv")

    assert code == 4
    assert "notes: is damaged, or its texts are not UTF-8" in said
    assert "secret" not in said


def test_json_lines_hold_no_nan(tmp_path, run):
    run(in_parquet(tmp_path, dose=[float("nan")], other=[[float("inf")]]), "-o", tmp_path / "out.ndjson")

    assert rows_of(tmp_path / "out.ndjson")[0]["dose"] is None
    assert rows_of(tmp_path / "out.ndjson")[0]["other"] == ["inf"]


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "xlsx", "parquet"])
def test_half_a_letter_in_json_is_replaced_and_reported(tmp_path, run, suffix):
    (tmp_path / "list.ndjson").write_text('{"drug": "Lasix \\ud800", "\\ud800": 1}\n', "utf-8")

    code, said = run(tmp_path / "list.ndjson", "-o", tmp_path / f"out.{suffix}")

    assert code == 0, said
    assert "list.ndjson:1: holds a replacement character" in said


def test_a_whole_letter_of_two_halves_in_json_is_none(tmp_path, run):
    (tmp_path / "list.ndjson").write_text('{"drug": "Lasix \\ud83d\\ude00"}\n', "utf-8")

    _code, said = run(tmp_path / "list.ndjson", "-o", tmp_path / "out.csv")

    assert "replacement" not in said
    assert "Lasix 😀" in (tmp_path / "out.csv").read_text("utf-8")


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_an_object_with_a_key_twice_loses_neither_value(tmp_path, run, suffix):
    (tmp_path / "list.ndjson").write_text('{"drug": "HCTZ"}\n{"drug": "Lasix", "drug": "quinine"}\n', "utf-8")

    _code, said = run(tmp_path / "list.ndjson", "-o", tmp_path / f"out.{suffix}")

    row = (tmp_path / f"out.{suffix}").read_text("utf-8").splitlines()[-1]
    assert "list.ndjson:2: a JSON object with a key twice" in said
    assert all(word in row for word in ("Lasix", "quinine", "unrecognised"))


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst", "ndjson.gz", "parquet", "xlsx"])
def test_a_scan_that_is_refused_on_the_way_prints_its_message_only(tmp_path, run, printed, suffix):
    (tmp_path / "one.csv").write_text("drug\nHCTZ\n", "utf-8")
    (tmp_path / "two.csv").write_text("drug,other\nHCTZ,x\n", "utf-8")

    code, said = run(tmp_path / "one.csv", tmp_path / "two.csv", "-o", tmp_path / f"out.{suffix}")
    gc.collect()

    assert code == 4, said
    assert [str(one.exc_value) for one in printed] == []


def test_a_packed_table_that_is_damaged_leaves_no_file_open(tmp_path, run, recwarn):
    (tmp_path / "list.parquet.gz").write_bytes(gzip.compress(b"PAR1" * 99)[:-9])

    code, _said = run(tmp_path / "list.parquet.gz", "-o", tmp_path / "out.csv")

    assert code == 4
    assert [str(one.message) for one in recwarn] == []


def a_workbook(path, change):
    """A workbook of three rows whose sheet is changed."""
    sound = io.BytesIO()
    with xlsxwriter.Workbook(sound) as book:
        book.add_worksheet().write_column(0, 0, ["drug", "Lasix", "quinine"])
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(path, "w") as new:
        for one in old.infolist():
            new.writestr(one, change(old.read(one)) if "sheet1" in one.filename else old.read(one))


@pytest.mark.parametrize("cell", ["XFD1048576", "xfd1048576", "XFDignore6", "A99999999999"])
def test_a_cell_far_out_is_refused_before_it_takes_all_memory(tmp_path, run, cell):
    a_workbook(tmp_path / "list.xlsx", lambda sheet: sheet.replace(b'r="A3"', f'r="{cell}"'.encode()))

    code, said = run(tmp_path / "list.xlsx", "-o", tmp_path / "out.csv")

    assert code == 4
    assert "a sheet reaches over more than 67,108,864 cells" in said


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
@pytest.mark.parametrize("depth", [101, 960, 5000])
def test_an_object_that_is_nested_deep_is_kept_and_reported(tmp_path, run, suffix, depth):
    deep = "[" * depth + '"Lasix"' + "]" * depth
    (tmp_path / "list.ndjson").write_text(f'{{"drug": "HCTZ"}}\n{{"drug": {deep}}}\n', "utf-8")

    code, said = run(tmp_path / "list.ndjson", "-o", tmp_path / f"out.{suffix}")

    assert code == 0, said
    assert "list.ndjson:2: " in said
    assert "[[[" in (tmp_path / f"out.{suffix}").read_text("utf-8").splitlines()[-1]


@pytest.mark.parametrize("suffix", ["ndjson", "parquet"])
def test_a_numbered_name_of_a_column_is_not_that_of_an_added_one(tmp_path, run, suffix):
    (tmp_path / "list.csv").write_text("drug,drug_status,drug_status\nHCTZ,mine,yours\n", "utf-8")

    run(tmp_path / "list.csv", "-o", tmp_path / f"out.{suffix}")

    if suffix == "ndjson":
        row = rows_of(tmp_path / "out.ndjson")[0]
    else:
        (row,) = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert (row["drug_status"], row["drug_status_2"], row["drug_status_3"]) == ("mine", "yours", "matched")


@pytest.mark.parametrize("place", ["from_filelike", "get_sheet_by_name"])
def test_a_panic_of_the_reader_of_spreadsheets_is_an_error_with_what_to_do(tmp_path, run, monkeypatch, place):
    class PanicException(BaseException):
        """As the binding of Rust raises it."""

    class Book:
        sheet_names = ("list",)

        @classmethod
        def from_filelike(cls, file):
            if place == "from_filelike":
                raise PanicException("called `Option::unwrap()` on a `None` value")
            return cls()

        def get_sheet_by_name(self, name):
            raise PanicException("index out of bounds")

    monkeypatch.setattr("python_calamine.CalamineWorkbook", Book)
    (tmp_path / "list.xlsx").write_bytes(b"PK\x03\x04")

    code, said = run(tmp_path / "list.xlsx", "-o", tmp_path / "out.csv")

    assert code == 4
    assert "Save it again as .xlsx or as CSV" in said
    assert not (tmp_path / "out.csv").exists()


CELLS = b"<c><v>1</v></c>" * 100


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="1">' + CELLS + b'</row><row r="4000000">' + CELLS + b"</row>",
        b'<x:row r="1"><x:c r="A1"/></x:row><x:row r="4000000"><x:c note=">" r="XFD4000000"/></x:row>',
    ],
    ids=["cells without a place", "a prefix, and a sign inside"],
)
def test_rows_far_out_are_refused_however_they_are_written(tmp_path, run, rows):
    prefix = b'<worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    a_workbook(
        tmp_path / "list.xlsx",
        lambda sheet: sheet.replace(b"<worksheet ", prefix).replace(b"</sheetData>", rows + b"</sheetData>"),
    )

    code, said = run(tmp_path / "list.xlsx", "-o", tmp_path / "out.csv")

    assert code == 4
    assert "a sheet reaches over more than 67,108,864 cells" in said


def in_open_document(path, rows):
    names = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    names += ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet><table:table table:name='list'>{rows}"
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr("META-INF/manifest.xml", "<manifest/>")


TEXT = '<table:table-cell {} office:value-type="string"><text:p>Lasix</text:p></table:table-cell>'


@pytest.mark.parametrize(
    "rows",
    [
        "<table:table-row>" + TEXT.format('table:number-columns-repeated="4000000000"') + "</table:table-row>",
        '<table:table-row table:number-rows-repeated="4000000000">' + TEXT.format("") + "</table:table-row>",
    ],
    ids=["columns", "rows"],
)
def test_cells_that_are_repeated_without_end_are_refused(tmp_path, run, rows):
    in_open_document(tmp_path / "list.ods", rows)

    code, said = run(tmp_path / "list.ods", "-o", tmp_path / "out.csv")

    assert code == 4
    assert "a sheet reaches over more than 67,108,864 cells" in said


def test_empty_rows_to_the_end_of_a_sheet_are_no_cells(tmp_path, run):
    empty = '<table:table-cell table:number-columns-repeated="16384"/>'
    cells = (TEXT.format("").replace("Lasix", text) for text in ("drug", "Lasix", "quinine"))
    rows = "".join(f"<table:table-row>{cell}{empty}</table:table-row>" for cell in cells)
    in_open_document(
        tmp_path / "list.ods", f'{rows}<table:table-row table:number-rows-repeated="1048573">{empty}</table:table-row>'
    )

    code, said = run(tmp_path / "list.ods", "-o", tmp_path / "out.csv")

    assert code == 0, said
