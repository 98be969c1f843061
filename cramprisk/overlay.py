"""A user's own names over the tables: a hospital's abbreviations, formulary names and local products.

The folder holds files named and laid out as the tables are, with the columns they need and no more. Their rows are
checked as the tables are, and show as ``extra/drugs.csv`` in explanations and messages. Evidence is not overlaid.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from cramprisk.errors import Problem, TableError
from cramprisk.model import Kind
from cramprisk.names import compared_tokens, key_of
from cramprisk.tables import EXTRA, LAYOUT, SORT_KEY, Row, Table, Tables, digest_of, split_cell

__all__ = ["overlaid"]

_NAME_COLUMNS = ("name", "synonyms", "brands", "abbreviations")
_EVIDENCE = ("associations.csv", "interactions.csv", "sources.csv")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "drugs.csv": ("id",),
    "combinations.csv": ("ingredients",),
    "drug_classes.csv": ("id",),
    "conditions.csv": ("id",),
    "compound_conditions.csv": ("id", "parts"),
    "ambiguous_names.csv": ("name", "kind", "meanings"),
    "look_alikes.csv": ("name", "confused_with", "kind"),
    "words.csv": ("word", "kind"),
    "common_names.csv": ("name", "kind"),
    "product_codes.csv": ("system", "code", "ingredients"),
}
_KIND_OF = {
    "drugs.csv": Kind.DRUG,
    "combinations.csv": Kind.DRUG,
    "drug_classes.csv": Kind.DRUG,
    "conditions.csv": Kind.CONDITION,
    "compound_conditions.csv": Kind.CONDITION,
}


def overlaid(tables: Tables, folder: Path | str) -> Tables:
    """The tables with the rows of a user's folder behind their own; these rows are not yet checked for content.

    A row whose id is in the tables gives more names to that concept; any other row is a new concept. A name that the
    tables list as ambiguous means what the folder says.

    Args:
        tables: The tables of the package.
        folder: Holds at least one of the table files; which columns each needs stands in ``docs/tables.md``.

    Raises:
        TableError: The folder or one of its files cannot be used; every such problem is reported.
    """
    where = Path(folder)
    if not where.is_dir():
        raise TableError([Problem(EXTRA, 0, "", "is not a folder. Give the folder that holds your own drugs.csv.")])
    given = sorted(path for path in where.iterdir() if path.suffix.lower() == ".csv")
    problems: list[Problem] = []
    added: dict[str, list[Row]] = {}
    contents: dict[str, bytes] = {}
    if not given:
        problems.append(Problem(EXTRA, 0, "", f"holds no table. It needs one of {', '.join(_NEEDED)}."))
    for path in given:
        file = path.name
        if file in _EVIDENCE:
            problems.append(Problem(f"{EXTRA}/{file}", 0, "", "evidence cannot be added here. Remove the file."))
        elif file not in _NEEDED:
            problems.append(Problem(f"{EXTRA}/{file}", 0, "", f"is no table. The names are {', '.join(_NEEDED)}."))
        else:
            try:
                contents[f"{EXTRA}/{file}"] = path.read_bytes()
            except OSError as error:
                problems.append(Problem(f"{EXTRA}/{file}", 0, "", f"cannot be read ({error.strerror})."))
                continue
            added[file], found = _rows(file, contents[f"{EXTRA}/{file}"], tables)
            problems += found
    if problems:
        raise TableError(problems)
    digest = digest_of({"tables": tables.digest.encode(), **contents})
    files = {file: tables.files[file] for file in LAYOUT}
    for file, rows in added.items():
        own = [row for row in tables.rows(file) if file not in SORT_KEY or _key(file, row) not in {_key(file, r) for r in rows}]
        files[file] = Table(file, (*own, *rows), len(rows))
    files["ambiguous_names.csv"] = _settled(files["ambiguous_names.csv"], added)
    return replace(tables, version=f"{tables.version}+{EXTRA}", digest=digest, files=files)


def _key(file: str, row: Row) -> tuple[str, ...]:
    return tuple(row[column] for column in SORT_KEY[file])


def _rows(file: str, content: bytes, tables: Tables) -> tuple[list[Row], list[Problem]]:
    """The rows of one file in the layout of the tables, values trimmed, and what is wrong with them."""
    shown = f"{EXTRA}/{file}"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [], [Problem(shown, content.count(b"\n", 0, error.start) + 1, "", "not UTF-8. Save the file as UTF-8.")]
    if "\0" in text:
        return [], [Problem(shown, 0, "", "holds a NUL character. Save the file as plain text.")]
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[Row] = []
    problems: list[Problem] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        missing = [column for column in _NEEDED[file] if column not in header]
        unknown = [column for column in header if column not in LAYOUT[file]]
        if missing:
            problems.append(Problem(shown, 1, "", f"the header lacks {', '.join(missing)}. Add it."))
        if unknown or len(set(header)) < len(header):
            wrong = ", ".join(unknown) or "a column twice"
            problems.append(Problem(shown, 1, "", f"the header has {wrong}. The columns are {', '.join(LAYOUT[file])}."))
        if problems:
            return [], problems
        known = set(tables.files[file].ids()) if "id" in LAYOUT[file] else set()
        for cells in reader:
            line = reader.line_num
            if len(cells) != len(header):
                problems.append(Problem(shown, line, "", f"{len(cells)} cells, the header has {len(header)}. Quote commas."))
            else:
                row = dict.fromkeys(LAYOUT[file], "") | dict(zip(header, map(_trimmed, cells), strict=True))
                problems += _completed(file, line, row, known)
                rows.append(row)
    except csv.Error as error:
        problems.append(Problem(shown, reader.line_num, "", f"not readable as CSV ({error}). Check the quotes."))
    if not rows and not problems:
        problems.append(Problem(shown, 0, "", "has no row. Add one, or remove the file."))
    return rows, problems


def _trimmed(cell: str) -> str:
    return "|".join(dict.fromkeys(part for value in cell.split("|") if (part := " ".join(value.split()))))


def _completed(file: str, line: int, row: Row, known: set[str]) -> Iterator[Problem]:
    """Fill in what follows from the rest of a row."""
    shown = f"{EXTRA}/{file}"
    if file == "combinations.csv":
        row["ingredients"] = "|".join(sorted(split_cell(row["ingredients"])))
        row["id"] = row["ingredients"].replace("|", "+")
        row["name"] = row["name"] or row["ingredients"].replace("|", " / ")
        row["kind"] = row["kind"] or "fixed-dose"
    elif row.get("id") in known:
        # The concept has a name in the tables; the one given here is one more.
        filled = [column for column, cell in row.items() if cell and column != "id" and column not in _NAME_COLUMNS]
        if file == "compound_conditions.csv":
            filled.remove("parts")
        if filled:
            yield Problem(shown, line, filled[0], f'"{row["id"]}" is in the tables: only names can be added to it.')
        if row["name"] and file != "compound_conditions.csv":
            row["synonyms"] = "|".join(dict.fromkeys([row["name"], *split_cell(row["synonyms"])]))
            row["name"] = ""
    elif "id" in row and not row["name"]:
        yield Problem(shown, line, "name", "is not in the tables: a new concept needs a name.")
    if file == "conditions.csv":
        row["kind"] = row["kind"] or "other"


def _settled(ambiguous: Table, added: Mapping[str, list[Row]]) -> Table:
    """The ambiguous names without those of the tables to which the folder gives a meaning."""
    meant = {
        (kind.value, key_of(compared_tokens(text, kind), kind))
        for file, kind in _KIND_OF.items()
        for row in added.get(file, ())
        for column in _NAME_COLUMNS
        for text in split_cell(row.get(column, ""))
    }
    own = len(ambiguous.rows) - ambiguous.added
    kept = [
        row
        for index, row in enumerate(ambiguous.rows)
        if index >= own or (row["kind"], key_of(compared_tokens(row["name"], Kind(row["kind"])), Kind(row["kind"]))) not in meant
    ]
    return replace(ambiguous, rows=tuple(kept))
