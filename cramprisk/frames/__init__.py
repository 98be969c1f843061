"""Frames of pandas, polars, pyarrow, DuckDB and PySpark: columns added, findings per person, tables to join with."""

from __future__ import annotations

from cramprisk.frames.annotation import annotate
from cramprisk.frames.lookup import lookup_table
from cramprisk.frames.person_frames import findings, summarise

__all__ = ["annotate", "findings", "lookup_table", "summarise"]
