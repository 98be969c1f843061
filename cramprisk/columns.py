"""What the distinct texts of a column say: the one place from which every kind of frame takes its answers.

A cell is read as :meth:`Checker.check` reads a text: usually one entry, sometimes a list of its own ("a; b; c").
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from cramprisk.checker import Checker
from cramprisk.model import Flag, Kind, Match, Status
from cramprisk.shapes import Shapes

__all__ = ["COLUMNS", "Reading", "read_matches", "readings"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one cell says, as the added columns of a frame hold it.

    Attributes:
        status: ``matched``, ``ambiguous``, ``unrecognised`` or ``empty``. Of a cell with several entries, ``matched`` when
            at least one is.
        concepts: Ids joined by ``|``, None when there is none.
        names: Their preferred names, likewise.
        flagged: Whether a concept that is present is reported with more cramps.
        grade: Grade of the first flag of the report: the strongest that raises cramps, else the strongest relief.
        direction: Where that flag points.
        contested: Whether that flag is contested.
        score: 0-100, the lowest of the names found; None when none was.
        not_understood: Words that were not understood, joined by ``|``; None when all were.
    """

    status: str
    concepts: str | None
    names: str | None
    flagged: bool
    grade: str | None
    direction: str | None
    contested: bool
    score: float | None
    not_understood: str | None


COLUMNS = ("status", "concepts", "names", "flagged", "grade", "direction", "contested", "score", "not_understood")
"""The added columns, in order; in a frame each stands behind its kind: ``drug_status``."""

_ORDER = (Status.MATCHED, Status.AMBIGUOUS, Status.UNRECOGNISED, Status.EMPTY)


def read_matches(matches: Sequence[Match], checker: Checker) -> Reading:
    """What the entries of one cell say together."""
    concepts = tuple(dict.fromkeys(concept for match in matches for concept in match.concepts))
    names = (found.name for found in map(checker.concept, concepts) if found is not None)
    left = tuple(dict.fromkeys(words for match in matches for words in match.not_understood))
    scores = [mention.score for match in matches for mention in match.mentions]
    first = _first_flag(matches, checker)
    return Reading(
        min((match.status for match in matches), key=_ORDER.index, default=Status.EMPTY).value,
        "|".join(concepts) or None,
        "|".join(names) or None,
        first is not None and first.direction == "increases",
        first.grade.value if first else None,
        first.direction.value if first else None,
        first is not None and first.contested,
        min(scores, default=None),
        "|".join(left) or None,
    )


def _first_flag(matches: Sequence[Match], checker: Checker) -> Flag | None:
    """The first flag of the report over some entries. What it points to hangs on their concepts and qualifiers alone."""
    said = tuple([(match.kind, *[(one.concepts, one.qualifier) for one in match.mentions]) for match in matches])
    known = _kept(checker).flags
    if said not in known:
        _make_room(known)
        known[said] = next(iter(checker.report(matches).flags), None)
    return known[said]


# Not so many that what is kept of a column weighs more than the tables: some 50 MB with texts of usual length.
_MOST_KEPT = 250_000
_LONGEST_KEPT = 200
# Shapes need the pairs of words in all names, which take as long to find as some thousand entries to read.
_WORTH_SHAPES = 2_000


@dataclass(slots=True)
class _Kept:
    """What is kept of the columns read with one checker: the first flags, and for each kind the readings and shapes."""

    flags: dict[Hashable, Flag | None] = field(default_factory=dict)
    readings: dict[Kind, dict[str, Reading]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    by_shape: dict[str, Reading | None] = field(default_factory=dict)
    shapes: Shapes | None = None


_KEPT: WeakKeyDictionary[Checker, _Kept] = WeakKeyDictionary()


def _kept(checker: Checker) -> _Kept:
    return _KEPT.setdefault(checker, _Kept())


def _make_room(known: dict[Any, Any]) -> None:
    if len(known) >= _MOST_KEPT:
        known.clear()


def readings(texts: Iterable[str | None], kind: Kind | str, checker: Checker) -> list[Reading]:
    """What each cell says, in order.

    Texts that must read alike (:mod:`cramprisk.shapes`) are read once, and what was read is kept for the next column.

    Args:
        texts: Cells; best each text once, though equal ones are not read again while they are kept.
        kind: ``drug`` or ``condition``.
        checker: Over which tables.
    """
    kind = Kind(kind)
    cells = [text or "" for text in texts]
    kept = _kept(checker)
    known = kept.readings[kind]
    found = [known.get(cell) for cell in cells]
    unread = dict.fromkeys(cell for cell, one in zip(cells, found, strict=True) if one is None)
    if not unread:
        return [one for one in found if one is not None]
    if kind is Kind.DRUG and kept.shapes is None and len(unread) >= _WORTH_SHAPES:
        kept.shapes = Shapes(checker.drugs.lexicon)
    shapes = kept.shapes if kind is Kind.DRUG else None
    fresh = {
        cell: _read_by_shape(cell, checker, shapes, kept.by_shape) if shapes else _read(cell, kind, checker) for cell in unread
    }
    for cell, reading in fresh.items():
        if len(cell) <= _LONGEST_KEPT:
            _make_room(known)
            known[cell] = reading
    return [one or fresh[cell] for cell, one in zip(cells, found, strict=True)]


def _read(text: str, kind: Kind, checker: Checker) -> Reading:
    matcher = checker.matcher(kind)
    return read_matches(matcher.match_list(matcher.split(text) or [text]), checker)


def _read_by_shape(text: str, checker: Checker, shapes: Shapes, by_shape: dict[str, Reading | None]) -> Reading:
    """What a cell of medicines says; that of another cell if both must read alike."""
    shape = shapes.of(text)
    if shape is None:
        return _read(text, Kind.DRUG, checker)
    shared = by_shape.get(shape)
    if shared is not None:
        return shared
    if shape in by_shape:
        return _read(text, Kind.DRUG, checker)
    match, respelt = checker.drugs.match_plainly(text)
    shares = shapes.shared(respelt)
    reading = read_matches([match], checker) if shares else _read(text, Kind.DRUG, checker)
    _make_room(by_shape)
    by_shape[shape] = reading if shares else None
    return reading
