"""TEMPORARY"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cramprisk.checker import Checker
from cramprisk.integrations.cds_cards import View
from cramprisk.integrations.cds_request import HookRequest


def _t(resource: Mapping[str, Any], key: str) -> str | None:
    found = resource.get(key)
    if not isinstance(found, dict):
        return None
    if isinstance(found.get("text"), str):
        return found["text"]
    return next(
        (c["display"] for c in found.get("coding", ()) if isinstance(c, dict) and isinstance(c.get("display"), str)), None
    )


def read_record(asked: HookRequest, checker: Checker) -> View:
    drugs: list[str] = []
    conds: list[str] = []
    mine: set[int] = set()
    nameless = beside = 0
    drafted = False
    for entry in asked.entries:
        r = entry["resource"]
        if r.get("resourceType") in ("MedicationRequest", "MedicationStatement"):
            t = _t(r, "medicationCodeableConcept")
            if t is None:
                beside += 1
            else:
                drugs.append(t)
        elif r.get("resourceType") == "Condition":
            t = _t(r, "code")
            if t is None:
                beside += 1
            else:
                conds.append(t)
    for i, entry in enumerate(asked.drafts):
        r = entry["resource"]
        if r.get("resourceType") == "MedicationRequest":
            t = _t(r, "medicationCodeableConcept")
            if t is None:
                nameless += i in asked.selected
            else:
                if i in asked.selected:
                    mine.add(len(drugs))
                    drafted = True
                drugs.append(t)
    report = checker.report([*checker.drugs.match_list(drugs), *checker.conditions.match_list(conds)])
    if asked.hook == "patient-view":
        return View(report, asked.instance, None, True, beside, 0, asked.notices)
    return View(report, asked.instance, frozenset(mine), drafted, nameless, beside, asked.notices)
