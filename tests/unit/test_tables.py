"""Reading and writing table files; the rules about their content have tests of their own (tests/tables)."""

from __future__ import annotations

import csv
import io
import os
import pickle
import sys
from pathlib import Path

import pytest

from cramprisk import tables as module
from cramprisk.errors import InputError, Problem, TableError
from cramprisk.tables import (
    LAYOUT,
    Table,
    data_folder,
    digest_of,
    format_table,
    read_tables,
    split_cell,
    tables_from,
    write_file,
    write_tables,
)

HEADER = b"id,name,synonyms,brands,abbreviations,drug_class,rxcui,atc\n"
DRUGS = [
    {"id": "aspirin", "name": "aspirin", "synonyms": "acetylsalicylic acid|ASA", "rxcui": "1191"},
    {"id": "estrogens", "name": "estrogens, conjugated", "brands": 'the "pill"'},
    {"id": "iron", "name": "iron"},
    {"id": "warfarin", "name": "warfarin"},
]


def whole(rows):
    return [dict.fromkeys(LAYOUT["drugs.csv"], "") | row for row in rows]


@pytest.fixture
def folder(tmp_path):
    write_tables(tables_from({"drugs.csv": DRUGS}, version="2026.11.0"), tmp_path)
    return tmp_path


@pytest.fixture
def checked(folder):
    """The same tables with the mark of a passed check, so that their rows are parsed when they are looked at."""
    passed = read_tables(folder)
    (folder / "VERSION").write_text(f"2026.11.0 sha256:{passed.digest}\n", "utf-8")
    return read_tables(folder)


def problems(folder):
    with pytest.raises(TableError) as caught:
        read_tables(folder)
    # Of a line or of the file as a whole (line 0), and of no column: a file that cannot be parsed has none.
    assert all(problem.line >= 0 and problem.column == "" for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


def test_a_cell_holds_its_values_between_bars():
    assert split_cell("Lasix|Frusol") == ["Lasix", "Frusol"]
    assert split_cell("Lasix") == ["Lasix"]
    assert split_cell("") == []


# ---------------------------------------------------------------------- reading


def test_tables_say_what_they_are_and_where_they_come_from(folder):
    tables = read_tables(str(folder))

    assert (tables.version, tables.folder, tables.checked) == ("2026.11.0", folder, False)
    assert list(tables.files) == list(LAYOUT)
    assert [table.file for table in tables.files.values()] == list(LAYOUT)
    assert tables.rows("drugs.csv") == tuple(whole(DRUGS))
    assert tables.index_digest == tables.digest


def test_the_mark_of_a_passed_check_counts_for_these_very_bytes_only(checked, folder):
    assert checked.checked
    assert (checked.version, checked.folder, checked.index_digest) == ("2026.11.0", folder, checked.digest)

    with (folder / "drugs.csv").open("a", encoding="utf-8") as handle:
        handle.write("zinc,zinc,,,,,,\n")

    changed = read_tables(folder)
    assert not changed.checked
    assert changed.digest != checked.digest
    assert changed.rows("drugs.csv")[-1]["id"] == "zinc"


def test_without_a_folder_the_installed_tables_are_read():
    assert read_tables().folder == data_folder()


def test_columns_may_stand_in_another_order(folder):
    (folder / "drugs.csv").write_bytes(b"name,id,synonyms,brands,abbreviations,drug_class,rxcui,atc\nAspirin,aspirin,,,,,,\n")

    assert read_tables(folder).rows("drugs.csv") == tuple(whole([{"id": "aspirin", "name": "Aspirin"}]))
    assert list(read_tables(folder).rows("drugs.csv")[0]) == list(LAYOUT["drugs.csv"])


def test_a_mark_of_byte_order_is_no_part_of_the_header(folder):
    (folder / "drugs.csv").write_bytes(b"\xef\xbb\xbf" + HEADER + b"aspirin,aspirin,,,,,,\n")

    assert read_tables(folder).rows("drugs.csv")[0]["id"] == "aspirin"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HEADER + b"a,a,,,,,,\nb,\xe9,,,,,,\n", "drugs.csv:3: not UTF-8. Save the file as UTF-8."),
        (b"\n\xff\n\n", "drugs.csv:2: not UTF-8. Save the file as UTF-8."),
        (b"\n\0\n\n\n", "drugs.csv:2: holds a NUL character. Remove it."),
        (b"\xff\nx\xff", "drugs.csv:1: not UTF-8. Save the file as UTF-8."),
        (HEADER + b"a,a,,,,,,\nb,\0,,,,,,\nc,\0,,,,,,\n", "drugs.csv:3: holds a NUL character. Remove it."),
        (b"", "drugs.csv: is empty. It needs the header id,name,synonyms,brands,abbreviations,drug_class,rxcui,atc"),
        (b"id,name,rxcui,atc,brands\na,b\n", "drugs.csv:1: the header lacks synonyms, abbreviations, drug_class. Add it."),
        (
            HEADER[:-1] + b",colour,size\na,a,,,,,,,x,y\n",
            "drugs.csv:1: unknown column colour, size. Remove it, or check its name.",
        ),
        (HEADER + b"a,a,,,,,,\nb,b\n", "drugs.csv:3: 2 cells, the header has 8. Quote commas."),
        (HEADER + b"a,a,,,,,,\nb,b,,,,,,,\n", "drugs.csv:3: 9 cells, the header has 8. Quote commas."),
        (
            HEADER + b'a,a,,,,,,\nb,"b"x,,,,,,\n',
            "drugs.csv:3: not readable as CSV (',' expected after '\"'). Check the quotes.",
        ),
    ],
)
def test_a_broken_file_is_reported_once_with_its_line_and_what_to_do(folder, content, says):
    (folder / "drugs.csv").write_bytes(content)

    assert problems(folder) == [says]


def test_every_broken_row_of_every_file_is_reported(folder):
    (folder / "drugs.csv").write_bytes(HEADER + b"a,b\nb,b,,,,,,\nc\n")
    (folder / "sources.csv").unlink()
    (folder / "words.csv").unlink()
    (folder / "words.csv").mkdir()
    (folder / "VERSION").unlink()

    assert problems(folder) == [
        "sources.csv: is missing from the folder of tables. Restore it.",
        "words.csv: cannot be read (Is a directory). Check its permissions.",
        "VERSION: is missing or unreadable. It holds the version of the tables.",
        "drugs.csv:2: 2 cells, the header has 8. Quote commas.",
        "drugs.csv:4: 1 cells, the header has 8. Quote commas.",
    ]


def test_a_version_that_is_no_text_is_reported(folder):
    (folder / "VERSION").write_bytes(b"\xff")

    assert problems(folder) == ["VERSION: is missing or unreadable. It holds the version of the tables."]


def test_a_file_in_place_of_the_folder_is_reported_by_its_name(folder):
    assert problems(folder / "drugs.csv") == ["drugs.csv: is not a folder. Give the folder that holds drugs.csv."]


# ---------------------------------------------------------------------- rows that are parsed when they are looked at


def test_rows_parsed_later_are_the_rows(checked, folder):
    rows = checked.rows("drugs.csv")
    expected = list(csv.DictReader(io.StringIO((folder / "drugs.csv").read_text("utf-8"))))

    assert len(rows) == len(expected) == 4
    assert list(rows) == expected
    assert [rows[index] for index in range(4)] == expected
    assert [rows[-1], rows[-4]] == [expected[-1], expected[0]]
    assert rows[1:3] == expected[1:3]
    assert rows[::-2] == expected[::-2]
    assert checked.files["drugs.csv"].ids() == [row["id"] for row in expected]
    with pytest.raises(IndexError):
        rows[4]


def test_a_table_without_rows_has_none(checked):
    assert len(checked.rows("words.csv")) == 0
    assert list(checked.rows("words.csv")) == []
    assert checked.files["conditions.csv"].ids() == []


def test_a_file_is_parsed_once_and_only_when_asked_for(checked):
    assert len(checked.files) == len(LAYOUT)
    assert list(checked.files) == list(LAYOUT)
    assert checked.files["drugs.csv"] is checked.files["drugs.csv"]
    assert checked.files["drugs.csv"].file == "drugs.csv"
    with pytest.raises(KeyError):
        checked.files["nothing.csv"]


def test_tables_are_the_same_in_another_process(checked):
    list(checked.rows("drugs.csv"))

    again = pickle.loads(pickle.dumps(checked))

    assert list(again.rows("drugs.csv")) == whole(DRUGS)
    assert (again.digest, again.checked) == (checked.digest, True)


def test_a_row_stands_on_its_line_of_its_file():
    table = Table("drugs.csv", tuple(whole(DRUGS)), added=1)

    assert [table.place(index) for index in range(4)] == [
        ("drugs.csv", 2),
        ("drugs.csv", 3),
        ("drugs.csv", 4),
        ("extra/drugs.csv", 2),
    ]
    assert table.ids() == ["aspirin", "estrogens", "iron", "warfarin"]
    assert Table("drugs.csv", table.rows).place(3) == ("drugs.csv", 5)


# ---------------------------------------------------------------------- where the tables of an installation are


def test_the_tables_stand_beside_the_code_or_in_the_source_tree(tmp_path, monkeypatch):
    package = tmp_path / "somewhere" / "cramprisk"
    package.mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(package / "tables.py"))
    (package.parent / "data").mkdir()

    with pytest.raises(TableError) as caught:
        data_folder()
    assert caught.value.problems[0] == Problem(
        "data", 0, "", "the folder of tables is missing from this installation. Install the package again."
    )

    (package.parent / "pyproject.toml").touch()
    assert data_folder() == package.parent / "data"

    (package / "data").mkdir()
    assert data_folder() == package.parent / "data"

    (package / "data" / "drugs.csv").touch()
    assert data_folder() == package / "data"


def test_a_project_without_tables_is_no_source_tree(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "cramprisk" / "tables.py"))
    (tmp_path / "pyproject.toml").touch()

    with pytest.raises(TableError, match="is missing from this installation"):
        data_folder()


# ---------------------------------------------------------------------- writing


def test_a_table_is_written_as_a_curator_reads_it():
    assert format_table("drugs.csv", whole(DRUGS[:2])) == (
        HEADER
        + b"aspirin,aspirin,acetylsalicylic acid|ASA,,,,1191,\n"
        + b'estrogens,"estrogens, conjugated",,"the ""pill""",,,,\n'
    )


def test_tables_keep_the_mark_of_their_check_when_they_are_written(checked, folder, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy")
    write_tables(checked, str(copy))

    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }
    assert read_tables(copy).checked


def test_tables_that_were_not_checked_are_written_without_a_mark(folder):
    assert (folder / "VERSION").read_bytes() == b"2026.11.0\n"


def test_tables_made_in_memory_have_every_file_and_column():
    tables = tables_from({"drugs.csv": DRUGS[:1]})

    assert (tables.version, tables.checked, tables.folder) == ("0", False, None)
    assert tables.rows("drugs.csv") == tuple(whole(DRUGS[:1]))
    assert {file: len(table.rows) for file, table in tables.files.items()} == dict.fromkeys(LAYOUT, 0) | {"drugs.csv": 1}
    assert [table.file for table in tables.files.values()] == list(LAYOUT)
    assert tables.index_digest == tables.digest == digest_of({file: format_table(file, tables.rows(file)) for file in LAYOUT})


def test_a_digest_is_of_names_and_contents_in_any_order():
    one = digest_of({"a.csv": b"1", "b.csv": b"2"})

    assert one == digest_of({"b.csv": b"2", "a.csv": b"1"})
    assert len({one, digest_of({"a.csv": b"2", "b.csv": b"1"}), digest_of({"a.csv": b"1"}), digest_of({"c.csv": b"1"})}) == 4
    # Recorded beside tables and in reports: another version of the code must find the same.
    assert one == "780765a96272f564704eb46da268fb4307ffea7229662997cf8f73f7e4d35a1c"


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "drugs.csv"
    write_file(path, b"first")
    assert path.stat().st_mode & 0o777 == 0o644

    path.chmod(0o640)
    write_file(path, b"second")

    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["drugs.csv"]


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError) as caught:
        write_file(tmp_path / "nowhere" / "drugs.csv", b"")

    assert str(caught.value) == "drugs.csv: its folder cannot be written to (No such file or directory)."


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (OSError(28, "No space left on device"), InputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
@pytest.mark.parametrize("step", ["fsync", "replace", "fsync, and another program tidies up"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failure, raised, step):
    path = tmp_path / "drugs.csv"
    path.write_bytes(b"old")

    def fail(*_):
        # Written beside the old file, and hidden: another disk could not be moved from, and a reader must not take it for a table.
        (beside,) = (other.name for other in tmp_path.iterdir() if other != path)
        assert beside.startswith(".drugs.csv.")
        if "tidies" in step:
            (tmp_path / beside).unlink()
        raise failure

    monkeypatch.setattr(*((Path, "replace") if step == "replace" else (os, "fsync")), fail)
    with pytest.raises(raised) as caught:
        write_file(path, b"new")

    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["drugs.csv"]
    if raised is InputError:
        assert str(caught.value) == ("drugs.csv: could not be written (No space left on device). The old file is untouched.")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows opens no file for reading and replacing at once")
def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "drugs.csv"
    write_file(path, b"old" * 1000)

    with path.open("rb") as reader:
        first = reader.read(3)
        write_file(path, b"new" * 1000)
        rest = reader.read()

    assert first + rest == b"old" * 1000
