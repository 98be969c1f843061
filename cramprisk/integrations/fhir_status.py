"""How a FHIR resource says that a medicine is taken or a condition is present: every status, in one table each.

Sources: the required value sets of MedicationRequest, MedicationStatement, MedicationAdministration, MedicationDispense,
Condition and List in FHIR R4, R4B and R5, and what DSTU2 and STU3 had in their place
(https://hl7.org/fhir/R4/valueset-medicationrequest-status.html and its neighbours).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from cramprisk.integrations.fhir_read import code_of, items, objects, text_of

__all__ = ["Standing", "Verdict", "condition_verdict", "list_verdict", "medicine_verdict"]


class Standing(StrEnum):
    """Whether what a resource says holds now."""

    CURRENT = "current"
    UNCERTAIN = "uncertain"
    PLANNED = "planned"
    NOT_CURRENT = "not-current"
    ABSENT = "absent"
    ERROR = "entered-in-error"
    ALLERGY = "allergy"
    OTHER_PATIENT = "other-patient"


class Verdict(NamedTuple):
    """How an entry stands, why, and what was amiss in saying so.

    Attributes:
        standing: Whether it holds now.
        reason: Why, in words; empty when it plainly holds.
        status: The code that decided, or the plain status, as it stands in the resource; empty if it has none.
        amiss: Element and message, if the status is missing or unknown.
    """

    standing: Standing
    reason: str = ""
    status: str = ""
    amiss: tuple[str, str] | None = None


_CURRENT, _UNCERTAIN, _PLANNED = Standing.CURRENT, Standing.UNCERTAIN, Standing.PLANNED
_PAST, _ABSENT, _ERROR = Standing.NOT_CURRENT, Standing.ABSENT, Standing.ERROR

# What all resources of medicines share.
_COMMON = {
    "active": (_CURRENT, ""),
    "in-progress": (_CURRENT, ""),
    "recorded": (_CURRENT, ""),
    "unknown": (_UNCERTAIN, "the status is unknown"),
    "completed": (_PAST, "completed"),
    "ended": (_PAST, "ended"),
    "stopped": (_PAST, "stopped"),
    "cancelled": (_PAST, "cancelled"),
    "aborted": (_PAST, "stopped"),
    "inactive": (_PAST, "inactive"),
    "on-hold": (_PAST, "on hold"),
    "suspended": (_PAST, "on hold"),
    "draft": (_PLANNED, "a draft"),
    "intended": (_PLANNED, "intended, not yet taken"),
    "preparation": (_PLANNED, "being prepared"),
    "not-taken": (_ABSENT, "not taken"),
    "not-done": (_ABSENT, "not given"),
    "declined": (_ABSENT, "declined"),
    "entered-in-error": (_ERROR, "entered in error"),
}
# One dose that was given, or one box that was handed over, is no word about today.
_COMPLETED = {
    "MedicationAdministration": (_UNCERTAIN, "was given; whether it still is, is not said"),
    "MedicationDispense": (_UNCERTAIN, "was handed over; whether it is still taken, is not said"),
}
_ADHERENCE = {
    "taking": (_CURRENT, ""),
    "not-taking": (_ABSENT, "not taken"),
    "on-hold": (_PAST, "on hold"),
    "stopped": (_PAST, "stopped"),
    "unknown": (_UNCERTAIN, "whether it is taken is unknown"),
}
# STU3: MedicationStatement.taken.
_TAKEN = {"n": (_ABSENT, "not taken"), "unk": (_UNCERTAIN, "whether it is taken is unknown")}
_INTENT = {"proposal": (_PLANNED, "a proposal"), "option": (_PLANNED, "one of several options")}
_NOT_DONE = ("doNotPerform", "wasNotGiven", "notGiven", "wasNotTaken", "notDone")

_CLINICAL = {
    "active": (_CURRENT, ""),
    "recurrence": (_CURRENT, ""),
    "relapse": (_CURRENT, ""),
    "unknown": (_UNCERTAIN, "the clinical status is unknown"),
    "inactive": (_PAST, "inactive"),
    "remission": (_PAST, "in remission"),
    "resolved": (_PAST, "resolved"),
}
_VERIFICATION = {
    "confirmed": (_CURRENT, ""),
    "unconfirmed": (_UNCERTAIN, "unconfirmed"),
    "provisional": (_UNCERTAIN, "provisional"),
    "differential": (_UNCERTAIN, "a differential diagnosis"),
    "unknown": (_UNCERTAIN, "the verification status is unknown"),
    "refuted": (_ABSENT, "refuted"),
    "entered-in-error": (_ERROR, "entered in error"),
}
# Of several things that a resource says, the one that speaks most against counting it decides.
_WEIGHT = (_ERROR, _ABSENT, _PAST, _PLANNED, _UNCERTAIN, _CURRENT)


def _worst(said: list[Verdict]) -> Verdict:
    if len(said) == 1:
        return said[0]
    verdict = min(said, key=lambda verdict: _WEIGHT.index(verdict.standing))
    # What was amiss is told even where something else decided.
    return verdict._replace(amiss=next((one.amiss for one in said if one.amiss), None))


def _codes(value: object) -> Iterator[str]:
    """The codes of a CodeableConcept, or of the plain code that older versions have; its text if it has no codes."""
    for one in items(value):
        if isinstance(one, Mapping):
            codes = [code for code in (code_of(coding.get("code")) for coding in objects(one.get("coding"))) if code]
            yield from codes or [code for code in (code_of(one.get("text")),) if code]
        elif code_of(one):
            yield code_of(one)


def medicine_verdict(kind: str, resource: Mapping[str, Any]) -> Verdict:
    """How a MedicationRequest, -Statement, -Administration or -Dispense stands.

    Args:
        kind: Its type.
        resource: Itself.
    """
    said: list[Verdict] = []
    status = code_of(resource.get("status"))
    known = _COMPLETED.get(kind) if status == "completed" else None
    known = known or _COMMON.get(status)
    if known is not None:
        said.append(Verdict(*known, status))
    elif status:
        said.append(
            Verdict(_UNCERTAIN, "the status is not one of FHIR's", "", ("status", "is none of FHIR's; read as uncertain."))
        )
    else:
        said.append(Verdict(_CURRENT, "", "", ("status", "is missing; read as current.")))
    for element in _NOT_DONE:
        if resource.get(element) is True:
            said.append(Verdict(_ABSENT, "not to be given" if element == "doNotPerform" else "not given or taken", element))
    adherence = resource.get("adherence")
    for code in _codes(adherence.get("code")) if isinstance(adherence, Mapping) else ():
        found = next((verdict for start, verdict in _ADHERENCE.items() if code.startswith(start)), None)
        if found is not None:
            said.append(Verdict(*found, code))
    for table, element in ((_TAKEN, "taken"), (_INTENT, "intent")):
        found = table.get(code_of(resource.get(element)))
        if found is not None:
            said.append(Verdict(*found, code_of(resource.get(element))))
    return _worst(said)


def condition_verdict(resource: Mapping[str, Any]) -> Verdict:
    """How a Condition stands; one without a clinical status counts, since it may lack one."""
    said = [Verdict(_CURRENT)]
    clinical = False
    for table, element in ((_CLINICAL, "clinicalStatus"), (_VERIFICATION, "verificationStatus")):
        for code in _codes(resource.get(element)):
            found = table.get(code)
            if found is not None:
                said.append(Verdict(*found, code))
                clinical = clinical or element == "clinicalStatus"
            else:
                said.append(
                    Verdict(
                        _UNCERTAIN,
                        "the status is not one of FHIR's",
                        "",
                        (element, "is none of FHIR's; read as uncertain."),
                    )
                )
    abated = next((key for key in resource if key.startswith("abatement") and resource[key] not in (None, False, "", {})), None)
    if abated is None and all(one.standing is _CURRENT for one in said):
        # Most conditions: nothing speaks against them.
        return next((one for one in said if one.status), said[0])
    if abated is not None:
        if not clinical:
            said.append(Verdict(_PAST, "abated", "abatement"))
        elif _worst(said).standing is _CURRENT:
            said.append(
                Verdict(
                    _UNCERTAIN,
                    "it is active and has an end",
                    "abatement",
                    ("abatement", "says that it ended; the status is active."),
                )
            )
    verdict = _worst(said)
    if verdict.standing is _CURRENT:
        verdict = next((one for one in said if one.status), verdict)
    return verdict


def list_verdict(resource: Mapping[str, Any], item: Mapping[str, Any]) -> Verdict:
    """How an item of a List stands."""
    if code_of(resource.get("status")) == "entered-in-error":
        return Verdict(_ERROR, "the list was entered in error", "entered-in-error")
    if item.get("deleted") is True:
        return Verdict(_PAST, "taken off the list", "deleted")
    if code_of(resource.get("status")) == "retired":
        return Verdict(_PAST, "the list is retired", "retired")
    if text_of(resource.get("status")) in ("", "current"):
        return Verdict(_CURRENT, "", "current" if resource.get("status") else "")
    return Verdict(_UNCERTAIN, "the status of the list is not one of FHIR's")
