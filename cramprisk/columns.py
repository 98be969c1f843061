"""What the distinct texts of a column say: the one place from which every kind of frame takes its answers.

A cell is read as :meth:`Checker.check` reads a text: usually one entry, sometimes a list of its own ("a; b; c").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cramprisk.checker import Checker
from cramprisk.model import Kind, Match, Status

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
    flags = checker.report(matches).flags
    concepts = tuple(dict.fromkeys(concept for match in matches for concept in match.concepts))
    names = (found.name for found in map(checker.concept, concepts) if found is not None)
    left = tuple(dict.fromkeys(words for match in matches for words in match.not_understood))
    scores = [mention.score for match in matches for mention in match.mentions]
    first = flags[0] if flags else None
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


def readings(texts: Iterable[str | None], kind: Kind | str, checker: Checker) -> list[Reading]:
    """What each cell says, in order.

    Args:
        texts: Cells; give each text once, equal ones are read again.
        kind: ``drug`` or ``condition``.
        checker: Over which tables.
    """
    matcher = checker.matcher(Kind(kind))
    made = []
    for text in texts:
        entries = matcher.split(text) if text else []
        made.append(read_matches(matcher.match_list(entries or [text or ""]), checker))
    return made
