"""Findings and summaries of persons, from frames of any kind."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.frames.answers import Array
from cramprisk.frames.engines import Engine, Rows, engine_of, module_of, require_columns
from cramprisk.frames.person_columns import FINDING_COLUMNS, SUMMARY_COLUMNS, finding_columns, given_days, summary_columns
from cramprisk.frames.person_flags import said_of
from cramprisk.frames.person_lists import Given, cells_of
from cramprisk.model import Kind

__all__ = ["findings", "summarise"]

Frame = TypeVar("Frame")
Columns = Hashable | list[Hashable]


def findings(
    frame: Frame,
    *,
    id: Hashable,
    drug: Columns = None,
    condition: Columns = None,
    start: Hashable = None,
    stop: Hashable = None,
    cramps_since: Hashable = None,
    checker: Checker | None = None,
) -> Frame:
    """One row for each association that the report of a person shows.

    The rows of a person are the list that :func:`~cramprisk.check` would be given: all medicines, and all conditions,
    in the order of the rows. What it says is the same, as are the order of its flags and of their evidence.

    Args:
        frame: Of pandas, polars, pyarrow or DuckDB. A person may have many rows, and a row many cells.
        id: The column that says whose a row is. A row without it is a person of its own: nobody's entries are mixed.
        drug: The column of medicines, or a list of such columns.
        condition: The column of conditions, or a list.
        start: The column of the days on which the medicines of a row were begun: dates, or texts like ``2026-11-21``.
        stop: The column of the last days.
        cramps_since: The column of the day on which the person's cramps began. It says beside a flag whether the
            medicine was begun before.
        checker: Over which tables; None for those of the package.

    Returns:
        A frame of the same kind. ``docs/frames.md`` has the columns. A person about whom nothing is found has no row in
        it, which says nothing while entries are unresolved: see :func:`summarise`.

    Raises:
        InputError: There is no such column, a cell is of another type, an end lies before its beginning, or a person has
            two days on which the cramps began.
        MissingExtraError: What `frame` needs is not installed.

    Examples:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"person": [7, 7, 8], "medicine": ["HCTZ 25mg", "unheard of", "Ventolin"]})
        >>> found = findings(frame, id="person", drug="medicine")
        >>> found.drop_duplicates("subject")[["person", "subject", "grade", "contested", "entries"]]
           person              subject grade  contested    entries
        0       7  hydrochlorothiazide     A       True  HCTZ 25mg
        4       8           salbutamol     B       True   Ventolin
    """
    asked = _Asked(id, drug, condition, start, stop, cramps_since)
    made: Frame = _made(frame, asked, checker or Checker.default(), FINDING_COLUMNS)
    return made


def summarise(
    frame: Frame, *, id: Hashable, drug: Columns = None, condition: Columns = None, checker: Checker | None = None
) -> Frame:
    """One row for each person of the frame, also for those about whom nothing is found.

    Args:
        frame: As for :func:`findings`, like the other arguments.
        id: The column that says whose a row is.
        drug: The column of medicines, or a list of such columns.
        condition: The column of conditions, or a list.
        checker: Over which tables; None for those of the package.

    Returns:
        A frame of the same kind, persons in the order of their first rows: ``entries`` that say something,
        ``unresolved`` ones, ``complete`` if there are none of these; the flags that are ``risks``, of them those of
        ``grade_a`` to ``grade_d`` and the ``contested``; the flags of ``relief``; and ``interactions``.

    Raises:
        InputError: There is no such column, or a cell is of another type.
        MissingExtraError: What `frame` needs is not installed.

    Examples:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"person": [7, 7, 8], "medicine": ["HCTZ 25mg", "unheard of", "warfarin"]})
        >>> summarise(frame, id="person", drug="medicine")[["person", "unresolved", "complete", "risks", "grade_a"]]
           person  unresolved  complete  risks  grade_a
        0       7           1     False      1        1
        1       8           0      True      0        0
    """
    made: Frame = _made(frame, _Asked(id, drug, condition), checker or Checker.default(), SUMMARY_COLUMNS)
    return made


class _Asked(NamedTuple):
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
        return {kind: one if isinstance(one, list) else [one] for kind, one in given.items() if one is not None and one != []}

    def named(self) -> list[tuple[str, Hashable]]:
        """Each column with the argument that names it."""
        days = [("start", self.start), ("stop", self.stop), ("cramps_since", self.cramps_since)]
        texts = [(kind.value, name) for kind, names in self.texts().items() for name in names]
        return [("id", self.id), *texts, *((argument, name) for argument, name in days if name is not None)]


def _made(frame: Any, asked: _Asked, checker: Checker, wanted: tuple[str, ...]) -> Any:
    from narwhals import from_native, to_native
    from narwhals.dependencies import is_narwhals_dataframe, is_narwhals_lazyframe

    if is_narwhals_dataframe(frame) or is_narwhals_lazyframe(frame):
        return from_native(_made(to_native(frame), asked, checker, wanted))
    if not asked.texts():
        raise InputError("drug, condition: neither is given. Name the columns of medicines, of conditions, or both.")
    engine = engine_of(frame)
    if engine is Engine.PYSPARK:
        raise InputError(
            "findings and summarise need all rows of a person together, which is not done on PySpark. Use annotate there, or "
            "hand over what fits into memory: frame.toArrow()."
        )
    frames = module_of(engine)
    require_columns(frames.names_of(frame), asked.named())
    if asked.id in wanted:
        raise InputError(f"id: {asked.id} is also the name of a column of the result. Rename the column of the persons.")
    rows: Rows = frames.rows_of(frame, [name for _, name in asked.named()])
    given = _given(rows, asked)
    said = said_of(given, checker)
    if wanted is SUMMARY_COLUMNS:
        return rows.made(asked.id, given.first, summary_columns(given, said))
    whose, columns = finding_columns(given, said, checker)
    return rows.made(asked.id, given.first[whose], columns)


def _given(rows: Rows, asked: _Asked) -> Given:
    person, first = _persons(rows.persons(asked.id))
    start, stop, since = (None if name is None else rows.days(name) for name in (asked.start, asked.stop, asked.cramps_since))
    given_days(start, stop, (str(asked.start), str(asked.stop)))
    return Given(
        person,
        first,
        {kind: cells_of([rows.texts(name) for name in names]) for kind, names in asked.texts().items()},
        start,
        stop,
        None if since is None else _of_persons(since, person, len(first), asked.cramps_since),
    )


def _persons(codes: Array) -> tuple[Array, Array]:
    """Persons numbered in the order of their first rows, and those rows; a row without a person is one of its own."""
    codes = codes.astype(np.int64)
    missing = np.flatnonzero(codes < 0)
    codes[missing] = int(codes.max(initial=-1)) + 1 + np.arange(len(missing))
    _, first, number = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[number], first[order]


def _of_persons(days: Array, person: Array, size: int, column: Hashable) -> Array:
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
