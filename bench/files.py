"""``cramprisk scan`` beside pyarrow reading and writing the same file: ``python -m bench.files [--rows N] [--distinct N]``.

Every figure is of a process of its own, start included. The distinct texts are read once, however many rows there are;
"without" leaves them out: it is the time of the file less that of a file that has every text once. "clock" is what passes,
"cores" the time of all cores together, which other work on the machine changes less.
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
_USED = "; import resource; used = resource.getrusage(resource.RUSAGE_SELF); print(used.ru_maxrss, used.ru_utime + used.ru_stime)"


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


def timed(code: str, source: Path, target: Path) -> tuple[float, float, float]:
    """Seconds, seconds of all cores together, and peak megabytes of a process."""
    # A shell in between: a forked child starts with its parent's peak, and exec does not reset it.
    shell = ["sh", "-c", '"$0" "$@"; exit $?', sys.executable, "-c", "import sys; " + code + _USED, str(source), str(target)]
    started = time.perf_counter()
    done = subprocess.run(shell, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    wall = time.perf_counter() - started
    peak, used = done.stdout.split()
    return wall, float(used), int(peak) / 1024


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.files")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--distinct", type=int, default=50_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        for tidy in (False, True):
            measure(Path(place), given.rows, given.distinct, tidy=tidy)
    return 0


def measure(folder: Path, rows: int, distinct: int, *, tidy: bool) -> None:
    """Print the ratios for one choice of texts."""
    texts = distinct_texts(distinct, tidy=tidy)
    write(folder, "all", texts, rows)
    write(folder, "once", texts, len(texts))
    what = " of common names rightly spelled" if tidy else ""
    print(f"{rows:,} rows, {distinct:,} distinct texts{what}; pyarrow reads and writes the same file")
    print("ratio: rows/s of scan to those of pyarrow; without: without the time that the distinct texts take once")
    print(f"{'file':<8} {'by':<6} {'pyarrow':>18} {'scan':>18} {'ratio':>6} {'texts once':>11} {'without':>8} {'peak':>7}")
    for form, plain in _PLAIN.items():
        source, target = folder / f"all.{form}", folder / f"out.{form}"
        # Before and after, because other work on the machine comes and goes.
        first = timed(plain, source, target)
        taken = timed(_SCAN, source, target)
        once = timed(_SCAN, folder / f"once.{form}", target)
        second = timed(plain, source, target)
        for index, by in enumerate(("clock", "cores")):
            base = (first[index] + second[index]) / 2
            left = max(taken[index] - once[index], 1e-9)
            print(
                f"{form:<8} {by:<6} {base:6.1f} s {rows / base / 1e6:5.2f} M/s {taken[index]:6.1f} s "
                f"{rows / taken[index] / 1e6:5.2f} M/s {base / taken[index]:6.2f} {once[index]:9.1f} s "
                f"{base / left:8.2f} {taken[2]:4.0f} MB"
            )


if __name__ == "__main__":
    sys.exit(main())
