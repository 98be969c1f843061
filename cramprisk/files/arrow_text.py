"""Arrow columns as text: as cells of a CSV file, and as texts to be read."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc

from cramprisk.errors import InputError
from cramprisk.files.answers import Rendering
from cramprisk.files.batch import MAX_CELL, Cell, cell_text
from cramprisk.guard import guarded

__all__ = ["cells_of", "csv_cells", "long_rows", "plain_text", "taken", "texts_of"]

_FIRST = np.zeros(256, bool)
_FIRST[list(b"=+-@\t\r'")] = True


def taken(column: Rendering, numbers: Any, kind: pa.DataType) -> pa.Array:
    """The values of some readings as a column; texts as a dictionary of the distinct ones."""
    if not pa.types.is_dictionary(kind):
        return column.array(lambda values: pa.array(values, kind)).take(pa.array(numbers))
    indices, dictionary = column.array(_encoded)
    codes = indices[numbers]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=codes < 0), dictionary)


def _encoded(values: list[Any]) -> tuple[Any, pa.Array]:
    encoded = pa.array(values, pa.string()).dictionary_encode()
    return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), encoded.dictionary


def plain_text(column: pa.Array) -> pa.Array:
    """A column of any type as strings, absent cells absent."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_dictionary(kind):
        return plain_text(column.dictionary_decode())
    if pa.types.is_floating(kind) or pa.types.is_nested(kind):
        return pa.array([None if cell is None else cell_text(cell) for cell in cells_of(column)], pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if cell is None else cell_text(cell) for cell in column.to_pylist()], pa.string())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        try:
            return column.cast(pa.string())
        except pa.ArrowInvalid:
            # A time zone that nobody here knows: the moment is the same in UTC.
            return column.view(pa.timestamp(kind.unit, "UTC")).cast(pa.string())
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())


def cells_of(column: pa.Array) -> list[Cell]:
    """The cells of a column as values of Python; a column that has none for a date or time, as text.

    Arrow counts days far beyond the year 9999, where Python ends.

    Raises:
        InputError: Such a date or time is inside a list or structure.

    Examples:
        >>> cells_of(pa.array([20_778, None], pa.date32())), cells_of(pa.array([99_999_999, 0], pa.date32()))
        ([datetime.date(2026, 11, 21), None], ['<value out of range: 99999999>', '1970-01-01'])
    """
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except (OverflowError, ValueError):
        if pa.types.is_nested(column.type):
            raise InputError(
                f"a column of {column.type} holds a date or time outside of the years 1 to 9999. Take its parts out of it first."
            ) from None
        return plain_text(column).to_pylist()  # type: ignore[no-any-return]


def texts_of(column: pa.Array, label: str) -> pa.Array:
    """The texts of a column that is to be read; absent cells are empty, a list of texts is one text.

    Raises:
        InputError: It holds something else than texts, numbers or lists of texts.
    """
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        value = kind.value_type
        if pa.types.is_string(value) or pa.types.is_large_string(value):
            return pa.array(["; ".join(part for part in cell or [] if part) for cell in column.to_pylist()], pa.string())
    if pa.types.is_nested(kind):
        raise InputError(f"{label}: the column holds {kind}, no texts. Name another column, or take the text out of it first.")
    text = plain_text(column)
    return text.fill_null("") if text.null_count else text


def long_rows(texts: pa.Array) -> list[int]:
    """Rows whose text is too long to be an entry."""
    if not len(texts) or pc.max(pc.binary_length(texts)).as_py() <= MAX_CELL:
        return []
    return [int(row) for row in np.flatnonzero(pc.utf8_length(texts).to_numpy(zero_copy_only=False) > MAX_CELL)]


def csv_cells(column: pa.Array, delimiter: str, *, raw: bool) -> pa.Array:
    """A column as cells of a CSV file: formulas guarded unless `raw`, quoted where needed.

    Only the cells that need it are touched, found by their bytes: a regular expression over every cell takes five
    times as long as all the rest.
    """
    text = plain_text(column)
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_boolean(kind) or not len(text):
        return text
    offsets = np.frombuffer(text.buffers()[1], np.int32)[text.offset : text.offset + len(text) + 1]
    start, end = int(offsets[0]), int(offsets[-1])
    if start == end:
        return text
    data = np.frombuffer(text.buffers()[2], np.uint8)[start:end]
    offsets = offsets - start
    touched = np.zeros(len(text), bool)
    if not raw and not pa.types.is_floating(kind):
        filled = np.flatnonzero(offsets[1:] > offsets[:-1])
        touched[filled[_FIRST[data[offsets[filled]]]]] = True
    content = data.tobytes()
    for mark in ('"', delimiter, "\n", "\r"):
        if mark.encode() in content:
            places = np.flatnonzero(data == ord(mark))
            touched[np.searchsorted(offsets, places, side="right") - 1] = True
    rows = np.flatnonzero(touched)
    if not len(rows):
        return text
    special = re.compile(f'["{re.escape(delimiter)}\r\n]')
    cells = []
    for cell in text.take(pa.array(rows)).to_pylist():
        new = cell if raw else guarded(cell)
        cells.append('"' + new.replace('"', '""') + '"' if special.search(new) else new)
    return pc.replace_with_mask(text, pa.array(touched), pa.array(cells, pa.string()))
