"""Which medicines and conditions on a real list are associated with muscle and nocturnal leg cramps.

>>> from cramprisk import check
>>> report = check(["furosimide 40mg", "Ventolin HFA"], ["T2DM"])
>>> [flag.subject.id for flag in report.risks]
['furosemide', 'salbutamol', 'type-2-diabetes']

Importing this package reads no file and loads no other package; the tables are read at the first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cramprisk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from cramprisk.checker import Checker, load_tables
    from cramprisk.context import Medicine
    from cramprisk.errors import CrampRiskError, InputError, MissingExtraError, TableError, VocabularyError
    from cramprisk.frames import annotate, findings, lookup_table, summarise
    from cramprisk.integrations.fhir import check_fhir
    from cramprisk.model import Flag, Kind, Match, Status
    from cramprisk.report import Report

__all__ = [
    "Checker",
    "CrampRiskError",
    "Flag",
    "InputError",
    "Kind",
    "Match",
    "Medicine",
    "MissingExtraError",
    "Report",
    "Status",
    "TableError",
    "VocabularyError",
    "__version__",
    "annotate",
    "check",
    "check_fhir",
    "findings",
    "load_tables",
    "lookup_table",
    "normalize",
    "summarise",
]

_HOME = {
    "Checker": "checker",
    "load_tables": "checker",
    "CrampRiskError": "errors",
    "InputError": "errors",
    "MissingExtraError": "errors",
    "TableError": "errors",
    "VocabularyError": "errors",
    "Flag": "model",
    "Kind": "model",
    "Match": "model",
    "Status": "model",
    "Report": "report",
    "Medicine": "context",
    "check_fhir": "integrations.fhir",
    "annotate": "frames",
    "findings": "frames",
    "lookup_table": "frames",
    "summarise": "frames",
}


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'cramprisk' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"cramprisk.{module}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def check(
    drugs: str | Iterable[str | Medicine | None] = (),
    conditions: str | Iterable[str | None] = (),
    *,
    age: float | None = None,
    sex: str | None = None,
    pregnant_weeks: float | None = None,
    cramps_since: date | str | None = None,
) -> Report:
    """Which entries of a list are associated with cramps, or with their relief, and which were not understood.

    Args:
        drugs: Medicines as written: a list of entries, or one text that is split into entries.
        conditions: Conditions, likewise.
        age: In years. From 60 on it is a risk factor of its own.
        sex: ``female``, ``male``, ``other`` or ``unknown``.
        pregnant_weeks: Completed weeks. From the second trimester on pregnancy is flagged.
        cramps_since: The day the cramps began. With the days of a ``Medicine`` it says beside a flag whether the
            medicine was begun before.

    Returns:
        A report. "Nothing flagged" says nothing while ``report.complete`` is False.

    Raises:
        InputError: An entry is not a text, or a value about the person is impossible; the message says where.

    Examples:
        >>> report = check("hctz, lipitor 20; salbutamol")
        >>> [(flag.subject.name, flag.grade.value) for flag in report.risks]
        [('hydrochlorothiazide', 'A'), ('atorvastatin', 'A'), ('salbutamol', 'B')]
    """
    from cramprisk.checker import Checker

    return Checker.default().check(drugs, conditions, age=age, sex=sex, pregnant_weeks=pregnant_weeks, cramps_since=cramps_since)


def normalize(text: str | None, kind: Kind | str = "drug") -> Match:
    """What one entry says.

    Args:
        text: The entry as written; None reads as empty.
        kind: ``drug`` or ``condition``.

    Returns:
        A match, whose status is ``unrecognised`` or ``ambiguous`` where nothing was decided.

    Raises:
        InputError: `text` is not a text, or `kind` is not a kind.

    Examples:
        >>> normalize("lisinopril-hctz").concepts
        ('hydrochlorothiazide', 'lisinopril')
        >>> normalize("prednisone 5 mg od").concepts
        ('prednisone',)
    """
    from cramprisk.checker import Checker

    return Checker.default().normalize(text, kind)
