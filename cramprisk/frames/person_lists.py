"""The lists of very many persons: which distinct entries stand on each, read once, and what each says is present.

A list is never built as such. Entries are numbers, and what follows from them is gathered for all persons at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from cramprisk.checker import LOCAL_ROUTES, Checker
from cramprisk.frames.answers import Array, Texts
from cramprisk.frames.statements import Statement, entries_in, statement_of, statements
from cramprisk.model import Kind, Match, Mention, Method, Qualifier, Status

__all__ = ["Cell", "Cells", "Given", "Key", "Lists", "Places", "cells_of", "lists_of", "places_of", "sample", "spread"]


class Cell(NamedTuple):
    """What stands in one cell.

    Attributes:
        text: As written. It may hold several entries.
        match: What it says, where more than its text was read; it is one entry then.
        codes: Codes that a record states beside it, as system and code, if it was read.
    """

    text: str
    match: Match | None = None
    codes: tuple[tuple[str, str], ...] = ()


class Cells(NamedTuple):
    """The columns of one kind.

    Attributes:
        codes: For each column, and in it for each row, the index into `distinct`; -1 where the cell is missing.
        distinct: The cells, each once.
    """

    codes: Sequence[Array]
    distinct: Sequence[Cell]


class Given(NamedTuple):
    """The rows of a frame as they matter here.

    Attributes:
        person: For each row the number of its person, counted in the order of their first rows.
        first: For each person the first row.
        cells: By kind.
        start: For each row the day the medicine was begun, NaT if not known; None if that was not given.
        stop: The last day, likewise.
        since: For each person the day the cramps began, likewise.
    """

    person: Array
    first: Array
    cells: dict[Kind, Cells]
    start: Array | None = None
    stop: Array | None = None
    since: Array | None = None


class Lists(NamedTuple):
    """The entries of all lists: person after person, and of each the medicines before the conditions, row by row.

    Attributes:
        person: For each entry of a list whose it is.
        row: In which row of the frame it stands.
        entry: Index into `texts` and `said`.
        texts: The distinct entries as written. One of several meanings is there once for each that lists gave it.
        said: What they say.
    """

    person: Array
    row: Array
    entry: Array
    texts: list[str]
    said: list[Statement]


class Key(NamedTuple):
    """A subject that flags may be about: a concept of one kind, or a product as a whole (`Kind.DRUG`)."""

    kind: Kind
    subject: str
    product: bool = False


class Places(NamedTuple):
    """Where subjects are present, in the order of the lists.

    Attributes:
        at: Index into the arrays of :class:`Lists`.
        key: Index into `keys`.
        doubt: Whether the entry marks it as uncertain or as past.
        route: Index into `LOCAL_ROUTES`, -1 for another route or none.
        keys: The subjects.
    """

    at: Array
    key: Array
    doubt: Array
    route: Array
    keys: list[Key]


def cells_of(columns: Sequence[Texts]) -> Cells:
    """Columns of texts as cells; what is in several columns is read once."""
    if len(columns) == 1:
        return Cells([columns[0].codes], [Cell(text) for text in columns[0].distinct])
    places: dict[str, int] = {}
    codes = []
    for column in columns:
        moved = np.array([*(places.setdefault(text, len(places)) for text in column.distinct), -1], dtype=np.int32)
        codes.append(moved[column.codes])
    return Cells(codes, [Cell(text) for text in places])


def spread(starts: Array, codes: Array) -> tuple[Array, Array]:
    """Rows whose number of items depends on their code, as one row for each item.

    Args:
        starts: For each code where its items begin, and at last where the last one's end.
        codes: For each row its code.

    Returns:
        For each item the row it comes from, and its position among all items.
    """
    counts = starts[codes + 1] - starts[codes]
    owners = np.repeat(np.arange(len(codes)), counts)
    before = np.cumsum(counts) - counts
    return owners, np.arange(len(owners)) + np.repeat(starts[codes] - before, counts)


def starts_of(items: Iterable[Sequence[object]]) -> Array:
    """Where the items of each begin when they are put behind one another, and where the last end."""
    return np.cumsum([0, *map(len, items)], dtype=np.int64)


# ---------------------------------------------------------------------- entries


def lists_of(given: Given, checker: Checker) -> Lists:
    """The lists of all persons, their distinct entries read, each as far as the rest of its list settles it."""
    rows: list[Array] = []
    entries: list[Array] = []
    said: list[Statement] = []
    cells: list[Cell] = []
    for kind in Kind:
        if kind not in given.cells:
            continue
        found_rows, found, distinct = _entries(given.cells[kind], kind, checker)
        rows.append(found_rows)
        entries.append(found + len(cells))
        read = iter(statements([cell.text for cell in distinct if cell.match is None], kind, checker))
        said += [next(read) if cell.match is None else statement_of(cell.match) for cell in distinct]
        cells += distinct
    row, entry = np.concatenate(rows), np.concatenate(entries)
    person = given.person[row]
    order = np.argsort(person, kind="stable")
    texts = [cell.text if cell.match is None else cell.match.text for cell in cells]
    lists = Lists(person[order], row[order], entry[order], texts, said)
    _settle(lists, cells, checker)
    return lists


def _entries(cells: Cells, kind: Kind, checker: Checker) -> tuple[Array, Array, list[Cell]]:
    """For each entry of the columns its row and its index among the distinct entries, row by row; and those."""
    entries = iter(entries_in([cell.text for cell in cells.distinct if cell.match is None], kind, checker))
    parts = [[Cell(text) for text in next(entries)] if cell.match is None else [cell] for cell in cells.distinct]
    places: dict[Cell, int] = {}
    items = np.array([places.setdefault(one, len(places)) for part in parts for one in part], dtype=np.int64)
    codes = np.column_stack(cells.codes).ravel() if len(cells.codes) > 1 else cells.codes[0]
    there = np.flatnonzero(codes >= 0)
    owners, positions = spread(starts_of(parts), codes[there].astype(np.int64))
    return there[owners] // len(cells.codes), items[positions], list(places)


def _settle(lists: Lists, cells: Sequence[Cell], checker: Checker) -> None:
    """Reads entries of several meanings anew where other entries of their list may settle them, as `match_list` does.

    What it does is put into `lists`: entries of several meanings are given another number.
    """
    unsettled = np.array([one.unsettled for one in lists.said], dtype=np.bool_)
    where = np.flatnonzero(unsettled[lists.entry]) if len(unsettled) else np.array([], dtype=np.int64)
    if not len(where):
        return
    matcher = checker.matcher(Kind.CONDITION)
    meanings = {
        concept
        for ambiguity in matcher.lexicon.ambiguous.values()
        for meaning in ambiguity.meanings
        for concept in meaning.split("+")
    }
    concerned = np.zeros(int(lists.person[-1]) + 1, dtype=np.bool_)
    concerned[lists.person[where]] = True
    beside: dict[int, set[str]] = {}
    settling = [meanings.intersection(one.now() if one.kind is Kind.CONDITION else ()) for one in lists.said]
    others = np.flatnonzero(concerned[lists.person] & np.array([bool(one) for one in settling], dtype=np.bool_)[lists.entry])
    for person, entry in zip(lists.person[others].tolist(), lists.entry[others].tolist(), strict=True):
        beside.setdefault(person, set()).update(settling[entry])
    known: dict[tuple[int, frozenset[str]], int] = {}
    for place, person, entry in zip(where.tolist(), lists.person[where].tolist(), lists.entry[where].tolist(), strict=True):
        if person in beside:
            key = (entry, frozenset(beside[person]))
            if key not in known:
                known[key] = len(lists.said)
                cell, settled = cells[entry], matcher.match(cells[entry].text, key[1], cells[entry].codes)
                keeps = cell.match is not None and not settled.complete
                lists.texts.append(lists.texts[entry])
                lists.said.append(lists.said[entry] if keeps else statement_of(settled))
            lists.entry[place] = known[key]


# ---------------------------------------------------------------------- what is present


def places_of(lists: Lists, matters: Callable[[Key], bool], checker: Checker) -> Places:
    """Where subjects are present on the lists; those that do not matter are left out."""
    numbers: dict[Key, int] = {}
    left_out: set[Key] = set()
    products = _PRODUCTS.setdefault(checker, {})
    known: dict[int, list[tuple[int, bool, int]]] = {}
    items: list[list[tuple[int, bool, int]]] = []
    for said in lists.said:
        if id(said) in known:
            items.append(known[id(said)])
            continue
        found = known[id(said)] = []
        present = said.present
        keyed = [(Key(said.kind, concept), one.qualifier is not None, one.route) for one in present for concept in one.concepts]
        if present and said.kind is Kind.DRUG:
            concepts = tuple(dict.fromkeys(key.subject for key, _, _ in keyed))
            whole = products.get(concepts)
            if whole is None:
                if len(products) >= _MOST_PRODUCTS:
                    products.clear()
                whole = products[concepts] = _products(concepts, checker)
            doubt = any(one.qualifier is not None for one in present)
            keyed += [(key, doubt, present[0].route) for key in whole]
        for key, doubt, route in keyed:
            if key not in numbers and key not in left_out:
                if matters(key):
                    numbers[key] = len(numbers)
                else:
                    left_out.add(key)
            if key in numbers:
                found.append((numbers[key], doubt, LOCAL_ROUTES.index(route) if route in LOCAL_ROUTES else -1))
        items.append(found)
    at, positions = spread(starts_of(items), lists.entry)
    flat = [one for found in items for one in found]
    return Places(
        at,
        np.array([one[0] for one in flat], dtype=np.int32)[positions],
        np.array([one[1] for one in flat], dtype=np.bool_)[positions],
        np.array([one[2] for one in flat], dtype=np.int8)[positions],
        list(numbers),
    )


def sample(key: Key, *, uncertain: bool = False, route: str | None = None) -> Match:
    """A match that says the subject is present, as an entry would that names it and nothing else."""
    concepts = tuple(key.subject.split("+")) if key.product else (key.subject,)
    qualifier = Qualifier.UNCERTAIN if uncertain else None
    mention = Mention(concepts, "", "", "", Method.NAME, 100.0, 0, 0, qualifier, route)
    return Match("", key.kind, Status.MATCHED, concepts, (mention,))


# Tables name some thousand combinations; entries of several medicines may make more.
_PRODUCTS: WeakKeyDictionary[Checker, dict[tuple[str, ...], list[Key]]] = WeakKeyDictionary()
_MOST_PRODUCTS = 50_000


def _products(concepts: tuple[str, ...], checker: Checker) -> list[Key]:
    """The products as a whole that an entry with these concepts is."""
    mention = Mention(concepts, "", "", "", Method.NAME, 100.0, 0, 0)
    flags = checker.report([Match("", Kind.DRUG, Status.MATCHED, concepts, (mention,))]).flags
    return [Key(Kind.DRUG, flag.subject.id, True) for flag in flags if flag.subject.kind == "product"]
