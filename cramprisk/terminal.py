"""What a person reads in a terminal: the report, how an entry was read, what is known about a concept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cramprisk.model import Direction, Kind, Status
from cramprisk.page import Page
from cramprisk.report import DISCLAIMER, citation, describe_unresolved, plain

if TYPE_CHECKING:
    from cramprisk.checker import Checker
    from cramprisk.model import Flag, Match
    from cramprisk.page import Page
from cramprisk.report import Report

__all__ = ["print_concept", "print_match", "print_report"]


def print_report(report: Report) -> None:
    """Write a report to standard output as tables."""
    page = Page()
    page.line(plain(report.summary(), 2000), "bold")
    if report.unresolved:
        page.table(
            "Not understood: look at these first",
            "yellow",
            ("Entry", "Why, and what it may be"),
            [(plain(match.text), plain(describe_unresolved(match), 300)) for match in report.unresolved],
        )
    for title, flags, style in (
        ("Reported with cramps", report.risks, "red"),
        ("Used against cramps", report.relief, "green"),
        ("Other findings", tuple(flag for flag in report.flags if flag.direction is Direction.NEUTRAL), "bold"),
    ):
        if flags:
            page.table(
                title,
                style,
                ("Entry", "Is", "Grade", "Best figure, and its source"),
                [
                    (
                        plain(report.entry_of(flag)),
                        flag.subject.name,
                        flag.grade.value + (" ±" if flag.contested else ""),
                        _evidence_line(flag),
                    )
                    for flag in flags
                ],
            )
    if report.interactions:
        page.line("Together", "bold")
        for found in report.interactions:
            page.line(f"+ {found.interaction.effect} [{found.interaction.source.citation}]", indent=2)
        page.line()
    flagged = {index for flag in report.flags for index in flag.entries}
    known = [
        match
        for index, match in enumerate(report.matches)
        if index not in flagged and match.status is Status.MATCHED and match.complete
    ]
    if known:
        page.line("Known, no association recorded (or not current): " + "; ".join(_known_line(match) for match in known))
        page.line()
    if any(flag.contested for flag in report.flags):
        page.line("± contested: other data show no excess or point the other way. See: cramprisk show NAME")
    page.line("Grades: A controlled or population data, B a rate or borderline, C listed only, D claimed but unsupported.")
    page.line(f"Tables {report.tables_version}. {DISCLAIMER}", "dim")


def _known_line(match: Match) -> str:
    concepts = ", ".join(match.concepts)
    said = plain(match.text, 60)
    qualifier = f", {match.qualifier.value}" if match.qualifier else ""
    return said if said.lower() == concepts and not qualifier else f"{said} ({concepts}{qualifier})"


def _evidence_line(flag: Flag) -> str:
    best = flag.best()
    where = f" (class: {best.subject})" if best.subject != flag.subject.id and "+" not in flag.subject.id else ""
    figure = f"{best.figure()}; " if best.figure() else ""
    timing = f" Timing: {flag.timing.words}." if flag.timing else ""
    caution = timing + "".join(f" Caution: {text}" for text in flag.cautions)
    against = "; ".join(dict.fromkeys(_short(row.source.citation) for row in flag.against[:2]))
    return f"{figure}{best.outcome}{where}. {_short(best.source.citation)}.{f' Against: {against}.' if against else ''}{caution}"


def _short(citation: str) -> str:
    """The beginning of a citation: authors and journal, or the name of the label."""
    return citation.split(";", maxsplit=1)[0].split(":", maxsplit=1)[0].strip()


def print_match(checker: Checker, kind: Kind, match: Match) -> None:
    """Write to standard output how an entry was read: what matched, what did not, and why."""
    page = Page()
    lexicon = checker.matcher(kind).lexicon
    page.line(f"“{plain(match.text)}” read as {kind.value}: {match.status.value}", "bold")
    for mention in match.mentions:
        names = ", ".join(lexicon.concepts[one].name for one in mention.concepts)
        said = f"“{plain(mention.matched_text)}” is {names}: {mention.method.value} “{mention.name}” in {mention.table}"
        said += f", score {mention.score:.1f}"
        if mention.qualifier:
            said += f", {mention.qualifier.value}"
        if mention.route:
            said += f", route {mention.route}"
        page.line(said, indent=2)
        for one in mention.concepts:
            wider = ", ".join(lexicon.concepts[up].name for up in lexicon.ancestors(one) if up in lexicon.concepts)
            if wider:
                page.line(f"{lexicon.concepts[one].name} belongs to: {wider}", indent=4)
    for words in match.not_understood:
        page.line(f"“{plain(words)}” was not understood", indent=2)
    for candidate in match.candidates:
        concepts = ", ".join(candidate.concepts)
        page.line(f"candidate “{candidate.name}” ({concepts}) {candidate.score:.1f}: {candidate.reason}", indent=2)


def print_concept(checker: Checker, kind: Kind, concept: str) -> None:
    """Write to standard output all that is known about a medicine, class or condition."""
    page = Page()
    lexicon = checker.matcher(kind).lexicon
    found = lexicon.concepts[concept]
    page.line(f"{found.name} ({found.kind}, {found.id})", "bold")
    wider = lexicon.ancestors(concept)
    if wider:
        page.line("belongs to: " + ", ".join(lexicon.concepts[one].name for one in wider), indent=2)
    if found.codes:
        page.line("codes: " + ", ".join(f"{system} {code}" for system, code in found.codes), indent=2)
    own, inherited = checker.evidence(kind, concept)
    if not own and not inherited:
        page.line("no association recorded", indent=2)
    for wider_id, row in [("", row) for row in own] + inherited:
        label = f"of the class {lexicon.concepts[wider_id].name}, " if wider_id else ""
        figure = f" {row.figure()};" if row.figure() else ""
        page.line(f"- {label}{row.direction.value}, grade {row.grade.value} ({row.grade.words}):{figure} {row.outcome}", indent=2)
        if row.population:
            page.line(f"in {row.population}", indent=4)
        page.line(citation(row.source), indent=4)
        if row.note:
            page.line(row.note, "italic", indent=4)
