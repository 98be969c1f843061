"""An entry under work: its tokens, the names found on them, and what lies between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cramprisk.lexicon import Ambiguity, Lexicon
from cramprisk.model import Kind
from cramprisk.names import Name
from cramprisk.qualifiers import WORDS as QUALIFIER_WORDS
from cramprisk.text import Token

__all__ = ["ADJACENT", "HARD_GAP", "SOFT_GAP", "Entry", "Hit", "asides", "covering", "is_plain", "route_of"]

# Separators after which a new name may begin; a run of tokens is never read across the first kind.
HARD_GAP = re.compile(r"[;\n\r\t|\u2192]|[-=]>|[\s,(]\?")
SOFT_GAP = re.compile(r"^[\s\-.']*$")
ADJACENT = re.compile(r"^[\s\-]*$")
_FORM_AND_STRENGTH = re.compile(r"([a-z]{3,})\d[\d.]*[a-z]*")
# "(Teva UK Ltd)", "[Desitin Pharma GmbH]": the maker, as prescribing systems write it behind a product.
_MAKER = re.compile(
    r"[(\[][^()\[\]]*(?:\([^()]*\))?[^()\[\]]*\b(?:ltd|limited|plc|gmbh|llc|inc|corp|s\.?p\.?a|b\.?v|pharmaceuticals?|laborator\w+)"
    r"\b\.?[^()\[\]]*[)\]]"
)
# Hierarchical Condition Category, as American problem lists write it behind many diagnoses; no liver cancer.
_BILLING = re.compile(r"\((?:cms[-/ ]?)?hcc\)")
# The kind of a thing, as SNOMED CT writes it behind a fully specified name: "Anaemia (disorder)".
_TAG = re.compile(
    r"\((?:disorder|finding|situation|event|procedure|regime/therapy|morphologic abnormality|observable entity|context-dependent "
    r"category|substance|product|medicinal product|medicinal product form|clinical drug|real clinical drug)\)\s*$"
)
# RxNorm writes the number of the approval before some products: "NDA020800 0.3 ML Epinephrine".
_APPROVAL = re.compile(r"^nda\d{6}\b")


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


def asides(text: str, kind: Kind) -> list[tuple[int, int]]:
    """Where an entry holds what is no part of a name: a maker or a billing category in brackets, the tag of a code system."""
    lowered = text.lower()
    if len(lowered) != len(text):
        return []
    found: list[tuple[int, int]] = []
    if "(" in text or "[" in text:
        brackets = (_MAKER, _TAG) if kind is Kind.DRUG else (_BILLING, _TAG)
        found = [one.span() for aside in brackets for one in aside.finditer(lowered) if text[: one.start()].strip()]
    approval = _APPROVAL.match(lowered) if kind is Kind.DRUG else None
    return [*found, approval.span()] if approval else found


Found = tuple[int, int, int, Name | Ambiguity]


def covering(found: Sequence[Found], words: Sequence[str]) -> list[Found]:
    """The names, without overlap, that together leave fewest letters unread; of several such choices the fewest names.

    Words of a condition may stand in any order, so that "low potassium, high sodium" also holds "potassium high".
    Taking the longest name first would read that; covering the whole reads what was written.
    """
    count = len(words)
    by_end: dict[int, dict[int, Found]] = {}
    for one in found:
        by_end.setdefault(one[2], {})[one[1]] = one
    best: list[tuple[int, int, list[Found]]] = [(0, 0, [])]
    for end in range(1, count + 1):
        top = best[end - 1]
        for start, one in by_end.get(end, {}).items():
            covered, fewer, chosen = best[start]
            choice = (covered - one[0], fewer - 1)
            if choice > top[:2]:
                top = (*choice, [*chosen, one])
        best.append(top)
    return best[count][2]


# The most specific first: a nasal spray is also a spray, an oral inhaler is inhaled.
_ROUTES = "ophthalmic otic nasal vaginal rectal transdermal inhaled injected topical oral".split()


def route_of(tokens: Sequence[Token], lexicon: Lexicon) -> str | None:
    """Where the entry says the medicine goes: the most specific of its words decides."""
    known = lexicon.words.get
    said = [word.route for token in tokens if (word := known(token.text)) and word.route]
    return next((route for route in _ROUTES if route in said), None) if said else None
