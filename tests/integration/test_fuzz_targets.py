"""The promises of ``fuzz/targets.py`` on inputs that once broke one, and on some at random. ``make fuzz`` searches for more."""

from __future__ import annotations

import random

import pytest

for needed in ("pyarrow", "python_calamine", "xlsxwriter", "zstandard"):
    pytest.importorskip(needed, reason=f"{needed} is not installed; the target for files needs it")

from fuzz.targets import TARGETS
from tests.conftest import CASES

ONCE_BROKEN = sorted((CASES / "fuzz").glob("*/*"))


@pytest.mark.parametrize("path", ONCE_BROKEN, ids=[f"{path.parent.name}/{path.name}" for path in ONCE_BROKEN])
def test_an_input_that_broke_a_promise_keeps_it_now(path):
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_promises_hold_for_bytes_at_random(target):
    chance = random.Random(target)
    for _ in range(150):
        TARGETS[target](chance.randbytes(chance.randrange(60)))
