"""Tables of the OMOP CDM: what the source says, what the concept says, and what comes of both."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cramprisk
from cramprisk import InputError, omop

CONCEPTS = pd.DataFrame(
    [
        (956874, "furosemide", "RxNorm", "4603"),
        (40221901, "furosemide 40 MG Oral Tablet", "RxNorm", "313988"),
        (974166, "hydrochlorothiazide", "RxNorm", "5487"),
        (1310149, "warfarin", "RxNorm", "11289"),
        (900001, "furosemide / spironolactone Oral Tablet", "RxNorm Extension", "OMOP900001"),
        (900002, "Product of the hospital", "RxNorm Extension", "OMOP900002"),
        (201826, "Type 2 diabetes mellitus", "SNOMED", "44054006"),
        (201820, "Diabetes mellitus", "SNOMED", "73211009"),
        (381270, "Parkinson's disease", "SNOMED", "49049000"),
        (35207668, "Essential (primary) hypertension", "ICD10CM", "I10"),
    ],
    columns=["concept_id", "concept_name", "vocabulary_id", "concept_code"],
)


def exposures(*rows):
    """Rows of person, source value and concept."""
    return pd.DataFrame(rows, columns=["person_id", "drug_source_value", "drug_concept_id"])


def occurrences(*rows):
    return pd.DataFrame(rows, columns=["person_id", "condition_source_value", "condition_concept_id"])


def subjects(made):
    return [(person, subject) for person, subject in made[["person_id", "subject"]].drop_duplicates().itertuples(index=False)]


def one(drug=None, condition=None):
    """The subjects of one row, and whether it was understood wholly."""
    drug, condition = (None if row is None else make((1, *row)) for row, make in ((drug, exposures), (condition, occurrences)))
    found = omop.findings(drug, condition, concept=CONCEPTS)
    counts = omop.summarise(drug, condition, concept=CONCEPTS)
    return sorted(set(found["subject"])), bool(counts["complete"].iloc[0])


def test_source_values_alone_give_what_findings_of_a_frame_give():
    drugs = exposures((1, "HCTZ 25mg", 0), (2, "hctz, Ventolin; unheard of", 0), (1, None, 0))

    made = omop.findings(drugs)

    plain = cramprisk.findings(drugs, id="person_id", drug="drug_source_value")
    pd.testing.assert_frame_equal(made, plain)


def test_both_tables_are_one_list():
    drugs, ills = exposures((1, "quinine", 0)), occurrences((1, "G6PD deficiency", 0), (3, "T2DM", 0))

    made = omop.findings(drugs, ills)

    assert (1, "interaction") in set(zip(made["person_id"], made["role"], strict=True))
    assert set(made.loc[made["role"] == "interaction", "rows"]) == {"0|1"}, "rows of conditions are counted on"
    assert list(omop.summarise(drugs, ills)["person_id"]) == [1, 3]


def test_a_local_code_is_read_by_its_concept():
    assert one(("MED-0815", 956874)) == (["furosemide"], True)


def test_a_concept_whose_code_is_not_in_the_tables_is_read_by_its_name():
    assert one(("MED-0815", 40221901)) == (["furosemide"], True)
    assert one((None, 900001)) == (["furosemide", "spironolactone"], True)


def test_a_source_value_that_agrees_with_its_concept_is_read_with_all_it_says():
    assert one(("LASIX 40", 956874)) == (["furosemide"], True)
    assert "hydrochlorothiazide" in one(("furosemide and hydrochlorothiazide", 956874))[0]


def test_a_contradiction_counts_as_the_concept_says_and_is_not_complete():
    assert one(("furosemide 40", 974166)) == (["hydrochlorothiazide"], False)
    assert one(("furosemide 40", 1310149)) == ([], False)


def test_a_concept_that_says_more_counts_with_the_qualifier_of_the_source():
    assert one(condition=("diabetes", 201826)) == (["type-2-diabetes"], True)
    assert one(condition=("family history of diabetes", 201826)) == ([], True)


def test_a_concept_settles_an_abbreviation():
    assert one(condition=("PD", 0))[1] is False
    assert one(condition=("PD", 381270))[1] is True


def test_an_abbreviation_is_settled_by_the_concept_of_another_row():
    made = omop.summarise(None, occurrences((1, "PD", 0), (1, None, 381270)), concept=CONCEPTS)

    assert list(made["unresolved"]) == [0]


def test_a_concept_that_cannot_be_looked_up_is_not_lost():
    found, complete = one((None, 4711))

    assert (found, complete) == ([], False)
    assert one((None, 900002))[1] is False, "its name is not understood"
    assert list(omop.summarise(exposures((1, None, 956874)))["complete"]) == [False], "there is no CONCEPT table"


@pytest.mark.parametrize("nothing", [0, None, np.nan])
def test_no_concept_and_no_source_value_is_an_empty_row(nothing):
    assert one((None, nothing)) == ([], True)


def test_the_concept_of_the_source_is_used_too():
    drugs = exposures((1, "0815", 0)).assign(drug_source_concept_id=956874)

    assert subjects(omop.findings(drugs, concept=CONCEPTS)) == [(1, "furosemide")]


def test_the_days_of_an_exposure_stand_beside_the_finding():
    drugs = exposures((1, "HCTZ", 0), (2, "HCTZ", 0), (3, "HCTZ", 0)).assign(
        drug_exposure_start_date=pd.to_datetime(["2026-01-05", "2026-04-01", "2026-01-05"]),
        drug_exposure_end_date=pd.to_datetime([None, None, "2026-02-01"]),
    )
    since = {1: "2026-03-01", 2: "2026-03-01", 3: "2026-03-01"}

    made = omop.findings(drugs, occurrences((1, "T2DM", 0)), cramps_since=since)

    medicines = made[made["kind"] == "drug"]
    told = dict(zip(medicines["person_id"], medicines["timing"], strict=True))
    assert told == {1: "started-before", 2: "started-after", 3: "stopped-before"}
    assert made.loc[made["kind"] == "condition", "timing"].isna().all()


def test_names_of_columns_may_be_in_capitals_and_ids_floats_with_gaps():
    drugs = exposures((1, None, 956874), (2, "HCTZ", np.nan)).rename(columns=str.upper)

    made = omop.findings(drugs, concept=CONCEPTS.rename(columns=str.upper))

    assert subjects(made) == [(1, "furosemide"), (2, "hydrochlorothiazide")]


KINDS = {
    "polars": (lambda frame: pl.from_pandas(frame).lazy(), lambda made: made.collect().to_pandas()),
    "pyarrow": (pa.Table.from_pandas, lambda made: made.to_pandas()),
    "duckdb": (lambda frame: duckdb.from_arrow(pa.Table.from_pandas(frame)), lambda made: made.to_arrow_table().to_pandas()),
}


@pytest.mark.parametrize("engine", KINDS)
def test_every_kind_of_frame_gives_the_same(engine):
    make, back = KINDS[engine]
    drugs = exposures((1, "HCTZ", 0), (2, "x", 956874), (2, "Ventolin", 0), (5, None, None))
    ills = occurrences((2, "PD", 381270), (9, "I10", 35207668))
    pandas = omop.findings(drugs, ills, concept=CONCEPTS)

    made = back(omop.findings(make(drugs), make(ills), concept=make(CONCEPTS)))

    one, other = (
        [tuple("" if pd.isna(cell) else cell for cell in row) for row in frame.astype(object).to_numpy()]
        for frame in (made, pandas)
    )
    assert one == other


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((None, None), "neither is given"),
        (
            (pd.DataFrame({"person_id": [1], "drug": ["x"]}), None),
            "drug_exposure: needs the columns person_id, and drug_source_value or",
        ),
        ((pl.DataFrame({"person_id": [1], "drug_source_value": ["x"]}), occurrences()), "are frames of two kinds"),
        ((exposures((1, "x", "secret")), None), "drug_concept_id: row 1: expected the number of a concept, got str"),
        ((exposures((1, 5, 0)), None), "drug_source_value: row 1: expected text, got int"),
    ],
)
def test_tables_that_are_none_of_the_cdm_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        omop.findings(*given)


def test_a_concept_table_without_its_columns_is_refused():
    with pytest.raises(
        InputError, match=r"concept: has no column vocabulary_id, concept_code\. It has: concept_id, concept_name"
    ):
        omop.findings(exposures((1, "x", 1)), concept=CONCEPTS[["concept_id", "concept_name"]])
