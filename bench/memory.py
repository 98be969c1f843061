"""Memory over very many calls: ``python -m bench.memory --calls 10000000 --slips 500``.

Ever new texts are read (names of the tables with numbers, forms and slips), so that anything kept of them would show. The
resident memory is printed at twenty points; after the first tenth, when names and words have been met, it should stay level.
"""

from __future__ import annotations

import argparse
import random
import time

import psutil

from bench.accuracy import typed_wrong
from cramprisk.checker import Checker
from cramprisk.model import Kind

FORMS = ("mg tablet", "mg po qd", "mg/ml solution", "mcg inhaler", "mg caps stopped", "% cream")


def texts(kind: Kind, seed: int, count: int, slips: int) -> list[str]:
    """So many texts, new for every seed; one in so many with a slip."""
    chance = random.Random(seed)
    keys = Checker.default().matcher(kind).lexicon.near_keys()
    made = []
    for index in range(count):
        name = chance.choice(keys)
        if index % slips == 0:
            name = chance.choice(typed_wrong(name))
        made.append(f"{name} {chance.randrange(100_000) / 10} {chance.choice(FORMS)}")
    return made


def main() -> None:
    """Reads texts and prints the memory as it goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000, help="how many texts are read")
    parser.add_argument("--slips", type=int, default=20, help="one text in so many has a slip, which takes longer")
    given = parser.parse_args()
    calls = given.calls
    checker = Checker.default()
    process = psutil.Process()
    step = max(1, calls // 20)
    levels: list[float] = []
    started = time.perf_counter()
    for point in range(20):
        for first in range(0, step, 1000):
            kind = Kind.DRUG if first % 2000 == 0 else Kind.CONDITION
            for text in texts(kind, point * step + first, min(1000, step - first), given.slips):
                checker.normalize(text, kind)
        levels.append(process.memory_info().rss / 1e6)
        print(f"{(point + 1) * step:>12,} calls  {levels[-1]:8.1f} MB  {time.perf_counter() - started:8.0f} s", flush=True)
    tenth, last = levels[1], levels[-1]
    print(f"after a tenth of the calls {tenth:.1f} MB, at the end {last:.1f} MB: {last / tenth:.3f} times")


if __name__ == "__main__":
    main()
