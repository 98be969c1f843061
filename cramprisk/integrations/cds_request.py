"""A CDS Hooks request, checked: what was asked, about whom, with which resources, and what the client could not send.

Rules of the specification, version 2.0.1, sections "HTTP Request" and "Prefetch Template", and of the hooks
``patient-view``, ``order-select`` and ``order-sign``. Additional fields (those of 3.0 among them) are accepted and
left alone. No message repeats a value of the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cramprisk.errors import InputError
from cramprisk.json_objects import deeper_than

__all__ = ["HOOKS", "MAX_RESOURCES", "NOT_BLANK", "PREFETCH", "HookError", "HookRequest", "read_request"]

HOOKS = ("patient-view", "order-select", "order-sign")

PREFETCH: Mapping[str, str] = {
    "patient": "Patient/{{context.patientId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}&status=active",
    # "recorded" is what R5 calls a statement that R4 calls active.
    "statements": "MedicationStatement?patient={{context.patientId}}&status=active,recorded",
    "conditions": "Condition?patient={{context.patientId}}",
}
"""Prefetch templates by key. They keep to the subset of searches that the specification recommends."""

MAX_RESOURCES = 2_000
"""Resources of one request. A whole life's record has fewer; more would only keep the service busy."""

NOT_BLANK = r"[^\x00-\x20]"
"""What a text must match that is not empty. Spelled out, since regular expressions differ in what they take for a space."""

_MAX_DEPTH = 100
_MAX_ID = 512


class HookError(InputError):
    """A request that cannot be answered. The message never holds a value of the request.

    Attributes:
        status: The HTTP status that says so: 400 for a wrong request, 412 where needed data is missing, 413 for too much.
        code: The issue type of an OperationOutcome.
    """

    def __init__(self, message: str, *, status: int = 400, code: str = "invalid") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def to_dict(self) -> dict[str, Any]:
        """The error as an OperationOutcome, which version 3.0 recommends.

        Examples:
            >>> HookError("context: is missing.").to_dict()["issue"]
            [{'severity': 'error', 'code': 'invalid', 'diagnostics': 'context: is missing.'}]
        """
        return {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": self.code, "diagnostics": str(self)}],
        }


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A request, checked.

    Attributes:
        hook: One of :data:`HOOKS`.
        instance: The UUID of this call, in its canonical form.
        patient_id: The patient's id.
        patient: The Patient, if it was sent and is the one of the context.
        entries: Bundle entries (``resource`` and, where given, ``fullUrl``) of what is on record, other patients' left out.
        drafts: Bundle entries of the draft orders; empty for ``patient-view``.
        selected: Positions in `drafts` of the orders to speak about.
        notices: What the list lacks, in words, without any value of the request.
    """

    hook: str
    instance: str
    patient_id: str
    patient: Mapping[str, Any] | None
    entries: tuple[Mapping[str, Any], ...]
    drafts: tuple[Mapping[str, Any], ...]
    selected: frozenset[int]
    notices: tuple[str, ...]


def read_request(request: object) -> HookRequest:
    """A request as a client sends it, checked.

    Args:
        request: The JSON object of the body.

    Raises:
        HookError: It is no request that can be answered; `status` says why.
    """
    body = _object(request, "the request")
    if deeper_than(body, _MAX_DEPTH):
        raise HookError(f"the request: is nested deeper than {_MAX_DEPTH} levels.", code="structure")
    hook = _text(body, "hook", "hook")
    if hook not in HOOKS:
        raise HookError(f"hook: must be one of {', '.join(HOOKS)}.", code="not-supported")
    instance = _uuid(_text(body, "hookInstance", "hookInstance"))
    context = _object(body.get("context"), "context")
    _text(context, "userId", "context.userId")
    patient_id = _text(context, "patientId", "context.patientId").removeprefix("Patient/")
    if "encounterId" in context:
        _text(context, "encounterId", "context.encounterId")
    drafts: tuple[Mapping[str, Any], ...] = ()
    chosen: frozenset[int] = frozenset()
    notices: list[str] = []
    if hook != "patient-view":
        drafts = tuple(_bundle(context.get("draftOrders"), "context.draftOrders"))
        chosen = frozenset(range(len(drafts)))
    if hook == "order-select":
        chosen, lost = _selected(context.get("selections"), drafts)
        if lost:
            notices.append(f"{_count(lost, 'selected order')} not among the draft orders and not looked at.")
    patient, entries, more = _prefetched(body.get("prefetch"), patient_id)
    notices += more
    kept = tuple(entry for entry in drafts if _belongs(entry["resource"], patient_id))
    if len(kept) < len(drafts):
        notices.append(f"{_count(len(drafts) - len(kept), 'draft order')} left out: about another patient.")
        places = [index for index, entry in enumerate(drafts) if _belongs(entry["resource"], patient_id)]
        chosen = frozenset(new for new, old in enumerate(places) if old in chosen)
    if len(entries) + len(kept) > MAX_RESOURCES:
        raise HookError(f"the request: holds more than {MAX_RESOURCES} resources.", status=413, code="too-long")
    return HookRequest(hook, instance, patient_id, patient, tuple(entries), kept, chosen, tuple(notices))


# ---------------------------------------------------------------------- fields


def _object(value: object, where: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise HookError(f"{where}: {'is missing' if value is None else 'must be a JSON object'}.", code=_code(value))


def _text(holder: Mapping[str, Any], key: str, where: str) -> str:
    value = holder.get(key)
    if isinstance(value, str) and re.search(NOT_BLANK, value) and len(value) <= _MAX_ID:
        return value
    if isinstance(value, str) and len(value) > _MAX_ID:
        raise HookError(f"{where}: is longer than {_MAX_ID} characters.", code="too-long")
    raise HookError(f"{where}: {'is missing' if value is None else 'must be a text that is not empty'}.", code=_code(value))


def _code(value: object) -> str:
    return "required" if value is None else "structure"


def _uuid(text: str) -> str:
    try:
        return str(UUID(text.removeprefix("urn:uuid:")))
    except ValueError:
        raise HookError("hookInstance: must be a UUID.", code="value") from None


def _count(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"


# ---------------------------------------------------------------------- resources


def _resources(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Bundle entries of a resource: itself, or what a Bundle and the Bundles in it hold, in order."""
    waiting: list[Mapping[str, Any]] = [{"resource": value}]
    while waiting:
        entry = waiting.pop()
        resource = entry["resource"]
        if resource.get("resourceType") != "Bundle":
            yield entry
            continue
        inner = resource.get("entry")
        found: list[Mapping[str, Any]] = []
        for one in inner if isinstance(inner, list) else ():
            if isinstance(one, dict) and isinstance(one.get("resource"), dict):
                url = one.get("fullUrl")
                found.append({"resource": one["resource"]} | ({"fullUrl": url} if isinstance(url, str) else {}))
        waiting += reversed(found)


def _bundle(value: object, where: str) -> list[Mapping[str, Any]]:
    bundle = _object(value, where)
    if bundle.get("resourceType") != "Bundle":
        raise HookError(f"{where}: must be a Bundle.", code="structure")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise HookError(f"{where}.entry: must be a list.", code="structure")
    for index, entry in enumerate(entries):
        if not (isinstance(entry, dict) and isinstance(entry.get("resource"), dict)):
            raise HookError(f"{where}.entry[{index}]: must hold a resource.", code="structure")
    return list(_resources(bundle))


def _selected(value: object, drafts: tuple[Mapping[str, Any], ...]) -> tuple[frozenset[int], int]:
    """Positions of the selected drafts, and how many selections name no draft."""
    if not isinstance(value, list) or not value:
        what = "is missing" if value is None else "must be a list that is not empty"
        raise HookError(f"context.selections: {what}.", code=_code(value))
    if not all(isinstance(one, str) and re.search(NOT_BLANK, one) and len(one) <= _MAX_ID for one in value):
        raise HookError(f"context.selections: must hold texts, not empty, of at most {_MAX_ID} characters.", code="structure")
    places: dict[str, list[int]] = {}
    for index, entry in enumerate(drafts):
        resource = entry["resource"]
        names = {f"{resource.get('resourceType')}/{resource.get('id')}", str(resource.get("id")), str(entry.get("fullUrl"))}
        for name in names:
            places.setdefault(name, []).append(index)
    found: set[int] = set()
    lost = 0
    for one in value:
        named = places.get(_reference(one)) or places.get(one)
        found.update(named or ())
        lost += not named
    return frozenset(found), lost


def _reference(text: str) -> str:
    """``Type/id`` of a reference that may be absolute or name a version.

    Examples:
        >>> _reference("https://ehr.example.org/fhir/MedicationRequest/103/_history/2")
        'MedicationRequest/103'
    """
    parts = text.partition("/_history/")[0].split("/")
    return "/".join(parts[-2:])


def _belongs(resource: Mapping[str, Any], patient_id: str) -> bool:
    """Whether a resource is not plainly about another patient; one that names nobody is taken for the patient's own."""
    for key in ("subject", "patient"):
        about = resource.get(key)
        reference = about.get("reference") if isinstance(about, dict) else None
        if isinstance(reference, str):
            kind, _, found = _reference(reference).partition("/")
            if kind == "Patient" and found and found != patient_id:
                return False
    return True


def _prefetched(value: object, patient_id: str) -> tuple[Mapping[str, Any] | None, list[Mapping[str, Any]], list[str]]:
    """The patient, the bundle entries of the list, and what it lacks."""
    prefetch = _object(value if value is not None else {}, "prefetch")
    known: dict[str, Mapping[str, Any] | None] = {}
    failed: list[str] = []
    for key in PREFETCH:
        if key not in prefetch:
            continue
        one = prefetch[key]
        if one is not None and not (isinstance(one, dict) and isinstance(one.get("resourceType"), str)):
            raise HookError(f"prefetch.{key}: must be a resource, or null where there is none.", code="structure")
        if one is not None and one["resourceType"] == "OperationOutcome":
            failed.append(key)
        else:
            known[key] = one
    if not ("medications" in known or "statements" in known) or "conditions" not in known:
        raise HookError(
            "prefetch: medications (or statements) and conditions are needed; null where the patient has none. "
            "This service does not call the FHIR server.",
            status=412,
            code="required",
        )
    notices = [f"The client could not fetch {key}." for key in failed]
    patient = known.pop("patient", None)
    if patient is not None and (patient["resourceType"] != "Patient" or patient.get("id", patient_id) != patient_id):
        patient = None
        notices.append("The prefetched Patient is not the one of the context; age and sex were left aside.")
    entries: list[Mapping[str, Any]] = []
    others = 0
    for key, one in known.items():
        if one is None:
            continue
        if _has_next(one):
            notices.append(f"The client sent the first page of {key} only.")
        for entry in _resources(one):
            if entry["resource"].get("resourceType") == "OperationOutcome":
                if _is_error(entry["resource"]):
                    notices.append(f"The client could not fetch all {key}.")
            elif _belongs(entry["resource"], patient_id):
                entries.append(entry)
            else:
                others += 1
    if others:
        notices.append(f"{_count(others, 'resource')} left out: about another patient.")
    return patient, entries, list(dict.fromkeys(notices))


def _has_next(resource: Mapping[str, Any]) -> bool:
    links = resource.get("link")
    return (
        resource["resourceType"] == "Bundle"
        and isinstance(links, list)
        and any(isinstance(one, dict) and one.get("relation") == "next" for one in links)
    )


def _is_error(outcome: Mapping[str, Any]) -> bool:
    issues = outcome.get("issue")
    return any(
        isinstance(issue, dict) and issue.get("severity") in ("fatal", "error")
        for issue in (issues if isinstance(issues, list) else ())
    )
