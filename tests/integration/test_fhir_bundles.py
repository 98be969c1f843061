"""The eight synthetic patients: every request and condition accounted for, by name and by code alike."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path

import pytest

from cramprisk.integrations.fhir import check_fhir
from cramprisk.integrations.fhir_codes import system_of
from cramprisk.model import Kind

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fhir"
ON = "2026-11-21"
NUMBERS = range(1, 9)
# RxNorm has this code for hydrocodone with paracetamol; the name beside it is another medicine.
WRONG_CODE = "833036"


def bundle(number):
    path = FOLDER / f"bundle_{number}.json"
    if not path.is_file():
        pytest.skip(f"the synthetic patients are not here: put them in ../shared/fhir ({path.name} is absent)")
    return json.loads(path.read_text("utf-8"))


def resources(made, *kinds):
    return [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] in kinds]


def outcome(one, checked):
    """What became of an entry: one of the four things that may."""
    if not one.counted:
        return "not active"
    if not one.match.complete:
        return "not understood"
    return "flagged" if any(one.position in flag.entries for flag in checked.report.flags) else "known without association"


@pytest.mark.parametrize("number", NUMBERS)
def test_every_request_and_condition_is_accounted_for(number):
    made = bundle(number)
    checked = check_fhir(made, on=ON)
    told = {one.entry.reference: outcome(one, checked) for one in checked.entries}
    given = [
        entry
        for entry in made["entry"]
        if entry["resource"]["resourceType"] in ("MedicationRequest", "Condition", "AllergyIntolerance")
    ]

    assert {entry["fullUrl"] for entry in given} == set(told)
    for entry in given:
        resource = entry["resource"]
        status = resource.get("status") or resource["clinicalStatus"]["coding"][0]["code"]
        counts = status == "active" and resource["resourceType"] != "AllergyIntolerance"
        assert (told[entry["fullUrl"]] != "not active") is counts
    assert checked.complete
    assert not checked.warnings


def test_the_accounts_of_all_patients_are_these():
    told = Counter(
        (one.entry.resource_type, outcome(one, checked))
        for checked in (check_fhir(bundle(number), on=ON) for number in NUMBERS)
        for one in checked.entries
    )

    assert told == {
        ("MedicationRequest", "flagged"): told["MedicationRequest", "flagged"],
        ("MedicationRequest", "known without association"): 55 - 24 - told["MedicationRequest", "flagged"],
        ("MedicationRequest", "not active"): 24,
        ("Condition", "flagged"): told["Condition", "flagged"],
        ("Condition", "known without association"): 63 - 22 - told["Condition", "flagged"],
        ("Condition", "not active"): 22,
        ("AllergyIntolerance", "not active"): 17,
    }
    assert told["MedicationRequest", "flagged"] >= 14
    assert told["Condition", "flagged"] >= 15


@pytest.mark.parametrize("number", NUMBERS)
def test_names_alone_and_codes_alone_give_the_same(number, checker):
    made = bundle(number)
    by_name, by_code = copy.deepcopy(made), copy.deepcopy(made)
    compared = 0
    for version, kept in ((by_name, "name"), (by_code, "code")):
        for resource in resources(version, "MedicationRequest", "Condition"):
            concept = resource.get("medicationCodeableConcept") or resource["code"]
            for coding in concept["coding"]:
                if kept == "name":
                    del coding["code"], coding["system"]
                else:
                    del coding["display"]
            if kept == "code":
                del concept["text"]
    named = {one.entry.reference: one for one in check_fhir(by_name, on=ON).entries}
    for one in check_fhir(by_code, on=ON).entries:
        if one.entry.resource_type == "AllergyIntolerance":
            continue
        coding = one.entry.codings[0]
        if coding.code == WRONG_CODE:
            continue
        if not checker.matcher(one.entry.kind).lexicon.by_code(system_of(coding.system), coding.code):
            # "History of …" is a code of its own, which says what no concept of the tables does.
            assert named[one.entry.reference].match.qualifier == "history"
            continue
        compared += 1
        assert set(one.match.concepts) == set(named[one.entry.reference].match.concepts)
        assert one.match.complete
    assert compared >= len(resources(made, "MedicationRequest"))


def test_the_one_wrong_code_of_the_bundles_is_told_and_nothing_else():
    told = [one for number in NUMBERS for one in check_fhir(bundle(number), on=ON).entries if one.warnings]

    assert {coding.code for one in told for coding in one.entry.codings} == {WRONG_CODE}
    assert {one.warnings for one in told} == {("a code and a name contradict each other",)}


def test_each_patient_of_a_bulk_export_has_the_report_of_the_bundle():
    from cramprisk.integrations.fhir import check_fhir_each

    made = [bundle(number) for number in (1, 2, 3)]
    text = "\n".join(json.dumps(one) for one in made)

    assert [one.report for one in check_fhir_each(text, on=ON)] == [check_fhir(one, on=ON).report for one in made]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_kinds_are_not_mixed_up(number):
    for one in check_fhir(bundle(number), on=ON).entries:
        assert (one.match.kind is Kind.CONDITION) is (one.entry.resource_type == "Condition")
