"""What nearness does to names it does not know: ``python -m bench.unknown_names [--sample N] [--show]``.

Each sampled name is read as if its medicine were in no table. Whatever it is then taken for is wrong. Beside it: how
often a name with one slip is still found when its medicine *is* there, and how often it is taken for another.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence

from bench.accuracy import typed_wrong
from cramprisk.checker import Checker
from cramprisk.model import Kind, Method


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.unknown_names", description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=4000)
    parser.add_argument("--kind", choices=("drug", "condition"), default="drug")
    parser.add_argument("--show", action="store_true", help="list the names that would be taken for another")
    arguments = parser.parse_args(argv)
    matcher = Checker.default().matcher(Kind(arguments.kind))
    chance = random.Random(11)
    names = [
        (key, name)
        for key in matcher.lexicon.near_keys()
        for name in matcher.lexicon.spelled(key)
        if len(matcher.lexicon.spelled(key)) == 1 and name.method is not Method.ABBREVIATION
    ]
    names = chance.sample(names, min(arguments.sample, len(names)))
    bands = ((4, 5), (6, 7), (8, 9), (10, 11), (12, 99))
    print(f"{'letters':<10}{'names':>7}{'unknown name taken for another':>32}{'one slip: found':>18}{'one slip: another':>20}")
    totals = [0, 0, 0, 0]
    for low, high in bands:
        band = [one for one in names if low <= len(one[0]) <= high]
        taken = found = wrong = 0
        for key, name in band:
            outcome = matcher.near(key, frozenset(name.concepts))
            if outcome.name is not None:
                taken += 1
                if arguments.show:
                    print(
                        f"  {name.text} ({'+'.join(name.concepts)}) -> {outcome.name.text} "
                        f"({'+'.join(outcome.name.concepts)}) {outcome.score:.0f}"
                    )
            slip = chance.choice([text for text in typed_wrong(key) if not matcher.lexicon.spelled(text)])
            near = matcher.near(slip)
            if near.name is not None:
                same = set(near.name.concepts) == set(name.concepts)
                found += same
                wrong += not same
        count = max(1, len(band))
        totals = [sum(pair) for pair in zip(totals, (len(band), taken, found, wrong), strict=True)]
        print(f"{low}-{high:<8}{len(band):>7}{taken / count:>32.2%}{found / count:>18.2%}{wrong / count:>20.2%}")
    count = max(1, totals[0])
    print(f"{'all':<10}{totals[0]:>7}{totals[1] / count:>32.2%}{totals[2] / count:>18.2%}{totals[3] / count:>20.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
