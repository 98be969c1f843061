"""How large a spreadsheet unfolds, found out before it is opened, by what is really in it, not by what it says of itself.

The reader of spreadsheets lays out the whole field up to the last cell: one stray cell far out takes all memory there is,
and a process that lacks memory ends without a word.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from cramprisk.errors import InputError

__all__ = ["NotXlsxError", "unfolded"]

_CHUNK = 64 * 1024
_CELL = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,20})"')


class NotXlsxError(InputError):
    """It is no archive, or one that cannot be unpacked."""


def unfolded(file: IO[bytes]) -> Iterator[tuple[int, int, int]]:
    """While an archive is gone through: the bytes unpacked, and the cells laid out by the sheets so far, and by the last alone.

    Args:
        file: The archive; read from anywhere to anywhere.

    Raises:
        NotXlsxError: It is no archive, or cannot be unpacked.

    Examples:
        >>> import io
        >>> file = io.BytesIO()
        >>> with zipfile.ZipFile(file, "w") as archive:
        ...     archive.writestr("xl/worksheets/sheet1.xml", '<c r="A1"/><c r="C40"/>')
        >>> list(unfolded(file))
        [(23, 120, 120)]
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise NotXlsxError("it is no spreadsheet of the format xlsx.") from None
    unpacked = cells = 0
    for member in members:
        bottom = right = 0
        tail = b""
        for part in _parts(file, member):
            unpacked += len(part)
            if member.filename.lower().endswith(".xml"):
                for letters, digits in _CELL.findall(tail + part):
                    right = max(right, _column_number(letters))
                    bottom = max(bottom, int(digits))
                tail = part[-40:]
            yield unpacked, cells + bottom * right, bottom * right
        cells += bottom * right


def _parts(file: IO[bytes], member: zipfile.ZipInfo) -> Iterator[bytes]:
    """What a member of an archive holds, in pieces, to the end of its stream."""
    try:
        file.seek(member.header_offset)
        head = file.read(30)
        file.seek(member.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"))
    except (ValueError, OSError):
        raise NotXlsxError("the spreadsheet is damaged.") from None
    left = member.compress_size
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotXlsxError("the spreadsheet is packed in an unusual way. Save it anew.")
    stream = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := file.read(min(left, _CHUNK))):
        left -= len(packed)
        if stream is None:
            yield packed
            continue
        try:
            while packed and not stream.eof:
                yield stream.decompress(packed, _CHUNK)
                packed = stream.unconsumed_tail
        except zlib.error:
            raise NotXlsxError("the spreadsheet is damaged.") from None
        if stream.eof:
            return


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
