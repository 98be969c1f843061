"""From a CDS Hooks request to the report that its cards speak of: the record and the drafts, read as one list."""

from __future__ import annotations

import re

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.integrations.cds_cards import View
from cramprisk.integrations.cds_request import HookRequest
from cramprisk.integrations.fhir import COUNTED, FhirReport, check_fhir
from cramprisk.integrations.fhir_status import Standing
from cramprisk.model import Kind

__all__ = ["read_record"]

# Drafts are asked about before they hold. A stopped or cancelled order that is signed again does not count even so.
_WITH_DRAFTS = COUNTED | {Standing.PLANNED}
_PLACE = re.compile(r"Bundle\.entry\[([0-9]+)\]")


def read_record(asked: HookRequest, checker: Checker) -> View:
    """What is to be spoken about, and what stands beside it.

    Args:
        asked: The request.
        checker: Reads the entries.
    """
    # An order that is revised is a draft and on record at once; the draft is what it shall be.
    drafted = {_name(entry) for entry in asked.drafts} - {None}
    record = [entry for entry in asked.entries if _name(entry) not in drafted]
    patient = [{"resource": asked.patient}] if asked.patient is not None else []
    entries = [*patient, *record, *asked.drafts]
    checked = _checked({"resourceType": "Bundle", "type": "collection", "entry": entries}, asked, checker)
    notices = list(asked.notices)
    strangers = sum(one.entry.standing is Standing.OTHER_PATIENT for one in checked.entries)
    if strangers:
        notices.append(f"{strangers} of the resources say another patient than the others and were left out.")
    if asked.hook == "patient-view":
        return View(checked.report, asked.instance, None, tuple(notices))
    first = len(patient) + len(record)
    chosen = {first + index for index in asked.selected}
    spoken_of = frozenset(
        one.position
        for one in checked.entries
        if one.position is not None and one.entry.kind is Kind.DRUG and _place(one.entry.path) in chosen
    )
    return View(checked.report, asked.instance, spoken_of, tuple(notices))


def _checked(bundle: dict[str, object], asked: HookRequest, checker: Checker) -> FhirReport:
    counted = COUNTED if asked.hook == "patient-view" else _WITH_DRAFTS
    try:
        return check_fhir(bundle, checker=checker, counted=counted, patient=asked.patient_id)
    except InputError:
        # No resource says so plainly whose it is; they came as this patient's.
        return check_fhir(bundle, checker=checker, counted=counted)


def _name(entry: object) -> str | None:
    resource = entry["resource"] if isinstance(entry, dict) else {}
    kind, id_ = resource.get("resourceType"), resource.get("id")
    return f"{kind}/{id_}" if isinstance(kind, str) and isinstance(id_, str) and id_ else None


def _place(path: str) -> int:
    found = _PLACE.match(path)
    return int(found[1]) if found else -1
