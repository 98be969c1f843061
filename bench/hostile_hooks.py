"""Mutated CDS Hooks requests against the service in this process: ``python -m bench.hostile_hooks --count 10000``.

No request may crash it or give a 5xx, and what is answered must keep the rules of the specification.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cramprisk.checker import Checker, load_tables
from cramprisk.service.app import create_app
from cramprisk.service.settings import Settings


async def ask(app: Any, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of one answer."""
    sent: list[dict[str, Any]] = []
    given_ = iter([{"type": "http.request", "body": body, "more_body": False}])
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return next(given_, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def hostile(count: int, bodies: st.SearchStrategy[tuple[str, bytes]], broken: Any) -> Counter[int]:
    """How often each status was answered to so many mutated requests.

    Raises:
        AssertionError: A request was answered with a 5xx, or with what breaks a rule.
    """
    app = create_app(Checker(load_tables(), remember=1_000), Settings(page=False))
    logging.getLogger("cramprisk.service").setLevel(logging.CRITICAL)
    statuses: Counter[int] = Counter()
    loop = asyncio.new_event_loop()

    @settings(
        max_examples=count, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(bodies)
    def one(sent: tuple[str, bytes]) -> None:
        status, answer = loop.run_until_complete(ask(app, f"/cds-services/{sent[0]}", sent[1]))
        statuses[status] += 1
        assert status in (200, 400, 412, 413), status
        if status == 200:
            assert broken(json.loads(answer)) == []

    try:
        one()
    finally:
        loop.close()
    return statuses


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from tests.cds_rules import broken
    from tests.hostile_requests import bodies

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1_000)
    count = options.parse_args().count
    began = time.perf_counter()
    statuses = hostile(count, bodies(), broken)
    said = ", ".join(f"{number} with {status}" for status, number in sorted(statuses.items()))
    taken = time.perf_counter() - began
    print(f"{sum(statuses.values())} mutated requests in {taken:.0f} s: {said}; no crash, no 5xx, no rule broken")


if __name__ == "__main__":
    main()
