"""The same columns on Spark, row by row, as on a frame of this machine. Needs PySpark and Java 17; says so where it skips."""

from __future__ import annotations

from dataclasses import astuple, replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import cramprisk
from cramprisk import Checker, InputError, MissingExtraError, load_tables
from cramprisk.columns import COLUMNS, readings
from cramprisk.model import Kind
from cramprisk.spark import annotate, local_session, lookup_table
from tests.strategies import DOSES, names, texts

pytestmark = [
    # One Spark is enough for a machine: with several workers of pytest, all of these run in the same one.
    pytest.mark.xdist_group("spark"),
    # PySpark 4 warns of every pandas from 3 on; no pandas is used on the way through Arrow.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]
SETTINGS = {
    # Small batches, so that a few hundred rows are many of them.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100",
    # Half the time of these tests would go into compiling what runs for a second.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.memory": "1g",
}
SCHEMA = "person long, medicine string, dx string"


@pytest.fixture(scope="module")
def spark():
    try:
        session = local_session(2, settings=SETTINGS)
    except MissingExtraError as absent:
        pytest.skip(f"Spark is not tested here: {absent}")
    yield session
    session.stop()


def answers(texts, kind, checker=None):
    return [astuple(one) for one in readings([text or "" for text in texts], kind, checker or Checker.default())]


def added(rows, kind):
    return [tuple(row[f"{kind}_{column}"] for column in COLUMNS) for row in rows]


def test_every_row_says_what_it_says_on_this_machine(spark):
    medicines = ["Lasix 40", None, "HCT 25", "furosemdie", "hctz; lipitor 20", "", " ", "xyzzy", "d/c warfarin", "\0", "呋塞米"]
    conditions = ["T2DM", "", None, "no diabetes", "xyzzy", "DM, CKD 3"]
    given = [(row, medicines[row % 11], conditions[row % 6]) for row in range(1003)]

    made = cramprisk.annotate(spark.createDataFrame(given, SCHEMA).repartition(5), drug="medicine", condition="dx")
    rows = made.collect()

    rows.sort(key=lambda row: row.person)
    here = cramprisk.annotate(pd.DataFrame(given, columns=["person", "medicine", "dx"]), drug="medicine", condition="dx")
    assert made.columns == list(here.columns)
    assert [tuple(row) for row in rows] == list(here.astype(object).where(here.notna(), None).itertuples(index=False, name=None))


def written(kind):
    named = st.tuples(names(kind), st.sampled_from(DOSES)).map("".join)
    # A text of Spark is UTF-8, which has no lone surrogates.
    return st.one_of(st.none(), named, texts().map(lambda text: text.encode("utf-8", "replace").decode("utf-8")))


@settings(
    max_examples=3, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(given=st.lists(st.tuples(written(Kind.DRUG), written(Kind.CONDITION)), min_size=60, max_size=200))
def test_any_frame_gives_what_single_texts_give(spark, given):
    frame = spark.createDataFrame([(row, *pair) for row, pair in enumerate(given)], SCHEMA)

    rows = sorted(annotate(frame, drug="medicine", condition="dx").collect(), key=lambda row: row.person)

    assert added(rows, "drug") == answers([medicine for medicine, _ in given], Kind.DRUG)
    assert added(rows, "condition") == answers([dx for _, dx in given], Kind.CONDITION)


def test_rows_keep_their_order_within_a_partition(spark):
    frame = spark.range(1000, numPartitions=1).selectExpr("id", "concat('Lasix ', id % 7) AS medicine")

    assert [row.id for row in annotate(frame, drug="medicine").collect()] == list(range(1000))


def test_the_columns_that_were_there_stay_as_they_are(spark):
    frame = spark.sql(
        "SELECT 1 AS `a.b`, 'Lasix' AS `the medicine`, 2 AS twice, 3 AS twice, map('a', array(1.5D)) AS nested, "
        "timestamp '2026-01-02 03:04:05' AS day, CAST(1.20 AS decimal(9, 2)) AS price, interval 2 days AS days, X'00FF' AS raw"
    )

    made = annotate(frame, drug="the medicine")

    assert made.schema.fields[:9] == frame.schema.fields
    assert made.columns[9:] == [f"drug_{column}" for column in COLUMNS]
    assert made.dtypes[9:] == [
        (f"drug_{column}", {"flagged": "boolean", "contested": "boolean", "score": "double"}.get(column, "string"))
        for column in COLUMNS
    ]
    assert [tuple(row)[:9] for row in made.collect()] == [tuple(row) for row in frame.collect()]


def test_nothing_is_computed_before_a_result_is_asked_for(spark):
    frame = spark.range(1).selectExpr("raise_error('computed') AS medicine").selectExpr("CAST(medicine AS string) AS medicine")

    made = annotate(frame, drug="medicine")

    with pytest.raises(Exception, match="computed"):
        made.collect()


def test_a_stream_is_annotated_too(spark):
    stream = spark.readStream.format("rate").load().selectExpr("CAST(value AS string) AS medicine")

    assert annotate(stream, drug="medicine").isStreaming


def test_an_empty_frame_gets_the_columns(spark):
    assert annotate(spark.createDataFrame([], SCHEMA), drug="medicine").collect() == []


def test_bytes_that_are_no_text_do_not_stop_the_job(spark):
    frame = spark.sql("SELECT CAST(X'FF4C61736978' AS string) AS medicine")

    row = annotate(frame, drug="medicine").select("drug_status", "drug_concepts").first()

    assert tuple(row) == answers(["\ufffdLasix"], Kind.DRUG)[0][:2]


def test_tables_of_ones_own_are_sent_to_the_workers(spark, tmp_path):
    (tmp_path / "drugs.csv").write_text("id,abbreviations\nhydrochlorothiazide,HCT\n", encoding="utf-8")
    own = Checker(load_tables(extra=tmp_path))
    frame = spark.createDataFrame([("HCT 25",)], "medicine string")

    assert added(annotate(frame, drug="medicine", checker=own).collect(), "drug") == answers(["HCT 25"], Kind.DRUG, own)
    assert added(annotate(frame, drug="medicine").collect(), "drug") == answers(["HCT 25"], Kind.DRUG)


def test_the_distinct_texts_can_be_read_once_and_joined_back(spark):
    frame = spark.createDataFrame([(row, ["Lasix", None, "HCT", ""][row % 4], "") for row in range(40)], SCHEMA)
    known = lookup_table(frame, "medicine").cache()

    joined = frame.join(known, frame.medicine.eqNullSafe(known.text), "left").drop("text")

    assert known.columns == cramprisk.lookup_table([]).column_names
    assert known.count() == 4
    assert sorted(map(tuple, joined.collect()), key=str) == sorted(
        map(tuple, annotate(frame, drug="medicine").collect()), key=str
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "no column was named"),
        ({"drug": "nothing"}, '"nothing": there is no such column. The columns are person, medicine, dx'),
        ({"drug": "person"}, r'"person": expected a column of text, got bigint\. Cast it first'),
        ({"drug": 1}, "expected the name of a column, got int"),
        ({"drug": "medicine", "kept_texts": 0}, "kept_texts"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_done(spark, asked, message):
    with pytest.raises(InputError, match=message):
        annotate(spark.createDataFrame([], SCHEMA), **asked)


def test_a_column_is_found_as_spark_finds_it(spark):
    assert added(annotate(spark.sql("SELECT 'Lasix' AS Medicine"), drug="MEDICINE").collect(), "drug") == answers(
        ["Lasix"], Kind.DRUG
    )


def test_a_doubled_column_is_not_guessed_at(spark):
    with pytest.raises(InputError, match="2 columns have this name"):
        annotate(spark.sql("SELECT 'a' AS medicine, 'b' AS Medicine"), drug="medicine")


def test_no_column_is_written_over(spark):
    with pytest.raises(InputError, match="Drug_Status: would be written over"):
        annotate(spark.sql("SELECT 'Lasix' AS medicine, 1 AS Drug_Status"), drug="medicine")


def test_a_type_that_cannot_leave_spark_is_said(spark):
    with pytest.raises(InputError, match="cannot hand to Python"):
        annotate(spark.sql("SELECT 'Lasix' AS medicine, interval 2 months AS months"), drug="medicine")


def test_a_look_up_table_is_of_a_kind_there_is(spark):
    with pytest.raises(InputError, match="kind: must be"):
        lookup_table(spark.createDataFrame([], SCHEMA), "medicine", kind="medicine")


def test_added_columns_may_have_a_prefix(spark):
    made = annotate(spark.sql("SELECT 'Lasix' AS medicine, 1 AS drug_status"), drug="medicine", prefix="cramps_")

    assert made.columns == ["medicine", "drug_status", *(f"cramps_drug_{column}" for column in COLUMNS)]
    assert tuple(made.first()[2:]) == answers(["Lasix"], Kind.DRUG)[0]


def test_an_error_on_a_worker_holds_no_text(spark):
    frame = spark.createDataFrame([("secret Lasix",)], "medicine string")
    # No text can be read against tables without a file.
    broken = Checker(replace(load_tables(), files={}, digest="0" * 64))

    with pytest.raises(Exception, match="could not be read") as caught:
        annotate(frame, drug="medicine", checker=broken).collect()

    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------------- persons


def persons(chance_of_none=7):
    medicines = ["HCTZ 25mg", "Ventolin", "warfarin", None, "? Lasix", "HCT 25", "timolol eye drops", "naproxen; quinine"]
    conditions = [None, "PD", "Parkinson's disease", "T2DM", "G6PD deficiency", "MS"]
    return pd.DataFrame(
        {
            "person": [None if row % 41 == chance_of_none else f"p{row * 7919 % 60}" for row in range(400)],
            "first": [medicines[row * 31 % 8] for row in range(400)],
            "second": [medicines[row * 17 % 7] for row in range(400)],
            "dx": [conditions[row * 13 % 6] for row in range(400)],
            "begun": [f"2026-0{1 + row % 5}-01" for row in range(400)],
            "since": ["2026-03-01"] * 400,
        }
    )


PERSON_CELLS = {"id": "person", "drug": ["first", "second"], "condition": "dx"}


def comparable(rows):
    """Rows as a multiset; the entries of a person have no fixed order in Spark."""
    return sorted(tuple("" if pd.isna(cell) else " ".join(sorted(str(cell).split(" | "))) for cell in row) for row in rows)


def test_persons_have_the_findings_of_this_machine(spark):
    frame = persons()
    days = {"start": "begun", "cramps_since": "since"}

    made = cramprisk.findings(
        spark.createDataFrame(frame.astype(object).where(frame.notna(), None)).repartition(5), **PERSON_CELLS, **days
    )

    here = cramprisk.findings(frame, **PERSON_CELLS, **days).drop(columns="rows")
    assert made.columns == list(here.columns)
    here["start"] = here["start"].dt.date
    assert comparable(made.toLocalIterator()) == comparable(here.astype(object).itertuples(index=False))


def test_persons_are_counted_as_on_this_machine(spark):
    frame = persons()

    made = cramprisk.summarise(
        spark.createDataFrame(frame.astype(object).where(frame.notna(), None)).repartition(5), **PERSON_CELLS
    )

    here = cramprisk.summarise(frame, **PERSON_CELLS)
    assert made.columns == list(here.columns)
    assert comparable(made.collect()) == comparable(here.astype(object).itertuples(index=False))


def test_persons_without_rows_are_an_empty_result(spark):
    empty = spark.createDataFrame([], "person long, medicine string")

    assert cramprisk.summarise(empty, id="person", drug="medicine").collect() == []


@pytest.mark.parametrize(
    ("frame", "asked", "said"),
    [
        ("'x' AS medicine, 1 AS p", {"id": "q", "drug": "medicine"}, '"q": there is no such column'),
        ("5 AS medicine, 1 AS p", {"id": "p", "drug": "medicine"}, "expected a column of text, got int"),
        ("'x' AS medicine, 1 AS Subject", {"id": "subject", "drug": "medicine"}, "id: Subject is also the name"),
    ],
)
def test_columns_of_persons_are_looked_at_before_anything_is_done(spark, frame, asked, said):
    with pytest.raises(InputError, match=said):
        cramprisk.findings(spark.sql(f"SELECT {frame}"), **asked)
