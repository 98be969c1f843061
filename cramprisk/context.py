"""What is known about the person besides the list: age, sex, pregnancy, and since when there are cramps.

Nothing here is turned into a probability. Age, sex and pregnancy add the risk factors that the evidence supports;
dates say whether a medicine was begun before the cramps were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cramprisk.errors import InputError
from cramprisk.model import Timing

__all__ = ["Context", "Medicine", "timing"]

_SEXES = {"female": "female", "f": "female", "male": "male", "m": "male", "other": "other", "unknown": None}
_OLDEST = 130
_LONGEST_PREGNANCY = 45
# From this week on, with the second trimester, leg cramps are reported (Jordan J Health Sci 2024, in the tables).
_SECOND_TRIMESTER = 14
_OLDER = 60


def day(value: date | str | None, what: str) -> date | None:
    """A date as given or as an ISO text.

    Raises:
        InputError: It is neither; the message names `what`, never the value.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    raise InputError(f"{what}: is no date. A date looks like 2026-11-21.")


@dataclass(frozen=True, slots=True)
class Medicine:
    """An entry of a list with the days on which it was begun and ended.

    Attributes:
        text: The entry as written.
        start: The first day it was taken, or None if that is not known; a text like ``2026-11-21`` is read too.
        stop: The last day, or None if it is still taken or that is not known.

    Raises:
        InputError: A date is none, or `stop` lies before `start`.

    Examples:
        >>> Medicine("HCTZ 25mg", start="2026-03-01").start
        datetime.date(2026, 3, 1)
    """

    text: str
    start: date | None = None
    stop: date | None = None

    def __init__(self, text: str, start: date | str | None = None, stop: date | str | None = None) -> None:
        begun, ended = day(start, "start"), day(stop, "stop")
        if begun is not None and ended is not None and ended < begun:
            raise InputError("stop: lies before start. Correct one of the two.")
        for field, value in (("text", text), ("start", begun), ("stop", ended)):
            object.__setattr__(self, field, value)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about the person; every part may be missing.

    Attributes:
        age: In years.
        sex: ``female``, ``male`` or ``other``.
        pregnant_weeks: Completed weeks of pregnancy.
        cramps_since: The day the cramps began.
    """

    age: float | None = None
    sex: str | None = None
    pregnant_weeks: float | None = None
    cramps_since: date | None = None

    @staticmethod
    def of(
        age: float | None = None,
        sex: str | None = None,
        pregnant_weeks: float | None = None,
        cramps_since: date | str | None = None,
    ) -> Context:
        """The context as a caller gives it, checked.

        Raises:
            InputError: A value is of another type or impossible; the message names it without repeating it.
        """
        if sex is not None and (not isinstance(sex, str) or sex.strip().lower() not in _SEXES):
            raise InputError('sex: must be "female", "male", "other" or "unknown".')
        known = _SEXES[sex.strip().lower()] if sex is not None else None
        weeks = _number(pregnant_weeks, "pregnant_weeks", _LONGEST_PREGNANCY)
        if weeks and known == "male":
            raise InputError("pregnant_weeks: given for a person whose sex is male. Correct one of the two.")
        return Context(_number(age, "age", _OLDEST), known, weeks, day(cramps_since, "cramps_since"))

    def factors(self) -> Iterable[tuple[str, str]]:
        """The risk factors that follow, as id of the condition and words of the context."""
        if self.age is not None and self.age >= _OLDER:
            yield "age-60-or-over", f"age {self.age:g}"
        if self.sex == "female":
            yield "female-sex", "sex female"
        if self.pregnant_weeks is not None and self.pregnant_weeks >= _SECOND_TRIMESTER:
            yield "pregnancy", f"pregnant, {self.pregnant_weeks:g} weeks"

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary of JSON types."""
        return {
            "age": self.age,
            "sex": self.sex,
            "pregnant_weeks": self.pregnant_weeks,
            "cramps_since": self.cramps_since.isoformat() if self.cramps_since else None,
        }


def _number(value: float | None, what: str, largest: int) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= largest:
        raise InputError(f"{what}: must be a number from 0 to {largest}.")
    return value


def timing(medicines: Iterable[Medicine | None], since: date) -> Timing:
    """How the days of a medicine's entries stand to the day the cramps began; the entry that speaks most for it counts.

    An entry without dates (None, or no `start`) leaves it unknown unless another entry began before.
    """
    found = {_one_timing(medicine, since) for medicine in medicines}
    return next(one for one in (Timing.BEFORE, Timing.UNKNOWN, Timing.AFTER, Timing.STOPPED) if one in found)


def _one_timing(medicine: Medicine | None, since: date) -> Timing:
    if medicine is not None and medicine.stop is not None and medicine.stop < since:
        return Timing.STOPPED
    if medicine is None or medicine.start is None:
        return Timing.UNKNOWN
    return Timing.BEFORE if medicine.start <= since else Timing.AFTER
