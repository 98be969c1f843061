"""FHIR out: a DetectedIssue for each finding, an OperationOutcome for what was not understood, in R4 (and R4B) or R5.

Plain dictionaries of JSON types, without a FHIR library. They hold no advice and no score; ``docs/fhir.md`` says how
evidence becomes a severity.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any, Literal

from cramprisk._version import __version__
from cramprisk.errors import InputError
from cramprisk.integrations.fhir import CheckedEntry, FhirReport
from cramprisk.model import Association, Direction, Flag, FoundInteraction, Grade, Kind, Source, Status
from cramprisk.report import DISCLAIMER, citation, plain

__all__ = ["RELEASES", "Release", "detected_issues", "findings_bundle", "operation_outcome"]

Release = Literal["R4", "R4B", "R5"]
RELEASES = ("R4", "R4B", "R5")
Resource = dict[str, Any]

_REFERENCE = re.compile(r"(?:https?://[^\s\"'<>\\]+|urn:(?:uuid|oid):[0-9A-Za-z.-]+|[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64})")
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_AUTHOR = f"cramprisk {__version__}"
_WIDEST = 400


def detected_issues(checked: FhirReport, *, release: Release = "R4", identified: datetime | None = None) -> list[Resource]:
    """A DetectedIssue for each finding that a prescriber should look at.

    These are the medicines and conditions that are reported with cramps, the remedies that an authority advises against,
    and the pairs that matter together. A finding that rests on age or sex alone implicates no resource and has none.

    Args:
        checked: From :func:`~cramprisk.integrations.fhir.check_fhir`.
        release: Of FHIR; R4 and R4B are alike here.
        identified: When it was found, with its time zone; left out if None.

    Raises:
        InputError: `release` is another, or `identified` has no time zone.

    Examples:
        >>> from cramprisk import check_fhir
        >>> request = {"resourceType": "MedicationRequest", "id": "7", "status": "active",
        ...            "medicationCodeableConcept": {"text": "furosemide 40 mg"}}
        >>> issue = detected_issues(check_fhir(request, on="2026-11-21"))[0]
        >>> issue["severity"], issue["implicated"][0]["reference"]
        ('moderate', 'MedicationRequest/7')
    """
    _known(release)
    if identified is not None and identified.tzinfo is None:
        raise InputError("identified: has no time zone. FHIR wants one with every time.")
    report = checked.report
    issues = [_of_flag(flag, checked) for flag in report.flags if _is_issue(flag) and flag.entries]
    issues += [_of_interaction(found, checked) for found in report.interactions if found.entries]
    for issue in issues:
        if identified is not None:
            issue["identifiedDateTime"] = identified.isoformat(timespec="seconds")
        subject = _subject(checked)
        if subject:
            issue["subject" if release == "R5" else "patient"] = subject
    return issues


def operation_outcome(checked: FhirReport, *, release: Release = "R4") -> Resource:
    """What was not understood and what was amiss, as an OperationOutcome; one issue of information if there is nothing.

    It names places of the input and names of the tables, never a text of the record, since outcomes end in logs.

    Raises:
        InputError: `release` is none of FHIR's that are spoken here.

    Examples:
        >>> from cramprisk import check_fhir
        >>> statement = {"resourceType": "MedicationStatement", "status": "active",
        ...              "medicationCodeableConcept": {"text": "xyzzy"}}
        >>> issue = operation_outcome(check_fhir(statement, on="2026-11-21"))["issue"][0]
        >>> issue["severity"], issue["code"], issue["expression"]
        ('warning', 'code-invalid', ['MedicationStatement'])
    """
    _known(release)
    issues = [_not_understood(one) for one in checked.unresolved]
    issues += [
        _issue("warning", "business-rule", f"{said[:1].upper()}{said[1:]}.", one.entry.path)
        for one in checked.entries
        for said in one.warnings
    ]
    issues += [
        _issue("information", "structure", plain(f"{one.path} {one.message}".strip(), _WIDEST), one.path)
        for one in checked.warnings
    ]
    return {
        "resourceType": "OperationOutcome",
        "issue": issues or [_issue("information", "informational", "All entries were understood.", "")],
    }


def findings_bundle(checked: FhirReport, *, release: Release = "R4", identified: datetime | None = None) -> Resource:
    """The detected issues and the outcome in one Bundle of the type ``collection``.

    Its ``fullUrl`` values follow from the content, so that equal findings give an equal Bundle.
    """
    resources = [*detected_issues(checked, release=release, identified=identified), operation_outcome(checked, release=release)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'{number} {resource!r}')}", "resource": resource}
            for number, resource in enumerate(resources)
        ],
    }


# ---------------------------------------------------------------------- parts


def _known(release: str) -> None:
    if release not in RELEASES:
        raise InputError('release: must be "R4", "R4B" or "R5".')


def _is_issue(flag: Flag) -> bool:
    return flag.direction is Direction.INCREASES or (flag.direction is Direction.RELIEVES and flag.grade is Grade.AVOID)


def _severity(flag: Flag) -> str:
    """Never high: cramps do not threaten life. Low where the evidence is thin or the entry uncertain."""
    return "moderate" if flag.grade in (Grade.A, Grade.B, Grade.AVOID) and not flag.uncertain else "low"


def _of_flag(flag: Flag, checked: FhirReport) -> Resource:
    kind = "Condition" if flag.subject.kind == "condition" else "Medicine"
    title = (
        f"{kind} reported with muscle cramps"
        if flag.direction is Direction.INCREASES
        else "Medicine against cramps that an authority advises against"
    )
    best = flag.best()
    figure = f"{best.figure()}; " if best.figure() else ""
    sentences = [
        f"{flag.subject.name}: {title[:1].lower()}{title[1:]}.",
        f"Grade {flag.grade.value}: {flag.grade.words}{', contested' if flag.contested else ''}.",
        f"{figure}{best.outcome}.",
        *(f"Timing: {flag.timing.words}." for _ in (1,) if flag.timing),
        *flag.cautions,
        "It may contribute; review with the prescriber.",
    ]
    shown = sorted(flag.evidence, key=lambda row: row is not best)
    return _detected(
        f"{title}: {flag.subject.name}",
        {},
        _severity(flag),
        sentences=sentences,
        entries=_entries(flag.entries, checked),
        evidence=[*(_evidence(row, "") for row in shown), *(_evidence(row, "Against: ") for row in flag.against)],
        source=best.source,
    )


def _of_interaction(found: FoundInteraction, checked: FhirReport) -> Resource:
    interaction = found.interaction
    entries = _entries(found.entries, checked)
    # "Drug interaction alert" is about two medicines; many pairs here are a medicine and a condition.
    medicines = len({one.entry.path for one in entries if one.entry.kind is Kind.DRUG}) > 1
    code = {"coding": [{"system": _ACT_CODE, "code": "DRG", "display": "Drug Interaction Alert"}]} if medicines else {}
    evidence = {"code": [{"text": plain(interaction.effect, _WIDEST)}], "detail": [_source(interaction.source)]}
    sentences = [
        f"{interaction.effect.rstrip('.')}.",
        *([interaction.note] if interaction.note else []),
        "Review with the prescriber.",
    ]
    return _detected(
        "Pair that matters for muscle cramps",
        code,
        "moderate",
        sentences=sentences,
        entries=entries,
        evidence=[evidence],
        source=interaction.source,
    )


def _detected(
    title: str,
    code: Resource,
    severity: str,
    *,
    sentences: Sequence[str],
    entries: Sequence[CheckedEntry],
    evidence: Sequence[Resource],
    source: Source,
) -> Resource:
    detail = " ".join(sentences)
    issue: Resource = {
        "resourceType": "DetectedIssue",
        "text": {"status": "generated", "div": _narrative(title, [*sentences, DISCLAIMER], entries)},
        # Found by a program, seen by nobody yet.
        "status": "preliminary",
        "code": {**code, "text": title},
        "severity": severity,
        "author": {"display": _AUTHOR},
        "implicated": [_implicated(one) for one in entries],
        "evidence": list(evidence),
        "detail": detail,
    }
    address = _address(source)
    if address:
        issue["reference"] = address
    return issue


def _entries(positions: Iterable[int], checked: FhirReport) -> list[CheckedEntry]:
    wanted = set(positions)
    return [one for one in checked.entries if one.position in wanted]


def _implicated(one: CheckedEntry) -> Resource:
    reference = one.entry.reference or ""
    made: Resource = {"reference": reference} if _REFERENCE.fullmatch(reference) else {}
    return {**made, "display": plain(one.match.text) or one.entry.resource_type}


def _subject(checked: FhirReport) -> Resource:
    reference = checked.patient_reference or ""
    return {"reference": reference} if _REFERENCE.fullmatch(reference) else {}


def _evidence(row: Association, before: str) -> Resource:
    figure = f"{row.figure()}; " if row.figure() else ""
    return {
        "code": [{"text": plain(f"{before}Grade {row.grade.value}. {figure}{row.outcome}", _WIDEST)}],
        "detail": [_source(row.source)],
    }


def _source(source: Source) -> Resource:
    address = _address(source)
    made: Resource = {"identifier": {"system": "urn:ietf:rfc:3986", "value": address}} if address else {}
    return {**made, "display": plain(citation(source), _WIDEST)}


def _address(source: Source) -> str:
    if source.doi:
        return f"https://doi.org/{source.doi}"
    return f"https://pubmed.ncbi.nlm.nih.gov/{source.pmid}/" if source.pmid else ""


def _narrative(title: str, sentences: Sequence[str], entries: Sequence[CheckedEntry]) -> str:
    listed = "".join(f"<li>{escape(plain(one.match.text) or one.entry.resource_type)}</li>" for one in entries)
    said = "".join(f"<p>{escape(plain(sentence, 2000))}</p>" for sentence in sentences)
    return f'<div xmlns="http://www.w3.org/1999/xhtml"><p><b>{escape(title)}</b></p><ul>{listed}</ul>{said}</div>'


def _not_understood(one: CheckedEntry) -> Resource:
    options = ", ".join(dict.fromkeys(candidate.name for candidate in one.match.candidates))
    kind = "medicine" if one.match.kind is Kind.DRUG else "condition"
    if one.match.status is Status.AMBIGUOUS:
        said, code = f"The {kind} has several possible meanings", "multiple-matches"
    elif one.match.status is Status.MATCHED:
        said, code = f"The {kind} was understood in part", "code-invalid"
    else:
        said, code = f"No {kind} is known by this name or code", "code-invalid"
    what = f"{said}{f'; perhaps {options}' if options else ''}. Nothing follows from its absence among the findings."
    return _issue("warning", code, what, one.entry.path)


def _issue(severity: str, code: str, diagnostics: str, path: str) -> Resource:
    issue: Resource = {"severity": severity, "code": code, "diagnostics": diagnostics}
    if path:
        issue["expression"] = [path]
    return issue
