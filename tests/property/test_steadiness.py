"""The same text gives the same answer: in any thread, in any process, with any order of hashing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.accuracy import typed_wrong
from cramprisk.checker import Checker, load_tables
from cramprisk.model import Kind
from tests.strategies import DOSES, NAMES

SAYS_ALL = """
import hashlib, json, sys
from cramprisk.checker import Checker
lists = json.load(sys.stdin)
said = [Checker.default().check(one["drugs"], one["conditions"]).to_json() for one in lists]
print(hashlib.sha256("\\n".join(said).encode()).hexdigest())
"""


def entries(kind, count, seed):
    """Names with doses, every third with a slip."""
    chance = random.Random(seed)
    return [
        (chance.choice(typed_wrong(name.lower())) if index % 3 == 0 else name) + chance.choice(DOSES)
        for index, name in enumerate(chance.sample(NAMES[kind], count))
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_sixteen_threads_that_share_a_new_checker_read_what_one_reads(kind):
    texts = entries(kind, 120, seed=31)
    alone = Checker(load_tables()).normalize_many(texts, kind)
    shared = Checker(load_tables())

    def read(seed):
        order = random.Random(seed).sample(range(len(texts)), len(texts))
        return {index: shared.normalize(texts[index], kind) for index in order}

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(read, range(16)))

    assert all(answer[index] == match for answer in answers for index, match in enumerate(alone))


def test_reports_are_the_same_in_processes_that_hash_differently():
    import json

    drugs, conditions = entries(Kind.DRUG, 240, seed=32), entries(Kind.CONDITION, 160, seed=33)
    lists = [{"drugs": drugs[at : at + 6], "conditions": conditions[at : at + 4]} for at in range(0, 160, 4)]
    digests = {
        subprocess.run(
            [sys.executable, "-c", SAYS_ALL],
            input=json.dumps(lists),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }

    assert len(digests) == 1
