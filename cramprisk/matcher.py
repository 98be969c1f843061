"""The one engine: an entry in, a :class:`~cramprisk.model.Match` out. A list is its entries, a column its distinct strings.

Order of work: codes; known names as runs of whole tokens, longest first; nearness for what is left over and looks
like a name; then the decision. Nearness decides only when one concept is clearly nearest. Which error is worse was
decided once: taking one medicine for another is the worst, so every doubt ends in ``ambiguous`` or ``unrecognised``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from cramprisk.lexicon import CONDITION_FILLERS, Ambiguity, Lexicon, Name
from cramprisk.model import Candidate, Kind, Match, Mention, Method, Qualifier, Status
from cramprisk.nearness import slip_cost
from cramprisk.qualifiers import WORDS as QUALIFIER_WORDS
from cramprisk.qualifiers import Scope, scopes, strongest
from cramprisk.text import Token, condition_token, split_list, tokenise

__all__ = ["MAX_ENTRY", "Matcher", "NearResult"]

MAX_ENTRY = 5_000
"""Characters of one entry beyond which it is no entry of a list; it comes back as unrecognised, unread."""

_HEADING = re.compile(
    r"(?i)\s*(?:not taking|stopped|discontinued|d/c'?d?|allerg\w*|intoleran\w*|fhx?|family h(?:istory|x)|denies|held)\s*:"
    r"|\s*allergic to\b"
)

_NOTHING = frozenset(
    "none; nil; na; n/a; no; unknown; not known; not applicable; none known; none reported; no medication; no medications; "
    "no meds; no medicine; no medicines; no drug; no drugs; no drug therapy; no regular medication; no regular medications; "
    "no current medications; no current medication; nkda; nka; nkma; null; nan; no known drug allergies; none recorded; "
    "no conditions; no known conditions; no past medical history; no significant past medical history; nothing; missing; "
    "no other medications; no concomitant medications; not reported; not available".split("; ")
)

# Separators after which a new name may begin; a run of tokens is never read across the first kind.
_HARD_GAP = re.compile(r"[;\n\r\t|]")
_SOFT_GAP = re.compile(r"^[\s\-.']*$")
_ADJACENT = re.compile(r"^[\s\-]*$")
# Concepts after which "calcium", "magnesium" or "zinc" is a second mineral rather than the salt of the first name.
_NO_SALT_AFTER = ("minerals", "vitamins", "bisphosphonates")
_LETTERS_THEN_DIGITS = re.compile(r"^([a-z]{4,})\d+[a-z]{0,4}$")

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


_MARKED_CODE = re.compile(
    r"\b(rx ?cui|rx ?norm|atc|icd[ -]?10[ -]?cm|icd[ -]?10|icd|snomed[ -]?ct|snomed|sctid)[ :=#-]+"
    r"([a-z]\d[0-9a-z.]{1,6}|\d{3,18})\b"
)
_BARE_CODE = {
    Kind.DRUG: ("atc", re.compile(r"\b[A-Z]\d{2}[A-Z]{2}\d{2}\b")),
    Kind.CONDITION: (
        "icd10cm",
        re.compile(r"(?<![A-Z0-9.])[A-TV-Z]\d[0-9AB]\.[0-9A-Z]{1,4}\b|^\s*[A-TV-Z]\d[0-9AB][0-9A-Z]{0,4}\s*$"),
    ),
}
_CODE_SYSTEM = {"r": "rxcui", "a": "atc", "i": "icd10cm", "s": "snomed"}


class _Hit(NamedTuple):
    """A name found on tokens `start` to `end` (exclusive)."""

    start: int
    end: int
    name: Name
    score: float
    near: bool


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


# Slips allowed by the number of distinguishing letters (up to and including it). Brands are invented words, and any
# short string is a brand somewhere: a word near a brand is more often another brand than a slip. Chosen on names
# taken out of the tables (``python -m bench.unknown_names``) and on the development list of misspellings.
_ALLOWED = {
    True: ((4, 0.3), (5, 0.5), (7, 1.0), (9, 1.2), (11, 1.6), (MAX_ENTRY, 2.0)),
    False: ((4, 0.0), (5, 0.3), (7, 0.6), (9, 0.8), (11, 1.2), (MAX_ENTRY, 1.6)),
}


def allowed_cost(length: int, generic: bool) -> float:
    """The largest :func:`~cramprisk.nearness.slip_cost` at which a name is taken.

    Args:
        length: Its distinguishing letters.
        generic: Whether it is a substance, class or condition rather than a brand.
    """
    if length < 4:
        return 0.0
    return next(cost for top, cost in _ALLOWED[generic] if length <= top)


# How much farther another name must be, for substances and for brands, the less known and the well known ones.
_MARGIN = {False: {True: 0.3}, True: {False: 0.6, True: 0.4}}
_LOOK_ALIKE_MARGIN = 1.0
# Brands stand best known first; so many of them are as likely to be meant by a slip as the substance is.
_WELL_KNOWN = 3


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


class _Entry(NamedTuple):
    """An entry under work: its tokens as they are compared, and where each stands."""

    text: str
    tokens: tuple[Token, ...]
    words: tuple[str, ...]

    def hard(self, start: int, end: int) -> bool:
        return any(_HARD_GAP.search(self.tokens[i].gap) for i in range(start + 1, end))

    def soft(self, start: int, end: int) -> bool:
        return all(_SOFT_GAP.match(self.tokens[i].gap) for i in range(start + 1, end))


class Matcher:
    """Reads entries of one kind against one lexicon. Immutable; may be shared between threads.

    Args:
        lexicon: The names to read against.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.kind = lexicon.kind
        self._near = lru_cache(maxsize=65_536)(self._near_uncached)

    # ------------------------------------------------------------------ one entry, many entries

    def match_many(self, texts: Sequence[str]) -> list[Match]:
        """One match per text, in order; equal texts are read once."""
        known: dict[str, Match] = {}
        for text in texts:
            if text not in known:
                known[text] = self.match(text)
        return [known[text] for text in texts]

    def match(self, text: str) -> Match:
        """What one entry says. Never raises on text."""
        if len(text) > MAX_ENTRY:
            return Match(text, self.kind, Status.UNRECOGNISED, not_understood=(f"{text[:40]}…",))
        everything = tokenise(text)
        if not everything or " ".join(token.text for token in everything) in _NOTHING:
            return Match(text, self.kind, Status.EMPTY)
        coded, code_spans, code_notes = self._codes(text)
        entry = self._entry(text, everything, code_spans)
        hits, unsettled, weak = self._exact(entry)
        leftovers = self._leftovers(entry, hits, unsettled)
        near_hits, candidates, unread = self._read_leftovers(entry, hits, leftovers)
        hits = sorted([*hits, *near_hits])
        if not hits and not unsettled and not unread and not coded:
            hits = weak
        settled, open_ones = self._settle(unsettled, hits, coded)
        hits = self._without_wider(sorted([*hits, *settled]), coded)
        mentions = self._qualified(text, everything, entry, hits, coded)
        for start, end, ambiguity in open_ones:
            candidates = [
                *(
                    Candidate(
                        tuple(meaning.split("+")),
                        " + ".join(self.lexicon.concepts[one].name for one in meaning.split("+")),
                        100.0,
                        f"“{ambiguity.text}” has several meanings",
                    )
                    for meaning in ambiguity.meanings
                ),
                *candidates,
            ]
            unread.append((start, end))
        words = [text[entry.tokens[start].start : entry.tokens[end - 1].end] for start, end in sorted(unread)] + code_notes
        about = (concept for one in mentions if one.qualifier is not Qualifier.PREVENTION for concept in one.concepts)
        if mentions:
            status = Status.MATCHED
        elif open_ones or any(candidate.reason.startswith("near") for candidate in candidates):
            status = Status.AMBIGUOUS
        else:
            status = Status.UNRECOGNISED
            words = words or [text.strip()[:80]]
        return Match(
            text,
            self.kind,
            status,
            tuple(dict.fromkeys(about)),
            tuple(mentions),
            tuple(dict.fromkeys(candidates))[:8],
            tuple(dict.fromkeys(words)),
        )

    def split(self, text: str) -> list[str]:
        """The entries of a list typed on one line or several; known names with a comma inside stay whole."""
        if len(text) > MAX_ENTRY * 200 or "," not in text:
            return split_list(text)
        whole = []
        place = 0
        for line in split_list(text, may_split=[(0, len(text))]):
            offset = place = text.find(line, place)
            if _HEADING.match(line):
                # "Not taking: lasix, hctz": the heading speaks of all that follows it.
                whole.append((offset, offset + len(line)))
                continue
            tokens = tokenise(line)
            entry = self._entry(line, tokens, [])
            hits, unsettled, _ = self._exact(entry)
            for start, end in [(hit.start, hit.end) for hit in hits] + [(one[0], one[1]) for one in unsettled]:
                # The words that only describe the name before them ("tablet, film coated") stay with it.
                last = end
                while last < len(entry.tokens) and self._plain(entry.words[last]):
                    last += 1
                whole.append((offset + entry.tokens[start].start, offset + entry.tokens[last - 1].end))
        return split_list(text, may_split=whole)

    # ------------------------------------------------------------------ tokens and codes

    def _entry(self, text: str, tokens: Sequence[Token], taken: Sequence[tuple[int, int]]) -> _Entry:
        kept = [token for token in tokens if not any(low <= token.start < high for low, high in taken)]
        if self.kind is Kind.DRUG:
            return _Entry(text, tuple(kept), tuple(token.text for token in kept))
        levelled = [(token, condition_token(token.text)) for token in kept]
        content = [pair for pair in levelled if pair[1] not in CONDITION_FILLERS] or levelled
        return _Entry(text, tuple(token for token, _ in content), tuple(word for _, word in content))

    def _codes(self, text: str) -> tuple[list[Mention], list[tuple[int, int]], list[str]]:
        """Mentions by code, the places of the codes, and codes that are not in the tables."""
        if not any(char.isdigit() for char in text):
            return [], [], []
        found: list[tuple[int, int, str, str]] = []
        lowered = text.lower()
        # Lowering may lengthen a few letters of other scripts; then the places would be wrong.
        for one in _MARKED_CODE.finditer(lowered) if len(lowered) == len(text) else ():
            found.append((one.start(), one.end(), _CODE_SYSTEM[one[1][0]], one[2]))
        system, bare = _BARE_CODE[self.kind]
        upper = text.upper() if len(text.upper()) == len(text) else text
        for one in bare.finditer(upper):
            if not any(low < one.end() and one.start() < high for low, high, _, _ in found):
                found.append((one.start(), one.end(), system, one[0].strip()))
        mentions, spans, unknown = [], [], []
        for start, end, which, code in sorted(found):
            concepts = self.lexicon.by_code(which, code)
            spans.append((start, end))
            if concepts:
                mentions.append(Mention(concepts, text[start:end].strip(), code, f"{which} code", Method.CODE, 100.0, start, end))
            else:
                unknown.append(text[start:end].strip())
        return mentions, spans, unknown

    # ------------------------------------------------------------------ known names

    def _plain(self, word: str) -> bool:
        """Whether a token is a number or an ordinary word, that is, no part of a name."""
        return word[0].isdigit() or len(word) == 1 or word in self.lexicon.words or word in QUALIFIER_WORDS

    def _exact(self, entry: _Entry) -> tuple[list[_Hit], list[tuple[int, int, Ambiguity]], list[_Hit]]:
        """Known names, longest first and without overlap; names with several meanings; names that are ordinary words."""
        lexicon, words = self.lexicon, entry.words
        count = len(words)
        drug = self.kind is Kind.DRUG
        found: list[tuple[int, int, int, Name | Ambiguity]] = []
        for start in range(count):
            lengths = lexicon.lengths.get(words[start], ())
            for length in (*lengths, 1) if drug else lengths:
                for begin in (start,) if drug else range(max(0, start - length + 1), start + 1):
                    end = begin + length
                    if end > count or (length > 1 and (entry.hard(begin, end) or (drug and self._runs_on(entry, begin, end)))):
                        continue
                    window = words[begin:end]
                    key = " ".join(window) if drug else " ".join(sorted(window))
                    name = lexicon.name(key) or lexicon.ambiguous.get(key)
                    if name is not None and (drug or self._may_cross(entry, begin, end)):
                        found.append((-sum(map(len, window)) - 3 * (length - 1), begin, end, name))
        if drug:
            found += self._inverted(entry)
        found.sort(key=lambda one: one[:3])
        used = [False] * count
        hits: list[_Hit] = []
        unsettled: list[tuple[int, int, Ambiguity]] = []
        weak: list[_Hit] = []
        for _, start, end, name in found:
            if any(used[start:end]):
                continue
            if isinstance(name, Name):
                if self._is_weak(entry, start, end, name):
                    weak.append(_Hit(start, end, name, 100.0, False))
                    continue
                hits.append(_Hit(start, end, name, 100.0, False))
            else:
                unsettled.append((start, end, name))
            for index in range(start, end):
                used[index] = True
        hits.sort()
        return self._without_salts(entry, hits), sorted(unsettled, key=lambda one: one[:2]), weak

    def _runs_on(self, entry: _Entry, start: int, end: int) -> bool:
        """Whether a run goes from a describing word over a comma into something new ("film coated, aspirin")."""
        return entry.words[start] in self.lexicon.words and any("," in entry.tokens[i].gap for i in range(start + 1, end))

    def _may_cross(self, entry: _Entry, start: int, end: int) -> bool:
        """Whether a run of a condition may reach over its commas.

        "Diabetes mellitus, type 2" is one condition, "low potassium, high sodium" are two: over a comma the words must
        stand in the order of the table or be the whole entry, and the two sides must not be conditions themselves.
        """
        commas = [index for index in range(start + 1, end) if "," in entry.tokens[index].gap]
        if not commas:
            return True
        words = entry.words
        lexicon = self.lexicon
        for at in commas:
            if lexicon.name(lexicon.key(words[start:at])) and lexicon.name(lexicon.key(words[at:end])):
                return False
        return (start, end) == (0, len(words)) or bool(lexicon.spelled("".join(words[start:end])))

    def _is_weak(self, entry: _Entry, start: int, end: int, name: Name) -> bool:
        """Whether a name counts only if the entry has no other: an ordinary word, or two letters that may be anything.

        Two letters in an entry that names a medicine otherwise are more often a maker, a country or a form.
        """
        if end - start > 1 or self.kind is not Kind.DRUG:
            return False
        text = entry.words[start]
        word = self.lexicon.words.get(text)
        if word is not None and word.kind != "cation":
            return True
        if len(text) > 2 or name.method is not Method.ABBREVIATION:
            return False
        joined = entry.tokens[start].gap.strip() + (entry.tokens[end].gap.strip() if end < len(entry.tokens) else "")
        return not any(sign in joined for sign in "/+&")

    def _inverted(self, entry: _Entry) -> list[tuple[int, int, int, Name | Ambiguity]]:
        """Names written the other way round at a comma: "Estrogens, conjugated", "Acid, folic"."""
        found: list[tuple[int, int, int, Name | Ambiguity]] = []
        for at in range(1, len(entry.tokens)):
            if "," not in entry.tokens[at].gap:
                continue
            for left in (1, 2):
                for right in (1, 2):
                    start, end = at - left, at + right
                    if start < 0 or end > len(entry.words) or self._plain(entry.words[start]):
                        continue
                    key = " ".join((*entry.words[at:end], *entry.words[start:at]))
                    name = self.lexicon.name(key)
                    if name is not None:
                        found.append((-sum(map(len, entry.words[start:end])) - 3 * (end - start - 1), start, end, name))
        return found

    def _without_salts(self, entry: _Entry, hits: list[_Hit]) -> list[_Hit]:
        """The hits without cations that are the salt of the name before them ("losartan potassium")."""
        if self.kind is not Kind.DRUG:
            return hits
        kept: list[_Hit] = []
        ends: dict[int, _Hit] = {}
        for hit in hits:
            word = self.lexicon.words.get(entry.words[hit.start]) if hit.end - hit.start == 1 else None
            if word is not None and word.kind == "cation":
                before = ends.get(hit.start)
                if (
                    before is not None
                    and _ADJACENT.match(entry.tokens[hit.start].gap)
                    and not any(self.lexicon.is_a(c, wide) for c in before.name.concepts for wide in _NO_SALT_AFTER)
                ):
                    ends[hit.end] = before
                    continue
            kept.append(hit)
            ends[hit.end] = hit
        return kept

    # ------------------------------------------------------------------ what is left over

    def _leftovers(
        self, entry: _Entry, hits: Iterable[_Hit], unsettled: Iterable[tuple[int, int, Ambiguity]]
    ) -> list[tuple[int, int]]:
        """Runs of tokens that are in no name, no ordinary word and no number."""
        used: set[int] = set()
        for start, end in [(hit.start, hit.end) for hit in hits] + [(start, end) for start, end, _ in unsettled]:
            used.update(range(start, end))
        runs: list[tuple[int, int]] = []
        for index, word in enumerate(entry.words):
            if index in used or self._plain(word):
                continue
            if runs and runs[-1][1] == index and not _HARD_GAP.search(entry.tokens[index].gap) and self._soft(entry, index):
                runs[-1] = (runs[-1][0], index + 1)
            else:
                runs.append((index, index + 1))
        return runs

    @staticmethod
    def _soft(entry: _Entry, index: int) -> bool:
        return bool(_SOFT_GAP.match(entry.tokens[index].gap))

    def _read_leftovers(
        self, entry: _Entry, hits: list[_Hit], runs: Sequence[tuple[int, int]]
    ) -> tuple[list[_Hit], list[Candidate], list[tuple[int, int]]]:
        """Names near the leftover runs, candidates where nothing was decided, and the runs that stay unread."""
        found: list[_Hit] = []
        candidates: list[Candidate] = []
        unread: list[tuple[int, int]] = []
        owner = {index: hit for hit in hits for index in range(hit.start, hit.end)}
        budget = 40
        for low, high in runs:
            options: list[tuple[float, int, _Hit]] = []
            undecided: list[tuple[int, int, NearResult]] = []
            for start, end in self._windows(entry, low, high, owner):
                budget -= 1
                if budget < 0:
                    break
                outcome = self._read(entry, start, end)
                inside = sum(1 for index in range(start, end) if low <= index < high)
                if outcome.name is not None:
                    beside = any(index in owner for index in (start - 1, end)) and self._soft(
                        entry, start if start - 1 in owner else min(end, len(entry.words) - 1)
                    )
                    if beside and not self._sure_beside(outcome):
                        continue
                    covered = {owner[index] for index in range(start, end) if index in owner}
                    if any(not self._agrees(outcome.name, hit) for hit in covered):
                        continue
                    options.append(
                        (outcome.score + 4.0 * (inside - 1), inside, _Hit(start, end, outcome.name, outcome.score, True))
                    )
                elif inside:
                    undecided.append((start, end, outcome))
            options.sort(key=lambda one: (-one[0], -one[1], one[2][:2]))
            done: set[int] = set()
            for _, _, hit in options:
                if not done.intersection(range(hit.start, hit.end)):
                    exact = hit.score >= 100.0
                    found.append(_Hit(hit.start, hit.end, hit.name, hit.score, not exact))
                    done.update(range(hit.start, hit.end))
            for hit in [hit for hit in hits if done.intersection(range(hit.start, hit.end))]:
                hits.remove(hit)
            rest = [index for index in range(low, high) if index not in done]
            if rest:
                for start, end, outcome in undecided:
                    if any(start <= index < end for index in rest):
                        candidates += outcome.candidates
                unread += _runs(rest)
        candidates.sort(key=lambda one: (not one.reason.startswith("near"), -one.score, one.name))
        return found, candidates, unread

    def _windows(self, entry: _Entry, low: int, high: int, owner: dict[int, _Hit]) -> list[tuple[int, int]]:
        """Runs of up to four tokens to read as one name: inside a leftover run, or reaching over its neighbours."""
        windows: list[tuple[int, int]] = []
        for size in (1, 2, 3, 4):
            for start in range(low - 2, high + 1):
                end = start + size
                if start < 0 or end > len(entry.words) or end <= low or start >= high:
                    continue
                if (start < low or end > high) and size == 1:
                    continue
                if any(entry.words[i][0].isdigit() for i in (start, end - 1) if not low <= i < high):
                    continue
                if self.kind is Kind.CONDITION and all(self.lexicon.spells(entry.words[i]) for i in range(start, end)):
                    continue
                if entry.soft(start, end):
                    windows.append((start, end))
        return windows

    def _read(self, entry: _Entry, start: int, end: int) -> NearResult:
        word = "".join(entry.words[start:end])
        exact = self.lexicon.spelled(word) if len(word) >= 5 else ()
        if exact:
            if len(exact) == 1:
                return NearResult(exact[0], 100.0, ())
            return NearResult(None, 100.0, tuple(_candidate(name, 100.0, "near: two names are written alike") for name in exact))
        if end - start == 1 and self.kind is Kind.DRUG:
            split = self._stuck_together(word)
            if split is not None:
                return NearResult(split, 100.0, ())
            cut_off = self._cut_off(word)
            if cut_off is not None:
                return cut_off
        return self._near(word)

    def _cut_off(self, word: str) -> NearResult | None:
        """A substance whose name was cut off, as narrow fields do ("metoprol tar"): the beginning of one name only."""
        if len(word) < 6 or not word.isalpha():
            return None
        found: dict[tuple[str, ...], tuple[int, Name]] = {}
        for key in self.lexicon.beginning_with(word, len(word) * 2):
            for name in self.lexicon.spelled(key):
                if name.method in (Method.NAME, Method.SYNONYM) and " " not in name.text:
                    known = found.get(name.concepts)
                    if known is None or len(key) < known[0]:
                        found[name.concepts] = (len(key), name)
        if len(found) != 1:
            return None
        ((length, name),) = found.values()
        score = 100.0 * len(word) / length
        return NearResult(name, max(score, 90.0), ()) if score >= 60.0 else None

    def _stuck_together(self, word: str) -> Name | None:
        """A name with its strength or form written onto it: "lipitor20", "prednisolontab"."""
        digits = _LETTERS_THEN_DIGITS.match(word)
        if digits and (name := self.lexicon.name(digits[1])):
            return name
        for cut in range(len(word) - 2, 5, -1):
            name = self.lexicon.name(word[:cut])
            rest = self.lexicon.words.get(word[cut:])
            if name is not None and rest is not None and rest.kind in ("form", "salt", "release") and len(word[cut:]) > 2:
                return name
        return None

    @staticmethod
    def _sure_beside(outcome: NearResult) -> bool:
        """Beside a known name a stray word (a maker, a flavour) needs more nearness to be a second name."""
        return outcome.score >= 90.0 and outcome.name is not None and len(outcome.name.text) >= 6

    def _agrees(self, name: Name, hit: _Hit) -> bool:
        """Whether a near name that swallows a known one says the same, or something narrower."""
        return all(
            any(self.lexicon.is_a(one, wide) or self.lexicon.is_a(wide, one) for one in name.concepts)
            for wide in hit.name.concepts
        )

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
        best: dict[tuple[str, ...], tuple[int, float, Name]] = {}
        fewest = 99
        for key, edits in self.lexicon.near(word):
            if edits > fewest + 1:
                break
            for name in self.lexicon.spelled(key):
                if name.method is Method.ABBREVIATION or without.intersection(name.concepts):
                    continue
                fewest = min(fewest, edits)
                cost = slip_cost(word, key)
                known = best.get(name.concepts)
                if known is None or cost < known[1]:
                    best[name.concepts] = (min(edits, known[0]) if known else edits, cost, name)
        if not best:
            return NearResult(None, 0.0, ())
        ranked = [(cost, edits, name) for edits, cost, name in best.values()]
        ranked.sort(key=lambda one: (one[0], one[1], one[2].text))
        return self._decide(word, ranked)

    def _decide(self, word: str, ranked: Sequence[tuple[float, int, Name]]) -> NearResult:
        cost, edits, name = ranked[0]
        key = "".join(self.lexicon.tokens_of(name.text))
        score = _score(cost, word, key)
        known_well = name.method is not Method.BRAND or name.rank < _WELL_KNOWN
        limit = allowed_cost(min(len(key), len(word)), known_well)
        own, letters = _own_cost(word, key)
        if cost > limit or own > allowed_cost(letters + 3, known_well):
            reason = f"too far to be sure ({cost:.1f} slips, {limit:.1f} allowed)"
            return NearResult(None, score, tuple(_candidate(n, _score(c, word, n.text), reason) for c, _, n in ranked[:4]))
        margin = _MARGIN[name.method is Method.BRAND][known_well]
        rivals = [
            (other_cost, other_edits, other)
            for other_cost, other_edits, other in ranked[1:]
            if (other_edits <= edits or other_cost - cost < margin) and not self._same_family(name, other)
        ]
        # The farther the word is from its nearest name, the nearer a look-alike may be by chance.
        guard = max(_LOOK_ALIKE_MARGIN, cost)
        guarded = [
            other
            for other_cost, _, other in ranked[1:]
            if other_cost - cost < guard
            and any(mine in self.lexicon.look_alikes(theirs) for mine in name.concepts for theirs in other.concepts)
        ]
        guarded += [
            partner
            for mine in name.concepts
            for other_id in self.lexicon.look_alikes(mine)
            if (partner := self._named(other_id)) is not None
            and slip_cost(word, "".join(self.lexicon.tokens_of(partner.text))) - cost < guard
        ]
        if rivals or guarded or _opposed(word, key):
            if rivals:
                reason = "near: another name is as near"
            elif guarded:
                reason = "near: listed as a look-alike, never decided by nearness"
            else:
                reason = "near: may be its opposite, never decided by nearness"
            others = [(c, n) for c, _, n in ranked if n is name or n in guarded or any(n is r for _, _, r in rivals)]
            others += [(slip_cost(word, n.text.lower()), n) for n in guarded if all(n is not known for _, known in others)]
            return NearResult(None, score, tuple(_candidate(n, _score(c, word, n.text), reason) for c, n in others[:6]))
        others_near = tuple(_candidate(n, _score(c, word, n.text), "farther") for c, _, n in ranked[1:4])
        return NearResult(name, score, others_near)

    def _named(self, concept: str) -> Name | None:
        """The preferred name of a concept, as a name."""
        return self.lexicon.name(self.lexicon.key(self.lexicon.tokens_of(self.lexicon.concepts[concept].name)))

    def _same_family(self, one: Name, other: Name) -> bool:
        """Whether two names mean the same."""
        return set(one.concepts) == set(other.concepts)

    # ------------------------------------------------------------------ the decision

    def _settle(
        self, unsettled: Sequence[tuple[int, int, Ambiguity]], hits: Sequence[_Hit], coded: Sequence[Mention]
    ) -> tuple[list[_Hit], list[tuple[int, int, Ambiguity]]]:
        """Names with several meanings: settled by the other names of the entry, or left open."""
        present = [concept for hit in hits for concept in hit.name.concepts]
        present += [concept for mention in coded for concept in mention.concepts]
        settled: list[_Hit] = []
        left: list[tuple[int, int, Ambiguity]] = []
        for start, end, ambiguity in unsettled:
            choices = [meaning for meaning in ambiguity.meanings if set(meaning.split("+")) <= set(present)]
            if not choices:
                choices = [
                    meaning
                    for meaning, by in ambiguity.settled_by.items()
                    if any(self.lexicon.is_a(concept, wide) for concept in present for wide in by)
                ]
            if len(choices) == 1:
                concepts = tuple(choices[0].split("+"))
            else:
                left.append((start, end, ambiguity))
                # What all meanings share is certain: a brand sold with and without codeine holds paracetamol.
                first, *others = (meaning.split("+") for meaning in ambiguity.meanings)
                concepts = tuple(concept for concept in first if all(concept in other for other in others))
                if not concepts:
                    continue
            name = Name(ambiguity.text, concepts, Method.ABBREVIATION, "ambiguous_names.csv name")
            settled.append(_Hit(start, end, name, 100.0, False))
        return settled, left

    def _without_wider(self, hits: list[_Hit], coded: Sequence[Mention]) -> list[_Hit]:
        """The hits without a class or wider condition of which the entry names a member too."""
        narrow = {concept for hit in hits for concept in hit.name.concepts}
        narrow |= {concept for mention in coded for concept in mention.concepts}
        wider = {wide for concept in narrow for wide in self.lexicon.ancestors(concept)}
        return [hit for hit in hits if not all(concept in wider for concept in hit.name.concepts)]

    def _qualified(
        self, text: str, everything: Sequence[Token], entry: _Entry, hits: Sequence[_Hit], coded: Sequence[Mention]
    ) -> list[Mention]:
        """The hits as mentions, each with what the words around it say."""
        place = {token.start: index for index, token in enumerate(everything)}
        taken = {
            index
            for hit in hits
            for index in range(place[entry.tokens[hit.start].start], place[entry.tokens[hit.end - 1].start] + 1)
        }
        last = everything[-1].end if everything else 0
        found = scopes(everything, self.kind, text[last:], taken)
        route = self._route(everything) if self.kind is Kind.DRUG else None
        mentions = list(coded)
        for hit in hits:
            first, final = entry.tokens[hit.start], entry.tokens[hit.end - 1]
            method = Method.NEAR if hit.near else hit.name.method
            mentions.append(
                Mention(
                    hit.name.concepts,
                    text[first.start : final.end],
                    hit.name.text,
                    hit.name.table,
                    method,
                    hit.score,
                    first.start,
                    final.end,
                    None,
                    route,
                )
            )
        if found or any(token.text == "free" for token in everything):
            mentions = [self._with_qualifier(mention, everything, found) for mention in mentions]
        mentions.sort(key=lambda mention: (mention.start, mention.end))
        return mentions

    def _with_qualifier(self, mention: Mention, tokens: Sequence[Token], found: Sequence[Scope]) -> Mention:
        inside = [index for index, token in enumerate(tokens) if mention.start <= token.start < mention.end]
        if not inside:
            return mention
        covering = [scope.qualifier for scope in found if scope.start <= inside[0] < scope.end]
        after = inside[-1] + 1
        if self.kind is Kind.DRUG and after < len(tokens) and tokens[after].text == "free" and _ADJACENT.match(tokens[after].gap):
            covering.append(Qualifier.NEGATED)
        qualifier = strongest(covering)
        return replace(mention, qualifier=qualifier) if qualifier else mention

    def _route(self, tokens: Sequence[Token]) -> str | None:
        """Where the entry says the medicine goes: the most specific of its words decides."""
        said = [word.route for token in tokens if (word := self.lexicon.words.get(token.text)) and word.route]
        for route in (
            "ophthalmic",
            "otic",
            "nasal",
            "vaginal",
            "rectal",
            "transdermal",
            "inhaled",
            "injected",
            "topical",
            "oral",
        ):
            if route in said:
                return route
        return None


def _score(cost: float, word: str, key: str) -> float:
    return max(0.0, 100.0 * (1.0 - cost / max(len(word), len(key), 1)))


def _candidate(name: Name, score: float, reason: str) -> Candidate:
    return Candidate(name.concepts, name.text, score, reason)


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs
