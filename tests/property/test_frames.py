"""Every kind of frame gives exactly what single calls give, row by row and person by person."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import lru_cache

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

import cramprisk
from cramprisk import Checker, Medicine
from cramprisk.columns import COLUMNS
from cramprisk.model import Direction, Kind
from tests.strategies import names, texts

UNICODE = st.text(st.characters(codec="utf-8"), max_size=12)
ODD = st.sampled_from(
    ["", " ", "nan", "None", "NA", "null", "nil", "a; lasix; nan", "\0", "HCTZ\0", "x" * 6000, "617310.0", "'; drop"]
)
SAID = [
    "HCTZ 25mg", "hctz, lipitor 20; Ventolin", "allergic to salmeterol", "? furosemide", "prednisolne", "unheard of", "Lasix",
    "salmeterol/fluticasone 50/250", "? seretide", "fluticasone nasal spray", "timolol eye drops", "timolol 5 mg", "quinine",
    "theophylline", "salbutamol", "naftidrofuryl stopped", "magnesium", "diltiazem", "prednisone 5",
]  # fmt: skip
ILL = [
    "PD", "Parkinson's disease", "MS", "multiple sclerosis", "T2DM", "DM", "h/o stroke", "no diabetes", "CP", "chest pain",
    "cerebral palsy; CP", "retinopathy", "type 2 diabetes", "G6PD deficiency", "CKD", "cirrhosis", "pregnancy", "nocturnal leg cramps",
    "? Parkinson's disease", "family history of MS", "MR", "mitral regurgitation",
]  # fmt: skip


def sound(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cells(kind):
    written = st.one_of(st.sampled_from(SAID if kind is Kind.DRUG else ILL), names(kind), ODD, UNICODE, texts().filter(sound))
    return st.one_of(st.none(), written)


def columns(kind, size):
    """Cells of which many are alike, as in life."""
    return st.lists(cells(kind), min_size=1, max_size=4).flatmap(
        lambda few: st.lists(st.sampled_from(few), min_size=size, max_size=size)
    )


@st.composite
def frames(draw):
    size = draw(st.integers(0, 7))
    return {"medicine": draw(columns(Kind.DRUG, size)), "dx": draw(columns(Kind.CONDITION, size)), "row": list(range(size))}


def alike(one, other):
    """Equal, where every way to say "missing" is the same."""
    if one is None or one is pd.NA or (isinstance(one, float) and math.isnan(one)):
        return other is None or other is pd.NA or (isinstance(other, float) and math.isnan(other))
    return one == other


def counted(match):
    """The ids of an entry that a report counts, by the qualifiers that docs/frames.md names."""
    kept = {None, "uncertain"} | ({"history"} if match.kind is Kind.CONDITION else set())
    return [one for mention in match.mentions if mention.qualifier in kept for one in mention.concepts]


@lru_cache(maxsize=10_000)
def expected(text, kind):
    """The added columns of one row, from the calls for single texts alone."""
    checker = Checker.default()
    report = cramprisk.check([text] if kind is Kind.DRUG else [], [text] if kind is Kind.CONDITION else [])
    concepts = list(dict.fromkeys(concept for match in report.matches for concept in match.concepts))
    found = [one.name for one in map(checker.concept, concepts) if one is not None]
    left = list(dict.fromkeys(words for match in report.matches for words in match.not_understood))
    scores = [match.score for match in report.matches if match.mentions]
    first = report.flags[0] if report.flags else None
    statuses = {match.status.value for match in report.matches}
    return {
        "status": next(one for one in ("matched", "ambiguous", "unrecognised", "empty") if one in statuses),
        "concepts": "|".join(concepts) or None,
        "names": "|".join(found) or None,
        "present": "|".join(dict.fromkeys(one for match in report.matches for one in counted(match))) or None,
        "flagged": any(flag.direction is Direction.INCREASES for flag in report.flags),
        "grade": first.grade.value if first else None,
        "direction": first.direction.value if first else None,
        "contested": first.contested if first else False,
        "score": min(scores) if scores else None,
        "not_understood": "|".join(left) or None,
    }


def pandas_frame(dtype):
    def make(data):
        medicine = pd.Series(data["medicine"], dtype=object)
        dx = pd.Series([np.nan if cell is None else cell for cell in data["dx"]], dtype=object)
        if dtype == "category" and pd.__version__ >= "3":
            # pandas 3 makes categories of "str", which cannot hold every text in turn.
            medicine, dx = medicine.astype("str"), dx.astype("str")
        frame = pd.DataFrame({"medicine": medicine.astype(dtype), "dx": dx.astype(dtype), "row": data["row"]})
        size = len(frame)
        # An index with repeats, and another column of a name that is there twice.
        frame.index = pd.MultiIndex.from_arrays([[7] * size, [row % 2 for row in range(size)]], names=["a", None])
        return pd.concat([frame, frame[["row"]]], axis=1)

    return make


ENGINES = {
    "pandas object": (pandas_frame(object), lambda made: made.astype(object).to_numpy().tolist()),
    "pandas str": (pandas_frame("str"), lambda made: made.astype(object).to_numpy().tolist()),
    "pandas string[python]": (pandas_frame("string[python]"), lambda made: made.astype(object).to_numpy().tolist()),
    "pandas string[pyarrow]": (pandas_frame("string[pyarrow]"), lambda made: made.astype(object).to_numpy().tolist()),
    "pandas category": (pandas_frame("category"), lambda made: made.astype(object).to_numpy().tolist()),
    "polars": (
        lambda data: pl.DataFrame(data, schema={"medicine": pl.String, "dx": pl.String, "row": pl.Int64}),
        lambda made: [list(row) for row in made.rows()],
    ),
    "pyarrow": (lambda data: pa.table(data, schema=ARROW), lambda made: [list(row.values()) for row in made.to_pylist()]),
}
ARROW = pa.schema({"medicine": pa.string(), "dx": pa.string(), "row": pa.int64()})
ENGINES["polars lazy"] = (lambda data: ENGINES["polars"][0](data).lazy(), lambda made: ENGINES["polars"][1](made.collect()))
ENGINES["pyarrow dictionary, in pieces"] = (
    lambda data: pa.concat_tables([in_dictionaries(data, 0, 3), in_dictionaries(data, 3, None)]),
    ENGINES["pyarrow"][1],
)
ENGINES["duckdb"] = (
    lambda data: duckdb.from_arrow(ENGINES["pyarrow"][0](data)),
    lambda made: [list(row) for row in made.fetchall()],
)


def in_dictionaries(data, start, stop):
    table = pa.table({name: column[start:stop] for name, column in data.items()}, schema=ARROW)
    return pa.table({name: table[name].dictionary_encode() if name != "row" else table[name] for name in data})


@settings(max_examples=40)
@given(data=frames())
def test_every_row_of_every_frame_is_annotated_with_what_single_calls_say(data):
    told = [
        [one[name] for one in (expected(medicine, Kind.DRUG), expected(dx, Kind.CONDITION)) for name in COLUMNS]
        for medicine, dx in zip(data["medicine"], data["dx"], strict=True)
    ]
    for engine, (make, rows) in ENGINES.items():
        frame = make(data)
        before = rows(frame)

        made = cramprisk.annotate(frame, drug="medicine", condition="dx")

        found = rows(made)
        assert len(found) == len(told), engine
        for row, given_row, one in zip(found, before, told, strict=True):
            assert all(map(alike, row, [*given_row, *one])), (engine, row, one)
        for row, given_row in zip(rows(frame), before, strict=True):
            assert all(map(alike, row, given_row)), f"{engine}: the frame given was changed"
        if isinstance(frame, pd.DataFrame):
            assert made.index.identical(frame.index)
            assert list(made.columns[:4]) == list(frame.columns)


@settings(max_examples=25)
@given(few=st.lists(st.one_of(st.none(), texts()), min_size=1, max_size=4))
def test_a_column_of_objects_may_hold_what_is_no_unicode(few):
    made = cramprisk.annotate(pd.DataFrame({"medicine": pd.Series(few, dtype=object)}), drug="medicine")

    for row, text in zip(made.iloc[:, 1:].astype(object).to_numpy().tolist(), few, strict=True):
        assert all(map(alike, row, expected(text, Kind.DRUG).values()))


# ---------------------------------------------------------------------- persons

DAY = date(2026, 3, 1)
DAYS = st.one_of(st.none(), st.integers(-3, 3).map(lambda more: DAY + timedelta(days=more)))


# Few subjects, each in doubt and not, by several routes, alone and in products, so that they meet on the lists of persons.
MEETING = st.sampled_from(
    [
        None, "HCTZ", "? HCTZ", "HCTZ eye drops", "? HCTZ eye drops", "HCTZ nasal spray", "Ventolin", "? Ventolin; theophylline",
        "ipratropium/salbutamol", "? ipratropium/salbutamol", "fluticasone (Flovent) and ? salmeterol", "seretide", "? seretide",
        "fluticasone/salmeterol nasal spray", "salmeterol; fluticasone", "thiazide", "quinine", "HCTZ stopped", "lisinopril-hctz", "HCT 25",
    ]
)  # fmt: skip


@st.composite
def lists_of_persons(draw):
    size = draw(st.integers(0, 12))
    person = draw(st.lists(st.sampled_from(["p", "q", "", "p", None]), min_size=size, max_size=size))
    since = {one: draw(DAYS) for one in ("p", "q", "")}
    starts = draw(st.lists(DAYS, min_size=size, max_size=size))
    return {
        "person": person,
        "medicine": draw(st.lists(MEETING, min_size=size, max_size=size)),
        "second": draw(columns(Kind.DRUG, size)),
        "dx": draw(st.lists(st.one_of(st.none(), st.sampled_from(ILL)), min_size=size, max_size=size)),
        "begun": starts,
        "ended": [
            None if one is None else draw(DAYS.map(lambda day, one=one: None if day is None else max(day, one))) for one in starts
        ],
        "since": [None if one is None else since[one] for one in person],
    }


def reports_of(data):
    """The report of each person, in the order of their first rows, with the texts and rows of its entries."""
    rows: dict[object, list[int]] = {}
    for row, one in enumerate(data["person"]):
        rows.setdefault(one if one is not None else ("nobody", row), []).append(row)
    for one, theirs in rows.items():
        medicines = [
            (row, Medicine(data[name][row] or "", data["begun"][row], data["ended"][row]))
            for row in theirs
            for name in ("medicine", "second")
        ]
        ill = [(row, data["dx"][row]) for row in theirs]
        since = data["since"][theirs[0]]
        yield (
            one if isinstance(one, str) else None,
            cramprisk.check([medicine for _, medicine in medicines], [text for _, text in ill], cramps_since=since),
            [row for row, medicine in medicines for _ in Checker.default().split(medicine.text) or [0]]
            + [row for row, text in ill for _ in Checker.default().split(text or "", "condition") or [0]],
        )


def told(report, row_of, entries):
    """The texts that led somewhere, and the rows in which they stand."""
    return {
        "entries": " | ".join(dict.fromkeys(report.matches[entry].text.strip() for entry in entries)),
        "rows": "|".join(map(str, dict.fromkeys(row_of[entry] for entry in entries))),
    }


def expected_findings(data):
    for person, report, row_of in reports_of(data):
        for flag in report.flags:
            for role, rows in (("evidence", flag.evidence), ("against", flag.against)):
                for row in rows:
                    yield {
                        "person": person, "kind": flag.subject.kind, "subject": flag.subject.id, "subject_name": flag.subject.name,
                        "direction": flag.direction.value, "grade": flag.grade.value, "contested": flag.contested,
                        "uncertain": flag.uncertain, "role": role, "association": row.id, "association_direction": row.direction.value,
                        "association_grade": row.grade.value, "outcome": row.outcome or None, "measure": row.measure or None,
                        "value": row.value, "ci_low": row.ci_low, "ci_high": row.ci_high, "rate_pct": row.rate,
                        "comparator_pct": row.comparator, "figure": row.figure() or None, "source": row.source.id,
                        "pmid": row.source.pmid, "doi": row.source.doi, "cautions": " ".join(flag.cautions) or None,
                        "inherited_from": row.subject if row.subject != flag.subject.id else None,
                        "timing": flag.timing.value if flag.timing else None, **told(report, row_of, flag.entries),
                    }  # fmt: skip
        for found in report.interactions:
            yield {
                "person": person, "kind": "interaction", "subject": "|".join(found.interaction.subjects), "direction": None,
                "grade": None, "role": "interaction", "association": found.interaction.id, "outcome": found.interaction.effect,
                "source": found.interaction.source.id, "timing": None, **told(report, row_of, found.entries),
            }  # fmt: skip


def expected_summary(data):
    for person, report, _ in reports_of(data):
        yield {
            "person": person,
            "entries": sum(match.status.value != "empty" for match in report.matches),
            "unresolved": len(report.unresolved),
            "complete": report.complete,
            "risks": len(report.risks),
            **{f"grade_{grade.lower()}": sum(flag.grade == grade for flag in report.risks) for grade in "ABCD"},
            "contested": sum(flag.contested for flag in report.risks),
            "relief": len(report.relief),
            "interactions": len(report.interactions),
        }


PERSON_SCHEMA = pa.schema(
    {name: pa.string() for name in ("person", "medicine", "second", "dx")}
    | {name: pa.date32() for name in ("begun", "ended", "since")}
)
PERSON_ENGINES = {
    "pandas": (lambda table: table.to_pandas(), lambda made: made.astype(object).to_dict("records")),
    "polars lazy": (lambda table: pl.from_arrow(table).lazy(), lambda made: made.collect().to_dicts()),
    "pyarrow": (lambda table: table, lambda made: made.to_pylist()),
    "duckdb": (duckdb.from_arrow, lambda made: made.to_arrow_table().to_pylist()),
}


@settings(max_examples=50)
@given(data=lists_of_persons())
def test_findings_and_summaries_are_those_of_the_report_of_each_person(data):
    table = pa.table(data, schema=PERSON_SCHEMA)
    wanted, counted = list(expected_findings(data)), list(expected_summary(data))
    cells = {"id": "person", "drug": ["medicine", "second"], "condition": "dx"}
    for engine, (make, rows) in PERSON_ENGINES.items():
        made = rows(cramprisk.findings(make(table), **cells, start="begun", stop="ended", cramps_since="since"))

        assert len(made) == len(wanted), engine
        for row, one in zip(made, wanted, strict=True):
            assert [name for name in one if not alike(row[name], one[name])] == [], (engine, row, one)

        counts = rows(cramprisk.summarise(make(table), **cells))

        assert len(counts) == len(counted), engine
        for row, told in zip(counts, counted, strict=True):
            assert list(row) == list(told), engine
            assert all(alike(row[name], told[name]) for name in told), (engine, row, told)
