"""Frames of polars, eager and lazy. A lazy frame stays lazy: its texts are read when it is collected, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl

from cramprisk.checker import Checker
from cramprisk.columns import COLUMNS, Reading, readings
from cramprisk.errors import InputError
from cramprisk.frames.answers import FIXED, Array, Coded, Column, Texts, added_name, answers
from cramprisk.frames.arrow_frames import days_of, persons_of
from cramprisk.frames.arrow_frames import texts_of as texts_of_arrow
from cramprisk.model import Kind

__all__ = ["annotated", "names_of", "native", "texts_of"]

_TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Null)


def names_of(frame: pl.DataFrame | pl.LazyFrame) -> list[Hashable]:
    """The names of the columns."""
    return list(frame.collect_schema().names())


def annotated(
    frame: pl.DataFrame | pl.LazyFrame, columns: Mapping[Kind, Hashable], checker: Checker, prefix: str
) -> pl.DataFrame | pl.LazyFrame:
    """The frame with the columns added that its columns of texts give."""
    if isinstance(frame, pl.DataFrame):
        made = [
            field
            for kind, column in columns.items()
            for field in _told(kind, checker, prefix)(frame.get_column(str(column))).struct.unnest().get_columns()
        ]
        return frame.with_columns(made)
    schema = frame.collect_schema()
    for kind, column in columns.items():
        if not isinstance(schema[str(column)], _TEXTS):
            raise InputError(
                f"{column}: expected a column of texts, got {schema[str(column)]}. Cast it first: pl.col(…).cast(pl.String)."
            )
        # One expression that works on each batch by itself: filters on other columns, selections and head() are done
        # before it, and a frame larger than memory may pass through.
        told = pl.col(str(column)).map_batches(_told(kind, checker, prefix), _type(kind, prefix), is_elementwise=True)
        place = f"cramprisk_{uuid4().hex}"
        frame = frame.with_columns(told.alias(place)).unnest(place)
    return frame


def _type(kind: Kind, prefix: str) -> pl.Struct:
    return pl.Struct({added_name(kind, name, prefix): _field_type(name) for name in COLUMNS})


def _field_type(name: str) -> pl.DataType:
    if name in FIXED:
        return pl.Enum(FIXED[name])
    if name in ("flagged", "contested"):
        return pl.Boolean()
    return pl.Float64() if name == "score" else pl.Categorical()


def _told(kind: Kind, checker: Checker, prefix: str) -> Callable[[pl.Series], pl.Series]:
    """What a batch of a column says, as structs; a text that an earlier batch held is not read again."""
    known: dict[str, Reading] = {}

    def told(series: pl.Series) -> pl.Series:
        texts = texts_of(series)
        fresh = [text for text in texts.distinct if text not in known]
        known.update(zip(fresh, readings(fresh, kind, checker), strict=True))
        table = answers([known[text] for text in texts.distinct])
        rows = pl.Series(np.where(texts.codes < 0, len(texts.distinct), texts.codes).astype(np.uint32))
        made = [
            native(column, _field_type(name)).gather(rows).alias(added_name(kind, name, prefix)) for name, column in table.items()
        ]
        return pl.DataFrame(made).to_struct(series.name)

    return told


def texts_of(series: pl.Series) -> Texts:
    """The distinct texts of a column.

    Raises:
        InputError: The column holds something else than texts; the message gives the first row that does.
    """
    if series.dtype == pl.Object:
        import pandas as pd

        from cramprisk.frames.pandas_frames import texts_of as texts_of_pandas

        return texts_of_pandas(pd.Series(series.to_list(), dtype=object), series.name)
    # The newest layout is handed over without a copy.
    return texts_of_arrow(series.to_arrow(compat_level=pl.CompatLevel.newest()), series.name)


def native(column: Column, dtype: pl.DataType | None) -> pl.Series:
    """A column as polars holds it: texts as a categorical, those known beforehand as an enumeration."""
    if isinstance(column, Coded):
        values = [*column.values, None]
        return pl.Series([values[code] for code in column.codes], dtype=dtype)
    return pl.Series(column, dtype=dtype, nan_to_null=True)


class PolarsRows:
    """See :class:`~cramprisk.frames.engines.Rows`. Of a lazy frame the columns needed are collected."""

    def __init__(self, frame: pl.DataFrame | pl.LazyFrame, names: Sequence[Hashable]) -> None:
        self._lazy = isinstance(frame, pl.LazyFrame)
        self._frame = frame.select(list(map(str, names))).collect() if isinstance(frame, pl.LazyFrame) else frame

    def texts(self, column: Hashable) -> Texts:
        """A column of texts."""
        return texts_of(self._frame.get_column(str(column)))

    def persons(self, column: Hashable) -> Array:
        """For each row the number of its value in a column of any type, -1 where it is missing."""
        return persons_of(self._frame.get_column(str(column)).to_arrow())

    def days(self, column: Hashable) -> Array:
        """A column of dates as datetime64[D], NaT where it is missing."""
        return days_of(self._frame.get_column(str(column)).to_arrow(), column)

    def taken(self, column: Hashable, places: Array) -> pl.Series:
        """The values of a column at some rows."""
        return self._frame.get_column(str(column)).gather(places)

    def cells(self, column: Hashable, places: Array) -> list[Any]:
        """The same as a list."""
        return self.taken(column, places).to_list()

    def made(self, label: Hashable, values: Any, columns: Mapping[str, Column]) -> pl.DataFrame | pl.LazyFrame:
        """Another frame: a column with a label, and columns made here."""
        others = {name: _coded(one) if isinstance(one, Coded) else native(one, None) for name, one in columns.items()}
        made = pl.DataFrame({str(label): values} | others)
        return made.lazy() if self._lazy else made


rows_of = PolarsRows


def _coded(column: Coded) -> pl.Series:
    words = pl.Series([*column.values, None], dtype=pl.Categorical)
    return words.gather(np.where(column.codes < 0, len(column.values), column.codes))
