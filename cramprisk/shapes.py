"""Which texts of a column must read alike: those that differ in strengths, forms and directions only.

"Furosemide 40 MG Oral Tablet" and "furosemide 20 mg tab" hang on "furosemide" alone. A *plain part* is a run of
characters between spaces that is made of numbers, letters and the tables' ordinary words (units, forms, routes, directions),
none of which is a name, can begin a code, or says anything about a name. Texts have one *shape* when they are the same but
for plain parts: each run of those counts as one, and a run at the end as none. Where

* the entry says nothing but known names beside plain words (:meth:`~cramprisk.matcher.Matcher.match_plainly`), and
* no name of the tables goes on from a word of the text into a plain part, or begins in one (the pairs of words that
  stand beside each other in a name are known),

every name is found in the same words, nothing is left over, and nothing is said about the names, whichever the plain
parts are. The route that plain words may name is no part of a cell's reading. A test compares readings by shape with
readings of the texts themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from cramprisk.codes import may_hold_code
from cramprisk.entries import asides, is_plain
from cramprisk.lexicon import Lexicon
from cramprisk.matcher import STANDS_FOR_MORE
from cramprisk.model import Kind
from cramprisk.qualifiers import BEGINS, PHRASES
from cramprisk.text import tokenise

__all__ = ["Shapes"]

# Character by character, so that a long part that is none is left at once.
_PLAIN_PART = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z]|[/-](?=[0-9A-Za-z])|(?<=[0-9])\.(?=[0-9]))*%?|%")
_STANDS_FOR_PLAIN = "\0"
_LONGEST = 300
# What stands before plain parts must end so: behind another sign their gap would not be a plain space, and brackets may
# be the tag of a code system, which is one at the end of an entry only.
_ENDS = re.compile(r"[A-Za-z0-9\]]$")
_KEPT = 65_536


class _Part(NamedTuple):
    """What stands between two spaces: whether it is plain, and its first and last word (empty if it has none)."""

    plain: bool
    first: str
    last: str


class Shapes:
    """The shapes of entries of medicines, against one lexicon.

    Attributes:
        going_on: Words from which a name of the tables goes on into a plain part. An entry of which the tables spell a
            word so (:meth:`~cramprisk.matcher.Matcher.match_plainly`) speaks for itself only.

    Args:
        lexicon: The names to read against. Going through them takes some tenths of a second.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._parts: dict[str, _Part] = {}
        self._beside, self._begin = _pairs(lexicon.keys())
        # No plain part begins a trigger phrase, and none may be the second word of one.
        self._beside |= {(pair[0], pair[1]) for pair in PHRASES[Kind.DRUG] if len(pair) > 1}
        self.going_on = frozenset(
            [one for one, other in self._beside if self._is_plain(other)]
            + [other for one, other in self._begin if self._is_plain(one)]
        )

    def of(self, text: str) -> str | None:
        r"""What the texts have in common that must read as this one if it is read plainly; None if that cannot be said.

        Examples:
            >>> from cramprisk import Checker
            >>> shapes = Shapes(Checker.default().drugs.lexicon)
            >>> shapes.of("Furosemide 40 MG Oral Tablet"), shapes.of("furosemide 20 mg stopped")
            ('furosemide', 'furosemide \x00 stopped')
        """
        if len(text) > _LONGEST or not text.isascii() or "," in text or _STANDS_FOR_PLAIN in text:
            return None
        written = text.split(" ")
        known = self._parts
        parts = [known.get(one) or self._part(one) for one in written]
        last, last_at, last_is_plain = "", 0, False
        for at, (plain, first, final) in enumerate(parts):
            # A plain part that a name may reach, or begin with, is not one here: it stays in the shape as it is.
            if last_is_plain and (last, first) in self._begin:
                parts[last_at] = parts[last_at]._replace(plain=False)
                last_is_plain = False
            reached = plain and not last_is_plain and (last, first) in self._beside
            if reached:
                parts[at] = parts[at]._replace(plain=False)
            if final:
                last, last_at, last_is_plain = final, at, plain and not reached
        kept: list[str] = []
        for one, part in zip(written, parts, strict=True):
            if not part.plain:
                kept.append(one)
            elif not kept or kept[-1] != _STANDS_FOR_PLAIN:
                kept.append(_STANDS_FOR_PLAIN)
        if kept[-1] == _STANDS_FOR_PLAIN:
            kept.pop()
        return " ".join(kept).lower() if kept and _ENDS.search(kept[-1]) else None

    def _part(self, written: str) -> _Part:
        words = [token.text for token in tokenise(written)]
        plain = (
            _PLAIN_PART.fullmatch(written) is not None
            and written.count("-") < 2  # a code of products has two
            and all(map(self._is_plain, words))
            and not any(pair in self._begin for pair in pairwise(words))
            and not may_hold_code(written)
            and not asides(f"x ({written})", Kind.DRUG)
        )
        if len(self._parts) >= _KEPT:
            self._parts.clear()
        part = self._parts[written] = _Part(plain, words[0] if words else "", words[-1] if words else "")
        return part

    def _is_plain(self, word: str) -> bool:
        """Whether a word of an entry is plain: a number, letter or ordinary word, and nothing else it could be."""
        lexicon = self._lexicon
        return (
            is_plain(word, lexicon)
            and word not in BEGINS[Kind.DRUG]
            and word not in STANDS_FOR_MORE
            and lexicon.name(word) is None
            and word not in lexicon.ambiguous
        )


def _pairs(keys: Iterable[str]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The pairs of words that stand beside each other in a name, and those that begin one."""
    beside: set[tuple[str, str]] = set()
    begin: set[tuple[str, str]] = set()
    for key in keys:
        if " " in key:
            words = key.split(" ")
            begin.add((words[0], words[1]))
            beside.update(pairwise(words))
    return beside, begin
