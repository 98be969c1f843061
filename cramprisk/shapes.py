"""Which texts of a column must read alike: those that differ in strengths, forms and directions only.

"Furosemide 40 MG Oral Tablet" and "furosemide 20 mg tab" hang on "furosemide" alone. A *plain part* is a run of
characters between spaces that is made of numbers, letters and the tables' ordinary words (units, forms, routes, directions),
none of which is a name, can begin a code, or says anything about a name. Texts have one *shape* when they are the same but
for plain parts: each run of those counts as one, and a run at the end as none. Where

* the entry says nothing but known names beside plain words (:meth:`~cramprisk.matcher.Matcher.match_plainly`), and
* no name of the tables stands on words of a plain part (names are looked up only where two words stand beside each other
  that do so in some name),

every name is found in the same words, nothing is left over, and nothing is said about the names, whichever the plain
parts are. The route that plain words may name is no part of a cell's reading. A test compares readings by shape with
readings of the texts themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from cramprisk.codes import codes_in, may_hold_code
from cramprisk.entries import Entry, Hit, asides, is_plain
from cramprisk.lexicon import Lexicon
from cramprisk.matcher import STANDS_FOR_MORE, Matcher
from cramprisk.model import Kind
from cramprisk.names import Name
from cramprisk.qualifiers import PHRASES, says_nothing
from cramprisk.text import tokenise

__all__ = ["Shapes", "named_alone"]

# Character by character, so that a long part that is none is left at once.
_PLAIN_PART = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z]|[/-](?=[0-9A-Za-z])|(?<=[0-9])\.(?=[0-9]))*%?|%")
_STANDS_FOR_PLAIN = "\0"
_LONGEST = 300
# What stands before plain parts must end so: behind another sign their gap would not be a plain space, and brackets may
# be the tag of a code system, which is one at the end of an entry only.
_ENDS = re.compile(r"[A-Za-z0-9\]]$")
# Words with nothing between them that may end an entry or a name.
_ONE_PIECE = re.compile(r"[a-z][a-z0-9]*(?:[ /'-][a-z0-9]+)*")
_KEPT = 65_536


class _Part(NamedTuple):
    """What stands between two spaces.

    Attributes:
        plain: Whether it is plain.
        words: Its words.
        first: The first of them; empty if it has none.
        last: The last of them, likewise.
        may_name: Whether two of them begin a name, so that it may be in the text.
    """

    plain: bool
    words: tuple[str, ...]
    first: str
    last: str
    may_name: bool


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
        self._tails: dict[str, str] = {}
        self._beside, self._begin = _pairs(lexicon.keys())
        # No plain part is a trigger phrase, and none may begin or go on with one.
        self._phrases = {(pair[0], pair[1]) for pair in PHRASES[Kind.DRUG] if len(pair) > 1}
        beside = self._beside | self._phrases
        plain = set(filter(self._is_plain, {word for pair in beside for word in pair}))
        self.going_on = frozenset(
            [one for one, other in beside if other in plain] + [other for one, other in self._begin if one in plain]
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
        # Most texts are a name and then plain parts only, and the same plain parts stand behind many names.
        written = text.split(" ")
        parts = [self._parts.get(one) or self._part(one) for one in written]
        at = next((at for at, part in enumerate(parts) if part.plain), 0)
        begins_with = self._tail(" ".join(written[at:])) if at else ""
        if begins_with:
            pair = (parts[at - 1].last, begins_with)
            if pair[0] and pair not in self._beside and pair not in self._phrases:
                return " ".join(written[:at]).lower() if _ENDS.search(written[at - 1]) else None
        return self._by_parts(written, parts)

    def _tail(self, tail: str) -> str:
        """The first word of what is nothing but plain parts with words; empty if it is more, or less."""
        known = self._tails.get(tail)
        if known is not None:
            return known
        one, _, rest = tail.partition(" ")
        part = self._parts.get(one) or self._part(one)
        begins_with = part.first if part.plain else ""
        after = self._tail(rest) if rest and begins_with else ""
        if rest and (not after or (part.last, after) in self._phrases):
            begins_with = ""
        if begins_with and (part.may_name or (part.last, after) in self._begin):
            parts = [self._parts.get(one) or self._part(one) for one in tail.split(" ")]
            if self._named(parts):
                begins_with = ""
        if len(self._tails) >= _KEPT:
            self._tails.clear()
        self._tails[tail] = begins_with
        return begins_with

    def _by_parts(self, written: Sequence[str], parts: list[_Part]) -> str | None:
        last, last_at, last_is_plain = "", 0, False
        doubtful = False
        for at, (plain, _, first, final, may_name) in enumerate(parts):
            if not final:
                continue
            pair = (last, first)
            if pair in self._phrases:
                parts[last_at] = parts[last_at]._replace(plain=False)
                parts[at] = parts[at]._replace(plain=False)
            if (plain and may_name) or pair in (self._begin if last_is_plain else self._beside if plain else ()):
                doubtful = True
            last, last_at, last_is_plain = final, at, plain
        for at in self._named(parts) if doubtful else ():
            # What a name stands on is not plain here: it stays in the shape as it is.
            parts[at] = parts[at]._replace(plain=False)
        kept: list[str] = []
        for one, part in zip(written, parts, strict=True):
            if not part.plain:
                kept.append(one)
            elif not kept or kept[-1] != _STANDS_FOR_PLAIN:
                kept.append(_STANDS_FOR_PLAIN)
        if kept[-1] == _STANDS_FOR_PLAIN:
            kept.pop()
        return " ".join(kept).lower() if kept and _ENDS.search(kept[-1]) else None

    def _named(self, parts: Sequence[_Part]) -> set[int]:
        """The parts that a name of several words stands on."""
        lexicon = self._lexicon
        words = [(word, at) for at, part in enumerate(parts) for word in part.words]
        found: set[int] = set()
        for start, (word, _) in enumerate(words):
            for length in lexicon.lengths(word):
                window = words[start : start + length]
                key = lexicon.key([one for one, _ in window])
                if len(window) == length and (lexicon.name(key) is not None or key in lexicon.ambiguous):
                    found.update(at for _, at in window)
        return found

    def _part(self, written: str) -> _Part:
        words = tuple([token.text for token in tokenise(written)])
        plain = (
            _PLAIN_PART.fullmatch(written) is not None
            and written.count("-") < 2  # a code of products has two
            and all(map(self._is_plain, words))
            and self._phrases.isdisjoint(pairwise(words))
            and not may_hold_code(written)
            and not asides(f"x ({written})", Kind.DRUG)
        )
        if len(self._parts) >= _KEPT:
            self._parts.clear()
        first, last = (words[0], words[-1]) if words else ("", "")
        part = _Part(plain, words, first, last, any(pair in self._begin for pair in pairwise(words)))
        self._parts[written] = part
        return part

    def _is_plain(self, word: str) -> bool:
        """Whether a word of an entry is plain: a number, letter or ordinary word, and nothing else it could be."""
        lexicon = self._lexicon
        return (
            is_plain(word, lexicon)
            and (word,) not in PHRASES[Kind.DRUG]
            and word not in STANDS_FOR_MORE
            and lexicon.name(word) is None
            and word not in lexicon.ambiguous
        )


def named_alone(text: str, matcher: Matcher) -> tuple[Name, frozenset[str]] | None:
    """The name of a medicine that is all of an entry, where nothing else in it says anything, without reading it.

    Args:
        text: The words, in lower case.
        matcher: The names to look it up in.

    Returns:
        The one name that :meth:`~cramprisk.matcher.Matcher.match_plainly` finds in such an entry, and how the tables spell
        its words; None if that is not known beforehand, as where a word may be something else too.

    Examples:
        >>> from cramprisk import Checker
        >>> name, spelled = named_alone("frusemide", Checker.default().drugs)
        >>> name.concepts, sorted(spelled)
        (('furosemide',), ['furosemide'])
        >>> named_alone("furosemide stopped", Checker.default().drugs)
    """
    lexicon = matcher.lexicon
    if not _ONE_PIECE.fullmatch(text) or may_hold_code(text):
        return None
    tokens = tokenise(text)
    words = tuple([token.text for token in tokens])
    key = " ".join(words)
    name = lexicon.name(key)
    if name is None or key in lexicon.ambiguous or "free" in words:
        return None
    if len(words) == 1 and (len(key) < 3 or key in lexicon.words or key in STANDS_FOR_MORE):
        return None
    if not says_nothing(tokens, Kind.DRUG, "") or codes_in(text, lexicon) != ([], [], []):
        return None
    hit = Hit(0, len(words), name, 100.0, False)
    return name, frozenset(matcher.respelt(Entry(tuple(tokens), words), [hit]).values())


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
