"""The collected evidence stands in the tables, row for row and figure for figure, and each class is kept apart from its members."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest

from cramprisk.model import Direction, Grade, Kind
from cramprisk.tables import read_tables

ROOT = Path(__file__).resolve().parents[2]
DIRECTIONS = {"treats_prevents": "relieves"}
REPEATED = "adjusted sequence ratio"
"""The measure that rows about a medicine repeat from its class; such a figure stays on the class."""


def csv_rows(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


MAP = csv_rows(ROOT / "docs" / "evidence_map.csv")
ASSOCIATIONS = {row["id"]: row for row in read_tables().rows("associations.csv")}
SOURCES = {row["id"]: row for row in read_tables().rows("sources.csv")}
INTERACTIONS = {frozenset(row["subjects"].split("|")): row for row in read_tables().rows("interactions.csv")}


def named(cell):
    """The association ids that a cell of the map names; none where it says why there is none."""
    return [] if cell.startswith("none: ") else cell.split("|")


@pytest.fixture(scope="module")
def collected():
    """(file, line, row of the collected evidence, associations it became), the header being line 1."""
    given = os.environ.get("CRAMPRISK_EVIDENCE")
    folder = Path(given) if given else ROOT.parent / "shared" / "evidence"
    if not (folder / "drugs.csv").is_file():
        pytest.skip("the collected evidence is not here: put it in ../shared/evidence or name the folder in CRAMPRISK_EVIDENCE")
    mapped = {(row["file"], int(row["line"])): row for row in MAP}
    return [
        (file, line, row, mapped.get((file, line)))
        for file in ("drugs.csv", "conditions.csv")
        for line, row in enumerate(csv_rows(folder / file), start=2)
    ]


def became(collected):
    """The same with the association rows in place of the row of the map, where there are any."""
    for file, line, row, mapped in collected:
        if mapped is not None and named(mapped["became"]):
            yield f"{file}:{line} {row['name']}", row, [ASSOCIATIONS[one] for one in named(mapped["became"])]


def figure(value, low, high):
    return tuple(float(cell) if cell else None for cell in (value, low, high))


def own_figure(row):
    return figure(row["value"], row["ci_low"], row["ci_high"])


def repeats_its_class(row):
    return row.get("level") == "ingredient" and row["effect_measure"].startswith(REPEATED)


# ---------------------------------------------------------------------- the map, which ships


def test_every_association_that_the_map_names_exists():
    assert [one for row in MAP for one in named(row["became"]) if one not in ASSOCIATIONS] == []


def test_a_row_of_the_map_names_associations_or_says_why_there_is_none():
    assert [row for row in MAP if row["became"] in ("", "none", "none:", "none: ")] == []


# ---------------------------------------------------------------------- the collected evidence, where it is


def test_every_row_of_the_evidence_is_in_the_map_and_nothing_else_is(collected):
    here = [(file, str(line), row["name"]) for file, line, row, _ in collected]

    assert [(row["file"], row["line"], row["name"]) for row in MAP] == here


def test_every_figure_of_the_evidence_stands_in_its_association_exactly(collected):
    wrong = []
    for place, row, rows in became(collected):
        if not row["effect_value"] or repeats_its_class(row):
            continue
        wanted = figure(row["effect_value"], row["ci_low"], row["ci_high"])
        # A share of one arm is no effect: it stands as the rate.
        share = row["effect_measure"].startswith("%") and row["effect_value"] in {one["rate_pct"] for one in rows}
        if wanted not in [own_figure(one) for one in rows] and not share:
            wrong.append((place, wanted))

    assert wrong == []


def test_a_figure_of_a_class_stands_on_the_class_and_not_on_the_member(collected, checker):
    wrong = []
    for file, line, row, mapped in collected:
        if file != "drugs.csv" or not row["effect_value"] or not repeats_its_class(row):
            continue
        wanted = figure(row["effect_value"], row["ci_low"], row["ci_high"])
        match = checker.normalize(row["name"])
        classes = {wider for one in match.concepts for wider in checker.drugs.lexicon.ancestors(one)}
        on_classes = [own_figure(one) for one in ASSOCIATIONS.values() if one["subject"] in classes]
        on_member = [own_figure(ASSOCIATIONS[one]) for one in named(mapped["became"])]
        if wanted not in on_classes or wanted in on_member:
            wrong.append((f"{file}:{line} {row['name']}", wanted))

    assert wrong == []


def test_every_rate_of_the_evidence_stands_in_its_association_exactly(collected):
    wrong = []
    for place, row, rows in became(collected):
        wanted = (row.get("incidence_drug_pct", ""), row.get("incidence_comparator_pct", ""))
        if wanted[0] and wanted not in [(one["rate_pct"], one["comparator_pct"]) for one in rows]:
            wrong.append((place, wanted))

    assert wrong == []


def test_every_number_of_a_prevalence_stands_beside_its_association(collected):
    columns = ("rate_pct", "comparator_pct", "population", "note")
    wrong = []
    for place, row, rows in became(collected):
        here = set(re.findall(r"\d+(?:\.\d+)?", " ".join(one[column] for one in rows for column in columns)))
        missing = set(re.findall(r"\d+(?:\.\d+)?", row.get("prevalence_pct", ""))) - here
        if missing:
            wrong.append((place, missing))

    assert wrong == []


def test_grade_and_direction_of_the_evidence_stand_in_an_association(collected):
    wrong = []
    for place, row, rows in became(collected):
        if repeats_its_class(row):
            continue
        grades = {one["grade"] for one in rows}
        pairs = {(one["direction"], one["grade"]) for one in rows}
        direction = row.get("direction", "")
        direction = DIRECTIONS.get(direction, direction)
        if row["grade"] not in grades or (direction and (direction, row["grade"]) not in pairs):
            wrong.append((place, direction, row["grade"], pairs))

    assert wrong == []


@pytest.mark.parametrize("code", ["pmid", "doi"])
def test_every_code_of_a_source_in_the_evidence_stands_in_a_source_of_its_association(collected, code):
    wrong = []
    for place, row, rows in became(collected):
        if row[code] and not repeats_its_class(row) and row[code] not in {SOURCES[one["source"]][code] for one in rows}:
            wrong.append((place, row[code]))

    assert wrong == []


# ---------------------------------------------------------------------- a class is not its members


def flags(checker, *names):
    return {(flag.subject.id, flag.direction): flag for flag in checker.check(names).flags}


CALCIUM_CHANNEL_BLOCKERS = ("calcium-channel-blockers", "dihydropyridines", "non-dihydropyridine-calcium-channel-blockers")


@pytest.mark.parametrize("concept", CALCIUM_CHANNEL_BLOCKERS)
def test_calcium_channel_blockers_as_a_class_have_no_direction(checker, concept):
    own, inherited = checker.evidence(Kind.DRUG, concept)

    assert [row for row in own + [row for _, row in inherited] if row.direction is not Direction.NEUTRAL] == []


def test_a_calcium_channel_blocker_without_a_name_is_not_flagged(checker):
    assert flags(checker, "calcium channel blocker") == {}


def test_nifedipine_is_reported_with_cramps_and_not_used_against_them(checker):
    found = flags(checker, "nifedipine")

    assert set(found) == {("nifedipine", Direction.INCREASES)}
    assert found["nifedipine", Direction.INCREASES].grade is Grade.B
    assert found["nifedipine", Direction.INCREASES].inherited_from == ()


@pytest.mark.parametrize(("name", "grade"), [("diltiazem", Grade.TB), ("verapamil", Grade.TC)])
def test_diltiazem_and_verapamil_are_used_against_cramps_and_not_reported_with_them(checker, name, grade):
    found = flags(checker, name)

    assert set(found) == {(name, Direction.RELIEVES)}
    assert found[name, Direction.RELIEVES].grade is grade


def test_magnesium_is_shown_not_to_help(checker):
    found = flags(checker, "magnesium")

    assert set(found) == {("magnesium", Direction.RELIEVES)}
    assert found["magnesium", Direction.RELIEVES].grade is Grade.TN


@pytest.mark.parametrize("name", ["amoxicillin", "ipratropium"])
def test_what_lists_name_and_data_do_not_support_is_graded_d_and_contested(checker, name):
    found = flags(checker, name)

    assert set(found) == {(name, Direction.INCREASES)}
    assert found[name, Direction.INCREASES].grade is Grade.D
    assert found[name, Direction.INCREASES].contested


def test_salbutamol_keeps_its_own_grade_beside_the_long_acting_agents(checker):
    found = flags(checker, "salbutamol", "salmeterol")

    assert found["salbutamol", Direction.INCREASES].grade is Grade.B
    assert "long-acting-beta2-agonists" not in found["salbutamol", Direction.INCREASES].inherited_from
    assert found["salmeterol", Direction.INCREASES].grade is Grade.A


@pytest.mark.parametrize("name", ["statins", "atorvastatin"])
def test_statins_are_graded_a_for_a_small_figure_and_contested(checker, name):
    flag = flags(checker, name)[name, Direction.INCREASES]

    assert flag.grade is Grade.A
    assert flag.contested
    assert "statins-ctt-2022" in [row.id for row in flag.against]
    assert "small" in ASSOCIATIONS["statins-garrison-2012"]["note"]


def test_quinine_is_to_be_avoided_and_says_why(checker):
    flag = flags(checker, "quinine")["quinine", Direction.RELIEVES]

    assert flag.grade is Grade.AVOID
    assert any("Boxed warning" in caution for caution in flag.cautions)


# ---------------------------------------------------------------------- pairs


@pytest.mark.parametrize(
    "pair",
    [
        "beta2-agonists diuretics",
        "beta2-agonists systemic-corticosteroids",
        "beta2-agonists methylxanthines",
        "beta2-agonists hypoxia",
        "proton-pump-inhibitors diuretics",
        "proton-pump-inhibitors digoxin",
        "iron-sucrose dialysis-esrd",
        "sodium-ferric-gluconate-complex dialysis-esrd",
        "dialysis-esrd intradialytic-hypotension",
        "dialysis-esrd interdialytic-weight-gain",
        "dialysis-esrd low-dialysate-magnesium",
        "diabetes peripheral-neuropathy",
        "type-2-diabetes diabetic-retinopathy",
        "quinine qt-prolonging-medicines",
        "quinine long-qt",
        "quinine digoxin",
        "quinine neuromuscular-blockers",
        "quinine rifampicin",
        "quinine myasthenia-gravis",
        "quinine optic-neuritis",
        "quinine g6pd-deficiency",
        "quinine pregnancy",
        "menaquinone warfarin",
        "raloxifene deep-vein-thrombosis",
        "estrogens deep-vein-thrombosis",
    ],
)
def test_a_pair_that_a_source_supports_is_a_row_with_that_source(pair):
    row = INTERACTIONS[frozenset(pair.split())]

    assert row["source"] in SOURCES


@pytest.mark.parametrize("pair", ["diuretics statins", "inhaled-corticosteroids long-acting-beta2-agonists"])
def test_a_pair_that_the_evidence_does_not_support_is_no_row(pair):
    assert frozenset(pair.split()) not in INTERACTIONS
