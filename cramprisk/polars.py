"""``frame.cramprisk.annotate(…)`` on frames of polars, eager and lazy, after an explicit ``import cramprisk.polars``."""

from __future__ import annotations

import polars as pl

from cramprisk.checker import Checker
from cramprisk.frames import annotate, findings, summarise

__all__ = ["FrameAccessor"]


@pl.api.register_lazyframe_namespace("cramprisk")
@pl.api.register_dataframe_namespace("cramprisk")
class FrameAccessor:
    """What a frame says about cramps; the methods are the functions of the same names.

    Examples:
        >>> import cramprisk.polars
        >>> frame = pl.DataFrame({"medicine": ["HCTZ 25mg", "warfarin"]})
        >>> frame.cramprisk.annotate(drug="medicine")["drug_grade"].to_list()
        ['A', None]
    """

    def __init__(self, frame: pl.DataFrame | pl.LazyFrame) -> None:
        self._frame = frame

    def annotate(
        self, *, drug: str | None = None, condition: str | None = None, checker: Checker | None = None, prefix: str = ""
    ) -> pl.DataFrame | pl.LazyFrame:
        """See :func:`cramprisk.annotate`."""
        return annotate(self._frame, drug=drug, condition=condition, checker=checker, prefix=prefix)

    def findings(
        self,
        *,
        id: str,
        drug: str | list[str] | None = None,
        condition: str | list[str] | None = None,
        start: str | None = None,
        stop: str | None = None,
        cramps_since: str | None = None,
        checker: Checker | None = None,
    ) -> pl.DataFrame | pl.LazyFrame:
        """See :func:`cramprisk.findings`."""
        return findings(
            self._frame,
            id=id,
            drug=drug,
            condition=condition,
            start=start,
            stop=stop,
            cramps_since=cramps_since,
            checker=checker,
        )

    def summarise(
        self,
        *,
        id: str,
        drug: str | list[str] | None = None,
        condition: str | list[str] | None = None,
        checker: Checker | None = None,
    ) -> pl.DataFrame | pl.LazyFrame:
        """See :func:`cramprisk.summarise`."""
        return summarise(self._frame, id=id, drug=drug, condition=condition, checker=checker)
