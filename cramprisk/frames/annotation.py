"""Columns added to a frame: what the texts of its columns say."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeVar

from cramprisk.checker import Checker
from cramprisk.columns import COLUMNS
from cramprisk.errors import InputError
from cramprisk.frames.answers import added_name
from cramprisk.frames.engines import Engine, engine_of, module_of, require_columns, require_free
from cramprisk.model import Kind

__all__ = ["annotate"]

Frame = TypeVar("Frame")


def annotate(
    frame: Frame,
    *,
    drug: Hashable = None,
    condition: Hashable = None,
    checker: Checker | None = None,
    prefix: str = "",
) -> Frame:
    """The frame with columns added that say what the texts of its columns mean.

    Every distinct text is read once. A missing cell (None, NaN, NA) is an empty one. A cell may hold several entries
    ("a; b; c"). Rows, their order and their index stay as they are, and the frame given is not changed.

    Args:
        frame: Of pandas, polars (eager or lazy), pyarrow (a table), DuckDB (a relation) or PySpark.
        drug: The column of medicines. It adds ``drug_status``, ``drug_concepts``, ``drug_names``, ``drug_present``,
            ``drug_flagged``, ``drug_grade``, ``drug_direction``, ``drug_contested``, ``drug_score`` and ``drug_not_understood``:
            the fields of :class:`~cramprisk.columns.Reading`.
        condition: The column of conditions. It adds ``condition_status`` and so on.
        checker: Over which tables; None for those of the package.
        prefix: Put before the name of every added column.

    Raises:
        InputError: There is no such column, a cell holds something else than a text, an added column has the name of
            one that is there, or `frame` is of another kind.
        MissingExtraError: What `frame` needs is not installed.

    Examples:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"medicine": ["HCTZ 25mg", None, "HCTZ 25mg", "unheard of"]})
        >>> annotate(frame, drug="medicine")[["drug_status", "drug_grade"]]
            drug_status drug_grade
        0       matched          A
        1         empty        NaN
        2       matched          A
        3  unrecognised        NaN
    """
    from narwhals import from_native, to_native
    from narwhals.dependencies import is_narwhals_dataframe, is_narwhals_lazyframe

    if is_narwhals_dataframe(frame) or is_narwhals_lazyframe(frame):
        inner: Any = to_native(frame)  # type: ignore[arg-type]
        made: Any = from_native(annotate(inner, drug=drug, condition=condition, checker=checker, prefix=prefix))
        return made  # type: ignore[no-any-return]
    columns: dict[Kind, Hashable] = {
        kind: column for kind, column in ((Kind.DRUG, drug), (Kind.CONDITION, condition)) if column is not None
    }
    if not columns:
        raise InputError("drug, condition: neither is given. Name the column of medicines, of conditions, or both.")
    engine = engine_of(frame)
    if engine is Engine.PYSPARK:
        return _on_spark(frame, drug, condition, checker, prefix)  # type: ignore[no-any-return]
    frames = module_of(engine)
    names = frames.names_of(frame)
    require_columns(names, [(kind.value, column) for kind, column in columns.items()])
    require_free(names, [added_name(kind, name, prefix) for kind in columns for name in COLUMNS])
    return frames.annotated(frame, columns, checker or Checker.default(), prefix)  # type: ignore[no-any-return]


def _on_spark(frame: Any, drug: Hashable, condition: Hashable, checker: Checker | None, prefix: str) -> Any:
    from cramprisk.spark import annotate as spark_annotate

    # What no column of Spark can be called is an InputError there.
    return spark_annotate(frame, drug=drug, condition=condition, checker=checker, prefix=prefix)  # type: ignore[arg-type]
