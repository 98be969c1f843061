"""Frames: what is kept, what is refused, and how little is read."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cramprisk
import cramprisk.pandas
import cramprisk.polars
from cramprisk import Checker, InputError, annotate, findings, lookup_table, summarise
from cramprisk.columns import COLUMNS
from cramprisk.frames import answers, polars_frames
from cramprisk.model import Interaction

SECRET = 31337
CELLS = ["HCTZ 25mg", None, "unheard of", "HCTZ 25mg"]
STATUSES = ["matched", "empty", "unrecognised", "matched"]
MAKERS = {
    "pandas": pd.DataFrame,
    "polars": lambda data: pl.DataFrame(data, strict=False),
    "pyarrow": pa.table,
    "duckdb": lambda data: duckdb.from_arrow(pa.table(data)),
}
ADDED = [f"drug_{name}" for name in COLUMNS]


def every_kind():
    return pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def column(frame, name):
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, duckdb.DuckDBPyRelation):
        return [row[0] for row in frame.project(f'"{name}"').fetchall()]
    return frame[name].to_pylist() if isinstance(frame, pa.Table) else list(frame[name])


@pytest.fixture
def texts_read(monkeypatch):
    """The texts that the engine was asked to read."""
    seen = []
    for module in (answers, polars_frames):
        real = module.readings

        def counted(texts, kind, checker, real=real):
            given = list(texts)
            seen.extend(given)
            return real(given, kind, checker)

        monkeypatch.setattr(module, "readings", counted)
    return seen


# ---------------------------------------------------------------------- annotate: what comes back


@every_kind()
def test_a_frame_comes_back_as_its_own_kind_with_the_columns_behind_its_own(make):
    frame = make({"row": [1, 2, 3, 4], "medicine": CELLS})

    made = annotate(frame, drug="medicine")

    assert type(made) is type(frame)
    names = made.column_names if isinstance(made, pa.Table) else list(made.columns)
    assert names == ["row", "medicine", *ADDED]
    assert column(made, "drug_status") == STATUSES


@every_kind()
def test_both_kinds_may_read_the_same_column(make):
    made = annotate(make({"text": ["T2DM", "Lasix"]}), drug="text", condition="text")

    assert column(made, "condition_status")[0] == column(made, "drug_status")[1] == "matched"


@every_kind()
def test_an_empty_frame_stays_empty(make):
    frame = make({"medicine": ["x"]})
    empty = frame.limit(0) if isinstance(frame, duckdb.DuckDBPyRelation) else frame[:0]

    assert column(annotate(empty, drug="medicine"), "drug_status") == []


@every_kind()
def test_a_prefix_stands_before_the_added_columns(make):
    made = annotate(annotate(make({"medicine": CELLS}), drug="medicine"), drug="medicine", prefix="again_")

    assert column(made, "again_drug_status") == column(made, "drug_status") == STATUSES


def test_texts_are_categories_where_the_engine_has_them():
    assert annotate(pd.DataFrame({"m": CELLS}), drug="m").dtypes["drug_concepts"] == "category"
    schema = annotate(pl.DataFrame({"m": CELLS}), drug="m").schema
    assert schema["drug_concepts"] == pl.Categorical
    assert isinstance(schema["drug_status"], pl.Enum)
    assert pa.types.is_dictionary(annotate(pa.table({"m": CELLS}), drug="m").schema.field("drug_concepts").type)


def test_statuses_grades_and_directions_have_the_same_categories_in_every_frame():
    one, other = (annotate(pd.DataFrame({"m": [text]}), drug="m") for text in ("HCTZ", "unheard of"))

    for name in ("drug_status", "drug_grade", "drug_direction"):
        assert one[name].dtype == other[name].dtype
    assert pd.concat([one["drug_status"], other["drug_status"]]).dtype == "category"


def test_names_attributes_and_levels_of_a_pandas_frame_are_kept():
    frame = pd.DataFrame({"m": ["Lasix"], 5: [1]}, index=pd.Index([3], name="key"))
    frame.columns.name = "what"
    frame.attrs["from"] = "here"

    made = annotate(frame, drug="m")

    assert made.index.equals(frame.index)
    assert made.index.name == "key"
    assert (made.columns.name, made.attrs) == ("what", {"from": "here"})
    levels = pd.DataFrame([["Lasix"]], columns=pd.MultiIndex.from_tuples([("a", "m")], names=["one", "two"]))
    again = annotate(levels, drug=("a", "m"))
    assert again.columns.nlevels == 2
    assert list(again[("drug_status", "")]) == ["matched"]


def test_the_name_of_a_column_need_not_be_a_text():
    assert list(annotate(pd.DataFrame({0: ["Lasix"]}), drug=0)["drug_status"]) == ["matched"]


def test_the_metadata_of_a_table_are_kept():
    table = pa.table({"m": ["Lasix"]}).replace_schema_metadata({"from": "here"})

    assert annotate(table, drug="m").schema.metadata == {b"from": b"here"}


def test_a_frame_of_narwhals_comes_back_as_one():
    made = annotate(nw.from_native(pl.DataFrame({"m": CELLS})), drug="m")

    assert isinstance(made, nw.DataFrame)
    assert made["drug_status"].to_list() == STATUSES


# ---------------------------------------------------------------------- annotate: what is missing


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"m": pd.Series([None, np.nan, pd.NA, pd.NaT], dtype=object)}),
        pd.DataFrame({"m": [np.nan, np.nan]}),
        pd.DataFrame({"m": pd.Series([pd.NaT], dtype="datetime64[ns]")}),
        pd.DataFrame({"m": pd.Series([None], dtype="category")}),
        pd.DataFrame({"m": pd.Series([None], dtype=pd.ArrowDtype(pa.int64()))}),
        pl.DataFrame({"m": [None, None]}),
        pl.DataFrame({"m": [None, None]}, schema={"m": pl.Float64}),
        pl.LazyFrame({"m": [None, None]}),
        pa.table({"m": pa.nulls(3)}),
        pa.table({"m": pa.array([None], pa.float64())}),
        duckdb.sql("SELECT NULL AS m"),
    ],
    ids=str,
)
def test_a_column_without_any_text_is_empty_whatever_its_type(frame):
    assert set(column(annotate(frame, drug="m"), "drug_status")) == {"empty"}


def test_a_missing_cell_is_never_the_word_that_stands_for_it():
    made = annotate(pd.DataFrame({"m": pd.Series([None, np.nan, "Nan"], dtype=object)}), drug="m")

    assert made["drug_not_understood"].isna().all()


# ---------------------------------------------------------------------- annotate: what is refused


@pytest.mark.parametrize(
    ("frame", "row"),
    [
        (pd.DataFrame({"m": ["Lasix", SECRET]}), 2),
        (pd.DataFrame({"m": ["Lasix", None, [SECRET]]}), 3),
        (pd.DataFrame({"m": [b"Lasix"]}), 1),
        (pd.DataFrame({"m": [np.nan, float(SECRET)]}), 2),
        (pd.DataFrame({"m": [datetime(2026, 1, 1)]}), 1),
        (pd.DataFrame({"m": pd.Series(["Lasix", SECRET], dtype="category")}), 2),
        (pd.DataFrame({"m": pd.Series([None, SECRET], dtype=pd.ArrowDtype(pa.int64()))}), 2),
        (pl.DataFrame({"m": [None, SECRET]}), 2),
        (pl.DataFrame({"m": pl.Series(["Lasix", SECRET], dtype=pl.Object)}), 2),
        (pa.table({"m": [None, None, SECRET]}), 3),
        (duckdb.sql(f"SELECT unnest([NULL, {SECRET}]) AS m"), 2),
    ],
    ids=lambda value: type(value).__module__ if not isinstance(value, int) else str(value),
)
def test_a_cell_that_is_no_text_is_refused_by_row_and_column_and_not_shown(frame, row):
    with pytest.raises(InputError, match=rf"^m: row {row}: expected text, got ") as caught:
        annotate(frame, drug="m")

    assert str(SECRET) not in str(caught.value)


def test_a_lazy_column_that_is_no_text_is_refused_before_anything_is_computed():
    with pytest.raises(InputError, match=r"^m: expected a column of texts, got Int64"):
        annotate(pl.LazyFrame({"m": [SECRET]}), drug="m")


@every_kind()
def test_a_column_that_is_not_there_is_named_with_those_that_are(make):
    with pytest.raises(InputError, match=r"drug: the frame has no column 'medicine'\. It has: row, text\."):
        annotate(make({"row": [1], "text": ["x"]}), drug="medicine")


@every_kind()
def test_no_column_is_written_over(make):
    with pytest.raises(InputError, match=r"^drug_grade: the frame has a column of this name already\. .*prefix="):
        annotate(make({"m": ["x"], "drug_grade": ["mine"]}), drug="m")


def test_a_name_that_two_columns_have_is_refused():
    doubled = pd.DataFrame([["x", "y"]], columns=["m", "m"])

    for frame in (doubled, pa.Table.from_arrays([["x"], ["y"]], names=["m", "m"])):
        with pytest.raises(InputError, match=r"^m: 2 columns have this name"):
            annotate(frame, drug="m")


@pytest.mark.parametrize("given", [[1], {"m": ["x"]}, pd.Series(["x"]), pl.Series(["x"]), None])
def test_what_is_no_frame_is_refused(given):
    with pytest.raises(InputError, match="expected a frame of pandas"):
        annotate(given, drug="m")


def test_one_of_the_kinds_must_be_named():
    with pytest.raises(InputError, match="neither is given"):
        annotate(pd.DataFrame({"m": ["x"]}))


def test_without_pyarrow_pandas_works_and_others_say_what_to_install():
    code = (
        "import sys; sys.modules['pyarrow'] = None; import pandas as pd, polars as pl, cramprisk\n"
        "frame = pd.DataFrame({'p': [1], 'm': ['HCTZ']})\n"
        "print(list(cramprisk.annotate(frame, drug='m')['drug_grade']), len(cramprisk.findings(frame, id='p', drug='m')) > 0)\n"
        "for call in (lambda: cramprisk.annotate(pl.DataFrame({'m': ['x']}), drug='m'), lambda: cramprisk.lookup_table(['x'])):\n"
        "    try: call()\n"
        "    except cramprisk.MissingExtraError as problem: print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    first, *others = done.stdout.splitlines()
    assert first == "['A'] True", done.stderr
    assert [said.partition("Install it with: ")[2] for said in others] == ['pip install "cramprisk[parquet]"'] * 2


# ---------------------------------------------------------------------- annotate: how little is done


@every_kind()
def test_every_text_is_read_once(make, texts_read, monkeypatch):
    from cramprisk.frames import lookup

    real = lookup.readings
    monkeypatch.setattr(lookup, "readings", lambda texts, *rest: texts_read.extend(texts) or real(texts, *rest))

    annotate(make({"m": CELLS * 50}), drug="m")

    assert sorted(text for text in texts_read if text is not None) == ["HCTZ 25mg", "unheard of"]


def test_categories_that_do_not_occur_are_not_read(texts_read):
    frame = pd.DataFrame({"m": pd.Categorical(["Lasix", "HCTZ"], categories=["never", "HCTZ", "Lasix", "nor this"])})

    made = annotate(frame, drug="m")

    assert texts_read == ["HCTZ", "Lasix"]
    assert list(made["drug_concepts"]) == ["furosemide", "hydrochlorothiazide"]


def test_a_lazy_frame_stays_lazy_and_reads_only_the_rows_that_are_asked_for(texts_read):
    frame = pl.LazyFrame({"m": ["Lasix", "HCTZ", "Ventolin"], "row": [1, 2, 3]})

    made = annotate(frame, drug="m").filter(pl.col("row") == 2)

    assert isinstance(made, pl.LazyFrame)
    assert texts_read == []
    assert column(made, "drug_concepts") == ["hydrochlorothiazide"]
    assert texts_read == ["HCTZ"]


def test_a_lazy_frame_goes_through_in_batches():
    frame = pl.LazyFrame({"m": CELLS * 5_000, "row": range(20_000)})

    made = annotate(frame, drug="m").collect(engine="streaming")

    assert made["row"].to_list() == list(range(20_000))
    assert made["drug_status"].to_list() == STATUSES * 5_000


# ---------------------------------------------------------------------- annotate: DuckDB


def test_a_relation_keeps_the_order_of_many_rows():
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT i, ['HCTZ', NULL, 'Lasix', 'x y'][1 + (i * 7919) % 4] AS m FROM range(300000) AS r(i)"
        )

        made = annotate(connection.table("t"), drug="m").project("i, m, drug_status").fetchall()

    assert [row[0] for row in made] == list(range(300_000))
    status = {"HCTZ": "matched", None: "empty", "Lasix": "matched", "x y": "unrecognised"}
    assert all(status[text] == found for _, text, found in made)


def test_a_relation_of_enumerations_and_odd_names_is_read():
    odd = '"a ""column"""'
    made = annotate(duckdb.sql(f"SELECT 'Lasix'::ENUM('Lasix', 'x') AS {odd}"), drug='a "column"')

    assert made.project("drug_concepts").fetchall() == [("furosemide",)]
    assert str(made.types[0]).startswith("ENUM")


def test_rows_that_changed_after_the_look_up_are_an_error_and_not_a_silent_gap():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'Lasix' AS m")
        made = annotate(connection.table("t"), drug="m")
        connection.execute("INSERT INTO t VALUES ('HCTZ')")

        with pytest.raises(duckdb.Error, match="call it again"):
            made.fetchall()


@pytest.mark.skipif(duckdb.__version__ < "2", reason="DuckDB 1 keeps a temporary view for every relation that is queried by name")
def test_no_view_is_left_behind_in_the_database():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'Lasix' AS m, 1 AS p")
        findings(annotate(connection.table("t"), drug="m"), id="p", drug="m").fetchall()

        assert connection.sql("SHOW ALL TABLES").project("name").fetchall() == [("t",)]


# ---------------------------------------------------------------------- accessors


def test_frames_have_the_functions_as_methods():
    pandas, polars = pd.DataFrame({"p": [1], "m": ["HCTZ"]}), pl.DataFrame({"p": [1], "m": ["HCTZ"]})

    assert pandas.cramprisk.annotate(drug="m").equals(annotate(pandas, drug="m"))
    assert pandas.cramprisk.findings(id="p", drug="m").equals(findings(pandas, id="p", drug="m"))
    assert pandas.cramprisk.summarise(id="p", drug="m").equals(summarise(pandas, id="p", drug="m"))
    assert polars.cramprisk.annotate(drug="m").equals(annotate(polars, drug="m"))
    assert polars.lazy().cramprisk.findings(id="p", drug=["m"]).collect().equals(findings(polars, id="p", drug="m"))
    assert polars.cramprisk.summarise(id="p", drug="m").equals(summarise(polars, id="p", drug="m"))


# ---------------------------------------------------------------------- findings and summaries

LISTS = {
    "p": [7, 7, 8, 9],
    "m": ["HCTZ 25mg", "Ventolin; naproxen", "warfarin", None],
    "dx": [None, "PD", "MS", "Parkinson's disease"],
}


@every_kind()
def test_findings_come_as_the_kind_of_the_frame_with_the_ids_of_the_frame(make):
    frame = make(LISTS)

    made = findings(frame, id="p", drug="m", condition="dx")

    assert type(made) is type(frame)
    assert set(column(made, "p")) <= {7, 8, 9}
    assert "hydrochlorothiazide" in column(made, "subject")


@every_kind()
def test_everybody_is_in_the_summary_in_the_order_of_their_first_rows(make):
    made = summarise(make({"p": ["b", "a", "c", "b"], "m": [None, "warfarin", "unheard of", "HCTZ"]}), id="p", drug="m")

    assert [column(made, name) for name in ("p", "entries", "unresolved", "complete", "risks")] == [
        ["b", "a", "c"],
        [1, 1, 1],
        [0, 0, 1],
        [True, True, False],
        [1, 0, 0],
    ]


def test_an_entry_is_settled_by_the_same_persons_other_rows_only():
    data = {"p": [1, 1, 2], "dx": ["PD", "Parkinson's disease", "PD"]}

    made = summarise(pd.DataFrame(data), id="p", condition="dx")

    assert list(made["unresolved"]) == [0, 1]


def test_an_interaction_is_a_row_behind_the_flags():
    made = findings(pd.DataFrame({"p": [1, 1], "m": ["HCTZ", "Ventolin"]}), id="p", drug="m")

    last = made.iloc[-1]
    assert (last["role"], last["kind"], last["entries"], last["rows"]) == ("interaction", "interaction", "HCTZ | Ventolin", "0|1")
    assert pd.isna(last["grade"])


def test_one_medicine_on_both_sides_does_not_interact_with_itself():
    checker = Checker(Checker.default().tables)
    source = checker.interactions[0].source
    checker.__dict__["interactions"] = (Interaction("both", ("diuretics", "thiazide-diuretics"), "Effect.", source, ""),)
    frame = pd.DataFrame({"p": [1, 2, 2], "m": ["HCTZ", "HCTZ", "Lasix"]})

    made = summarise(frame, id="p", drug="m", checker=checker)

    assert list(made["interactions"]) == [0, 1]
    assert [len(checker.check(list(rows)).interactions) for _, rows in frame.groupby("p")["m"]] == [0, 1]


def test_several_columns_are_one_list():
    wide = pd.DataFrame({"p": [1], "first": ["HCTZ"], "second": ["Ventolin"]})

    made = findings(wide, id="p", drug=["first", "second"])

    assert list(made["entries"].drop_duplicates()) == ["HCTZ", "Ventolin", "HCTZ | Ventolin"]


@every_kind()
def test_rows_without_a_person_are_persons_of_their_own(make):
    frame = make({"p": [None, "x", None], "m": ["HCTZ", "warfarin", "Ventolin"]})

    assert column(summarise(frame, id="p", drug="m"), "interactions") == [0, 0, 0]
    assert set(column(findings(frame, id="p", drug="m"), "role")) == {"evidence", "against"}


@every_kind()
def test_days_may_be_dates_or_texts(make):
    days = [date(2026, 1, 5), date(2026, 4, 1), None]
    dated = {"p": [1, 2, 3], "m": ["HCTZ"] * 3, "begun": days, "since": [date(2026, 3, 1)] * 3}
    texts = dated | {"begun": [day and day.isoformat() for day in days], "since": ["2026-03-01"] * 3}

    told = [findings(make(data), id="p", drug="m", start="begun", cramps_since="since") for data in (dated, texts)]

    for made in told:
        found = dict(zip(column(made, "p"), column(made, "timing"), strict=True))
        assert found == {1: "started-before", 2: "started-after", 3: "unknown"}


def test_a_day_is_that_of_the_clocks_of_its_time_zone():
    begun = pd.Series(pd.to_datetime(["2026-03-01 23:30"])).dt.tz_localize("America/New_York")
    frame = pd.DataFrame({"p": [1], "m": ["HCTZ"], "begun": begun, "since": ["2026-03-01"]})

    for one in (frame, pa.Table.from_pandas(frame)):
        made = findings(one, id="p", drug="m", start="begun", cramps_since="since")
        assert set(column(made, "timing")) == {"started-before"}


def test_the_days_of_a_finding_are_the_first_and_the_last_of_its_entries():
    frame = pd.DataFrame(
        {
            "p": [1, 1, 2, 2],
            "m": ["HCTZ", "HCTZ 25", "HCTZ", "HCTZ"],
            "begun": ["2026-02-01", "2026-01-05", None, "2026-03-01"],
            "ended": ["2026-02-09", "2026-01-09", None, "2026-03-02"],
        }
    )

    made = findings(frame, id="p", drug="m", start="begun", stop="ended").drop_duplicates("p")

    assert [str(day.date()) for day in made["start"]] == ["2026-01-05", "2026-03-01"]
    assert str(made["stop"].iloc[0].date()) == "2026-02-09"
    assert made["stop"].isna().iloc[1], "one entry has no end"
    assert "timing" not in made


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"begun": ["2026-01-05", "5/1/26"]}, "begun: row 2: is no date"),
        ({"begun": [None, "2026-01-05"], "ended": [None, "2026-01-04"]}, "ended: row 2: lies before begun"),
        ({"since": ["2026-01-05", "2026-01-06"]}, "since: row 2: is another day than in an earlier row of the same person"),
        ({"begun": [None, 5.0]}, "begun: row 2: is no date"),
    ],
)
def test_impossible_days_are_refused_by_row(data, said):
    frame = pd.DataFrame({"p": [1, 1], "m": ["HCTZ", "x"]} | data)
    names = {"begun": "start", "ended": "stop", "since": "cramps_since"}

    with pytest.raises(InputError, match=said):
        findings(frame, id="p", drug="m", **{names[name]: name for name in data})


def test_an_id_that_is_called_like_a_column_of_the_result_is_refused():
    with pytest.raises(InputError, match="id: subject is also the name of a column of the result"):
        findings(pd.DataFrame({"subject": [1], "m": ["x"]}), id="subject", drug="m")


@every_kind()
def test_nothing_found_is_a_frame_without_rows(make):
    made = findings(make({"p": [1], "m": ["warfarin"]}), id="p", drug="m")

    assert column(made, "subject") == []


def test_the_checker_is_asked_for_cases_and_not_for_persons(monkeypatch):
    asked = []
    real = Checker.report
    monkeypatch.setattr(Checker, "report", lambda self, *given, **more: asked.append(1) or real(self, *given, **more))
    some = ["HCTZ 25mg", "Ventolin", "? Lasix", "warfarin", "unheard of"]
    chance = np.random.default_rng(3)
    frame = pd.DataFrame({"p": chance.integers(0, 2_000, 12_000), "m": chance.choice(some, 12_000)})

    made = summarise(frame, id="p", drug="m")

    assert len(made) > 1_900
    assert len(asked) < 40


# ---------------------------------------------------------------------- a table to join with


def test_a_lookup_table_has_one_row_for_each_distinct_text():
    table = lookup_table(["HCTZ", None, "HCTZ", float("nan"), "unheard of"])

    assert table.column_names == ["text", *COLUMNS]
    assert table["text"].to_pylist() == ["HCTZ", None, "unheard of"]
    assert table["status"].to_pylist() == ["matched", "empty", "unrecognised"]


@pytest.mark.parametrize(
    "given", [pd.Series(["T2DM", None]), pl.Series(["T2DM", None]), pa.array(["T2DM", None]), ("T2DM", None)]
)
def test_a_lookup_table_is_made_of_any_column(given):
    assert lookup_table(given, kind="condition")["status"].to_pylist() == ["matched", "empty"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("HCTZ", "expected several texts, got one str"),
        (["HCTZ", SECRET], "text 2: expected text, got int"),
        (["\ud800"], "text 1: holds half a surrogate pair"),
    ],
)
def test_what_no_table_can_hold_is_refused(given, said):
    with pytest.raises(InputError, match=said) as caught:
        lookup_table(given)

    assert str(SECRET) not in str(caught.value)


def test_a_lookup_table_of_another_kind_is_refused():
    with pytest.raises(InputError, match="kind: must be"):
        lookup_table(["x"], kind="disease")


def test_the_same_function_is_public():
    assert (cramprisk.annotate, cramprisk.findings) == (annotate, findings)


def test_what_is_denied_or_stopped_is_named_and_not_present():
    frame = pd.DataFrame({"medicine": ["stopped lasix", "lasix"], "dx": ["no gout", "father had gout"]})

    made = annotate(frame, drug="medicine", condition="dx")

    assert made["drug_concepts"].tolist() == ["furosemide", "furosemide"]
    assert made["drug_present"].isna().tolist() == [True, False]
    assert made["condition_present"].isna().all()
