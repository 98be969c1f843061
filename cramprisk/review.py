"""Which findings are due for another look: associations whose last review is long past."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from cramprisk.errors import InputError
from cramprisk.tables import Tables

__all__ = ["DEFAULT_MONTHS", "Overdue", "overdue_reviews"]

DEFAULT_MONTHS = 24
"""How long a review lasts when nothing else is said."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """One association that is due for review.

    Attributes:
        file: File it stands in.
        line: Line in that file as an editor counts it (the header is line 1).
        id: Id of the row.
        subject: Id of the medicine, class or condition; several for a product, joined by ``+``.
        reviewed: Date of the last review.
        source: The citation.
    """

    file: str
    line: int
    id: str
    subject: str
    reviewed: date
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.subject}: reviewed {self.reviewed.isoformat()}: {self.source}"


def overdue_reviews(tables: Tables, on: date, *, after_months: int = DEFAULT_MONTHS) -> list[Overdue]:
    """The associations reviewed longer ago than that, oldest first, then in the order of the file.

    Args:
        tables: Sound tables.
        on: The day to count back from.
        after_months: How many calendar months a review lasts. A row reviewed exactly that long ago is not overdue.

    Raises:
        InputError: `after_months` is below zero.

    Examples:
        >>> from datetime import date
        >>> from cramprisk.tables import read_tables
        >>> overdue_reviews(read_tables(), date(2000, 1, 1))
        []
    """
    if after_months < 0:
        raise InputError("after_months: a review cannot last less than no time. Give a number of months, as 24.")
    limit = _months_before(on, after_months)
    citations = {row["id"]: row["citation"] for row in tables.rows("sources.csv")}
    table = tables.files["associations.csv"]
    found = []
    for index, row in enumerate(table.rows):
        reviewed = date.fromisoformat(row["reviewed"])
        if reviewed < limit:
            file, line = table.place(index)
            found.append(Overdue(file, line, row["id"], row["subject"], reviewed, citations[row["source"]]))
    return sorted(found, key=lambda one: (one.reviewed, one.file, one.line))


def _months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of that month when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < date.min.year:
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
