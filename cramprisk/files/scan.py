"""A scan: the rows of files, each with what its medicine or condition says, written to one file in bounded memory."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cramprisk.checker import Checker
from cramprisk.columns import COLUMNS
from cramprisk.errors import InputError
from cramprisk.files.answers import Answers, Rendering
from cramprisk.files.batch import MAX_CELL, Batch, Columns, Rows, cell_text, unique_names
from cramprisk.files.choice import chosen_column, free_names, obvious_column
from cramprisk.files.decisions import Decision, decided_readings
from cramprisk.files.delimited import TextOptions
from cramprisk.files.problems import Fault, Problems
from cramprisk.files.readers import Reader, opened
from cramprisk.files.review import REVIEW_COLUMNS, Review, review_rows, unresolved_names
from cramprisk.files.source import Source, format_of
from cramprisk.files.target import Target
from cramprisk.files.writers import Added, Writer, writer_for
from cramprisk.model import Kind, Status

if TYPE_CHECKING:
    from cramprisk.files.persons import Persons

__all__ = ["Options", "Summary", "scan"]

_STATUSES = (Status.MATCHED, Status.AMBIGUOUS, Status.UNRECOGNISED, Status.EMPTY)
_NDC = re.compile(r"\d{8,11}(\.0)?\Z")
_AHEAD = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How files are read and written; absent is found out, or not done.

    Attributes:
        drug: Name or number of the column of medicines; None to take the one that is obviously named so.
        condition: Of the column of conditions.
        person: Of the column that says whose row it is.
        form: Format of the input files, see :data:`~cramprisk.files.source.FORMATS`.
        to: Format of the output.
        sheet: Of a spreadsheet.
        encoding: Of text files.
        delimiter: Of text files.
        header: Whether text files and sheets have one.
        raw: Leave formulas as they are.
        force: Replace existing files.
        review: File for the names that were not understood.
        problems: File for the list of broken rows.
        findings: File for what the report of each person shows; needs `person`.
    """

    drug: str | None = None
    condition: str | None = None
    person: str | None = None
    form: str | None = None
    to: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    raw: bool = False
    force: bool = False
    review: str | None = None
    problems: str | None = None
    findings: str | None = None


@dataclass(slots=True)
class Summary:
    """What a scan counted.

    Attributes:
        rows: Of all files.
        statuses: Rows by kind and status.
        distinct: Distinct texts by kind; an upper bound where `many` says so.
        many: Whether there were more distinct texts than are kept at a time.
        flagged: Rows with something that is reported with more cramps.
        problems: Broken rows by the name of the fault.
        findings: Rows of findings of persons.
    """

    rows: int = 0
    statuses: dict[str, dict[str, int]] = field(default_factory=dict)
    distinct: dict[str, int] = field(default_factory=dict)
    many: bool = False
    flagged: int = 0
    problems: dict[str, int] = field(default_factory=dict)
    findings: int = 0


@dataclass(slots=True)
class _Asked:
    """One kind that is looked for."""

    kind: Kind
    column: int
    answers: Answers
    status: Rendering
    flagged: Rendering


Say = Callable[[str], None]
Progress = Callable[[int, int, int], None]


def scan(
    files: Sequence[str],
    out: str,
    checker: Checker,
    options: Options,
    *,
    decisions: Mapping[tuple[Kind, str], Decision] | None = None,
    say: Say = lambda text: None,
    progress: Progress = lambda done, size, rows: None,
) -> Summary:
    r"""Read files and write their rows with what is found.

    The rows of all files come in their order, and every column as it was; behind them stand the columns of
    :data:`~cramprisk.columns.COLUMNS`, each behind its kind (``drug_status``). The output appears whole or not at all.

    Args:
        files: Paths; ``-`` for standard input. All have the same columns.
        out: Path, whose suffix says the format; ``-`` for CSV on standard output.
        checker: Over which tables.
        options: How.
        decisions: From :func:`~cramprisk.files.decisions.read_decisions`.
        say: Told what was found out, and what should be looked at; never what a row says.
        progress: Told how many bytes of how many were read, and the rows so far.

    Raises:
        InputError: Something cannot be read or written; nothing is left behind.
        MissingExtraError: The package for a format is missing.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "list.csv").write_text("id,drug\n007,HCTZ 25mg\n008,xyzzy\n")
        >>> done = scan([str(folder / "list.csv")], str(folder / "out.csv"), Checker.default(), Options(drug="drug"))
        >>> done.rows, done.statuses["drug"]["matched"], done.flagged
        (2, 1, 1)
        >>> (folder / "out.csv").read_text().splitlines()[1].split(",")[:4]
        ['007', 'HCTZ 25mg', 'matched', 'hydrochlorothiazide']
    """
    _check_names(files, out, options)
    form = options.to or ("csv" if out == "-" else format_of(out)[0])
    if form is None:
        raise InputError("--output: the suffix says no format. Use .csv, .tsv, .txt, .xlsx, .parquet or .ndjson, or --to.")
    if out == "-" and form in ("xlsx", "parquet"):
        raise InputError("--output: this format cannot be written to standard output. Name a file.")
    with ExitStack() as stack:
        targets: list[Target] = []

        def target(name: str, option: str) -> Target:
            made = Target(name, option, force=options.force)
            stack.callback(made.discard)
            made.open()
            if made.removed:
                say(f"{made.label}: what a run that was ended had left beside it was removed")
            targets.append(made)
            return made

        main = target(out, "--output")
        review = None
        review_target = None
        if options.review is not None:
            review_target = target(options.review, "--review")
            review = Review(review_target.scratch)
            stack.callback(review.close)
        told = None
        if options.problems is not None:
            told = target(options.problems, "--problems")
        of_persons = None if options.findings is None else target(options.findings, "--findings")
        run = _Run(checker, options, decisions=decisions or {}, say=say, progress=progress, review=review, of_persons=of_persons)
        current = main
        try:
            if told is not None:
                run.list_problems(told)
            run.read_all(files, main, form, stack)
            main.finish()
            if review is not None and review_target is not None:
                current = review_target
                _write_review(review, checker, review_target, options)
                review_target.finish()
            if run.persons is not None and of_persons is not None:
                current = of_persons
                run.persons.write()
                of_persons.finish()
            if told is not None:
                current = told
                told.finish()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise current.failure(error) from None
        for one in targets:
            one.place()
    for line in run.problems.lines():
        say(line)
    run.say_codes()
    return run.summarised()


def _check_names(files: Sequence[str], out: str, options: Options) -> None:
    if options.findings is not None and options.person is None:
        raise InputError("--findings: needs --id, the column that says whose row it is.")
    written = {"--output": out, "--review": options.review, "--problems": options.problems, "--findings": options.findings}
    if list(files).count("-") > 1:
        raise InputError("standard input can be read once. Give it once.")
    places: dict[Path, str] = {}
    for option, name in written.items():
        if name is None or name == "-":
            if name == "-" and option != "--output":
                raise InputError(f"{option}: needs a file.")
            continue
        place = Path(name).absolute()
        with suppress(OSError):
            place = place.resolve()
        if place in places:
            raise InputError(f"{option}: is the file of {places[place]} too. Name another.")
        places[place] = option
        for file in files:
            if file != "-":
                with suppress(OSError):
                    if Path(file).samefile(name):
                        raise InputError(f"{option}: is one of the input files, which are never written to. Name another.")


class _Run:
    """What one scan holds while it runs."""

    def __init__(
        self,
        checker: Checker,
        options: Options,
        *,
        decisions: Mapping[tuple[Kind, str], Decision],
        say: Say,
        progress: Progress,
        review: Review | None,
        of_persons: Target | None,
    ) -> None:
        self._checker, self._options, self._decisions = checker, options, decisions
        self._say, self._progress, self._review = say, progress, review
        self.problems = Problems()
        self._summary = Summary()
        self._names: list[str] = []
        self._asked: list[_Asked] = []
        self._codes: dict[int, list[int]] = {}
        self._of_persons = of_persons
        self._person = 0
        self.persons: Persons | None = None

    def list_problems(self, target: Target) -> None:
        """Write every problem down as it comes."""
        target.file.write(b"file,line,problem\n")

        def tell(file: str, line: int, fault: Fault) -> None:
            from cramprisk.guard import guarded

            name = '"' + guarded(file).replace('"', '""') + '"'
            target.file.write(f'{name},{line},"{fault.value}"\n'.encode("utf-8", "replace"))

        self.problems = Problems(tell)

    # ------------------------------------------------------------------ files

    def read_all(self, files: Sequence[str], main: Target, form: str, stack: ExitStack) -> None:
        """Read every file and write its rows."""
        options = self._options
        wanted = [name for name in (options.drug, options.condition, options.person) if name is not None]
        text = TextOptions(options.encoding, options.delimiter, options.header, wanted, self._is_entry)
        writer: Writer | None = None
        schema: Any = None
        sizes = [0 if name == "-" else _size(name) for name in files]
        for index, name in enumerate(files):
            with opened(name, options.form, text, options.sheet, self.problems) as (reader, source):
                for line in reader.said:
                    self._say(line)
                if writer is None:
                    self._begin(reader, source)
                    if self.persons is not None:
                        stack.callback(self.persons.close)
                    schema = getattr(reader, "schema", None) if len(files) == 1 or self._all_parquet(files) else None
                    writer = writer_for(
                        form,
                        main,
                        self._names,
                        self._added(),
                        raw=options.raw,
                        schema=schema,
                        delimiter=getattr(reader, "delimiter", ","),
                    )
                    stack.callback(writer.discard)
                elif list(reader.names) != self._names or (schema is not None and reader.schema != schema):  # type: ignore[attr-defined]
                    raise InputError(f"{source.label}: its columns are not those of the first file. Scan it by itself.")
                rows = getattr(reader, "rows", 0)
                done, total = sum(sizes[:index]), sum(sizes)
                before = self._summary.rows
                for batch in _ahead(reader.batches()):
                    self._batch(batch, writer, source.label)
                    part = (self._summary.rows - before) / rows * source.size if rows else source.position
                    self._progress(done + int(part), total or source.size, self._summary.rows)
        assert writer is not None
        writer.end()

    def _all_parquet(self, files: Sequence[str]) -> bool:
        return all((self._options.form or format_of(name)[0]) == "parquet" for name in files)

    def _is_entry(self, cells: Sequence[str]) -> bool:
        """Whether a cell of a first row is an entry rather than the name of a column."""
        kinds = [Kind.DRUG, *([Kind.CONDITION] if self._options.condition is not None else [])]
        found = (self._checker.normalize(cell[:200], kind) for kind in kinds for cell in cells[:50] if cell)
        return any(match.status is Status.MATCHED and match.complete for match in found)

    def _begin(self, reader: Reader, source: Source) -> None:
        """Choose the columns."""
        options, names, label = self._options, list(reader.names), source.label
        chosen: list[tuple[Kind, int]] = []
        if options.drug is not None:
            chosen.append((Kind.DRUG, chosen_column(names, options.drug, "--drug", label)))
        elif options.condition is None:
            column = obvious_column(names, label)
            chosen.append((Kind.DRUG, column))
            if len(names) > 1:
                self._say(f'{label}: the medicines are taken from column {column + 1}, "{names[column]}"')
        if options.condition is not None:
            chosen.append((Kind.CONDITION, chosen_column(names, options.condition, "--condition", label)))
        if options.person is not None:
            self._person = chosen_column(names, options.person, "--id", label)
        repeated = len(names) - len(set(names))
        if repeated:
            self._say(f"{label}: {repeated} column {'names come' if repeated > 1 else 'name comes'} twice; all columns are kept")
        self._names = names
        if self._of_persons is not None:
            from cramprisk.files.persons import Persons

            kinds, name = [kind for kind, _ in chosen], names[self._person]
            self.persons = Persons(self._of_persons, self._checker, kinds, name, decisions=self._decisions, raw=options.raw)
        for kind, column in chosen:
            answers = Answers(
                lambda texts, kind=kind: decided_readings(texts, kind, self._checker, self._decisions)  # type: ignore[misc]
            )
            status = Rendering(answers, lambda reading: _STATUSES.index(Status(reading.status)))
            self._asked.append(_Asked(kind, column, answers, status, Rendering(answers, lambda reading: reading.flagged)))
            self._summary.statuses[kind.value] = dict.fromkeys((one.value for one in _STATUSES), 0)
        self._codes = {
            index: [0, 0]
            for index, name in enumerate(names[:1000])
            if re.search(r"(?<![a-z])ndc(?![a-z])|national.?drug.?code", name.casefold())
        }

    def _added(self) -> list[Added]:
        # Formats whose columns must have different names number those that come twice.
        taken = [*self._names, *unique_names(self._names)]
        made = []
        for one in self._asked:
            wanted = [f"{one.kind.value}_{column}" for column in COLUMNS]
            names = free_names(wanted, taken)
            if list(names) != wanted:
                self._say(f"there are columns of the names that are added already: the new ones are {names[0]} and so on")
            taken += names
            made.append(Added(names, one.answers))
        return made

    # ------------------------------------------------------------------ rows

    def _batch(self, batch: Batch, writer: Writer, label: str) -> None:
        if not len(batch):
            return
        found, entries = [], []
        for one in self._asked:
            texts, long = _texts(batch, one.column, label)
            for row in long:
                self.problems.add(label, batch.line_of(row), Fault.LONG)
            found.append(one.answers.find(texts, batch.unread.union(long)))
            entries.append(_without(texts, batch.unread) if self.persons is not None else texts)
        if self.persons is not None:
            self.persons.add(_texts(batch, self._person, label)[0], entries)
        writer.write(batch, found)
        self._count(found, len(batch))
        for column, counts in self._codes.items():
            self._count_codes(batch, column, counts)

    def _count(self, found: Sequence[Any], rows: int) -> None:
        summary = self._summary
        summary.rows += rows
        flagged = np.zeros(rows, bool)
        for one, numbers in zip(self._asked, found, strict=True):
            status = one.status.array(lambda values: np.array(values, np.int8))
            counts = np.bincount(status[numbers], minlength=len(_STATUSES))
            for state, count in zip(_STATUSES, counts, strict=True):
                summary.statuses[one.kind.value][state.value] += int(count)
            flagged |= one.flagged.array(lambda values: np.array(values, bool))[numbers]
            if self._review is not None:
                times = np.bincount(numbers)
                for number in np.flatnonzero(times):
                    for name in unresolved_names(one.answers.readings[number]):
                        self._review.add(one.kind, name, int(times[number]))
        summary.flagged += int(flagged.sum())

    @staticmethod
    def _count_codes(batch: Batch, column: int, counts: list[int]) -> None:
        if isinstance(batch, Columns):
            from cramprisk.files.arrow_text import texts_of

            texts = texts_of(batch.table.column(column), "").to_pylist()
        else:
            texts = [cell_text(row[column]) for row in batch.rows]
        for text in texts:
            if _NDC.match(text):
                counts[len(text.removesuffix(".0")) == 11] += 1

    def say_codes(self) -> None:
        """Say where codes seem to have lost their zeros."""
        for column, (short, _) in self._codes.items():
            if short:
                self._say(
                    f'column "{self._names[column]}": {short:,} NDCs have 8 to 10 digits instead of 11. A spreadsheet drops '
                    "leading zeros; export the column as text. They were left as they are."
                )

    def summarised(self) -> Summary:
        """The counts."""
        summary = self._summary
        for one in self._asked:
            summary.distinct[one.kind.value] = one.answers.distinct
            summary.many = summary.many or one.answers.renewed > 0
        summary.problems = self.problems.counts()
        summary.findings = self.persons.lines if self.persons is not None else 0
        return summary


def _size(name: str) -> int:
    with suppress(OSError):
        return Path(name).stat().st_size
    return 0


def _texts(batch: Batch, column: int, label: str) -> tuple[Any, list[int]]:
    """The texts of a column, and the rows where one is too long to be read; these are empty."""
    if isinstance(batch, Rows):
        texts = [cell_text(row[column]) for row in batch.rows]
        long = [row for row, text in enumerate(texts) if len(text) > MAX_CELL]
        for row in long:
            texts[row] = ""
        return texts, long
    import pyarrow as pa
    from pyarrow import compute as pc

    from cramprisk.files.arrow_text import long_rows, texts_of

    found = texts_of(batch.table.column(column), label)
    long = long_rows(found)
    if long:
        mask = np.zeros(len(found), bool)
        mask[long] = True
        found = pc.if_else(pa.array(mask), "", found)
    return found, long


def _without(texts: Any, rows: frozenset[int]) -> Any:
    """The texts, those of some rows empty."""
    if not rows:
        return texts
    if isinstance(texts, list):
        return ["" if row in rows else text for row, text in enumerate(texts)]
    import pyarrow as pa
    from pyarrow import compute as pc

    mask = np.zeros(len(texts), bool)
    mask[list(rows)] = True
    return pc.if_else(pa.array(mask), "", texts)


def _write_review(review: Review, checker: Checker, target: Target, options: Options) -> None:
    form = format_of(target.label)[0] or "csv"
    writer = writer_for(form, target, list(REVIEW_COLUMNS), [], raw=options.raw)
    try:
        rows = []
        for row in review_rows(review, checker):
            rows.append(row)
            if len(rows) == 1000:
                writer.write(Rows(rows, lambda index: index), [])
                rows = []
        if rows:
            writer.write(Rows(rows, lambda index: index), [])
        writer.end()
    finally:
        writer.discard()


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches, the next ones read in a thread while one is worked on."""
    ready: queue.Queue[Any] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(one: Any) -> bool:
        while not stopped.is_set():
            with suppress(queue.Full):
                ready.put(one, timeout=0.1)
                return True
        return False

    def read() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=read, name="cramprisk-read", daemon=True)
    thread.start()
    try:
        while (one := ready.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        stopped.set()
        thread.join()
