"""The command line: data on stdout, talk on stderr, an exit code that a script can use, never a traceback for a slip.

Exit codes: 0 done · 1 ``--fail-on`` found something · 2 usage · 3 tables · 4 input · 5 a missing extra · 130 interrupted.
"""

from __future__ import annotations

import argparse
import csv
import gc
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cramprisk import cli_fhir
from cramprisk._version import __version__
from cramprisk.errors import CrampRiskError, InputError, MissingExtraError, TableError

if TYPE_CHECKING:
    from cramprisk.checker import Checker
    from cramprisk.report import Report

__all__ = ["main"]

_EXIT_FOUND, _EXIT_TABLES, _EXIT_INPUT, _EXIT_EXTRA = 1, 3, 4, 5
_MAX_LIST_BYTES = 20_000_000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cramprisk",
        description="Which medicines and conditions on a list are associated with muscle and nocturnal leg cramps, "
        "how good the evidence is, and where it comes from.",
        epilog="Exit codes: 0 done, 1 --fail-on found something, 2 usage, 3 tables, 4 input, 5 missing extra.",
    )
    parser.add_argument("--version", action="version", version=f"cramprisk {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="read a list and show what is associated with cramps")
    check.add_argument("names", nargs="*", metavar="NAME", help='a medicine as written, for example "HCTZ 25mg po qd"')
    check.add_argument("-c", "--condition", action="append", default=[], metavar="TEXT", help="a condition; may be repeated")
    check.add_argument("-f", "--file", metavar="FILE", help="a text file with one medicine a line; - for standard input")
    check.add_argument("--condition-file", metavar="FILE", help="a text file with one condition a line")
    check.add_argument("--age", type=float, metavar="YEARS", help="the person's age; from 60 on it is a risk factor")
    check.add_argument("--sex", choices=("female", "male", "other", "unknown"))
    check.add_argument("--pregnant-weeks", type=float, metavar="WEEKS", help="flagged from the second trimester on")
    check.add_argument("--format", choices=("table", "text", "html", "json", "ndjson", "csv", "fhir"), default="table")
    cli_fhir.add_options(check)
    check.add_argument("--fail-on", choices=("A", "B", "C", "D"), help="exit with 1 if a flag has this grade or a stronger one")
    _add_origin(check)
    check.set_defaults(run=_check)

    scan = commands.add_parser("scan", help="read files of any size and write them with what each row says")
    from cramprisk.files.command import add_scan_options

    add_scan_options(scan)
    _add_origin(scan)
    scan.set_defaults(run=_scan)

    explain = commands.add_parser("explain", help="show how one entry is read: candidates, scores, why, why not")
    explain.add_argument("text", metavar="TEXT")
    explain.add_argument("--kind", choices=("drug", "condition"), default="drug")
    explain.add_argument("--format", choices=("table", "json"), default="table")
    _add_origin(explain)
    explain.set_defaults(run=_explain)

    show = commands.add_parser("show", help="show all evidence about one medicine, class or condition")
    show.add_argument("concept", metavar="CONCEPT", help="an id or any name, for example loop-diuretics or Lasix")
    show.add_argument("--format", choices=("table", "json"), default="table")
    _add_origin(show)
    show.set_defaults(run=_show)

    tables = commands.add_parser("tables", help="look after the tables")
    actions = tables.add_subparsers(dest="action", required=True, metavar="ACTION")
    table_check = actions.add_parser("check", help="report every problem with file, line and column")
    table_check.add_argument("folder", nargs="?", metavar="FOLDER")
    table_check.add_argument("--fix", action="store_true", help="mend order, spaces and repeats, and record the digest")
    table_check.add_argument("--extra", metavar="FOLDER", help="check this folder of names of your own over the tables")
    table_check.set_defaults(run=_tables_check)
    info = actions.add_parser("info", help="counts, version and digest")
    info.add_argument("folder", nargs="?", metavar="FOLDER")
    info.set_defaults(run=_tables_info)
    pages = actions.add_parser("evidence-pages", help="write all findings as pages for readers")
    pages.add_argument("--to", metavar="FOLDER", help="where the pages are (default: docs/evidence of the source tree)")
    pages.add_argument("--check", action="store_true", help="write nothing, and exit with 3 if a page is not that of the tables")
    pages.set_defaults(run=_tables_evidence_pages)
    overdue = actions.add_parser("overdue", help="list the findings whose review is long past")
    overdue.add_argument("--on", metavar="DATE", help="count back from this day (default: today)")
    overdue.add_argument("--after-months", type=int, default=24, metavar="N", help="months a review lasts (default 24)")
    overdue.set_defaults(run=_tables_overdue)
    look_alikes = actions.add_parser("look-alikes", help="list the names of different concepts that lie near each other")
    look_alikes.add_argument("--kind", choices=("drug", "condition"), default="drug")
    look_alikes.add_argument("--listed", action="store_true", help="only pairs that look_alikes.csv lists")
    look_alikes.add_argument("--within", type=int, choices=(1, 2, 3), default=1, help="edits between the names (default 1)")
    look_alikes.add_argument("--format", choices=("table", "csv", "ndjson"), default="table")
    _add_origin(look_alikes)
    look_alikes.set_defaults(run=_look_alikes)

    # Its options are in `cramprisk.service.command`: the other commands need not wait for them.
    commands.add_parser("serve", help="serve CDS Hooks and the page (extra: service)", add_help=False)

    vocab = commands.add_parser("vocab", help="names and codes of an RxNorm release")
    vocab_actions = vocab.add_subparsers(dest="action", required=True, metavar="ACTION")
    vocab_import = vocab_actions.add_parser("import", help="make a vocabulary file of an official RxNorm release")
    vocab_import.add_argument("release", metavar="PATH", help="the folder or the zip of the release, as downloaded")
    vocab_import.add_argument("--to", metavar="FILE", default="rxnorm.vocab", help="the file to write (default rxnorm.vocab)")
    vocab_import.set_defaults(run=_vocab_import)
    vocab_info = vocab_actions.add_parser("info", help="release and counts of a vocabulary file")
    vocab_info.add_argument("file", metavar="FILE")
    vocab_info.set_defaults(run=_vocab_info)
    return parser


def _add_origin(command: argparse.ArgumentParser) -> None:
    """The options that say where names come from."""
    command.add_argument("--tables", metavar="FOLDER", help="use the tables in this folder")
    command.add_argument("--extra", metavar="FOLDER", help="lay the names of this folder over the tables")
    command.add_argument("--vocabulary", metavar="FILE", help="look what the tables do not know up in this vocabulary file")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; those of the process if None.

    Returns:
        The exit code.
    """
    # A stream may be closed from the start; what would go there is dropped.
    sys.stdout = sys.stdout or io.StringIO()
    sys.stderr = sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        run = _serving(words[1:]) if words[:1] == ["serve"] else _command(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    # One short run frees nothing worth collecting; the collector would walk the fifty thousand names again and again.
    gc.disable()
    try:
        code = run()
        sys.stdout.flush()
        return code
    except SystemExit as stop:
        return int(stop.code or 0)
    except BrokenPipeError:
        # The reader has gone (``| head``): what it wanted was written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except TableError as error:
        _say(f"the tables cannot be used:\n{error}")
        return _EXIT_TABLES
    except MissingExtraError as error:
        _say(str(error))
        return _EXIT_EXTRA
    except CrampRiskError as error:
        _say(str(error))
        return _EXIT_INPUT
    except OSError as error:
        _say(f"the output cannot be written ({error.strerror})")
        return _EXIT_INPUT


def _command(words: Sequence[str]) -> Callable[[], int]:
    arguments = _parser().parse_args(words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return lambda: run(arguments)


def _serving(words: Sequence[str]) -> Callable[[], int]:
    from cramprisk.service.command import run

    return lambda: run(words)


def _say(text: str) -> None:
    sys.stderr.write(f"cramprisk: {text}\n")


def _write(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _checker(arguments: argparse.Namespace) -> Checker:
    from cramprisk.checker import Checker, load_tables

    if not (arguments.tables or arguments.extra or arguments.vocabulary):
        return Checker.default()
    return Checker(load_tables(arguments.tables, extra=arguments.extra, vocabulary=arguments.vocabulary))


# ---------------------------------------------------------------------- reading what the user gives


def _read_list(name: str) -> str:
    """The text of a list file, or of standard input for ``-``.

    Raises:
        InputError: It cannot be read, is too large, or is no text.
    """
    label = "standard input" if name == "-" else name
    try:
        if name == "-":
            if sys.stdin is None:
                raise InputError("standard input: is closed.")
            content = sys.stdin.buffer.read(_MAX_LIST_BYTES + 1)
        else:
            with Path(name).open("rb") as handle:
                content = handle.read(_MAX_LIST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{label}: cannot be read ({error.strerror}).") from None
    if len(content) > _MAX_LIST_BYTES:
        raise InputError(f"{label}: larger than {_MAX_LIST_BYTES // 1_000_000} MB. Split the list.")
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                raise InputError(f"{label}: begins like {encoding} but is not. Save it as UTF-8.") from None
    if b"\0" in content:
        raise InputError(f"{label}: holds NUL bytes and is no text file. Save the list as plain text (UTF-8).")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        _say(f"{label}: not UTF-8, read as Windows-1252")
        return content.decode("cp1252", errors="replace")


def _check(arguments: argparse.Namespace) -> int:
    drugs: list[str] = list(arguments.names)
    conditions: list[str] = list(arguments.condition)
    misused = cli_fhir.misused(arguments)
    if misused:
        _say(misused)
        return 2
    if arguments.fhir is not None:
        return cli_fhir.run(arguments, _checker(arguments), _write)
    if arguments.file is None and arguments.condition_file is None and not drugs and not conditions:
        _say("nothing to check: give names, --condition, or --file. See: cramprisk check --help")
        return 2
    if arguments.file == "-" and arguments.condition_file == "-":
        _say("standard input can be read once: give a file for the medicines or for the conditions")
        return 2
    if arguments.file is not None:
        drugs += _lines(_read_list(arguments.file))
    if arguments.condition_file is not None:
        conditions += _lines(_read_list(arguments.condition_file))
    report = _checker(arguments).check(
        drugs, conditions, age=arguments.age, sex=arguments.sex, pregnant_weeks=arguments.pregnant_weeks
    )
    if arguments.format == "json":
        _write(report.to_json())
    elif arguments.format == "ndjson":
        _write("".join(json.dumps(entry) + "\n" for entry in _entries(report)))
    elif arguments.format == "csv":
        from cramprisk.report_csv import to_csv

        _write(to_csv(report))
    elif arguments.format == "text":
        _write(report.to_text())
    elif arguments.format == "html":
        _write(report.to_html())
    else:
        from cramprisk.terminal import print_report

        print_report(report)
    if arguments.fail_on:
        limit = "ABCD".index(arguments.fail_on)
        if any(flag.grade.rank <= limit for flag in report.risks):
            return _EXIT_FOUND
    return 0


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


# ---------------------------------------------------------------------- what a script reads


def _entries(report: Report) -> list[dict[str, Any]]:
    """One dictionary per entry, with the flags that it led to."""
    entries = []
    for index, match in enumerate(report.matches):
        flags = [
            {
                "subject": flag.subject.id,
                "direction": flag.direction.value,
                "grade": flag.grade.value,
                "contested": flag.contested,
                "inherited_from": list(flag.inherited_from),
            }
            for flag in report.flags
            if index in flag.entries
        ]
        entries.append({"entry": index + 1, **match.to_dict(), "flags": flags})
    return entries


# ---------------------------------------------------------------------- files


def _scan(arguments: argparse.Namespace) -> int:
    from cramprisk.files.command import run_scan

    return run_scan(arguments, _checker, _say)


# ---------------------------------------------------------------------- one entry, one concept


def _explain(arguments: argparse.Namespace) -> int:
    from cramprisk.model import Kind
    from cramprisk.terminal import print_match

    checker = _checker(arguments)
    kind = Kind(arguments.kind)
    match = checker.normalize(arguments.text, kind)
    if arguments.format == "json":
        _write(json.dumps(match.to_dict(), indent=2))
        return 0
    print_match(checker, kind, match)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from cramprisk.model import Kind

    checker = _checker(arguments)
    found: list[tuple[Kind, str]] = []
    for kind in (Kind.DRUG, Kind.CONDITION):
        if arguments.concept in checker.matcher(kind).lexicon.concepts:
            found = [(kind, arguments.concept)]
            break
    if not found:
        for kind in (Kind.DRUG, Kind.CONDITION):
            match = checker.normalize(arguments.concept, kind)
            if match.concepts:
                found = [(kind, concept) for concept in match.concepts]
                break
    if not found:
        raise InputError("no medicine, class or condition is known by this name. Try: cramprisk explain NAME")
    if arguments.format == "json":
        _write(json.dumps([_concept_dict(checker, kind, concept) for kind, concept in found], indent=2))
        return 0
    from cramprisk.terminal import print_concept

    for kind, concept in found:
        print_concept(checker, kind, concept)
    return 0


def _concept_dict(checker: Checker, kind: Any, concept: str) -> dict[str, Any]:
    lexicon = checker.matcher(kind).lexicon
    found = lexicon.concepts[concept]
    own, inherited = checker.evidence(kind, concept)
    return {
        "id": found.id,
        "name": found.name,
        "kind": found.kind,
        "belongs_to": list(lexicon.ancestors(concept)),
        "codes": [{"system": system, "code": code} for system, code in found.codes],
        "associations": [row.to_dict() for row in own],
        "inherited": [{"from": wider, **row.to_dict()} for wider, row in inherited],
    }


# ---------------------------------------------------------------------- the tables


def _tables_check(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from cramprisk.names import write_index
    from cramprisk.table_check import fixed, table_problems
    from cramprisk.tables import read_tables, write_tables

    tables = read_tables(arguments.folder)
    recorded = tables.checked
    if arguments.extra:
        from cramprisk.overlay import overlaid

        if arguments.fix:
            raise InputError("--fix mends the tables themselves, not what --extra lays over them. Use one of the two.")
        tables = overlaid(tables, arguments.extra)
    tables = fixed(tables) if arguments.fix else replace(tables, checked=False)
    problems = table_problems(tables)
    if arguments.fix and tables.folder is not None:
        write_tables(replace(tables, checked=not problems), tables.folder)
        write_index(read_tables(tables.folder))
    for problem in problems:
        _write(str(problem))
    rows = sum(len(table.rows) for table in tables.files.values())
    if problems:
        _say(f"{len(problems)} problems in {rows} rows")
        return _EXIT_TABLES
    if not recorded and not arguments.fix:
        _write("VERSION: the digest is not that of these tables. Run: cramprisk tables check --fix")
        return _EXIT_TABLES
    _say(f"{rows} rows, no problem")
    return 0


def _tables_info(arguments: argparse.Namespace) -> int:
    from cramprisk.checker import load_tables
    from cramprisk.table_info import table_counts

    tables = load_tables(arguments.folder)
    width = max(len(label) for label, _ in table_counts(tables))
    _write(f"{'version':<{width}}  {tables.version}")
    _write(f"{'digest':<{width}}  {tables.digest}")
    for label, count in table_counts(tables):
        _write(f"{label:<{width}}  {count:>7}")
    return 0


def _tables_evidence_pages(arguments: argparse.Namespace) -> int:
    from cramprisk.checker import load_tables
    from cramprisk.evidence_pages import evidence_pages, pages_folder, stale_pages, write_pages

    folder = Path(arguments.to) if arguments.to else pages_folder()
    pages = evidence_pages(load_tables())
    if not arguments.check:
        changed = write_pages(pages, folder)
        _say(f"{len(pages)} pages, {len(changed)} of them changed" if changed else f"{len(pages)} pages, none changed")
        return 0
    stale = stale_pages(pages, folder)
    for line in stale:
        _write(line)
    _say(f"{len(stale)} stale pages. Run: cramprisk tables evidence-pages" if stale else f"{len(pages)} pages, none stale")
    return _EXIT_TABLES if stale else 0


def _tables_overdue(arguments: argparse.Namespace) -> int:
    from cramprisk.checker import load_tables
    from cramprisk.review import overdue_reviews

    try:
        on = date.fromisoformat(arguments.on) if arguments.on else date.today()
    except ValueError:
        raise InputError("--on: is not a date. Write it as 2026-11-21.") from None
    tables = load_tables()
    found = overdue_reviews(tables, on, after_months=arguments.after_months)
    for one in found:
        _write(str(one))
    _say(
        f"{len(found)} of {len(tables.rows('associations.csv'))} findings were reviewed over {arguments.after_months} months ago"
    )
    return 0


def _look_alikes(arguments: argparse.Namespace) -> int:
    from cramprisk.look_alikes import look_alike_pairs
    from cramprisk.model import Kind

    lexicon = _checker(arguments).matcher(Kind(arguments.kind)).lexicon
    pairs = look_alike_pairs(lexicon, arguments.within)
    if arguments.listed:
        pairs = [pair for pair in pairs if pair.listed]
    rows = [pair.to_dict() for pair in pairs]
    if arguments.format == "ndjson":
        _write("".join(json.dumps(row) + "\n" for row in rows) if rows else "")
    else:
        out = io.StringIO()
        tab = "\t" if arguments.format == "table" else ","
        writer = csv.writer(out, delimiter=tab, lineterminator="\n")
        writer.writerow(("edits", "name", "is", "near", "is", "listed"))
        writer.writerows(
            (row["edits"], row["name"], "+".join(row["concepts"]), row["near"], "+".join(row["near_concepts"]), row["listed"])
            for row in rows
        )
        _write(out.getvalue())
    _say(f"{len(rows)} pairs of names of different concepts within {arguments.within} edits")
    return 0


# ---------------------------------------------------------------------- the vocabulary


def _vocab_import(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    from cramprisk.rxnorm import import_rxnorm

    tasks: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:

        def progress(file: str, done: int, size: int) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=size)
            bar.update(tasks[file], completed=done)

        about = import_rxnorm(arguments.release, arguments.to, progress)
    for label, count in about.items():
        _write(f"{label}: {count}")
    _say(f"{Path(arguments.to).name} written")
    return 0


def _vocab_info(arguments: argparse.Namespace) -> int:
    from cramprisk.vocabulary import read_vocabulary

    vocabulary = read_vocabulary(arguments.file)
    for label, count in vocabulary.about.items():
        _write(f"{label}: {count}")
    _write(f"digest: {vocabulary.digest}")
    return 0
