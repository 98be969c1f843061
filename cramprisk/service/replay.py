"""Tokens seen before, kept where all workers see them.

One SQLite file serves all workers of one service on one machine: the insert of a token's fingerprint either succeeds,
in exactly one worker, or the token was there already. Only fingerprints are kept, until their tokens have expired.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from pathlib import Path

__all__ = ["ReplayStore", "StoreFullError"]

_PRUNE_EVERY = 256


class StoreFullError(Exception):
    """So many tokens are alive that no further one can be remembered, and so none be taken."""


class ReplayStore:
    """The fingerprints of tokens that were taken and have not expired.

    Args:
        file: The SQLite file, made if it is not there. Workers that share it share what was seen.
        most: Fingerprints kept at most. Beyond it tokens are refused rather than taken unremembered.

    Examples:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = ReplayStore(Path(folder.name) / "seen.db")
        >>> store.first("https://ehr", "one", expires=200, now=100), store.first("https://ehr", "one", expires=200, now=101)
        (True, False)
        >>> store.close(); folder.cleanup()
    """

    def __init__(self, file: Path | str, *, most: int = 1_000_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._count = 0
        self._since = _PRUNE_EVERY
        # Autocommit: each insert is a transaction of its own, decided by the primary key.
        self._base = sqlite3.connect(str(file), timeout=5.0, isolation_level=None, check_same_thread=False)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=NORMAL")
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS seen (fingerprint BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID"
        )
        self._base.execute("CREATE INDEX IF NOT EXISTS seen_expires ON seen (expires)")

    def first(self, issuer: str, token_id: str, *, expires: int, now: int) -> bool:
        """Whether a token is seen for the first time; it is remembered until it expires.

        Args:
            issuer: Its ``iss``.
            token_id: Its ``jti``.
            expires: The second until which it could be used.
            now: The second of now.

        Raises:
            StoreFullError: There is no room; the token must not be taken.
            sqlite3.Error: The file cannot be written; the token must not be taken.
        """
        fingerprint = hashlib.sha256(f"{len(issuer)}:{issuer}{token_id}".encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            self._since += 1
            if self._since >= _PRUNE_EVERY:
                self._since = 0
                self._base.execute("DELETE FROM seen WHERE expires < ?", (now,))
                self._count = self._base.execute("SELECT count(*) FROM seen").fetchone()[0]
            if self._count >= self._most:
                self._since = _PRUNE_EVERY
                raise StoreFullError
            done = self._base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (fingerprint, expires))
            self._count += done.rowcount
            return done.rowcount == 1

    def __len__(self) -> int:
        with self._lock:
            count: int = self._base.execute("SELECT count(*) FROM seen").fetchone()[0]
            return count

    def close(self) -> None:
        """Close the file; it stays for other workers."""
        with self._lock:
            self._base.close()
