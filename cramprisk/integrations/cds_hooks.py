"""CDS Hooks 2.0.1 without a framework: a request in, cards out; any server can carry it.

    from cramprisk.integrations.cds_hooks import discovery, handle, HookError

    discovery()        # what GET {base}/cds-services answers
    handle(request)    # what POST {base}/cds-services/{id} answers; HookError carries the HTTP status

Three services, one for each hook: ``patient-view`` speaks about all that is on record, ``order-select`` about the
selected draft orders, ``order-sign`` about all draft orders. The rest of the record is read beside the drafts, for what
matters together. The FHIR server is never called; what is not prefetched and needed is asked for with a 412.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cramprisk.integrations.cds_cards import OVERRIDE_REASONS, View, cards_of
from cramprisk.integrations.cds_request import NOT_BLANK, PREFETCH, HookError, HookRequest, read_request

if TYPE_CHECKING:
    from cramprisk.checker import Checker

__all__ = ["SERVICES", "Answer", "HookError", "answer", "discovery", "handle", "read_feedback"]

SERVICES: Mapping[str, str] = {
    "cramprisk-patient-view": "patient-view",
    "cramprisk-order-select": "order-select",
    "cramprisk-order-sign": "order-sign",
}
"""The hook of each service, by its id."""

_TITLES = {
    "patient-view": "Muscle cramps: medicines and conditions",
    "order-select": "Muscle cramps: selected orders",
    "order-sign": "Muscle cramps: orders to be signed",
}
_DESCRIPTIONS = {
    "patient-view": "Says which medicines and conditions on record are associated with muscle and nocturnal leg cramps, how "
    "good the evidence is and where it comes from, and which entries were not understood.",
    "order-select": "Says whether the selected draft orders are associated with muscle and nocturnal leg cramps, alone or "
    "together with what is on record, with the evidence, and which were not understood.",
    "order-sign": "Says whether the draft orders are associated with muscle and nocturnal leg cramps, alone or together with "
    "what is on record, with the evidence, and which were not understood.",
}
_REQUIREMENTS = (
    "Needs the prefetch keys medications (or statements) and conditions, null where the patient has none; answers 412 without "
    "them. Does not call the FHIR server. Orders and statements should name their medicine, not only refer to it."
)
_MOST_FEEDBACK = 1_000
_OUTCOMES = ("accepted", "overridden")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with what a log may say about it.

    Attributes:
        cards: The cards.
        entries: How many entries were read.
        unread: How many of them were not understood.
    """

    cards: tuple[Mapping[str, Any], ...]
    entries: int
    unread: int

    def to_dict(self) -> dict[str, Any]:
        """The body of the response."""
        return {"cards": [dict(card) for card in self.cards]}


def discovery() -> dict[str, Any]:
    """The answer of the discovery endpoint.

    Examples:
        >>> [service["id"] for service in discovery()["services"]]
        ['cramprisk-patient-view', 'cramprisk-order-select', 'cramprisk-order-sign']
    """
    return {
        "services": [
            {
                "hook": hook,
                "title": _TITLES[hook],
                "description": _DESCRIPTIONS[hook],
                "id": id_,
                "prefetch": dict(PREFETCH),
                "usageRequirements": _REQUIREMENTS,
            }
            for id_, hook in SERVICES.items()
        ]
    }


def handle(request: dict[str, Any], *, checker: Checker | None = None, source_url: str | None = None) -> dict[str, Any]:
    """The response to a CDS Hooks request.

    Args:
        request: The JSON object of the body.
        checker: Reads the entries; that over the tables of the package if None.
        source_url: An address about the service, for the source of every card.

    Returns:
        The response: ``cards``, empty only if every entry was understood and there is nothing to say.

    Raises:
        HookError: The request cannot be answered; its ``status`` is that of the HTTP response, 412 where needed
            prefetch data is missing, and its ``to_dict()`` a body for it. It holds no value of the request.

    Examples:
        >>> order = {"resourceType": "MedicationRequest", "id": "1", "status": "draft", "intent": "order",
        ...          "medicationCodeableConcept": {"text": "HCTZ 25 mg"}}
        >>> request = {
        ...     "hook": "order-sign",
        ...     "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        ...     "context": {"userId": "Practitioner/1", "patientId": "7",
        ...                 "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order}]}},
        ...     "prefetch": {"medications": None, "conditions": None},
        ... }
        >>> [(card["indicator"], card["summary"]) for card in handle(request)["cards"]]
        [('info', 'Draft: hydrochlorothiazide (grade A, contested) is reported with muscle cramps.')]
    """
    return answer(request, checker=checker, source_url=source_url).to_dict()


def answer(request: object, *, checker: Checker | None = None, source_url: str | None = None) -> Answer:
    """The same as :func:`handle`, with counts.

    Raises:
        HookError: The request cannot be answered.
    """
    asked = read_request(request)
    if checker is None:
        from cramprisk.checker import Checker

        checker = Checker.default()
    try:
        view = _view(asked, checker)
    except RecursionError:
        raise HookError("the request: is nested too deep.", code="structure") from None
    cards = cards_of(view, source_url=source_url)
    return Answer(tuple(cards), len(view.report.matches), len(view.report.unresolved))


def read_feedback(request: object) -> dict[str, dict[str, int]]:
    """How often each outcome, and each override reason of this service, is in the feedback of a client.

    Nothing else of it is kept: comments may hold anything.

    Args:
        request: The JSON object of the body.

    Raises:
        HookError: It is no feedback.

    Examples:
        >>> one = {"card": "f6b95768-b1c8-40dc-8385-bf3504b82ffb", "outcome": "overridden",
        ...        "overrideReason": {"reason": {"code": "tolerated", "system": "urn:cramprisk:override-reason"}},
        ...        "outcomeTimestamp": "2026-11-20T10:00:00Z"}
        >>> read_feedback({"feedback": [one]})
        {'outcomes': {'overridden': 1}, 'reasons': {'tolerated': 1}}
    """
    given = request.get("feedback") if isinstance(request, dict) else None
    if not isinstance(given, list) or not given:
        raise HookError("feedback: must be a list that is not empty.", code="required" if given is None else "structure")
    if len(given) > _MOST_FEEDBACK:
        raise HookError(f"feedback: holds more than {_MOST_FEEDBACK}.", status=413, code="too-long")
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for index, one in enumerate(given):
        where = f"feedback[{index}]"
        if not isinstance(one, dict):
            raise HookError(f"{where}: must be a JSON object.", code="structure")
        for key in ("card", "outcome", "outcomeTimestamp"):
            value = one.get(key)
            if not _is_text(value):
                raise HookError(f"{where}.{key}: is missing or no text.", code="required")
        if one["outcome"] not in _OUTCOMES:
            raise HookError(f"{where}.outcome: must be accepted or overridden.", code="value")
        outcomes[one["outcome"]] += 1
        code = _reason(one, where)
        if code in OVERRIDE_REASONS:
            reasons[code] += 1
    return {"outcomes": dict(outcomes), "reasons": dict(reasons)}


def _reason(one: Mapping[str, Any], where: str) -> str | None:
    """The code of the override reason in one feedback, if it has one."""
    accepted = one.get("acceptedSuggestions", [])
    if not isinstance(accepted, list) or not all(isinstance(each, dict) and _is_text(each.get("id")) for each in accepted):
        raise HookError(f"{where}.acceptedSuggestions: must be a list of objects with an id.", code="structure")
    given = one.get("overrideReason", {})
    if not isinstance(given, dict) or not isinstance(given.get("userComment", ""), str):
        raise HookError(f"{where}.overrideReason: must be a JSON object, with userComment as a text.", code="structure")
    if "reason" not in given:
        return None
    coding = given["reason"]
    if not (
        isinstance(coding, dict)
        and all(isinstance(coding.get(key), str) for key in ("system", "code"))
        and isinstance(coding.get("display", ""), str)
    ):
        raise HookError(f"{where}.overrideReason.reason: must be a Coding with system and code.", code="structure")
    return str(coding["code"])


def _is_text(value: object) -> bool:
    return isinstance(value, str) and re.search(NOT_BLANK, value) is not None


def _view(asked: HookRequest, checker: Checker) -> View:
    from cramprisk.integrations.cds_reading import read_record

    return read_record(asked, checker)
