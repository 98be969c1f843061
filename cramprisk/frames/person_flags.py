"""What the lists of very many persons say: the flags and interactions that `Checker.check` finds on each, as arrays.

The flags about a subject depend on nothing but the subject, whether every entry that names it is in doubt, and whether
all of them go by a local route. So the checker is asked once for each such case and never for a person.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from cramprisk.checker import LOCAL_ROUTES, Checker, flag_order
from cramprisk.frames.answers import Array
from cramprisk.frames.person_lists import Given, Key, Lists, Places, lists_of, places_of, sample, spread, starts_of
from cramprisk.model import Flag, Interaction, Kind, Timing

__all__ = ["TIMINGS", "Groups", "Said", "said_of"]

TIMINGS = (Timing.BEFORE, Timing.UNKNOWN, Timing.AFTER, Timing.STOPPED)
"""As :func:`~cramprisk.context.timing` counts them: of several entries the earliest here decides."""


class Groups(NamedTuple):
    """Entries that led to something, one group for each flag subject or interaction of a person.

    Attributes:
        starts: Where in `at` each group begins, and at last where the last one ends.
        at: Index into the arrays of :class:`Lists`, in order; the same entry may come twice.
    """

    starts: Array
    at: Array


class Said(NamedTuple):
    """What all lists say, in the order of a report: person after person, flags before interactions.

    Attributes:
        lists: The lists.
        groups: The entries that led to each line.
        person: For each line whose it is.
        line: Index into `lines`.
        group: Index into `groups`.
        timing: Index into `TIMINGS`, -1 where nothing is said about it.
        lines: The distinct flags and interactions.
    """

    lists: Lists
    groups: Groups
    person: Array
    line: Array
    group: Array
    timing: Array
    lines: list[Flag | Interaction]


def said_of(given: Given, checker: Checker) -> Said:
    """What the lists of all persons say."""
    lists = lists_of(given, checker)
    pairs = _Pairs(checker)
    flagged: dict[Key, bool] = {}

    def matters(key: Key) -> bool:
        flagged[key] = bool(_flags(key, checker))
        return flagged[key] or bool(pairs.sides(key))

    places = places_of(lists, matters, checker)
    person = lists.person[places.at].astype(np.int64)
    order = np.argsort(person * max(len(places.keys), 1) + places.key, kind="stable")
    at, key, person = places.at[order], places.key[order], person[order]
    new = np.ones(len(at), dtype=np.bool_)
    new[1:] = (key[1:] != key[:-1]) | (person[1:] != person[:-1])
    begins = np.flatnonzero(new)
    groups = Groups(np.append(begins, len(at)), at)
    subjects = _Subjects(person[begins], key[begins], at[begins], *_summed(places, order, begins))
    lines: list[Flag | Interaction] = []
    flag_person, flag_group, flag_line = _flag_lines(subjects, places.keys, lines, len(lists.person), checker)
    medicines = np.array([one.kind is Kind.DRUG for one in places.keys], dtype=np.bool_)
    timing = _timings(given, lists, groups, medicines[subjects.key])
    pair_person, pair_line, more = pairs.found(subjects, places.keys, groups, lines)
    person = np.concatenate([flag_person, pair_person])
    order = np.argsort(person, kind="stable")
    return Said(
        lists,
        Groups(np.concatenate([groups.starts[:-1], more.starts + len(groups.at)]), np.concatenate([groups.at, more.at])),
        person[order],
        np.concatenate([flag_line, pair_line])[order],
        np.concatenate([flag_group, np.arange(len(pair_line)) + len(begins)])[order],
        np.concatenate([timing[flag_group], np.full(len(pair_line), -1, dtype=np.int8)])[order],
        lines,
    )


class _Subjects(NamedTuple):
    """One row for each subject of each person: whose, which, its first entry, whether all are in doubt, the local route."""

    person: Array
    key: Array
    first: Array
    uncertain: Array
    route: Array


def _summed(places: Places, order: Array, begins: Array) -> tuple[Array, Array]:
    """For each group whether all its entries are in doubt, and the route of the first if all go by a local one, else -1."""
    if not len(begins):
        return np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int8)
    route = places.route[order]
    local = np.minimum.reduceat(route, begins) >= 0
    return np.logical_and.reduceat(places.doubt[order], begins), np.where(local, route[begins], -1)


# ---------------------------------------------------------------------- flags


_FLAGS: WeakKeyDictionary[Checker, dict[tuple[Key, bool, str | None], list[Flag]]] = WeakKeyDictionary()


def _flags(key: Key, checker: Checker, *, uncertain: bool = False, route: str | None = None) -> list[Flag]:
    """The flags about one subject, strongest first; kept, as there are no more subjects than the tables have."""
    known = _FLAGS.setdefault(checker, {})
    found = known.get((key, uncertain, route))
    if found is None:
        flags = checker.report([sample(key, uncertain=uncertain, route=route)]).flags
        found = [flag for flag in flags if flag.subject.id == key.subject and (flag.subject.kind == "product") is key.product]
        known[key, uncertain, route] = found
    return found


def _flag_lines(
    subjects: _Subjects, keys: list[Key], lines: list[Flag | Interaction], entries: int, checker: Checker
) -> tuple[Array, Array, Array]:
    """For each flag of each person, in the order of a report, whose it is, its group and its line; fills the lines."""
    routes = len(LOCAL_ROUTES) + 1
    cases = (subjects.key.astype(np.int64) * 2 + subjects.uncertain) * routes + subjects.route + 1
    distinct, case = np.unique(cases, return_inverse=True)
    found: list[list[Flag]] = []
    # Among equals a report has concepts in the order of their entries, and products behind them in that of the tables.
    behind = {subject: place for place, (kind, subject) in enumerate(checker.associations) if kind == "product"}
    product = np.full(len(distinct), -1, dtype=np.int64)
    for place, one in enumerate(distinct.tolist()):
        number, route = divmod(one, routes)
        key = keys[number // 2]
        found.append(_flags(key, checker, uncertain=bool(number % 2), route=LOCAL_ROUTES[route - 1] if route else None))
        if key.product:
            product[place] = behind[key.subject]
    lines += (flag for flags in found for flag in flags)
    order_of = {order: rank for rank, order in enumerate(sorted({flag_order(flag) for flags in found for flag in flags}))}
    rank = np.array([order_of[flag_order(flag)] for flags in found for flag in flags], dtype=np.int64)
    group, line = spread(starts_of(found), case)
    tie = np.where(product[case] < 0, subjects.first, entries + product[case])[group]
    order = np.lexsort((tie, rank[line], subjects.person[group]))
    return subjects.person[group][order], group[order], line[order]


def _timings(given: Given, lists: Lists, groups: Groups, medicines: Array) -> Array:
    """For each group how its days stand to the day the cramps began; -1 for conditions and persons without that day."""
    if given.since is None or not len(medicines):
        return np.full(len(medicines), -1, dtype=np.int8)
    since, row = given.since[lists.person[groups.at]], lists.row[groups.at]
    timing = np.full(len(row), TIMINGS.index(Timing.UNKNOWN), dtype=np.int8)
    if given.start is not None:
        # A comparison with a day that is not known is false.
        timing[given.start[row] <= since] = TIMINGS.index(Timing.BEFORE)
        timing[given.start[row] > since] = TIMINGS.index(Timing.AFTER)
    if given.stop is not None:
        timing[given.stop[row] < since] = TIMINGS.index(Timing.STOPPED)
    timing[np.isnat(since)] = -1
    decided: Array = np.minimum.reduceat(timing, groups.starts[:-1])
    decided[~medicines] = -1
    return decided


# ---------------------------------------------------------------------- interactions


class _Pairs:
    """The interactions, and which subjects are on which side of them."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._sides: dict[Key, list[tuple[int, int]]] = {}

    def sides(self, key: Key) -> list[tuple[int, int]]:
        """The sides on which a subject stands: index of the interaction, and of the side in it."""
        if key not in self._sides:
            is_a = self._checker.matcher(key.kind).lexicon.is_a
            self._sides[key] = [
                (number, side)
                for number, interaction in enumerate(() if key.product else self._checker.interactions)
                for side, subject in enumerate(interaction.subjects)
                if is_a(key.subject, subject)
            ]
        return self._sides[key]

    def found(
        self, subjects: _Subjects, keys: list[Key], groups: Groups, lines: list[Flag | Interaction]
    ) -> tuple[Array, Array, Groups]:
        """For each interaction of each person whose it is, its line, and the entries of both sides; adds the lines."""
        persons: list[Array] = []
        places: list[Array] = []
        at: list[Array] = []
        lengths: list[Array] = []
        for number, interaction in enumerate(self._checker.interactions):
            bits = np.zeros(len(keys) + 1, dtype=np.int64)
            for place, key in enumerate(keys):
                bits[place] = sum({1 << side for one, side in self.sides(key) if one == number})
            there = np.flatnonzero(bits[subjects.key])
            if not len(there):
                continue
            whose = subjects.person[there]
            begins = np.flatnonzero(np.append(True, whose[1:] != whose[:-1]))
            sides = np.bitwise_or.reduceat(bits[subjects.key[there]], begins)
            count = np.diff(np.append(begins, len(there)))
            # Each side by a subject of its own: one medicine that is on both sides does not interact with itself.
            whole = (sides == (1 << len(interaction.subjects)) - 1) & (count >= len(interaction.subjects))
            if not whole.any():
                continue
            owner = np.repeat(np.arange(len(begins)), count)
            chosen = there[whole[owner]]
            entry_owner, positions = spread(groups.starts, chosen)
            entry = groups.at[positions]
            # Entries are numbered person after person, so that sorting them keeps persons apart.
            order = np.argsort(entry, kind="stable")
            persons.append(whose[begins][whole])
            places.append(np.full(int(whole.sum()), len(lines)))
            at.append(entry[order])
            lengths.append(np.bincount(owner[whole[owner]][entry_owner], minlength=len(begins))[whole])
            lines.append(interaction)
        if not persons:
            none = np.zeros(0, dtype=np.int64)
            return none, none, Groups(np.zeros(1, dtype=np.int64), none)
        starts = np.append(0, np.cumsum(np.concatenate(lengths)))
        return np.concatenate(persons), np.concatenate(places), Groups(starts, np.concatenate(at))
