"""What a page offers for the entries of a list that are open: where they stand, and which words would settle them.

A choice is offered only if the entry, written with it, is really read as what the choice says: each is tried out before
it is shown. Nothing is chosen here; the person at the page does that, and sees the list change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cramprisk.checker import Checker
from cramprisk.model import Candidate, Kind, Match, Method, Status
from cramprisk.report import Report, describe_unresolved

__all__ = ["Choice", "NearEntry", "OpenEntry", "Place", "near_entries", "open_entries", "places"]

_MOST_CHOICES = 6
_EXACT = 100.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in the text it came from.

    Attributes:
        start: Index of its first UTF-16 code unit, as a browser counts.
        end: Index after its last.
    """

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to settle an entry.

    Attributes:
        label: What it would mean: the name of the concept, with the brand in brackets if that is what was near.
        text: The entry written so that it is read as that.
        kind: Which list it then belongs to; another one than before if the entry stands on the wrong list.
    """

    label: str
    text: str
    kind: Kind

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {"label": self.label, "text": self.text, "kind": self.kind.value}


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An entry that was not understood, or not wholly.

    Attributes:
        index: Its place in ``Report.matches``.
        match: How it was read.
        place: Where it stands, or None if it was not given as part of a text.
        choices: What would settle it, nearest first; maybe none.
    """

    index: int
    match: Match
    place: Place | None
    choices: tuple[Choice, ...]

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "index": self.index,
            "text": self.match.text,
            "kind": self.match.kind.value,
            "why": describe_unresolved(self.match),
            "start": self.place.start if self.place else None,
            "end": self.place.end if self.place else None,
            "choices": [choice.to_dict() for choice in self.choices],
        }


@dataclass(frozen=True, slots=True)
class NearEntry:
    """A name that was read by nearness: understood, and worth a look.

    Attributes:
        index: The place of the entry in ``Report.matches``.
        written: The words of the entry.
        read: Names of the concepts that they were taken for.
        kind: What the entry was read as.
    """

    index: int
    written: str
    read: str
    kind: Kind

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {"index": self.index, "written": self.written, "read": self.read, "kind": self.kind.value}


def places(text: str, entries: Iterable[str]) -> list[Place | None]:
    """Where each entry of a text stands in it, in order.

    Args:
        text: What was split.
        entries: What :meth:`Checker.split` made of it, in order.

    Returns:
        One for each entry; None for one that does not stand in the text as it is.

    Examples:
        >>> places("Lasix 40; Lasix 40", ["Lasix 40", "Lasix 40"])
        [Place(start=0, end=8), Place(start=10, end=18)]
    """
    found: list[Place | None] = []
    last = units = 0
    for entry in entries:
        start = text.find(entry, last)
        if start < 0 or not entry:
            found.append(None)
            continue
        begin = units + _units(text[last:start])
        units = begin + _units(entry)
        last = start + len(entry)
        found.append(Place(begin, units))
    return found


def _units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)


def open_entries(report: Report, checker: Checker, standing: Sequence[Place | None] = ()) -> list[OpenEntry]:
    """The entries of a report that are open, with what would settle each.

    Args:
        report: From `checker`.
        checker: Tries the choices out.
        standing: For each match where it stands; none at all if that is not known.

    Examples:
        >>> checker = Checker.default()
        >>> [entry] = open_entries(checker.check(["HCT 25"]), checker)
        >>> [(choice.label, choice.text) for choice in entry.choices]
        [('hydrochlorothiazide', 'hydrochlorothiazide 25'), ('hydrocortisone', 'hydrocortisone 25')]
    """
    return [
        OpenEntry(index, match, standing[index] if index < len(standing) else None, tuple(_choices(match, checker)))
        for index, match in enumerate(report.matches)
        if not match.complete
    ]


def near_entries(report: Report, checker: Checker) -> list[NearEntry]:
    """The names of a report that were read by nearness and taken, in order.

    Examples:
        >>> checker = Checker.default()
        >>> [(entry.written, entry.read) for entry in near_entries(checker.check(["furosemdie 40"]), checker)]
        [('furosemdie', 'furosemide')]
    """
    return [
        NearEntry(index, mention.matched_text, _named(mention.concepts, checker), match.kind)
        for index, match in enumerate(report.matches)
        for mention in match.mentions
        if mention.method is Method.NEAR
    ]


def _named(concepts: Sequence[str], checker: Checker) -> str:
    found = (checker.concept(concept) for concept in concepts)
    return " + ".join(concept.name if concept else wanted for wanted, concept in zip(concepts, found, strict=True))


def _choices(match: Match, checker: Checker) -> Iterator[Choice]:
    offered: set[tuple[str, ...]] = set()
    for candidate in match.candidates:
        if candidate.concepts in offered or set(candidate.concepts) <= set(match.concepts):
            continue
        choice = _choice(match, candidate, checker)
        if choice is not None:
            offered.add(candidate.concepts)
            yield choice
        if len(offered) == _MOST_CHOICES:
            return
    other = Kind.CONDITION if match.kind is Kind.DRUG else Kind.DRUG
    if match.status is Status.UNRECOGNISED or (match.candidates and not match.concepts):
        read = checker.normalize(match.text, other)
        # Only what is read exactly: nearness to a name of another list would be a guess on top of a guess.
        if read.complete and read.status is Status.MATCHED and read.score == _EXACT:
            yield Choice(_named(read.concepts, checker), match.text, other)


def _choice(match: Match, candidate: Candidate, checker: Checker) -> Choice | None:
    """The candidate as a choice, or None when no way of writing the entry is read as it."""
    own = checker.normalize(candidate.name, match.kind)
    name = _named(candidate.concepts, checker)
    spelt = name.replace(" + ", " / ")
    brand = candidate.name if own.method is Method.BRAND and own.score == _EXACT else ""
    # All other words stay: the strength, and above all "stopped" or "no".
    for written in filter(None, (brand, spelt, candidate.name)):
        for text in (match.text.replace(words, written, 1) for words in match.not_understood):
            read = checker.normalize(text, match.kind)
            gone = set(match.not_understood) - set(read.not_understood)
            # Exactly what was understood before and the candidate: nothing lost, nothing else let in.
            if read.status is Status.MATCHED and gone and set(read.concepts) == {*match.concepts, *candidate.concepts}:
                return Choice(f"{name} ({brand})" if written == brand else name, text, match.kind)
    return None
