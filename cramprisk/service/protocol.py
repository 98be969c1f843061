"""HTTP/1.1 that does not wait for ever for a client's headers.

uvicorn limits how long an idle connection is kept, but a connection on which a client has begun to write headers and
never ends is no idle one. Each of them holds one of the places that the concurrency limit counts.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["PatientProtocol"]

_HEAD_LIMIT_S = "CRAMPRISK_HEAD_LIMIT_S"


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with a limit on the time until the headers of a request are there."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(cast(asyncio.Transport, transport))
        # asyncio does this for sockets that name their protocol; those that uvicorn opens for several workers do not.
        # Headers and body go out apart, and without it the body waits 40 ms for the client's acknowledgement.
        opened = transport.get_extra_info("socket")
        if opened is not None and opened.family in (socket.AF_INET, socket.AF_INET6):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Read on; wait for headers that have begun, and no longer for those that are there."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._wait_for_head()
        else:
            self._head_is_there()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._head_is_there()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(float(os.environ.get(_HEAD_LIMIT_S, "10")), self._give_up)

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            # Nothing is said to a client that has not asked anything yet.
            self.transport.abort()


def head_limit(seconds: float) -> dict[str, Any]:
    """The environment of a worker whose protocol waits that long; uvicorn builds the protocol, so it reads it there."""
    return {_HEAD_LIMIT_S: str(seconds)}
