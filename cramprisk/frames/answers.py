"""What the distinct texts of a column say, as arrays: one slot for each text, and a last one for missing cells.

Nothing here walks over the rows of a frame. A frame brings its column as codes into its distinct texts; every added
column is then a small array of answers, and the rows take from it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cramprisk.checker import Checker
from cramprisk.columns import COLUMNS, Reading, readings
from cramprisk.context import day
from cramprisk.errors import InputError
from cramprisk.model import Direction, Grade, Kind, Status

__all__ = [
    "FIXED",
    "MISSING",
    "Array",
    "Coded",
    "Column",
    "Texts",
    "added",
    "added_name",
    "answers",
    "coded",
    "days_at",
    "narrow",
    "not_a_text",
    "take",
]

Array = NDArray[Any]

FIXED = {
    "status": tuple(one.value for one in Status),
    "direction": tuple(one.value for one in Direction),
    "grade": tuple(one.value for one in Grade),
}
"""Columns whose values are known beforehand: they have the same categories in every frame, so that frames can be joined."""

MISSING = Reading(Status.EMPTY.value, None, None, None, False, None, None, False, None, None)
"""What a missing cell says."""

_BLOCK = 1 << 18


class Texts(NamedTuple):
    """A column of texts.

    Attributes:
        codes: For each row the index of its text in `distinct`; -1 where the cell is missing.
        distinct: The texts, each once.
    """

    codes: Array
    distinct: Sequence[str]


class Coded(NamedTuple):
    """Texts as codes into their values; -1 where there is none. The codes are as narrow as the values allow."""

    codes: Array
    values: tuple[str, ...]


Column = Coded | Array


def narrow(size: int) -> type[np.signedinteger[Any]]:
    """The smallest integer type that counts to `size` and has a -1."""
    if size <= np.iinfo(np.int8).max:
        return np.int8
    return np.int16 if size <= np.iinfo(np.int16).max else np.int32


def coded(cells: Iterable[str | None], values: Iterable[str] = ()) -> Coded:
    """Cells as codes.

    Args:
        cells: None where there is none.
        values: Those known beforehand, in their order; others follow in order of appearance.
    """
    places = {value: place for place, value in enumerate(values)}
    codes = [-1 if cell is None else places.setdefault(cell, len(places)) for cell in cells]
    return Coded(np.array(codes, dtype=narrow(len(places))), tuple(places))


def take(table: Array, codes: Array) -> Array:
    """The slot of each code; -1 takes the last slot.

    Block by block, because numpy widens all codes to 64 bits before it takes, and that copy should stay in the cache.
    """
    taken = np.empty(len(codes), dtype=table.dtype)
    for start in range(0, len(codes), _BLOCK):
        np.take(table, codes[start : start + _BLOCK], out=taken[start : start + _BLOCK], mode="wrap")
    return taken


def answers(given: Sequence[Reading]) -> dict[str, Column]:
    """For each of `columns.COLUMNS` a slot for each reading, and a last one for a missing cell."""
    # Texts that differ in their dose only may share one reading: each reading is taken apart once.
    places: dict[int, int] = {}
    kept: list[Reading] = []
    slots = np.empty(len(given) + 1, dtype=np.int32)
    for slot, reading in enumerate((*given, MISSING)):
        place = places.setdefault(id(reading), len(kept))
        if place == len(kept):
            kept.append(reading)
        slots[slot] = place
    return {name: _column(name, [getattr(reading, name) for reading in kept], slots) for name in COLUMNS}


def added(texts: Texts, kind: Kind, checker: Checker, prefix: str) -> dict[str, Column]:
    """The columns that a column of texts adds to its frame, by name."""
    table = answers(readings(texts.distinct, kind, checker))
    return {
        added_name(kind, name, prefix): Coded(take(column.codes, texts.codes), column.values)
        if isinstance(column, Coded)
        else take(column, texts.codes)
        for name, column in table.items()
    }


def added_name(kind: Kind, name: str, prefix: str = "") -> str:
    """The name of an added column in a frame."""
    return f"{prefix}{kind.value}_{name}"


def _column(name: str, cells: list[Any], slots: Array) -> Column:
    if name in ("flagged", "contested"):
        return np.array(cells, dtype=np.bool_)[slots]
    if name == "score":
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)[slots]
    found = coded(cells, FIXED.get(name, ()))
    return Coded(found.codes[slots], found.values)


def days_at(codes: Array, values: Sequence[object], column: Hashable) -> Array:
    """The days of cells that are given by code into their distinct values: dates, or texts like ``2026-11-21``.

    Raises:
        InputError: One is no date; the message gives its row.
    """
    days = np.full(len(values) + 1, np.datetime64("NaT", "D"))
    for place, value in enumerate(values):
        try:
            found = day(value, str(column))  # type: ignore[arg-type]
        except InputError:
            row = int(np.flatnonzero(codes == place)[0])
            raise InputError(f"{column}: row {row + 1}: is no date. A date looks like 2026-11-21.") from None
        if found is not None:
            days[place] = found
    return days[codes]


def not_a_text(column: Hashable, row: int, found: str) -> InputError:
    """The error for a cell that holds no text; `found` is its type."""
    return InputError(
        f"{column}: row {row + 1}: expected text, got {found}. Turn the column into texts first; leave cells without one missing."
    )
