"""``frame.cramprisk.annotate(…)`` on frames of pandas, after an explicit ``import cramprisk.pandas``."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

from cramprisk.checker import Checker
from cramprisk.frames import annotate, findings, summarise

__all__ = ["FrameAccessor"]


@pd.api.extensions.register_dataframe_accessor("cramprisk")
class FrameAccessor:
    """What a frame says about cramps; the methods are the functions of the same names.

    Examples:
        >>> import cramprisk.pandas
        >>> frame = pd.DataFrame({"medicine": ["HCTZ 25mg", "warfarin"]})
        >>> frame.cramprisk.annotate(drug="medicine")["drug_grade"].tolist()
        ['A', nan]
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def annotate(
        self, *, drug: Hashable = None, condition: Hashable = None, checker: Checker | None = None, prefix: str = ""
    ) -> pd.DataFrame:
        """See :func:`cramprisk.annotate`."""
        return annotate(self._frame, drug=drug, condition=condition, checker=checker, prefix=prefix)

    def findings(
        self,
        *,
        id: Hashable,
        drug: Hashable | list[Hashable] = None,
        condition: Hashable | list[Hashable] = None,
        start: Hashable = None,
        stop: Hashable = None,
        cramps_since: Hashable = None,
        checker: Checker | None = None,
    ) -> pd.DataFrame:
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
        id: Hashable,
        drug: Hashable | list[Hashable] = None,
        condition: Hashable | list[Hashable] = None,
        checker: Checker | None = None,
    ) -> pd.DataFrame:
        """See :func:`cramprisk.summarise`."""
        return summarise(self._frame, id=id, drug=drug, condition=condition, checker=checker)
