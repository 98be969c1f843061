"""Frames as ratios in the same run: ``python -m bench.frames [--rows N] [--only a,f] [--plot PNG]``.

(a) a pandas column of 10 million rows against ``Series.map`` with a ready dictionary and against ``pd.factorize``;
(b) against a loop of WRatio; (c) the same column in polars, pyarrow and DuckDB; (e) in Spark; (f) growth with the rows
and with the distinct texts. Line (d), files, is `bench.files`. `docs/speed.md` says what each line means.

Every measurement runs in a process of its own, so that none profits from what another has loaded and the peak of the
memory is that of one thing. *First* is with a checker that has read nothing yet; *again* is the same call once more.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.made_texts import MISSING, SHARES, distinct_texts

FULL = 10_000_000
COLUMN = "medicine"
WRATIO_SAMPLE = 60
LINES = "abcef"
Figures = dict[str, Any]


# ---------------------------------------------------------------------- what is measured, and with what


class Memory:
    """The peak of this process's memory, from a moment on; Linux tells, elsewhere it is not measured."""

    def __init__(self) -> None:
        gc.collect()
        self.before = self._status("VmRSS")
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            self.before = None

    @staticmethod
    def _status(what: str) -> int | None:
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
        except OSError:
            return None
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))

    def more(self) -> int | None:
        """How many bytes more than at the beginning were held at the peak."""
        peak = self._status("VmHWM")
        return None if self.before is None or peak is None else peak - self.before


def seconds(function: Callable[[], object], times: int = 1) -> float:
    """The least time of some runs."""
    taken = []
    for _ in range(times):
        gc.collect()
        started = time.perf_counter()
        kept = function()
        taken.append(time.perf_counter() - started)
        del kept
    return min(taken)


@contextmanager
def timed(module: Any, name: str) -> Iterator[list[float]]:
    """Counts the seconds spent in a function of a module."""
    inner, spent = getattr(module, name), [0.0]

    def outer(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return inner(*given, **named)
        finally:
            spent[0] += time.perf_counter() - started

    setattr(module, name, outer)
    try:
        yield spent
    finally:
        setattr(module, name, inner)


def column(texts: Path, rows: int) -> Any:
    """An Arrow column of so many rows: every text at least once where there is room, the others at random alike."""
    import numpy as np
    import pyarrow as pa

    distinct = json.loads(texts.read_text("utf-8"))
    chance = np.random.default_rng(1)
    codes = chance.integers(0, len(distinct), rows, dtype=np.int32)
    codes[: len(distinct)] = np.arange(len(distinct), dtype=np.int32)[:rows]
    chance.shuffle(codes)
    # A long column in pieces, as files and databases give it; one piece would need offsets of 64 bits.
    values, missing = pa.array(distinct, pa.large_string()), chance.random(rows) < MISSING
    return values.take(pa.array(codes, mask=missing))


# ---------------------------------------------------------------------- the measurements, each in its own process


def in_pandas(texts: Path, rows: int, *, yardsticks: bool = True) -> Figures:
    """(a), and a point of (f): the column in pandas, with the yardsticks beside it."""
    import pandas as pd

    import cramprisk
    from cramprisk.frames import answers, pandas_frames

    frame = pd.DataFrame({COLUMN: pd.array(column(texts, rows), dtype="str")})
    size = int(frame.memory_usage(index=False, deep=True).sum())
    found: Figures = {"rows": rows, "bytes": size}
    for turn in ("first", "again"):
        memory = Memory()
        with timed(answers, "readings") as engine, timed(pandas_frames, "texts_of") as distinct:
            found[turn] = seconds(lambda: cramprisk.annotate(frame, drug=COLUMN))
        found[f"{turn}_parts"] = [distinct[0], engine[0], found[turn] - distinct[0] - engine[0]]
        found[f"{turn}_more"] = memory.more()
    if yardsticks:
        ready = dict.fromkeys(json.loads(texts.read_text("utf-8")), "matched")
        found["factorize"] = seconds(lambda: pd.factorize(frame[COLUMN]), 3)
        found["map"] = seconds(lambda: frame[COLUMN].map(ready), 2)
        # The map gives one column; that its result is a category is the least that a fair comparison needs.
        found["map_more"] = _more(lambda: frame[COLUMN].map(ready))
    return found


def _more(function: Callable[[], object]) -> int | None:
    memory = Memory()
    function()
    return memory.more()


def in_wratio(texts: Path, rows: int) -> Figures:
    """(b): the plain matcher on a sample of the distinct texts."""
    from bench.accuracy import plain_wratio
    from cramprisk.checker import Checker
    from cramprisk.model import Kind

    checker = Checker.default()
    read = plain_wratio(checker.tables, checker.drugs.lexicon)
    distinct = json.loads(texts.read_text("utf-8"))
    sample = distinct[:WRATIO_SAMPLE]
    return {"each": seconds(lambda: read(sample, Kind.DRUG)) / len(sample), "distinct": len(distinct), "rows": rows}


def in_other(engine: str, texts: Path, rows: int) -> Figures:
    """(c): the column in another kind of frame; what is lazy is computed to its end."""
    import pyarrow as pa

    import cramprisk

    table = pa.table({COLUMN: column(texts, rows)})
    frame: Any = table
    finish: Callable[[Any], object] = lambda made: made  # noqa: E731
    if engine == "polars":
        import polars as pl

        frame = pl.from_arrow(table)
    elif engine == "duckdb":
        import duckdb

        frame, finish = duckdb.from_arrow(table), lambda made: made.to_arrow_table()
    found: Figures = {"rows": rows}
    for turn in ("first", "again"):
        memory = Memory()
        found[turn] = seconds(lambda: finish(cramprisk.annotate(frame, drug=COLUMN)))
        found[f"{turn}_more"] = memory.more()
    return found


def in_spark(texts: Path, rows: int) -> Figures:
    """(e): the column as a parquet file through Spark local[2], thrown away at the end."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cramprisk.errors import MissingExtraError
    from cramprisk.spark import annotate, local_session, lookup_table

    with tempfile.TemporaryDirectory() as place:
        given = pa.table({COLUMN: column(texts, rows)})
        # Several files, so that both cores have something to read.
        bounds = [rows * number // 8 for number in range(9)]
        for start, end in pairwise(bounds):
            pq.write_table(given.slice(start, end - start), Path(place) / f"{start}.parquet")
        del given
        try:
            spark = local_session(2, settings={"spark.sql.files.minPartitionNum": "4", "spark.driver.memory": "3g"})
        except MissingExtraError as absent:
            return {"absent": str(absent)}
        frame = spark.read.parquet(place)

        def done(made: Any) -> None:
            made.write.format("noop").mode("overwrite").save()

        def joined() -> None:
            from pyspark.sql import functions

            known = lookup_table(frame, COLUMN)
            done(frame.join(functions.broadcast(known), frame[COLUMN].eqNullSafe(known["text"]), "left").drop("text"))

        found: Figures = {"rows": rows, "partitions": frame.rdd.getNumPartitions()}
        found["first"] = seconds(lambda: done(annotate(frame, drug=COLUMN)))
        found["again"] = seconds(lambda: done(annotate(frame, drug=COLUMN)), 2)
        found["bare"] = seconds(lambda: done(frame.mapInArrow(lambda batches: batches, frame.schema)), 2)
        found["join"] = seconds(joined, 2)
        spark.stop()
    return found


def measured(name: str, texts: Path, rows: int) -> Figures:
    """One measurement in a process of its own."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "bench.frames",
        "--measure",
        name,
        "--texts",
        str(texts),
        "--rows",
        str(rows),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return {"absent": f"stopped with code {done.returncode}: {last[0][:200]}"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def one_measurement(name: str, texts: Path, rows: int) -> Figures:
    """The measurement with that name, in this process."""
    if name in ("pandas", "growth"):
        return in_pandas(texts, rows, yardsticks=name == "pandas")
    if name in ("polars", "pyarrow", "duckdb"):
        return in_other(name, texts, rows)
    return {"wratio": in_wratio, "spark": in_spark}[name](texts, rows)


# ---------------------------------------------------------------------- the table


def line(what: str, taken: float | None = None, *ratios: str) -> None:
    shown = "" if taken is None else f"{taken:10.2f} s"
    print(f"{what:<58}{shown:>12}   {'   '.join(ratios)}".rstrip(), flush=True)


def times(taken: float, than: float, what: str) -> str:
    return f"{taken / than:6.2f} × {what}"


def share(more: int | None, size: int) -> str:
    return "peak not measured" if more is None else f"peak {(size + more) / size:.2f} × the input ({more / 1e6:,.0f} MB more)"


def show_pandas(found: Figures, texts: str) -> None:
    print(f"(a) pandas, {found['rows']:,} rows, {texts}, {found['bytes'] / 1e6:,.0f} MB of texts")
    line("    Series.map with a ready dictionary", found["map"], share(found["map_more"], found["bytes"]))
    line("    pd.factorize", found["factorize"])
    for turn in ("first", "again"):
        line(
            f"    annotate, {turn}",
            found[turn],
            times(found[turn], found["map"], "Series.map"),
            times(found[turn], found["factorize"], "factorize"),
            share(found[f"{turn}_more"], found["bytes"]),
        )
        for part, taken in zip(
            ("finding the distinct texts", "reading them", "putting back"), found[f"{turn}_parts"], strict=True
        ):
            line(f"        {part}", taken)


def show_wratio(plain: Figures, ours: Figures) -> None:
    all_distinct, all_rows = plain["each"] * plain["distinct"], plain["each"] * plain["rows"]
    print(f"(b) a loop of extractOne(WRatio) over the same names, {WRATIO_SAMPLE} texts, extrapolated")
    line(f"    for the {plain['distinct']:,} distinct texts", all_distinct, times(all_distinct, ours["first"], "annotate, first"))
    line("    for every row", all_rows, times(all_rows, ours["first"], "annotate, first"))


def show_other(engine: str, found: Figures, ours: Figures) -> None:
    for turn in ("first", "again"):
        more = found[f"{turn}_more"]
        peak = "" if more is None else f"{more / 1e6:,.0f} MB more"
        line(f"    {engine}, {turn}", found[turn], times(found[turn], ours[turn], f"pandas, {turn}"), peak)


def show_spark(found: Figures, ours: Figures) -> None:
    print(f"(e) Spark local[2], {found['rows']:,} rows of a parquet file in {found['partitions']} partitions")
    line("    mapInArrow that does nothing", found["bare"])
    for turn in ("first", "again"):
        line(
            f"    annotate, {turn}",
            found[turn],
            times(found[turn], ours[turn], f"pandas, {turn}"),
            times(found[turn], found["bare"], "doing nothing"),
        )
    line("    lookup_table, joined back", found["join"], times(found["join"], found["again"], "annotate, again"))


def show_growth(title: str, points: Sequence[tuple[int, Figures]]) -> None:
    print(f"(f) growth with the {title}")
    before: tuple[int, Figures] | None = None
    for count, found in points:
        told = [f"again {found['again']:8.2f} s"]
        if before is not None:
            told += [f"{count / before[0]:4.0f} × the {title}: {found['first'] / before[1]['first']:6.1f} × the time, first"]
        line(f"    {count:>12,} {title}", found["first"], *told)
        before = (count, found)


def plot(path: Path, by_rows: Sequence[tuple[int, Figures]], by_distinct: Sequence[tuple[int, Figures]]) -> None:
    """Draw (f)."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
    for axis, (title, points) in zip(axes, (("rows", by_rows), ("distinct texts", by_distinct)), strict=True):
        counts = [count for count, _ in points]
        for turn, colour, mark in (("first", "#1f5fa8", "o"), ("again", "#c25e00", "s")):
            axis.plot(counts, [found[turn] for _, found in points], color=colour, marker=mark, label=f"annotate, {turn}")
        least = min(found["again"] for _, found in points)
        axis.plot(counts, [least * count / counts[0] for count in counts], color="0.6", linestyle=":", label="in proportion")
        axis.set(xscale="log", yscale="log", xlabel=title)
        axis.grid(color="0.9")
    axes[0].set_ylabel("seconds")
    axes[0].set_title(f"{by_rows[-1][1]['distinct']:,} distinct texts at most", fontsize=10)
    axes[1].set_title(f"{by_distinct[-1][1]['rows']:,} rows", fontsize=10)
    axes[0].legend(frameon=False, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    print(f"drawn: {path.name}")


def run(lines: str, rows: int, picture: Path | None) -> None:
    few, many = max(1, rows // 200), max(1, rows // 20)
    with tempfile.TemporaryDirectory() as place:
        kept: dict[tuple[int, bool], Path] = {}

        def texts(count: int, *, tidy: bool = False) -> Path:
            if (count, tidy) not in kept:
                kept[count, tidy] = Path(place) / f"{count}-{tidy}.json"
                kept[count, tidy].write_text(json.dumps(distinct_texts(count, tidy=tidy)), encoding="utf-8")
            return kept[count, tidy]

        shares = ", ".join(f"{part:.0%} {what}" for what, part in SHARES.items())
        print(f"distinct texts made from names of the tables: {shares}; {MISSING:.0%} of the rows missing")
        ours: dict[int, Figures] = {}
        for distinct in (few, many) if set(lines) & set("abcef") else ():
            if distinct == many and not set(lines) & set("af"):
                continue
            ours[distinct] = measured("pandas", texts(distinct), rows)
            if "absent" in ours[distinct]:
                print(f"(a) not measured: {ours[distinct]['absent']}")
                return
            if "a" in lines:
                show_pandas(ours[distinct], f"{distinct:,} distinct texts")
        for distinct in (few, many) if "a" in lines else ():
            found = measured("pandas", texts(distinct, tidy=True), rows)
            show_pandas(found, f"{distinct:,} distinct texts of common names rightly spelled")
        if "b" in lines:
            show_wratio(measured("wratio", texts(few), rows), ours[few])
        if "c" in lines:
            print(f"(c) other frames, {rows:,} rows, {few:,} distinct texts")
            for engine in ("polars", "pyarrow", "duckdb"):
                found = measured(engine, texts(few), rows)
                if "absent" in found:
                    print(f"    {engine} not measured: {found['absent']}")
                else:
                    show_other(engine, found, ours[few])
        if "e" in lines:
            found = measured("spark", texts(few), rows)
            if "absent" in found:
                print(f"(e) Spark not measured: {found['absent']}")
            else:
                show_spark(found, ours[few])
        if "f" in lines:
            by_rows = [(count, measured("growth", texts(few), count)) for count in (rows // 100, rows // 10)]
            by_rows = [(count, found | {"distinct": few}) for count, found in [*by_rows, (rows, ours[few])]]
            fewest = max(1, few // 10)
            by_distinct = [(fewest, measured("growth", texts(fewest), rows)), (few, ours[few]), (many, ours[many])]
            show_growth("rows", by_rows)
            show_growth("distinct texts", by_distinct)
            if picture is not None:
                plot(picture, by_rows, by_distinct)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.frames", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--rows", type=int, default=FULL, help="of the column; there are a 200th and a 20th as many distinct texts"
    )
    parser.add_argument("--only", default=LINES, help="the lines to measure, as ab")
    parser.add_argument("--plot", metavar="PNG", type=Path, help="draw the growth")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--texts", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.measure:
        print(json.dumps(one_measurement(asked.measure, asked.texts, asked.rows)))
        return 0
    run(asked.only, asked.rows, asked.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
