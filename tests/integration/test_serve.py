"""The service as it runs: processes, sockets, signals. Only 127.0.0.1 is ever asked."""

import asyncio
import json
import signal
import socket
import time

import pytest

pytest.importorskip("uvicorn", reason="the extra service is not installed")
pytest.importorskip("psutil", reason="psutil is not installed")

from bench.hook_requests import hook_request, patients
from bench.service import Served, as_http, load
from cramprisk.checker import Checker
from cramprisk.service.port import can_be_shared_out
from tests.service_tokens import AUDIENCE, ISSUER, jwk, key_file, token

SIGN = "/cds-services/cramprisk-order-sign"


@pytest.fixture(scope="module")
def log_file(tmp_path_factory):
    return tmp_path_factory.mktemp("serve") / "log.json"


@pytest.fixture(scope="module")
def served(log_file):
    with log_file.open("w") as log, Served("--workers", "2", "--read-limit", "1.5", "--no-page", log=log) as made:
        until = time.monotonic() + 60
        while log_file.read_text().count("Application startup complete") < 2:  # one of them answers before the other has begun
            assert time.monotonic() < until, "the second worker did not start"
            time.sleep(0.1)
        yield made


def connected(port):
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def read_all(connection):
    content = b""
    while part := connection.recv(65_536):
        content += part
    return content


def test_many_at_once_are_all_answered_each_with_its_own(served):
    requests = patients(Checker.default(), 20, size=5)

    _, times = asyncio.run(load(served.port, requests, 200, 8))

    assert len(times) == 200


@pytest.mark.skipif(not can_be_shared_out(), reason="this system does not share the callers of a port out")
def test_the_callers_are_shared_out_between_the_workers(served, log_file):
    """One worker that takes all who come at once would leave the other without work."""
    asked = set()
    until = time.monotonic() + 20
    while len(asked) < 2 and time.monotonic() < until:
        with connected(served.port) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_all(connection).startswith(b"HTTP/1.1 200")
        lines = [json.loads(line) for line in log_file.read_text().splitlines()]
        asked = {line["process"] for line in lines if line.get("event") == "request"}

    assert len(asked) == 2


def test_a_hundred_megabytes_are_refused_and_not_kept(served):
    before = sum(served.memory_mb())
    refused = 0
    for _ in range(3):
        with connected(served.port) as connection:
            connection.sendall(
                f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            )
            try:
                for _ in range(1_600):
                    connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
            except OSError:
                pass  # the service has hung up, as it should
            try:
                answer = connection.recv(4_096)
            except OSError:
                answer = b""
            # The answer may be lost with the connection.
            refused += not answer or b" 413 " in answer[:20]
    with connected(served.port) as connection:
        connection.sendall(
            f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n".encode()
        )
        announced = connection.recv(4_096)

    assert refused == 3
    assert b" 413 " in announced[:20]
    assert sum(served.memory_mb()) < before + 40


def test_headers_that_never_end_are_given_up(served):
    began = time.monotonic()
    with connected(served.port) as connection:
        connection.sendall(b"POST /cds-services HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        ended = connection.recv(100)

    assert ended == b""
    assert time.monotonic() - began < 10


def test_headers_that_drip_are_given_up(served):
    began = time.monotonic()
    with connected(served.port) as connection:
        try:
            for _ in range(100):
                connection.sendall(b"X" if _ else b"GET /health HTTP/1.1\r\nX-Slow: ")
                time.sleep(0.1)
        except OSError:
            pass

    assert time.monotonic() - began < 9


def test_a_body_that_never_ends_is_given_up_with_408(served):
    with connected(served.port) as connection:
        connection.sendall(
            f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{".encode()
        )
        answer = read_all(connection)

    assert b" 408 " in answer[:20]


def test_others_are_answered_while_clients_are_slow(served):
    slow = [connected(served.port) for _ in range(50)]
    for one in slow:
        one.sendall(f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n".encode())
    try:
        _, times = asyncio.run(load(served.port, patients(Checker.default(), 6, size=2), 12, 2))
    finally:
        for one in slow:
            one.close()

    assert len(times) == 12


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /cds-services/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /cds-services/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /cds-services/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_ends_the_connection_and_nothing_else(served, sent):
    with connected(served.port) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = read_all(connection)
        except OSError:
            answer = b""

    assert b" 500 " not in answer[:20]
    assert b" 200 " not in answer[:20]
    asyncio.run(load(served.port, patients(Checker.default(), 1, size=1), 1, 1))


def test_what_was_logged_is_json_and_counts(served, log_file):
    with connected(served.port) as connection:
        head, tail = as_http(hook_request("order-sign", [], [], ["zzyzxqqq of Mrs Secret"]))
        connection.sendall(head + b"d1577c69-dfbe-44ad-ba6d-3e05e953b2ea" + tail)
        assert b" 200 " in connection.recv(100)[:20]
    time.sleep(0.3)
    lines = [json.loads(line) for line in log_file.read_text().splitlines()]

    assert any(line.get("request") == "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea" and line["unread"] == 1 for line in lines)
    assert "Secret" not in log_file.read_text()
    assert [line for line in lines if line["level"] == "error"] == []


def test_a_client_that_leaves_is_no_error(served, log_file):
    with connected(served.port) as connection:
        connection.sendall(
            f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{".encode()
        )
        time.sleep(0.2)
    time.sleep(0.4)
    lines = [json.loads(line) for line in log_file.read_text().splitlines()]

    assert any(line.get("failed") == "client left" for line in lines)
    assert [line for line in lines if line["level"] == "error"] == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_lets_what_has_begun_be_finished(workers):
    head, tail = as_http(hook_request("order-sign", [], [], ["HCTZ 25 mg"]))
    with Served("--workers", workers) as served:
        with connected(served.port) as connection:
            connection.sendall(head + b"d1577c69-dfbe-44ad-ba6d-3e05e953b2ea" + tail[:-10])
            time.sleep(0.3)
            served.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(tail[-10:])
            answer = read_all(connection)
        code = served.process.wait(20)

    assert b" 200 " in answer[:20]
    assert b"hydrochlorothiazide" in answer
    assert code == 0


def test_of_equal_tokens_at_two_workers_one_is_taken(tmp_path):
    keys = key_file(tmp_path, jwk("main"))
    options = ["--workers", "2", "--jwt-issuer", ISSUER, "--jwks-file", keys, "--audience", AUDIENCE]

    async def asked(port, text):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /cds-services HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {text}\r\n\r\n".encode()
        )
        answer = await reader.read()
        writer.close()
        return int(answer[9:12])

    async def all_at_once(port):
        return [await asyncio.gather(*(asked(port, text) for _ in range(12))) for text in (token() for _ in range(4))]

    with Served(*options) as served:
        rounds = asyncio.run(all_at_once(served.port))

    assert [sorted(codes) for codes in rounds] == [[200] + [401] * 11] * 4


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_said_without_a_traceback(served, workers):
    import subprocess
    import sys

    command = [sys.executable, "-m", "cramprisk", "serve", "--port", str(served.port), "--workers", workers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "address already in use" in done.stderr.lower()
