"""The words of an entry that are in no known name: read by nearness, by their beginning, by their sound, or not at all."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache

from cramprisk.entries import HARD_GAP, SOFT_GAP, Entry, Hit, is_plain
from cramprisk.lexicon import Ambiguity, Lexicon
from cramprisk.model import Candidate, Kind, Method
from cramprisk.names import Name
from cramprisk.near_reader import NearReader, NearResult, allowed_cost, candidate
from cramprisk.nearness import slip_cost

__all__ = ["LeftoverReader"]

# Letters that are heard alike, and written in more or fewer letters than an edit or two allow.
_SOUNDS = (("cks", "x"), ("ks", "x"), ("cs", "x"), ("ph", "f"), ("f", "ph"), ("ck", "c"), ("c", "ck"), ("kw", "qu"), ("sh", "ch"))
_SOUNDED_SCORE = 90.0
# How many slips make a word of the tables a misspelling of another.
_SLIP = 1.6
# Nearness of several words to a name of more or fewer words, 0-100, from which it is taken.
_SURE = 95.0

_LETTERS_THEN_DIGITS = re.compile(r"^([a-z]{4,})\d+[a-z]{0,4}$")
# What may be stuck to a name in scripts that write no spaces: a strength, or a form (tablet, capsule, injection…).
_STUCK_TO_SCRIPT = re.compile(
    r"\d.*|(?:錠|カプセル|散|細粒|顆粒|注射?|軟膏|クリーム|テープ|液|シロップ|片|胶囊|膠囊|颗粒|口服液|정|캡슐|주사?|연고|시럽).*"
)


class LeftoverReader:
    """Reads what exact names leave over, against one lexicon. Immutable; may be shared between threads.

    Args:
        lexicon: The names to read against.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.kind = lexicon.kind
        self.nearness = NearReader(lexicon)
        # A column repeats its words: half the time of misspelt entries went into finding the same answers again.
        self._right_spelling = lru_cache(maxsize=16_384)(self._right_spelling_uncached)

    def read(
        self, entry: Entry, hits: list[Hit], runs: Sequence[tuple[int, int]]
    ) -> tuple[list[Hit], list[Candidate], list[tuple[int, int]]]:
        """Names near the leftover runs, candidates where nothing was decided, and the runs that stay unread."""
        if not runs:
            return [], [], []
        found: list[Hit] = []
        candidates: list[Candidate] = []
        unread: list[tuple[int, int]] = []
        owner = {index: hit for hit in hits for index in range(hit.start, hit.end)}
        budget = 40
        for low, high in runs:
            options: list[tuple[float, int, Hit]] = []
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
                    if any(self._left_of(entry, hit, range(start, end))[1] for hit in covered):
                        continue  # one word would be read, and another not any more
                    options.append(
                        (outcome.score + 4.0 * (inside - 1), inside, Hit(start, end, outcome.name, outcome.score, True))
                    )
                elif inside:
                    undecided.append((start, end, outcome))
            options.sort(key=lambda one: (-one[0], -one[1], one[2][:2]))
            done: set[int] = set()
            for _, _, hit in options:
                if not done.intersection(range(hit.start, hit.end)):
                    exact = hit.score >= 100.0
                    found.append(Hit(hit.start, hit.end, hit.name, hit.score, not exact))
                    done.update(range(hit.start, hit.end))
            for hit in [hit for hit in hits if done.intersection(range(hit.start, hit.end))]:
                hits.remove(hit)
                names, left = self._left_of(entry, hit, done)
                found += names
                unread += left  # where two names took words of one
            rest = [index for index in range(low, high) if index not in done]
            if rest:
                for start, end, outcome in undecided:
                    if any(start <= index < end for index in rest):
                        candidates += outcome.candidates
                unread += _runs(rest)
        candidates.sort(key=lambda one: (not one.reason.startswith("near"), -one.score, one.name))
        return found, candidates, unread

    def _left_of(self, entry: Entry, hit: Hit, taken: Container[int]) -> tuple[list[Hit], list[tuple[int, int]]]:
        """What a name leaves of which other names took words: names of their own, and runs that stay unread.

        "Estriol lactobacillus gasseri": the words of "estriol lactobacillus" are those of two names.
        """
        names: list[Hit] = []
        unread: list[tuple[int, int]] = []
        for start, end in _runs([index for index in range(hit.start, hit.end) if index not in taken]):
            words = entry.words[start:end]
            name = self.lexicon.name(self.lexicon.key(words))
            if name is not None:
                names.append(Hit(start, end, name, 100.0, False))
            elif not all(is_plain(word, self.lexicon) for word in words):
                unread.append((start, end))
        return names, unread

    def _windows(self, entry: Entry, low: int, high: int, owner: dict[int, Hit]) -> list[tuple[int, int]]:
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

    def _read(self, entry: Entry, start: int, end: int) -> NearResult:
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
        near = self.nearness.near(word)
        if end - start == 1 and self.kind is Kind.DRUG and near.name is None:
            near = self._cut_off(word) or self._sounded(word) or near
        if near.name is not None and self._otherwise_unlevelled(entry, start, end, near.name):
            return NearResult(None, near.score, (candidate(near.name, near.score, "near: read otherwise by its own letters"),))
        if end - start > 1 and near.name is not None and not self._near_word_by_word(entry.words[start:end], near):
            return NearResult(None, near.score, (candidate(near.name, near.score, "its words are not near, one by one"),))
        return near

    def _otherwise_unlevelled(self, entry: Entry, start: int, end: int, name: Name) -> bool:
        """Whether the words as they are written, plurals and spelling not levelled, are near another name."""
        written = "".join(token.text for token in entry.tokens[start:end])
        if self.kind is Kind.DRUG or written == "".join(entry.words[start:end]):
            return False
        other = self.nearness.near(written)
        return (
            other.name.concepts != name.concepts
            if other.name is not None
            else bool(other.candidates)
            and (other.candidates[0].reason.startswith("near") and other.candidates[0].concepts != name.concepts)
        )

    def _near_word_by_word(self, words: Sequence[str], near: NearResult) -> bool:
        """Whether several words are near a name also when they are looked at one by one.

        Two ordinary words may spell something near a name by chance ("back pain" and Backprin), and a wrong word
        beside a right one may be within the slips that the whole allows ("sodium lauryl" and Sodium Diuril).
        """
        assert near.name is not None
        theirs = self.lexicon.tokens_of(near.name.text)
        if len(theirs) != len(words):
            return near.score >= _SURE and not any(is_plain(word, self.lexicon) for word in words)
        return all(
            word == other
            or (not is_plain(word, self.lexicon) and slip_cost(word, other) <= allowed_cost(min(len(word), len(other)), 0))
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

    def right_spelling(self, word: str, concepts: tuple[str, ...]) -> str | None:
        """The word of the tables that a word is a slip for, given what it was taken for; None if there is no such."""
        return self._right_spelling(word, concepts)

    def _right_spelling_uncached(self, word: str, concepts: tuple[str, ...]) -> str | None:
        preferred = self.lexicon.tokens_of(self.lexicon.concepts[concepts[0]].name)
        if len(preferred) == 1 and slip_cost(word, preferred[0]) <= _SLIP:
            return preferred[0]
        if self.kind is Kind.DRUG or self.lexicon.spells(word):
            return None
        for near in self.lexicon.near(word):
            if self.lexicon.spells(near.key) and any(one.concepts == concepts for one in self.lexicon.spelled(near.key)):
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

    def _agrees(self, name: Name, hit: Hit) -> bool:
        """Whether a near name that swallows a known one says the same, or something narrower."""
        return all(
            any(self.lexicon.is_a(one, wide) or self.lexicon.is_a(wide, one) for one in name.concepts)
            for wide in hit.name.concepts
        )

    def leftovers(
        self, entry: Entry, hits: Iterable[Hit], unsettled: Iterable[tuple[int, int, Ambiguity]]
    ) -> list[tuple[int, int]]:
        """Runs of tokens that are in no name, no ordinary word and no number."""
        used: set[int] = set()
        for start, end in [(hit.start, hit.end) for hit in hits] + [(start, end) for start, end, _ in unsettled]:
            used.update(range(start, end))
        runs: list[tuple[int, int]] = []
        for index, word in enumerate(entry.words):
            if index in used or is_plain(word, self.lexicon):
                continue
            if runs and runs[-1][1] == index and not HARD_GAP.search(entry.tokens[index].gap) and self._soft(entry, index):
                runs[-1] = (runs[-1][0], index + 1)
            else:
                runs.append((index, index + 1))
        return runs

    @staticmethod
    def _soft(entry: Entry, index: int) -> bool:
        return bool(SOFT_GAP.match(entry.tokens[index].gap))


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs
