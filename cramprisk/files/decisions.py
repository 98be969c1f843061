"""A pharmacist's decisions about names that were not understood, laid over what the tables say.

A decision holds for a name wherever it was not understood, and nowhere else: a name that the tables understand is
never touched, and what stands around it ("stopped", "allergic to") is read as ever.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cramprisk.checker import Checker
from cramprisk.columns import Reading, readings
from cramprisk.errors import InputError, Problem
from cramprisk.files.delimited import TextOptions
from cramprisk.files.problems import Problems
from cramprisk.files.readers import opened
from cramprisk.files.review import folded, unresolved_names
from cramprisk.files.writers import as_text_rows
from cramprisk.guard import unguarded
from cramprisk.model import Kind, Method, Status

__all__ = ["Decision", "decided_readings", "read_decisions"]

_IGNORE = "ignore"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Decision:
    """What a name means.

    Attributes:
        concepts: Ids; none when the name is to be ignored.
        name: Their preferred names, as they are put in the place of the name.
    """

    concepts: tuple[str, ...]
    name: str


Decisions = Mapping[tuple[Kind, str], Decision]


def read_decisions(path: str, checker: Checker) -> dict[tuple[Kind, str], Decision]:
    """The decisions of a review file that was filled in, by kind and folded name.

    Args:
        path: In any format that ``scan`` reads, with the columns ``text``, ``kind`` and ``decision``. A decision is an
            id or a name of the tables, several joined by ``|``, or ``ignore``; an empty one decides nothing.
        checker: Whose concepts are meant.

    Raises:
        InputError: The file cannot be read, or decisions are not understood: every one with file, line and column.
    """
    problems = Problems()
    wrong: list[Problem] = []
    made: dict[tuple[Kind, str], Decision] = {}
    with opened(path, None, TextOptions(header=True), None, problems) as (reader, source):
        folded_names = [name.strip().casefold() for name in reader.names]
        missing = [name for name in ("text", "kind", "decision") if name not in folded_names]
        if missing:
            raise InputError(f"{source.label}:1: the header lacks {', '.join(missing)}. Use the file that --review wrote.")
        places = [folded_names.index(name) for name in ("text", "kind", "decision")]
        for batch in reader.batches():
            for index, row in enumerate(as_text_rows(batch)):
                text, kind, decision = (unguarded(row[place]).strip() for place in places)
                line = batch.line_of(index)
                if not decision:
                    continue
                if kind not in ("drug", "condition"):
                    wrong.append(Problem(source.label, line, "kind", 'is not "drug" or "condition".'))
                    continue
                if not text:
                    wrong.append(Problem(source.label, line, "text", "is empty: nothing is decided."))
                    continue
                found, message = _decided(decision, Kind(kind), checker)
                key = (Kind(kind), folded(text))
                if found is None:
                    wrong.append(Problem(source.label, line, "decision", message))
                elif made.setdefault(key, found) != found:
                    wrong.append(Problem(source.label, line, "decision", "the same text is decided otherwise above."))
    wrong += [Problem(source.label, 0, "", words) for words in problems.lines()]
    if wrong:
        shown = [str(problem) for problem in wrong[:_SHOWN]]
        more = [f"… and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise InputError("\n".join(["the decisions cannot be used:", *shown, *more]))
    return made


def _decided(decision: str, kind: Kind, checker: Checker) -> tuple[Decision | None, str]:
    if decision.casefold() == _IGNORE:
        return Decision((), ""), ""
    known = checker.matcher(kind).lexicon.concepts
    concepts: list[str] = []
    for part in filter(None, (one.strip() for one in decision.split("|"))):
        ids = [part] if part in known else part.split("+")
        if not all(one in known for one in ids):
            match = checker.normalize(part, kind)
            exact = (
                match.status is Status.MATCHED and match.complete and all(one.method is not Method.NEAR for one in match.mentions)
            )
            if not exact or not match.concepts or match.qualifier is not None:
                near = difflib.get_close_matches(part.casefold(), list(known), 1, 0.7)
                hint = f' Did you mean "{near[0]}"?' if near else ""
                return None, f'is no id or name of the tables, and not "{_IGNORE}".{hint}'
            ids = list(match.concepts)
        concepts += ids
    chosen = tuple(dict.fromkeys(concepts))
    name = " / ".join(known[one].name for one in chosen) if kind is Kind.DRUG else "; ".join(known[one].name for one in chosen)
    if set(readings([name], kind, checker)[0].concepts.split("|") if chosen else ()) != set(chosen):  # type: ignore[union-attr]
        return None, "names concepts that cannot be read together. Decide for one of them."
    return Decision(chosen, name), ""


def decided_readings(texts: Sequence[str], kind: Kind, checker: Checker, decisions: Decisions) -> list[Reading]:
    """What texts say, with decisions taken for names that were not understood.

    Examples:
        >>> checker = Checker.default()
        >>> decided = {(Kind.DRUG, "hct"): Decision(("hydrochlorothiazide",), "hydrochlorothiazide")}
        >>> [one.concepts for one in decided_readings(["HCT 25", "HCT"], Kind.DRUG, checker, decided)]
        ['hydrochlorothiazide', 'hydrochlorothiazide']
        >>> decided_readings(["stopped HCT"], Kind.DRUG, checker, decided)[0].flagged
        False
    """
    made = readings(texts, kind, checker)
    if not decisions:
        return made
    for index, (text, reading) in enumerate(zip(texts, made, strict=True)):
        names = unresolved_names(reading)
        found = _of(text, names, kind, decisions)
        ignored = [name for name, decision in found.items() if not decision.concepts]
        if ignored:
            left = [name for name in names if name not in found and text not in found]
            status = reading.status
            if not left and len(ignored) == len(found) and reading.concepts is None:
                status = Status.EMPTY.value
            still = [name for name in names if name not in ignored and text not in ignored]
            made[index] = replace(reading, not_understood="|".join(still) or None, status=status)
    for index, (_, reading) in _put_in_place(texts, kind, checker, decisions).items():
        still = [
            name for name in unresolved_names(reading) if (one := decisions.get((kind, folded(name)))) is None or one.concepts
        ]
        made[index] = replace(reading, not_understood="|".join(still) or None)
    return made


def decided_texts(texts: Sequence[str], kind: Kind, checker: Checker, decisions: Decisions) -> list[str]:
    """Texts in which the names that were not understood are written as it was decided.

    Where the name does not fit into its place, the text stays as it is; so does one that is to be ignored.

    Examples:
        >>> decided = {(Kind.DRUG, "hct"): Decision(("hydrochlorothiazide",), "hydrochlorothiazide")}
        >>> decided_texts(["HCT 25", "Lasix"], Kind.DRUG, Checker.default(), decided)
        ['hydrochlorothiazide 25', 'Lasix']
    """
    put = _put_in_place(texts, kind, checker, decisions)
    return [put[index][0] if index in put else text for index, text in enumerate(texts)]


def _put_in_place(texts: Sequence[str], kind: Kind, checker: Checker, decisions: Decisions) -> dict[int, tuple[str, Reading]]:
    """By place the texts that decisions change, as they are then, with what they say; without those where a name does not fit."""
    changed: dict[int, tuple[str, set[str]]] = {}
    for index, (text, reading) in enumerate(zip(texts, readings(texts, kind, checker), strict=True)):
        found = _of(text, unresolved_names(reading), kind, decisions)
        new = text
        for name, decision in found.items():
            if decision.concepts:
                new = _put(new, name, decision.name)
        if new != text:
            changed[index] = new, {concept for decision in found.values() for concept in decision.concepts}
    said = readings([new for new, _ in changed.values()], kind, checker)
    return {
        index: (new, reading)
        for (index, (new, wanted)), reading in zip(changed.items(), said, strict=True)
        if wanted.issubset((reading.concepts or "").split("|"))
    }


def _of(text: str, names: Sequence[str], kind: Kind, decisions: Decisions) -> dict[str, Decision]:
    """The decisions for the names of a text that were not understood, or the one for the whole of it."""
    found = {name: decision for name in names if (decision := decisions.get((kind, folded(name)))) is not None}
    whole = decisions.get((kind, folded(text))) if names else None
    return {text: whole} if whole is not None and len(found) < len(names) else found


def _put(text: str, name: str, instead: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _: instead, text)
