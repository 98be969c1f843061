"""Persons of a Spark data frame: their rows are brought together, and each partition is answered as a table of its own."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any

from cramprisk.checker import Checker
from cramprisk.errors import InputError
from cramprisk.frames.person_columns import DAYS, NUMBERS, SUMMARY_COLUMNS, TRUTHS, answered
from cramprisk.frames.person_given import Asked, given_of
from cramprisk.spark import checker_of, need_spark, numbered, place_of, tables_wanted, text_place_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

__all__ = ["answered_on_spark"]

_ID = "id"


def answered_on_spark(df: DataFrame, asked: Asked, checker: Checker, wanted: tuple[str, ...]) -> DataFrame:
    """The result of `findings` or `summarise` for a Spark data frame; nothing is computed before Spark is asked for it.

    The rows of a person are shuffled into one partition, and a partition is one table for one worker. It has no column
    `rows`, because rows have no position in Spark.
    """
    need_spark(df)
    places = {_ID: place_of(df, asked.id)}
    renamed: dict[str, list[Hashable]] = {}
    for kind, names in asked.texts().items():
        for name in names:
            renamed.setdefault(kind.value, []).append(f"{kind.value}{len(places)}")
            places[str(renamed[kind.value][-1])] = text_place_of(df, name)
    for name, column in (("start", asked.start), ("stop", asked.stop), ("cramps_since", asked.cramps_since)):
        if column is not None:
            places[name] = place_of(df, column)
    inside = Asked(_ID, **renamed, **{name: name for name in places if name in ("start", "stop", "cramps_since")})  # type: ignore[arg-type]
    left_out = {"rows"} | {name for name in DAYS if name not in places} | ({"timing"} if asked.cramps_since is None else set())
    kept = [name for name in wanted if name not in left_out]
    schema = _schema(df, places[_ID], kept, counts=wanted == SUMMARY_COLUMNS)
    tables = tables_wanted(df, checker)

    def made(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from cramprisk.frames.arrow_frames import ArrowRows

        given = list(batches)
        if not given:
            return
        rows = ArrowRows(pa.Table.from_batches(given), ())
        found, columns = answered(given_of(rows, inside), checker_of(tables), wanted)
        table = rows.made(_ID, rows.taken(_ID, found), {name: columns[name] for name in kept})
        plain = [one.cast(one.type.value_type) if pa.types.is_dictionary(one.type) else one for one in table.columns]
        yield from pa.table(plain, names=[schema[0].name, *kept]).to_batches()

    chosen = numbered(df).selectExpr(*(f"`{place}` AS `{name}`" for name, place in places.items()))
    return chosen.repartition(_ID).mapInArrow(made, schema)


def _schema(df: DataFrame, place: int, kept: list[str], *, counts: bool) -> StructType:
    from pyspark.sql.types import BooleanType, DateType, DoubleType, IntegerType, StringType, StructField, StructType

    own = df.schema.fields[place]
    if own.name.lower() in kept:
        raise InputError(f"id: {own.name} is also the name of a column of the result. Rename the column of the persons.")

    def type_of(name: str) -> Any:
        if counts:
            return BooleanType() if name == "complete" else IntegerType()
        if name in TRUTHS:
            return BooleanType()
        return DoubleType() if name in NUMBERS else DateType() if name in DAYS else StringType()

    return StructType([StructField(own.name, own.dataType), *(StructField(name, type_of(name)) for name in kept)])
