"""Which names are within a few slips of a word, and what those slips cost.

The index finds *every* name within the radius (a test compares it with brute force). A name of length n that may
be k edits away is cut into k + 1 pieces; k edits cannot touch all of them, so at least one piece stands unchanged in
the word, near its old place (the Pass-Join partition; Li, Deng, Wang, Feng, VLDB 2011). A transposition counts as one
edit and may straddle two pieces: each piece is therefore also looked up with its last letter exchanged for the next.
rapidfuzz verifies the few names that remain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Near", "NearIndex", "radius", "scan", "slip_cost"]


class Near(NamedTuple):
    """A name near a word: its key and the number of edits (optimal string alignment distance)."""

    key: str
    edits: int


_MIN_LENGTH = 4


def radius(length: int) -> int:
    """How many edits away names are looked for, for a word of so many letters.

    Words below four letters are only ever read exactly.
    """
    if length < _MIN_LENGTH:
        return 0
    if length < 5:
        return 1
    if length < 12:
        return 2
    return 3


def _pieces(length: int, count: int) -> list[tuple[int, int]]:
    """Start and size of `count` pieces of a string of `length`, the longer ones last."""
    size, longer = divmod(length, count)
    pieces = []
    start = 0
    for index in range(count):
        step = size + (index >= count - longer)
        pieces.append((start, step))
        start += step
    return pieces


class NearIndex:
    """An immutable index over names for :meth:`search`.

    Args:
        keys: The names, folded and without spaces; repeats are dropped.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._buckets: dict[tuple[int, int, str], list[str]] = {}
        self._partitions: dict[int, list[tuple[int, int]]] = {}
        buckets = self._buckets
        count = 0
        for key in dict.fromkeys(keys):
            length = len(key)
            if length < _MIN_LENGTH - 1:
                continue
            pieces = self._partitions.get(length)
            if pieces is None:
                # Words up to `radius` longer may ask for this name, and they may have the larger radius.
                pieces = self._partitions[length] = _pieces(length, min(radius(length + 3) + 1, length))
            for index, (start, size) in enumerate(pieces):
                bucket = (length, index, key[start : start + size])
                found = buckets.get(bucket)
                if found is None:
                    buckets[bucket] = [key]
                else:
                    found.append(key)
            count += 1
        self._count = count

    def __len__(self) -> int:
        return self._count

    def search(self, word: str, within: int | None = None) -> list[Near]:
        """All names within some edits of a word, nearest first, then by spelling.

        Args:
            word: Folded, without spaces.
            within: The largest number of edits; by default :func:`radius` of its length.

        Returns:
            Every name of the index at that distance or less, the word itself included if it is a name.
        """
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract_iter

        length = len(word)
        limit = radius(length) if within is None else within
        if limit > radius(length + 3):
            raise ValueError("the index is built for a smaller radius")
        buckets = self._buckets
        candidates: set[str] = set()
        for other in range(max(1, length - limit), length + limit + 1):
            pieces = self._partitions.get(other)
            if pieces is None:
                continue
            longer = length - other
            left, right = (limit - longer) // 2, (limit + longer) // 2
            for index, (start, size) in enumerate(pieces):
                for at in range(max(0, start - left), min(length - size, start + right) + 1):
                    end = at + size
                    found = buckets.get((other, index, word[at:end]))
                    if found is not None:
                        candidates.update(found)
                    if end < length and word[end] != word[end - 1]:
                        found = buckets.get((other, index, word[at : end - 1] + word[end]))
                        if found is not None:
                            candidates.update(found)
        near = [
            Near(key, int(edits)) for key, edits, _ in extract_iter(word, candidates, scorer=OSA.distance, score_cutoff=limit)
        ]
        near.sort(key=lambda one: (one.edits, one.key))
        return near


def scan(word: str, keys: Sequence[str], within: int | None = None) -> list[Near]:
    """What :meth:`NearIndex.search` gives, by comparing with every key: slower for many words, quicker for few."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    limit = radius(len(word)) if within is None else within
    near = [Near(key, int(edits)) for key, edits, _ in extract(word, keys, scorer=OSA.distance, score_cutoff=limit, limit=None)]
    near.sort(key=lambda one: (one.edits, one.key))
    return near


# Slips that people make by ear: letters that English, French or Spanish speakers write for one another.
_SOUND = {
    frozenset(pair): cost
    for pairs, cost in (
        (("ae", "ai", "ao", "au", "ei", "eo", "eu", "io", "iu", "ou", "ey", "ay"), 0.5),
        (("iy", "ck", "cs", "sz", "ks", "kq", "cq", "fv", "vw", "gj", "dt", "bp", "mn", "xz", "sx"), 0.4),
    )
    for pair in pairs
}
_KEYBOARD = {
    frozenset(pair)
    for row, below, shift in (("qwertyuiop", "asdfghjkl", 0), ("asdfghjkl", "zxcvbnm", 0))
    for pair in (
        [row[i : i + 2] for i in range(len(row) - 1)]
        + [row[i] + below[i] for i in range(len(below))]
        + [row[i + 1] + below[i] for i in range(min(len(below), len(row) - 1))]
    )
}
_KEYBOARD_COST = 0.7
_TRANSPOSED = 0.6
_DOUBLED = 0.3
_SILENT = 0.5
_VOWEL = 0.7


_REPLACED = {
    one + other: _SOUND.get(frozenset((one, other)), _KEYBOARD_COST)
    for pair in {*_SOUND, *_KEYBOARD}
    for one in pair
    for other in pair
    if one != other
}


def _dropped(text: str, at: int) -> float:
    """Cost of a letter too many (or too few): less if it doubles its neighbour or is often silent."""
    char = text[at]
    if (at and text[at - 1] == char) or (at + 1 < len(text) and text[at + 1] == char):
        return _DOUBLED
    if char == "h" or (char == "e" and at == len(text) - 1):
        return _SILENT
    return _VOWEL if char in "aeiouy" else 1.0


def slip_cost(word: str, name: str) -> float:
    """What it costs to have meant `name` and written `word`: 0.0 for equal, about 1.0 for one plain wrong letter.

    An optimal string alignment distance in which slips of the ear, of the keyboard, doubled letters and exchanged
    neighbours cost less than others, and a wrong first letter costs more, since people rarely miss it. The weights
    are our own choice; ``docs/matching.md`` gives what they do to recall and to wrong answers.

    Examples:
        >>> slip_cost("furosimide", "furosemide")
        0.5
        >>> slip_cost("prednisone", "prednisolone") > 1
        True
    """
    if word == name:
        return 0.0
    columns = len(name)
    missing = [_dropped(name, j) for j in range(columns)]
    before: list[float] = []
    above = [0.0]
    for cost in missing:
        above.append(above[-1] + cost)
    replaced = _REPLACED
    for i, char in enumerate(word):
        extra = _dropped(word, i)
        left = above[0] + extra
        row = [left]
        for j in range(columns):
            other = name[j]
            best = above[j]
            if char != other:
                best += replaced.get(char + other, 1.0)
                best = min(best, above[j + 1] + extra)
                best = min(best, left + missing[j])
                if i and j and char == name[j - 1] and word[i - 1] == other and before[j - 1] + _TRANSPOSED < best:
                    best = before[j - 1] + _TRANSPOSED
            row.append(best)
            left = best
        before, above = above, row
    return above[columns] + (0.5 if word[:1] != name[:1] else 0.0)
