"""Find, read and write the tables. A table is a CSV file that a curator edits; nothing is computed into it.

Format: UTF-8, LF, comma-separated with a header, ``|`` between the values of a list cell, rows sorted by their key.
Rules about the *content* stand in :mod:`cramprisk.table_check`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

from cramprisk.errors import InputError, Problem, TableError

if TYPE_CHECKING:
    from cramprisk.vocabulary import Vocabulary

__all__ = ["LAYOUT", "Row", "Table", "Tables", "data_folder", "read_tables", "split_cell", "write_tables"]

Row = dict[str, str]

LAYOUT: Mapping[str, tuple[str, ...]] = {
    "drugs.csv": ("id", "name", "synonyms", "brands", "abbreviations", "drug_class", "rxcui", "atc"),
    "combinations.csv": ("id", "name", "kind", "ingredients", "synonyms", "brands", "atc"),
    "drug_classes.csv": ("id", "name", "synonyms", "parent", "atc"),
    "conditions.csv": ("id", "name", "synonyms", "abbreviations", "kind", "parent", "icd10cm", "snomed"),
    "compound_conditions.csv": ("id", "name", "synonyms", "abbreviations", "parts", "icd10cm", "snomed"),
    "associations.csv": (
        "id", "subject_kind", "subject", "direction", "grade", "outcome", "measure", "value", "ci_low", "ci_high",
        "rate_pct", "comparator_pct", "population", "source", "note", "reviewed",
    ),
    "interactions.csv": ("id", "subjects", "effect", "source", "note"),
    "sources.csv": ("id", "kind", "citation", "year", "pmid", "doi"),
    "look_alikes.csv": ("name", "confused_with", "kind", "source"),
    "ambiguous_names.csv": ("name", "kind", "meanings", "settled_by", "note"),
    "words.csv": ("word", "kind", "route"),
    "common_names.csv": ("name", "kind"),
    "product_codes.csv": ("system", "code", "ingredients"),
}  # fmt: skip
"""The columns of each file, in their order."""

SORT_KEY: Mapping[str, tuple[str, ...]] = {
    "look_alikes.csv": ("kind", "name", "confused_with"),
    "ambiguous_names.csv": ("kind", "name"),
    "words.csv": ("word",),
    "common_names.csv": ("kind", "name"),
    "product_codes.csv": ("system", "code"),
}
"""The columns a file is sorted by; ``id`` where nothing else is said."""

VERSION_FILE = "VERSION"

EXTRA = "extra"
"""What stands before the file names of a user's own folder in explanations and messages."""


def split_cell(cell: str) -> list[str]:
    """The values of a list cell; an empty cell has none.

    Examples:
        >>> split_cell("Lasix|Frusol"), split_cell("")
        (['Lasix', 'Frusol'], [])
    """
    return cell.split("|") if cell else []


class _RowsLater(Sequence[Row]):
    """The rows of a file that is known to be sound, each parsed when it is looked at: a short list needs a few of them."""

    def __init__(self, content: bytes) -> None:
        header, *lines = content.decode("utf-8").removesuffix("\n").split("\n")
        self._columns = header.split(",")
        self._lines = lines

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        return dict(zip(self._columns, next(csv.reader([self._lines[index]])), strict=True))

    def __iter__(self) -> Iterator[Row]:
        return (dict(zip(self._columns, cells, strict=True)) for cells in csv.reader(self._lines))

    def __len__(self) -> int:
        return len(self._lines)

    def first_cells(self) -> list[str]:
        """The first cell of every row; the ids of a table are never quoted."""
        return [line.partition(",")[0] for line in self._lines]


@dataclass(frozen=True, slots=True)
class Table:
    """One file: its rows, and the line on which each stands.

    Attributes:
        file: File name.
        rows: One dictionary per row, every column of the layout present, cells as text.
        added: How many rows at the end come from a user's folder (:mod:`cramprisk.overlay`).
    """

    file: str
    rows: Sequence[Row]
    added: int = 0

    def ids(self) -> list[str]:
        """The ids of the rows, for a file whose first column is ``id``."""
        return self.rows.first_cells() if isinstance(self.rows, _RowsLater) else [row["id"] for row in self.rows]

    def place(self, index: int) -> tuple[str, int]:
        """The file and the line of row `index`; cells hold no line breaks, so rows are lines."""
        own = len(self.rows) - self.added
        return (self.file, index + 2) if index < own else (f"{EXTRA}/{self.file}", index - own + 2)


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of one version.

    Attributes:
        version: Calendar version of the tables (``2026.11.0``).
        digest: SHA-256 of their content, in hex; equal content has an equal digest.
        files: The tables by file name.
        checked: Whether the digest is the one recorded when the tables last passed their check.
        folder: Where they were read from, or None when made in memory.
        vocabulary: A release of RxNorm to look in when the tables do not know a name or code, or None.
        index_digest: The digest of the tables without what a user's folder added; that of their name index.
    """

    version: str
    digest: str
    files: Mapping[str, Table]
    checked: bool
    folder: Path | None = None
    index_digest: str = ""
    vocabulary: Vocabulary | None = None

    def rows(self, file: str) -> Sequence[Row]:
        """The rows of one file."""
        return self.files[file].rows


def data_folder() -> Path:
    """Where the tables of this installation are: beside the code, or in the source tree.

    Raises:
        TableError: Neither place has them.
    """
    beside = Path(__file__).parent / "data"
    if (beside / "drugs.csv").is_file():
        return beside
    source = Path(__file__).parent.parent
    if (source / "pyproject.toml").is_file() and (source / "data").is_dir():
        return source / "data"
    raise TableError(
        [Problem("data", 0, "", "the folder of tables is missing from this installation. Install the package again.")]
    )


def _parse(file: str, content: bytes) -> tuple[list[Row], list[Problem]]:
    columns = LAYOUT[file]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [Problem(file, line, "", "not UTF-8. Save the file as UTF-8.")]
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\0" in text:
        return [], [Problem(file, text.count("\n", 0, text.index("\0")) + 1, "", "holds a NUL character. Remove it.")]
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[Row] = []
    problems: list[Problem] = []
    try:
        header = next(reader, None)
        if header is None:
            return [], [Problem(file, 0, "", f"is empty. It needs the header {','.join(columns)}")]
        missing = [column for column in columns if column not in header]
        unknown = [column for column in header if column not in columns]
        if missing:
            return [], [Problem(file, 1, "", f"the header lacks {', '.join(missing)}. Add it.")]
        if unknown:
            problems.append(Problem(file, 1, "", f"unknown column {', '.join(unknown)}. Remove it, or check its name."))
        straight = tuple(header) == columns
        for cells in reader:
            if len(cells) != len(header):
                problems.append(
                    Problem(file, reader.line_num, "", f"{len(cells)} cells, the header has {len(header)}. Quote commas.")
                )
                continue
            row = dict(zip(header, cells, strict=True))
            rows.append(row if straight else {column: row[column] for column in columns})
    except csv.Error as error:
        problems.append(Problem(file, reader.line_num, "", f"not readable as CSV ({error}). Check the quotes."))
    return rows, problems


class _ParsedLater(Mapping[str, Table]):
    """Table files that are known to be sound, each decoded when first asked for."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._parsed: dict[str, Table] = {}

    def __getitem__(self, file: str) -> Table:
        found = self._parsed.get(file)
        if found is None:
            found = self._parsed[file] = Table(file, _RowsLater(self._contents[file]))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents)

    def __len__(self) -> int:
        return len(self._contents)

    def __reduce__(self) -> tuple[type[_ParsedLater], tuple[Mapping[str, bytes]]]:
        # Sent to another process as the bytes they are; what was parsed of them would double that.
        return _ParsedLater, (self._contents,)


def digest_of(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and contents of the files, independent of their order."""
    whole = hashlib.sha256()
    for file in sorted(contents):
        whole.update(file.encode() + b"\0" + hashlib.sha256(contents[file]).digest())
    return whole.hexdigest()


def read_tables(folder: Path | str | None = None) -> Tables:
    """The tables in a folder, parsed but not checked for content.

    Args:
        folder: A folder with all files of :data:`LAYOUT` and ``VERSION``; the installed tables if None.

    Raises:
        TableError: A file is missing, unreadable, or not of its layout; every such problem is reported.
    """
    where = data_folder() if folder is None else Path(folder)
    if not where.is_dir():
        raise TableError([Problem(where.name, 0, "", "is not a folder. Give the folder that holds drugs.csv.")])
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for file in LAYOUT:
        try:
            contents[file] = (where / file).read_bytes()
        except FileNotFoundError:
            problems.append(Problem(file, 0, "", "is missing from the folder of tables. Restore it."))
        except OSError as error:
            problems.append(Problem(file, 0, "", f"cannot be read ({error.strerror}). Check its permissions."))
    try:
        version, _, recorded = (where / VERSION_FILE).read_text("utf-8").strip().partition(" ")
    except (OSError, UnicodeDecodeError):
        version, recorded = "", ""
        problems.append(Problem(VERSION_FILE, 0, "", "is missing or unreadable. It holds the version of the tables."))
    digest = digest_of(contents)
    if not problems and recorded == f"sha256:{digest}":
        # These very bytes passed the check: a file is parsed when it is first looked at.
        return Tables(version, digest, _ParsedLater(contents), checked=True, folder=where, index_digest=digest)
    files: dict[str, Table] = {}
    for file, content in contents.items():
        rows, found = _parse(file, content)
        problems += found
        files[file] = Table(file, tuple(rows))
    if problems:
        raise TableError(problems)
    return Tables(version, digest, files, checked=False, folder=where, index_digest=digest)


def format_table(file: str, rows: Iterable[Mapping[str, str]]) -> bytes:
    """The bytes of a table file in canonical form, rows in the order given."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(LAYOUT[file])
    for row in rows:
        writer.writerow([row[column] for column in LAYOUT[file]])
    return out.getvalue().encode("utf-8")


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that it is either the old one or the whole new one, never a half of it.

    Raises:
        InputError: The folder cannot be written to, or the disk is full.
    """
    import tempfile

    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InputError(f"{path.name}: its folder cannot be written to ({error.strerror}).") from None
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise InputError(f"{path.name}: could not be written ({error.strerror}). The old file is untouched.") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_tables(tables: Tables, folder: Path | str) -> None:
    """Write all tables into a folder, each file replaced whole.

    Raises:
        InputError: The folder cannot be written to.
    """
    where = Path(folder)
    contents = {file: format_table(file, table.rows) for file, table in tables.files.items()}
    for file, content in contents.items():
        write_file(where / file, content)
    mark = f" sha256:{digest_of(contents)}" if tables.checked else ""
    write_file(where / VERSION_FILE, f"{tables.version}{mark}\n".encode())


def tables_from(files: Mapping[str, Iterable[Mapping[str, str]]], version: str = "0") -> Tables:
    """Tables made in memory, for tests and overlays; files that are not given are empty.

    Args:
        files: Rows by file name; columns that a row lacks are empty.
        version: Their calendar version.
    """
    made = {
        file: Table(file, tuple({column: row.get(column, "") for column in columns} for row in files.get(file, ())))
        for file, columns in LAYOUT.items()
    }
    digest = digest_of({file: format_table(file, table.rows) for file, table in made.items()})
    return Tables(version, digest, made, checked=False, index_digest=digest)
