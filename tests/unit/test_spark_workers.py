"""What the Spark workers do, batch by batch; no Spark and no Java is needed for it."""

from __future__ import annotations

import pickle
from dataclasses import astuple, replace

import pytest

from cramprisk import Checker, InputError, MissingExtraError, __version__, load_tables
from cramprisk.columns import COLUMNS, readings
from cramprisk.errors import CrampRiskError
from cramprisk.model import Kind
from cramprisk.rxnorm import import_rxnorm
from cramprisk.spark import TablesWanted, _annotated, _Answers, _at_home, _need_java, annotate, checker_of, local_session
from tests.rxnorm_release import release

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: what Spark's workers do is not tested")


@pytest.fixture
def wanted():
    return TablesWanted(__version__, Checker.default().tables.digest)


def cells(texts, checker=None, kind=Kind.DRUG):
    return [astuple(reading) for reading in readings(texts, kind, checker or Checker.default())]


def rows(columns):
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def test_a_batch_keeps_its_columns_and_gets_the_answers_behind_them(wanted):
    batch = pa.record_batch({"person": [1, 2, 3], "medicine": ["Lasix 40", None, "HCT 25"], "dx": ["T2DM", "", None]})

    (made,) = _annotated(iter([batch]), [(1, Kind.DRUG), (2, Kind.CONDITION)], wanted, 100)

    assert made.schema.names == [
        "person", "medicine", "dx", *(f"{kind}_{column}" for kind in ("drug", "condition") for column in COLUMNS)
    ]  # fmt: skip
    assert made.select(["person", "medicine", "dx"]).equals(batch)
    assert rows(made.columns[3 : 3 + len(COLUMNS)]) == cells(["Lasix 40", "", "HCT 25"])
    assert rows(made.columns[3 + len(COLUMNS) :]) == cells(["T2DM", "", ""], kind=Kind.CONDITION)


@pytest.mark.parametrize("type_of_texts", ["string", "large_string", "string_view"])
def test_every_type_of_text_is_read(type_of_texts):
    texts = pa.array(["Lasix 40", None, "Lasix 40"], getattr(pa, type_of_texts)())

    assert rows(_Answers(Kind.DRUG, Checker.default(), 9).columns(texts)) == cells(["Lasix 40", "", "Lasix 40"])


def test_a_column_without_any_text_is_empty():
    assert {row[0] for row in rows(_Answers(Kind.DRUG, Checker.default(), 9).columns(pa.nulls(3)))} == {"empty"}


def test_an_empty_batch_stays_empty_and_has_the_columns():
    columns = _Answers(Kind.DRUG, Checker.default(), 9).columns(pa.array([], pa.string()))

    assert [len(column) for column in columns] == [0] * len(COLUMNS)
    assert [str(column.type) for column in columns] == [
        "string", "string", "string", "string", "bool", "string", "string", "bool", "double", "string"
    ]  # fmt: skip


def test_a_text_is_read_once_in_all_batches(monkeypatch):
    seen = []

    def counted(texts, kind, checker):
        seen.extend(texts)
        return readings(texts, kind, checker)

    monkeypatch.setattr("cramprisk.spark.readings", counted)
    answers = _Answers(Kind.DRUG, Checker.default(), 9)
    for texts in (["Lasix", None, "Lasix"], ["Lasix", "HCT"], [None, "HCT"]):
        answers.columns(pa.array(texts, pa.string()))

    assert sorted(seen, key=str) == ["HCT", "Lasix", None]


def test_what_is_kept_is_bounded_and_the_answers_are_the_same():
    answers = _Answers(Kind.DRUG, Checker.default(), 4)
    batches = [[f"Lasix {number}", f"lipitor {number}", "HCT", None] for number in range(20)]

    for texts in batches:
        assert rows(answers.columns(pa.array(texts, pa.string()))) == cells([text or "" for text in texts])
        assert len(answers._of_text) <= 4


def test_bytes_that_are_no_text_do_not_stop_the_others():
    raw = pa.array([b"Lasix 40", b"\xff\xfe lipitor", None], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), 3, raw.buffers())

    assert rows(_Answers(Kind.DRUG, Checker.default(), 9).columns(texts)) == cells(["Lasix 40", "\ufffd\ufffd lipitor", ""])


def test_an_error_on_a_worker_holds_no_text(monkeypatch):
    def stumbles(texts, kind, checker):
        raise ValueError(f"cannot read {texts}")

    monkeypatch.setattr("cramprisk.spark.readings", stumbles)
    with pytest.raises(CrampRiskError) as caught:
        _Answers(Kind.DRUG, Checker.default(), 9).columns(pa.array(["secret Lasix"]))

    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_worker_with_other_tables_does_not_answer(wanted):
    with pytest.raises(InputError, match="this worker has the tables"):
        checker_of(replace(wanted, digest="0" * 64))


def test_a_worker_with_another_version_does_not_answer(wanted):
    with pytest.raises(InputError, match=r"the driver 99\.0"):
        checker_of(replace(wanted, code="99.0"))


def test_a_worker_reads_the_tables_once(wanted):
    assert checker_of(wanted) is checker_of(pickle.loads(pickle.dumps(wanted)))


def test_tables_with_names_and_codes_of_ones_own_survive_being_sent(tmp_path):
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "drugs.csv").write_text("id,abbreviations\nhydrochlorothiazide,HCT\n", encoding="utf-8")
    import_rxnorm(release(tmp_path / "release"), tmp_path / "rxnorm.vocab")
    tables = load_tables(extra=tmp_path / "extra", vocabulary=tmp_path / "rxnorm.vocab")
    texts = ["HCT 25", "rxcui 200809", "Lasix", "furosemdie"]

    sent = pickle.loads(pickle.dumps(replace(tables, folder=tmp_path / "not here")))

    assert cells(texts, Checker(_at_home(sent))) == cells(texts, Checker(tables))
    assert cells(texts[:1]) != cells(texts[:1], Checker(tables))


def test_tables_that_are_sent_weigh_no_more_for_having_been_used():
    tables = load_tables()
    before = len(pickle.dumps(tables))
    Checker(tables).check(["Lasix", "lipitor"], ["T2DM"])

    assert len(pickle.dumps(tables)) == before


def test_what_is_no_spark_frame_is_refused_with_its_type():
    with pytest.raises(InputError, match=r"expected a Spark data frame, got list\."):
        annotate([1], drug="medicine")


def test_without_java_a_session_says_that_java_is_needed(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MissingExtraError, match="Java 17 or newer; there is none on the path"):
        _need_java()


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "the one found is Java 11"),
        ('java version "1.8.0_401"', "the one found is Java 8"),
        ("Error: no JVM", "does not run"),
    ],
)
def test_a_java_that_is_too_old_is_named(monkeypatch, tmp_path, says, message):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(MissingExtraError, match=message):
        _need_java()


def test_a_session_needs_a_sound_number_of_cores():
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    with pytest.raises(InputError, match="cores"):
        local_session(0)
