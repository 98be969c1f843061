"""The names of the tables, ready to be looked up: folded name → what it stands for. Built once, never changed."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from cramprisk.errors import Problem, TableError
from cramprisk.model import Concept, Kind, Method
from cramprisk.nearness import Near, NearIndex, radius, scan
from cramprisk.tables import Row, Tables, split_cell, write_file
from cramprisk.text import condition_token, name_tokens

__all__ = ["INDEX_FILES", "Ambiguity", "Lexicon", "Name", "names_of", "write_index"]


class Name(NamedTuple):
    """One spelling of the tables.

    Attributes:
        text: As the table has it.
        concepts: Ids it stands for; several for a combination.
        method: Which kind of name it is.
        table: File and column it comes from.
        rank: Its place in the cell, from 0; brands stand best known first.
    """

    text: str
    concepts: tuple[str, ...]
    method: Method
    table: str
    rank: int = 0


class Cell(NamedTuple):
    """A cell of names: all its spellings stand for the same.

    Attributes:
        texts: The spellings, ``|`` between them, as in the table.
        concepts: Ids they stand for.
        method: Which kind of name they are.
        table: File and column.
    """

    texts: str
    concepts: tuple[str, ...]
    method: Method
    table: str


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


# Words of condition entries that carry no meaning for the choice of a concept. "without", "no", "not" are qualifiers
# and therefore not among them; "acute" and "chronic" change the disease.
CONDITION_FILLERS = frozenset(
    condition_token(word)
    for word in (
        "an the of in on at to by for with and or as is are has have had due from into unspecified "
        "nos nec other others specified elsewhere classified classifiable disorder_ finding_ type_ site multiple_ "
        "patient pt known dx diagnosis diagnosed status_ condition_ mention said currently current w"
    ).split()
)


# Where names stand: a letter for the file, the column that says what they stand for, a letter for each column of names.
_PLACES: dict[Kind, tuple[tuple[str, str, str, tuple[tuple[str, str, Method], ...]], ...]] = {
    Kind.DRUG: (
        (
            "d",
            "drugs.csv",
            "id",
            (
                ("n", "name", Method.NAME),
                ("s", "synonyms", Method.SYNONYM),
                ("b", "brands", Method.BRAND),
                ("a", "abbreviations", Method.ABBREVIATION),
            ),
        ),
        ("m", "combinations.csv", "ingredients", (("s", "synonyms", Method.COMBINATION), ("b", "brands", Method.BRAND))),
        ("k", "drug_classes.csv", "id", (("n", "name", Method.CLASS), ("s", "synonyms", Method.CLASS))),
    ),
    Kind.CONDITION: tuple(
        (
            letter,
            file,
            concepts,
            (("n", "name", Method.NAME), ("s", "synonyms", Method.SYNONYM), ("a", "abbreviations", Method.ABBREVIATION)),
        )
        for letter, file, concepts in (("c", "conditions.csv", "id"), ("p", "compound_conditions.csv", "parts"))
    ),
}
_COLUMN_OF = {
    f"{letter}{mark}": (file, concepts, column, method)
    for places in _PLACES.values()
    for letter, file, concepts, columns in places
    for mark, column, method in columns
}


def cells_of(tables: Tables, kind: Kind) -> Iterator[tuple[str, Cell]]:
    """Every cell of names for medicines or for conditions with its place ("db17": drugs.csv, brands, row 17), in order."""
    for letter, file, _, columns in _PLACES[kind]:
        for index, row in enumerate(tables.rows(file)):
            for mark, column, _ in columns:
                if row[column]:
                    place = f"{letter}{mark}{index}"
                    yield place, cell_at(tables, place)


def cell_at(tables: Tables, place: str) -> Cell:
    """The cell at a place that :func:`cells_of` gave."""
    file, concept_column, column, method = _COLUMN_OF[place[:2]]
    row = tables.rows(file)[int(place[2:])]
    return Cell(row[column], tuple(row[concept_column].split("|")), method, f"{file} {column}")


def names_of(tables: Tables, kind: Kind) -> Iterator[Name]:
    """Every spelling of the tables for medicines or for conditions, in table order."""
    for _, cell in cells_of(tables, kind):
        for rank, text in enumerate(cell.texts.split("|")):
            yield Name(text, cell.concepts, cell.method, cell.table, rank)


class Concepts(Mapping[str, Concept]):
    """The concepts of one kind by id: medicines with their classes, or conditions. Each is made when first asked for."""

    def __init__(self, tables: Tables, kind: Kind) -> None:
        files = ("drug_classes.csv", "drugs.csv") if kind is Kind.DRUG else ("conditions.csv",)
        self._tables = tables
        self._rows = {concept: (file, index) for file in files for index, concept in enumerate(tables.files[file].ids())}
        self._made: dict[str, Concept] = {}

    def __getitem__(self, concept: str) -> Concept:
        made = self._made.get(concept)
        if made is None:
            file, index = self._rows[concept]
            made = self._made[concept] = _concept(file, self._tables.rows(file)[index])
        return made

    def __contains__(self, concept: object) -> bool:
        return concept in self._rows

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


def drug_key(tokens: Sequence[str]) -> str:
    """The look-up key of a medicine's name: its tokens in their order."""
    return " ".join(tokens)


def condition_key(tokens: Sequence[str]) -> str:
    """The look-up key of a condition: its tokens without their order, since "kidney disease" is "disease of kidney"."""
    return " ".join(sorted(tokens))


# Brands stand best known first; so many of them are as likely to be meant by a slip as the substance is.
_FIRST_BRANDS = 3

_ICD_DOT = re.compile(r"[.\s]")


_FIRST_NUMBER = 0x100  # beyond the line end and all other signs of the format; below the surrogates


class Places:
    """A mapping from sorted keys to places: looked up by bisection at first, by a dictionary once that pays.

    A short list of medicines asks a hundred times, a column millions of times.

    Args:
        keys: The keys, sorted.
        numbers: For each key a character whose code, less :data:`_FIRST_NUMBER`, is the number of its cell.
        places: The places of the cells by number.
    """

    _ASKED_BEFORE_DICT = 2_000

    def __init__(self, keys: list[str], numbers: str, places: list[str]) -> None:
        self._keys = keys
        self._numbers = numbers
        self._places = places
        self._asked = 0
        self._dict: dict[str, str] | None = None

    def get(self, key: str) -> str | None:
        """The place of a key, or None."""
        if self._dict is not None:
            number = self._dict.get(key)
            return None if number is None else self._places[ord(number) - _FIRST_NUMBER]
        self._asked += 1
        if self._asked > self._ASKED_BEFORE_DICT:
            self._dict = dict(zip(self._keys, self._numbers, strict=True))
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            return self._places[ord(self._numbers[at]) - _FIRST_NUMBER]
        return None

    def get_all(self, key: str) -> list[str]:
        """The places of a key that may stand there more than once."""
        at = bisect_left(self._keys, key)
        found = []
        while at < len(self._keys) and self._keys[at] == key:
            found.append(self._places[ord(self._numbers[at]) - _FIRST_NUMBER])
            at += 1
        return found

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        return len(self._keys)


class Prepared:
    """The names of one kind in the form in which they are looked up, as the lines of an index; parts are read when needed.

    Args:
        lines: The seven lines that :func:`prepare` makes. Numbers of cells are written as characters from
            :data:`_FIRST_NUMBER` on: a hundred thousand of them are read in no time and take two bytes each.
    """

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = list(lines)

    def _line(self, index: int) -> str:
        return self.lines[index].decode("utf-8")

    def places(self) -> Places:
        """Look-up key (:func:`drug_key` or :func:`condition_key`) → place of its cell (:func:`cell_at`)."""
        return Places(_split(self._line(0)), self._line(1), self._line(6).split(" "))

    def lengths(self) -> dict[str, list[int]]:
        """For the first token of a name of several (any token, for conditions) the lengths in tokens that occur."""
        found: dict[str, list[int]] = json.loads(self.lines[2])
        return found

    def joined(self) -> Places:
        """Names of several tokens written without spaces (for conditions all names) → places of their cells."""
        return Places(_split(self._line(3)), self._line(4), self._line(6).split(" "))

    def near_keys(self) -> list[str]:
        """The spellings that nearness may lead to, the short ones first, then by alphabet.

        Letters only, four at least, and no abbreviations.
        """
        return _split(self._line(5))


def _split(line: str) -> list[str]:
    return line.split("|") if line else []


def prepare(tables: Tables, kind: Kind) -> Prepared:
    """The names of the tables, folded and tokenised. Takes a few tenths of a second for the tables of this package."""
    keys: dict[str, str] = {}
    lengths: dict[str, set[int]] = {}
    joined: dict[tuple[str, str], None] = {}
    near_keys: dict[str, None] = {}
    drug = kind is Kind.DRUG
    for place, cell in cells_of(tables, kind):
        for text in cell.texts.split("|"):
            tokens = compared_tokens(text, kind)
            if not tokens:
                continue
            # Of two equal names the first of the tables counts; the table check allows that within one concept only.
            keys.setdefault(drug_key(tokens) if drug else condition_key(tokens), place)
            squashed = "".join(tokens)
            if len(tokens) > 1 or not drug:
                joined[squashed, place] = None
            # "K deficiency" must not be reached from "deficiency": a name with so short a word is only read exactly.
            reachable = cell.method is not Method.ABBREVIATION and (
                len(tokens) == 1 or min(map(len, tokens)) > (1 if drug else 2)
            )
            if reachable and squashed.isalpha() and len(squashed) >= 4:
                near_keys[squashed] = None
            if len(tokens) > 1 or not drug:
                for token in tokens[:1] if drug else tokens:
                    lengths.setdefault(token, set()).add(len(tokens))
    places = list(dict.fromkeys([*keys.values(), *(place for _, place in joined)]))
    if len(places) > 0xD800 - _FIRST_NUMBER:
        raise TableError([Problem("", 0, "", "too many cells of names for one index. Split the tables.")])
    number = {place: chr(_FIRST_NUMBER + index) for index, place in enumerate(places)}
    ordered = sorted(keys)
    lines = (
        "|".join(ordered),
        "".join(number[keys[key]] for key in ordered),
        json.dumps({token: sorted(found, reverse=True) for token, found in lengths.items()}, separators=(",", ":")),
        "|".join(squashed for squashed, _ in sorted(joined)),
        "".join(number[place] for _, place in sorted(joined)),
        "|".join(sorted(near_keys, key=lambda key: (len(key), key))),
        " ".join(places),
    )
    return Prepared([line.encode("utf-8") for line in lines])


INDEX_FILES = {Kind.DRUG: "drug_names.idx", Kind.CONDITION: "condition_names.idx"}
"""Derived from the tables of a folder and kept beside them; without them, or with old ones, loading takes longer."""

_INDEX_MARK = "cramprisk names 7"


def write_index(tables: Tables) -> None:
    """Write the files of :data:`INDEX_FILES` beside the tables: what :func:`prepare` gives, marked with their digest."""
    if tables.folder is None:
        return
    for kind, file in INDEX_FILES.items():
        lines = [f"{_INDEX_MARK} {tables.digest}".encode(), *prepare(tables, kind).lines]
        write_file(tables.folder / file, b"\n".join(lines))


def _prepared(tables: Tables, kind: Kind) -> Prepared:
    """The names from the index file if it is that of these very tables, else prepared anew."""
    if tables.folder is not None:
        try:
            mark, *lines = (tables.folder / INDEX_FILES[kind]).read_bytes().split(b"\n")
        except OSError:
            mark, lines = b"", []
        if mark == f"{_INDEX_MARK} {tables.digest}".encode() and len(lines) == 7:
            return Prepared(lines)
    return prepare(tables, kind)


def compared_tokens(text: str, kind: Kind) -> list[str]:
    """The tokens of a name as they are compared: for conditions levelled and without fillers."""
    tokens = name_tokens(text)
    if kind is Kind.DRUG:
        return tokens
    levelled = [condition_token(token) for token in tokens]
    return [word for word in levelled if word not in CONDITION_FILLERS] or levelled


class Lexicon:
    """All names of one kind.

    Attributes:
        kind: Medicines or conditions.
        concepts: The concepts by id.
        ambiguous: Names with several meanings, by key.
        lengths: For the first token of a name (any token, for conditions) the lengths in tokens that occur.
        words: Words that are no names.
        codes: Concept ids by (system, code); for ``atc`` also the codes of classes.
    """

    def __init__(self, tables: Tables, kind: Kind) -> None:
        self.kind = kind
        self.concepts = Concepts(tables, kind)
        self.words: dict[str, Word] = {row["word"]: Word(row["kind"], row["route"]) for row in tables.rows("words.csv")}
        self._tables = tables
        self._prepared = _prepared(tables, kind)
        self._places = self._prepared.places()
        self.lengths = self._prepared.lengths()
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
                    known = self.lengths.setdefault(token, [])
                    if len(tokens) not in known:
                        known.append(len(tokens))
                        known.sort(reverse=True)
        self._look_alike_rows = [row for row in tables.rows("look_alikes.csv") if row["kind"] == kind.value]
        self._combination_rows = tables.rows("combinations.csv") if kind is Kind.DRUG else ()
        self._compound_rows = () if kind is Kind.DRUG else tables.rows("compound_conditions.csv")
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self._spelled: dict[str, dict[str, Name]] = {}
        self._searches = 0

    def __len__(self) -> int:
        """How many different names there are."""
        return len(self._places)

    def _cell(self, key: str) -> Cell | None:
        place = self._places.get(key)
        return cell_at(self._tables, place) if place is not None else None

    def name(self, key: str) -> Name | None:
        """The name with a look-up key, or None. A key is made by :meth:`key`."""
        cell = self._cell(key)
        return self._named(cell, key) if cell is not None else None

    def _named(self, cell: Cell, key: str) -> Name:
        for rank, text in enumerate(cell.texts.split("|")):
            if self.key(self.tokens_of(text)) == key:
                return Name(text, cell.concepts, cell.method, cell.table, rank)
        return Name(key, cell.concepts, cell.method, cell.table)

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
        cell = self._cell(self.key(self.tokens_of(text)))
        return cell.concepts if cell else ()

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
        return drug_key(tokens) if self.kind is Kind.DRUG else condition_key(tokens)

    # ------------------------------------------------------------------ spellings without spaces

    @cached_property
    def _joined(self) -> Places:
        return self._prepared.joined()

    def spelled(self, squashed: str) -> tuple[Name, ...]:
        """The names that are written with these letters and digits when spaces and hyphens are left out.

        "co codamol", "cocodamol" and "co-codamol" are one name; so are "pro air" and "ProAir". At least four
        characters; several names only where different concepts coincide.
        """
        if len(squashed) < 4:
            return ()
        single = self._places.get(squashed) if self.kind is Kind.DRUG else None
        places = [*([single] if single else []), *self._joined.get_all(squashed)]
        names: list[Name] = []
        for place in places:
            name = self._spellings(place).get(squashed)
            if name is not None and all(known.concepts != name.concepts for known in names):
                names.append(name)
        return tuple(names)

    def _spellings(self, place: str) -> dict[str, Name]:
        """The names of a cell by their spelling without spaces; kept, since a cell is asked for again and again."""
        known = self._spelled.get(place)
        if known is None:
            cell = cell_at(self._tables, place)
            known = {}
            for rank, text in enumerate(cell.texts.split("|")):
                name = Name(text, cell.concepts, cell.method, cell.table, rank)
                known.setdefault("".join(self.tokens_of(text)), name)
            self._spelled[place] = known
        return known

    @cached_property
    def near_keys(self) -> list[str]:
        """The spellings that nearness may lead to, the short ones first, then by alphabet."""
        return self._prepared.near_keys()

    def _of_length(self, low: int, high: int) -> tuple[int, int]:
        """Where in :attr:`near_keys` the spellings of `low` to `high` letters stand."""
        return bisect_left(self.near_keys, low, key=len), bisect_left(self.near_keys, high + 1, key=len)

    def beginning_with(self, start: str, longest: int) -> Iterator[str]:
        """The spellings of :attr:`near_keys` that begin with some letters and have at most `longest`."""
        keys = self.near_keys
        for length in range(len(start), longest + 1):
            low, high = self._of_length(length, length)
            at = bisect_left(keys, start, low, high)
            while at < high and keys[at].startswith(start):
                yield keys[at]
                at += 1

    @cached_property
    def near_index(self) -> NearIndex:
        """The index over :attr:`near_keys`."""
        return NearIndex(self.near_keys)

    # Building the index costs as much as some hundred plain scans, so a short list never builds it.
    _SCANS_BEFORE_INDEX = 60

    def near(self, word: str) -> list[Near]:
        """All spellings of :attr:`near_keys` within :func:`~cramprisk.nearness.radius`, nearest first."""
        if "near_index" not in self.__dict__ and self._searches < self._SCANS_BEFORE_INDEX:
            self._searches += 1
            reach = radius(len(word))
            low, high = self._of_length(len(word) - reach, len(word) + reach)
            return scan(word, self.near_keys[low:high])
        return self.near_index.search(word)

    def spells(self, token: str) -> bool:
        """Whether a token occurs in a name of the tables, so that it is no slip of the pen."""
        return token in self.lengths or token in self._places

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

    def by_code(self, system: str, code: str) -> tuple[str, ...]:
        """Ids for a code; for ATC and ICD-10-CM the longest known prefix of the code counts."""
        bare = _ICD_DOT.sub("", code).upper()
        if system not in ("atc", "icd10cm"):
            return self.codes.get((system, bare), ())
        shortest = 3
        for length in range(len(bare), shortest - 1, -1):
            found = self.codes.get((system, bare[:length]))
            if found:
                if system == "atc" and length < len(bare) and any(self.concepts[c].kind == "drug" for c in found):
                    return ()
                return found
        return ()
