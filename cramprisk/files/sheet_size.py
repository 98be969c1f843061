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
from xml.parsers import expat

from cramprisk.errors import InputError

__all__ = ["NotXlsxError", "unfolded"]

_CHUNK = 64 * 1024
_CELL = re.compile(rb"<(?:[^\s<>/:]*:)?c[\s/>]")
_NEAR = re.compile(rb'<c r="(?:[A-Z]|A[A-Z]|B[A-L])(?:[0-9]{1,6}|10[0-4][0-9]{4})"')
_MARKS = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_MOST_REPEATS = 1 << 40


class NotXlsxError(InputError):
    """It is no archive, or one that cannot be unpacked, or holds what is no XML."""


def unfolded(file: IO[bytes], *, plainly: bool = False) -> Iterator[tuple[int, int, int]]:
    """While an archive is gone through: the bytes unpacked, and the cells laid out by the sheets so far, and by the last alone.

    Args:
        file: The archive, of Office or OpenDocument; read from anywhere to anywhere.
        plainly: Whether a sheet that plainly has no more than 64 columns and no more rows than Excel knows is passed over,
            and counted as no cell. It takes a tenth of the time.

    Raises:
        NotXlsxError: It is no archive, cannot be unpacked, or a sheet in it is damaged.

    Examples:
        >>> import io
        >>> file = io.BytesIO()
        >>> with zipfile.ZipFile(file, "w") as archive:
        ...     archive.writestr("xl/worksheets/sheet1.xml", '<row><c r="A1"/><c r="C40"/></row>')
        >>> list(unfolded(file))
        [(34, 120, 120)]
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise NotXlsxError("it is no spreadsheet of the format xlsx.") from None
    unpacked = cells = 0
    for member in members:
        if plainly and _plain(_parts(file, member)):
            continue
        field = _Field()
        for part in _parts(file, member):
            unpacked += len(part)
            field.feed(part)
            yield unpacked, cells + field.cells, field.cells
        cells += field.cells


def _plain(parts: Iterator[bytes]) -> bool:
    """Whether each cell of a sheet says where it is, in the usual way, and that is not far out."""
    rest = b""
    for part in parts:
        data = rest + part
        end = data.rfind(b"<")
        # Without the last tag, which may go on.
        data, rest = data[:end], data[end:]
        if len(rest) > _CHUNK or b"table-" in data or len(_NEAR.findall(data)) != len(_CELL.findall(data)):
            return False
    return _CELL.match(rest) is None and b"table-" not in rest


class _Field:
    """The field that the cells of a sheet span, as its XML comes in; of what is no XML, none."""

    def __init__(self) -> None:
        self._parser: expat.XMLParserType | None = expat.ParserCreate()
        self._parser.StartElementHandler = self._begun
        self._fresh = True
        self._columns: dict[str, int] = {}
        self._row = self._column = self._filled = self._repeats = 0
        self._bottom = self._right = 0

    @property
    def cells(self) -> int:
        return self._bottom * self._right

    def feed(self, part: bytes) -> None:
        """The next bytes."""
        if self._fresh and not part.lstrip().startswith(_MARKS):
            self._parser = None
        self._fresh = False
        if self._parser is not None:
            try:
                self._parser.Parse(part)
            except (expat.ExpatError, LookupError, ValueError):
                # The last two of an encoding that nobody knows, or that is not by single bytes.
                raise NotXlsxError("the spreadsheet is damaged.") from None

    def _begun(self, name: str, attributes: dict[str, str]) -> None:
        # In the order of how often they come: a large sheet has millions of each.
        kind = name if len(name) < 3 else name.rpartition(":")[2]
        if kind == "c":
            self._place(attributes.get("r", ""))
        elif kind == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isascii() and number.isdigit() and len(number) < 20 else self._row + 1
            self._column = 0
        elif kind == "table" and self._parser is not None:
            self._parser.EndElementHandler = self._ended
        elif kind == "table-row":
            self._repeats, self._column, self._filled = _repeated(attributes, "number-rows-repeated"), 0, 0
        elif kind in ("table-cell", "covered-table-cell"):
            self._column += _repeated(attributes, "number-columns-repeated")
            if any(key.endswith("value-type") for key in attributes):
                self._filled = self._column

    def _ended(self, name: str) -> None:
        kind = name.rpartition(":")[2]
        if kind == "table-row":
            self._row += self._repeats
            if self._filled:
                self._bottom, self._right = self._row, max(self._right, self._filled)
        elif kind == "table":
            self._row = 0

    def _place(self, place: str) -> None:
        """A cell of Office: where it says, or else behind the one before it."""
        letters = place.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            # Longer ones than a sheet can have are read as something by some readers; they are far out.
            column = self._columns[letters] = _column_number(letters[:9]) if letters.isascii() and letters.isalpha() else 0
        if column and len(letters) < len(place):
            self._column, self._row = column, int(place[len(letters) :][:18])
        else:
            self._column += 1
        self._bottom = max(self._bottom, self._row)
        self._right = max(self._right, self._column)


def _repeated(attributes: dict[str, str], wanted: str) -> int:
    number = next((value for key, value in attributes.items() if key.endswith(wanted)), "1")
    return min(int(number), _MOST_REPEATS) if number.isascii() and number.isdigit() and len(number) < 20 else 1


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


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number
