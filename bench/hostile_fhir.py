"""Mutated FHIR bundles: nothing crashes, nothing leaks: ``python -m bench.hostile_fhir [--count N] [--seed N]``.

A bundle of every shape that is read is broken at random places, with its structure in mind: elements dropped, given
another type, swapped, repeated, nested thousands deep, tied into cycles; references bent; scripts, control characters
and a secret mark put into its texts. What comes back must be a report or an InputError, must be writable in every form,
and no warning and no outcome may hold the mark. The tests do the same with Hypothesis, which makes a failure small.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
import traceback
from collections.abc import Sequence
from random import Random
from typing import Any
from xml.etree import ElementTree

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.integrations.fhir import FhirReport, check_fhir, check_fhir_each
from cramprisk.integrations.fhir_write import detected_issues, findings_bundle, operation_outcome

__all__ = ["SECRET", "a_bundle", "broken_promises", "mutated"]

SECRET = "Zzqxmark"
"""Stands in mutated texts; it must not come back in a warning, an outcome or an error."""
_ON = "2026-11-21"
_SCRIPT = f"<script>alert('{SECRET}')</script>"
_RXNORM, _SNOMED = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
_DEEP = 3000

Json = dict[str, Any]


def _coded(system: str, code: str, display: str, text: str | None = None) -> Json:
    concept: Json = {"coding": [{"system": system, "code": code, "display": display}]}
    return concept | ({"text": text} if text else {})


def a_bundle() -> Json:
    """One patient in every shape that is read, of R4 and of R5."""
    me = {"subject": {"reference": "Patient/p1"}}
    resources: list[Json] = [
        {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1951-04-03"},
        {
            "resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order", "authoredOn": "2026-01-02",
            "medicationCodeableConcept": _coded(_RXNORM, "310798", "Hydrochlorothiazide 25 MG Oral Tablet", "HCTZ 25"), **me,
        },
        {
            "resourceType": "MedicationRequest", "id": "m2", "status": "active", "intent": "order",
            "contained": [
                {"resourceType": "Medication", "id": "inner", "code": {"text": "Lasix 40 mg"},
                 "ingredient": [{"itemCodeableConcept": {"text": "furosemide"}}]},
            ],
            "medicationReference": {"reference": "#inner"}, **me,
        },
        {
            "resourceType": "MedicationStatement", "id": "m3", "status": "recorded",
            "adherence": {"code": {"coding": [{"code": "taking"}]}},
            "medication": {"reference": {"reference": "urn:uuid:0b7a31f0-0000-4000-8000-000000000001"}},
            "effectivePeriod": {"start": "2026-02", "end": "2027"}, **me,
        },
        {
            "resourceType": "Medication", "id": "med1", "status": "active",
            "ingredient": [
                {"item": {"concept": {"text": "salbutamol"}}},
                {"item": {"reference": {"reference": "Medication/med2"}}},
            ],
        },
        {
            "resourceType": "Medication", "id": "med2", "code": _coded(_SNOMED, "387475002", "Furosemide"),
            "ingredient": [{"itemReference": {"reference": "Medication/med1"}}],
        },
        {
            "resourceType": "MedicationAdministration", "id": "m4", "status": "completed", **me,
            "medicationReference": {"reference": "https://example.org/fhir/Medication/med2", "display": "frusemide"},
        },
        {
            "resourceType": "MedicationDispense", "id": "m5", "status": "completed", "whenHandedOver": "2026-11-01",
            "daysSupply": {"value": 28}, "medicationCodeableConcept": {"text": "atorvastatin 20 mg"}, **me,
        },
        {
            "resourceType": "MedicationRequest", "id": "m6", "status": "stopped", **me,
            "medicationCodeableConcept": {"text": "digoxin"},
        },
        {
            "resourceType": "Condition", "id": "c1", "clinicalStatus": {"coding": [{"code": "active"}]},
            "verificationStatus": {"coding": [{"code": "confirmed"}]}, "onsetDateTime": "2019",
            "code": _coded("urn:oid:2.16.840.1.113883.6.90", "E11.9", "Type 2 diabetes mellitus"), **me,
        },
        {
            "resourceType": "Condition", "id": "c2", "verificationStatus": {"coding": [{"code": "refuted"}]},
            "code": _coded(_SNOMED, "38341003", "Hypertension"), **me,
        },
        {
            "resourceType": "AllergyIntolerance", "id": "a1", "code": {"text": "penicillin"},
            "patient": {"reference": "Patient/p1"},
        },
        {
            "resourceType": "List", "id": "l1", "status": "current", "mode": "working", "code": {"coding": [{"code": "10160-0"}]},
            "entry": [{"item": {"reference": "MedicationRequest/m1"}}, {"item": {"display": "warfarin 5 mg"}}], **me,
        },
    ]  # fmt: skip
    entries: list[Json] = [
        {"fullUrl": f"https://example.org/fhir/{one['resourceType']}/{one['id']}", "resource": one} for one in resources
    ]
    entries[4]["fullUrl"] = "urn:uuid:0b7a31f0-0000-4000-8000-000000000001"
    inner = {"resourceType": "Bundle", "type": "searchset", "entry": entries[7:]}
    return {"resourceType": "Bundle", "type": "collection", "entry": [*entries[:7], {"resource": inner}]}


# ---------------------------------------------------------------------- the mutator


def _places(root: object) -> list[tuple[Any, Any]]:
    """Every container and key of a value, also of one that holds itself."""
    found: list[tuple[Any, Any]] = []
    seen: set[int] = set()
    waiting = [root]
    while waiting and len(found) < 4000:
        one = waiting.pop()
        if id(one) in seen or not isinstance(one, (dict, list)):
            continue
        seen.add(id(one))
        for key in list(one) if isinstance(one, dict) else range(len(one)):
            found.append((one, key))
            waiting.append(one[key])
    return found


def _odd(chance: Random) -> object:
    return chance.choice(
        (
            None, True, False, 0, -1, 3.5, float("nan"), float("inf"), 10**30, "", " ", SECRET, _SCRIPT, "\x00\x1b[31m",
            "a\ud800b",
            "x" * 6000, "]]>&lt;" + SECRET, "=cmd|' /C calc'!A0", [], {}, [[]], [{}], [None], {"": None}, b"bytes", ("a", "b"),
            "MedicationRequest", "#", "#inner", "Medication/med1", "Patient/p2", "urn:uuid:", "entered-in-error",
            "9999-12-31", "0000",
        )
    )  # fmt: skip


def _nested(value: object, chance: Random) -> object:
    """A value thousands of levels deep."""
    as_list = chance.random() < 0.5
    key = chance.choice(("entry", "resource", "contained", "coding", "part", "extension", "item", SECRET))
    for _ in range(_DEEP):
        value = [value] if as_list else {key: value}
    return value


def mutated(root: Json, chance: Random) -> Any:
    """The bundle with one to twelve things broken; the given one is left as it is."""
    made: Any = {"root": copy.deepcopy(root)}
    for _ in range(chance.randint(1, 12)):
        places = _places(made)
        holder, key = chance.choice(places)
        other, other_key = chance.choice(places)
        act = chance.randrange(10)
        if act == 0 and len(places) > 1 and holder is not made:
            del holder[key]
        elif act == 1:
            holder[key] = _odd(chance)
        elif act == 2:
            holder[key], other[other_key] = other[other_key], holder[key]
        elif act == 3:
            holder[key] = [holder[key], holder[key]]
        elif act == 4 and chance.random() < 0.3:
            holder[key] = _nested(holder[key], chance)
        elif act == 5:
            holder[key] = other
        elif act == 6 and isinstance(holder, dict):
            holder[
                chance.choice(("reference", "resourceType", "resource", "contained", "medication", "code", "item", SECRET))
            ] = _odd(chance)
        elif act == 7:
            texts = [place for place in places if isinstance(place[0][place[1]], str)]
            holder, key = chance.choice(texts or places)
            holder[key] = chance.choice((SECRET, _SCRIPT, f"{holder[key]} {SECRET}", "ﬁ" * 50, "\u202e" + SECRET, ""))
        elif act == 8 and isinstance(holder[key], dict):
            holder[key] = list(holder[key].values())
        elif act == 9:
            holder[key] = {
                "reference": chance.choice(("#", "#inner", "Medication/med1", "Medication/med2", "Patient/p1", SECRET, ""))
            }
    return made["root"]


# ---------------------------------------------------------------------- what must hold


def broken_promises(value: object, checker: Checker) -> list[str]:
    """What checking a value breaks of what is promised; nothing, if all is well."""
    try:
        reports = [check_fhir(value, checker=checker, on=_ON), *check_fhir_each(value, checker=checker, on=_ON)]
    except InputError as error:
        return ["an error holds a text of the record"] if SECRET in str(error) else []
    except Exception:
        return ["crashed: " + traceback.format_exc(limit=-4)]
    return [problem for checked in reports for problem in _of_report(checked)]


def _of_report(checked: FhirReport) -> list[str]:
    problems: list[str] = []
    try:
        counted = [one for one in checked.entries if one.counted]
        if [one.match for one in counted] != list(checked.report.matches):
            problems.append("the matches of the report are not those of its entries")
        if any(not one.counted and not one.entry.reason for one in checked.entries):
            problems.append("an entry is not counted and does not say why")
        json.loads(checked.to_json())
        json.dumps(findings_bundle(checked), ensure_ascii=False).encode("utf-8")
        for warning in checked.warnings:
            if SECRET in warning.path or SECRET in warning.message:
                problems.append("a warning holds a text of the record")
        if SECRET in json.dumps(operation_outcome(checked)):
            problems.append("an outcome holds a text of the record")
        for issue in detected_issues(checked):
            ElementTree.fromstring(issue["text"]["div"])
            if "<script" in issue["text"]["div"]:
                problems.append("a narrative holds a script")
        if "<script>alert" in checked.to_html():
            problems.append("the page holds a script")
        if "\x1b" in checked.to_text():
            problems.append("the text holds a control character")
    except Exception:
        problems.append("crashed in writing: " + traceback.format_exc(limit=-4))
    return problems


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile_fhir", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args(argv)
    checker, root = Checker.default(), a_bundle()
    begun, slowest, bad, refused = time.perf_counter(), 0.0, 0, 0
    for number in range(arguments.count):
        value = mutated(root, Random(arguments.seed * 1_000_003 + number))
        refused += not isinstance(value, (dict, list, tuple, str, bytes))
        start = time.perf_counter()
        problems = broken_promises(value, checker)
        slowest = max(slowest, time.perf_counter() - start)
        if problems:
            bad += 1
            print(f"bundle {number}: {problems[0]}")
    took = time.perf_counter() - begun
    print(f"{arguments.count} mutated bundles in {took:.0f} s, slowest {slowest * 1000:.0f} ms; {refused} were no input at all")
    print(f"broken promises: {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
