"""Which names are within a few slips of a word, and what those slips cost.

The index finds *every* name within the radius (a test compares it with brute force). A name that may be k edits away
is cut into k + 1 pieces; k edits cannot touch all of them, so at least one piece stands unchanged in the word, near its
old place. Of the places where it may stand only those are looked at where the edits left of it and right of it are few
enough for another piece not to do as well (Pass-Join with multi-match-aware selection; Li, Deng, Wang, Feng, VLDB
2011). A transposition counts as one edit and may straddle two pieces: it is counted to the right one, and the left one
is also looked up with its last letter exchanged for the next. What remains is compared by its letters, then by rapidfuzz.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Near", "NearIndex", "radius", "scan", "slip_cost"]


class Near(NamedTuple):
    """A name near a word: its key and the number of edits (optimal string alignment distance)."""

    key: str
    edits: int


_MIN_LENGTH = 4
_LARGEST_RADIUS = 3


def radius(length: int) -> int:
    """How many edits away names are looked for, for a word of so many letters.

    Words below four letters are only ever read exactly.
    """
    if length < _MIN_LENGTH:
        return 0
    if length < 6:
        return 1
    if length < 12:
        return 2
    return _LARGEST_RADIUS


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


def _letters(word: str) -> int:
    """The letters of a word as 64 bits: for each of 32 groups of letters whether it occurs, and whether twice.

    An edit changes at most two of the bits, a transposition none.
    """
    bits = 0
    for char in word:
        bit = 1 << (ord(char) % 32 * 2)
        bits |= bit << 1 if bits & bit else bit
    return bits


# Below so many candidates comparing letters first costs more than it saves.
_WORTH_COMPARING_LETTERS = 100


class NearIndex:
    """An immutable index over names for :meth:`search`.

    Args:
        keys: The names, folded and without spaces; repeats are dropped, and names below three letters.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        import numpy as np

        self._keys = [key for key in dict.fromkeys(keys) if len(key) >= _MIN_LENGTH - 1]
        self._letters = np.fromiter(map(_letters, self._keys), dtype=np.uint64, count=len(self._keys))
        # By the length of a name and the radius of the word that asks: for each piece its start, its size, and the
        # numbers of the names in which it has these letters.
        building: dict[int, dict[int, list[tuple[int, int, dict[str, list[int]]]]]] = {}
        for number, key in enumerate(self._keys):
            length = len(key)
            by_radius = building.get(length)
            if by_radius is None:
                asking = range(length - _LARGEST_RADIUS, length + _LARGEST_RADIUS + 1)
                radii = {radius(other) for other in asking if radius(other) >= abs(other - length)}
                by_radius = building[length] = {
                    limit: [(start, size, {}) for start, size in _pieces(length, limit + 1)] for limit in radii if limit < length
                }
            for pieces in by_radius.values():
                for start, size, bucket in pieces:
                    piece = key[start : start + size]
                    found = bucket.get(piece)
                    if found is None:
                        bucket[piece] = [number]
                    else:
                        found.append(number)
        self._pieces: dict[int, dict[int, list[tuple[int, int, dict[str, NDArray[np.int32]]]]]] = {
            length: {
                limit: [
                    (start, size, {piece: np.array(found, dtype=np.int32) for piece, found in bucket.items()})
                    for start, size, bucket in pieces
                ]
                for limit, pieces in by_radius.items()
            }
            for length, by_radius in building.items()
        }

    def __len__(self) -> int:
        return len(self._keys)

    def search(self, word: str) -> list[Near]:
        """All names within :func:`radius` edits of a word, nearest first, then by spelling.

        Args:
            word: Folded, without spaces.

        Returns:
            Every name of the index at that distance or less, the word itself included if it is a name.
        """
        length = len(word)
        limit = radius(length)
        found: list[NDArray[np.int32]] = []
        total = 0
        for other in range(length - limit, length + limit + 1):
            longer = length - other
            for index, (start, size, bucket) in enumerate(self._pieces.get(other, {}).get(limit, ())):
                left, right = index, limit - index
                first = max(0, start - left, start + longer - right)
                last = min(length - size, start + left, start + longer + right)
                for at in range(first, last + 1):
                    end = at + size
                    names = bucket.get(word[at:end])
                    if names is not None:
                        found.append(names)
                        total += len(names)
                    if end < length:
                        names = bucket.get(word[at : end - 1] + word[end])
                        if names is not None:
                            found.append(names)
                            total += len(names)
        return _verified(word, self._candidates(word, limit, found, total), limit)

    def _candidates(self, word: str, limit: int, found: list[NDArray[np.int32]], total: int) -> list[str]:
        """The names that share a piece with a word, less those whose letters already differ too much."""
        import numpy as np

        if not found:
            return []
        numbers = np.concatenate(found)
        if total > _WORTH_COMPARING_LETTERS:
            differing = self._letters[numbers] ^ np.uint64(_letters(word))
            numbers = numbers[_bits_set(differing) <= 2 * limit]
        keys = self._keys
        return [keys[number] for number in set(numbers.tolist())]


def _bits_set(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bits are set in each value."""
    import numpy as np

    counted: NDArray[np.uint8]
    if hasattr(np, "bitwise_count"):
        counted = np.bitwise_count(values)
    else:  # numpy 1
        counted = np.unpackbits(values.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1, dtype=np.uint8)
    return counted


def _verified(word: str, names: Iterable[str], limit: int) -> list[Near]:
    """Those of the names that lie within `limit` edits of a word, nearest first, then by spelling."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract_iter

    near = [Near(key, int(edits)) for key, edits, _ in extract_iter(word, names, scorer=OSA.distance, score_cutoff=limit)]
    near.sort(key=lambda one: (one.edits, one.key))
    return near


def scan(word: str, keys: Sequence[str]) -> list[Near]:
    """What :meth:`NearIndex.search` gives, by comparing with every key: slower for many words, quicker for few."""
    return _verified(word, keys, radius(len(word)))


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
_PLURAL = 0.3
_FAR = 99.0


_REPLACED = {
    one + other: _SOUND.get(frozenset((one, other)), _KEYBOARD_COST)
    for pair in {*_SOUND, *_KEYBOARD}
    for one in pair
    for other in pair
    if one != other
}


# Two letters that are written for one, or one for two: by the two letters, the one letter and the cost.
_ONE_FOR_TWO: dict[str, dict[str, float]] = {}
for _pairs, _cost in (
    ("ph-f ck-k ck-c", 0.3),
    ("cs-x ks-x ch-k ch-c sc-s qu-k ee-i ea-e ie-i ei-i ie-y ou-u oo-u au-o ai-a ey-y ae-e oe-e", 0.4),
):
    for _pair in _pairs.split():
        _ONE_FOR_TWO.setdefault(_pair[:2], {})[_pair[3]] = _cost
# How far apart two letters may stand in word and name and still be compared.
_BAND = 4


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
    alike = [_ONE_FOR_TWO.get(name[j - 1 : j + 1]) if j else None for j in range(columns)]
    replaced = _REPLACED
    before: list[float] = []
    above = [0.0]
    for cost in missing:
        above.append(above[-1] + cost)
    previous = ""
    for i, char in enumerate(word):
        extra = _PLURAL if char == "s" and i == len(word) - 1 else _dropped(word, i)
        mine = _ONE_FOR_TWO.get(previous + char)
        row = [_FAR] * (columns + 1)
        left = _FAR
        low = max(0, i - _BAND)
        if low == 0:
            row[0] = left = above[0] + extra
        for j in range(low, min(columns, i + _BAND + 1)):
            other = name[j]
            best = above[j]
            if char != other:
                best += replaced.get(char + other, 1.0)
                if above[j + 1] + extra < best:
                    best = above[j + 1] + extra
                if left + missing[j] < best:
                    best = left + missing[j]
                if i and j and previous == other and char == name[j - 1] and before[j - 1] + _TRANSPOSED < best:
                    best = before[j - 1] + _TRANSPOSED
            theirs = alike[j]
            if theirs is not None and char in theirs and above[j - 1] + theirs[char] < best:
                best = above[j - 1] + theirs[char]
            if mine is not None and other in mine and before[j] + mine[other] < best:
                best = before[j] + mine[other]
            row[j + 1] = left = best
        before, above = above, row
        previous = char
    return above[columns] + (0.5 if word[:1] != name[:1] else 0.0)
