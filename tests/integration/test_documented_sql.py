"""The recipe "distinct, look up, join" of docs/frames.md, as it stands there, on DuckDB."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from cramprisk import annotate, lookup_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "frames.md"
MEDICINES = ["HCTZ 25mg", "Lasix", None, "unheard of", "Lasix"]

if not PAGE.is_file():
    pytest.skip("the documentation is not here: these tests need the source tree", allow_module_level=True)

JOIN, PLAIN, NEW = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
[LOOK_UP] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def connection(tmp_path, monkeypatch):
    """A database with the answers that the documented program has put into it."""
    monkeypatch.chdir(tmp_path)
    with duckdb.connect("hospital.db") as made:
        made.execute("CREATE TABLE lists (row INTEGER, medicine VARCHAR)")
        made.executemany("INSERT INTO lists VALUES (?, ?)", list(enumerate(MEDICINES)))
    exec(LOOK_UP, names := {})
    names["connection"].close()
    with duckdb.connect("hospital.db") as made:
        yield made


def test_the_join_gives_what_annotate_gives(connection):
    joined = connection.sql(JOIN).order("row").fetchall()

    told = annotate(connection.table("lists"), drug="medicine")
    columns = "row, medicine, drug_status, drug_concepts, drug_flagged, drug_grade"
    assert joined == told.project(columns).order("row").fetchall()


def test_a_plain_join_finds_the_missing_cells_too(connection):
    connection.execute("DELETE FROM medicine_answers WHERE text IS NULL")

    joined = connection.sql(PLAIN).order("row").fetchall()

    assert [row[2] for row in joined] == ["matched", "matched", "empty", "unrecognised", "matched"]


def test_texts_that_came_later_are_found(connection):
    connection.execute("INSERT INTO lists VALUES (9, 'Ventolin')")

    assert connection.sql(NEW).fetchall() == [("Ventolin",)]


def test_the_table_has_one_row_for_each_distinct_text(connection):
    assert connection.sql("SELECT count(*) FROM medicine_answers").fetchall() == [(4,)]
    assert connection.table("medicine_answers").columns == lookup_table([]).column_names
