"""What nearness alone says about a word: one name, several, or none, and why.

Nearness decides only when one concept is clearly nearest; every doubt ends without a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cramprisk.lexicon import Lexicon
from cramprisk.model import Candidate, Method
from cramprisk.names import Name
from cramprisk.nearness import slip_cost

__all__ = ["NearReader", "NearResult", "allowed_cost", "candidate"]

_OPPOSITES = (("hypo", "hyper"), ("pre", "peri"), ("pre", "post"), ("ante", "anti"), ("intra", "inter"), ("macro", "micro"))
_OPPOSITE_ENDS = (("zine", "zide"), ("zide", "zine"))

# Word parts that many different medicines share: what distinguishes a name is the rest, so only the rest counts
# when the number of tolerable slips is chosen. WHO, "The use of stems in the selection of INN", and common prefixes.
_STEMS_END = (
    "hydrochlorothiazide", "chlorothiazide", "thiazide", "prednisolone", "gliflozin", "glitazone", "gliptin", "glutide",
    "oprazole", "conazole", "nidazole", "bendazole", "azepam", "azolam", "floxacin", "oxacin", "cillin", "cycline",
    "mycin", "micin", "statin", "sartan", "dipine", "olol", "pril", "triptan", "setron", "parin", "xaban", "dronate",
    "dronic", "profen", "semide", "terol", "tidine", "azine", "caine", "sone", "solone", "olone", "onide", "tinib", "ciclib",
    "zomib", "rafenib", "zumab", "ximab", "mumab", "limab", "navir", "buvir", "vudine", "ciclovir", "vastatin",
    "barbital", "lukast", "fylline", "trexate", "platin", "rubicin", "taxel", "tecan", "bicin", "orphine", "codone", "morphone",
    "oxetine", "triptyline", "pramine", "peridol", "peridone", "idone", "afil", "steride", "osin", "amide", "amine", "idine",
    "thyroidism", "kalemia", "natremia", "calcemia", "glycemia", "magnesemia", "itis", "osis", "emia", "pathy", "stenosis",
)  # fmt: skip
_STEMS_START = (
    "hydroxy", "hydro", "methyl", "chlor", "cef", "sulfa", "sulf", "levo", "dextro", "dex", "beta", "peri", "ethinyl", "nor",
    "hyper", "hypo", "cardio", "neuro", "gastro", "osteo", "arthr",
)  # fmt: skip


class NearResult(NamedTuple):
    """What nearness says about one string.

    Attributes:
        name: The name it is taken for, or None.
        score: Its nearness, 0-100, or that of the nearest candidate.
        candidates: What else it might be, or, when nothing was taken, what was considered and why it was not.
    """

    name: Name | None
    score: float
    candidates: tuple[Candidate, ...]


# Slips allowed by the number of distinguishing letters (up to and including it), for names by their rarity
# (:meth:`~cramprisk.lexicon.Lexicon.rarity`). Brands are invented words, and any short string is a brand somewhere: a
# word near a lesser brand is more often another brand than a slip. Chosen on names taken out of the tables
# (``python -m bench.unknown_names``) and on the development list of misspellings.
_ALLOWED = (
    ((4, 0.5), (5, 1.0), (7, 1.2), (9, 1.6), (11, 2.0), (1_000_000, 2.4)),
    ((4, 0.3), (5, 0.5), (7, 1.0), (9, 1.2), (11, 1.6), (1_000_000, 2.0)),
    ((4, 0.0), (5, 0.3), (7, 0.6), (9, 0.8), (11, 1.2), (1_000_000, 1.6)),
)
# What a rarer name must be nearer by, to be as likely meant as a common one.
_RARITY_COST = (0.0, 0.4, 0.8)
# How much less likely, in the same measure, another name must be.
_MARGIN = 0.35
_LOOK_ALIKE_MARGIN = 1.0


def allowed_cost(length: int, rarity: int) -> float:
    """The largest :func:`~cramprisk.nearness.slip_cost` at which a name is taken.

    Args:
        length: Its distinguishing letters.
        rarity: From :meth:`~cramprisk.lexicon.Lexicon.rarity`.
    """
    if length < 4:
        return 0.0
    return next(cost for top, cost in _ALLOWED[rarity] if length <= top)


class _Neighbour(NamedTuple):
    """A name near a word: how unlikely it is meant, what its slips cost, its edits, its rarity, and the name."""

    unlikely: float
    cost: float
    edits: int
    rarity: int
    name: Name


def _own_part(name: str) -> tuple[int, int]:
    """Where the part of a name begins and ends that it does not share with many others.

    Examples:
        >>> _own_part("diazepam"), _own_part("furosemide"), _own_part("Lasix".lower())
        ((0, 2), (0, 4), (0, 5))
    """
    start, end = 0, len(name)
    for stem in _STEMS_END:
        if name.endswith(stem) and end - len(stem) >= 2:
            end -= len(stem)
            break
    for stem in _STEMS_START:
        if name.startswith(stem) and end - len(stem) >= 3:
            start = len(stem)
            break
    return start, end


def _own_cost(word: str, name: str) -> tuple[float, int]:
    """The cost of the slips in a name's own part, its shared stems left aside, and how many letters that part has.

    The word is cut where its ends fit the stems best.
    """
    start, end = _own_part(name)
    if (start, end) == (0, len(name)):
        return slip_cost(word, name), len(name)
    own, tail = name[start:end], name[end:]
    best = 99.0
    best_own = 99.0
    for shift in (0, -1, 1, -2, 2):
        cut = len(word) - len(tail) + shift
        if not start < cut <= len(word):
            continue
        whole = slip_cost(word[cut:], tail) if tail else float(len(word) - cut)
        for begin in (start,) if not start else (start - 1, start, start + 1):
            head = slip_cost(word[:begin], name[:start]) if start else 0.0
            mine = slip_cost(word[begin:cut], own)
            if head + mine + whole < best:
                best, best_own = head + mine + whole, mine
    return best_own, len(own)


def _of_another_stem(word: str, name: str) -> bool:
    """Whether a word has the stem of another group of medicines than a name: sildenavir is no slip of sildenafil."""
    mine = next((stem for stem in _STEMS_END if word.endswith(stem)), None)
    theirs = next((stem for stem in _STEMS_END if name.endswith(stem)), None)
    return mine is not None and theirs is not None and not mine.endswith(theirs) and not theirs.endswith(mine)


def _opposed(word: str, name: str) -> bool:
    """Whether a word may be the opposite of a name: hypo- against hyper-, -zine against -zide."""
    for one, other in _OPPOSITES:
        for mine, theirs in ((one, other), (other, one)):
            if name.startswith(mine) and word.startswith(theirs):
                return True
    for mine in _OPPOSITES[0]:
        # Hypo and hyper differ by two letters and mean the reverse: the word must have the prefix, whole.
        if name.startswith(mine) and not word.startswith(mine):
            return True
    return any(name.endswith(mine) and word.endswith(other) for mine, other in _OPPOSITE_ENDS)


class NearReader:
    """Looks up words by nearness in one lexicon. Immutable; may be shared between threads.

    Args:
        lexicon: The names to compare with.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._near = lru_cache(maxsize=65_536)(self._near_uncached)

    def near(self, word: str, without: frozenset[str] = frozenset()) -> NearResult:
        """What nearness alone says about a word or squashed phrase, for explanation, tests and measurements.

        Args:
            word: Folded, without spaces.
            without: Ids to leave out, to see what would become of their names if they were not in the tables.
        """
        return self._near_uncached(word, without) if without else self._near(word)

    def _near_uncached(self, word: str, without: frozenset[str] = frozenset()) -> NearResult:
        # A digit is never a slip: vitamin b3 is not vitamin d3, and a code is not another code.
        if len(word) < 4 or not word.isalpha():
            return NearResult(None, 0.0, ())
        best: dict[tuple[str, ...], _Neighbour] = {}
        fewest: dict[tuple[str, ...], int] = {}
        for key, edits in self.lexicon.near(word):
            if fewest and edits > min(fewest.values()) + 1:
                break
            cost: float | None = None
            for name in self.lexicon.spelled(key):
                if name.method is Method.ABBREVIATION or without.intersection(name.concepts):
                    continue
                fewest.setdefault(name.concepts, edits)
                cost = slip_cost(word, key) if cost is None else cost
                rarity = self.lexicon.rarity(name)
                one = _Neighbour(cost + _RARITY_COST[rarity], cost, edits, rarity, name)
                known = best.get(name.concepts)
                if known is None or one[:3] < known[:3]:
                    best[name.concepts] = one
        if not best:
            return NearResult(None, 0.0, ())
        # Of a concept its likeliest name speaks, and its nearest name says how few edits it is away.
        ranked = [one._replace(edits=fewest[concepts]) for concepts, one in best.items()]
        ranked.sort(key=lambda one: (one.unlikely, one.edits, one.name.text))
        return self._decide(word, ranked)

    def _decide(self, word: str, ranked: Sequence[_Neighbour]) -> NearResult:
        first = ranked[0]
        name, cost = first.name, first.cost
        key = "".join(self.lexicon.tokens_of(name.text))
        score = _score(cost, word, key)
        limit = allowed_cost(min(len(key), len(word)), first.rarity)
        own, letters = _own_cost(word, key)
        if cost > limit or own > allowed_cost(letters + 3, first.rarity):
            reason = f"too far to be sure ({cost:.1f} slips, {limit:.1f} allowed)"
            return NearResult(None, score, _candidates(word, ranked[:4], reason))
        # Whatever the names' rarity, a word is never taken for one name while it is as few edits from another.
        rivals = [one for one in ranked[1:] if one.edits <= first.edits or one.unlikely - first.unlikely < _MARGIN]
        # The farther the word is from its nearest name, the nearer a look-alike may be by chance.
        guard = max(_LOOK_ALIKE_MARGIN, cost)
        guarded = [
            one
            for one in ranked[1:]
            if one.unlikely - first.unlikely < guard
            and any(mine in self.lexicon.look_alikes(theirs) for mine in name.concepts for theirs in one.name.concepts)
        ]
        partners = [
            (away, partner)
            for mine in name.concepts
            for other_id in self.lexicon.look_alikes(mine)
            if (partner := self._named(other_id)) is not None
            and (away := slip_cost(word, "".join(self.lexicon.tokens_of(partner.text)))) - cost < guard
        ]
        if rivals or guarded or partners or _opposed(word, key) or _of_another_stem(word, key):
            if rivals:
                reason = "near: another name is as near"
            elif guarded or partners:
                reason = "near: listed as a look-alike, never decided by nearness"
            else:
                reason = "near: may be its opposite or of another group, never decided by nearness"
            kept = [one for one in ranked if one is first or one in guarded or one in rivals]
            others = [
                candidate(partner, _score(away, word, partner.text), reason)
                for away, partner in partners
                if all(partner is not one.name for one in kept)
            ]
            return NearResult(None, score, (*_candidates(word, kept, reason), *others)[:6])
        return NearResult(name, score, _candidates(word, ranked[1:4], "farther"))

    def _named(self, concept: str) -> Name | None:
        """The preferred name of a concept, as a name."""
        return self.lexicon.name(self.lexicon.key(self.lexicon.tokens_of(self.lexicon.concepts[concept].name)))


def _score(cost: float, word: str, key: str) -> float:
    return max(0.0, 100.0 * (1.0 - cost / max(len(word), len(key), 1)))


def _candidates(word: str, near: Iterable[_Neighbour], reason: str) -> tuple[Candidate, ...]:
    return tuple(candidate(one.name, _score(one.cost, word, one.name.text), reason) for one in near)


def candidate(name: Name, score: float, reason: str) -> Candidate:
    """A name as a candidate, with why it was not taken."""
    return Candidate(name.concepts, name.text, score, reason)
