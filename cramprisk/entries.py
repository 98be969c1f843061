"""An entry under work: its tokens, the names found on them, and what lies between."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from cramprisk.lexicon import Lexicon
from cramprisk.names import Name
from cramprisk.qualifiers import WORDS as QUALIFIER_WORDS
from cramprisk.text import Token

__all__ = ["ADJACENT", "HARD_GAP", "SOFT_GAP", "Entry", "Hit", "is_plain"]

# Separators after which a new name may begin; a run of tokens is never read across the first kind.
HARD_GAP = re.compile(r"[;\n\r\t|\u2192]|[-=]>|[\s,(]\?")
SOFT_GAP = re.compile(r"^[\s\-.']*$")
ADJACENT = re.compile(r"^[\s\-]*$")
_FORM_AND_STRENGTH = re.compile(r"([a-z]{3,})\d[\d.]*[a-z]*")


@lru_cache(maxsize=1024)
def _is_hard(gap: str) -> bool:
    return HARD_GAP.search(gap) is not None


class Hit(NamedTuple):
    """A name found on tokens `start` to `end` (exclusive)."""

    start: int
    end: int
    name: Name
    score: float
    near: bool


class Entry(NamedTuple):
    """An entry under work: its tokens as they are compared, and where each stands."""

    text: str
    tokens: tuple[Token, ...]
    words: tuple[str, ...]

    def hard(self, start: int, end: int) -> bool:
        """Whether a new name may begin between some of the tokens, so that no name runs across."""
        return any(token.gap != " " and _is_hard(token.gap) for token in self.tokens[start + 1 : end])

    def soft(self, start: int, end: int) -> bool:
        """Whether only spaces, hyphens and the like stand between the tokens."""
        return all(SOFT_GAP.match(self.tokens[i].gap) for i in range(start + 1, end))


def is_plain(word: str, lexicon: Lexicon) -> bool:
    """Whether a token is a number or an ordinary word, that is, no part of a name."""
    if word[0].isdigit() or len(word) == 1 or word in lexicon.words or word in QUALIFIER_WORDS:
        return True
    glued = None if word.isalpha() else _FORM_AND_STRENGTH.fullmatch(word)
    known = lexicon.words.get(glued[1]) if glued else None
    return known is not None and known.kind in ("form", "unit", "release", "packaging")
