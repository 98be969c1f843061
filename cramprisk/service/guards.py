"""What stands around every request: a log line, headers, and limits on size and time. Plain ASGI, nothing is kept."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, MutableMapping
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cramprisk.service.logs import where

__all__ = ["Limits", "Watch", "outcome", "say"]

_LOG = logging.getLogger("cramprisk.service")
_FIELDS = "cramprisk.log"
# A page that is served from here says for itself what it may load; everything else loads nothing and is framed by nobody.
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_CODES = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 408: "timeout",
    413: "too-long", 415: "not-supported", 500: "exception", 503: "transient",
}  # fmt: skip


def outcome(status: int, text: str) -> dict[str, Any]:
    """An error as an OperationOutcome.

    Examples:
        >>> outcome(404, "There is no such service.")["issue"][0]["code"]
        'not-found'
    """
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": _CODES.get(status, "processing"), "diagnostics": text}],
    }


def say(scope: Scope, **fields: Any) -> None:
    """Lay fields into the log line of a request. Counts, codes and names of this service only: never what was sent."""
    noted: MutableMapping[str, Any] | None = scope.get(_FIELDS)
    if noted is not None:
        noted.update(fields)


async def _answer(send: Send, status: int, text: str, *, more: Mapping[str, str] | None = None) -> None:
    body = json.dumps(outcome(status, text)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in (more or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Watch:
    """Outermost: gives the request an id, sets headers, writes the log line, and turns an error into a plain 500.

    Args:
        app: What is watched.
        write_limit_s: Seconds a client has to take each part of an answer.
    """

    def __init__(self, app: ASGIApp, *, write_limit_s: float) -> None:
        self.app = app
        self.write_limit_s = write_limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        fields: dict[str, Any] = {"request": request_id, "method": _method(scope)}
        scope[_FIELDS] = fields
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                added = [(name, value) for name, value in _HEADERS if name not in given]
                message = {
                    **message,
                    "headers": [*message["headers"], *added, (b"x-request-id", request_id.encode())],
                }
            async with asyncio.timeout(self.write_limit_s):
                await send(message)

        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            # There is nobody to answer, and nothing is wrong here.
            fields["failed"] = "client left"
        except TimeoutError:
            # The client does not take its answer; the connection is of no more use to anybody.
            fields["failed"] = "answer not taken"
            raise
        except Exception as error:
            fields |= where(type(error), error.__traceback__)
            if status == 0:
                await _answer(answer, 500, "Something went wrong here. The log has the place, under this request's id.")
            else:
                raise
        finally:
            fields["status"] = status
            fields["ms"] = round((time.perf_counter() - began) * 1000, 1)
            level = logging.ERROR if status >= 500 or "error" in fields else logging.INFO
            _LOG.log(level, "request", extra={"fields": fields})


def _request_id(scope: Scope) -> str:
    """The caller's id of the request if it is a UUID, else a new one: another text might be about a patient."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            try:
                return str(UUID(value.decode("ascii")))
            except ValueError:
                break
    return str(uuid4())


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE") else "other"


class _RefusedError(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Limits:
    """Refuses bodies that are too large, too slow or compressed, and answers that take too long.

    Args:
        app: What is limited.
        max_body_bytes: Bytes of a body; more is refused without being kept, whether or not its length was announced.
        read_limit_s: Seconds until the body is there.
        time_limit_s: Seconds for the answer after that.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, read_limit_s: float, time_limit_s: float) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.read_limit_s = read_limit_s
        self.time_limit_s = time_limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        clock = asyncio.get_running_loop().time
        until = clock() + self.read_limit_s
        size = 0
        started = False

        async def limited() -> Message:
            nonlocal size
            try:
                async with asyncio.timeout_at(until if size >= 0 else None):
                    message = await receive()
            except TimeoutError:
                raise _RefusedError(408, "The body did not arrive in time.") from None
            if message["type"] == "http.request" and size >= 0:
                size += len(message.get("body", b""))
                if size > self.max_body_bytes:
                    raise _RefusedError(413, f"The body is larger than {self.max_body_bytes} bytes.")
                if not message.get("more_body", False):
                    say(scope, bytes=size)
                    size = -1  # from here on only a disconnect can come, whenever it does
            return message

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            self._check_head(scope)
            async with asyncio.timeout(self.read_limit_s + self.time_limit_s):
                await self.app(scope, limited, sent)
        except (_RefusedError, TimeoutError) as error:
            if started:
                raise
            status, text = (error.status, error.text) if isinstance(error, _RefusedError) else (503, "The answer took too long.")
            # What is left of the body is not read: the connection ends with the answer.
            more = {"connection": "close"} if status != 503 else {"connection": "close", "retry-after": "1"}
            await _answer(send, status, text, more=more)

    def _check_head(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value[:20]) > self.max_body_bytes):
                raise _RefusedError(413, f"The body is larger than {self.max_body_bytes} bytes.")
            if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                raise _RefusedError(415, "The body must not be compressed.")
