"""An output that appears whole or not at all.

It is written beside its place, under a name that begins with a dot and ends with ``.part``, and moved there at the
end. A run that is killed leaves that file; the next run knows by a lock that nobody writes to it, and removes it.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from cramprisk.errors import InputError, MissingExtraError
from cramprisk.files.source import format_of

__all__ = ["Target"]

_PART, _PARTS = ".part", ".parts"


def _lock(file: IO[bytes]) -> bool:
    """Whether the file could be locked against other runs; it is unlocked with its end, however that comes."""
    try:
        import fcntl
    except ImportError:  # Windows does not remove a file that is open, which serves as well.
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Target:
    """One output file.

    Args:
        name: Its path, or ``-`` for standard output, which cannot be taken back.
        option: The option that named it, for messages.
        force: Whether an existing file may be replaced.

    Attributes:
        label: What messages call it.
        removed: How many files that killed runs had left were removed.
        file: Where its content goes.
    """

    def __init__(self, name: str, option: str, *, force: bool) -> None:
        self._path = None if name == "-" else Path(name)
        self._option, self._force = option, force
        self.label = "standard output" if self._path is None else self._path.name
        self.removed = 0
        self._temporary: Path | None = None
        self._scratch: Path | None = None
        self._raw: IO[bytes] | None = None
        self.file: IO[bytes] = getattr(sys.stdout, "buffer", None) or io.BytesIO()

    def open(self) -> None:
        """Begin to write; whoever calls it sees to it that :meth:`discard` is called.

        Raises:
            InputError: It cannot be written there.
            MissingExtraError: The package that packs it is missing.
        """
        if self._path is None:
            return
        if self._path.is_dir():
            raise InputError(f"{self._option}: {self.label} is a folder. Name a file.")
        if self._path.exists() and not self._force:
            raise InputError(f"{self._option}: {self.label} exists already. Name another file, or use --force to replace it.")
        self._remove_left()
        packed = format_of(self.label)[1]
        compressor: Any = None
        if packed == "zst":
            try:
                import zstandard
            except ImportError:
                raise MissingExtraError('zst files need the extra "zst": pip install "cramprisk[zst]"') from None
            compressor = zstandard.ZstdCompressor()
        # The name is known before the file is there: whenever the run is stopped, it can be removed.
        self._temporary = self._path.with_name(f".{self.label}.{secrets.token_hex(4)}{_PART}")
        try:
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            self._temporary = None
            raise InputError(f"{self._option}: the folder of {self.label} cannot be written to ({error.strerror}).") from None
        self._raw = os.fdopen(descriptor, "wb", 1 << 20)
        _lock(self._raw)
        self.file = self._raw
        if packed == "gz":
            import gzip

            packer: Any = gzip.GzipFile(filename="", fileobj=self._raw, mode="wb", compresslevel=6, mtime=0)
            self.file = packer
        elif compressor is not None:
            self.file = compressor.stream_writer(self._raw, closefd=False)

    def scratch(self) -> str | None:
        """A folder beside it for what is needed while it is written; None for the system's place."""
        if self._temporary is None:
            return None
        if self._scratch is None:
            self._scratch = self._temporary.with_suffix(_PARTS)
            self._scratch.mkdir(0o700)
        return str(self._scratch)

    def _remove_left(self) -> None:
        assert self._path is not None
        for left in _left(self._path):
            with suppress(OSError), left.open("rb") as file:
                if _lock(file):
                    shutil.rmtree(left.with_suffix(_PARTS), ignore_errors=True)
                    left.unlink()
                    self.removed += 1

    def failure(self, error: OSError) -> InputError:
        """What to say when it cannot be written."""
        why = error.strerror or str(error).splitlines()[0][:80]
        kept = " The old file is untouched." if self._path is not None and self._path.exists() else " No half of it was left."
        return InputError(f"{self.label}: could not be written ({why}).{kept}")

    def finish(self) -> None:
        """All was written: bring it to the disk, still under its other name.

        Raises:
            InputError: The disk is full, or the like.
        """
        try:
            if self._raw is None:
                self.file.flush()
                return
            if self.file is not self._raw:
                self.file.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self.failure(error) from None

    def place(self) -> None:
        """Move it to its place.

        Raises:
            InputError: The place cannot be written to.
        """
        if self._temporary is None or self._path is None or self._raw is None:
            return
        try:
            self._temporary.chmod(self._path.stat().st_mode & 0o777 if self._path.exists() else 0o666 & ~_umask())
            if os.name == "nt":
                self._raw.close()
            self._temporary.replace(self._path)
        except OSError as error:
            raise self.failure(error) from None
        self._temporary = None
        self._raw.close()

    def discard(self) -> None:
        """Remove what was not placed."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None
        if self._raw is not None:
            if self.file is not self._raw:
                # A packer that is forgotten would write its end into the closed file; Python in development mode prints that.
                with suppress(OSError, ValueError):
                    self.file.close()
            with suppress(OSError, ValueError):
                self._raw.close()


def _left(path: Path) -> list[Path]:
    with suppress(OSError):
        return [one for one in path.parent.iterdir() if one.name.startswith(f".{path.name}.") and one.name.endswith(_PART)]
    return []


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
