"""Which kind of frame was handed over, and its columns by name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from enum import StrEnum
from types import ModuleType
from typing import Any, Protocol

from narwhals import dependencies as kinds

from cramprisk.errors import InputError, MissingExtraError
from cramprisk.frames.answers import Array, Column, Texts

__all__ = ["Engine", "Rows", "engine_of", "module_of", "require_columns", "require_free"]


class Engine(StrEnum):
    """The kinds of frames."""

    PANDAS = "pandas"
    POLARS = "polars"
    PYARROW = "pyarrow"
    DUCKDB = "duckdb"
    PYSPARK = "pyspark"


def engine_of(frame: Any) -> Engine:
    """The kind of a frame.

    Raises:
        InputError: It is none of them.
    """
    if kinds.is_pandas_dataframe(frame):
        return Engine.PANDAS
    if kinds.is_polars_dataframe(frame) or kinds.is_polars_lazyframe(frame):
        return Engine.POLARS
    if kinds.is_pyarrow_table(frame):
        return Engine.PYARROW
    if kinds.is_duckdb_relation(frame):
        return Engine.DUCKDB
    if kinds.is_pyspark_dataframe(frame) or kinds.is_pyspark_connect_dataframe(frame):
        return Engine.PYSPARK
    advice = " For one column give a frame that holds it, for example series.to_frame()." if kinds.is_into_series(frame) else ""
    raise InputError(
        "expected a frame of pandas, polars (DataFrame, LazyFrame), pyarrow (Table), DuckDB (relation) or PySpark, "
        f"got {type(frame).__module__}.{type(frame).__qualname__}.{advice}"
    )


class Rows(Protocol):
    """The rows of a frame whose columns are asked for one after another, and the making of another frame of its kind."""

    def texts(self, column: Hashable) -> Texts:
        """A column of texts."""

    def persons(self, column: Hashable) -> Array:
        """For each row the number of its value in a column of any type, -1 where it is missing."""

    def days(self, column: Hashable) -> Array:
        """A column of dates as datetime64[D], NaT where it is missing."""

    def taken(self, column: Hashable, places: Array) -> Any:
        """The values of a column at some rows, as the library holds a column."""

    def cells(self, column: Hashable, places: Array) -> list[Any]:
        """The same as a list."""

    def made(self, label: Hashable, values: Any, columns: Mapping[str, Column]) -> Any:
        """Another frame of the kind: a column with a label, as `taken` gives it or as an array, and columns made here."""


def module_of(engine: Engine) -> ModuleType:
    """What is done with frames of one kind; loading it loads their library."""
    from importlib import import_module

    try:
        return import_module(f"cramprisk.frames.{_MODULES[engine]}")
    except ModuleNotFoundError as problem:
        if problem.name != "pyarrow":
            raise
        raise MissingExtraError(
            f'frames of {engine.value} need pyarrow. Install it with: pip install "cramprisk[parquet]"'
        ) from None


_MODULES = {
    Engine.PANDAS: "pandas_frames",
    Engine.POLARS: "polars_frames",
    Engine.PYARROW: "arrow_frames",
    Engine.DUCKDB: "duckdb_frames",
}


def require_columns(names: Iterable[Hashable], wanted: Iterable[tuple[str, Hashable]]) -> None:
    """Checks that a frame has columns.

    Args:
        names: Those it has.
        wanted: Pairs of the argument and the name given in it.

    Raises:
        InputError: One is not there; the message names those that are.
    """
    there = list(names)
    for argument, name in wanted:
        if name not in there:
            shown = ", ".join(map(str, there[:40])) or "none"
            more = f" and {len(there) - 40} more" if len(there) > 40 else ""
            raise InputError(f"{argument}: the frame has no column {name!r}. It has: {shown}{more}.")


def require_free(names: Iterable[Hashable], added: Iterable[str]) -> None:
    """Checks that no added column has the name of one that is there.

    Raises:
        InputError: One has; the message says how to go on.
    """
    there = set(names)
    for name in added:
        if name in there:
            raise InputError(
                f"{name}: the frame has a column of this name already. Drop or rename it, or give a prefix for the added "
                'columns, for example prefix="cramps_".'
            )
