"""Every error the package raises on purpose.

A message says what is wrong, where, and what to do. None of them holds a patient's words: positions and table
cells are named, entries of a list are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class CrampRiskError(Exception):
    """Any error raised by this package."""


class InputError(CrampRiskError, ValueError):
    """What the caller handed over cannot be read: wrong type, unreadable file, impossible value."""


class VocabularyError(CrampRiskError, ValueError):
    """A vocabulary release (RxNorm) is incomplete, truncated or of another layout."""


class MissingExtraError(CrampRiskError, ImportError):
    """An optional dependency is needed; the message names the extra to install."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one place of a table.

    Attributes:
        file: Name of the file, without folder.
        line: Line in the file as an editor counts it (the header is line 1); 0 for the file as a whole.
        column: Name of the column, or an empty string.
        message: What is wrong and what to do.
        fixable: Whether ``cramprisk tables check --fix`` mends it.
    """

    file: str
    line: int
    column: str
    message: str
    fixable: bool = False

    def __str__(self) -> str:
        where = self.file
        if self.line:
            where += f":{self.line}"
        if self.column:
            where += f": {self.column}"
        return f"{where}: {self.message}"


class TableError(CrampRiskError, ValueError):
    """The tables cannot be used. Carries every problem found, not the first one only."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        shown = [str(problem) for problem in self.problems[:20]]
        if len(self.problems) > len(shown):
            shown.append(f"… and {len(self.problems) - len(shown)} more problems")
        super().__init__("\n".join(shown))
