"""All names of one kind, ready to be looked up: folded name → what it stands for. Built once, never changed."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from cramprisk.model import Concept, Kind, Method
from cramprisk.names import Name, Shelf, VocabularyShelf, compared_tokens, key_of, table_shelves
from cramprisk.nearness import Near, NearIndex, radius, scan
from cramprisk.tables import Row, Tables, split_cell
from cramprisk.vocabulary import CONCEPT_PREFIX, Vocabulary

__all__ = ["Ambiguity", "Lexicon", "Word"]


class Ambiguity(NamedTuple):
    """A name with several meanings, and what settles it.

    Attributes:
        text: As the table has it.
        meanings: The ids it may stand for.
        settled_by: For an id, the ids of which one in the same entry settles the name on it.
    """

    text: str
    meanings: tuple[str, ...]
    settled_by: Mapping[str, frozenset[str]]


class Word(NamedTuple):
    """A word that is no name: a unit, form, route, frequency, salt, maker, packaging or filler word."""

    kind: str
    route: str


class Concepts(Mapping[str, Concept]):
    """The concepts of one kind by id: medicines with their classes, or conditions. Each is made when first asked for."""

    def __init__(self, tables: Tables, kind: Kind) -> None:
        files = ("drug_classes.csv", "drugs.csv") if kind is Kind.DRUG else ("conditions.csv",)
        self._tables = tables
        self._files = files
        self._made: dict[str, Concept] = {}
        self._vocabulary: Vocabulary | None = tables.vocabulary if kind is Kind.DRUG else None

    @cached_property
    def _rows(self) -> dict[str, tuple[str, int]]:
        rows: dict[str, tuple[str, int]] = {}
        for file in self._files:
            for index, concept in enumerate(self._tables.files[file].ids()):
                # A row that a user's folder adds may give more names to a concept of the tables.
                rows.setdefault(concept, (file, index))
        return rows

    def __getitem__(self, concept: str) -> Concept:
        made = self._made.get(concept)
        if made is None:
            if concept in self._rows:
                file, index = self._rows[concept]
                made = _concept(file, self._tables.rows(file)[index])
            else:
                made = self._vocabulary.concept(concept) if self._vocabulary is not None else None
                if made is None:
                    raise KeyError(concept)
            self._made[concept] = made
        return made

    def __contains__(self, concept: object) -> bool:
        if concept in self._rows:
            return True
        return self._vocabulary is not None and isinstance(concept, str) and self._vocabulary.concept(concept) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _concept(file: str, row: Row) -> Concept:
    kind, parents, systems = {
        "drug_classes.csv": ("class", "parent", ("atc",)),
        "drugs.csv": ("drug", "drug_class", ("rxcui", "atc")),
        "conditions.csv": ("condition", "parent", ("icd10cm", "snomed")),
    }[file]
    codes = tuple((system, code) for system in systems for code in split_cell(row[system]))
    group = row["kind"] if kind == "condition" else ""
    return Concept(row["id"], row["name"], kind, tuple(split_cell(row[parents])), codes, group)


# Of the ordinary words so many are looked up one by one before all of them are read.
_ASKED_BEFORE_ALL = 150
# Brands stand best known first; so many of them are as likely to be meant by a slip as the substance is.
_FIRST_BRANDS = 3

_ICD_DOT = re.compile(r"[.\s]")


class _Words(Mapping[str, Word]):
    """The ordinary words by word. The rows of checked tables are sorted, and a short list looks at few of them."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.rows("words.csv")
        self._known: dict[str, Word | None] = {}
        ordered = tables.checked and not tables.files["words.csv"].added
        self._all: dict[str, Word] | None = None if ordered else self._read()

    def get(self, word: str, default: Word | None = None) -> Word | None:  # type: ignore[override]
        if self._all is not None:
            return self._all.get(word, default)
        if word not in self._known:
            if len(self._known) > _ASKED_BEFORE_ALL:
                self._all = self._read()
                return self._all.get(word, default)
            at = bisect_left(self._rows, word, key=lambda row: row["word"])
            row = self._rows[at] if at < len(self._rows) else None
            self._known[word] = Word(row["kind"], row["route"]) if row is not None and row["word"] == word else None
        known = self._known[word]
        return default if known is None else known

    def _read(self) -> dict[str, Word]:
        return {row["word"]: Word(row["kind"], row["route"]) for row in self._rows}

    def __getitem__(self, word: str) -> Word:
        known = self.get(word)
        if known is None:
            raise KeyError(word)
        return known

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.get(word) is not None

    def __iter__(self) -> Iterator[str]:
        return (row["word"] for row in self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _ndc(code: str) -> str:
    """A National Drug Code in the form of eleven digits: "0071-0155-23" is 00071015523."""
    parts = code.split("-")
    return "".join(part.zfill(width) for part, width in zip(parts, (5, 4, 2), strict=True)) if len(parts) == 3 else code


class Lexicon:
    """All names of one kind.

    Attributes:
        kind: Medicines or conditions.
        concepts: The concepts by id.
        ambiguous: Names with several meanings, by key.
        words: Words that are no names.
        codes: Concept ids by (system, code); for ``atc`` also the codes of classes.
    """

    def __init__(self, tables: Tables, kind: Kind) -> None:
        self.kind = kind
        self.concepts = Concepts(tables, kind)
        self.words = _Words(tables)
        self._tables = tables
        self._shelves: list[Shelf] = [*table_shelves(tables, kind)]
        self._vocabulary = tables.vocabulary if kind is Kind.DRUG else None
        if self._vocabulary is not None:
            self._shelves.append(VocabularyShelf(self._vocabulary, self._concepts_of))
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._ambiguous_lengths: dict[str, set[int]] = {}
        self.ambiguous: dict[str, Ambiguity] = {}
        for row in tables.rows("ambiguous_names.csv"):
            if row["kind"] == kind.value:
                tokens = self.tokens_of(row["name"])
                settled = (part.partition("=")[::2] for part in split_cell(row["settled_by"]))
                self.ambiguous[self.key(tokens)] = Ambiguity(
                    row["name"],
                    tuple(row["meanings"].split("|")),
                    {meaning: frozenset(by.split("+")) for meaning, by in settled},
                )
                for token in tokens[:1] if kind is Kind.DRUG else tokens:
                    self._ambiguous_lengths.setdefault(token, set()).add(len(tokens))
        self._look_alike_rows = [row for row in tables.rows("look_alikes.csv") if row["kind"] == kind.value]
        self._combination_rows = tables.rows("combinations.csv") if kind is Kind.DRUG else ()
        self._product_rows = tables.rows("product_codes.csv") if kind is Kind.DRUG else ()
        self._compound_rows = () if kind is Kind.DRUG else tables.rows("compound_conditions.csv")
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self._searches = 0
        # Three questions about one misspelt word need the same search.
        self._near = lru_cache(maxsize=1024)(self._near_uncached)

    def __len__(self) -> int:
        """How many different names there are."""
        return sum(len(shelf.keys) for shelf in self._shelves)

    def _concepts_of(self, rxcui: str) -> tuple[str, ...]:
        """The concepts of the ingredients of an RxNorm concept: those of the tables, or the vocabulary's own."""
        assert self._vocabulary is not None
        return tuple(
            dict.fromkeys(
                concept for ingredient in self._vocabulary.contents(rxcui) for concept in self._of_ingredient(ingredient)
            )
        )

    def _of_ingredient(self, rxcui: str) -> tuple[str, ...]:
        assert self._vocabulary is not None
        known = self.codes.get(("rxcui", rxcui))
        if known is None:
            key = self.key(self.tokens_of(self._vocabulary.ingredient(rxcui) or ""))
            value = self._shelves[0].keys.get(key)
            known = self._shelves[0].named(value, key).concepts if value is not None else (f"{CONCEPT_PREFIX}{rxcui}",)
        return known

    def name(self, key: str) -> Name | None:
        """The name with a look-up key, or None. A key is made by :meth:`key`."""
        for shelf in self._shelves:
            value = shelf.keys.get(key)
            # What the tables list as ambiguous stays so, whatever a vocabulary has under that name.
            if value is not None and not (key in self.ambiguous and isinstance(shelf, VocabularyShelf)):
                return shelf.named(value, key)
        return None

    def keys(self) -> Iterator[str]:
        """The look-up keys of all names, those with several meanings among them."""
        yield from self.ambiguous
        for shelf in self._shelves:
            yield from (key for key, _ in shelf.keys)

    def lengths(self, token: str) -> tuple[int, ...]:
        """The lengths in tokens of the names of several that begin with a token (that hold it, for conditions)."""
        known = self._lengths.get(token)
        if known is None:
            written = [lengths for shelf in self._shelves if (lengths := shelf.lengths.get(token))]
            if not written and token not in self._ambiguous_lengths:
                return ()
            found = {*self._ambiguous_lengths.get(token, ()), *(int(one) for lengths in written for one in lengths.split(" "))}
            # Only words of names are kept: a column holds no end of other words and numbers.
            known = self._lengths[token] = tuple(sorted(found, reverse=True))
        return known

    @cached_property
    def _look_alikes(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in self._look_alike_rows:
            one, other = self._ids(row["name"]), self._ids(row["confused_with"])
            for a, b in ((one, other), (other, one)):
                for concept in a:
                    found.setdefault(concept, set()).update(b)
        return found

    @cached_property
    def _common(self) -> tuple[frozenset[str], frozenset[str]]:
        """Ids of the medicines, and keys of the brands, that stand on very many lists."""
        if self.kind is not Kind.DRUG:
            return frozenset(), frozenset()
        rows = self._tables.rows("common_names.csv")
        medicines = frozenset(row["name"] for row in rows if row["kind"] == "medicine")
        brands = frozenset(self.key(self.tokens_of(row["name"])) for row in rows if row["kind"] == "brand")
        return medicines, brands

    def rarity(self, name: Name) -> int:
        """How seldom a name is written: 0 for what stands on very many lists, 2 for a lesser brand, 1 for the others.

        Common are the medicines and brands of ``common_names.csv``; of a medicine its substance names and its first
        brands, since a cell of brands begins with the best known.
        """
        medicines, brands = self._common
        first = name.method is not Method.BRAND or name.rank < _FIRST_BRANDS
        if first and name.method not in (Method.COMBINATION, Method.ABBREVIATION) and medicines.issuperset(name.concepts):
            return 0
        if brands and self.key(self.tokens_of(name.text)) in brands:
            return 0
        return 1 if first and (name.method is not Method.COMBINATION or name.rank < _FIRST_BRANDS) else 2

    def _ids(self, text: str) -> tuple[str, ...]:
        if text in self.concepts:
            return (text,)
        name = self.name(self.key(self.tokens_of(text)))
        return name.concepts if name else ()

    @cached_property
    def codes(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Concept ids by (system, code without dots); for ``atc`` also the codes of classes."""
        codes: dict[tuple[str, str], tuple[str, ...]] = {}
        for concept in self.concepts.values():
            for system, code in concept.codes:
                key = (system, _ICD_DOT.sub("", code).upper())
                codes[key] = (*codes.get(key, ()), concept.id)
        shared: dict[str, set[str]] = {}
        for row in self._combination_rows:
            for code in split_cell(row["atc"]):
                shared.setdefault(code, set()).add(row["ingredients"])
        for code, ingredients in shared.items():
            # Many codes of combinations leave a partner open ("losartan and diuretics"): such a code names no product.
            if len(ingredients) == 1:
                codes.setdefault(("atc", code), tuple(ingredients.pop().split("|")))
        for row in self._product_rows:
            codes.setdefault((row["system"], row["code"]), tuple(row["ingredients"].split("|")))
        for row in self._compound_rows:
            for system in ("icd10cm", "snomed"):
                for code in split_cell(row[system]):
                    codes[system, _ICD_DOT.sub("", code).upper()] = tuple(row["parts"].split("|"))
        return codes

    def tokens_of(self, text: str) -> list[str]:
        """The tokens of a name as they are compared."""
        return compared_tokens(text, self.kind)

    def key(self, tokens: Sequence[str]) -> str:
        """The look-up key for tokens."""
        return key_of(tokens, self.kind)

    # ------------------------------------------------------------------ spellings without spaces

    def spelled(self, squashed: str) -> tuple[Name, ...]:
        """The names that are written with these letters and digits when spaces and hyphens are left out.

        "co codamol", "cocodamol" and "co-codamol" are one name; so are "pro air" and "ProAir". At least four
        characters; several names only where different concepts coincide.
        """
        if len(squashed) < 4:
            return ()
        names: list[Name] = []
        for shelf in self._shelves:
            values = [shelf.keys.get(squashed)] if self.kind is Kind.DRUG else []
            for value in (*values, *shelf.joined.get_all(squashed)):
                name = shelf.named(value, squashed) if value is not None else None
                if name is not None and all(known.concepts != name.concepts for known in names):
                    names.append(name)
            if names:
                break
        return tuple(names)

    def near_keys(self) -> list[str]:
        """The spellings that nearness may lead to, the short ones first within each origin."""
        return list(dict.fromkeys(key for shelf in self._shelves for key in shelf.near))

    def beginning_with(self, start: str, longest: int) -> Iterator[str]:
        """The spellings of :attr:`near_keys` that begin with some letters and have at most `longest`."""
        for shelf in self._shelves:
            for length in range(len(start), longest + 1):
                keys = shelf.near.of_length(length)
                at = bisect_left(keys, start)
                while at < len(keys) and keys[at].startswith(start):
                    yield keys[at]
                    at += 1

    def near(self, word: str) -> list[Near]:
        """All spellings of :attr:`near_keys` within :func:`~cramprisk.nearness.radius`, nearest first."""
        return self._near(word)

    # To import numpy for an index that stands ready, or to build any other, costs as much as some hundred plain scans of
    # the names, so a short list does without.
    _SCANS_BEFORE_INDEX = 60

    def _near_uncached(self, word: str) -> list[Near]:
        ready = "numpy" in sys.modules and all(shelf.pieces is not None for shelf in self._shelves)
        if ready or self._searches >= self._SCANS_BEFORE_INDEX:
            return self.near_by_index(word)
        self._searches += 1
        reach = radius(len(word))
        lengths = range(len(word) - reach, len(word) + reach + 1)
        return scan(
            word, list(dict.fromkeys(key for shelf in self._shelves for at in lengths for key in shelf.near.of_length(at)))
        )

    def near_by_index(self, word: str) -> list[Near]:
        """What :meth:`near` gives, always from the index."""
        if len(self._near_indexes) == 1:
            return self._near_indexes[0].search(word)
        found = {near for index in self._near_indexes for near in index.search(word)}
        return sorted(found, key=lambda near: (near.edits, near.key))

    @cached_property
    def _near_indexes(self) -> list[NearIndex]:
        return [NearIndex(shelf.near, shelf.pieces) for shelf in self._shelves]

    def spells(self, token: str) -> bool:
        """Whether a token is a word of the tables' names, rightly spelled, so that it is no slip of the pen."""
        return any(token in shelf.words for shelf in self._shelves)

    def word(self, token: str) -> Word | None:
        """What kind of ordinary word a token is, or None."""
        return self.words.get(token)

    def ancestors(self, concept: str) -> tuple[str, ...]:
        """Ids of the classes (or wider conditions) a concept belongs to, the narrower before the wider, without itself."""
        known = self._ancestors.get(concept)
        if known is not None:
            return known
        seen: dict[str, None] = {}
        level = [concept]
        while level:
            level = [
                parent
                for one in level
                if one in self.concepts
                for parent in self.concepts[one].parents
                if parent not in seen and parent != concept
            ]
            seen.update(dict.fromkeys(level))
        # A row may name a class and also the wider one; what belongs to more is narrower.
        found = tuple(sorted(seen, key=lambda one: -len(self.ancestors(one))))
        self._ancestors[concept] = found
        return found

    def is_a(self, concept: str, wider: str) -> bool:
        """Whether a concept is another one or belongs to it."""
        return concept == wider or wider in self.ancestors(concept)

    def look_alikes(self, concept: str) -> frozenset[str]:
        """Ids that are listed as confusable with a concept."""
        return frozenset(self._look_alikes.get(concept, ()))

    def _by_vocabulary(self, system: str, code: str) -> tuple[str, ...]:
        if self._vocabulary is None:
            return ()
        rxcui = self._vocabulary.product(_ndc(code)) if system == "ndc" else code if system == "rxcui" else None
        return self._concepts_of(rxcui) if rxcui else ()

    def by_code(self, system: str, code: str) -> tuple[str, ...]:
        """Ids for a code; for ATC and ICD-10-CM the longest known prefix of the code counts."""
        bare = _ICD_DOT.sub("", code).upper()
        if system not in ("atc", "icd10cm"):
            known = _ndc(bare) if system == "ndc" else bare
            return self.codes.get((system, known), ()) or self._by_vocabulary(system, bare)
        shortest = 3
        for length in range(len(bare), shortest - 1, -1):
            found = self.codes.get((system, bare[:length]))
            if found:
                if system == "atc" and length < len(bare) and any(self.concepts[c].kind == "drug" for c in found):
                    return ()
                return found
        return self._wider_code(bare) if system == "icd10cm" and len(bare) >= shortest else ()

    def _wider_code(self, code: str) -> tuple[str, ...]:
        """What a code means that is wider than those of the tables: N18.3 what N18.30, N18.31 and N18.32 have in common."""
        below = {concepts for (system, known), concepts in self.codes.items() if system == "icd10cm" and known.startswith(code)}
        return next(
            (
                one
                for one in sorted(below)
                if len(one) == 1 and all(self.is_a(concept, one[0]) for concepts in below for concept in concepts)
            ),
            (),
        )
