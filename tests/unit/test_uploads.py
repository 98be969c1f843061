"""Files that are opened on the page: nothing lost in silence, nothing that unfolds without end."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.model import Kind
from cramprisk.service.uploads import MAX_FILE_BYTES, columns_of

CHECKER = Checker.default()


def read(content, kind="csv"):
    return columns_of(content.encode() if isinstance(content, str) else content, kind, CHECKER)


def workbook(sheets):
    xlsxwriter = pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed: make test installs it")
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return out.getvalue()


def test_columns_are_told_apart_and_guessed():
    columns = read("patient_id,drug name,diagnosis\n1,Lasix 40,T2DM\n1,warfarin,gout\n")

    assert [(column.name, column.kind) for column in columns] == [
        ("patient_id", None),
        ("drug name", Kind.DRUG),
        ("diagnosis", Kind.CONDITION),
    ]
    assert columns[1].entries == ("Lasix 40", "warfarin")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_is_found(delimiter):
    columns = read(f"drug{delimiter}dose\nLasix{delimiter}40 mg\nwarfarin{delimiter}5 mg\n")

    assert [column.entries for column in columns] == [("Lasix", "warfarin"), ("40 mg", "5 mg")]


@pytest.mark.parametrize("first", ["Lasix 40", "Zyqlora 5 mg", "no gout", "xyzzy"])
def test_a_first_row_that_is_no_heading_is_an_entry(first):
    [column] = read(f"{first}\nwarfarin\n")

    assert column.entries == (first, "warfarin")


def test_a_quotation_mark_that_is_not_closed_swallows_no_row():
    columns = read('drug,dose\nLasix,"40 mg\nwarfarin,5 mg\n')

    assert columns[0].entries == ("Lasix", "warfarin")


def test_a_text_gives_its_lines_without_remarks():
    [column] = read("# my list\nLasix, 40 mg\n\nwarfarin\n", "txt")

    assert column.entries == ("Lasix, 40 mg", "warfarin")
    assert column.kind is Kind.DRUG


def test_a_list_of_conditions_is_known_as_one():
    [column] = read("T2DM\nrestless legs\ngout\n", "txt")

    assert column.kind is Kind.CONDITION


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_usual_encodings_are_read(encoding):
    [column] = read("Naproxène\nwarfarin\n".encode(encoding), "txt")

    assert column.entries == ("Naproxène", "warfarin")


def test_a_spreadsheet_keeps_its_codes_whole():
    columns = read(workbook({"list": [["drug", "rxcui"], ["Lasix", 617310], ["warfarin", 11289]]}), "xlsx")

    assert [column.entries for column in columns] == [("Lasix", "warfarin"), ("617310", "11289")]


def test_columns_of_several_sheets_are_named_by_sheet():
    columns = read(workbook({"meds": [["drug"], ["Lasix"]], "empty": [], "problems": [["diagnosis"], ["gout"]]}), "xlsx")

    assert [column.name for column in columns] == ["meds: drug", "problems: diagnosis"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("", "txt"),
        ("drug\n", "csv"),
        (b"PK\x03\x04 no workbook", "xlsx"),
        (b"a\0b", "txt"),
        ("Lasix", "pdf"),
        ("Lasix", ""),
        ("\n".join(f"drug {number}" for number in range(502)), "txt"),
        (",".join("x" * 61) + "\n", "csv"),
        (b"x" * (MAX_FILE_BYTES + 1), "txt"),
    ],
    ids=["empty", "heading", "broken", "binary", "pdf", "none", "rows", "columns", "bytes"],
)
def test_what_cannot_be_read_is_refused_and_never_repeated(content, kind):
    with pytest.raises(InputError) as refused:
        read(content, kind)

    assert "xxx" not in str(refused.value)
    assert "drug 1" not in str(refused.value)


def zipped(members):
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_workbook_that_unfolds_without_end_is_refused_even_if_it_belies_its_size():
    bomb = bytearray(zipped({"xl/worksheets/sheet1.xml": b"0" * 50_000_000}))
    # What the archive says of the unpacked size, in both places, is made small.
    for place in (bomb.find(b"PK\x03\x04") + 22, bomb.find(b"PK\x01\x02") + 24):
        bomb[place : place + 4] = struct.pack("<I", 100)

    with pytest.raises(InputError, match="too large"):
        read(bytes(bomb), "xlsx")


@pytest.mark.parametrize("place", ["XFD1048576", "xfd1048576", "XFDignore6"])
def test_one_cell_far_out_is_refused_before_the_field_before_it_is_laid_out(place):
    content = workbook({"list": [["Lasix"]]})
    members = {
        info.filename: zipfile.ZipFile(BytesIO(content)).read(info) for info in zipfile.ZipFile(BytesIO(content)).infolist()
    }
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(b'r="A1"', f'r="{place}"'.encode())

    with pytest.raises(InputError, match="cells"):
        read(zipped(members), "xlsx")


@pytest.mark.parametrize("encoding", ["otTF-8", "utf-7", "undefined", "hex"])
def test_a_sheet_in_an_encoding_that_cannot_be_read_is_refused(encoding):
    content = workbook({"list": [["Lasix"]]})
    members = {
        info.filename: zipfile.ZipFile(BytesIO(content)).read(info) for info in zipfile.ZipFile(BytesIO(content)).infolist()
    }
    sheet = members["xl/worksheets/sheet1.xml"].replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode())
    members["xl/worksheets/sheet1.xml"] = sheet.replace(b'r="A1"', b'r="ignore6"')  # an unusual place: it is read as XML

    with pytest.raises(InputError):
        read(zipped(members), "xlsx")


@settings(max_examples=150)
@given(cuts=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=20))
def test_a_damaged_workbook_is_read_or_refused_and_nothing_else(cuts):
    content = bytearray(workbook({"list": [["drug", "dose"], ["Lasix", 40]]}))
    for place, byte in cuts:
        content[place % len(content)] = byte

    try:
        columns = read(bytes(content), "xlsx")
    except InputError:
        return

    assert all(column.entries for column in columns)


@given(content=st.binary(max_size=300), kind=st.sampled_from(["csv", "tsv", "txt", "xlsx"]))
def test_any_bytes_are_read_or_refused_and_nothing_else(content, kind):
    try:
        columns = read(content, kind)
    except InputError:
        return

    assert all(column.entries for column in columns)
