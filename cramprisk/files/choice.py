"""Which column is meant: by name, by number, or by an obvious name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cramprisk.errors import InputError

__all__ = ["chosen_column", "free_names", "obvious_column"]

_OBVIOUS = frozenset(
    "drug drugs drugname drugtext medication medications medicationname medicationtext medicine medicines medicinename "
    "med meds medname medicament prescription prescriptions prescribeddrug drugsourcevalue".split()
)
_SHOWN = 30


def chosen_column(names: Sequence[str], wanted: str, option: str, file: str) -> int:
    """The position of the column that the user named.

    A name counts before a number: exact, then without regard to case. Numbers count from 1.

    Raises:
        InputError: There is none, or there are several; the message says what comes near.

    Examples:
        >>> chosen_column(["id", "Drug"], "drug", "--drug", "a.csv"), chosen_column(["id", "Drug"], "2", "--drug", "a.csv")
        (1, 1)
    """
    folded = wanted.strip().casefold()
    for same in ([name == wanted for name in names], [name.strip().casefold() == folded for name in names]):
        found = [index for index, is_same in enumerate(same) if is_same]
        if len(found) > 1:
            numbers = " or ".join(str(index + 1) for index in found[:5])
            raise InputError(f'{option}: {file} has {len(found)} columns named "{wanted}". Give the number of one: {numbers}.')
        if found:
            return found[0]
    if wanted.isdecimal():
        if 1 <= int(wanted) <= len(names):
            return int(wanted) - 1
        raise InputError(f"{option}: {file} has {len(names):,} columns, and none is number {wanted}.")
    near = _near(names, folded)
    hint = f' Did you mean "{near}"?' if near else ""
    raise InputError(f'{option}: {file} has no column "{wanted}".{hint} {_listed(names)}')


def obvious_column(names: Sequence[str], file: str) -> int:
    """The one column whose name says that it holds medicines.

    Raises:
        InputError: There is none, or there are several.

    Examples:
        >>> obvious_column(["person", "Drug name", "drug_status"], "a.csv")
        1
    """
    found = [index for index, name in enumerate(names) if re.sub(r"[\W_]+", "", name.casefold()) in _OBVIOUS]
    if len(found) == 1:
        return found[0]
    if len(names) == 1:
        return 0
    raise InputError(f"--drug: say which column of {file} holds the medicines, by name or number. {_listed(names)}")


def free_names(wanted: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Names for added columns that the file does not have yet.

    Examples:
        >>> free_names(["drug_status"], ["drug", "drug_status"])
        ('drug_status_2',)
    """
    taken = set(names)
    made = []
    for name in wanted:
        new, number = name, 2
        while new in taken:
            new, number = f"{name}_{number}", number + 1
        taken.add(new)
        made.append(new)
    return tuple(made)


def _near(names: Sequence[str], folded: str) -> str | None:
    import difflib

    by_fold = {name.strip().casefold(): name for name in names[:1000]}
    found = difflib.get_close_matches(folded, list(by_fold), 1, 0.6)
    return by_fold[found[0]] if found else None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name if len(name) <= 60 else name[:60] + "…" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"The columns are: {shown}{more}."
