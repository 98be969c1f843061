"""The bytes of an input file: found, decompressed, and as UTF-8."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from cramprisk.errors import InputError, MissingExtraError

__all__ = ["FORMATS", "Source", "encoding_of", "format_of", "open_source", "spooled", "utf8_blocks"]

FORMATS = ("csv", "tsv", "txt", "xlsx", "parquet", "ndjson")

_SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "txt", ".xlsx": "xlsx", ".xlsm": "xlsx", ".xlsb": "xlsx", ".xls": "xlsx",
    ".ods": "xlsx", ".parquet": "parquet", ".pq": "parquet", ".ndjson": "ndjson", ".jsonl": "ndjson",
}  # fmt: skip
_PACKED = {".gz": "gz", ".zst": "zst", ".zstd": "zst"}
_MAGIC = ((b"\x1f\x8b", "gz"), (b"\x28\xb5\x2f\xfd", "zst"))
_BINARY = ((b"PAR1", "parquet"), (b"PK\x03\x04", "xlsx"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xlsx"))
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_UNDEFINED = "".join(
    bytes([byte]).decode("cp1252", errors="ignore")
    or chr(byte)  # five bytes have no meaning; as control characters they are kept
    for byte in range(256)
)


def format_of(name: str) -> tuple[str | None, str | None]:
    """The format and the packing that the name of a file says; None where it says nothing.

    Examples:
        >>> format_of("list.csv.gz"), format_of("list.dat")
        (('csv', 'gz'), (None, None))
    """
    path = Path(name)
    packed = _PACKED.get(path.suffix.lower())
    if packed:
        path = path.with_suffix("")
    return _SUFFIXES.get(path.suffix.lower()), packed


@dataclass(slots=True)
class Source:
    """An open input.

    Attributes:
        label: What messages call it.
        file: The decompressed bytes.
        under: The file itself; how far it was read says the progress.
        size: Its size in bytes.
        format: One of :data:`FORMATS`.
        packed: ``gz``, ``zst`` or None.
    """

    label: str
    file: IO[bytes]
    under: IO[bytes]
    size: int
    format: str
    packed: str | None

    @property
    def position(self) -> int:
        """How many bytes of the file were read."""
        with suppress(OSError, ValueError):
            return self.under.tell()
        return self.size

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end.

        Raises:
            InputError: The file cannot be read, is cut off or damaged.
        """
        try:
            return self.file.read(size)
        except EOFError:
            raise InputError(f"{self.label}: is cut off: the packed data end too early. Fetch the file again.") from None
        except (zlib.error, ValueError) as error:
            raise InputError(f"{self.label}: is damaged ({_short(error)}). Fetch the file again.") from None
        except OSError as error:
            why = error.strerror or _short(error)
            raise InputError(f"{self.label}: cannot be read ({why}).") from None

    def rewind(self) -> None:
        """Go back to the beginning."""
        self.under.seek(0)
        self.file = _decompressed(self.under, self.packed)

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        self.under.close()


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:80] if str(error) else type(error).__name__


class _Zstandard(io.RawIOBase):
    """Decompressed zstandard frames; unlike the package's own reader it says when the last one is cut off."""

    # A few kilobytes at a time: what a hostile file can unpack from them stays within bounds.
    _STEP = 4096

    def __init__(self, under: IO[bytes], zstandard: Any) -> None:
        self._under, self._zstandard = under, zstandard
        self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._fresh = True
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._under.read(self._STEP)
            if not data:
                if not self._fresh:
                    raise EOFError
                return 0
            made = []
            while data:
                if self._frame.eof:
                    self._frame = self._zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
                try:
                    made.append(self._frame.decompress(data))
                except self._zstandard.ZstdError as error:
                    raise ValueError(str(error)) from None
                data = self._frame.unused_data if self._frame.eof else b""
            self._fresh = self._frame.eof
            self._ready = memoryview(b"".join(made))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def spooled(source: IO[bytes]) -> IO[bytes]:
    """All bytes of a stream in a temporary file that has no name and is gone with the process."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this function
    shutil.copyfileobj(source, file, 1 << 20)
    file.seek(0)
    return file


def open_source(name: str, form: str | None = None) -> Source:
    """Open an input file.

    Args:
        name: Its path, or ``-`` for standard input.
        form: One of :data:`FORMATS`; None to go by the name.

    Raises:
        InputError: It cannot be opened, or is not what its name says.
        MissingExtraError: The package that unpacks it is missing.
    """
    label = "standard input" if name == "-" else Path(name).name
    try:
        if name == "-":
            if sys.stdin is None:
                raise InputError("standard input: is closed.")
            # In a file, because parquet is read from its end and JSON lines are gone through twice.
            under: IO[bytes] = spooled(sys.stdin.buffer)
        else:
            under = Path(name).open("rb")  # noqa: SIM115 - the source holds it
            if not under.seekable():
                under = spooled(under)
        size = os.fstat(under.fileno()).st_size
    except OSError as error:
        raise InputError(f"{label}: cannot be read ({error.strerror}).") from None
    try:
        return _recognised(label, name, form, under, size)
    except BaseException:
        under.close()
        raise


def _recognised(label: str, name: str, form: str | None, under: IO[bytes], size: int) -> Source:
    """The source with its format and packing, by name and first bytes."""
    try:
        head = under.read(8)
        under.seek(0)
    except OSError as error:
        raise InputError(f"{label}: cannot be read ({error.strerror}).") from None
    by_name, packed = format_of(name)
    by_magic = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if packed and head and by_magic != packed:
        raise InputError(f"{label}: is not what its name says: it is not packed with {packed}. Check the file.")
    file = _decompressed(under, by_magic)
    made = Source(label, file, under, size, form or by_name or "csv", by_magic)
    if made.format in ("xlsx", "parquet"):
        if by_magic:
            made = _unpacked(made)
    elif not by_magic:
        other = next((kind for magic, kind in _BINARY if head.startswith(magic)), None)
        if other:
            raise InputError(f"{label}: is no text: it looks like {other}. Give it that suffix, or use --from {other}.")
    return made


def _decompressed(under: IO[bytes], packed: str | None) -> IO[bytes]:
    if packed == "gz":
        import gzip

        return cast(IO[bytes], gzip.GzipFile(fileobj=under, mode="rb"))
    if packed == "zst":
        try:
            import zstandard
        except ImportError:
            raise MissingExtraError('zst files need the extra "zst": pip install "cramprisk[zst]"') from None
        return io.BufferedReader(_Zstandard(under, zstandard), 1 << 18)
    return under


def _unpacked(source: Source) -> Source:
    """The same with its bytes unpacked to where one can seek in them."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this function
    try:
        while block := source.read(1 << 20):
            file.write(block)
    except BaseException:
        file.close()
        raise
    size = file.tell()
    file.seek(0)
    source.close()
    return Source(source.label, file, file, size, source.format, None)


# ---------------------------------------------------------------------- text


def encoding_of(sample: bytes, *, final: bool = True) -> tuple[str, int, str]:
    r"""The encoding of a text, the length of its byte order mark, and what is to be said about it.

    Args:
        sample: The beginning of the file.
        final: Whether that is all of it.

    Examples:
        >>> encoding_of(b"Lasix"), encoding_of(b"Caf\xe9")[::2]
        (('utf-8', 0, ''), ('cp1252', 'not UTF-8, read as Windows-1252'))
    """
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding, len(mark), "" if encoding == "utf-8" else f"read as {encoding.upper()}"
    pairs = len(sample) // 2
    if pairs >= 4:
        for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            if sample[start::2].count(0) > 0.6 * pairs and sample[1 - start :: 2].count(0) < 0.1 * pairs:
                return encoding, 0, f"no byte order mark, read as {encoding.upper()} by its zero bytes"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final)
    except UnicodeDecodeError:
        # Some rows of a UTF-8 file may be broken; in a Windows-1252 file hardly any accent is good UTF-8 by chance.
        kept = sample.decode("utf-8", errors="ignore")
        good = sum(1 for letter in kept if letter > "\x7f")
        high = len(sample) - len(sample.translate(None, bytes(range(128, 256))))
        bad = high - sum(len(letter.encode()) for letter in kept if letter > "\x7f")
        if good < bad:
            return "cp1252", 0, "not UTF-8, read as Windows-1252"
    return "utf-8", 0, ""


def latin(data: bytes) -> str:
    r"""Bytes as Windows-1252, none of them lost.

    Examples:
        >>> latin(b"caf\xe9 \x80")
        'café €'
    """
    return codecs.charmap_decode(data, "strict", _UNDEFINED)[0]


def utf8_blocks(source: Source, encoding: str, first: bytes, size: int) -> Iterator[bytes]:
    """The text of a file as UTF-8, in pieces.

    Args:
        source: The open file.
        encoding: What its bytes are.
        first: What was read of it already, without the byte order mark.
        size: Length of a piece in bytes, more or less.
    """
    blocks: Iterator[bytes] = iter(lambda: source.read(size), b"")
    if encoding == "utf-8":
        if first:
            yield first
        yield from blocks
        return
    if encoding == "cp1252":
        yield latin(first).encode()
        for block in blocks:
            yield latin(block).encode()
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    yield decoder.decode(first).encode("utf-8", "replace")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
