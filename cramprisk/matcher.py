"""The one engine: an entry in, a :class:`~cramprisk.model.Match` out. A list is its entries, a column its distinct strings.

Order of work: codes; known names as runs of whole tokens, longest first; nearness for what is left over and looks
like a name; then the decision. Nearness decides only when one concept is clearly nearest. Which error is worse was
decided once: taking one medicine for another is the worst, so every doubt ends in ``ambiguous`` or ``unrecognised``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from cramprisk.lexicon import Ambiguity, Lexicon
from cramprisk.model import Candidate, Kind, Match, Mention, Method, Qualifier, Status
from cramprisk.names import CONDITION_FILLERS, Name
from cramprisk.near_reader import NearReader, NearResult, allowed_cost, candidate
from cramprisk.nearness import slip_cost
from cramprisk.qualifiers import WORDS as QUALIFIER_WORDS
from cramprisk.qualifiers import Scope, scopes, strongest
from cramprisk.text import Token, condition_token, split_list, tokenise

__all__ = ["MAX_ENTRY", "Matcher"]

MAX_ENTRY = 5_000
"""Characters of one entry beyond which it is no entry of a list; it comes back as unrecognised, unread."""

# Letters that are heard alike, and written in more or fewer letters than an edit or two allow.
_SOUNDS = (("cks", "x"), ("ks", "x"), ("cs", "x"), ("ph", "f"), ("f", "ph"), ("ck", "c"), ("c", "ck"), ("kw", "qu"), ("sh", "ch"))
_SOUNDED_SCORE = 90.0
# How many slips make a word of the tables a misspelling of another.
_SLIP = 1.6
# Nearness of several words to a name of more or fewer words, 0-100, from which it is taken.
_SURE = 95.0

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

_MARKED_CODE = re.compile(
    r"\b(rx ?cui|rx ?norm|atc|icd[ -]?10[ -]?cm|icd[ -]?10|icd|snomed[ -]?ct|snomed|sctid)[ :=#-]+"
    r"([a-z]\d[0-9a-z.]{1,6}|\d{3,18})\b"
)
# A National Drug Code is marked, or recognised by its hyphens if a vocabulary knows it.
_NDC = re.compile(r"\bndc[ :=#-]*(\d{11}|\d{4,5}-\d{3,4}-\d{1,2})\b|(?<![\w-])(\d{4,5}-\d{3,4}-\d{2})(?![\w-])")
_BARE_CODE = {
    Kind.DRUG: ("atc", re.compile(r"\b[A-Z]\d{2}[A-Z]{2}\d{2}\b")),
    Kind.CONDITION: (
        "icd10cm",
        re.compile(r"(?<![A-Z0-9.])[A-TV-Z]\d[0-9AB]\.[0-9A-Z]{1,4}\b|^\s*[A-TV-Z]\d[0-9AB][0-9A-Z]{0,4}\s*$"),
    ),
}
# "(Teva UK Ltd)", "[Desitin Pharma GmbH]": the maker, as prescribing systems write it behind a product.
_MAKER = re.compile(
    r"[(\[][^()\[\]]*(?:\([^()]*\))?[^()\[\]]*\b(?:ltd|limited|plc|gmbh|llc|inc|corp|s\.?p\.?a|b\.?v|pharmaceuticals?|laborator\w+)"
    r"\b\.?[^()\[\]]*[)\]]"
)
# Words after which, or before which, a substance is spoken of but not taken.
_SPOKEN_OF_BEFORE = frozenset("deficiency deficient resistance level levels overload intolerance".split())
_SPOKEN_OF_AFTER = frozenset("low high elevated raised".split())
_FORM_AND_STRENGTH = re.compile(r"([a-z]{3,})\d[\d.]*[a-z]*")
# What may be stuck to a name in scripts that write no spaces: a strength, or a form (tablet, capsule, injection…).
_STUCK_TO_SCRIPT = re.compile(
    r"\d.*|(?:錠|カプセル|散|細粒|顆粒|注射?|軟膏|クリーム|テープ|液|シロップ|片|胶囊|膠囊|颗粒|口服液|정|캡슐|주사?|연고|시럽).*"
)
_CODE_SYSTEM = {"r": "rxcui", "a": "atc", "i": "icd10cm", "s": "snomed"}


class _Hit(NamedTuple):
    """A name found on tokens `start` to `end` (exclusive)."""

    start: int
    end: int
    name: Name
    score: float
    near: bool


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
        self._nearness = NearReader(lexicon)

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
        entry = self._entry(text, everything, [*code_spans, *self._makers(text)])
        hits, unsettled, weak = self._exact(entry)
        spoken_of = self._spoken_of(entry, hits)
        hits = [hit for hit in hits if hit not in spoken_of]
        leftovers = self._leftovers(entry, [*hits, *spoken_of], unsettled)
        near_hits, candidates, unread = self._read_leftovers(entry, hits, leftovers)
        hits = self._rewritten(entry, sorted([*hits, *near_hits]))
        if not hits and not unsettled and not unread and not coded:
            hits = weak
        settled, open_ones = self._settle(unsettled, hits, coded)
        hits, denied = self._agreeing(self._without_wider(sorted([*hits, *settled]), coded), coded)
        for hit in denied:
            candidates = [candidate(hit.name, hit.score, "the code of the entry says otherwise"), *candidates]
            unread.append((hit.start, hit.end))
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
        if self.kind is Kind.DRUG and len(lowered) == len(text):
            for one in _NDC.finditer(lowered):
                if one[1] or self.lexicon.by_code("ndc", one[2]):
                    found.append((one.start(), one.end(), "ndc", one[1] or one[2]))
        mentions, spans, unknown = [], [], []
        for start, end, which, code in sorted(found):
            concepts = self.lexicon.by_code(which, code)
            spans.append((start, end))
            if concepts:
                mentions.append(Mention(concepts, text[start:end].strip(), code, f"{which} code", Method.CODE, 100.0, start, end))
            else:
                unknown.append(text[start:end].strip())
        return mentions, spans, unknown

    def _makers(self, text: str) -> list[tuple[int, int]]:
        """Where brackets behind something name a maker."""
        if self.kind is not Kind.DRUG or not ("(" in text or "[" in text):
            return []
        lowered = text.lower()
        if len(lowered) != len(text):
            return []
        return [one.span() for one in _MAKER.finditer(lowered) if text[: one.start()].strip()]

    # ------------------------------------------------------------------ known names

    def _plain(self, word: str) -> bool:
        """Whether a token is a number or an ordinary word, that is, no part of a name."""
        if word[0].isdigit() or len(word) == 1 or word in self.lexicon.words or word in QUALIFIER_WORDS:
            return True
        glued = _FORM_AND_STRENGTH.fullmatch(word)
        known = self.lexicon.words.get(glued[1]) if glued else None
        return known is not None and known.kind in ("form", "unit", "release", "packaging")

    def _exact(self, entry: _Entry) -> tuple[list[_Hit], list[tuple[int, int, Ambiguity]], list[_Hit]]:
        """Known names, longest first and without overlap; names with several meanings; names that are ordinary words."""
        lexicon, words = self.lexicon, entry.words
        count = len(words)
        drug = self.kind is Kind.DRUG
        found: list[tuple[int, int, int, Name | Ambiguity]] = []
        for start in range(count):
            lengths = lexicon.lengths(words[start])
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
                if not drug and end - start == 1 and self._lacks_its_s(entry.tokens[start].text, name):
                    continue
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

    @staticmethod
    def _lacks_its_s(word: str, name: Name) -> bool:
        """Whether an abbreviation was found only because plurals are levelled: an aid is not AIDS, a pre not PRES."""
        return name.method is Method.ABBREVIATION and name.text[-1:] in "sS" and not word.endswith("s")

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
            if hit.end - hit.start == 1 and self._is_cation(entry.words[hit.start], hit.name):
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

    def _spoken_of(self, entry: _Entry, hits: list[_Hit]) -> list[_Hit]:
        """The hits that are not taken: "lactose-free", "for iron deficiency", "Mylanta w/o simeticone"."""
        if self.kind is not Kind.DRUG:
            return []
        words = entry.words

        def spoken_of(position: int, hit: _Hit) -> bool:
            after = words[hit.end] if hit.end < len(words) and _ADJACENT.match(entry.tokens[hit.end].gap) else ""
            before = words[hit.start - 1] if hit.start and _ADJACENT.match(entry.tokens[hit.start].gap) else ""
            if after in _SPOKEN_OF_BEFORE or before in _SPOKEN_OF_AFTER:
                return True
            return (after == "free" and len(hits) > 1) or (position > 0 and before in ("w/o", "without"))

        return [hit for position, hit in enumerate(hits) if spoken_of(position, hit)]

    def _is_cation(self, word: str, name: Name) -> bool:
        """Whether a name is that of a metal that medicines are salts of, also when it is misspelt ("potasium")."""
        known = [self.lexicon.words.get(one) for one in (word, name.concepts[0])]
        return len(name.concepts) == 1 and any(one is not None and one.kind == "cation" for one in known)

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
                    if any(not self._agrees(outcome.name, hit) for hit in covered) and not self._reads_on(
                        entry.words[start:end], outcome
                    ):
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
            return NearResult(None, 100.0, tuple(candidate(name, 100.0, "near: two names are written alike") for name in exact))
        if end - start == 1 and self.kind is Kind.DRUG:
            split = self._stuck_together(word)
            if split is not None:
                return NearResult(split, 100.0, ())
        near = self._nearness.near(word)
        if end - start == 1 and self.kind is Kind.DRUG and near.name is None:
            near = self._cut_off(word) or self._sounded(word) or near
        if end - start > 1 and near.name is not None and not self._near_word_by_word(entry.words[start:end], near):
            return NearResult(None, near.score, (candidate(near.name, near.score, "its words are not near, one by one"),))
        return near

    def _near_word_by_word(self, words: Sequence[str], near: NearResult) -> bool:
        """Whether several words are near a name also when they are looked at one by one.

        Two ordinary words may spell something near a name by chance ("back pain" and Backprin), and a wrong word
        beside a right one may be within the slips that the whole allows ("sodium lauryl" and Sodium Diuril).
        """
        assert near.name is not None
        theirs = self.lexicon.tokens_of(near.name.text)
        if len(theirs) != len(words):
            return near.score >= _SURE and not any(self._plain(word) for word in words)
        return all(
            word == other or (not self._plain(word) and slip_cost(word, other) <= allowed_cost(min(len(word), len(other)), 0))
            for word, other in zip(words, theirs, strict=True)
        )

    def _cut_off(self, word: str) -> NearResult | None:
        """A substance whose name was cut off, as narrow fields do ("metoprol tar"): the beginning of one name only."""
        if len(word) < 6 or not word.isalpha() or self._within_a_slip(word):
            return None
        found: dict[tuple[str, ...], tuple[int, Name]] = {}
        for key in self.lexicon.beginning_with(word, 40):
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

    def _within_a_slip(self, word: str) -> bool:
        """Whether a word is one edit from a name: then it is rather that name mistyped than another cut off."""
        return any(near.edits == 1 for near in self.lexicon.near(word))

    def _sounded(self, word: str) -> NearResult | None:
        """A name written as it sounds: "lasicks", "metphormin". The spelling must lead to one name, and no slip to another."""
        if len(word) < 6 or not word.isalpha() or self._within_a_slip(word):
            return None
        spellings = {word.replace(heard, written) for heard, written in _SOUNDS if heard in word}
        names = {name.concepts: name for spelling in spellings for name in self.lexicon.spelled(spelling)}
        if len(names) != 1:
            return None
        return NearResult(names.popitem()[1], _SOUNDED_SCORE, ())

    def _stuck_together(self, word: str) -> Name | None:
        """A name with its strength or form written onto it: "lipitor20", "prednisolontab"."""
        digits = _LETTERS_THEN_DIGITS.match(word)
        if digits and (name := self.lexicon.name(digits[1])):
            return name
        if not word.isascii():
            for cut in range(len(word) - 1, 1, -1):
                if _STUCK_TO_SCRIPT.fullmatch(word[cut:]) and (name := self.lexicon.name(word[:cut])):
                    return name
        for cut in range(len(word) - 2, 5, -1):
            name = self.lexicon.name(word[:cut])
            rest = self.lexicon.words.get(word[cut:])
            if name is not None and rest is not None and rest.kind in ("form", "salt", "release") and len(word[cut:]) > 2:
                return name
        return None

    def _rewritten(self, entry: _Entry, hits: list[_Hit]) -> list[_Hit]:
        """The hits, a longer one in place of those inside it where only a slip hid it.

        "gestational diabetis": with the one word written as the tables' first name has it, a longer name is known.
        """
        words = list(entry.words)
        changed = False
        for hit in hits:
            if hit.end - hit.start == 1 and len(hit.name.concepts) == 1 and hit.name.method is not Method.ABBREVIATION:
                right = self._right_spelling(words[hit.start], hit.name)
                if right is not None and right != words[hit.start]:
                    words[hit.start] = right
                    changed = True
        if not changed:
            return hits
        longer, _, _ = self._exact(_Entry(entry.text, entry.tokens, tuple(words)))
        for hit in longer:
            inside = [one for one in hits if hit.start <= one.start and one.end <= hit.end]
            if hit.end - hit.start > 1 and inside and all(one.end - one.start < hit.end - hit.start for one in inside):
                hits = sorted([*(one for one in hits if one not in inside), hit._replace(score=inside[0].score, near=True)])
        return hits

    def _right_spelling(self, word: str, name: Name) -> str | None:
        """The word of the tables that a word is a slip for, given what it was taken for; None if there is no such."""
        preferred = self.lexicon.tokens_of(self.lexicon.concepts[name.concepts[0]].name)
        if len(preferred) == 1 and slip_cost(word, preferred[0]) <= _SLIP:
            return preferred[0]
        if self.lexicon.spells(word):
            return None
        for near in self.lexicon.near(word):
            if self.lexicon.spells(near.key) and any(one.concepts == name.concepts for one in self.lexicon.spelled(near.key)):
                return near.key
        return None

    def _reads_on(self, words: Sequence[str], outcome: NearResult) -> bool:
        """Whether a near name says more than the known one inside it: "hyoscine butylbromid" is not hyoscine.

        Either letters and order are the same and only spaces differ ("hydro cortisone"), or the name has the same
        number of words, at least one of them the same, or it begins or ends with a word of the entry.
        """
        assert outcome.name is not None
        if outcome.score >= 100.0:
            return min(map(len, words)) > 2
        theirs = self.lexicon.tokens_of(outcome.name.text)
        if len(theirs) == len(words):
            return any(word == other for word, other in zip(words, theirs, strict=True))
        squashed = "".join(theirs)
        return squashed.startswith(words[0]) or squashed.endswith(words[-1])

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
        """What nearness alone says about a word or squashed phrase; see :class:`~cramprisk.near_reader.NearReader`."""
        return self._nearness.near(word, without)

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

    def _agreeing(self, hits: list[_Hit], coded: Sequence[Mention]) -> tuple[list[_Hit], list[_Hit]]:
        """The hits to keep beside the codes of an entry, and those that the codes deny.

        A code says more surely than a name what is meant. When no name of the entry agrees with its codes, the codes
        count, and the names are shown as not understood: one of the two is wrong, and a reader must see it.
        """
        meant = {concept for mention in coded for concept in mention.concepts}
        if (
            not meant
            or not hits
            or any(self._related(one, other) for hit in hits for one in hit.name.concepts for other in meant)
        ):
            return hits, []
        return [], hits

    def _related(self, one: str, other: str) -> bool:
        """Whether two concepts may speak of the same: equal, one wider than the other, or conditions of one kind."""
        if self.lexicon.is_a(one, other) or self.lexicon.is_a(other, one):
            return True
        shared = self.kind is Kind.CONDITION and set(self.lexicon.ancestors(one)) & set(self.lexicon.ancestors(other))
        return bool(shared)

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


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs
