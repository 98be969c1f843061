"""Reading the texts of a column in several processes.

The others are plain interpreters that are told over a pipe what to read: started like this they run no line of the
caller's script, which need not guard its main part, and share no lock with threads of other libraries. Whatever goes
wrong with them, this process reads what they did not.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

from cramprisk.cells import Alike, Told, read_alike
from cramprisk.checker import Checker
from cramprisk.model import Kind

__all__ = ["in_processes", "processes_worth", "serve"]

# A process begins to read after half a second. What is left to read by then are mostly slips and unknown names, of which
# so many take two seconds.
_WORTH_A_PROCESS = 2_000
_AT_ONCE = 250
# A share of texts is read in a tenth of a second; on a machine under load it may take longer.
_PATIENCE_S = 10.0
_SERVE = "import sys; sys.path[:] = sys.argv[1:]; from cramprisk.reading_processes import serve; serve()"


def processes_worth(texts: int) -> int:
    """How many processes so many unread texts are worth, this one included, on the processors this process may use."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(mine, texts // _WORTH_A_PROCESS))


def in_processes(work: Sequence[Alike], kind: Kind, checker: Checker, going_on: frozenset[str], processes: int) -> list[Told]:
    """What :func:`~cramprisk.cells.read_alike` says to each part of the work, in order.

    Args:
        work: What is to be read.
        kind: As for :func:`~cramprisk.cells.read_alike`.
        checker: Likewise.
        going_on: Likewise.
        processes: How many read, this one included.
    """
    told: dict[int, list[Told]] = {}
    starts = range(0, len(work), _AT_ONCE)
    waiting = deque(starts)

    def read(start: int) -> None:
        told[start] = [read_alike(alike, kind, checker, going_on) for alike in work[start : start + _AT_ONCE]]

    def ask(helper: subprocess.Popen[bytes], tables: bytes) -> None:
        assert helper.stdin is not None
        assert helper.stdout is not None
        try:
            helper.stdin.write(tables)
            while waiting:
                start = waiting.popleft()
                pickle.dump(list(work[start : start + _AT_ONCE]), helper.stdin)
                helper.stdin.flush()
                told[start] = pickle.load(helper.stdout)
        except Exception:
            # Whatever became of the helper, this process reads what it was asked for.
            return

    helpers, tables = _started(processes - 1, kind, checker, going_on)
    threads = [Thread(target=ask, args=(helper, tables), daemon=True) for helper in helpers]
    try:
        for thread in threads:
            thread.start()
        while waiting:
            with suppress(IndexError):  # another took the last
                read(waiting.popleft())
        for thread in threads:
            thread.join(_PATIENCE_S)
    finally:
        for helper in helpers:
            helper.kill()
        for thread in threads:
            thread.join()
        for helper in helpers:
            with suppress(OSError):
                helper.communicate()
    for start in starts:
        if start not in told:
            read(start)
    return [one for start in starts for one in told[start]]


def _started(count: int, kind: Kind, checker: Checker, going_on: frozenset[str]) -> tuple[list[subprocess.Popen[bytes]], bytes]:
    """So many processes, fewer where they cannot be started, and what to tell them first."""
    if not sys.executable or getattr(sys, "frozen", False):
        return [], b""
    try:
        tables = pickle.dumps((checker.tables, kind, going_on))
    except (TypeError, pickle.PicklingError):
        # A vocabulary is a file mapped into this process.
        return [], b""
    helpers = []
    for _ in range(count):
        with suppress(OSError):
            helpers.append(
                subprocess.Popen(
                    [sys.executable, "-c", _SERVE, *sys.path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            )
    return helpers, tables


def serve() -> None:
    """Read what is asked over standard input, and answer over standard output, until there is no more."""
    asked, answered = sys.stdin.buffer, sys.stdout.buffer
    tables, kind, going_on = pickle.load(asked)
    checker = Checker(tables)
    while True:
        try:
            work = pickle.load(asked)
        except EOFError:
            return
        pickle.dump([read_alike(alike, kind, checker, going_on) for alike in work], answered)
        answered.flush()
