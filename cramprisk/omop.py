"""Findings from the tables `drug_exposure` and `condition_occurrence` of the OMOP Common Data Model (5.3 and 5.4).

What a row is about is said twice in them: as it was written at the source, and as a concept that someone mapped it to.
Both are read. A concept counts before the words of the source, as a code counts before a name anywhere else, and a
contradiction of the two is an entry that was not wholly understood.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from cramprisk.checker import Checker
from cramprisk.context import day
from cramprisk.errors import InputError
from cramprisk.frames.answers import Array
from cramprisk.frames.engines import Engine, Rows, engine_of, module_of
from cramprisk.frames.person_columns import FINDING_COLUMNS, SUMMARY_COLUMNS, answered
from cramprisk.frames.person_given import numbered, require_order
from cramprisk.frames.person_lists import Cell, Cells, Given
from cramprisk.integrations.fhir import match_thing, related
from cramprisk.integrations.fhir_codes import Coding, NamedThing, known_codes
from cramprisk.lexicon import Lexicon
from cramprisk.model import Candidate, Kind, Match, Status

__all__ = ["findings", "summarise"]

# The vocabularies of OMOP whose codes the tables may know, as the tables call them. The codes of "RxNorm Extension" are
# of OMOP itself. ICD-10 of other countries agrees with ICD-10-CM in its categories.
_SYSTEMS = {
    "rxnorm": "rxcui",
    "atc": "atc",
    "ndc": "ndc",
    "snomed": "snomed",
    "icd10cm": "icd10cm",
    "icd10": "icd10cm",
    "icd10gm": "icd10cm",
}
_DISAGREE = "the source value says otherwise"
_PERSON = "person_id"
_COLUMNS = {
    Kind.DRUG: ("drug_source_value", "drug_concept_id", "drug_source_concept_id"),
    Kind.CONDITION: ("condition_source_value", "condition_concept_id", "condition_source_concept_id"),
}
_START, _STOP = "drug_exposure_start_date", "drug_exposure_end_date"


def findings(
    drug_exposure: Any = None,
    condition_occurrence: Any = None,
    *,
    concept: Any = None,
    cramps_since: Mapping[Any, date | str | None] | None = None,
    checker: Checker | None = None,
) -> Any:
    """One row for each association that the report of a person shows, from tables of the OMOP CDM.

    Args:
        drug_exposure: A frame of pandas, polars, pyarrow or DuckDB with ``person_id``, and with ``drug_source_value`` or
            ``drug_concept_id`` or both; ``drug_source_concept_id``, ``drug_exposure_start_date`` and
            ``drug_exposure_end_date`` are used if they are there. Names may be in capitals.
        condition_occurrence: A frame of the same kind with ``person_id``, and with ``condition_source_value`` or
            ``condition_concept_id`` or both; ``condition_source_concept_id`` is used if it is there.
        concept: The CONCEPT table, with ``concept_id``, ``concept_name``, ``vocabulary_id`` and ``concept_code``.
            Without it only the source values are read.
        cramps_since: For persons by id the day on which their cramps began.
        checker: Over which tables; None for those of the package.

    Returns:
        What :func:`cramprisk.findings` returns, for ``person_id``. ``rows`` counts the rows of `drug_exposure` from 0, and
        on from there those of `condition_occurrence`.

    Raises:
        InputError: A column is missing or of another type, or no table was given.
        MissingExtraError: What the frames need is not installed.

    Examples:
        >>> import pandas as pd
        >>> exposures = pd.DataFrame(
        ...     {"person_id": [1, 2], "drug_source_value": ["LASIX 40", "MED-0815"], "drug_concept_id": [0, 974166]}
        ... )
        >>> concepts = pd.DataFrame(
        ...     {
        ...         "concept_id": [974166],
        ...         "concept_name": ["hydrochlorothiazide"],
        ...         "vocabulary_id": ["RxNorm"],
        ...         "concept_code": ["5487"],
        ...     }
        ... )
        >>> found = findings(exposures, concept=concepts)
        >>> found.drop_duplicates("person_id")[["person_id", "subject", "grade", "entries"]].to_numpy().tolist()
        [[1, 'furosemide', 'B', 'LASIX 40'], [2, 'hydrochlorothiazide', 'A', 'MED-0815']]
    """
    return _made((drug_exposure, condition_occurrence), concept, cramps_since, checker or Checker.default(), FINDING_COLUMNS)


def summarise(
    drug_exposure: Any = None, condition_occurrence: Any = None, *, concept: Any = None, checker: Checker | None = None
) -> Any:
    """One row for each person of the tables, as :func:`cramprisk.summarise`; the arguments are those of :func:`findings`.

    Raises:
        InputError: A column is missing or of another type, or no table was given.
        MissingExtraError: What the frames need is not installed.

    Examples:
        >>> import pandas as pd
        >>> exposures = pd.DataFrame({"person_id": [1, 2], "drug_source_value": ["LASIX 40", "MED-0815"]})
        >>> summarise(exposures)[["person_id", "unresolved", "risks"]].to_numpy().tolist()
        [[1, 0, 1], [2, 1, 0]]
    """
    return _made((drug_exposure, condition_occurrence), concept, None, checker or Checker.default(), SUMMARY_COLUMNS)


class _Table(NamedTuple):
    """One table of the CDM, its columns by their names in small letters."""

    kind: Kind
    rows: Rows
    columns: dict[str, Hashable]

    def column(self, name: str) -> Hashable | None:
        """The name of a column as the table writes it, None if it has none."""
        return self.columns.get(name)


def _made(
    frames: tuple[Any, Any],
    concept: Any,
    cramps_since: Mapping[Any, date | str | None] | None,
    checker: Checker,
    wanted: tuple[str, ...],
) -> Any:
    from narwhals import to_native

    given = [(kind, to_native(frame, pass_through=True)) for kind, frame in zip(Kind, frames, strict=True) if frame is not None]
    tables = [_table(kind, frame) for kind, frame in given]
    if not tables:
        raise InputError("drug_exposure, condition_occurrence: neither is given.")
    if len({engine_of(frame) for _, frame in given}) > 1:
        raise InputError("drug_exposure, condition_occurrence: are frames of two kinds. Give both as one kind.")
    persons, ids = _persons(tables)
    person, first = numbered(persons)
    whose = [ids[number] if number >= 0 else None for number in persons[first].tolist()]
    start, stop = (_days(tables[0], name, len(person)) for name in (_START, _STOP))
    require_order(start, stop, (_START, _STOP))
    known = _concepts(to_native(concept, pass_through=True), tables)
    cells: dict[Kind, Cells] = {}
    before = 0
    for table in tables:
        codes, distinct = _cells(table, known, checker)
        placed = np.full(len(person), -1, dtype=np.int64)
        placed[before : before + len(codes)] = codes
        before += len(codes)
        cells[table.kind] = Cells([placed], distinct)
    rows = Given(person, np.arange(len(first)), cells, start, stop, _since(cramps_since, whose))
    places, columns = answered(rows, checker, wanted)
    try:
        values: Any = np.array(whose, dtype=np.int64)[places]
    except (TypeError, ValueError):
        values = [whose[place] for place in places.tolist()]
    return tables[0].rows.made(_PERSON, values, columns)


def _table(kind: Kind, frame: Any) -> _Table:
    engine = engine_of(frame)
    name = "drug_exposure" if kind is Kind.DRUG else "condition_occurrence"
    if engine is Engine.PYSPARK:
        raise InputError(f"{name}: is a frame of PySpark. Collect what fits into memory first: frame.toArrow().")
    frames = module_of(engine)
    columns = {str(one).lower(): one for one in frames.names_of(frame)}
    said, standard, _ = _COLUMNS[kind]
    if _PERSON not in columns or not {said, standard} & set(columns):
        raise InputError(
            f"{name}: needs the columns {_PERSON}, and {said} or {standard}. It has: {', '.join(columns) or 'none'}."
        )
    used = (_PERSON, *_COLUMNS[kind], *((_START, _STOP) if kind is Kind.DRUG else ()))
    return _Table(kind, frames.rows_of(frame, [columns[one] for one in used if one in columns]), columns)


# ---------------------------------------------------------------------- persons and days


def _persons(tables: Sequence[_Table]) -> tuple[Array, list[Any]]:
    """For each row of all tables the number of its person, -1 if it names none; and the ids by number."""
    numbers: dict[Any, int] = {}
    parts = []
    for table in tables:
        codes, values = _values(table, _PERSON)
        parts.append(np.array([*(numbers.setdefault(value, len(numbers)) for value in values), -1], dtype=np.int64)[codes])
    return np.concatenate(parts), list(numbers)


def _values(table: _Table, name: str) -> tuple[Array, list[Any]]:
    """For each row the number of its value, -1 where it is missing, and the values by number."""
    codes = table.rows.persons(table.columns[name])
    used, first = np.unique(codes, return_index=True)
    there = used >= 0
    moved = np.full(int(used.max(initial=-1)) + 2, -1, dtype=np.int64)
    moved[used[there]] = np.arange(int(there.sum()))
    return moved[codes], table.rows.cells(table.columns[name], first[there])


def _days(table: _Table, name: str, size: int) -> Array | None:
    """The days of the medicines, which are the first rows of all; None if the table has none."""
    if table.kind is not Kind.DRUG or name not in table.columns:
        return None
    days = np.full(size, np.datetime64("NaT", "D"))
    known = table.rows.days(table.columns[name])
    days[: len(known)] = known
    return days


def _since(given: Mapping[Any, date | str | None] | None, whose: Sequence[Any]) -> Array | None:
    if given is None:
        return None
    days = np.full(len(whose), np.datetime64("NaT", "D"))
    for place, person in enumerate(whose):
        found = day(given.get(person), "cramps_since") if person is not None else None
        if found is not None:
            days[place] = found
    return days


# ---------------------------------------------------------------------- cells


def _cells(table: _Table, concepts: Mapping[int, NamedThing], checker: Checker) -> tuple[Array, list[Cell]]:
    """For each row the index of its cell, -1 where nothing stands in it; and the cells, each once."""
    said, *mapped = _COLUMNS[table.kind]
    size = len(table.rows.persons(table.columns[_PERSON]))
    texts = table.rows.texts(table.columns[said]) if said in table.columns else None
    parts: list[Array] = [np.full(size, -1) if texts is None else texts.codes.astype(np.int64)]
    parts += [_concept_ids(table, name) for name in mapped if name in table.columns]
    key = np.zeros(size, dtype=np.int64)
    for part in parts:
        values, number = np.unique(part, return_inverse=True)
        _, key = np.unique(key * max(len(values), 1) + number, return_inverse=True)
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    cells: dict[Cell, int] = {}
    places = []
    for row in first.tolist():
        text = texts.distinct[parts[0][row]] if texts is not None and parts[0][row] >= 0 else ""
        cell = _cell(text, [int(part[row]) for part in parts[1:]], concepts, table.kind, checker)
        places.append(-1 if cell is None else cells.setdefault(cell, len(cells)))
    return np.array(places, dtype=np.int64)[number], list(cells)


def _concept_ids(table: _Table, name: str) -> Array:
    """For each row the id of a concept, 0 for none."""
    codes, values = _values(table, name)
    ids = []
    for place, value in enumerate(values):
        number = _whole(value)
        if number is None:
            row = int(np.flatnonzero(codes == place)[0])
            raise InputError(f"{name}: row {row + 1}: expected the number of a concept, got {type(value).__name__}.")
        ids.append(number)
    return np.array([*ids, 0], dtype=np.int64)[codes]


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if isfinite(value) and value.is_integer() else None
    if isinstance(value, str):
        return int(value) if value.strip().isdecimal() else None
    try:
        return int(value.__index__())
    except AttributeError:
        return None


def _concepts(concept: Any, tables: Sequence[_Table]) -> dict[int, NamedThing]:
    """The concepts that the tables name: name and code of each."""
    if concept is None:
        return {}
    import narwhals as nw

    mapped = [(table, name) for table in tables for name in _COLUMNS[table.kind][1:] if name in table.columns]
    ids = sorted({int(one) for table, name in mapped for one in np.unique(_concept_ids(table, name)).tolist()} - {0})
    frame = nw.from_native(concept)
    there = {str(name).lower(): name for name in frame.collect_schema().names()}
    needed = ("concept_id", "concept_name", "vocabulary_id", "concept_code")
    missing = [name for name in needed if name not in there]
    if missing:
        raise InputError(f"concept: has no column {', '.join(missing)}. It has: {', '.join(there) or 'none'}.")
    chosen = frame.select(nw.col(there[name]).alias(name) for name in needed).filter(
        nw.col("concept_id").cast(nw.Int64).is_in(ids)
    )
    found = chosen.collect() if isinstance(chosen, nw.LazyFrame) else chosen
    return {int(row["concept_id"]): _named(row) for row in found.rows(named=True)}


def _named(row: Mapping[str, Any]) -> NamedThing:
    vocabulary, code = str(row["vocabulary_id"] or ""), str(row["concept_code"] or "")
    coding = Coding(vocabulary, code, known_as=_SYSTEMS.get(vocabulary.lower(), ""))
    return NamedThing((str(row["concept_name"]),) if row["concept_name"] else (), (coding,))


def _cell(text: str, ids: Sequence[int], concepts: Mapping[int, NamedThing], kind: Kind, checker: Checker) -> Cell | None:
    """What a row says, from the words of the source and its concepts; None if it says nothing."""
    thing = NamedThing()
    for number in ids:
        thing = thing.then(concepts.get(number, NamedThing()))
    matcher = checker.matcher(kind)
    source = matcher.match(text)
    if not thing.names and not thing.codings:
        asked = next((number for number in ids if number), None)
        if source.status is not Status.EMPTY or asked is None:
            return Cell(text) if text else None
        # A concept that cannot be looked up is something that is taken and that nobody has read.
        label = f"concept {asked}"
        return Cell(label, Match(label, kind, Status.UNRECOGNISED, not_understood=(label,)))
    mapped, _ = match_thing(thing, kind, checker)
    shown = text if source.status is not Status.EMPTY else next(iter(thing.names), mapped.text)
    return Cell(shown, replace(_agreed(source, mapped, matcher.lexicon), text=shown), known_codes(thing.codings))


def _agreed(source: Match, mapped: Match, lexicon: Lexicon) -> Match:
    """What the words of the source and the concept say together; the concept counts before the words."""
    if not source.concepts:
        return mapped if mapped.concepts or source.status is Status.EMPTY else source
    if not mapped.concepts or set(mapped.concepts) <= set(source.concepts):
        # The words say as much or more, and how: since when, stopped, only suspected, on the skin.
        return source
    strange = [one for one in source.concepts if not related([one], mapped.concepts, lexicon)]
    if strange:
        against = Candidate(tuple(strange), source.mentions[0].name, source.score, _DISAGREE)
        return replace(
            mapped, candidates=(*mapped.candidates, against), not_understood=(*mapped.not_understood, source.text.strip())
        )
    qualifiers = {mention.qualifier for mention in source.mentions}
    if len(qualifiers) > 1:
        return mapped
    said = qualifiers.pop()
    return replace(mapped, mentions=tuple(replace(one, qualifier=one.qualifier or said) for one in mapped.mentions))
