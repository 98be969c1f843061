"""What the distinct texts of a column say: the one place from which every kind of frame takes its answers.

A cell is read as :meth:`Checker.check` reads a text: usually one entry, sometimes a list of its own ("a; b; c").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from cramprisk.cells import COLUMNS, Alike, Reading, read_alike, read_matches, read_name
from cramprisk.checker import Checker
from cramprisk.model import Kind
from cramprisk.reading_processes import in_processes, processes_worth
from cramprisk.shapes import Shapes, named_alone

__all__ = ["COLUMNS", "LONGEST_KEPT", "MOST_KEPT", "Reading", "read_matches", "readings", "shapes_for"]

MOST_KEPT, LONGEST_KEPT = 250_000, 200
"""Texts of a column that are kept with what they say: some 50 MB with texts of usual length, no more than the tables weigh."""
# Shapes need the pairs of words in all names, which take as long to find as some thousand entries to read.
_WORTH_SHAPES = 2_000


@dataclass(slots=True)
class _Kept:
    """What is kept of the columns read with one checker.

    Attributes:
        readings: By kind and text.
        by_shape: What all medicines of a shape say; None where each says its own.
        shapes: How shapes are found, once a long column came.
    """

    readings: dict[Kind, dict[str, Reading]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    by_shape: dict[str, Reading | None] = field(default_factory=dict)
    shapes: Shapes | None = None


_KEPT: WeakKeyDictionary[Checker, _Kept] = WeakKeyDictionary()


def readings(texts: Iterable[str | None], kind: Kind | str, checker: Checker, *, processes: int | None = None) -> list[Reading]:
    """What each cell says, in order.

    Texts that must read alike (:mod:`cramprisk.shapes`) are read once, and what was read is kept for the next column.

    Args:
        texts: Cells; best each text once, though equal ones are not read again while they are kept.
        kind: ``drug`` or ``condition``.
        checker: Over which tables.
        processes: How many may read, this one included; None for as many as the work is worth and the machine has
            processors for. The readings are the same.

    Examples:
        >>> [one.concepts for one in readings(["HCTZ 25", "hctz 12.5 mg; lasix", None], "drug", Checker.default())]
        ['hydrochlorothiazide', 'hydrochlorothiazide|furosemide', None]
    """
    kind = Kind(kind)
    cells = [text or "" for text in texts]
    kept = _KEPT.setdefault(checker, _Kept())
    found = [kept.readings[kind].get(cell) for cell in cells]
    unread = dict.fromkeys(cell for cell, one in zip(cells, found, strict=True) if one is None)
    fresh = _read(list(unread), kind, checker, kept, processes) if unread else {}
    for cell, reading in fresh.items():
        if len(cell) <= LONGEST_KEPT:
            _keep(kept.readings[kind], cell, reading)
    return [one or fresh[cell] for cell, one in zip(cells, found, strict=True)]


def shapes_for(texts: int, kind: Kind, checker: Checker) -> Shapes | None:
    """The shapes of a checker, where so many texts are worth them or they were found before; None for conditions."""
    if kind is not Kind.DRUG:
        return None
    kept = _KEPT.setdefault(checker, _Kept())
    if kept.shapes is None and texts >= _WORTH_SHAPES:
        kept.shapes = Shapes(checker.drugs.lexicon)
    return kept.shapes


def _keep(known: dict[str, Any], key: str, value: Reading | None) -> None:
    if len(known) >= MOST_KEPT:
        known.clear()
    known[key] = value


def _read(unread: list[str], kind: Kind, checker: Checker, kept: _Kept, processes: int | None) -> dict[str, Reading]:
    """What texts say that were not read before."""
    shapes = shapes_for(len(unread), kind, checker)
    fresh: dict[str, Reading] = {}
    by_shape: dict[str, list[str]] = {}
    alone: list[str] = []
    for text in unread:
        shape = shapes.of(text) if shapes is not None else None
        if shapes is None or shape is None:
            alone.append(text)
            continue
        met = shape in kept.by_shape
        shared = kept.by_shape.get(shape)  # another thread may just have made room; then the text speaks for itself
        if not met:
            if shape in by_shape or (shared := _known(shape, shapes, checker)) is None:
                by_shape.setdefault(shape, []).append(text)
                continue
            _keep(kept.by_shape, shape, shared)
        if shared is not None:
            fresh[text] = shared
        else:
            alone.append(text)
    work = [*(Alike(texts, True) for texts in by_shape.values()), *(Alike([text], False) for text in alone)]
    going_on = shapes.going_on if shapes is not None else frozenset()
    count = processes_worth(len(work)) if processes is None else processes
    if count > 1 and len(work) > 1:
        told = in_processes(work, kind, checker, going_on, count)
    else:
        told = [read_alike(alike, kind, checker, going_on) for alike in work]
    for shape, one in zip(by_shape, told, strict=False):
        _keep(kept.by_shape, shape, one.readings[0] if one.for_all else None)
    for alike, one in zip(work, told, strict=True):
        fresh.update(zip(alike.texts, one.readings * len(alike.texts) if one.for_all else one.readings, strict=True))
    return fresh


def _known(shape: str, shapes: Shapes, checker: Checker) -> Reading | None:
    """What all medicines of a shape say, where that need not be read: it is one name of the tables."""
    name = named_alone(shape, checker.drugs)
    return read_name(name[0], checker) if name is not None and name[1].isdisjoint(shapes.going_on) else None
