"""CDS Hooks requests for measuring and for tests: patients made up from the tables' own names."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

from cramprisk.checker import Checker

FORMS = ("tablet", "tab", "capsule", "mg tab po qd", "oral tablet", "inj", "po bid")


def order(number: int, text: str, *, status: str = "active", patient: str = "7") -> dict[str, Any]:
    """A MedicationRequest with a text."""
    return {
        "resourceType": "MedicationRequest",
        "id": str(number),
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": text},
        "subject": {"reference": f"Patient/{patient}"},
    }


def condition(number: int, text: str, *, patient: str = "7") -> dict[str, Any]:
    """An active Condition with a text."""
    return {
        "resourceType": "Condition",
        "id": f"c{number}",
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "code": {"text": text},
        "subject": {"reference": f"Patient/{patient}"},
    }


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    """A searchset of resources."""
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": resource} for resource in resources]}


def hook_request(
    hook: str,
    medicines: list[str],
    conditions: list[str],
    drafts: list[str] | None = None,
    *,
    selected: list[int] | None = None,
    instance: str = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
) -> dict[str, Any]:
    """A request about a woman of 76 with these medicines and conditions on record, and these draft orders."""
    context: dict[str, Any] = {"userId": "Practitioner/1", "patientId": "7"}
    orders = [order(100 + number, text, status="draft") for number, text in enumerate(drafts or ())]
    if hook != "patient-view":
        context["draftOrders"] = bundle(*orders)
    if hook == "order-select":
        chosen = range(len(orders)) if selected is None else selected
        context["selections"] = [f"MedicationRequest/{100 + number}" for number in chosen]
    return {
        "hook": hook,
        "hookInstance": instance,
        "context": context,
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "7", "gender": "female", "birthDate": "1950-01-01"},
            "medications": bundle(*(order(n, text) for n, text in enumerate(medicines))) if medicines else None,
            "conditions": bundle(*(condition(n, text) for n, text in enumerate(conditions))) if conditions else None,
        },
    }


def patients(checker: Checker, count: int, *, size: int = 30, seed: int = 1, fresh: bool = False) -> list[dict[str, Any]]:
    """Requests about patients with `size` medicines and as many conditions, names drawn from the tables.

    Args:
        checker: Whose tables.
        count: Requests.
        size: Medicines, and conditions, of each.
        seed: Equal seeds give equal requests.
        fresh: Every text its own, so that nothing remembered helps; else strengths repeat as they do on real lists.
    """
    chance = random.Random(seed)
    drugs = [row["name"] for row in checker.tables.rows("drugs.csv")]
    names = [row["name"] for row in checker.tables.rows("conditions.csv")]
    # A few hundred medicines are most of all prescriptions; the rest are seldom.
    common, known = chance.sample(drugs, 300), chance.sample(names, 300)
    made = []
    for number in range(count):
        medicines = [
            f"{chance.choice(common if chance.random() < 0.8 else drugs)} {chance.choice((5, 10, 20, 25, 40, 500))} "
            f"{FORMS[chance.randrange(2)] if not fresh else f'{chance.choice(FORMS)} x{number}{index}'}"
            for index in range(size)
        ]
        conditions = [
            chance.choice(known if chance.random() < 0.8 else names) + (f" since {1900 + index} n{number}" if fresh else "")
            for index in range(size)
        ]
        hook = ("patient-view", "order-sign", "order-select")[number % 3]
        drafts = None if hook == "patient-view" else [medicines.pop()]
        made.append(hook_request(hook, medicines, conditions, drafts, instance=str(UUID(int=chance.getrandbits(128), version=4))))
    return made
