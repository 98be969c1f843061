"""The one engine: an entry in, a :class:`~cramprisk.model.Match` out. A list is its entries, a column its distinct strings.

Order of work: codes; known names as runs of whole tokens, longest first; nearness for what is left over and looks
like a name; then the decision. Nearness decides only when one concept is clearly nearest. Which error is worse was
decided once: taking one medicine for another is the worst, so every doubt ends in ``ambiguous`` or ``unrecognised``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from cramprisk.codes import codes_in, codes_stated, may_hold_code, with_what_is_said
from cramprisk.entries import ADJACENT, Entry, Hit, asides, covering, is_plain, route_of
from cramprisk.leftovers import LeftoverReader
from cramprisk.lexicon import Ambiguity, Lexicon
from cramprisk.model import Candidate, Kind, Match, Mention, Method, Qualifier, Status
from cramprisk.names import CONDITION_FILLERS, Name
from cramprisk.near_reader import NearResult, candidate
from cramprisk.qualifiers import WORDS as QUALIFIER_WORDS
from cramprisk.qualifiers import Scope, says_nothing, scopes, strongest
from cramprisk.text import Token, condition_token, split_lines, split_list, tokenise

__all__ = ["CODE_SAYS_OTHERWISE", "MAX_ENTRY", "SEVERAL_MEANINGS", "STANDS_FOR_MORE", "Matcher"]

SEVERAL_MEANINGS = "has several meanings"
"""How the reason of a candidate ends that is one meaning of an ambiguous name."""
CODE_SAYS_OTHERWISE = "the code of the entry says otherwise"
"""The reason of a candidate that a code of the entry contradicts."""
MAX_ENTRY = 5_000
"""Characters of one entry beyond which it is no entry of a list; it comes back as unrecognised, unread."""
_LONGEST_REMEMBERED = 200

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

# Concepts after which "calcium", "magnesium" or "zinc" is a second mineral rather than the salt of the first name.
_NO_SALT_AFTER = ("minerals", "vitamins", "bisphosphonates")
# What a brand is followed by when it holds one ingredient more.
_ADDED = frozenset("plus comp compositum combi kombi duo hct".split())
_ADDED_LETTERS = frozenset("h d hz hd am at ct".split())
# Words after which, or before which, a substance is spoken of but not taken.
_SPOKEN_OF_BEFORE = frozenset("deficiency deficient resistance level levels overload".split())
# A name with one of these at its edge means it: "non-ST elevation MI", "pregnant mum", "delayed milestone in childhood".
_MEANT = frozenset("no not non without w/o never mother mum mom maternal paternal childhood infancy".split())
_SPOKEN_OF_AFTER = frozenset("low high elevated raised".split())
STANDS_FOR_MORE = frozenset(("free", *_ADDED, *_SPOKEN_OF_BEFORE, *_SPOKEN_OF_AFTER, *" ".join(_NOTHING).split()))
"""Words that may change what an entry says about a medicine, or make it say nothing."""


class Matcher:
    """Reads entries of one kind against one lexicon. Immutable; may be shared between threads.

    Args:
        lexicon: The names to read against.
        remember: How many entries to keep with their matches, those read last; 0 keeps none. A program that serves
            request after request meets the same entries again and again.
    """

    def __init__(self, lexicon: Lexicon, *, remember: int = 0) -> None:
        self.lexicon = lexicon
        self.kind = lexicon.kind
        self._leftovers = LeftoverReader(lexicon)
        self._read = lru_cache(maxsize=remember)(self._matched) if remember else self._matched

    # ------------------------------------------------------------------ one entry, many entries

    def match_many(self, texts: Sequence[str]) -> list[Match]:
        """One match per text, in order; equal texts are read once."""
        known: dict[str, Match] = {}
        for text in texts:
            if text not in known:
                known[text] = self.match(text)
        return [known[text] for text in texts]

    def match_list(self, texts: Sequence[str]) -> list[Match]:
        """One match per text, in order, as entries of one list: a name of several meanings means what another entry says.

        "PD" beside "Parkinson's disease" is that. Nothing less settles it across entries: kidney disease beside "PD"
        may be a second disease. Two entries of medicines are mostly two medicines, so these are read each by itself.
        """
        matches = self.match_many(texts)
        if self.kind is Kind.DRUG:
            return matches
        present = frozenset(concept for match in matches for concept in match.present())
        return [
            self.match(match.text, present)
            if any(candidate.reason.endswith(SEVERAL_MEANINGS) for candidate in match.candidates)
            else match
            for match in matches
        ]

    def match(self, text: str, beside: frozenset[str] = frozenset(), codes: Sequence[tuple[str, str]] = ()) -> Match:
        """What one entry says. Never raises on text.

        Args:
            text: The entry.
            beside: Ids of what other entries of its list say; only a name of several meanings is read by them.
            codes: Codes that a record states beside the text, as system (``rxcui``, ``ndc``, ``atc``, ``icd10cm``,
                ``snomed``) and code. They count as codes in the text do; one that the tables lack is passed over
                where the text is understood.
        """
        # A long entry is no name that comes again; it would only take room from those that do.
        long = len(text) + sum(len(code) for _, code in codes) > _LONGEST_REMEMBERED
        return self._matched(text, tuple(codes), beside) if beside or long else self._read(text, tuple(codes))

    def match_plainly(self, text: str) -> tuple[Match, frozenset[str] | None]:
        """What one entry of medicines says, and how the tables spell words of it, if it is known names and plain words only.

        Nothing in such an entry hangs on its plain words, unless a name goes on into one (:mod:`cramprisk.shapes`).

        Returns:
            The match; and the words that names of the entry have in the tables otherwise, or None for any other entry.

        Examples:
            >>> from cramprisk import Checker
            >>> Checker.default().drugs.match_plainly("frusemide 40 mg tab")[1]
            frozenset({'furosemide'})
        """
        match, read = self._look(text, (), frozenset())
        if read is None or self.kind is not Kind.DRUG or may_hold_code(text) or self.split(text) != [text]:
            return match, None
        everything, entry, hits = read
        if "free" in entry.words or not says_nothing(everything, self.kind, text[everything[-1].end :]):
            return match, None
        return match, frozenset(self.respelt(entry, hits).values())

    def _matched(self, text: str, codes: tuple[tuple[str, str], ...], beside: frozenset[str] = frozenset()) -> Match:
        return self._look(text, codes, beside)[0]

    def _look(
        self, text: str, codes: tuple[tuple[str, str], ...], beside: frozenset[str]
    ) -> tuple[Match, tuple[list[Token], Entry, list[Hit]] | None]:
        """What one entry says; its tokens and names, if it is nothing but these beside ordinary words and numbers."""
        if len(text) > MAX_ENTRY:
            return Match(text, self.kind, Status.UNRECOGNISED, not_understood=(f"{text[:40]}…",)), None
        everything = tokenise(text)
        stated, unknown = codes_stated(codes, self.lexicon, len(text)) if codes else ([], [])
        nothing = not everything or " ".join([token.text for token in everything]) in _NOTHING
        if nothing and not stated and (everything or not unknown):
            return Match(text, self.kind, Status.EMPTY), None
        coded, code_spans, code_notes = codes_in(text, self.lexicon)
        coded += stated
        set_aside = [*code_spans, *asides(text, self.kind)]
        entry = self._entry(everything, set_aside)
        exact, unsettled, weak = self._exact(entry)
        spoken_of = self._spoken_of(entry, exact)
        hits = [hit for hit in exact if hit not in spoken_of] if spoken_of else exact
        leftovers = self._leftovers.leftovers(entry, [*hits, *spoken_of], unsettled)
        near_hits, candidates, unread = self._leftovers.read(entry, hits, leftovers)
        hits = self._rewritten(entry, sorted([*hits, *near_hits]))
        alone = bool(exact) and hits == exact and not (set_aside or coded or unsettled or spoken_of or leftovers)
        if not hits and not unsettled and not unread and not coded:
            hits = weak
        covered = {index for hit in hits for index in range(hit.start, hit.end)}
        unsettled = [one for one in unsettled if not covered.intersection(range(one[0], one[1]))]
        settled, open_ones = self._settle(unsettled, hits, coded, beside)
        hits, denied = self._agreeing(sorted([*hits, *settled]), coded)
        for hit in denied:
            candidates = [candidate(hit.name, hit.score, CODE_SAYS_OTHERWISE), *candidates]
            unread.append((hit.start, hit.end))
        more = self._more_than_known(entry, hits)
        unread += more
        mentions = self._qualified(text, everything, entry, hits, coded)
        if stated:
            others = [one for one in mentions if one not in stated]
            mentions = [*others, *with_what_is_said(stated, others, self.lexicon)]
        elif not mentions:
            code_notes = [*code_notes, *unknown]
        for start, end, ambiguity in open_ones:
            candidates = [
                *(
                    Candidate(
                        tuple(meaning.split("+")),
                        " + ".join(self.lexicon.concepts[one].name for one in meaning.split("+")),
                        100.0,
                        f"“{ambiguity.text}” {SEVERAL_MEANINGS}",
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
        match = Match(
            text,
            self.kind,
            status,
            tuple(dict.fromkeys(about)),
            tuple(mentions),
            tuple(dict.fromkeys(candidates))[:8],
            tuple(dict.fromkeys(words)),
        )
        return match, (everything, entry, exact) if alone and not more else None

    def split(self, text: str) -> list[str]:
        """The entries of a list typed on one line or several; known names with a comma inside stay whole."""
        if len(text) > MAX_ENTRY * 200 or "," not in text:
            return split_list(text)
        whole = []
        for line, offset in split_lines(text):
            if _HEADING.match(line):
                # "Not taking: lasix, hctz": the heading speaks of all that follows it.
                whole.append((offset, offset + len(line)))
                continue
            tokens = tokenise(line)
            entry = self._entry(tokens, [])
            hits, unsettled, _ = self._exact(entry)
            names = [(hit.start, hit.end) for hit in hits] + [(one[0], one[1]) for one in unsettled]
            begins = {start for start, _ in names}
            for start, end in names:
                # The words that only describe the name before them ("tablet, film coated") stay with it. A mineral is such a
                # word, as the salt of what stands before it, and may be a name of its own ("aspirin, zinc").
                last = end
                while last < len(entry.tokens) and last not in begins and is_plain(entry.words[last], self.lexicon):
                    last += 1
                whole.append((offset + entry.tokens[start].start, offset + entry.tokens[last - 1].end))
        return split_list(text, may_split=whole)

    # ------------------------------------------------------------------ tokens and codes

    def _entry(self, tokens: Sequence[Token], taken: Sequence[tuple[int, int]]) -> Entry:
        kept = [token for token in tokens if not any(low <= token.start < high for low, high in taken)] if taken else tokens
        if self.kind is Kind.DRUG:
            return Entry(tuple(kept), tuple([token.text for token in kept]))
        levelled = [(token, condition_token(token.text)) for token in kept]
        content = [pair for pair in levelled if pair[1] not in CONDITION_FILLERS] or levelled
        return Entry(tuple(token for token, _ in content), tuple(word for _, word in content))

    # ------------------------------------------------------------------ known names

    def _exact(self, entry: Entry) -> tuple[list[Hit], list[tuple[int, int, Ambiguity]], list[Hit]]:
        """Known names, longest first and without overlap; names with several meanings; names that are ordinary words."""
        lexicon, words = self.lexicon, entry.words
        count = len(words)
        drug = self.kind is Kind.DRUG
        found: list[tuple[int, int, int, Name | Ambiguity]] = []
        for start in range(count):
            lengths = lexicon.lengths(words[start])
            if drug:
                # A medicine's name of one word is always asked for; most words begin no longer one.
                single = lexicon.name(words[start]) or lexicon.ambiguous.get(words[start])
                if single is not None:
                    found.append((-len(words[start]), start, start + 1, single))
            for length in lengths:
                end = start + length
                if end > count:
                    continue
                window = words[start:end]
                key = " ".join(window) if drug else " ".join(sorted(window))
                name = lexicon.name(key) or lexicon.ambiguous.get(key)
                # Few runs are names: what lies between their words is looked at last.
                if name is None or (length > 1 and (entry.hard(start, end) or (drug and self._runs_on(entry, start, end)))):
                    continue
                if not drug and length == 1 and isinstance(name, Name) and self._lacks_its_s(entry.tokens[start].text, name):
                    continue
                if drug or self._may_cross(entry, start, end):
                    found.append((-sum(map(len, window)) - 3 * (length - 1), start, end, name))
        found = [*found, *self._inverted(entry)] if drug else covering(found, words)
        found.sort(key=lambda one: one[:3])
        used = [False] * count
        hits: list[Hit] = []
        unsettled: list[tuple[int, int, Ambiguity]] = []
        weak: list[Hit] = []
        for _, start, end, name in found:
            if any(used[start:end]):
                continue
            if isinstance(name, Name):
                if self._is_weak(entry, start, end, name):
                    weak.append(Hit(start, end, name, 100.0, False))
                    continue
                hits.append(Hit(start, end, name, 100.0, False))
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

    def _runs_on(self, entry: Entry, start: int, end: int) -> bool:
        """Whether a run goes from a describing word over a comma into something new ("film coated, aspirin")."""
        return entry.words[start] in self.lexicon.words and any("," in entry.tokens[i].gap for i in range(start + 1, end))

    def _may_cross(self, entry: Entry, start: int, end: int) -> bool:
        """Whether a run of a condition may reach over its commas.

        "Diabetes mellitus, type 2" is one condition, "low potassium, high sodium" are two: over a comma the words must
        stand in the order of the table or be the whole entry, and the two sides must not be conditions themselves.
        """
        commas = [index for index in range(start + 1, end) if self._separates(entry, index)]
        if not commas:
            return True
        words = entry.words
        lexicon = self.lexicon
        whole = (start, end) == (0, len(words))
        in_order = bool(lexicon.spelled("".join(words[start:end])))
        if whole and in_order:
            return True
        for at in commas:
            if lexicon.name(lexicon.key(words[start:at])) and lexicon.name(lexicon.key(words[at:end])):
                return False
        return whole or in_order

    def _separates(self, entry: Entry, index: int) -> bool:
        """Whether what stands before a token may end a condition: a comma, a backslash, a full stop behind a known name."""
        gap = entry.tokens[index].gap
        return (
            "," in gap
            or "\\" in gap
            or (". " in gap and self.lexicon.name(self.lexicon.key([entry.words[index - 1]])) is not None)
        )

    def _is_weak(self, entry: Entry, start: int, end: int, name: Name) -> bool:
        """Whether a name is an ordinary word, which counts only if the entry has no other name, or two letters.

        Two letters are more often a maker, a country or a form, and stay not understood; joined by a sign they are a name.
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

    def _inverted(self, entry: Entry) -> list[tuple[int, int, int, Name | Ambiguity]]:
        """Names written the other way round at a comma: "Estrogens, conjugated", "Acid, folic"."""
        found: list[tuple[int, int, int, Name | Ambiguity]] = []
        if not any("," in token.gap for token in entry.tokens):
            return found
        for at in range(1, len(entry.tokens)):
            if "," not in entry.tokens[at].gap or entry.hard(at - 1, at + 1):
                continue
            for left in (1, 2):
                for right in (1, 2):
                    start, end = at - left, at + right
                    if start < 0 or end > len(entry.words) or is_plain(entry.words[start], self.lexicon):
                        continue
                    # "1-hydroxycholecalciferol, 25 mg" is a dose of that, and not 25-hydroxycholecalciferol.
                    if all(word[0].isdigit() for word in entry.words[at:end]):
                        continue
                    key = " ".join((*entry.words[at:end], *entry.words[start:at]))
                    name = self.lexicon.name(key)
                    if name is not None:
                        found.append((-sum(map(len, entry.words[start:end])) - 3 * (end - start - 1), start, end, name))
        return found

    def _without_salts(self, entry: Entry, hits: list[Hit]) -> list[Hit]:
        """The hits without cations that are the salt of the name before them ("losartan potassium")."""
        if self.kind is not Kind.DRUG:
            return hits
        kept: list[Hit] = []
        ends: dict[int, Hit] = {}
        for hit in hits:
            if hit.end - hit.start == 1 and self._is_cation(entry.words[hit.start], hit.name):
                before = ends.get(hit.start)
                if (
                    before is not None
                    and ADJACENT.match(entry.tokens[hit.start].gap)
                    and not any(self.lexicon.is_a(c, wide) for c in before.name.concepts for wide in _NO_SALT_AFTER)
                ):
                    ends[hit.end] = before
                    continue
            kept.append(hit)
            ends[hit.end] = hit
        return kept

    def _spoken_of(self, entry: Entry, hits: list[Hit]) -> list[Hit]:
        """The hits that are not taken: "lactose-free", "for iron deficiency", "Mylanta w/o simeticone"."""
        if self.kind is not Kind.DRUG:
            return []
        words = entry.words
        named = {index for hit in hits for index in range(hit.start, hit.end)}  # "low" of "Femoston low" speaks of nothing

        def spoken_of(position: int, hit: Hit) -> bool:
            last, first = hit.end, hit.start - 1
            after = words[last] if last < len(words) and last not in named and _is_beside(entry.tokens[last].gap) else ""
            before = words[first] if first >= 0 and first not in named and _is_beside(entry.tokens[hit.start].gap) else ""
            if after in _SPOKEN_OF_BEFORE or before in _SPOKEN_OF_AFTER:
                return True
            return (after == "free" and len(hits) > 1) or (position > 0 and before in ("w/o", "without"))

        return [hit for position, hit in enumerate(hits) if spoken_of(position, hit)]

    def _is_cation(self, word: str, name: Name) -> bool:
        """Whether a name is that of a metal that medicines are salts of, also when it is misspelt ("potasium")."""
        known = [self.lexicon.words.get(one) for one in (word, name.concepts[0])]
        return len(name.concepts) == 1 and any(one is not None and one.kind == "cation" for one in known)

    # ------------------------------------------------------------------ what is left over

    def _rewritten(self, entry: Entry, hits: list[Hit]) -> list[Hit]:
        """The hits, a longer one in place of those inside it where only a slip hid it.

        "gestational diabetis": with the one word written as the tables' first name has it, a longer name is known.
        """
        respelt = self.respelt(entry, hits) if len(entry.words) > 1 else {}
        if not respelt:
            return hits
        words = tuple([respelt.get(index, word) for index, word in enumerate(entry.words)])
        longer, _, _ = self._exact(Entry(entry.tokens, words))
        for hit in longer:
            inside = [one for one in hits if hit.start <= one.start and one.end <= hit.end]
            if inside and all(one.end - one.start < hit.end - hit.start for one in inside):
                hits = sorted([*(one for one in hits if one not in inside), hit._replace(score=inside[0].score, near=True)])
        return hits

    def respelt(self, entry: Entry, hits: Sequence[Hit]) -> dict[int, str]:
        """The words of hits that the tables' first name has otherwise, as it has them."""
        changed: dict[int, str] = {}
        for hit in hits:
            # Other methods find invented names and abbreviations, which are no slips of a substance or a condition.
            if hit.end - hit.start == 1 and len(hit.name.concepts) == 1 and hit.name.method in (Method.NAME, Method.SYNONYM):
                right = self._leftovers.right_spelling(entry.words[hit.start], hit.name.concepts)
                if right is not None and right != entry.words[hit.start]:
                    changed[hit.start] = right
        return changed

    def near(self, word: str, without: frozenset[str] = frozenset()) -> NearResult:
        """What nearness alone says about a word or squashed phrase; see :class:`~cramprisk.near_reader.NearReader`."""
        return self._leftovers.nearness.near(word, without)

    # ------------------------------------------------------------------ the decision

    def _settle(
        self,
        unsettled: Sequence[tuple[int, int, Ambiguity]],
        hits: Sequence[Hit],
        coded: Sequence[Mention],
        beside: frozenset[str],
    ) -> tuple[list[Hit], list[tuple[int, int, Ambiguity]]]:
        """Names with several meanings: settled by the other names of the entry or of the list, or left open."""
        present = [concept for hit in hits for concept in hit.name.concepts]
        present += [concept for mention in coded for concept in mention.concepts]
        settled: list[Hit] = []
        left: list[tuple[int, int, Ambiguity]] = []
        for start, end, ambiguity in unsettled:
            choices = [meaning for meaning in ambiguity.meanings if set(meaning.split("+")) <= set(present)]
            if not choices:
                choices = [
                    meaning
                    for meaning, by in ambiguity.settled_by.items()
                    if any(self.lexicon.is_a(concept, wide) for concept in present for wide in by)
                ]
            if not choices:
                choices = [meaning for meaning in ambiguity.meanings if beside.issuperset(meaning.split("+"))]
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
            settled.append(Hit(start, end, name, 100.0, False))
        return settled, left

    def _more_than_known(self, entry: Entry, hits: Sequence[Hit]) -> list[tuple[int, int]]:
        """Where a brand has an addition that the tables do not know: "Diovan-H" is more than Diovan.

        "Plus", "Comp", "Co-" and a letter behind a hyphen mostly stand for a second ingredient, often a diuretic.
        """
        if self.kind is not Kind.DRUG:
            return []
        taken = {index for hit in hits for index in range(hit.start, hit.end)}
        found: list[tuple[int, int]] = []
        for hit in hits:
            if hit.near or hit.name.method is not Method.BRAND:
                continue
            last = hit.end
            if last < len(entry.words) and last not in taken and last + 1 not in taken:
                gap, word = entry.tokens[last].gap, entry.words[last]
                if (word in _ADDED and ADJACENT.match(gap)) or (word in _ADDED_LETTERS and gap == "-"):
                    found.append((hit.start, last + 1))
            first = hit.start - 1
            if first >= 0 and first not in taken and entry.words[first] == "co" and entry.tokens[hit.start].gap == "-":
                found.append((first, hit.end))
        return found

    def _agreeing(self, hits: list[Hit], coded: Sequence[Mention]) -> tuple[list[Hit], list[Hit]]:
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

    def _without_wider(self, mentions: list[Mention]) -> list[Mention]:
        """The mentions without a class or wider condition of which the entry says the same of a member.

        "Diabetes, type 2 diabetes" is one disease; "CKD, no dialysis" and "denies NSAIDs or aspirin" say two things.
        What is wider than a present condition cannot be absent: "thyrotoxicosis without goitre" does not deny thyroid disease.
        """
        if len(mentions) == 1 and len(mentions[0].concepts) == 1:
            return mentions
        wider = {
            (wide, qualifier)
            for mention in mentions
            if mention.qualifier is not Qualifier.NEGATED
            for concept in mention.concepts
            for wide in self.lexicon.ancestors(concept)
            for qualifier in (mention.qualifier, mention.qualifier or Qualifier.NEGATED)
        }
        return [
            one
            for one in mentions
            if one.method is Method.CODE or not all((concept, one.qualifier) in wider for concept in one.concepts)
        ]

    def _qualified(
        self, text: str, everything: Sequence[Token], entry: Entry, hits: Sequence[Hit], coded: Sequence[Mention]
    ) -> list[Mention]:
        """The hits as mentions, each with what the words around it say."""
        place = {token.start: index for index, token in enumerate(everything)}
        cores = hits if self.kind is Kind.DRUG else [self._core(entry, hit) for hit in hits]
        taken = {
            index
            for hit in cores
            for index in range(place[entry.tokens[hit.start].start], place[entry.tokens[hit.end - 1].start] + 1)
        }
        last = everything[-1].end if everything else 0
        found = scopes(everything, self.kind, text[last:], taken)
        route = route_of(everything, self.lexicon) if self.kind is Kind.DRUG else None
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
            core_of = {
                (entry.tokens[hit.start].start, entry.tokens[hit.end - 1].end): (
                    entry.tokens[core.start].start,
                    entry.tokens[core.end - 1].end,
                )
                for hit, core in zip(hits, cores, strict=True)
            }
            mentions = [
                self._with_qualifier(one, core_of.get((one.start, one.end), (one.start, one.end)), everything, found)
                for one in mentions
            ]
        mentions = self._without_wider(mentions)
        mentions.sort(key=lambda mention: (mention.start, mention.end))
        return mentions

    def _core(self, entry: Entry, hit: Hit) -> Hit:
        """The hit without words at its edges that may be triggers, if the rest names the same condition.

        "Risk of falls" and "old stroke" stand in the tables; "risk of" and "old" are to be read all the same.
        """
        if hit.near:
            return hit
        for start in range(hit.start, hit.end):
            for end in range(hit.end, start, -1):
                words = entry.words[start:end]
                edges = {*entry.words[hit.start : start], *entry.words[end : hit.end]}
                if not edges <= QUALIFIER_WORDS or edges & _MEANT:
                    break
                shorter = self.lexicon.name(self.lexicon.key(words)) if (start, end) != (hit.start, hit.end) else None
                if shorter is not None and shorter.concepts == hit.name.concepts:
                    return hit._replace(start=start, end=end)
        return hit

    def _with_qualifier(
        self, mention: Mention, core: tuple[int, int], tokens: Sequence[Token], found: Sequence[Scope]
    ) -> Mention:
        inside = [index for index, token in enumerate(tokens) if core[0] <= token.start < core[1]]
        if not inside:
            return mention
        covering = [scope.qualifier for scope in found if scope.start <= inside[0] < scope.end]
        after = inside[-1] + 1
        if (
            after < len(tokens)
            and tokens[after].text == "free"
            and ADJACENT.match(tokens[after].gap)
            and not self._free_of_next(tokens, after)
        ):
            covering.append(Qualifier.NEGATED)
        qualifier = strongest(covering)
        return replace(mention, qualifier=qualifier) if qualifier else mention

    def _free_of_next(self, tokens: Sequence[Token], free: int) -> bool:
        """Whether the "free" behind a condition belongs to the word after it ("thyroid free T4")."""
        if self.kind is Kind.DRUG or free + 1 == len(tokens):
            return False
        following = tokens[free + 1]
        return ADJACENT.match(following.gap) is not None and not (
            following.text[0].isdigit() or following.text in ("since", "for", "now", "at", "on", "after", "with", "today")
        )


def _is_beside(gap: str) -> bool:
    return gap == " " or ADJACENT.match(gap) is not None
