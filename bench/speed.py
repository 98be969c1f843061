"""Speed as ratios in the same run: ``make bench``.

0. The near index at 10,000 and 200,000 names, against a scan of all of them. 1. Mean time per distinct real string
over the whole vocabulary against ``process.extractOne(WRatio)`` over the same names (the latter on a sample,
extrapolated). 2. Import against a bare interpreter. 3. The command line on ten names.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

from bench.accuracy import corpora_folder, plain_wratio, rows, typed_wrong
from cramprisk.checker import Checker
from cramprisk.model import Kind
from cramprisk.nearness import NearIndex, scan

TEN = (
    "HCTZ 25mg po qd",
    "furosimide 40",
    "Ventolin HFA",
    "lisinopril-hctz",
    "Crestor 10",
    "zolpidm",
    "warfarin",
    "aspirin 81",
    "Seretide",
    "xyzzy",
)


def wall(command: list[str], times: int = 7) -> float:
    """Median wall time of a command, in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def each(function: Callable[[str], object], texts: list[str]) -> float:
    """Mean time per text, in microseconds."""
    started = time.perf_counter()
    for text in texts:
        function(text)
    return (time.perf_counter() - started) / max(1, len(texts)) * 1e6


def real_strings(checker: Checker) -> list[str]:
    folder = corpora_folder()
    if folder is not None:
        names = ("hospital_orders_us", "ehr_medications_us", "adverse_event_reports", "misspellings")
        return sorted({row["text"] for name in names for row in rows(folder, name)})
    print("The development lists are not here: names of the tables, half of them with a slip, stand in for them.")
    chance = random.Random(1)
    keys = chance.sample(checker.drugs.lexicon.near_keys(), 4000)
    return [key if index % 2 else chance.choice(typed_wrong(key)) for index, key in enumerate(keys)]


def names_in_number(keys: list[str], count: int) -> list[str]:
    """So many names: a sample of the tables', or these and halves of them put together anew."""
    chance = random.Random(1)
    if count <= len(keys):
        return chance.sample(keys, count)
    names = set(keys)
    while len(names) < count:
        one, other = chance.choice(keys), chance.choice(keys)
        names.add(one[: len(one) // 2] + other[len(other) // 2 :])
    return sorted(names)


def near_index_at(keys: list[str], count: int) -> None:
    """Prints build time, memory and search time of the index at a size, beside a scan of all names."""
    names = names_in_number(keys, count)
    chance = random.Random(9)
    slips = [chance.choice(typed_wrong(name)) for name in chance.sample(names, 2000)]
    tracemalloc.start()
    index = NearIndex.of(names)
    memory = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    started = time.perf_counter()
    NearIndex.of(names)
    built = time.perf_counter() - started
    search = each(index.search, slips)
    plain = each(lambda word: scan(word, names), slips[:30])
    print(
        f"near index over {count:>7,} names                     {search:10.0f} µs   scan {plain:8.0f} µs, "
        f"{plain / search:5.0f} times; built in {built:.2f} s, {memory:.0f} MB"
    )


def main() -> int:
    checker = Checker.default()
    lexicon = checker.drugs.lexicon
    texts = real_strings(checker)
    chance = random.Random(3)
    chance.shuffle(texts)
    started = time.perf_counter()
    checker.normalize("warm-up furosemdie")
    lexicon.near_by_index("furosemdie")
    built = time.perf_counter() - started
    ours = each(checker.normalize, texts)
    wratio = plain_wratio(checker.tables, lexicon)
    plain = each(lambda text: wratio([text], Kind.DRUG), texts[:100])
    bare = wall([sys.executable, "-c", "pass"])
    imported = wall([sys.executable, "-c", "import cramprisk"])
    command = wall([sys.executable, "-m", "cramprisk", "check", *TEN])
    # Read inside the process: what the parent sees includes its own pages at the fork.
    inside = (
        "import resource, sys; from cramprisk.cli import main; main(sys.argv[1:]); "
        "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))"
    )
    # A shell in between: a forked child starts with its parent's peak, and exec does not reset it.
    shell = ["sh", "-c", '"$0" "$@"; exit $?', sys.executable, "-c", inside, "check", *TEN]
    peak = int(subprocess.run(shell, capture_output=True, text=True, check=True).stderr) / 1024
    print(f"{len(lexicon):,} names; near index over {len(lexicon.near_keys()):,} spellings ready in {built:.2f} s")
    print(f"mean per distinct real string ({len(texts):,})            {ours:10.0f} µs")
    print(f"extractOne(WRatio), the same names, 100 strings     {plain:10.0f} µs   {plain / ours:8.0f} times ours")
    for count in (10_000, 200_000):
        near_index_at(lexicon.near_keys(), count)
    print(f"bare interpreter                                    {bare:10.0f} ms")
    print(f"import cramprisk                                    {imported:10.0f} ms   {imported - bare:+8.0f} ms")
    print(f"cramprisk check, ten names                          {command:10.0f} ms   {command / bare:8.1f} times bare")
    print(f"  its peak memory                                   {peak:10.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
