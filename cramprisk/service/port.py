"""The port that several workers listen on, each with a socket of its own, so that the kernel shares the callers out.

With one socket for all, the worker that wakes first takes every caller that waits, and keeps them as long as they stay
connected, while the others have nothing to do.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

__all__ = ["Port", "can_be_shared_out"]


def can_be_shared_out() -> bool:
    """Whether the kernel shares callers out between sockets of one port; others give all to one of them, or refuse."""
    return sys.platform.startswith("linux") and hasattr(socket, "SO_REUSEPORT")


class Port(socket.socket):
    """A socket that is another one of the same port in each process that it is handed to.

    Examples:
        >>> if can_be_shared_out():
        ...     import pickle
        ...     port = Port.at(socket.AF_INET, ("127.0.0.1", 0))
        ...     other = pickle.loads(pickle.dumps(port))
        ...     assert other.fileno() != port.fileno() and other.getsockname() == port.getsockname()
        ...     port.close(), other.close()
        (None, None)
    """

    @classmethod
    def at(cls, family: int, address: Any) -> Port:
        """A socket bound to an address.

        Raises:
            OSError: It cannot be bound.
        """
        made = cls(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind(address)
        except OSError:
            made.close()
            raise
        return made

    def __reduce__(self) -> tuple[Any, tuple[int, Any]]:
        return Port.at, (int(self.family), self.getsockname())
