"""Other systems' formats: FHIR in and out, CDS Hooks. Nothing is loaded before a name is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cramprisk.integrations.fhir import COUNTED, CheckedEntry, FhirReport, check_fhir, check_fhir_each
    from cramprisk.integrations.fhir_entries import FhirEntry
    from cramprisk.integrations.fhir_status import Standing
    from cramprisk.integrations.fhir_write import detected_issues, findings_bundle, operation_outcome

__all__ = [
    "COUNTED",
    "CheckedEntry",
    "FhirEntry",
    "FhirReport",
    "Standing",
    "check_fhir",
    "check_fhir_each",
    "detected_issues",
    "findings_bundle",
    "operation_outcome",
]

_HOME = {
    "COUNTED": "fhir",
    "CheckedEntry": "fhir",
    "FhirReport": "fhir",
    "check_fhir": "fhir",
    "check_fhir_each": "fhir",
    "FhirEntry": "fhir_entries",
    "Standing": "fhir_status",
    "detected_issues": "fhir_write",
    "findings_bundle": "fhir_write",
    "operation_outcome": "fhir_write",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'cramprisk.integrations' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"cramprisk.integrations.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
