"""What entries say as far as findings hang on it, kept so that a column that comes again, or comes in parts, is read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakKeyDictionary

from cramprisk.checker import Checker, present_mentions
from cramprisk.columns import LONGEST_KEPT, MOST_KEPT, shapes_for
from cramprisk.entries import route_of
from cramprisk.matcher import SEVERAL_MEANINGS
from cramprisk.model import Kind, Match, Qualifier, Status
from cramprisk.shapes import Shapes, named_alone
from cramprisk.text import tokenise

__all__ = ["Present", "Statement", "entries_in", "statement_of", "statements"]


class Present(NamedTuple):
    """Something that the person has or takes.

    Attributes:
        concepts: Its ids.
        qualifier: What the entry says about it.
        route: By which a medicine is taken, if that is said.
    """

    concepts: tuple[str, ...]
    qualifier: Qualifier | None
    route: str | None


class Statement(NamedTuple):
    """What an entry says, whatever its words.

    Attributes:
        kind: Whether it is about a medicine or a condition.
        empty: Whether it says nothing.
        complete: Whether all of it was understood.
        unsettled: Whether it is a condition of several meanings, which other entries of the list may settle.
        present: What is flagged, in the order of the entry.
    """

    kind: Kind
    empty: bool
    complete: bool
    unsettled: bool
    present: tuple[Present, ...]

    def now(self) -> set[str]:
        """Ids of what is present now, without what belongs to the past."""
        return {concept for one in self.present if one.qualifier is not Qualifier.HISTORY for concept in one.concepts}


@dataclass(slots=True)
class _Kept:
    """What is kept for one checker.

    Attributes:
        by_text: What entries say.
        by_shape: What all entries of medicines of a shape say, without a route; None where each says its own.
        single: Texts that are one entry.
        same: By which statements of many entries are the same object.
    """

    by_text: dict[Kind, dict[str, Statement]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    by_shape: dict[str, Statement | None] = field(default_factory=dict)
    single: dict[Kind, set[str]] = field(default_factory=lambda: {kind: set() for kind in Kind})
    same: dict[Statement, Statement] = field(default_factory=dict)


_KEPT: WeakKeyDictionary[Checker, _Kept] = WeakKeyDictionary()


def _kept(checker: Checker) -> _Kept:
    return _KEPT.get(checker) or _KEPT.setdefault(checker, _Kept())


def statement_of(match: Match) -> Statement:
    """What an entry says that was read already."""
    return Statement(
        match.kind,
        match.status is Status.EMPTY,
        match.complete,
        match.kind is Kind.CONDITION and any(one.reason.endswith(SEVERAL_MEANINGS) for one in match.candidates),
        tuple(Present(one.concepts, one.qualifier, one.route) for one in present_mentions(match)),
    )


def entries_in(texts: Iterable[str], kind: Kind, checker: Checker) -> list[list[str]]:
    """The entries of each cell, which may be a list of its own.

    Examples:
        >>> entries_in(["hctz; lasix", "zolpidem"], Kind.DRUG, Checker.default())
        [['hctz', 'lasix'], ['zolpidem']]
    """
    single, split = _kept(checker).single[kind], checker.matcher(kind).split
    made = []
    for text in texts:
        entries = [text] if text in single else split(text) or [text]
        if entries == [text] and len(text) <= LONGEST_KEPT:
            if len(single) >= MOST_KEPT:
                single.clear()
            single.add(text)
        made.append(entries)
    return made


def statements(texts: Sequence[str], kind: Kind, checker: Checker) -> list[Statement]:
    """What each entry says, read by itself.

    Entries that must read alike (:mod:`cramprisk.shapes`) are read once; only the route is that of each.

    Examples:
        >>> said = statements(["HCTZ 25mg", "hctz 12.5", "stopped lasix"], Kind.DRUG, Checker.default())
        >>> said[0] is said[1], said[0].present[0].concepts, said[2].present
        (True, ('hydrochlorothiazide',), ())
    """
    kept = _kept(checker)
    known = kept.by_text[kind]
    found = [known.get(text) for text in texts]
    unread = dict.fromkeys(text for text, one in zip(texts, found, strict=True) if one is None)
    shapes = shapes_for(len(unread), kind, checker)
    fresh: dict[str, Statement] = {}
    for text in unread:
        said = _read(text, kind, checker) if shapes is None else _read_by_shape(text, shapes, kept, checker)
        if len(text) <= LONGEST_KEPT:
            if len(known) >= MOST_KEPT:
                known.clear()
                kept.same.clear()
            known[text] = said = kept.same.setdefault(said, said)
        fresh[text] = said
    return [one or fresh[text] for text, one in zip(texts, found, strict=True)]


def _read(text: str, kind: Kind, checker: Checker) -> Statement:
    return statement_of(checker.matcher(kind).match(text))


def _read_by_shape(text: str, shapes: Shapes, kept: _Kept, checker: Checker) -> Statement:
    """What an entry of a medicine says, by what another of its shape said."""
    shape = shapes.of(text)
    if shape is None:
        return _read(text, Kind.DRUG, checker)
    met = shape in kept.by_shape
    said = kept.by_shape.get(shape)  # another thread may just have made room; then the entry speaks for itself
    if not met:
        said = _of_all(shape, text, shapes, checker)
        if len(kept.by_shape) >= MOST_KEPT:
            kept.by_shape.clear()
        kept.by_shape[shape] = said
    if said is None:
        return _read(text, Kind.DRUG, checker)
    route = route_of(tokenise(text), checker.drugs.lexicon)
    return said._replace(present=tuple([one._replace(route=route) for one in said.present])) if route else said


def _of_all(shape: str, text: str, shapes: Shapes, checker: Checker) -> Statement | None:
    """What all entries of a shape say, without their routes; None where each speaks for itself."""
    name = named_alone(shape, checker.drugs)
    if name is not None:
        said = Statement(Kind.DRUG, False, True, False, (Present(name[0].concepts, None, None),))
        respelt: frozenset[str] | None = name[1]
    else:
        match, respelt = checker.drugs.match_plainly(text)
        said = statement_of(match)
    if respelt is None or not respelt.isdisjoint(shapes.going_on):
        return None
    return said._replace(present=tuple([one._replace(route=None) for one in said.present]))
