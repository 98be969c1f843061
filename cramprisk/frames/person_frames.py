"""Findings and summaries of persons, from frames of any kind."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeVar

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.frames.engines import Engine, Rows, engine_of, module_of, require_columns
from cramprisk.frames.person_columns import FINDING_COLUMNS, SUMMARY_COLUMNS, answered
from cramprisk.frames.person_given import Asked, Columns, given_of

__all__ = ["findings", "summarise"]

Frame = TypeVar("Frame")


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
        frame: Of pandas, polars, pyarrow, DuckDB or PySpark. A person may have many rows, and a row many cells.
        id: The column that says whose a row is. A row without it is a person of its own: nobody's entries are mixed.
        drug: The column of medicines, or a list of such columns.
        condition: The column of conditions, or a list.
        start: The column of the days on which the medicines of a row were begun: dates, or texts like ``2026-11-21``.
        stop: The column of the last days.
        cramps_since: The column of the day on which the person's cramps began. It says beside a flag whether the
            medicine was begun before.
        checker: Over which tables; None for those of the package.

    Returns:
        A frame of the same kind. ``docs/frames.md`` has the columns; on PySpark ``rows`` is not among them. A person
        about whom nothing is found has no row in it, which says nothing while entries are unresolved: see
        :func:`summarise`.

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
    asked = Asked(id, drug, condition, start, stop, cramps_since)
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
    made: Frame = _made(frame, Asked(id, drug, condition), checker or Checker.default(), SUMMARY_COLUMNS)
    return made


def _made(frame: Any, asked: Asked, checker: Checker, wanted: tuple[str, ...]) -> Any:
    from narwhals import from_native, to_native
    from narwhals.dependencies import is_narwhals_dataframe, is_narwhals_lazyframe

    if is_narwhals_dataframe(frame) or is_narwhals_lazyframe(frame):
        return from_native(_made(to_native(frame), asked, checker, wanted))
    if not asked.texts():
        raise InputError("drug, condition: neither is given. Name the columns of medicines, of conditions, or both.")
    engine = engine_of(frame)
    if engine is Engine.PYSPARK:
        from cramprisk.frames.spark_frames import answered_on_spark

        return answered_on_spark(frame, asked, checker, wanted)
    frames = module_of(engine)
    require_columns(frames.names_of(frame), asked.named())
    if asked.id in wanted:
        raise InputError(f"id: {asked.id} is also the name of a column of the result. Rename the column of the persons.")
    rows: Rows = frames.rows_of(frame, [name for _, name in asked.named()])
    places, columns = answered(given_of(rows, asked), checker, wanted)
    return rows.made(asked.id, rows.taken(asked.id, places), columns)
