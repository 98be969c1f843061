"""Opening an input file with the reader of its format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from cramprisk.files.batch import Batch
from cramprisk.files.delimited import Delimited, TextOptions
from cramprisk.files.ndjson import JsonLines
from cramprisk.files.parquet import Parquet
from cramprisk.files.problems import Problems
from cramprisk.files.source import Source, open_source
from cramprisk.files.workbook import Workbook

__all__ = ["Reader", "opened"]


class Reader(Protocol):
    """An open input file.

    Attributes:
        names: Of its columns.
        said: What was found out and should be said.
    """

    names: list[str]
    said: list[str]

    def batches(self) -> Iterator[Batch]:
        """The rows in order."""


@contextmanager
def opened(
    name: str, form: str | None, options: TextOptions, sheet: str | None, problems: Problems
) -> Iterator[tuple[Reader, Source]]:
    """A reader for an input file, and the source that says how far it is.

    Args:
        name: Its path, or ``-``.
        form: Its format, or None to go by its name.
        options: What is known about text files.
        sheet: Of a spreadsheet, by name or number; None for the first.
        problems: Where broken rows are reported.

    Raises:
        InputError: It cannot be read.
        MissingExtraError: The package that reads it is missing.
    """
    source = open_source(name, form)
    try:
        if source.format == "parquet":
            yield Parquet(source, problems), source
        elif source.format == "xlsx":
            yield Workbook(source, options, sheet), source
        elif source.format == "ndjson":
            yield JsonLines(source, problems), source
        else:
            yield Delimited(source, options, problems), source
    finally:
        source.close()
