"""The report: what was found, how sure it is, and what was not understood — as values, text, JSON and HTML."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from cramprisk.context import Context
from cramprisk.model import Direction, Flag, FoundInteraction, Kind, Match, Status

__all__ = ["DISCLAIMER", "Report"]

DISCLAIMER = (
    "Information for health professionals, not a medical device and not advice. An association is not a cause. "
    "Changes of treatment belong to the prescriber."
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a list of medicines and conditions says about cramps.

    Attributes:
        flags: Medicines and conditions with evidence: those that raise cramps first, strongest grade first, then
            those used against cramps, then neutral findings (differentials, no excess found).
        interactions: Pairs on the list that matter together.
        matches: One per entry, in the order given, medicines before conditions.
        tables_version: Version of the tables.
        tables_digest: SHA-256 of the tables, in hex.
        context: What was said about the person.
    """

    flags: tuple[Flag, ...]
    interactions: tuple[FoundInteraction, ...]
    matches: tuple[Match, ...]
    tables_version: str
    tables_digest: str
    context: Context = field(default_factory=Context)

    @property
    def unresolved(self) -> tuple[Match, ...]:
        """Entries that were not understood, or not wholly."""
        return tuple(match for match in self.matches if not match.complete)

    @property
    def complete(self) -> bool:
        """Whether every entry was understood. If not, "nothing flagged" says nothing."""
        return not self.unresolved

    @property
    def risks(self) -> tuple[Flag, ...]:
        """The flags of what is reported with more cramps."""
        return tuple(flag for flag in self.flags if flag.direction is Direction.INCREASES)

    @property
    def relief(self) -> tuple[Flag, ...]:
        """The flags of what is used against cramps, also where it does not help or should be avoided."""
        return tuple(flag for flag in self.flags if flag.direction is Direction.RELIEVES)

    @property
    def differentials(self) -> tuple[Flag, ...]:
        """The flags of conditions that look like cramps."""
        return tuple(flag for flag in self.flags if flag.subject.group == "differential")

    def __bool__(self) -> NoReturn:
        raise TypeError("a Report has no truth value: look at its flags and at complete")

    def summary(self) -> str:
        """One or two sentences that say the whole.

        Examples:
            >>> from cramprisk import check
            >>> check(["warfarin"]).summary()
            'Nothing on this list is flagged. All entries were understood.'
        """
        risks = self.risks
        if risks:
            names = ", ".join(f"{flag.subject.name} ({flag.grade.value})" for flag in risks[:6])
            more = f" and {len(risks) - 6} more" if len(risks) > 6 else ""
            noun = "subject is" if len(risks) == 1 else "subjects are"
            text = f"{len(risks)} {noun} reported with cramps: {names}{more}."
        else:
            text = "Nothing on this list is flagged."
        if not self.flags and all(match.status is Status.EMPTY for match in self.matches):
            return "The list is empty."
        if self.complete:
            return text + " All entries were understood."
        count = len(self.unresolved)
        noun = "entry was" if count == 1 else "entries were"
        return text + f" {count} {noun} not understood, so the list may hold more."

    def entry_of(self, flag: Flag) -> str:
        """The entries that led to a flag, as written, and what about the person did, joined by semicolons."""
        said = [self.matches[index].text.strip() for index in flag.entries]
        return "; ".join([*said, flag.context] if flag.context else said)

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "summary": self.summary(),
            "complete": self.complete,
            "flags": [flag.to_dict() for flag in self.flags],
            "interactions": [found.to_dict() for found in self.interactions],
            "matches": [match.to_dict() for match in self.matches],
            "unresolved": [index for index, match in enumerate(self.matches) if not match.complete],
            "tables_version": self.tables_version,
            "tables_digest": self.tables_digest,
            "context": self.context.to_dict(),
            "disclaimer": DISCLAIMER,
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """The report as JSON, in ASCII, so that any text survives any channel."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_html(self) -> str:
        """The report as one HTML page that needs nothing else: no script, nothing from the network; it prints well."""
        from cramprisk.report_html import to_html

        return to_html(self)

    def _repr_html_(self) -> str:
        """The report as a notebook shows it."""
        from cramprisk.report_html import to_fragment

        return to_fragment(self)

    def to_text(self, width: int = 100) -> str:
        """The report as plain text, for a terminal, a note or a mail.

        Args:
            width: Characters a line.
        """
        return "\n".join(line for block in self._blocks(width) for line in (*block, "")).rstrip() + "\n"

    def _blocks(self, width: int) -> Iterator[list[str]]:
        def wrap(text: str, first: str = "", then: str | None = None) -> list[str]:
            return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=" " * len(first) if then is None else then)

        yield wrap(self.summary())
        if self.unresolved:
            block = ["Not understood"]
            for match in self.unresolved:
                block += wrap(f"{plain(match.text, 200)} — {plain(describe_unresolved(match), 400)}", "  ? ")
            yield block
        for title, flags in (
            ("Reported with cramps", self.risks),
            ("Used against cramps", self.relief),
            ("Other findings", tuple(flag for flag in self.flags if flag.direction is Direction.NEUTRAL)),
        ):
            if flags:
                yield [title]
            for flag in flags:
                yield list(self._flag_lines(flag, wrap))
        if self.interactions:
            block = ["Together"]
            for found in self.interactions:
                block += wrap(f"{found.interaction.effect} [{found.interaction.source.citation}]", "  + ")
                if found.interaction.note:
                    block += wrap(found.interaction.note, "    ")
            yield block
        yield [
            *wrap(f"Tables {self.tables_version} ({self.tables_digest[:12]}). {DISCLAIMER}"),
        ]

    def _flag_lines(self, flag: Flag, wrap: Any) -> Iterator[str]:
        contested = ", contested" if flag.contested else ""
        yield from wrap(
            f"{flag.subject.name} — grade {flag.grade.value}: {flag.grade.words}{contested}. "
            f"From: {plain(self.entry_of(flag), 300)}",
            "  * ",
        )
        if flag.timing is not None:
            yield from wrap(f"Timing: {flag.timing.words}.", "    ")
        for caution in flag.cautions:
            yield from wrap(f"Caution: {caution}", "    ")
        best = flag.best()
        for label, rows in (("", sorted(flag.evidence, key=lambda row: row is not best)), ("Against: ", flag.against)):
            for row in rows:
                inherited = f" (of the class: {row.subject})" if row.subject != flag.subject.id else ""
                figure = f"{row.figure()}; " if row.figure() else ""
                yield from wrap(f"{label}[{row.grade.value}] {figure}{row.outcome}{inherited}. {citation(row.source)}", "    - ")
                if row.note:
                    yield from wrap(row.note, "      ")


def plain(text: str, limit: int = 120) -> str:
    """Text fit for a terminal: one line, no control characters, not endless."""
    clean = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    shown = " ".join(clean.split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def citation(source: Any) -> str:
    """A source in one line, with its PMID and DOI where they are known."""
    codes = [f"PMID {source.pmid}" if source.pmid else "", f"doi:{source.doi}" if source.doi else ""]
    known = "; ".join(code for code in codes if code)
    return f"{source.citation}{f' [{known}]' if known else ''}"


def describe_unresolved(match: Match) -> str:
    """Why an entry stayed unresolved, and what it might be, in words."""
    options = ", ".join(dict.fromkeys(candidate.name for candidate in match.candidates))
    if match.status is Status.AMBIGUOUS:
        return f"may mean {options}" if options else "several meanings"
    if match.status is Status.MATCHED:
        left = ", ".join(f"“{words}”" for words in match.not_understood)
        return f"understood in part; not: {left}" + (f" (perhaps {options})" if options else "")
    kind = "medicine" if match.kind is Kind.DRUG else "condition"
    return f"no {kind} known by this name" + (f"; perhaps {options}" if options else "")
