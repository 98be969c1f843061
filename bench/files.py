"""``cramprisk scan`` beside pyarrow reading and writing the same file: ``python -m bench.files [--rows N] [--distinct N]``.

Every figure is of a process of its own, start included. The distinct texts are read once, however many rows there are; the
last column leaves them out: it is the time of the file less that of a file that has every text once.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.made_texts import distinct_texts

_PLAIN = {
    "csv": "from pyarrow import csv; csv.write_csv(csv.read_csv(sys.argv[1]), sys.argv[2])",
    "parquet": "from pyarrow import parquet; parquet.write_table(parquet.read_table(sys.argv[1]), sys.argv[2])",
}
_SCAN = "from cramprisk.cli import main; code = main(['scan', sys.argv[1], '--drug', 'drug', '--force', '-o', sys.argv[2]])"
_PEAK = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def write(folder: Path, name: str, texts: list[str], rows: int) -> None:
    """A file of so many rows as CSV and as parquet, every text at least once if there are rows enough."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv, parquet

    chance = np.random.default_rng(1)
    codes = np.concatenate([np.arange(min(rows, len(texts))), chance.integers(0, len(texts), max(0, rows - len(texts)))])
    chance.shuffle(codes)
    table = pa.table(
        {
            "person": chance.integers(0, max(1, rows // 8), rows),
            "drug": pa.array(texts).take(pa.array(codes)),
            "start": pa.array((np.datetime64("2020-01-01") + chance.integers(0, 2000, rows)).astype("datetime64[D]")),
            "quantity": chance.integers(1, 300, rows),
            "clinic": pa.array(["north", "south", "east", "west", "centre"]).take(pa.array(chance.integers(0, 5, rows))),
        }
    )
    csv.write_csv(table, folder / f"{name}.csv")
    parquet.write_table(table, folder / f"{name}.parquet")


def timed(code: str, source: Path, target: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of a process."""
    # A shell in between: a forked child starts with its parent's peak, and exec does not reset it.
    shell = ["sh", "-c", '"$0" "$@"; exit $?', sys.executable, "-c", "import sys; " + code + _PEAK, str(source), str(target)]
    started = time.perf_counter()
    done = subprocess.run(shell, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return time.perf_counter() - started, int(done.stdout) / 1024


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.files")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--distinct", type=int, default=50_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        texts = distinct_texts(given.distinct)
        write(folder, "all", texts, given.rows)
        write(folder, "once", texts, len(texts))
        print(f"{given.rows:,} rows, {given.distinct:,} distinct texts; rows/s of scan beside pyarrow's own read and write")
        print(f"{'file':<8} {'pyarrow':>17} {'scan':>17} {'ratio':>6} {'peak':>7}   {'texts read':>10} {'ratio without':>13}")
        for form, plain in _PLAIN.items():
            source, target = folder / f"all.{form}", folder / f"out.{form}"
            # Before and after, because other work on the machine comes and goes.
            first, _ = timed(plain, source, target)
            taken, peak = timed(_SCAN, source, target)
            second, _ = timed(plain, source, target)
            base = (first + second) / 2
            once, _ = timed(_SCAN, folder / f"once.{form}", target)
            left = max(taken - once, 1e-9)
            print(
                f"{form:<8} {base:5.1f} s {given.rows / base / 1e6:5.2f} M/s {taken:5.1f} s {given.rows / taken / 1e6:5.2f} M/s "
                f"{base / taken:6.2f} {peak:4.0f} MB   {once:8.1f} s {base / left:13.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
