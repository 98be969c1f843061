"""What must hold for FHIR and for CDS Hooks requests of any bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from bench.hook_requests import hook_request
from bench.hostile_fhir import SECRET, a_bundle, broken_promises
from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.integrations.cds_hooks import HookError, answer, read_feedback
from cramprisk.integrations.fhir import COUNTED, check_fhir
from cramprisk.integrations.fhir_status import Standing
from cramprisk.json_objects import all_values
from fuzz.changes import Choices, Odd, changed_json, patched, places

__all__ = ["KEYS", "fhir", "hooks"]

Json = dict[str, Any]

KEYS = (
    "resourceType", "entry", "resource", "fullUrl", "contained", "reference", "identifier", "display", "subject", "patient",
    "medication", "medicationCodeableConcept", "medicationReference", "concept", "code", "coding", "system", "text", "status",
    "statusReason", "clinicalStatus", "verificationStatus", "ingredient", "item", "itemReference", "itemCodeableConcept",
    "product", "list", "mode", "parameter", "part", "extension", "meta", "lastUpdated", "id", "type", "request", "method", "url",
    "effectivePeriod", "dosageInstruction", "boundsPeriod", "timing", "repeat", "start", "end", "onsetDateTime", "birthDate",
    "deceasedDateTime", "gender", "authoredOn", "daysSupply", "value", "adherence", "doNotPerform", "wasNotTaken", "hook",
    "hookInstance", "context", "prefetch", "draftOrders", "selections", "link", "relation", "issue", "severity", "", SECRET,
)  # fmt: skip
"""Names of members, for the fuzzer's dictionary too."""

_VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 3.5, 10**30, float("nan"), float("inf"), "", " ", SECRET, f"<script>alert('{SECRET}')</script>",
    f"Lasix {SECRET}", "a\ud800b", "\x00\x1b[31m", "]]>&lt;" + SECRET, "x" * 300, [], {}, [[]], [{}], [None], {"": None},
    "MedicationRequest", "MedicationStatement", "Condition", "Bundle", "Parameters", "List", "Patient", "Medication",
    "AllergyIntolerance", "OperationOutcome", "#", "#inner", "#r", {"reference": "#"}, {"reference": "#inner"},
    {"reference": "Medication/med1"}, {"reference": "Medication/b"}, {"reference": "Patient/p2"}, "Patient/7", "Patient/p2",
    "urn:uuid:", "entered-in-error", "stopped", "draft", "active", "unknown", "refuted", "history", "DELETE", "next", "error",
    "2026", "2026-13", "2026-02-30", "0000", "9999-12-31", "-1", "2026-11-21T24:00:00Z", "furosemide", "quinine", "HCT", "PD",
    "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct", "310798", "38341003", "E11.9", 310798,
    {"text": "warfarin"}, {"coding": [{"code": 310798}]}, {"concept": {"text": f"{SECRET} 5 mg"}}, "order-sign", "patient-view",
)  # fmt: skip
_ODD = Odd(_VALUES, KEYS, depths=(1, 1, 2, 3, 30, 120, 1500))
_ON = "2026-11-21"
_MEDICINES = (
    "MedicationRequest", "MedicationOrder", "MedicationPrescription", "MedicationStatement", "MedicationUsage",
    "MedicationAdministration", "MedicationDispense",
)  # fmt: skip


def _of_r5() -> Json:
    """A small Bundle of R5: a contained Medication, a reference within the Bundle, a concept, and what stands around a dose."""
    about = {"subject": {"reference": "Patient/7"}}
    resources: list[Json] = [
        {
            "resourceType": "MedicationRequest", "id": "1", "status": "active", "intent": "order", **about,
            "contained": [{"resourceType": "Medication", "id": "r", "code": {"text": f"quinine {SECRET}"}}],
            "medication": {"reference": {"reference": "#r"}},
        },
        {
            "resourceType": "MedicationRequest", "id": "2", "status": "on-hold", "doNotPerform": True, **about,
            "medication": {"concept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "C03CA01"}], "text": "Lasix"}},
            "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"start": "2026-01", "end": "2026-12-31"}}}}],
        },
        {"resourceType": "MedicationStatement", "id": "3", "status": "recorded", "medication": {"reference": {"reference": "b"}}},
        {"resourceType": "Medication", "id": "b", "ingredient": [{"item": {"concept": {"text": "salbutamol"}}}]},
        {
            "resourceType": "Condition", "id": "4", "clinicalStatus": {"coding": [{"code": "active"}]}, **about,
            "code": {"text": f"PD {SECRET}"}, "verificationStatus": {"coding": [{"code": "provisional"}]},
        },
        {"resourceType": "Patient", "id": "7", "gender": "female", "birthDate": "1950"},
    ]  # fmt: skip
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


@cache
def _sound() -> tuple[Any, ...]:
    inside = a_bundle()
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "x", "part": [{"name": "y", "resource": _of_r5()}]}]}
    lone = _of_r5()["entry"][0]["resource"]
    return inside, _of_r5(), parameters, [one["resource"] for one in _of_r5()["entry"]], {"medications": _of_r5()}, lone


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def fhir(data: bytes) -> None:
    """Any JSON is a report or an InputError; all that is made of it can be written; no medicine or condition is left out."""
    choices = Choices(data)
    act = choices.number()
    sound = choices.of(_sound())
    given: Any
    given = patched(_text(sound), choices) if act % 3 == 0 else changed_json(sound, choices, _ODD)
    if act % 3 == 2 and isinstance(given, list):
        try:
            given = b"\n".join(map(_text, given))
        except RecursionError:
            return
    problems = broken_promises(given, Checker.default())
    assert not problems, problems[0]
    try:
        value = json.loads(given.decode("utf-8-sig"), object_pairs_hook=all_values) if isinstance(given, bytes) else given
    except (ValueError, RecursionError):
        return
    counted = COUNTED | {Standing.PLANNED} if act & 64 else COUNTED
    try:
        checked = check_fhir(
            given, on=_ON, counted=counted, patient="7" if act & 128 else None, cramps_since="2026-06-01", pregnant_weeks=20
        )
    except InputError as error:
        assert SECRET not in str(error), "an error holds a text of the record"
        return
    paths = {one.entry.path for one in checked.entries}
    lost = set(_plain_resources(value)) - paths
    assert not lost, f"not accounted for: {sorted(lost)}"
    assert checked.complete == all(one.match.complete for one in checked.entries if one.counted)


def _plain_resources(value: object) -> Iterator[str]:
    """Where a Bundle plainly has medicines taken and conditions; nothing of one that speaks of versions."""
    bundles = [("Bundle", value)]
    if any(key in ("meta", "request") or holder[key] == "history" for holder, key in places(value)):
        return
    while bundles:
        path, bundle = bundles.pop()
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle" or not isinstance(bundle.get("entry"), list):
            continue
        for index, entry in enumerate(bundle["entry"]):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if not isinstance(resource, dict):
                continue
            where = f"{path}.entry[{index}].resource"
            if resource.get("resourceType") in (*_MEDICINES, "Condition"):
                yield where
            bundles.append((where, resource))


# ---------------------------------------------------------------------- CDS Hooks


@cache
def _requests() -> tuple[Json, ...]:
    names = (["HCTZ 25 mg", f"Ventolin {SECRET}"], ["T2DM", f"{SECRET} disease"])
    made = [
        hook_request(hook, *names, None if hook == "patient-view" else ["quinine", f"{SECRET} 5 mg", "HCT"])
        for hook in ("patient-view", "order-select", "order-sign")
    ]
    made[0]["prefetch"]["statements"] = _of_r5()
    made[2]["prefetch"] = {"medications": None, "conditions": None}
    feedback = {
        "card": "f6b95768-b1c8-40dc-8385-bf3504b82ffb", "outcome": "overridden", "outcomeTimestamp": "2026-11-20T10:00:00Z",
        "overrideReason": {"reason": {"code": "tolerated", "system": "urn:cramprisk:override-reason"}, "userComment": SECRET},
    }  # fmt: skip
    accepted = {**feedback, "outcome": "accepted", "acceptedSuggestions": [{"id": "1"}]}
    return *made, {"feedback": [feedback, accepted]}


def hooks(data: bytes) -> None:
    """A request is answered by the rules of the specification, or refused with a status and without a word of it."""
    from tests import cds_rules

    choices = Choices(data)
    act = choices.number()
    sound = choices.of(_requests())
    request: Any
    if act % 4 == 0:
        try:
            request = json.loads(patched(_text(sound), choices))
        except (ValueError, RecursionError):
            return
    else:
        request = changed_json(sound, choices, _ODD)
    try:
        if sound is _requests()[-1]:
            told = read_feedback(request)
            assert SECRET not in json.dumps(told)
            return
        made = answer(request, source_url="https://example.org/cramprisk" if act & 64 else None)
    except HookError as error:
        assert error.status in (400, 412, 413)
        assert SECRET not in json.dumps(error.to_dict()), "an error holds a text of the request"
        return
    body = json.loads(json.dumps(made.to_dict(), allow_nan=False).encode("utf-8"))
    rules: Any = cds_rules
    assert not rules.broken(body), rules.broken(body)
    assert body["cards"] or not made.unread, "no card, though something was not understood"
    assert made.unread <= made.entries
