"""Mutated requests; ``python -m bench.hostile_hooks --count 10000`` is the long form."""

import pytest

pytest.importorskip("starlette", reason="the extra service is not installed")

from hypothesis import given, settings

from bench.hostile_hooks import hostile
from cramprisk.integrations.cds_hooks import HookError, handle
from tests.cds_rules import broken
from tests.hostile_requests import bodies, mutated


def test_no_mutated_request_breaks_the_service():
    statuses = hostile(150, bodies(), broken)

    assert {200, 400} <= set(statuses)


@settings(max_examples=100)
@given(mutated())
def test_a_request_is_answered_by_the_rules_or_refused(request_):
    try:
        answer = handle(request_)
    except HookError as error:
        assert error.status in (400, 412, 413)
    else:
        assert broken(answer) == []
