"""Relations of DuckDB. They stay in the database: the distinct texts come out, and what they say is joined to the rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from cramprisk.checker import Checker
from cramprisk.columns import COLUMNS
from cramprisk.frames.answers import Column, added_name, not_a_text
from cramprisk.frames.arrow_frames import ArrowRows
from cramprisk.frames.lookup import lookup_table
from cramprisk.model import Kind

__all__ = ["annotated", "names_of", "quoted"]

_CHANGED = "the rows behind this relation have changed since annotate was called: call it again"


def names_of(relation: Any) -> list[Hashable]:
    """The names of the columns."""
    return list(relation.columns)


def annotated(relation: Any, columns: Mapping[Kind, Hashable], checker: Checker, prefix: str) -> Any:
    """The relation with the columns added that its columns of texts give."""
    for kind, column in columns.items():
        relation = _joined(relation, kind, str(column), checker, prefix)
    return relation


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def _joined(relation: Any, kind: Kind, column: str, checker: Checker, prefix: str) -> Any:
    """The relation joined with what the texts of one column say.

    A row takes its answer by its text and not by its position, because DuckDB computes the relation anew whenever it
    is asked, and an order that is not fixed may then be another. A join keeps no order, so the rows are numbered before
    it and sorted after it.
    """
    rows = f"cramprisk_{uuid4().hex}"
    name = quoted(column)
    _require_texts(relation, column, rows)
    found = relation.query(rows, f"SELECT DISTINCT CAST({name} AS VARCHAR) FROM {rows} WHERE {name} IS NOT NULL").fetchall()
    # DuckDB finds this table by the name of the variable.
    cramprisk_answers = lookup_table([text for (text,) in found] + [None], kind=kind, checker=checker)
    position, answer = quoted(f"{rows}_row"), "cramprisk_answers"
    changed = f"CASE WHEN {answer}.status IS NULL THEN error('{_CHANGED}') ELSE {answer}.status END"
    taken = ", ".join(
        f"{changed if one == 'status' else f'{answer}.{one}'} AS {quoted(added_name(kind, one, prefix))}" for one in COLUMNS
    )
    made = relation.query(
        rows,
        f"SELECT given.* EXCLUDE ({position}), {taken} "
        f"FROM (SELECT *, row_number() OVER () AS {position} FROM {rows}) AS given "
        f"LEFT JOIN {answer} ON CAST(given.{name} AS VARCHAR) IS NOT DISTINCT FROM {answer}.text "
        f"ORDER BY given.{position}",
    )
    del cramprisk_answers
    return made


def _require_texts(relation: Any, column: str, rows: str) -> None:
    found = str(relation.types[relation.columns.index(column)])
    if found == "VARCHAR" or found.startswith("ENUM"):
        return
    name = quoted(column)
    first = relation.query(
        rows, f"SELECT min(place) FROM (SELECT {name} AS cell, row_number() OVER () AS place FROM {rows}) WHERE cell IS NOT NULL"
    ).fetchall()[0][0]
    if first is not None:
        raise not_a_text(column, first - 1, found)


class DuckdbRows(ArrowRows):
    """See :class:`~cramprisk.frames.engines.Rows`. The columns needed are fetched once, as a table of pyarrow."""

    def __init__(self, relation: Any, names: Sequence[Hashable]) -> None:
        self._relation = relation
        chosen = relation.project(", ".join(quoted(str(name)) for name in dict.fromkeys(names)))
        table = chosen.to_arrow_table() if hasattr(chosen, "to_arrow_table") else chosen.arrow()
        super().__init__(table, names)

    def made(self, label: Hashable, values: Any, columns: Mapping[str, Column]) -> Any:
        """Another relation of the same connection: a column with a label, and columns made here."""
        # DuckDB finds this table by the name of the variable.
        cramprisk_made = super().made(label, values, columns)
        made = self._relation.query(f"cramprisk_{uuid4().hex}", "SELECT * FROM cramprisk_made")
        del cramprisk_made
        return made


rows_of = DuckdbRows
