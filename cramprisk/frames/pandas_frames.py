"""Frames of pandas, 2.2 to 3.x: columns of texts as codes, and columns put beside those there are."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.frames.answers import Array, Coded, Column, Texts, added, days_at, not_a_text, take
from cramprisk.model import Kind

__all__ = ["annotated", "beside", "column_of", "names_of", "native", "texts_of"]


def names_of(frame: pd.DataFrame) -> list[Hashable]:
    """The names of the columns."""
    return list(frame.columns)


def annotated(frame: pd.DataFrame, columns: Mapping[Kind, Hashable], checker: Checker, prefix: str) -> pd.DataFrame:
    """The frame with the columns added that its columns of texts give."""
    made: dict[str, Column] = {}
    for kind, column in columns.items():
        made |= added(texts_of(column_of(frame, column), column), kind, checker, prefix)
    return beside(frame, made)


def column_of(frame: pd.DataFrame, column: Hashable) -> pd.Series:
    """A column by name, which is one of the names of the frame.

    Raises:
        InputError: More than one column has the name.
    """
    places = np.flatnonzero(np.fromiter((name == column for name in frame.columns), dtype=np.bool_))
    if len(places) > 1:
        raise InputError(f"{column}: {len(places)} columns have this name. Rename them, so that it is plain which one is meant.")
    return frame.iloc[:, int(places[0])]


def texts_of(series: pd.Series, column: Hashable) -> Texts:
    """The distinct texts of a column, by the cheapest way its type allows.

    Raises:
        InputError: A cell holds something else than a text; the message gives its row.
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes = series.cat.codes.to_numpy()
        used = np.zeros(len(series.cat.categories) + 1, dtype=np.bool_)
        used[codes] = True
        # A filtered frame keeps the categories of the whole: only those that occur are read.
        places = np.flatnonzero(used[:-1])
        if len(places) == len(used) - 1:
            return _checked(codes, series.cat.categories, column)
        moved = np.full(len(used), -1, dtype=np.int32)
        moved[places] = np.arange(len(places), dtype=np.int32)
        return _checked(take(moved, codes), series.cat.categories[places], column)
    if _in_arrow(series.dtype):
        import pyarrow as pa

        from cramprisk.frames.arrow_frames import texts_of as texts_of_arrow

        return texts_of_arrow(pa.array(series.array), column)
    try:
        codes, distinct = pd.factorize(series)
    except TypeError:
        # A list or a dictionary has no hash.
        row, cell = next(one for one in enumerate(series) if not isinstance(one[1], Hashable))
        raise not_a_text(column, row, type(cell).__name__) from None
    return _checked(codes, distinct, column)


def _in_arrow(dtype: object) -> bool:
    return isinstance(dtype, pd.ArrowDtype) or (isinstance(dtype, pd.StringDtype) and dtype.storage.startswith("pyarrow"))


def _checked(codes: Array, distinct: Sequence[Any], column: Hashable) -> Texts:
    texts = list(distinct)
    odd = [place for place, text in enumerate(texts) if type(text) is not str]
    for place in odd:
        if not isinstance(texts[place], str):
            row = int(np.flatnonzero(codes == place)[0])
            raise not_a_text(column, row, type(texts[place]).__name__)
        texts[place] = str(texts[place])
    return Texts(codes, texts)


def native(column: Column) -> Any:
    """A column as pandas holds it: texts as a categorical."""
    if not isinstance(column, Coded):
        return column
    try:
        categories = pd.Index(column.values, dtype="str")
    except UnicodeEncodeError:
        # Words with half a surrogate pair, which the texts of pandas 3 cannot hold.
        categories = pd.Index(column.values, dtype=object)
    return pd.Categorical.from_codes(column.codes, categories=categories, validate=False)


def beside(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """The frame with columns added at its right; index, duplicate names and attributes are kept."""
    added = pd.DataFrame({name: native(column) for name, column in columns.items()}, index=frame.index, copy=False)
    if isinstance(frame.columns, pd.MultiIndex):
        rest = ("",) * (frame.columns.nlevels - 1)
        added.columns = pd.MultiIndex.from_tuples([(name, *rest) for name in columns], names=frame.columns.names)
    else:
        added.columns.name = frame.columns.name
    return pd.concat([frame, added], axis=1).__finalize__(frame)


class PandasRows:
    """See :class:`~cramprisk.frames.engines.Rows`."""

    def __init__(self, frame: pd.DataFrame, names: Sequence[Hashable]) -> None:
        self._frame = frame

    def texts(self, column: Hashable) -> Texts:
        """A column of texts."""
        return texts_of(column_of(self._frame, column), column)

    def persons(self, column: Hashable) -> Array:
        """For each row the number of its value in a column of any type, -1 where it is missing."""
        codes: Array = pd.factorize(column_of(self._frame, column))[0]
        return codes

    def days(self, column: Hashable) -> Array:
        """A column of dates as datetime64[D], NaT where it is missing."""
        series = column_of(self._frame, column)
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            series = series.dt.tz_localize(None)
        if series.dtype.kind == "M":
            return series.to_numpy(dtype="datetime64[ns]").astype("datetime64[D]")  # type: ignore[no-any-return]
        codes, values = pd.factorize(series)
        return days_at(codes, list(values), column)

    def taken(self, column: Hashable, places: Array) -> pd.Series:
        """The values of a column at some rows."""
        return column_of(self._frame, column).take(places).reset_index(drop=True)

    def cells(self, column: Hashable, places: Array) -> list[Any]:
        """The same as a list."""
        return list(self.taken(column, places))

    def made(self, label: Hashable, values: Any, columns: Mapping[str, Column]) -> pd.DataFrame:
        """Another frame: a column with a label, and columns made here."""
        if isinstance(label, tuple):
            # The name of a column in frames with several levels of names; the result has one.
            label = "_".join(filter(None, map(str, label)))
        return pd.DataFrame({label: values} | {name: native(one) for name, one in columns.items()}, copy=False)


rows_of = PandasRows
