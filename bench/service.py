"""The service under load: ``python -m bench.service`` (``--requests 100000`` for the long form).

Starts ``cramprisk serve`` on 127.0.0.1 and asks it about made-up patients with 30 medicines and 30 conditions. Server
and client share the machine's cores, so the server alone could do more than what is printed here. Every answer is
read whole and must carry the id of its own request; the memory of the workers is read along the way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from itertools import count
from typing import Any
from uuid import UUID

import psutil

from bench.hook_requests import patients
from cramprisk.checker import Checker

PATHS = {hook: f"/cds-services/cramprisk-{hook}" for hook in ("patient-view", "order-select", "order-sign")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """``cramprisk serve`` in a process of its own, answering by the time it is entered, stopped when it is left."""

    def __init__(self, *options: str, log: Any = subprocess.DEVNULL) -> None:
        self.port = free_port()
        self.options = options
        self.log = log

    def __enter__(self) -> Served:
        command = [sys.executable, "-m", "cramprisk", "serve", "--port", str(self.port), *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.log)
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                    answer.read()
                return self
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.process.kill()
                    raise RuntimeError("the service did not start") from None
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def processes(self) -> list[psutil.Process]:
        """The processes of the service, without the helper of multiprocessing, which answers nobody."""
        top = psutil.Process(self.process.pid)
        return [top, *(one for one in top.children(recursive=True) if "resource_tracker" not in " ".join(one.cmdline()))]

    def memory_mb(self) -> list[float]:
        """Memory of each process that is its own, in MB, largest first."""
        return sorted((one.memory_full_info().uss / 1e6 for one in self.processes()), reverse=True)

    def cpu_s(self) -> float:
        """Processor time that the service has used so far, in seconds."""
        return sum(sum(one.cpu_times()[:2]) for one in self.processes())


def as_http(request: dict[str, Any]) -> tuple[bytes, bytes]:
    """A request as bytes, in two parts between which its id goes."""
    body = json.dumps(request).encode()
    head = f"POST {PATHS[request['hook']]} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Request-ID: "
    return head.encode(), f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def caller(port: int, sent: list[tuple[bytes, bytes]], numbers: Any, until: int, taken: list[float]) -> None:
    """One connection that asks again and again.

    Raises:
        RuntimeError: An answer is not that of the request, or no 200.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        if number >= until:
            break
        head, tail = sent[number % len(sent)]
        request_id = str(UUID(int=number)).encode()
        began = time.perf_counter()
        writer.write(head + request_id + tail)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        taken.append(time.perf_counter() - began)
        if not answer.startswith(b"http/1.1 200") or b"x-request-id: " + request_id not in answer or not body.endswith(b"]}"):
            raise RuntimeError(f"answer {number} is not as it should be: {answer[:40]!r}")
    writer.close()
    await writer.wait_closed()


async def load(port: int, requests: list[dict[str, Any]], total: int, connections: int) -> tuple[float, list[float]]:
    """Requests a second, and the time of each in milliseconds, sorted."""
    sent = [as_http(request) for request in requests]
    taken: list[float] = []
    numbers = count()
    began = time.perf_counter()
    await asyncio.gather(*(caller(port, sent, numbers, total, taken) for _ in range(connections)))
    seconds = time.perf_counter() - began
    if len(taken) != total:
        raise RuntimeError(f"{total} asked, {len(taken)} answered")
    return total / seconds, sorted(one * 1000 for one in taken)


def line(label: str, rate: float, times: list[float]) -> None:
    at = {share: times[min(len(times) - 1, int(len(times) * share / 100))] for share in (50, 95, 99)}
    print(f"{label:<44}{rate:8.0f}/s   p50 {at[50]:6.1f} ms   p95 {at[95]:6.1f} ms   p99 {at[99]:6.1f} ms   max {times[-1]:6.1f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=3_000, help="of the load under which memory is watched")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--patients", type=int, default=500)
    given = options.parse_args()
    checker = Checker.default()
    known = patients(checker, given.patients)
    new = patients(checker, 300, seed=2, fresh=True)
    size = sum(len(json.dumps(one)) for one in known) / len(known) / 1000
    print(f"{given.workers} workers, {os.cpu_count()} cores for server and client, {size:.0f} kB a request, 30 + 30 entries")
    with Served("--workers", str(given.workers), "--no-page") as served:
        line("one at a time, no entry seen before", *asyncio.run(load(served.port, new, len(new), 1)))
        asyncio.run(load(served.port, known, 2 * len(known), given.connections))
        line("one at a time", *asyncio.run(load(served.port, known, min(1_000, given.requests), 1)))
        memory: list[list[float]] = []
        server, client = served.cpu_s(), time.process_time()
        parts = 5
        for part in range(parts):
            rate, times = asyncio.run(load(served.port, known, given.requests // parts, given.connections))
            memory.append(served.memory_mb())
            sizes = ", ".join(f"{one:.0f}" for one in memory[-1])
            line(f"{given.connections} at once, {given.requests // parts * (part + 1)} so far, {sizes} MB", rate, times)
        asked = given.requests // parts * parts
        server, client = (1000 * (served.cpu_s() - server) / asked, 1000 * (time.process_time() - client) / asked)
        growth = sum(memory[-1]) - sum(memory[0])
        print(f"all {asked} answered, each with its own id; memory {growth:+.1f} MB from the first fifth to the last")
        # Where other programs use the machine too, this says more than requests a second do.
        print(
            f"processor time of a request: service {server:.1f} ms, client {client:.1f} ms; "
            f"{2000 / (server + client):.0f}/s if two cores did nothing else"
        )


if __name__ == "__main__":
    main()
