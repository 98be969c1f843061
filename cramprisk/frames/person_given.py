"""The rows of a frame as `findings` and `summarise` need them: numbered persons, cells, days."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from cramprisk.errors import InputError
from cramprisk.frames.answers import Array
from cramprisk.frames.engines import Rows
from cramprisk.frames.person_lists import Given, cells_of
from cramprisk.model import Kind

__all__ = ["Asked", "Columns", "given_of", "numbered", "of_persons", "require_order"]

Columns = Hashable | Sequence[Hashable]
"""The name of a column, or a list of such names; a tuple is the name of a column of several levels."""


class Asked(NamedTuple):
    """Which columns are what."""

    id: Hashable
    drug: Columns = None
    condition: Columns = None
    start: Hashable = None
    stop: Hashable = None
    cramps_since: Hashable = None

    def texts(self) -> dict[Kind, list[Hashable]]:
        """The columns of texts by kind."""
        given = {Kind.DRUG: self.drug, Kind.CONDITION: self.condition}
        several = {kind: one if isinstance(one, list) else [one] for kind, one in given.items() if one is not None}
        return {kind: names for kind, names in several.items() if names}

    def named(self) -> list[tuple[str, Hashable]]:
        """Each column with the argument that names it."""
        days = [("start", self.start), ("stop", self.stop), ("cramps_since", self.cramps_since)]
        texts = [(kind.value, name) for kind, names in self.texts().items() for name in names]
        return [("id", self.id), *texts, *((argument, name) for argument, name in days if name is not None)]


def given_of(rows: Rows, asked: Asked) -> Given:
    """The rows of a frame; its errors are those of :func:`~cramprisk.findings`."""
    person, first = numbered(rows.persons(asked.id))
    start, stop, since = (None if name is None else rows.days(name) for name in (asked.start, asked.stop, asked.cramps_since))
    require_order(start, stop, (str(asked.start), str(asked.stop)))
    return Given(
        person,
        first,
        {kind: cells_of([rows.texts(name) for name in names]) for kind, names in asked.texts().items()},
        start,
        stop,
        None if since is None else of_persons(since, person, len(first), asked.cramps_since),
    )


def numbered(codes: Array) -> tuple[Array, Array]:
    """Persons numbered in the order of their first rows, and those rows; a row without a person is one of its own."""
    codes = codes.astype(np.int64)
    missing = np.flatnonzero(codes < 0)
    codes[missing] = int(codes.max(initial=-1)) + 1 + np.arange(len(missing))
    _, first, number = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[number], first[order]


def of_persons(days: Array, person: Array, size: int, column: Hashable) -> Array:
    """For each person the one day that its rows give.

    Raises:
        InputError: A person has two; the message gives the row of the second.
    """
    found = np.full(size, np.datetime64("NaT", "D"))
    there = np.flatnonzero(~np.isnat(days))
    # The first of a person's rows is put in last.
    found[person[there][::-1]] = days[there][::-1]
    other = there[days[there] != found[person[there]]]
    if len(other):
        raise InputError(f"{column}: row {other[0] + 1}: is another day than in an earlier row of the same person. Give one day.")
    return found


def require_order(start: Array | None, stop: Array | None, names: tuple[str, str]) -> None:
    """Checks that no medicine was stopped before it was begun.

    Raises:
        InputError: One was; the message gives its row.
    """
    if start is not None and stop is not None:
        wrong = np.flatnonzero(stop < start)
        if len(wrong):
            raise InputError(
                f"{names[1]}: row {wrong[0] + 1}: lies before {names[0]}. Correct one of the two, or leave one of them missing."
            )
