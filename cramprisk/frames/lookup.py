"""What texts say, as a table to join with: distinct, look up, join, in any warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import TYPE_CHECKING, Any

from cramprisk.checker import Checker
from cramprisk.columns import COLUMNS, readings
from cramprisk.errors import InputError, MissingExtraError
from cramprisk.model import Kind

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["lookup_table"]


def lookup_table(texts: Iterable[str | None], *, kind: Kind | str = "drug", checker: Checker | None = None) -> pa.Table:
    """What each distinct text says, for a join in a database that holds the rows.

    Args:
        texts: Cells of a column, best the distinct ones: a list, a series, an array of pyarrow.
        kind: ``drug`` or ``condition``.
        checker: Over which tables; None for those of the package.

    Returns:
        A table of pyarrow with one row for each distinct text in order of appearance: ``text`` and the fields of
        :class:`~cramprisk.columns.Reading`. If a cell is missing there is one row whose ``text`` is null.

    Raises:
        InputError: One is not a text, or is no Unicode; the message gives its position.
        MissingExtraError: pyarrow is not installed.

    Examples:
        >>> for row in lookup_table(["HCTZ 25mg", "Lasix", "HCTZ 25mg"]).to_pylist():
        ...     print(row["text"], row["status"], row["concepts"], row["grade"])
        HCTZ 25mg matched hydrochlorothiazide A
        Lasix matched furosemide B
    """
    try:
        import pyarrow as pa
    except ModuleNotFoundError:
        raise MissingExtraError('lookup_table needs pyarrow. Install it with: pip install "cramprisk[parquet]"') from None
    try:
        wanted = Kind(kind)
    except ValueError:
        raise InputError('kind: must be "drug" or "condition".') from None
    distinct = list(dict.fromkeys(_texts(texts)))
    told = readings(distinct, wanted, checker or Checker.default())
    columns: dict[str, Any] = {"text": pa.array(distinct, type=pa.string())}
    types = {"flagged": pa.bool_(), "contested": pa.bool_(), "score": pa.float64()}
    for name in COLUMNS:
        columns[name] = pa.array([getattr(reading, name) for reading in told], type=types.get(name, pa.string()))
    return pa.table(columns)


def _texts(given: Iterable[Any]) -> Iterable[str | None]:
    from narwhals import from_native
    from narwhals.dependencies import is_into_series

    if isinstance(given, (str, bytes)):
        raise InputError(f"texts: expected several texts, got one {type(given).__name__}. Put it into a list.")
    if is_into_series(given):
        given = from_native(given, series_only=True).to_list()
    elif hasattr(given, "to_pylist"):
        given = given.to_pylist()
    for position, name in enumerate(given, start=1):
        if isinstance(name, str):
            text = str(name)
            if not text.isascii():
                try:
                    text.encode()
                except UnicodeEncodeError:
                    raise InputError(
                        f"text {position}: holds half a surrogate pair, which pyarrow cannot hold. Replace it first."
                    ) from None
            yield text
        elif name is None or type(name).__name__ in ("NAType", "NaTType") or (isinstance(name, float) and isnan(name)):
            yield None
        else:
            raise InputError(f"text {position}: expected text, got {type(name).__name__}.")
