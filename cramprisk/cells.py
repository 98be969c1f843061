"""What one cell of a column says."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

from cramprisk.checker import Checker, present_mentions
from cramprisk.model import Flag, Kind, Match, Mention, Status
from cramprisk.names import Name

__all__ = ["COLUMNS", "Alike", "Reading", "Told", "read_alike", "read_cell", "read_matches", "read_name"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one cell says, as the added columns of a frame hold it.

    Attributes:
        status: ``matched``, ``ambiguous``, ``unrecognised`` or ``empty``. Of a cell with several entries, ``matched`` when
            at least one is.
        concepts: Ids joined by ``|``, None when there is none.
        names: Their preferred names, likewise.
        present: Those of the ids that count for the report: not denied, not of the family, not stopped or planned; a
            condition of the past counts. None when there is none.
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
    present: str | None
    flagged: bool
    grade: str | None
    direction: str | None
    contested: bool
    score: float | None
    not_understood: str | None


COLUMNS = (
    "status", "concepts", "names", "present", "flagged", "grade", "direction", "contested", "score", "not_understood",
)  # fmt: skip
"""The added columns, in order; in a frame each stands behind its kind: ``drug_status``."""

_ORDER = (Status.MATCHED, Status.AMBIGUOUS, Status.UNRECOGNISED, Status.EMPTY)


def read_matches(matches: Sequence[Match], checker: Checker) -> Reading:
    """What the entries of one cell say together."""
    concepts = tuple(dict.fromkeys(concept for match in matches for concept in match.concepts))
    names = (found.name for found in map(checker.concept, concepts) if found is not None)
    present = dict.fromkeys(concept for match in matches for one in present_mentions(match) for concept in one.concepts)
    left = tuple(dict.fromkeys(words for match in matches for words in match.not_understood))
    scores = [mention.score for match in matches for mention in match.mentions]
    first = _first_flag(matches, checker)
    return Reading(
        min((match.status for match in matches), key=_ORDER.index, default=Status.EMPTY).value,
        "|".join(concepts) or None,
        "|".join(names) or None,
        "|".join(present) or None,
        first is not None and first.direction == "increases",
        first.grade.value if first else None,
        first.direction.value if first else None,
        first is not None and first.contested,
        min(scores, default=None),
        "|".join(left) or None,
    )


def read_name(name: Name, checker: Checker) -> Reading:
    """What a cell says that is one name of a medicine, known as it stands, beside nothing but plain words."""
    known = _NAMED.setdefault(checker, {})
    reading = known.get(name.concepts)
    if reading is None:
        mention = Mention(name.concepts, name.text, name.text, name.table, name.method, 100.0, 0, len(name.text), None, None)
        match = Match(name.text, Kind.DRUG, Status.MATCHED, name.concepts, (mention,))
        reading = known[name.concepts] = read_matches([match], checker)
    return reading


# By concepts: there are no more of these than the tables have medicines and combinations.
_NAMED: WeakKeyDictionary[Checker, dict[tuple[str, ...], Reading]] = WeakKeyDictionary()


def _first_flag(matches: Sequence[Match], checker: Checker) -> Flag | None:
    """The first flag of the report over some entries. What it points to hangs on their concepts and qualifiers alone."""
    said = tuple([(match.kind, *[(one.concepts, one.qualifier) for one in match.mentions]) for match in matches])
    known = _FIRST_FLAGS.setdefault(checker, {})
    if said not in known:
        if len(known) >= _MOST_FLAGS:
            known.clear()
        known[said] = next(iter(checker.report(matches).flags), None)
    return known[said]


# A report for each text would take longer than to read it; a column says the same few thousand things.
_FIRST_FLAGS: WeakKeyDictionary[Checker, dict[Hashable, Flag | None]] = WeakKeyDictionary()
_MOST_FLAGS = 50_000


def read_cell(text: str, kind: Kind, checker: Checker) -> Reading:
    """What a cell says, read by itself."""
    matcher = checker.matcher(kind)
    return read_matches(matcher.match_list(matcher.split(text) or [text]), checker)


class Alike(NamedTuple):
    """Texts of one shape (:mod:`cramprisk.shapes`), none of them read yet; or a single text without one.

    Attributes:
        texts: The texts.
        shaped: Whether they have a shape.
    """

    texts: list[str]
    shaped: bool


class Told(NamedTuple):
    """What texts of one shape say.

    Attributes:
        readings: One for each text; a single one if the first speaks for all.
        for_all: Whether it does, and for every other text of the shape.
    """

    readings: list[Reading]
    for_all: bool


def read_alike(alike: Alike, kind: Kind, checker: Checker, going_on: frozenset[str]) -> Told:
    """What texts of one shape say.

    Args:
        alike: The texts.
        kind: What they are read as; only medicines have shapes.
        checker: Over which tables.
        going_on: Words from which a name goes on into a plain part; an entry with one speaks for itself only.
    """
    first, *others = alike.texts
    match, respelt = checker.drugs.match_plainly(first) if alike.shaped else (None, None)
    # Only what is one entry is read plainly; what is not may still be several.
    if match is None or (respelt is None and checker.drugs.split(first) != [first]):
        return Told([read_cell(text, kind, checker) for text in alike.texts], False)
    reading = read_matches([match], checker)
    if respelt is not None and respelt.isdisjoint(going_on):
        return Told([reading], True)
    return Told([reading, *(read_cell(text, kind, checker) for text in others)], False)
