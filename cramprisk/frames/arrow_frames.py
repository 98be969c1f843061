"""Tables of pyarrow, and the arrays of every engine that can hand one over: columns of texts as codes, columns added."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.frames.answers import Array, Coded, Column, Texts, added, days_at, not_a_text
from cramprisk.model import Kind

__all__ = ["annotated", "beside", "names_of", "native", "texts_of"]


def names_of(table: pa.Table) -> list[Hashable]:
    """The names of the columns."""
    return list(table.column_names)


def annotated(table: pa.Table, columns: Mapping[Kind, Hashable], checker: Checker, prefix: str) -> pa.Table:
    """The table with the columns added that its columns of texts give.

    Raises:
        InputError: Two columns have the name of one that is to be read.
    """
    made: dict[str, Column] = {}
    for kind, column in columns.items():
        made |= added(texts_of(column_of(table, column), column), kind, checker, prefix)
    return beside(table, made)


def column_of(table: pa.Table, column: Hashable) -> pa.ChunkedArray:
    """A column by name, which is one of the names of the table.

    Raises:
        InputError: More than one column has the name.
    """
    places = [place for place, name in enumerate(table.column_names) if name == column]
    if len(places) > 1:
        raise InputError(f"{column}: {len(places)} columns have this name. Rename them, so that it is plain which one is meant.")
    return table.column(places[0])


def texts_of(array: pa.Array | pa.ChunkedArray, column: Hashable) -> Texts:
    """The distinct texts of a column.

    Raises:
        InputError: The column holds something else than texts; the message gives the first row that does.
    """
    texts = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if not (pa.types.is_string(texts) or pa.types.is_large_string(texts) or texts == _VIEW):
        if array.null_count == len(array):
            return Texts(np.full(len(array), -1, dtype=np.int8), [])
        row = pc.index(pc.is_valid(array), True).as_py()
        raise not_a_text(column, row, str(texts))
    if pa.types.is_dictionary(array.type):
        if isinstance(array, pa.ChunkedArray):
            array = array.unify_dictionaries()
    else:
        try:
            array = array.dictionary_encode()
        except pa.ArrowNotImplementedError:
            array = array.cast(pa.large_string()).dictionary_encode()
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    if not chunks:
        return Texts(np.empty(0, dtype=np.int8), [])
    codes = [_codes(chunk.indices) for chunk in chunks]
    distinct = chunks[-1].dictionary.to_pylist()
    return _used(codes[0] if len(codes) == 1 else np.concatenate(codes), distinct)


_VIEW = pa.string_view() if hasattr(pa, "string_view") else None


def _codes(indices: pa.Array) -> Array:
    if indices.null_count:
        indices = indices.fill_null(-1) if pa.types.is_signed_integer(indices.type) else indices.cast(pa.int64()).fill_null(-1)
    codes: Array = indices.to_numpy(zero_copy_only=True)
    return codes if codes.dtype.kind == "i" else codes.astype(np.int64)


def _used(codes: Array, distinct: list[str | None]) -> Texts:
    """Without the words of the dictionary that do not occur, and with a missing word of it as a missing cell."""
    used = np.zeros(len(distinct) + 1, dtype=np.bool_)
    used[codes] = True
    kept = [place for place in np.flatnonzero(used[:-1]).tolist() if distinct[place] is not None]
    if len(kept) == len(distinct):
        return Texts(codes, [text for text in distinct if text is not None])
    moved = np.full(len(used), -1, dtype=np.int32)
    moved[kept] = np.arange(len(kept), dtype=np.int32)
    return Texts(moved[codes], [text for place in kept if (text := distinct[place]) is not None])


def native(column: Column) -> pa.Array:
    """A column as pyarrow holds it: texts as a dictionary, NaN as null."""
    if isinstance(column, Coded):
        words = pa.array(column.values, type=pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(column.codes, mask=column.codes < 0), words)
    return pa.array(column, from_pandas=True)


def beside(table: pa.Table, columns: Mapping[str, Column]) -> pa.Table:
    """The table with columns added at its right; the metadata of its schema is kept."""
    for name, column in columns.items():
        table = table.append_column(name, native(column))
    return table


def persons_of(array: pa.Array | pa.ChunkedArray) -> Array:
    """For each cell the number of its value, -1 where it is missing (NaN is)."""
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    try:
        coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    except pa.ArrowNotImplementedError:
        import pandas as pd

        # A few types of pyarrow cannot be encoded; pandas knows their values as Python has them.
        codes: Array = pd.factorize(pd.Series(array.to_pylist(), dtype=object))[0]
        return codes
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.unify_dictionaries()
    chunks = coded.chunks if isinstance(coded, pa.ChunkedArray) else [coded]
    if not chunks:
        return np.empty(0, dtype=np.int64)
    values = chunks[-1].dictionary
    found = np.concatenate([_codes(chunk.indices) for chunk in chunks])
    if not pa.types.is_dictionary(array.type):
        return found
    # The words of a given dictionary may be missing ones, or the same one twice.
    same: dict[object, int] = {}
    moved = [-1 if value is None else same.setdefault(value, len(same)) for value in values.to_pylist()]
    numbers: Array = np.array([*moved, -1], dtype=np.int64)[found]
    return numbers


def days_of(array: pa.Array | pa.ChunkedArray, column: Hashable) -> Array:
    """A column of dates as datetime64[D], NaT where it is missing.

    Raises:
        InputError: It holds something else; the message gives the first row that does.
    """
    if pa.types.is_timestamp(array.type):
        # The day as the clocks of its own time zone have it.
        array = (pc.local_timestamp(array) if array.type.tz else array).cast(pa.date32(), safe=False)
    if pa.types.is_date(array.type):
        days: Array = array.cast(pa.date32()).to_numpy(zero_copy_only=False) if isinstance(array, pa.Array) else array.to_numpy()
        return days.astype("datetime64[D]")
    return days_at(*texts_of(array, column), column)


class ArrowRows:
    """See :class:`~cramprisk.frames.engines.Rows`."""

    def __init__(self, table: pa.Table, names: Sequence[Hashable]) -> None:
        self._table = table

    def texts(self, column: Hashable) -> Texts:
        """A column of texts."""
        return texts_of(column_of(self._table, column), column)

    def persons(self, column: Hashable) -> Array:
        """For each row the number of its value in a column of any type, -1 where it is missing."""
        return persons_of(column_of(self._table, column))

    def days(self, column: Hashable) -> Array:
        """A column of dates as datetime64[D], NaT where it is missing."""
        return days_of(column_of(self._table, column), column)

    def taken(self, column: Hashable, places: Array) -> pa.ChunkedArray:
        """The values of a column at some rows."""
        return column_of(self._table, column).take(pa.array(places))

    def cells(self, column: Hashable, places: Array) -> list[Any]:
        """The same as a list."""
        return list(self.taken(column, places).to_pylist())

    def made(self, label: Hashable, values: Any, columns: Mapping[str, Column]) -> pa.Table:
        """Another table: a column with a label, and columns made here."""
        return pa.table({str(label): values} | {name: native(one) for name, one in columns.items()})


rows_of = ArrowRows
