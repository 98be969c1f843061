"""The rules that the tables obey. One check, three callers: loading, ``cramprisk tables check``, the tests.

Every problem is reported with file, line and column. What has one right form (order of rows and values, stray
spaces, repeats) is mended by :func:`fixed`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date

from cramprisk.errors import Problem
from cramprisk.lexicon import Lexicon
from cramprisk.model import Direction, Grade, Kind, Method
from cramprisk.names import Name, names_of
from cramprisk.tables import EXTRA, LAYOUT, SORT_KEY, Row, Table, Tables, digest_of, format_table, split_cell
from cramprisk.text import fold

__all__ = ["fixed", "table_problems"]

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LIST_COLUMNS = frozenset(
    "synonyms brands abbreviations drug_class rxcui atc ingredients parent icd10cm snomed parts subjects meanings "
    "settled_by".split()
)
_ORDERED_LISTS = frozenset({"brands", "drug_class", "subjects", "meanings", "settled_by"})
_PATTERNS = {
    "rxcui": (re.compile(r"[0-9]{1,8}"), "an RxCUI is a number"),
    "snomed": (re.compile(r"[0-9]{6,18}"), "a SNOMED CT id has 6 to 18 digits"),
    "icd10cm": (re.compile(r"[A-Z][0-9][0-9AB](?:\.[0-9A-Z]{1,4})?"), "an ICD-10-CM prefix looks like E11 or G47.62"),
    "pmid": (re.compile(r"[0-9]{1,9}"), "a PMID is a number"),
    "doi": (re.compile(r"10\.[0-9]{4,9}/\S+"), "a DOI begins with 10. and a registrant"),
    "year": (re.compile(r"(?:19|20)[0-9][0-9]"), "a year has four digits"),
    "reviewed": (re.compile(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]"), "a date looks like 2026-11-21"),
}
_PRODUCT_CODES = {
    "rxcui": _PATTERNS["rxcui"],
    "snomed": _PATTERNS["snomed"],
    "ndc": (re.compile(r"[0-9]{11}"), "an NDC has eleven digits here, without hyphens"),
}
_ATC_DRUG = re.compile(r"[A-Z][0-9][0-9][A-Z]{2}[0-9][0-9]")
_ATC_CLASS = re.compile(r"[A-Z](?:[0-9][0-9](?:[A-Z](?:[A-Z])?)?)?")
_CODES = ("rxcui", "snomed", "icd10cm")
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_RATE = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:-[0-9]+(?:\.[0-9]+)?)?")
_VERSION = re.compile(r"20[0-9][0-9]\.[0-9]{1,2}\.[0-9]+")
_SUBJECT_KINDS = ("drug", "class", "product", "condition")
_CONDITION_KINDS = frozenset(
    "disease deficiency physiological-state habit demographic exposure procedure symptom outcome differential other".split()
)
_WORD_KINDS = frozenset("unit form route frequency release salt cation packaging maker filler everyday".split())
_ROUTES = frozenset(" oral inhaled topical ophthalmic otic nasal vaginal rectal injected transdermal".split(" "))
_RELIEF = (Grade.TA, Grade.TB, Grade.TC, Grade.TN, Grade.AVOID, Grade.D)


def _unchecked(tables: Tables, file: str) -> Iterator[tuple[int, Row]]:
    """The rows of a file to look at, with their index: of tables that have passed, only those that were added."""
    rows = tables.rows(file)
    first = len(rows) - tables.files[file].added if tables.checked else 0
    return ((index, rows[index]) for index in range(first, len(rows))) if first else iter(enumerate(rows))


def _problem(tables: Tables, file: str, index: int, column: str, message: str) -> Problem:
    return Problem(*tables.files[file].place(index), column, message)


def table_problems(tables: Tables) -> list[Problem]:
    """Every problem of the tables, in the order of files and lines; an empty list when they are sound."""
    problems: list[Problem] = []
    if not _VERSION.fullmatch(tables.version.removesuffix(f"+{EXTRA}")):
        problems.append(Problem("VERSION", 1, "", "a table version looks like 2026.11.0"))
    for file in LAYOUT:
        problems += _form(tables, file)
    problems += _references(tables)
    for file, rule in (
        ("associations.csv", _association),
        ("sources.csv", _patterns),
        ("drugs.csv", _patterns),
        ("conditions.csv", _patterns),
        ("compound_conditions.csv", _patterns),
        ("drug_classes.csv", _class_code),
        ("drugs.csv", _drug_code),
        ("combinations.csv", _drug_code),
        ("conditions.csv", _condition_kind),
        ("words.csv", _word),
        ("common_names.csv", _common_kind),
        ("product_codes.csv", _product_code),
    ):
        table = tables.files[file]
        for index, row in _unchecked(tables, file):
            problems += rule(*table.place(index), row)
    problems += _codes_once(tables)
    if not problems:
        for kind in Kind:
            problems += _names(tables, kind)
    order = {file: position for position, file in enumerate(LAYOUT)}
    return sorted(
        problems, key=lambda problem: (order.get(problem.file.removeprefix(f"{EXTRA}/"), -1), problem.line, problem.column)
    )


# ---------------------------------------------------------------------- the form of a file


def _sort_key(file: str) -> Callable[[Row], tuple[str, ...]]:
    columns = SORT_KEY.get(file, ("id",))
    return lambda row: tuple(row[column] for column in columns)


def _value_order(value: str) -> tuple[str, str]:
    return (fold(value), value)


def _canonical(column: str, cell: str) -> str:
    clean = " ".join(cell.split())
    if column not in _LIST_COLUMNS:
        return clean
    values = list(dict.fromkeys(part.strip() for part in clean.split("|") if part.strip()))
    return "|".join(values if column in _ORDERED_LISTS else sorted(values, key=_value_order))


def _form(tables: Tables, file: str) -> Iterator[Problem]:
    table = tables.files[file]
    key = _sort_key(table.file)
    seen: dict[tuple[str, ...], int] = {}
    previous: tuple[str, ...] | None = None
    slugged = "id" in LAYOUT[table.file] and table.file != "combinations.csv"
    for index, row in _unchecked(tables, file):
        shown, line = table.place(index)
        this = key(row)
        own = index < len(table.rows) - table.added
        if index == len(table.rows) - table.added:
            # What a user's folder adds has an order of its own, and may give more names to a concept of the tables.
            previous, seen = None, {}
        if slugged and not _SLUG.fullmatch(row["id"]):
            yield Problem(shown, line, "id", "an id holds small letters, digits and single hyphens only.")
        if not all(this):
            yield Problem(shown, line, "", "the row has no key. Fill in " + ", ".join(SORT_KEY.get(table.file, ("id",))))
        if this in seen:
            yield Problem(shown, line, "", f"the same key stands on line {seen[this]}. Merge the rows.")
        seen.setdefault(this, line)
        if own and previous is not None and this < previous:
            yield Problem(shown, line, "", "out of order. Run: cramprisk tables check --fix", fixable=True)
        previous = this
        for column, cell in row.items():
            if own and cell and cell != _canonical(column, cell):
                yield Problem(
                    shown, line, column, "stray space, repeat or order. Run: cramprisk tables check --fix", fixable=True
                )
            if any(ord(char) < 32 for char in cell):
                yield Problem(shown, line, column, "holds a control character or line break. Remove it.")


def fixed(tables: Tables) -> Tables:
    """The tables in canonical form: rows and values sorted, stray spaces and repeats gone. Meaning is untouched."""
    files = {}
    for file, table in tables.files.items():
        rows = [{column: _canonical(column, cell) for column, cell in row.items()} for row in table.rows]
        files[file] = Table(file, tuple(sorted(rows, key=_sort_key(file))))
    digest = digest_of({file: format_table(file, table.rows) for file, table in files.items()})
    return replace(tables, files=files, digest=digest, index_digest=digest, checked=False)


# ---------------------------------------------------------------------- references between files


def _references(tables: Tables) -> Iterator[Problem]:
    ids = {file: {row["id"] for row in tables.rows(file)} for file in LAYOUT if "id" in LAYOUT[file]}
    both = ids["drugs.csv"] & ids["drug_classes.csv"]
    for index, row in _unchecked(tables, "drug_classes.csv"):
        if row["id"] in both:
            yield _problem(tables, "drug_classes.csv", index, "id", "is also the id of a medicine. Choose another.")
    checks = (
        ("drugs.csv", "drug_class", "drug_classes.csv"),
        ("drug_classes.csv", "parent", "drug_classes.csv"),
        ("combinations.csv", "ingredients", "drugs.csv"),
        ("product_codes.csv", "ingredients", "drugs.csv"),
        ("conditions.csv", "parent", "conditions.csv"),
        ("compound_conditions.csv", "parts", "conditions.csv"),
    )
    for file, column, target in checks:
        for index, row in _unchecked(tables, file):
            for value in split_cell(row[column]):
                if value not in ids[target]:
                    yield _problem(tables, file, index, column, f'"{value}" is not in {target}. Add it there, or correct the id.')
            if file in ("combinations.csv", "compound_conditions.csv") and len(split_cell(row[column])) < 2:
                yield _problem(tables, file, index, column, "needs at least two parts.")
    for file in ("associations.csv", "interactions.csv"):
        for index, row in _unchecked(tables, file):
            if row["source"] not in ids["sources.csv"]:
                message = f'"{row["source"]}" is not in sources.csv. Add it there, or correct the id.'
                yield _problem(tables, file, index, "source", message if row["source"] else "every row names a source.")
    subjects = {
        "drug": ids["drugs.csv"],
        "class": ids["drug_classes.csv"],
        "condition": ids["conditions.csv"],
        "product": ids["drugs.csv"] | ids["drug_classes.csv"],
    }
    everything = ids["drugs.csv"] | ids["drug_classes.csv"] | ids["conditions.csv"]
    for index, row in _unchecked(tables, "associations.csv"):
        known = subjects.get(row["subject_kind"])
        if known is None:
            yield _problem(tables, "associations.csv", index, "subject_kind", f"is one of {', '.join(_SUBJECT_KINDS)}.")
            continue
        for part in row["subject"].split("+") if row["subject_kind"] == "product" else [row["subject"]]:
            if part not in known:
                yield _problem(tables, "associations.csv", index, "subject", f'"{part}" is not a known {row["subject_kind"]}.')
    for index, row in _unchecked(tables, "interactions.csv"):
        parts = split_cell(row["subjects"])
        if len(parts) != 2:
            yield _problem(tables, "interactions.csv", index, "subjects", "needs two subjects.")
        if not row["effect"]:
            yield _problem(tables, "interactions.csv", index, "effect", "say what matters together.")
        for part in parts:
            if part not in everything:
                yield _problem(tables, "interactions.csv", index, "subjects", f'"{part}" is not a known id.')
    used = {row["source"] for file in ("associations.csv", "interactions.csv") for row in tables.rows(file)}
    for index, row in _unchecked(tables, "sources.csv"):
        if row["id"] not in used:
            yield _problem(tables, "sources.csv", index, "id", "no row cites this source. Remove it.")
    for index, row in _unchecked(tables, "ambiguous_names.csv"):
        known = ids["conditions.csv"] if row["kind"] == "condition" else ids["drugs.csv"] | ids["drug_classes.csv"]
        meanings = split_cell(row["meanings"])
        for meaning in [part for one in meanings for part in one.split("+")]:
            if meaning not in known:
                yield _problem(tables, "ambiguous_names.csv", index, "meanings", f'"{meaning}" is not a known id.')
        if len(meanings) < 2:
            yield _problem(tables, "ambiguous_names.csv", index, "meanings", "needs at least two meanings.")
        for rule in split_cell(row["settled_by"]):
            meaning, _, by = rule.partition("=")
            if meaning not in meanings or not by:
                yield _problem(tables, "ambiguous_names.csv", index, "settled_by", "a rule looks like meaning=id+id.")
            for one in by.split("+"):
                if by and one not in known:
                    yield _problem(tables, "ambiguous_names.csv", index, "settled_by", f'"{one}" is not a known id.')
    yield from _cycles(tables, "drug_classes.csv")
    yield from _cycles(tables, "conditions.csv")


def _cycles(tables: Tables, file: str) -> Iterator[Problem]:
    parents: dict[str, list[str]] = {}
    for row in tables.rows(file):
        parents.setdefault(row["id"], []).extend(split_cell(row["parent"]))
    for index, row in _unchecked(tables, file):
        seen: set[str] = set()
        level = parents[row["id"]]
        while level:
            if row["id"] in level:
                yield _problem(tables, file, index, "parent", "is its own ancestor. Correct the parents.")
                break
            seen.update(level)
            level = [up for one in level for up in parents.get(one, ()) if up not in seen]


# ---------------------------------------------------------------------- the content of a row


def _patterns(file: str, line: int, row: Row) -> Iterator[Problem]:
    for column, (pattern, rule) in _PATTERNS.items():
        cell = row.get(column, "")
        for value in split_cell(cell) if column in _CODES else filter(None, [cell]):
            if not pattern.fullmatch(value):
                yield Problem(file, line, column, f"{rule}.")


def _class_code(file: str, line: int, row: Row) -> Iterator[Problem]:
    for value in split_cell(row["atc"]):
        if not _ATC_CLASS.fullmatch(value):
            yield Problem(file, line, "atc", "a class has the first 1 to 5 characters of an ATC code.")


def _drug_code(file: str, line: int, row: Row) -> Iterator[Problem]:
    for value in split_cell(row["atc"]):
        if not _ATC_DRUG.fullmatch(value):
            yield Problem(file, line, "atc", "an ATC code of a medicine has seven characters.")


def _condition_kind(file: str, line: int, row: Row) -> Iterator[Problem]:
    if row["kind"] not in _CONDITION_KINDS:
        yield Problem(file, line, "kind", f"is one of {', '.join(sorted(_CONDITION_KINDS))}.")


def _word(file: str, line: int, row: Row) -> Iterator[Problem]:
    if row["kind"] not in _WORD_KINDS:
        yield Problem(file, line, "kind", f"is one of {', '.join(sorted(_WORD_KINDS))}.")
    if row["route"] not in _ROUTES:
        yield Problem(file, line, "route", "is empty or one of the routes.")


def _common_kind(file: str, line: int, row: Row) -> Iterator[Problem]:
    if row["kind"] not in ("medicine", "brand"):
        yield Problem(file, line, "kind", "is medicine (an id of drugs.csv) or brand (a name of the tables).")


def _association(file: str, line: int, row: Row) -> Iterator[Problem]:
    def wrong(column: str, message: str) -> Problem:
        return Problem(file, line, column, message)

    try:
        direction: Direction | None = Direction(row["direction"])
    except ValueError:
        direction = None
        yield wrong("direction", f"is one of {', '.join(Direction)}.")
    try:
        grade: Grade | None = Grade(row["grade"])
    except ValueError:
        grade = None
        yield wrong("grade", f"is one of {', '.join(Grade)}.")
    if direction is Direction.INCREASES and grade not in (Grade.A, Grade.B, Grade.C, Grade.D, None):
        yield wrong("grade", "an increase is graded A to D.")
    if direction is Direction.RELIEVES and grade is not None and grade not in _RELIEF:
        yield wrong("grade", "relief is graded TA, TB, TC, TN, AVOID, or D when merely claimed.")
    if not row["outcome"]:
        yield wrong("outcome", "say what was counted.")
    numbers: dict[str, float] = {}
    for column in ("value", "ci_low", "ci_high"):
        if row[column]:
            if _NUMBER.fullmatch(row[column]):
                numbers[column] = float(row[column])
            else:
                yield wrong(column, "is not a number.")
    if "value" in numbers and not row["measure"]:
        yield wrong("measure", "say what the figure measures.")
    if ("ci_low" in numbers) != ("ci_high" in numbers):
        yield wrong("ci_low", "an interval has two ends.")
    elif len(numbers) == 3 and not numbers["ci_low"] <= numbers["value"] <= numbers["ci_high"]:
        yield wrong("value", "lies outside its own interval.")
    for column in ("rate_pct", "comparator_pct"):
        if row[column] and not _RATE.fullmatch(row[column]):
            yield wrong(column, "is a percentage or a range of percentages, as 2.6 or 1-3.")
    try:
        date.fromisoformat(row["reviewed"])
    except ValueError:
        yield wrong("reviewed", "is the date of the last review, as 2026-11-21.")


def _product_code(file: str, line: int, row: Row) -> Iterator[Problem]:
    pattern = _PRODUCT_CODES.get(row["system"])
    if pattern is None:
        yield Problem(file, line, "system", f"is one of {', '.join(_PRODUCT_CODES)}.")
    elif not pattern[0].fullmatch(row["code"]):
        yield Problem(file, line, "code", f"{pattern[1]}.")
    if not row["ingredients"]:
        yield Problem(file, line, "ingredients", "is empty. Fill in the ids of the ingredients.")


def _codes_once(tables: Tables) -> Iterator[Problem]:
    """A code means one concept; a combination's ATC code is its own, and a product's code is that of no ingredient."""
    ingredients = {code: row["id"] for row in tables.rows("drugs.csv") for code in split_cell(row["rxcui"])}
    for index, row in _unchecked(tables, "product_codes.csv"):
        if row["system"] == "rxcui" and row["code"] in ingredients:
            message = f'"{row["code"]}" is the RxCUI of "{ingredients[row["code"]]}" already. Keep one.'
            yield _problem(tables, "product_codes.csv", index, "code", message)
    for files, systems in (
        (("drugs.csv",), ("rxcui", "atc")),
        (("conditions.csv", "compound_conditions.csv"), ("icd10cm", "snomed")),
        (("drug_classes.csv",), ("atc",)),
    ):
        seen: dict[tuple[str, str], str] = {}
        for file in files:
            for index, row in enumerate(tables.rows(file)):
                for system in systems:
                    for code in split_cell(row[system]):
                        owner = seen.setdefault((system, code), row["id"])
                        if owner != row["id"]:
                            yield _problem(tables, file, index, system, f'"{code}" belongs to "{owner}" already. Keep one.')


# ---------------------------------------------------------------------- names


def _lines(tables: Tables, files: Iterable[str]) -> dict[tuple[str, str], int]:
    return {(file, row["id"]): index + 2 for file in files for index, row in enumerate(tables.rows(file))}


def _names(tables: Tables, kind: Kind) -> Iterator[Problem]:
    """A folded name belongs to one concept, every name finds its own concept, and none is an ordinary word."""
    lexicon = Lexicon(tables, kind)
    files = (
        ("drugs.csv", "combinations.csv", "drug_classes.csv")
        if kind is Kind.DRUG
        else ("conditions.csv", "compound_conditions.csv")
    )
    where: dict[tuple[str, tuple[str, ...]], int] = {}
    for file in files:
        column = {"combinations.csv": "ingredients", "compound_conditions.csv": "parts"}.get(file, "id")
        for index, row in _unchecked(tables, file):
            shown, line = tables.files[file].place(index)
            where.setdefault((shown, tuple(split_cell(row[column]))), line)
    for name in names_of(tables, kind, True if tables.checked else None):
        file, _, column = name.table.partition(" ")
        line = where[file, name.concepts]
        tokens = lexicon.tokens_of(name.text)
        if not tokens:
            yield Problem(file, line, column, f'"{name.text}" has no letter or digit.')
            continue
        key = lexicon.key(tokens)
        if key in lexicon.ambiguous:
            yield Problem(file, line, column, f'"{name.text}" is listed in ambiguous_names.csv. Keep it in one place.')
            continue
        owner = lexicon.name(key)
        if owner is None or owner.concepts != name.concepts:
            yield Problem(
                file, line, column, f'"{name.text}" is also a name of "{"+".join(owner.concepts if owner else ())}". Keep one.'
            )
        elif kind is Kind.DRUG and len(tokens) == 1 and _ordinary(lexicon, tokens[0], name):
            yield Problem(file, line, column, f'"{name.text}" is an ordinary word in words.csv. Remove it from one of them.')
    if kind is Kind.DRUG:
        yield from _common_names(tables, lexicon)
    for index, row in _unchecked(tables, "look_alikes.csv"):
        if row["kind"] != kind.value:
            continue
        for column in ("name", "confused_with"):
            if row[column] not in lexicon.concepts and lexicon.name(lexicon.key(lexicon.tokens_of(row[column]))) is None:
                yield _problem(tables, "look_alikes.csv", index, column, f'"{row[column]}" is no name of the tables.')


def _common_names(tables: Tables, lexicon: Lexicon) -> Iterator[Problem]:
    for index, row in _unchecked(tables, "common_names.csv"):
        if row["kind"] == "medicine":
            known = row["name"] in lexicon.concepts
        else:
            known = lexicon.name(lexicon.key(lexicon.tokens_of(row["name"]))) is not None
        if not known:
            what = "is not the id of a medicine" if row["kind"] == "medicine" else "is no name of the tables"
            yield _problem(tables, "common_names.csv", index, "name", f'"{row["name"]}" {what}. Correct it, or remove the row.')


def _ordinary(lexicon: Lexicon, token: str, name: Name) -> bool:
    word = lexicon.words.get(token)
    allowed = (Method.ABBREVIATION, Method.NAME)
    return word is not None and word.kind not in ("cation", "salt", "everyday") and name.method not in allowed
