"""What a page asks about a list, checked, and the answer to it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from cramprisk.checker import Checker
from cramprisk.context import Medicine
from cramprisk.errors import InputError
from cramprisk.json_objects import TwiceError, each_once
from cramprisk.model import Kind
from cramprisk.report import Report
from cramprisk.report_csv import to_csv
from cramprisk.report_html import to_body
from cramprisk.service.settling import Place, near_entries, open_entries, places

__all__ = ["MOST_CHARACTERS", "MOST_ENTRIES", "PARTS", "SEXES", "Asked", "read_asked", "read_form"]

PARTS = ("report", "page", "text", "csv")
"""What an answer may hold: the report as JSON, what the page shows, the report as text, and as CSV."""

MOST_ENTRIES = 500
"""How many entries a list may have, of either kind; long lists are for the command line."""

MOST_CHARACTERS = 40_000
"""How long a list may be; unknown words by the thousand would take seconds."""

SEXES = ("female", "male", "other", "unknown")

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIELDS = ("drugs", "conditions", "age", "sex", "pregnant_weeks", "cramps_since", "days", "parts")
_MEDICINE = ("text", "start", "stop")


@dataclass(frozen=True, slots=True)
class Asked:
    """A list as it was asked about.

    Attributes:
        drugs: A text that is split into entries, or the entries.
        conditions: Likewise.
        person: What is known about the person, as :meth:`Checker.check` takes it.
        days: By the text of an entry, the medicine with its days; for entries of a text, which cannot carry them.
        parts: Which of :data:`PARTS` the answer holds.
    """

    drugs: str | tuple[str | Medicine, ...] = ""
    conditions: str | tuple[str, ...] = ""
    person: Mapping[str, Any] = field(default_factory=dict)
    days: Mapping[str, Medicine] = field(default_factory=dict)
    parts: tuple[str, ...] = ("report",)

    def report(self, checker: Checker) -> Report:
        """The report about the list.

        Raises:
            InputError: There are too many entries, or a value about the person is impossible.
        """
        drugs = [self._dated(entry) for entry in _entries(self.drugs, Kind.DRUG, checker)]
        conditions = _entries(self.conditions, Kind.CONDITION, checker)
        return checker.check(drugs, conditions, **self.person)

    def _dated(self, entry: str | Medicine) -> str | Medicine:
        return self.days.get(entry, entry) if isinstance(entry, str) else entry

    def answer(self, checker: Checker) -> dict[str, Any]:
        """The parts that were asked for, as JSON types."""
        report = self.report(checker)
        made: dict[str, Any] = {}
        if "report" in self.parts:
            made["report"] = report.to_dict()
        if "page" in self.parts:
            made["page"] = self._page(report, checker)
        if "text" in self.parts:
            made["text"] = report.to_text()
        if "csv" in self.parts:
            made["csv"] = to_csv(report)
        return made

    def _page(self, report: Report, checker: Checker) -> dict[str, Any]:
        """What the page shows: the report as HTML, and beside it what a person can act on."""
        standing: list[Place | None] = []
        for kind, given in ((Kind.DRUG, self.drugs), (Kind.CONDITION, self.conditions)):
            texts = [match.text for match in report.matches if match.kind is kind]
            standing += places(given, texts) if isinstance(given, str) else [None] * len(texts)
        return {
            "summary": report.summary(),
            "complete": report.complete,
            "risks": len(report.risks),
            "html": to_body(report),
            "open": [entry.to_dict() for entry in open_entries(report, checker, standing)],
            "near": [entry.to_dict() for entry in near_entries(report, checker)],
            "medicines": list(
                dict.fromkeys(match.text for match in report.matches if match.kind is Kind.DRUG and match.present())
            ),
        }


def _entries(given: str | Sequence[Any], kind: Kind, checker: Checker) -> list[Any]:
    what = f"{kind.value}s"
    parts = [given] if isinstance(given, str) else given
    if sum(len(part.text if isinstance(part, Medicine) else part) for part in parts) > MOST_CHARACTERS:
        raise InputError(f"{what}: more than {MOST_CHARACTERS:,} characters. Check long lists with the command line.")
    return _few(list(checker.split(given, kind)) if isinstance(given, str) else list(given), what)


def _few(entries: list[Any], what: str) -> list[Any]:
    if len(entries) > MOST_ENTRIES:
        raise InputError(f"{what}: more than {MOST_ENTRIES} entries. Check long lists with the command line.")
    return entries


# ---------------------------------------------------------------------- from JSON


def read_asked(body: bytes) -> Asked:
    """What a body of JSON asks.

    Raises:
        InputError: It is no JSON, or a field is of another form; the message names the field, never its content.

    Examples:
        >>> read_asked(b'{"drugs": "hctz, Lasix 40", "age": 72}').person
        {'age': 72}
    """
    try:
        asked = json.loads(body.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=each_once)
    except TwiceError:
        raise InputError("a field comes twice in an object of the body. Send each once.") from None
    except (ValueError, RecursionError):
        raise InputError("the body is no JSON in UTF-8.") from None
    if not isinstance(asked, dict):
        raise InputError('expected a JSON object such as {"drugs": "Lasix 40"}.')
    if set(asked) - set(_FIELDS):
        raise InputError(f"there is a field that is not known. Known are: {', '.join(_FIELDS)}.")
    if asked.get("sex") not in (None, *SEXES):
        raise InputError(f"sex: expected one of {', '.join(SEXES)}.")
    _day(asked.get("cramps_since"), "cramps_since")
    drugs, conditions = (_list(asked.get(name), name) for name in _FIELDS[:2])
    return Asked(
        drugs,
        conditions
        if isinstance(conditions, str)
        else tuple(_text(entry, f"conditions: entry {number}") for number, entry in enumerate(conditions, start=1)),
        {name: asked[name] for name in _FIELDS[2:6] if asked.get(name) is not None},
        {medicine.text: medicine for medicine in _days(asked.get("days"))},
        _parts(asked.get("parts")),
    )


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _list(given: Any, what: str) -> str | tuple[Any, ...]:
    if given is None:
        return ""
    if isinstance(given, str):
        return given
    if not isinstance(given, list):
        raise InputError(f"{what}: expected a text or a list.")
    return tuple(
        _medicine(entry, f"{what}: entry {number}") if isinstance(entry, dict) else _text(entry, f"{what}: entry {number}")
        for number, entry in enumerate(_few(given, what), start=1)
    )


def _text(given: Any, what: str) -> str:
    if not isinstance(given, str):
        raise InputError(f"{what}: expected a text.")
    return given


def _day(given: Any, what: str) -> None:
    """Insist on one way to write a day, though others would be understood: programs are told of one."""
    if given is not None and not (isinstance(given, str) and _DAY.fullmatch(given)):
        raise InputError(f"{what}: is no date. A date looks like 2026-11-21.")


def _medicine(given: Any, what: str) -> Medicine:
    if not isinstance(given, dict) or not {"text"} <= set(given) <= set(_MEDICINE):
        raise InputError(f"{what}: expected an object with text, and perhaps start and stop.")
    for name in _MEDICINE[1:]:
        _day(given.get(name), f"{what}: {name}")
    try:
        return Medicine(_text(given["text"], f"{what}: text"), given.get("start"), given.get("stop"))
    except InputError as error:
        raise InputError(f"{what}: {error}") from None


def _days(given: Any) -> list[Medicine]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise InputError("days: expected a list.")
    return [_medicine(entry, f"days: entry {number}") for number, entry in enumerate(_few(given, "days"), start=1)]


def _parts(given: Any) -> tuple[str, ...]:
    if given is None:
        return ("report",)
    if not isinstance(given, list) or not all(isinstance(part, str) for part in given) or set(given) - set(PARTS):
        raise InputError(f"parts: expected a list of {', '.join(PARTS)}.")
    return tuple(given)


# ---------------------------------------------------------------------- from a form


def read_form(fields: Mapping[str, Sequence[str]]) -> Asked:
    """What the form of the page asks where no script runs.

    Args:
        fields: By name the values, as ``urllib.parse.parse_qs`` gives them.

    Raises:
        InputError: Age or weeks are no numbers.

    Examples:
        >>> read_form({"drugs": ["hctz"], "age": ["72"]}).person
        {'age': 72.0}
    """
    given = {name: values[0].strip() for name, values in fields.items() if values and values[0].strip()}
    person: dict[str, Any] = {name: given[name] for name in ("sex", "cramps_since") if name in given}
    for name in ("age", "pregnant_weeks"):
        if name in given:
            try:
                person[name] = float(given[name])
            except ValueError:
                raise InputError(f"{name}: must be a number.") from None
    return Asked(given.get("drugs", ""), given.get("conditions", ""), person)
