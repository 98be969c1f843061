"""Spark data frames: the columns of :func:`cramprisk.annotate` on a table that no single machine holds.

The work is done where the rows are. Each Python worker process reads the tables once, keeps what it has read of the
texts, and answers batch after batch from that. Nothing is computed before Spark is asked for a result.

PySpark 4 and Java 17 or newer are needed: ``pip install "cramprisk[spark]"``. The package must be installed on the
workers too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cramprisk._version import __version__
from cramprisk.checker import Checker, load_tables
from cramprisk.columns import COLUMNS, Reading, readings
from cramprisk.errors import CrampRiskError, InputError, MissingExtraError
from cramprisk.model import Kind
from cramprisk.tables import Tables, data_folder

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

__all__ = [
    "TablesWanted",
    "annotate",
    "checker_of",
    "local_session",
    "lookup_table",
    "need_spark",
    "numbered",
    "place_of",
    "tables_wanted",
    "text_place_of",
]

_EXTRA = 'Install it with: pip install "cramprisk[spark]"'
_OLDEST_JAVA = 17
_KEPT_TEXTS = 250_000


def annotate(
    df: DataFrame,
    *,
    drug: str | None = None,
    condition: str | None = None,
    checker: Checker | None = None,
    prefix: str = "",
    kept_texts: int = _KEPT_TEXTS,
) -> DataFrame:
    """The rows of a Spark data frame with what their medicines and conditions say, in added columns.

    Args:
        df: Any Spark data frame; a streaming one too.
        drug: Name of the column with medicines as written.
        condition: Name of the column with conditions as written.
        checker: Over which tables. For the default ones the workers read their own copy of the package's tables and
            refuse to answer if it is another; the tables of any other checker are sent to them once.
        prefix: Put before the name of every added column.
        kept_texts: How many distinct texts per kind each Python worker keeps with their answers, some 200 bytes each.
            When there are more it starts anew.

    Returns:
        A data frame with the same rows and columns, and the columns of :data:`cramprisk.columns.COLUMNS` behind
        ``drug_`` and ``condition_``. It is lazy. Rows keep their order within a partition. A null reads as ``empty``.

    Raises:
        InputError: `df` is no Spark data frame, a column is missing, doubled or holds no text, an added column would
            take the place of one that is there, no column was named, or some column is of a type that Spark cannot hand
            to Python (an interval of months).
        MissingExtraError: PySpark or pyarrow is not installed.

    Examples:
        >>> annotate("no frame", drug="medicine")
        Traceback (most recent call last):
            ...
        cramprisk.errors.InputError: expected a Spark data frame, got str.
    """
    need_spark(df)
    named = ((drug, Kind.DRUG), (condition, Kind.CONDITION))
    asked = [(text_place_of(df, name), kind) for name, kind in named if name is not None]
    if not asked:
        raise InputError("no column was named. Name the one with medicines (drug=), with conditions (condition=), or both.")
    if isinstance(kept_texts, bool) or not isinstance(kept_texts, int) or kept_texts < 1:
        raise InputError("kept_texts: must be a whole number from 1.")
    schema = _with_answers(df, [kind for _, kind in asked], prefix)
    wanted = tables_wanted(df, checker)

    def annotated(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _annotated(batches, asked, wanted, kept_texts)

    try:
        return numbered(df).mapInArrow(annotated, schema)
    except NotImplementedError:
        # An interval of months has no place in Arrow, nor has a type that Spark may get one day.
        raise InputError(
            "a column is of a type that Spark cannot hand to Python. Drop or cast it first, or join lookup_table() by text."
        ) from None


def lookup_table(df: DataFrame, column: str, *, kind: Kind | str = "drug", checker: Checker | None = None) -> DataFrame:
    """What each distinct text in a column says, to be joined back by text: :func:`cramprisk.lookup_table` made in Spark.

    Every text is read once in the whole cluster, and no other column is moved. :func:`annotate` reads a text once in
    every worker and needs no shuffle.

    Args:
        df: A Spark data frame.
        column: The column with texts as written.
        kind: What they are read as, ``drug`` or ``condition``.
        checker: As for :func:`annotate`.

    Returns:
        A data frame with the columns ``text`` and :data:`cramprisk.columns.COLUMNS`. The null of the column, if it has
        one, is a row too, so that a null-safe join (``eqNullSafe``, ``<=>``) finds an answer for every row.

    Raises:
        InputError: As for :func:`annotate`.
        MissingExtraError: PySpark or pyarrow is not installed.
    """
    need_spark(df)
    try:
        wanted = Kind(kind)
    except ValueError:
        raise InputError('kind: must be "drug" or "condition".') from None
    texts = numbered(df).selectExpr(f"`{text_place_of(df, column)}` AS text").distinct()
    # Each text occurs once: there is nothing to be kept for later batches.
    read = annotate(texts, **{wanted.value: "text"}, checker=checker, kept_texts=1)
    return read.toDF("text", *COLUMNS)


def local_session(cores: int = 2, *, settings: Mapping[str, str] | None = None) -> SparkSession:
    """A Spark session on this machine, to try things out; the one that runs already if there is one.

    It listens on this machine only and shows no web page. The workers are run by this Python.

    Args:
        cores: How many tasks run at the same time.
        settings: Further settings of Spark; they go before those made here.

    Raises:
        MissingExtraError: PySpark is not installed, or there is no Java of version 17 or newer.
        InputError: `cores` is no whole number from 1.
    """
    import os
    import sys

    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise MissingExtraError(f"Spark needs pyspark, which is not installed. {_EXTRA}") from None
    if isinstance(cores, bool) or not isinstance(cores, int) or cores < 1:
        raise InputError("cores: must be a whole number from 1.")
    _need_java()
    # Spark would run its workers with whatever "python3" is.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    made = {
        "spark.master": f"local[{cores}]",
        "spark.app.name": "cramprisk",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": str(cores),
        "spark.sql.session.timeZone": "UTC",
        **(settings or {}),
    }
    builder = SparkSession.builder
    for name, value in made.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


# ---------------------------------------------------------------------- on the driver


def need_spark(df: object) -> None:
    """Raises an error that says so when `df` is no Spark data frame, or pyarrow is not installed."""
    module = type(df).__module__
    if module.startswith("pyspark.pandas"):
        raise InputError("expected a Spark data frame, got one of pandas-on-Spark. Hand over df.to_spark().")
    if not module.startswith("pyspark.sql"):
        raise InputError(f"expected a Spark data frame, got {type(df).__name__}.")
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError(f"Spark needs pyarrow, which is not installed. {_EXTRA}") from None


def _need_java() -> None:
    """Raises an error that says so when there is no Java that Spark 4 can run on."""
    import os
    import re
    import shutil
    import subprocess

    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=os.path.join(home, "bin")) if home else shutil.which("java")  # noqa: PTH118
    what = f"Install it (Debian: openjdk-17-jre-headless), or name its folder in JAVA_HOME. {_EXTRA.replace('it', 'the rest')}"
    if java is None:
        where = "in the folder that JAVA_HOME names" if home else "on the path"
        raise MissingExtraError(f"Spark needs Java {_OLDEST_JAVA} or newer; there is none {where}. {what}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(?:1\.)?(\d+)', said.stderr)
    if said.returncode or version is None:
        raise MissingExtraError(f"Spark needs Java {_OLDEST_JAVA} or newer; the one found does not run. {what}")
    if int(version[1]) < _OLDEST_JAVA:
        raise MissingExtraError(f"Spark needs Java {_OLDEST_JAVA} or newer; the one found is Java {version[1]}. {what}")


def _same_name(df: DataFrame, one: str, other: str) -> bool:
    """Whether Spark takes two names of columns for the same."""
    exact = df.sparkSession.conf.get("spark.sql.caseSensitive") == "true"
    return one == other if exact else one.lower() == other.lower()


def place_of(df: DataFrame, name: object) -> int:
    """The position of a column, found by name as Spark finds it.

    Raises:
        InputError: There is none, or more than one.
    """
    if not isinstance(name, str):
        raise InputError(f"expected the name of a column, got {type(name).__name__}.")
    found = [index for index, column in enumerate(df.columns) if _same_name(df, column, name)]
    if not found:
        raise InputError(f'"{name}": there is no such column. The columns are {", ".join(df.columns)}.')
    if len(found) > 1:
        raise InputError(f'"{name}": {len(found)} columns have this name. Rename all but one.')
    return found[0]


def text_place_of(df: DataFrame, name: object) -> int:
    """The position of a column of texts.

    Raises:
        InputError: There is none, or more than one, or it holds something else.
    """
    found = place_of(df, name)
    kind = df.schema.fields[found].dataType
    if not _holds_text(kind):
        raise InputError(f'"{name}": expected a column of text, got {kind.simpleString()}. Cast it first: .cast("string").')
    return found


def numbered(df: DataFrame) -> DataFrame:
    """The frame with numbers for names: Spark looks columns up by name, and stumbles over dots and doubled names."""
    return df.toDF(*map(str, range(len(df.columns))))


def _holds_text(kind: DataType) -> bool:
    from pyspark.sql.types import CharType, NullType, StringType, VarcharType

    return isinstance(kind, (StringType, CharType, VarcharType, NullType))


def _with_answers(df: DataFrame, kinds: Sequence[Kind], prefix: str) -> StructType:
    """The schema of the frame with the added columns."""
    from pyspark.sql.types import BooleanType, DoubleType, StringType, StructField, StructType

    types = {"flagged": BooleanType(), "contested": BooleanType(), "score": DoubleType()}
    filled = ("status", "flagged", "contested")
    added = [
        StructField(f"{prefix}{kind.value}_{column}", types.get(column, StringType()), column not in filled)
        for kind in kinds
        for column in COLUMNS
    ]
    taken = [column for column in df.columns if any(_same_name(df, column, one.name) for one in added)]
    if taken:
        raise InputError(f"{', '.join(taken)}: would be written over. Rename or drop the column, or give a prefix.")
    return StructType([*df.schema.fields, *added])


@dataclass(frozen=True, slots=True)
class TablesWanted:
    """Which tables a worker must answer from, and what is sent along for it.

    Attributes:
        code: Version of the package.
        digest: That of the tables.
        sent: The tables as a broadcast value or as they are; None if they are those that ship with the package.
    """

    code: str
    digest: str
    sent: Any = field(default=None, compare=False, repr=False)


def tables_wanted(df: DataFrame, checker: Checker | None) -> TablesWanted:
    """What the workers are told; the tables themselves only go out when a worker cannot have them."""
    if checker is None or checker is Checker.default():
        return TablesWanted(__version__, Checker.default().tables.digest)
    tables = checker.tables
    # Spark Connect has no broadcast values; what a function holds is sent with it, and kept by the server.
    remote = type(df).__module__.startswith("pyspark.sql.connect")
    return TablesWanted(__version__, tables.digest, tables if remote else df.sparkSession.sparkContext.broadcast(tables))


# ---------------------------------------------------------------------- on the workers


@lru_cache(maxsize=2)
def checker_of(wanted: TablesWanted) -> Checker:
    """The checker of this process over the tables wanted; the same one for all tasks that it runs.

    Raises:
        InputError: This machine has another version of the package, or other tables.
    """
    everywhere = "Install the same cramprisk on the driver and on all workers"
    if wanted.code != __version__:
        raise InputError(f"this worker has cramprisk {__version__}, the driver {wanted.code}. {everywhere}.")
    if wanted.sent is None:
        tables = load_tables()
        also = ", or send the tables along: checker=Checker(load_tables())."
    else:
        tables = _at_home(wanted.sent if isinstance(wanted.sent, Tables) else wanted.sent.value)
        also = "."
    if tables.digest != wanted.digest:
        told = f"this worker has the tables {tables.digest[:12]}, the driver {wanted.digest[:12]}"
        raise InputError(f"{told}. {everywhere}{also}")
    return Checker(tables)


def _at_home(tables: Tables) -> Tables:
    """Tables that were sent here, with the folder where this machine has the index of their names, if it has one.

    An index is used only if it bears the digest of the tables; without one it takes seconds longer to begin.
    """
    if tables.folder is not None and tables.folder.is_dir():
        return tables
    return replace(tables, folder=data_folder())


class _Answers:
    """What the texts of one kind say, kept from batch to batch.

    Many texts say the same ("HCTZ 25", "hctz 25mg"), so that there are far fewer answers than texts: a text is kept
    with the number of its answer, and only the answers are columns.

    Args:
        kind: What the texts are read as.
        checker: Over which tables.
        most: About how many texts are kept.
    """

    def __init__(self, kind: Kind, checker: Checker, most: int) -> None:
        self._kind = kind
        self._checker = checker
        self._most = most
        self._forget()

    def _forget(self) -> None:
        self._of_text: dict[str | None, int] = {}
        self._of_reading: dict[Reading, int] = {}
        self._columns: list[pa.Array] | None = None

    def columns(self, texts: pa.Array) -> list[pa.Array]:
        """The columns that are added beside a column of texts."""
        import pyarrow as pa

        coded = texts.dictionary_encode(null_encoding="encode")
        distinct = _pythonic(coded.dictionary)
        numbers = list(map(self._of_text.get, distinct))
        if None in numbers:
            self._read([text for text, number in zip(distinct, numbers, strict=True) if number is None], distinct)
            numbers = list(map(self._of_text.get, distinct))
        if self._columns is None:
            kinds = {"flagged": pa.bool_(), "contested": pa.bool_(), "score": pa.float64()}
            self._columns = [
                pa.array([getattr(reading, name) for reading in self._of_reading], kinds.get(name, pa.string()))
                for name in COLUMNS
            ]
        of_row = pa.array(numbers, pa.int32()).take(coded.indices)
        return [column.take(of_row) for column in self._columns]

    def _read(self, texts: list[str | None], distinct: list[str | None]) -> None:
        if len(self._of_text) + len(texts) > self._most:
            self._forget()
            texts = distinct
        try:
            read = readings(texts, self._kind, self._checker)
        except Exception as error:
            # The cause may quote what it stumbled over, and a worker's errors are kept in logs.
            raise CrampRiskError(f"{self._kind.value}: a batch could not be read ({type(error).__name__}).") from None
        before = len(self._of_reading)
        for text, reading in zip(texts, read, strict=True):
            self._of_text[text] = self._of_reading.setdefault(reading, len(self._of_reading))
        if len(self._of_reading) > before:
            self._columns = None


@lru_cache(maxsize=4)
def _answers(wanted: TablesWanted, kind: Kind, most: int) -> _Answers:
    """What this process keeps of the texts of one kind, from task to task."""
    return _Answers(kind, checker_of(wanted), most)


def _pythonic(texts: pa.Array) -> list[str | None]:
    """The texts of a column; bytes that are no UTF-8 become replacement characters."""
    import pyarrow as pa

    try:
        found: list[str | None] = texts.to_pylist()
    except UnicodeDecodeError:
        # Spark lets any bytes be cast to a text. One such cell must not stop a job over millions of rows.
        raw = texts.cast(pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary()).to_pylist()
        found = [None if cell is None else cell.decode("utf-8", "replace") for cell in raw]
    return found


def _annotated(
    batches: Iterator[pa.RecordBatch], asked: Sequence[tuple[int, Kind]], wanted: TablesWanted, kept_texts: int
) -> Iterator[pa.RecordBatch]:
    """Each batch with the added columns behind its own."""
    import pyarrow as pa

    names = [f"{kind.value}_{column}" for _, kind in asked for column in COLUMNS]
    for batch in batches:
        added = [
            column for position, kind in asked for column in _answers(wanted, kind, kept_texts).columns(batch.column(position))
        ]
        fields = [pa.field(name, column.type) for name, column in zip(names, added, strict=True)]
        yield pa.RecordBatch.from_arrays([*batch.columns, *added], schema=pa.schema([*batch.schema, *fields]))
