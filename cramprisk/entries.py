"""An entry under work: its tokens, the names found on them, and what lies between."""

from __future__ import annotations

import re
from typing import NamedTuple

from cramprisk.lexicon import Lexicon
from cramprisk.model import Kind
from cramprisk.names import Name
from cramprisk.qualifiers import WORDS as QUALIFIER_WORDS
from cramprisk.text import Token

__all__ = ["ADJACENT", "HARD_GAP", "SOFT_GAP", "Entry", "Hit", "asides", "is_plain"]

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
        return any(HARD_GAP.search(self.tokens[i].gap) for i in range(start + 1, end))

    def soft(self, start: int, end: int) -> bool:
        """Whether only spaces, hyphens and the like stand between the tokens."""
        return all(SOFT_GAP.match(self.tokens[i].gap) for i in range(start + 1, end))


def is_plain(word: str, lexicon: Lexicon) -> bool:
    """Whether a token is a number or an ordinary word, that is, no part of a name."""
    if word[0].isdigit() or len(word) == 1 or word in lexicon.words or word in QUALIFIER_WORDS:
        return True
    glued = _FORM_AND_STRENGTH.fullmatch(word)
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
