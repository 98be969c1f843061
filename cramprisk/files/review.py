"""What was not understood, written down for a pharmacist: each name once, with how often it came."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Callable, Iterator

from cramprisk.checker import Checker
from cramprisk.columns import Reading
from cramprisk.errors import InputError
from cramprisk.files.batch import Cell
from cramprisk.model import Kind, Status

__all__ = ["REVIEW_COLUMNS", "Review", "folded", "review_rows", "unresolved_names"]

REVIEW_COLUMNS = ("text", "kind", "count", "status", "candidates", "decision", "note")
"""The columns of a review file. The last two are the pharmacist's."""

_MOST = 100_000


def folded(text: str) -> str:
    """The form in which names are compared: case and spaces do not count.

    Examples:
        >>> folded(" HCT  mite")
        'hct mite'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def unresolved_names(reading: Reading) -> tuple[str, ...]:
    """The names of a cell that were not understood."""
    return tuple(reading.not_understood.split("|")) if reading.not_understood else ()


class Review:
    """Counts names that were not understood, in memory as long as they are few, else in a temporary database.

    Args:
        folder: Makes the folder where the database lies, for it holds names from the lists; that folder is removed by
            whoever made it.
    """

    def __init__(self, folder: Callable[[], str | None]) -> None:
        self._folder = folder
        self._counts: dict[tuple[str, str], list[str | int]] = {}
        self._database: sqlite3.Connection | None = None

    def add(self, kind: Kind, name: str, count: int) -> None:
        """A name that came some more times."""
        key = (kind.value, folded(name))
        found = self._counts.setdefault(key, [name, 0])
        found[1] = int(found[1]) + count
        if len(self._counts) >= _MOST:
            self._store()

    def _store(self) -> None:
        try:
            if self._database is None:
                # An empty name is sqlite's own temporary database.
                folder = self._folder()
                self._database = sqlite3.connect(f"{folder}/names.db" if folder else "", isolation_level=None)
                self._database.execute("PRAGMA journal_mode = OFF")
                self._database.execute("PRAGMA synchronous = OFF")
                self._database.execute("CREATE TABLE names (kind, key, name, count, PRIMARY KEY (kind, key)) WITHOUT ROWID")
            self._database.execute("BEGIN")
            self._database.executemany(
                "INSERT INTO names VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
                ((*key, *found) for key, found in self._counts.items()),
            )
            self._database.execute("COMMIT")
        except (sqlite3.Error, OSError):
            raise InputError("--review: the names cannot be kept beside the file; is the disk full?") from None
        self._counts = {}

    def names(self) -> Iterator[tuple[Kind, str, int]]:
        """Kind, name and count, the most frequent first."""
        if self._database is None:
            rows = sorted((-int(count), kind, str(name)) for (kind, _), (name, count) in self._counts.items())
            yield from ((Kind(kind), name, -count) for count, kind, name in rows)
            return
        self._store()
        found = self._database.execute("SELECT kind, name, count FROM names ORDER BY count DESC, kind, name")
        yield from ((Kind(kind), name, count) for kind, name, count in found)

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()


def review_rows(review: Review, checker: Checker) -> Iterator[list[Cell]]:
    """The rows of a review file: each name with what it might be, nearest first."""
    for kind, name, count in review.names():
        match = checker.normalize(name, kind)
        candidates = "|".join(dict.fromkeys("+".join(one.concepts) for one in match.candidates))
        status = Status.AMBIGUOUS if match.status is Status.AMBIGUOUS else Status.UNRECOGNISED
        yield [name, kind.value, count, status.value, candidates, "", ""]
