"""What the lists of very many persons say, as the columns of `findings` and `summarise`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from cramprisk.checker import Checker
from cramprisk.frames.answers import FIXED, Array, Coded, Column, coded, take
from cramprisk.frames.person_flags import TIMINGS, Groups, Said, said_of
from cramprisk.frames.person_lists import Given, spread, starts_of
from cramprisk.model import Association, Direction, Flag, Interaction

__all__ = [
    "DAYS",
    "ENTRIES_JOINT",
    "FINDING_COLUMNS",
    "NUMBERS",
    "ROWS_JOINT",
    "SUMMARY_COLUMNS",
    "TRUTHS",
    "answered",
    "finding_columns",
    "summary_columns",
]

ENTRIES_JOINT = " | "
ROWS_JOINT = "|"

TRUTHS = ("contested", "uncertain")
NUMBERS = ("value", "ci_low", "ci_high")
DAYS = ("start", "stop")
"""The columns of `findings` that hold no texts."""

_FIXED = {
    "kind": ("drug", "class", "product", "condition", "interaction"),
    "direction": FIXED["direction"],
    "grade": FIXED["grade"],
    "role": ("evidence", "against", "interaction"),
    "association_direction": FIXED["direction"],
    "association_grade": FIXED["grade"],
}
_STATIC = (
    "kind", "subject", "subject_name", "direction", "grade", "contested", "uncertain", "role", "association",
    "association_direction", "association_grade", "outcome", "measure", "value", "ci_low", "ci_high", "rate_pct",
    "comparator_pct", "figure", "population", "note", "source", "citation", "pmid", "doi", "inherited_from", "cautions",
)  # fmt: skip

FINDING_COLUMNS = (*_STATIC, "timing", "start", "stop", "entries", "rows")
"""The columns of `findings` behind that of the person; the days are in it only if days were given."""

_GRADES = ("A", "B", "C", "D")
SUMMARY_COLUMNS = (
    "entries", "unresolved", "complete", "risks", *(f"grade_{grade.lower()}" for grade in _GRADES), "contested", "relief",
    "interactions",
)  # fmt: skip
"""The columns of `summarise` behind that of the person."""


def finding_columns(given: Given, said: Said, checker: Checker) -> tuple[Array, dict[str, Column]]:
    """For each finding the number of its person, and the columns of it."""
    tables = [_rows_of(line, checker) for line in said.lines]
    line, place = spread(starts_of(tables), said.line)
    flat = [row for rows in tables for row in rows]
    columns: dict[str, Column] = {name: _taken(_static(name, [row[name] for row in flat]), place) for name in _STATIC}
    group = said.group[line]
    if given.since is not None:
        columns["timing"] = _taken(Coded(said.timing, tuple(one.value for one in TIMINGS)), line)
    # Only the groups that led to something are written out, each once.
    used, where = np.unique(group, return_inverse=True)
    groups = _only(said.groups, used)
    columns |= {name: _taken(column, where) for name, column in _days(given, said, groups).items()}
    columns["entries"] = _taken(_texts(said, groups), where)
    columns["rows"] = _taken(_row_numbers(said, groups), where)
    return said.person[line], {name: columns[name] for name in FINDING_COLUMNS if name in columns}


def summary_columns(given: Given, said: Said) -> dict[str, Column]:
    """For each person the counts."""
    size = len(given.first)

    def count(persons: Array) -> Array:
        return np.bincount(persons, minlength=size).astype(np.int32)

    lists = said.lists
    there = np.array([not one.empty for one in lists.said], dtype=np.bool_)
    unresolved = np.array([not one.complete for one in lists.said], dtype=np.bool_)
    columns: dict[str, Column] = {
        "entries": count(lists.person[there[lists.entry]]),
        "unresolved": count(lists.person[unresolved[lists.entry]]),
    }
    columns["complete"] = np.asarray(columns["unresolved"]) == 0

    def flags(chosen: Iterable[bool]) -> Array:
        return count(said.person[np.array(list(chosen), dtype=np.bool_)[said.line]])

    raising = [isinstance(line, Flag) and line.direction is Direction.INCREASES for line in said.lines]
    columns["risks"] = flags(raising)
    for grade in _GRADES:
        columns[f"grade_{grade.lower()}"] = flags(
            one and isinstance(line, Flag) and line.grade == grade for one, line in zip(raising, said.lines, strict=True)
        )
    columns["contested"] = flags(
        one and isinstance(line, Flag) and line.contested for one, line in zip(raising, said.lines, strict=True)
    )
    columns["relief"] = flags(isinstance(line, Flag) and line.direction is Direction.RELIEVES for line in said.lines)
    columns["interactions"] = flags(isinstance(line, Interaction) for line in said.lines)
    return {name: columns[name] for name in SUMMARY_COLUMNS}


def answered(given: Given, checker: Checker, wanted: tuple[str, ...]) -> tuple[Array, dict[str, Column]]:
    """For each row of the result the place of its person in `given.first`'s frame, and the other columns of the result."""
    said = said_of(given, checker)
    if wanted == SUMMARY_COLUMNS:
        return given.first, summary_columns(given, said)
    whose, columns = finding_columns(given, said, checker)
    return given.first[whose], columns


# ---------------------------------------------------------------------- rows that are the same for every person


def _rows_of(line: Flag | Interaction, checker: Checker) -> list[dict[str, Any]]:
    if isinstance(line, Interaction):
        return [_interaction_row(line, checker)]
    return [
        *(_flag_row(line, "evidence", row) for row in line.evidence),
        *(_flag_row(line, "against", row) for row in line.against),
    ]


def _flag_row(flag: Flag, role: str, row: Association) -> dict[str, Any]:
    return {
        "kind": flag.subject.kind,
        "subject": flag.subject.id,
        "subject_name": flag.subject.name,
        "direction": flag.direction.value,
        "grade": flag.grade.value,
        "contested": flag.contested,
        "uncertain": flag.uncertain,
        "role": role,
        "association": row.id,
        "association_direction": row.direction.value,
        "association_grade": row.grade.value,
        "outcome": row.outcome or None,
        "measure": row.measure or None,
        "value": row.value,
        "ci_low": row.ci_low,
        "ci_high": row.ci_high,
        "rate_pct": row.rate,
        "comparator_pct": row.comparator,
        "figure": row.figure() or None,
        "population": row.population or None,
        "note": row.note or None,
        "source": row.source.id,
        "citation": row.source.citation,
        "pmid": row.source.pmid,
        "doi": row.source.doi,
        "inherited_from": row.subject if row.subject != flag.subject.id else None,
        "cautions": " ".join(flag.cautions) or None,
    }


def _interaction_row(line: Interaction, checker: Checker) -> dict[str, Any]:
    found = [checker.concept(subject) for subject in line.subjects]
    return dict.fromkeys(_STATIC) | {
        "kind": "interaction",
        "subject": "|".join(line.subjects),
        "subject_name": " + ".join(one.name for one in found if one is not None),
        "contested": False,
        "uncertain": False,
        "role": "interaction",
        "association": line.id,
        "outcome": line.effect,
        "note": line.note or None,
        "source": line.source.id,
        "citation": line.source.citation,
        "pmid": line.source.pmid,
        "doi": line.source.doi,
    }


def _static(name: str, cells: Sequence[Any]) -> Column:
    if name in TRUTHS:
        return np.array(cells, dtype=np.bool_)
    if name in NUMBERS:
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    return coded(cells, _FIXED.get(name, ()))


def _taken(column: Column, places: Array) -> Column:
    if isinstance(column, Coded):
        return Coded(take(column.codes, places), column.values)
    return take(column, places)


# ---------------------------------------------------------------------- what led there


def _only(groups: Groups, used: Array) -> Groups:
    owners, positions = spread(groups.starts, used)
    return Groups(np.searchsorted(owners, np.arange(len(used) + 1)), groups.at[positions])


def _joined(groups: Groups, codes: Array, words: Callable[[int], str], joint: str) -> Coded:
    """For each group the words of its entries, each once; `codes` are those of `groups.at`."""
    starts = groups.starts
    used, cells = np.unique(codes[starts[:-1]], return_inverse=True)
    values = dict(zip(map(words, used.tolist()), range(len(used)), strict=True))
    cells = cells.astype(np.int32)
    # Few groups have more than one entry. These are joined one by one, equal ones once.
    several = np.flatnonzero(np.diff(starts) > 1)
    owners, positions = spread(starts, several)
    theirs = codes[positions].tolist()
    ends = np.searchsorted(owners, np.arange(1, len(several) + 1)).tolist()
    known: dict[tuple[int, ...], int] = {}
    begin = 0
    for group, end in zip(several.tolist(), ends, strict=True):
        key = tuple(dict.fromkeys(theirs[begin:end]))
        begin = end
        place = known.get(key)
        if place is None:
            text = joint.join(map(words, key))
            place = known[key] = values.setdefault(text, len(values))
        cells[group] = place
    return Coded(cells, tuple(values))


def _texts(said: Said, groups: Groups) -> Coded:
    places: dict[str, int] = {}
    number = np.array([places.setdefault(text.strip(), len(places)) for text in said.lists.texts] or [0], dtype=np.int32)
    return _joined(groups, number[said.lists.entry[groups.at]], list(places).__getitem__, ENTRIES_JOINT)


def _row_numbers(said: Said, groups: Groups) -> Coded:
    return _joined(groups, said.lists.row[groups.at], str, ROWS_JOINT)


def _days(given: Given, said: Said, groups: Groups) -> dict[str, Column]:
    """The earliest day of which it is known that an entry was begun, and the latest stop if all entries have one."""
    row = said.lists.row[groups.at]
    days: dict[str, Column] = {}
    for name, column in (("start", given.start), ("stop", given.stop)):
        if column is None:
            continue
        number = column[row].astype(np.int64)
        unknown = np.isnat(column[row])
        if not len(number):
            days[name] = column[:0]
        elif name == "start":
            number[unknown] = np.iinfo(np.int64).max
            least = np.minimum.reduceat(number, groups.starts[:-1])
            days[name] = np.where(least == np.iinfo(np.int64).max, np.datetime64("NaT", "D"), least.astype("datetime64[D]"))
        else:
            most = np.maximum.reduceat(np.where(unknown, np.iinfo(np.int64).min, number), groups.starts[:-1])
            open_ = np.logical_or.reduceat(unknown, groups.starts[:-1])
            days[name] = np.where(open_, np.datetime64("NaT", "D"), most.astype("datetime64[D]"))
    return days
