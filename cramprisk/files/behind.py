"""Work that is done behind the caller, one piece after the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["Behind"]


class Behind:
    """A thread that does one thing while the caller prepares the next; no more than one waits, so that memory stays bounded.

    Examples:
        >>> done: list[int] = []
        >>> behind = Behind()
        >>> for number in range(3):
        ...     behind.do(lambda number=number: done.append(number))
        >>> behind.wait()
        >>> done
        [0, 1, 2]
        >>> behind.end()
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "cramprisk-write")
        self._last: Future[None] | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Begin a piece of work, once the one before is done.

        Raises:
            Exception: That of the piece before, for which this one is not begun.
        """
        self.wait()
        self._last = self._thread.submit(work)

    def wait(self) -> None:
        """Wait until the last piece is done.

        Raises:
            Exception: What went wrong with it.
        """
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def end(self) -> None:
        """Wait for the last piece, whatever became of it; nothing can be begun after."""
        self._thread.shutdown()
