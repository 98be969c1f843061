"""A FHIR report for people: what was not counted and what was amiss, behind the report itself."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from cramprisk.guard import guarded
from cramprisk.report import plain

if TYPE_CHECKING:
    from cramprisk.integrations.fhir import CheckedEntry, FhirReport

__all__ = ["lines", "page_of", "sections", "to_csv", "to_fragment", "to_html"]

_SHOWN = 200


def sections(checked: FhirReport) -> Iterator[tuple[str, list[str]]]:
    """Title and lines of what stands behind the report: entries that do not count, contradictions, what was amiss."""
    out = [f"{_name(one)}: {one.entry.reason} [{_where(one)}]" for one in checked.not_counted]
    if out:
        yield "Read, and not counted", out
    out = [f"{_name(one)}: {said} [{_where(one)}]" for one in checked.entries for said in one.warnings]
    if out:
        yield "Contradictions", out
    out = [f"{warning.path}: {warning.message}" if warning.path else warning.message for warning in checked.warnings]
    if len(out) > _SHOWN:
        out = [*out[:_SHOWN], f"… and {len(out) - _SHOWN} more"]
    if out:
        yield "Amiss in the input", out


def lines(checked: FhirReport, width: int = 100) -> Iterator[str]:
    """The same as lines of a text."""
    for title, out in sections(checked):
        yield ""
        yield title
        for line in out:
            yield from textwrap.wrap(line, width, initial_indent="  - ", subsequent_indent="    ")


def to_html(checked: FhirReport) -> str:
    """The report as a page, with these sections at its end."""
    head, body, tail = checked.report.to_html().rpartition("</main>")
    return f"{head}{_html(checked)}{body}{tail}" if body else tail + _html(checked)


def to_fragment(checked: FhirReport) -> str:
    """The report as a notebook shows it, with these sections behind it."""
    return checked.report._repr_html_() + _html(checked)


def page_of(reports: Sequence[FhirReport]) -> str:
    """The reports about several patients as one page: that of the first, with those of the others behind it."""
    first, *others = reports
    head, main, tail = to_html(first).rpartition("</main>")
    behind = "".join(f"<hr><h1>{escape(plain(one.patient_reference or ''))}</h1>{to_fragment(one)}" for one in others)
    return f"{head}{behind}{main}{tail}"


_COLUMNS = (
    "patient", "resource", "path", "kind", "text", "standing", "reason", "read_as", "concepts", "not_understood", "warnings",
    "subject", "direction", "grade", "contested",
)  # fmt: skip


def to_csv(reports: Iterable[FhirReport]) -> str:
    """One row for each entry and flag that it led to; an entry without a flag has one row too."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for checked in reports:
        for one in checked.entries:
            head = (
                checked.patient_reference or "",
                one.entry.reference or "",
                one.entry.path,
                one.entry.kind.value,
                one.match.text,
                one.entry.standing.value,
                one.entry.reason,
                one.match.status.value,
                "|".join(one.match.concepts),
                "|".join(one.match.not_understood),
                "|".join(one.warnings),
            )
            flags = [flag for flag in checked.report.flags if one.position is not None and one.position in flag.entries]
            tails = [
                (flag.subject.id, flag.direction.value, flag.grade.value, "yes" if flag.contested else "no") for flag in flags
            ]
            for tail in tails or [("", "", "", "")]:
                writer.writerow([guarded(cell) for cell in (*head, *tail)])
    return out.getvalue()


def _html(checked: FhirReport) -> str:
    parts = []
    for title, out in sections(checked):
        listed = "".join(f"<li>{escape(line)}</li>" for line in out)
        parts.append(f'<section class="cramprisk"><h2>{escape(title)}</h2><ul>{listed}</ul></section>\n')
    return "".join(parts)


def _name(one: CheckedEntry) -> str:
    return plain(one.match.text, 120) or "(no name)"


def _where(one: CheckedEntry) -> str:
    return plain(one.entry.reference or one.entry.path, 120)
