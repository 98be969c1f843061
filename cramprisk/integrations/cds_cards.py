"""Cards for a CDS Hooks client: what a report says, in the shape and with the limits of the specification.

When a card is a ``warning``: an authority advises against the medicine's use for cramps; muscle cramps are on the list
and a medicine of grade A or B stands beside them; or a draft order matters together with something else. All other
cards are ``info``; none is ``critical``, since no finding about cramps stops an order.

An empty list of cards is shown as "all clear". It is therefore sent only when every entry was understood, nothing was
missing, and there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from cramprisk._version import __version__
from cramprisk.integrations.markdown import escaped, link
from cramprisk.model import Association, Direction, Flag, FoundInteraction, Grade, Kind, Match, Source
from cramprisk.report import DISCLAIMER, Report, describe_unresolved, plain

__all__ = ["OVERRIDE_REASONS", "View", "cards_of"]

_SUMMARY = 139
"""The specification: one sentence of less than 140 characters."""
_TOPICS = {
    "reported-with-cramps": "Reported with muscle cramps",
    "used-against-cramps": "Used against muscle cramps",
    "matter-together": "Matter together",
    "not-understood": "Not understood",
}
OVERRIDE_REASONS = {
    "accepted": "Known and accepted: the benefit outweighs it",
    "tolerated": "Taken before without cramps",
    "not-relevant": "Not relevant to this patient",
    "misread": "The entry was read wrongly",
    "evidence": "The evidence does not convince",
}
"""Codes and words of the override reasons of every card that flags something."""
_MOST_SHOWN = 30
_MOST_ROWS = 3
_MOST_LINKS = 5
_CRAMPS = "muscle-cramp"
_STRONG = (Grade.A, Grade.B)


@dataclass(frozen=True, slots=True)
class View:
    """What of a report is to be spoken about.

    Attributes:
        report: All that is on record, and the drafts.
        instance: UUID of the call; the cards' own are made of it, so that equal calls give equal cards.
        drafts: Positions in ``report.matches`` of the draft orders to speak about; None to speak about the whole list.
        notices: What the list lacks, in words.
    """

    report: Report
    instance: str
    drafts: frozenset[int] | None = None
    notices: tuple[str, ...] = ()

    def speaks_of(self, entries: Iterable[int]) -> bool:
        """Whether one of some entries is to be spoken about."""
        return self.drafts is None or not self.drafts.isdisjoint(entries)

    @property
    def cramps(self) -> bool:
        """Whether muscle cramps are on the list."""
        return any(_CRAMPS in match.present() for match in self.report.matches if match.kind is Kind.CONDITION)


def cards_of(view: View, *, source_url: str | None = None) -> list[dict[str, Any]]:
    """The cards for what a view speaks about: what was not understood first, then the gravest.

    Args:
        view: What to speak about.
        source_url: An address about this service, for the source of every card.
    """
    found = [*_unread(view), *(_overview(view) if view.drafts is None else _of_drafts(view))]
    source: dict[str, Any] = {"label": f"cramprisk {__version__}, tables {view.report.tables_version}"}
    if source_url:
        source["url"] = source_url
    made = []
    for number, card in enumerate(found, start=1):
        one: dict[str, Any] = {
            "uuid": str(uuid5(UUID(view.instance), f"cramprisk/{number}")),
            "summary": plain(card.summary, _SUMMARY),
            "indicator": "warning" if card.warns else "info",
            "detail": "\n".join([*card.lines, "", f"*{escaped(DISCLAIMER, 400)}*"]),
            "source": source | {"topic": _coding("topic", card.topic, _TOPICS[card.topic])},
        }
        # The specification forbids what is empty: an attribute without a value is left out.
        if links := list(_links(card.sources)):
            one["links"] = links
        if card.topic != "not-understood":
            one["overrideReasons"] = [_coding("override-reason", code, words) for code, words in OVERRIDE_REASONS.items()]
        made.append(one)
    return made


@dataclass(frozen=True, slots=True)
class _Card:
    topic: str
    summary: str
    lines: list[str]
    warns: bool = False
    sources: tuple[Source, ...] = ()


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": f"urn:cramprisk:{system}", "code": code, "display": display}


def _number(count: int, noun: str, nouns: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {nouns}"


# ---------------------------------------------------------------------- what was not understood


def _unread(view: View) -> Iterator[_Card]:
    """One card for all that was not understood or not sent; what lies beside the drafts is counted, not named."""
    open_ones = [(index, match) for index, match in enumerate(view.report.matches) if not match.complete]
    mine = [match for index, match in open_ones if view.speaks_of([index])]
    count = len(mine)
    # Where no draft is a medicine, nothing on record matters together with it.
    beside = len(open_ones) - count if view.drafts else 0
    what = ("entry", "entries") if view.drafts is None else ("draft order", "draft orders")
    lines: list[str] = []
    summary: list[str] = []
    if count:
        was = "was" if count == 1 else "were"
        summary.append(f"{_number(count, *what)} {was} not understood, so nothing is said about {'it' if count == 1 else 'them'}")
        lines += [f"- “{escaped(match.text)}”: {escaped(describe_unresolved(match), 400)}" for match in mine[:_MOST_SHOWN]]
        if len(mine) > _MOST_SHOWN:
            lines.append(f"- and {len(mine) - _MOST_SHOWN} more")
    if beside:
        was = "was" if beside == 1 else "were"
        more = f"{_number(beside, 'other entry', 'other entries')} on record {was} not understood"
        summary.append(f"{more}: what matters together with {'it' if beside == 1 else 'them'} is not seen")
        lines.append(f"- {more}, so what matters together with the draft may be missing here")
    if view.notices:
        summary.append("not all that matters was sent, or could be used")
        lines += [f"- {escaped(notice, 300)}" for notice in view.notices]
    if summary:
        yield _Card("not-understood", _sentence(summary), lines)


def _sentence(parts: Sequence[str]) -> str:
    """As many of the parts as a summary has room for, the first always."""
    text = parts[0]
    for part in parts[1:]:
        if len(text) + len(part) + 3 <= _SUMMARY:
            text = f"{text}; {part}"
    return f"{text[:1].upper()}{text[1:]}."


# ---------------------------------------------------------------------- the whole list


def _overview(view: View) -> Iterator[_Card]:
    """For ``patient-view``: one card of what is reported with cramps, one of what is used against them, one of pairs."""
    report = view.report
    risks = [flag for flag in report.risks if flag.entries]
    relief = [flag for flag in report.relief if flag.entries]
    if risks:
        noun = _number(len(risks), "item is", "items are")
        lines = [line for flag in risks for line in _flag_lines(report, flag)]
        person = [flag for flag in report.risks if not flag.entries]
        if person:
            lines += [
                "",
                "Also reported with cramps: " + "; ".join(escaped(flag.context or flag.subject.name) for flag in person),
            ]
        alike = [flag for flag in report.differentials if flag.entries]
        if alike:
            lines += ["", "May look like cramps: " + "; ".join(escaped(flag.subject.name) for flag in alike)]
        yield _Card(
            "reported-with-cramps",
            _listed(f"{noun} reported with muscle cramps", risks),
            lines,
            view.cramps and any(flag.grade in _STRONG and _is_medicine(flag) for flag in risks),
            _sources(risks),
        )
    if relief:
        lines = [line for flag in relief for line in _flag_lines(report, flag)]
        yield _Card("used-against-cramps", _relief_summary(relief), lines, _avoid(relief), _sources(relief))
    if report.interactions:
        lines = [line for found in report.interactions for line in _pair_lines(found)]
        noun = _number(len(report.interactions), "pair on the list matters", "pairs on the list matter")
        sources = tuple(found.interaction.source for found in report.interactions)
        yield _Card("matter-together", f"{noun} together for muscle cramps or their treatment.", lines, False, sources)


# ---------------------------------------------------------------------- draft orders


def _of_drafts(view: View) -> Iterator[_Card]:
    """For the order hooks: a card for each draft with something to say, and one for each pair it is part of."""
    report = view.report
    groups: dict[tuple[bool, tuple[int, ...]], list[Flag]] = {}
    for flag in report.flags:
        if flag.direction is not Direction.NEUTRAL and view.speaks_of(flag.entries):
            key = (flag.direction is Direction.RELIEVES, tuple(index for index in flag.entries if view.speaks_of([index])))
            groups.setdefault(key, []).append(flag)
    cards = []
    for (relieves, entries), flags in groups.items():
        lines = [line for flag in flags for line in _flag_lines(report, flag, entries)]
        if relieves:
            cards.append(_Card("used-against-cramps", _relief_summary(flags), lines, _avoid(flags), _sources(flags)))
            continue
        verb = "is" if len(flags) == 1 else "are"
        names = ", ".join(
            f"{flag.subject.name} (grade {flag.grade.value}{', contested' if flag.contested else ''})" for flag in flags
        )
        warns = view.cramps and any(flag.grade in _STRONG for flag in flags)
        cards.append(
            _Card("reported-with-cramps", f"Draft: {names} {verb} reported with muscle cramps.", lines, warns, _sources(flags))
        )
    for found in report.interactions:
        if view.speaks_of(found.entries):
            summary = f"Draft, together with what is on record: {found.interaction.effect}"
            cards.append(_Card("matter-together", summary, list(_pair_lines(found)), True, (found.interaction.source,)))
    yield from sorted(cards, key=lambda card: not card.warns)


# ---------------------------------------------------------------------- sentences and lines


def _is_medicine(flag: Flag) -> bool:
    return flag.subject.kind != "condition"


def _avoid(flags: Iterable[Flag]) -> bool:
    return any(flag.grade is Grade.AVOID for flag in flags)


def _listed(start: str, flags: Sequence[Flag]) -> str:
    """A sentence with as many names as a summary has room for."""
    names = [f"{flag.subject.name} ({flag.grade.value})" for flag in flags]
    for count in range(len(names), 0, -1):
        more = f" and {len(names) - count} more" if count < len(names) else ""
        text = f"{start}: {', '.join(names[:count])}{more}."
        if len(text) <= _SUMMARY:
            return text
    return f"{start}."


def _relief_summary(flags: Sequence[Flag]) -> str:
    avoided = [flag.subject.name for flag in flags if flag.grade is Grade.AVOID]
    if avoided:
        return f"{', '.join(avoided)}: an authority advises against the use for muscle cramps."
    return _listed("Used against muscle cramps, with the grade of its evidence", flags)


def _flag_lines(report: Report, flag: Flag, entries: Sequence[int] | None = None) -> Iterator[str]:
    """A flag in Markdown: the subject with its grade and entries, then its evidence and what contests it."""
    places = flag.entries if entries is None else entries
    said = "; ".join(escaped(text) for text in dict.fromkeys(_said(report.matches[index]) for index in places))
    contested = ", contested" if flag.contested else ""
    origin = f". Entry: {said}" if said else ""
    yield f"**{escaped(flag.subject.name)}**, grade {flag.grade.value} ({escaped(flag.grade.words)}{contested}){origin}"
    yield ""
    best = flag.best()
    rows = [best, *(row for row in flag.evidence if row is not best)]
    for row in rows[:_MOST_ROWS]:
        yield f"- {_row(flag, row)}"
    if len(rows) > _MOST_ROWS:
        yield f"- and {_number(len(rows) - _MOST_ROWS, 'more finding', 'more findings')}"
    for row in flag.against[:_MOST_ROWS]:
        yield f"- Against: {_row(flag, row)}"
    if len(flag.against) > _MOST_ROWS:
        yield f"- and {len(flag.against) - _MOST_ROWS} more against"
    for caution in flag.cautions:
        yield f"- Caution: {escaped(caution, 400)}"
    yield ""


def _said(match: Match) -> str:
    return plain(match.text, 120)


def _row(flag: Flag, row: Association) -> str:
    figure = f"{escaped(row.figure())}; " if row.figure() else ""
    wider = f" (of the class {escaped(row.subject)})" if row.subject != flag.subject.id else ""
    return f"{row.grade.value}: {figure}{escaped(row.outcome)}{wider}. {_cited(row.source)}"


def _pair_lines(found: FoundInteraction) -> Iterator[str]:
    yield f"- {escaped(found.interaction.effect, 400)} {_cited(found.interaction.source)}"
    if found.interaction.note:
        yield f"  Note: {escaped(found.interaction.note, 400)}"


def _address(source: Source) -> str | None:
    if source.doi:
        return f"https://doi.org/{quote(source.doi, safe='/')}"
    return f"https://pubmed.ncbi.nlm.nih.gov/{quote(source.pmid, safe='')}/" if source.pmid else None


def _cited(source: Source) -> str:
    url = _address(source)
    return link(plain(source.citation, 200), url) if url else escaped(source.citation, 200)


def _sources(flags: Iterable[Flag]) -> tuple[Source, ...]:
    return tuple(dict.fromkeys(flag.best().source for flag in flags))


def _links(sources: Iterable[Source]) -> Iterator[dict[str, str]]:
    """Links to the sources that have an address; the specification allows none that is empty."""
    seen = 0
    for source in dict.fromkeys(sources):
        url = _address(source)
        if url and seen < _MOST_LINKS:
            seen += 1
            yield {"label": plain(source.citation, 80), "url": url, "type": "absolute"}
