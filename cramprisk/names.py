"""The names of the tables, folded and tokenised: which cell a spelling stands in. Made once per version of the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from cramprisk.errors import VocabularyError
from cramprisk.model import Kind, Method
from cramprisk.nearness import NearIndex
from cramprisk.sorted_names import Block, NamesByLength, SortedNames, mapped, pack, unpack, whole
from cramprisk.tables import Tables, write_file
from cramprisk.text import condition_token, name_tokens
from cramprisk.vocabulary import Vocabulary

__all__ = [
    "CONDITION_FILLERS",
    "INDEX_FILES",
    "Cell",
    "Name",
    "Shelf",
    "TableShelf",
    "VocabularyShelf",
    "compared_tokens",
    "key_of",
    "names_of",
    "table_shelves",
    "write_index",
]


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


def cells_of(tables: Tables, kind: Kind, added: bool | None = None) -> Iterator[tuple[str, Cell]]:
    """Every cell of names for medicines or for conditions with its place ("db17": drugs.csv, brands, row 17), in order.

    Args:
        tables: The tables.
        kind: Medicines or conditions.
        added: Only the rows that a user's folder added, or only the others; both if None.
    """
    for letter, file, _, columns in _PLACES[kind]:
        table = tables.files[file]
        own = len(table.rows) - table.added
        first, end = (own, len(table.rows)) if added else (0, own if added is not None else len(table.rows))
        for index, row in enumerate(islice(table.rows, first, end), start=first):
            for mark, column, _ in columns:
                if row[column]:
                    place = f"{letter}{mark}{index}"
                    yield place, cell_at(tables, place)


def cell_at(tables: Tables, place: str) -> Cell:
    """The cell at a place that :func:`cells_of` gave."""
    file, concept_column, column, method = _COLUMN_OF[place[:2]]
    index = int(place[2:])
    table = tables.files[file]
    row = table.rows[index]
    return Cell(row[column], tuple(row[concept_column].split("|")), method, f"{table.place(index)[0]} {column}")


def names_of(tables: Tables, kind: Kind, added: bool | None = None) -> Iterator[Name]:
    """Every spelling of the tables for medicines or for conditions, in table order; `added` as for :func:`cells_of`."""
    for _, cell in cells_of(tables, kind, added):
        for rank, text in enumerate(cell.texts.split("|")):
            yield Name(text, cell.concepts, cell.method, cell.table, rank)


def key_of(tokens: Sequence[str], kind: Kind) -> str:
    """The look-up key of a name: the tokens of a medicine in their order, those of a condition sorted.

    "kidney disease" is "disease of kidney", but a medicine's words have their places.
    """
    return " ".join(tokens if kind is Kind.DRUG else sorted(tokens))


def compared_tokens(text: str, kind: Kind) -> list[str]:
    """The tokens of a name as they are compared: for conditions levelled and without fillers."""
    tokens = name_tokens(text)
    if kind is Kind.DRUG:
        return tokens
    levelled = [condition_token(token) for token in tokens]
    return [word for word in levelled if word not in CONDITION_FILLERS] or levelled


class Shelf(Protocol):
    """Names from one origin, ready to be looked up. Values are opaque: the shelf itself says what they name.

    Attributes:
        keys: Look-up key (:func:`key_of`) → value.
        joined: Names of several tokens without spaces (for conditions all names) → values.
        lengths: For the first token of a name of several (any token, for conditions) the lengths in tokens that occur.
        near: The spellings that nearness may lead to: letters only, four at least, and no abbreviations.
        pieces: The block of the index over these (:class:`~cramprisk.nearness.NearIndex`); None where none was made.
        words: For conditions the words that are spelled right: those of preferred names, or of several names.
    """

    keys: SortedNames
    joined: SortedNames
    lengths: SortedNames
    near: NamesByLength
    words: SortedNames
    pieces: Block | None

    def named(self, value: str, key: str) -> Name:
        """The name that has a value and a look-up key, or that value and these letters without spaces."""


class TableShelf:
    """The names of table rows; the values are places of cells (:func:`cell_at`) and of names in them: "db17.2".

    Args:
        tables: Where the cells are.
        kind: Medicines or conditions.
        blocks: What :func:`prepare` makes.
    """

    def __init__(self, tables: Tables, kind: Kind, blocks: Mapping[str, Block]) -> None:
        self.keys = SortedNames(blocks["keys"])
        self.joined = SortedNames(blocks["joined"])
        self.lengths = SortedNames(blocks["lengths"])
        self.near = NamesByLength(blocks["near"])
        self.words = SortedNames(blocks["words"])
        self.pieces = blocks.get("pieces")
        self._tables = tables
        self._kind = kind
        # Kept, since a name is asked for again and again.
        self._made: dict[str, Name] = {}

    def named(self, value: str, key: str) -> Name:
        """The name that has a value and a look-up key."""
        known = self._made.get(value)
        if known is None:
            place, _, rank = value.partition(".")
            cell = cell_at(self._tables, place)
            text = cell.texts.split("|")[int(rank)]
            known = self._made[value] = Name(text, cell.concepts, cell.method, cell.table, int(rank))
        return known


_RXNORM_METHOD = {"IN": Method.NAME, "PIN": Method.SYNONYM, "BN": Method.BRAND}
_RANK_OF_BRANDS = 99  # RxNorm does not say which brand is well known


class VocabularyShelf:
    """The names of a vocabulary as a :class:`Shelf`.

    Args:
        vocabulary: The release.
        concepts_of: Gives the concept ids of an RxCUI.
    """

    def __init__(self, vocabulary: Vocabulary, concepts_of: Callable[[str], tuple[str, ...]]) -> None:
        blocks = vocabulary.names
        self.keys = SortedNames(blocks["keys"])
        self.joined = SortedNames(blocks["joined"])
        self.lengths = SortedNames(blocks["lengths"])
        self.near = NamesByLength(blocks["near"])
        self.words = SortedNames()
        self.pieces: Block | None = None
        self._concepts_of = concepts_of

    def named(self, value: str, key: str) -> Name:
        """The name that has a value and a look-up key."""
        kind, _, rxcui = value.partition(":")
        rank = _RANK_OF_BRANDS if kind == "BN" else 0
        return Name(key, self._concepts_of(rxcui), _RXNORM_METHOD[kind], f"RxNorm {kind} {rxcui}", rank)


# A word that stands in so many names is spelled right; the tables also hold slips that people make.
_OFTEN = 8


def reachable(tokens: Sequence[str], kind: Kind) -> bool:
    """Whether nearness may lead to a name: letters only, four at least, no word of it too short.

    "K deficiency" must not be reached from "deficiency": a name with so short a word is only read exactly.
    """
    squashed = "".join(tokens)
    shortest = 1 if kind is Kind.DRUG else 2
    return (len(tokens) == 1 or min(map(len, tokens)) > shortest) and squashed.isalpha() and len(squashed) >= 4


def prepare(tables: Tables, kind: Kind, added: bool = False) -> dict[str, bytes]:
    """The blocks of a shelf of the tables' own names, or of those that a user's folder added.

    Takes a few tenths of a second for the tables of this package.
    """
    keys: dict[str, str] = {}
    lengths: dict[tuple[str, int], None] = {}
    joined: dict[tuple[str, str], int] = {}
    near: dict[str, None] = {}
    occurs: Counter[str] = Counter()
    drug = kind is Kind.DRUG
    for place, cell in cells_of(tables, kind, added):
        for rank, text in enumerate(cell.texts.split("|")):
            tokens = compared_tokens(text, kind)
            if not tokens:
                continue
            # Of two equal names the first of the tables counts; the table check allows that within one concept only.
            keys.setdefault(key_of(tokens, kind), f"{place}.{rank}")
            occurs.update(dict.fromkeys(tokens, _OFTEN if cell.method is Method.NAME else 1))
            if len(tokens) > 1 or not drug:
                joined.setdefault(("".join(tokens), place), rank)
                for token in tokens[:1] if drug else tokens:
                    lengths[token, len(tokens)] = None
            if cell.method is not Method.ABBREVIATION and reachable(tokens, kind):
                near["".join(tokens)] = None
    return {
        "keys": SortedNames.block_of(keys.items()),
        "joined": SortedNames.block_of((squashed, f"{place}.{rank}") for (squashed, place), rank in joined.items()),
        "lengths": SortedNames.block_of((token, str(length)) for token, length in sorted(lengths, key=lambda one: -one[1])),
        "near": NamesByLength.block_of(near),
        "words": SortedNames.block_of((word, "") for word, times in occurs.items() if times >= _OFTEN and not drug),
    }


def _prepared(tables: Tables, kind: Kind, added: bool = False) -> dict[str, Block]:
    return {name: whole(content) for name, content in prepare(tables, kind, added).items()}


INDEX_FILES = {Kind.DRUG: "drug_names.idx", Kind.CONDITION: "condition_names.idx"}
"""Derived from the tables of a folder and kept beside them; without them, or with old ones, loading takes longer."""

_INDEX_MARK = "cramprisk names 13"


def write_index(tables: Tables) -> None:
    """Write the files of :data:`INDEX_FILES` beside the tables: what :func:`prepare` gives, and the index for nearness.

    They are marked with the digest of the tables. Takes some seconds.
    """
    if tables.folder is None:
        return
    for kind, file in INDEX_FILES.items():
        blocks = prepare(tables, kind)
        pieces = NearIndex.block_of(NamesByLength(whole(blocks["near"])))
        write_file(tables.folder / file, pack(f"{_INDEX_MARK} {tables.index_digest}", {"pieces": pieces, **blocks}))


def table_shelves(tables: Tables, kind: Kind) -> list[TableShelf]:
    """The shelves of the tables' own names and of those that a user's folder added, the former first.

    The former come from the index file if it is that of these very tables.
    """
    blocks: dict[str, Block] | None = None
    if tables.folder is not None:
        try:
            content = mapped(tables.folder / INDEX_FILES[kind])
            blocks = unpack(content, f"{_INDEX_MARK} {tables.index_digest}")
        except (OSError, VocabularyError):
            blocks = None
    shelves = [TableShelf(tables, kind, _prepared(tables, kind) if blocks is None else blocks)]
    if any(table.added for table in tables.files.values()):
        shelves.append(TableShelf(tables, kind, _prepared(tables, kind, added=True)))
    return shelves
