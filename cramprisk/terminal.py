"""What a person reads in a terminal: the report, how an entry was read, what is known about a concept."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from cramprisk.model import Direction, Kind, Status
from cramprisk.report import DISCLAIMER, citation, describe_unresolved, plain

if TYPE_CHECKING:
    from cramprisk.checker import Checker
    from cramprisk.model import Flag, Match
    from cramprisk.report import Report

__all__ = ["print_concept", "print_match", "print_report"]

_DEFAULT_WIDTH = 100


def _console() -> Any:
    from rich.console import Console

    stream = sys.stdout
    columns = os.environ.get("COLUMNS", "")
    width = None if stream.isatty() else int(columns) if columns.isdigit() and int(columns) > 20 else _DEFAULT_WIDTH
    plain = True if os.environ.get("NO_COLOR") else None
    return Console(
        file=stream,
        width=width,
        force_terminal=False if plain else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def print_report(report: Report) -> None:
    """Write a report to standard output as tables."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = _console()
    console.print(Text(plain(report.summary(), 2000), style="bold"))
    if report.unresolved:
        table = Table(
            title="Not understood: look at these first", title_justify="left", box=box.SIMPLE, title_style="bold yellow"
        )
        table.add_column("Entry", overflow="fold", ratio=2)
        table.add_column("Why, and what it may be", overflow="fold", ratio=3)
        for match in report.unresolved:
            table.add_row(Text(plain(match.text)), Text(plain(describe_unresolved(match), 300)))
        console.print(table)
    for title, flags, style in (
        ("Reported with cramps", report.risks, "bold red"),
        ("Used against cramps", report.relief, "bold green"),
        ("Other findings", tuple(flag for flag in report.flags if flag.direction is Direction.NEUTRAL), "bold"),
    ):
        if not flags:
            continue
        table = Table(title=title, title_justify="left", box=box.SIMPLE, title_style=style)
        table.add_column("Entry", overflow="fold", ratio=4)
        table.add_column("Is", overflow="fold", ratio=4)
        table.add_column("Grade", no_wrap=True)
        table.add_column("Best figure, and its source", overflow="fold", ratio=9)
        for flag in flags:
            table.add_row(
                Text(plain(report.entry_of(flag))),
                Text(flag.subject.name),
                Text(flag.grade.value + (" ±" if flag.contested else "")),
                Text(_evidence_line(flag)),
            )
        console.print(table)
    if report.interactions:
        console.print(Text("Together", style="bold"))
        for found in report.interactions:
            console.print(Text(f"  + {found.interaction.effect} [{found.interaction.source.citation}]"))
        console.print()
    flagged = {index for flag in report.flags for index in flag.entries}
    known = [
        match
        for index, match in enumerate(report.matches)
        if index not in flagged and match.status is Status.MATCHED and match.complete
    ]
    if known:
        console.print(
            Text("Known, no association recorded (or not current): ", style="bold")
            + Text("; ".join(_known_line(m) for m in known))
        )
        console.print()
    if any(flag.contested for flag in report.flags):
        console.print(Text("± contested: other data show no excess or point the other way. See: cramprisk show NAME"))
    console.print(
        Text("Grades: A controlled or population data, B a rate or borderline, C listed only, D claimed but unsupported.")
    )
    console.print(Text(f"Tables {report.tables_version}. {DISCLAIMER}", style="dim"))


def _known_line(match: Match) -> str:
    concepts = ", ".join(match.concepts)
    said = plain(match.text, 60)
    qualifier = f", {match.qualifier.value}" if match.qualifier else ""
    return said if said.lower() == concepts and not qualifier else f"{said} ({concepts}{qualifier})"


def _evidence_line(flag: Flag) -> str:
    best = flag.best()
    where = f" (class: {best.subject})" if best.subject != flag.subject.id and "+" not in flag.subject.id else ""
    figure = f"{best.figure()}; " if best.figure() else ""
    caution = "".join(f" Caution: {text}" for text in flag.cautions)
    against = "; ".join(dict.fromkeys(_short(row.source.citation) for row in flag.against[:2]))
    return f"{figure}{best.outcome}{where}. {_short(best.source.citation)}.{f' Against: {against}.' if against else ''}{caution}"


def _short(citation: str) -> str:
    """The beginning of a citation: authors and journal, or the name of the label."""
    return citation.split(";", maxsplit=1)[0].split(":", maxsplit=1)[0].strip()


def print_match(checker: Checker, kind: Kind, match: Match) -> None:
    """Write to standard output how an entry was read: what matched, what did not, and why."""
    from rich.text import Text

    console = _console()
    lexicon = checker.matcher(kind).lexicon
    console.print(Text(f"“{plain(match.text)}” read as {kind.value}: ") + Text(match.status.value, style="bold"))
    for mention in match.mentions:
        names = ", ".join(lexicon.concepts[one].name for one in mention.concepts)
        said = f"  “{plain(mention.matched_text)}” is {names}: {mention.method.value} “{mention.name}” in {mention.table}"
        said += f", score {mention.score:.1f}"
        if mention.qualifier:
            said += f", {mention.qualifier.value}"
        if mention.route:
            said += f", route {mention.route}"
        console.print(Text(said))
        for one in mention.concepts:
            wider = ", ".join(lexicon.concepts[up].name for up in lexicon.ancestors(one) if up in lexicon.concepts)
            if wider:
                console.print(Text(f"    {lexicon.concepts[one].name} belongs to: {wider}"))
    for words in match.not_understood:
        console.print(Text(f"  “{plain(words)}” was not understood"))
    for candidate in match.candidates:
        console.print(
            Text(f"  candidate “{candidate.name}” ({', '.join(candidate.concepts)}) {candidate.score:.1f}: {candidate.reason}")
        )


def print_concept(checker: Checker, kind: Kind, concept: str) -> None:
    """Write to standard output all that is known about a medicine, class or condition."""
    from rich.padding import Padding
    from rich.text import Text

    console = _console()
    lexicon = checker.matcher(kind).lexicon
    found = lexicon.concepts[concept]
    console.print(Text(f"{found.name} ({found.kind}, {found.id})", style="bold"))
    wider = lexicon.ancestors(concept)
    if wider:
        console.print(Text("  belongs to: " + ", ".join(lexicon.concepts[one].name for one in wider)))
    if found.codes:
        console.print(Text("  codes: " + ", ".join(f"{system} {code}" for system, code in found.codes)))
    own, inherited = checker.evidence(kind, concept)
    if not own and not inherited:
        console.print(Text("  no association recorded"))
    for wider_id, row in [("", row) for row in own] + inherited:
        label = f"of the class {lexicon.concepts[wider_id].name}, " if wider_id else ""
        figure = f" {row.figure()};" if row.figure() else ""
        console.print(
            Padding(
                Text(f"- {label}{row.direction.value}, grade {row.grade.value} ({row.grade.words}):{figure} {row.outcome}"),
                (0, 0, 0, 2),
            )
        )
        if row.population:
            console.print(Padding(Text(f"in {row.population}"), (0, 0, 0, 4)))
        console.print(Padding(Text(citation(row.source)), (0, 0, 0, 4)))
        if row.note:
            console.print(Padding(Text(row.note, style="italic"), (0, 0, 0, 4)))
