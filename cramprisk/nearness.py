"""Which names are within a few slips of a word, and what those slips cost.

The index finds *every* name within the radius (a test compares it with brute force). A name that may be k edits away
is cut into k + 1 pieces; k edits cannot touch all of them, so at least one piece stands unchanged in the word, near its
old place. Of the places where it may stand only those are looked at where the edits left of it and right of it are few
enough for another piece not to do as well (Pass-Join with multi-match-aware selection; Li, Deng, Wang, Feng, VLDB
2011). A transposition counts as one edit and may straddle two pieces: it is counted to the right one, and the left one
is also looked up with its last letter exchanged for the next. What remains is compared by its letters, then by rapidfuzz.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from cramprisk.sorted_names import Block, NamesByLength, whole

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
_WORTH_COMPARING_LETTERS = 16


def _radii(length: int) -> list[int]:
    """The radii of the words that may ask for a name of so many letters."""
    asking = range(length - _LARGEST_RADIUS, length + _LARGEST_RADIUS + 1)
    return sorted({limit for other in asking if abs(other - length) <= (limit := radius(other)) < length})


def _seed(length: int, limit: int, index: int) -> int:
    """Where the checksum of a piece begins, so that those of different places differ."""
    return length << 8 | limit << 4 | index


class _Places(NamedTuple):
    """Where a piece of names of some length may stand in a word: its seed and size, and the first and last place."""

    seed: int
    size: int
    first: int
    last: int


@lru_cache(maxsize=256)
def _places(length: int) -> tuple[list[tuple[int, list[_Places]]], int]:
    """For a word of so many letters: by length of name the places of the pieces; and the radius."""
    limit = radius(length)
    by_length = []
    for other in range(max(0, length - limit), length + limit + 1):
        longer = length - other
        places = []
        for index, (start, size) in enumerate(_pieces(other, limit + 1)):
            left, right = index, limit - index
            first = max(0, start - left, start + longer - right)
            last = min(length - size, start + left, start + longer + right)
            places.append(_Places(_seed(other, limit, index), size, first, last))
        by_length.append((other, places))
    return by_length, limit


class NearIndex:
    """An immutable index over names for :meth:`search`.

    A piece is known by its checksum, length and place; names that only share a checksum are sorted out with the others that
    are too far away. The block is as the processor likes it, so that a mapped file need not be read:

    ==========  =============  =========================================================================
    `counts`    3 × ``u8``     how many names, checksums, and numbers
    `letters`   ``u8``         for each name its letters (:func:`_letters`)
    `pieces`    ``u4``         the checksums, sorted
    `starts`    ``u4``         for each checksum where its names begin in `numbers`, and their end
    `numbers`   ``u4``         the names that have a piece, by their number in the list of names
    ==========  =============  =========================================================================

    Args:
        names: The names, folded and without spaces.
        block: As :meth:`block_of` makes it of the same names; None to make it here, which takes a second for 100,000.
    """

    def __init__(self, names: NamesByLength, block: Block | None = None) -> None:
        import numpy as np

        self._keys = list(names)
        self._lengths = {length for length in range(names.longest + 1) if names.count(length)}
        content, at, _ = block or whole(self.block_of(names))

        def taken(kind: str, count: int) -> NDArray[Any]:
            nonlocal at
            part = np.frombuffer(content, kind, count, at)
            at += part.nbytes
            return np.require(part, requirements="A")

        names_in_all, pieces, places = taken("<u8", 3).tolist()
        self._letters: NDArray[np.uint64] = taken("<u8", names_in_all)
        self._pieces: NDArray[np.uint32] = taken("<u4", pieces)
        self._starts: NDArray[np.uint32] = taken("<u4", pieces + 1)
        self._numbers: NDArray[np.uint32] = taken("<u4", places)

    @classmethod
    def of(cls, names: Iterable[str]) -> NearIndex:
        """The index over some names; repeats are dropped, and names below three letters."""
        return cls(NamesByLength(whole(NamesByLength.block_of(name for name in names if len(name) >= _MIN_LENGTH - 1))))

    @staticmethod
    def block_of(names: NamesByLength) -> bytes:
        """The block of some names. Needs the standard library only, since it is made when the package is built."""
        letters = array("Q")
        found: list[int] = []
        for number, name in enumerate(names):
            letters.append(_letters(name))
            length = len(name)
            for limit in _radii(length):
                for index, (start, size) in enumerate(_pieces(length, limit + 1)):
                    piece = name[start : start + size].encode("utf-8", "replace")
                    found.append(crc32(piece, _seed(length, limit, index)) << 32 | number)
        found.sort()
        pieces, starts, numbers = array("I"), array("I"), array("I")
        last = -1
        for at, one in enumerate(found):
            if one >> 32 != last:
                last = one >> 32
                pieces.append(last)
                starts.append(at)
            numbers.append(one & 0xFFFFFFFF)
        starts.append(len(numbers))
        counts = array("Q", (len(letters), len(pieces), len(numbers)))
        parts = [counts, letters, pieces, starts, numbers]
        if sys.byteorder == "big":
            for part in parts:
                part.byteswap()
        content = b"".join(part.tobytes() for part in parts)
        return content + bytes(-len(content) % 8)

    def __len__(self) -> int:
        return len(self._letters)

    def search(self, word: str) -> list[Near]:
        """All names within :func:`radius` edits of a word, nearest first, then by spelling.

        Args:
            word: Folded, without spaces.

        Returns:
            Every name of the index at that distance or less, the word itself included if it is a name.
        """
        length = len(word)
        by_length, limit = _places(length)
        # No name has half a character in it, so what stands for one does not matter.
        asked: list[int] = []
        for other, places in by_length:
            if other not in self._lengths:
                continue
            for seed, size, first, last in places:
                for at in range(first, last + 1):
                    end = at + size
                    asked.append(crc32(word[at:end].encode("utf-8", "replace"), seed))
                    if end < length:
                        asked.append(crc32((word[at : end - 1] + word[end]).encode("utf-8", "replace"), seed))
        return _verified(word, self._candidates(word, limit, asked), limit)

    def _candidates(self, word: str, limit: int, asked: list[int]) -> list[str]:
        """The names that share a piece with a word, less those whose letters already differ too much."""
        import numpy as np

        if not asked or not len(self._pieces):
            return []
        pieces = np.fromiter(asked, np.uint32, len(asked))
        # Without the last, every place is one of the array.
        places = self._pieces[:-1].searchsorted(pieces)
        places = places[self._pieces[places] == pieces]
        starts, ends = self._starts[places].tolist(), self._starts[places + 1].tolist()
        if not starts:
            return []
        numbers = np.concatenate([self._numbers[start:end] for start, end in zip(starts, ends, strict=True)])
        if len(numbers) > _WORTH_COMPARING_LETTERS:
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
