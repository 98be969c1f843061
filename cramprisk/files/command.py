"""``cramprisk scan``: its options, its talk, and what happens when it is stopped."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cramprisk.checker import Checker
    from cramprisk.files.scan import Progress, Summary

__all__ = ["add_scan_options", "run_scan"]

Say = Callable[[str], None]

_FORMATS = ("csv", "tsv", "txt", "xlsx", "parquet", "ndjson")


def add_scan_options(command: argparse.ArgumentParser) -> None:
    """The options of ``cramprisk scan``."""
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="csv, tsv, txt, xlsx, parquet or ndjson, also .gz or .zst; - for standard input"
    )
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="the file to write; its suffix says the format")
    columns = command.add_argument_group("columns, by name or by number from 1")
    columns.add_argument("--drug", metavar="COL", help="the column of medicines")
    columns.add_argument("--condition", metavar="COL", help="the column of conditions")
    columns.add_argument("--id", metavar="COL", help="the column that says whose row it is")
    command.add_argument("--findings", metavar="OUT", help="write what the report of each person shows here; needs --id")
    names = command.add_argument_group("names that were not understood")
    names.add_argument("--review", metavar="OUT", help="write them here, with counts and candidates, for a pharmacist to decide")
    names.add_argument("--decisions", metavar="FILE", help="a review file with the decisions filled in")
    reading = command.add_argument_group("how files are read, where it is not found out rightly")
    reading.add_argument("--from", dest="form", choices=_FORMATS, help="format of the input files")
    reading.add_argument("--encoding", metavar="NAME", help="of text files, for example windows-1252")
    reading.add_argument("--delimiter", metavar="CHAR", help="of text files; \\t for a tab")
    reading.add_argument("--header", action=argparse.BooleanOptionalAction, default=None, help="the first row names the columns")
    reading.add_argument("--sheet", metavar="NAME", help="of a spreadsheet, by name or number from 1")
    writing = command.add_argument_group("how files are written")
    writing.add_argument("--to", choices=_FORMATS, help="format of the output")
    writing.add_argument("--raw", action="store_true", help="do not guard cells that a spreadsheet would run as a formula")
    writing.add_argument("--force", action="store_true", help="replace files that exist")
    writing.add_argument("--problems", metavar="OUT", help="write a list of all broken rows (file, line, problem)")


def run_scan(arguments: argparse.Namespace, checker: Callable[[argparse.Namespace], Checker], say: Say) -> int:
    """Run ``cramprisk scan``.

    Args:
        arguments: What was given.
        checker: Makes the checker that they name.
        say: Talks to the user.

    Returns:
        The exit code.
    """
    from cramprisk.files.decisions import read_decisions
    from cramprisk.files.scan import Options, scan

    started = time.monotonic()
    options = Options(
        drug=arguments.drug,
        condition=arguments.condition,
        person=arguments.id,
        form=arguments.form,
        to=arguments.to,
        sheet=arguments.sheet,
        encoding=arguments.encoding,
        delimiter=arguments.delimiter,
        header=arguments.header,
        raw=arguments.raw,
        force=arguments.force,
        review=arguments.review,
        problems=arguments.problems,
        findings=arguments.findings,
    )
    try:
        with _stoppable():
            chosen = checker(arguments)
            # The tables stay; what comes and goes with millions of rows is collected.
            gc.freeze()
            gc.enable()
            decisions = read_decisions(arguments.decisions, chosen) if arguments.decisions else {}
            with _system_memory(), _progress() as progress:
                summary = scan(
                    arguments.files, arguments.output, chosen, options, decisions=decisions, say=say, progress=progress
                )
    except KeyboardInterrupt:
        say("interrupted: nothing was written")
        return 130
    for line in _lines(summary, time.monotonic() - started):
        say(line)
    return 0


@contextmanager
def _stoppable() -> Iterator[None]:
    """Being told to end is like Ctrl-C: what was begun is taken back."""

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    kept = []
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            try:
                kept.append((number, signal.signal(number, stop)))
            except ValueError:  # Not in the main thread: nobody sends signals here.
                break
    try:
        yield
    finally:
        for number, handler in kept:
            signal.signal(number, handler)


@contextmanager
def _system_memory() -> Iterator[None]:
    """Arrow gives memory back at once; its own pool keeps fifty megabytes for later, at no gain in speed here."""
    from cramprisk.files.delimited import arrow

    pyarrow = arrow()
    if pyarrow is None:
        yield
        return
    usual = pyarrow.default_memory_pool()
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    try:
        yield
    finally:
        pyarrow.set_memory_pool(usual)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with the rate and the time left, when standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, size, rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[rows]:,} rows"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rows=0, rate=0.0)

        def told(done: int, size: int, rows: int) -> None:
            rate = rows / max(time.monotonic() - started, 1e-3)
            bar.update(task, completed=min(done, size), total=size or None, rows=rows, rate=rate)

        yield told


def _lines(summary: Summary, seconds: float) -> Iterator[str]:
    rate = summary.rows / max(seconds, 1e-3)
    yield f"{summary.rows:,} rows in {seconds:.1f} s ({rate:,.0f} rows/s); {summary.flagged:,} flagged as reported with cramps"
    if summary.findings:
        yield f"{summary.findings:,} rows of findings of persons"
    for kind, statuses in summary.statuses.items():
        most = "at most " if summary.many else ""
        counts = ", ".join(f"{count:,} {status}" for status, count in statuses.items())
        yield f"{kind}: {most}{summary.distinct[kind]:,} distinct texts; rows {counts}"
    if any(statuses["ambiguous"] + statuses["unrecognised"] for statuses in summary.statuses.values()):
        yield "what was not understood may hold more: write it down with --review"
