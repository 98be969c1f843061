"""Names in one block of text, sorted, with what belongs to each: ready for look-up as soon as the bytes are read.

A short list of medicines asks for a hundred names out of a hundred thousand; to build a dictionary for that would take
longer than the whole run. A column of a data frame asks millions of times; then the dictionary is built.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from cramprisk.errors import VocabularyError

__all__ = ["Block", "NamesByLength", "SortedNames", "mapped", "pack", "unpack", "whole"]


class Block(NamedTuple):
    """Part of a file that is mapped into memory: only what is looked at is read."""

    buffer: bytes | mmap.mmap
    start: int
    end: int

    def content(self) -> bytes:
        """The bytes of the part."""
        return self.buffer[self.start : self.end]


def whole(content: bytes) -> Block:
    """Bytes as a block."""
    return Block(content, 0, len(content))


class SortedNames:
    """An immutable mapping from names to values, held as ``name TAB values`` lines sorted by name.

    Args:
        block: As :meth:`block_of` makes it.
    """

    _ASKED_BEFORE_DICT = 2_000

    def __init__(self, block: Block | None = None) -> None:
        self._block = block or whole(b"")
        self._asked = 0
        self._dict: dict[str, str] | None = None

    @staticmethod
    def block_of(pairs: Iterable[tuple[str, str]]) -> bytes:
        """The block of some names and values; a name may come more than once. Neither holds a tab or line end."""
        merged: dict[str, dict[str, None]] = {}
        for name, value in pairs:
            merged.setdefault(name, {})[value] = None
        lines = ((name.encode("utf-8"), " ".join(values).encode("utf-8")) for name, values in merged.items())
        return b"".join(b"%b\t%b\n" % line for line in sorted(lines))

    def get(self, name: str) -> str | None:
        """The values of a name, spaces between them, or None."""
        if self._dict is None:
            self._asked += 1
            if self._asked <= self._ASKED_BEFORE_DICT:
                return self._bisected(name.encode("utf-8", "surrogatepass"))
            self._dict = dict(self)
        return self._dict.get(name)

    def get_all(self, name: str) -> list[str]:
        """The values of a name, in order; none for an unknown one."""
        found = self.get(name)
        return found.split(" ") if found else []

    def _bisected(self, name: bytes) -> str | None:
        buffer, low, high = self._block
        while low < high:
            middle = (low + high) // 2
            start = buffer.rfind(b"\n", low, middle) + 1 or low
            tab = buffer.find(b"\t", start)
            here = buffer[start:tab]
            if here == name:
                return buffer[tab + 1 : buffer.find(b"\n", tab)].decode("utf-8")
            if here < name:
                low = buffer.find(b"\n", tab) + 1
            else:
                high = start
        return None

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for line in self._block.content().decode("utf-8").split("\n")[:-1]:
            name, _, values = line.partition("\t")
            yield name, values

    def __len__(self) -> int:
        return self._block.content().count(b"\n")


class NamesByLength:
    """Names grouped by their number of letters; a group is read when it is asked for.

    Args:
        block: As :meth:`block_of` makes it.
    """

    def __init__(self, block: Block | None = None) -> None:
        self._block = block or whole(b"")
        self._read: dict[int, list[str]] = {}

    @staticmethod
    def block_of(names: Iterable[str]) -> bytes:
        """The block of some names: a line for each length from 0 on, the names in their order with bars between them."""
        groups: dict[int, list[str]] = {}
        for name in sorted(set(names)):
            groups.setdefault(len(name), []).append(name)
        return "\n".join("|".join(groups.get(length, ())) for length in range(max(groups, default=0) + 1)).encode("utf-8")

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._block.content().split(b"\n")

    @property
    def longest(self) -> int:
        """The number of letters of the longest name."""
        return len(self._lines) - 1

    def count(self, length: int) -> int:
        """How many names have so many letters."""
        line = self._lines[length] if 0 <= length < len(self._lines) else b""
        return line.count(b"|") + 1 if line else 0

    def of_length(self, length: int) -> list[str]:
        """The names with so many letters, sorted."""
        known = self._read.get(length)
        if known is None:
            line = self._lines[length] if 0 <= length < len(self._lines) else b""
            known = self._read[length] = line.decode("utf-8").split("|") if line else []
        return known

    def __iter__(self) -> Iterator[str]:
        for length in range(len(self._lines)):
            yield from self.of_length(length)


def pack(mark: str, blocks: Mapping[str, bytes]) -> bytes:
    """One file of several blocks, begun by a line with a mark and the size of each block in bytes.

    The first block begins at a multiple of eight bytes.
    """
    sizes = " ".join(f"{name}={len(block)}" for name, block in blocks.items())
    head = f"{mark} {sizes}".encode()
    return b"".join((head, b" " * (-(len(head) + 1) % 8), b"\n", *blocks.values()))


def mapped(path: Path) -> bytes | mmap.mmap:
    """The content of a file, read where it is looked at.

    Raises:
        OSError: It cannot be read.
    """
    # A mapped file cannot be replaced on Windows, and an empty one cannot be mapped.
    if os.name == "nt" or not path.stat().st_size:
        return path.read_bytes()
    with path.open("rb") as handle:
        return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)


def unpack(content: bytes | mmap.mmap, mark: str) -> dict[str, Block]:
    """The blocks of a file that :func:`pack` made with this mark.

    Raises:
        VocabularyError: It is another file, or not whole.
    """
    start = content.find(b"\n") + 1
    head = content[: max(0, start - 1)]
    if not head.startswith(mark.encode() + b" "):
        raise VocabularyError("does not begin as a file of this version does. Make it anew.")
    blocks: dict[str, Block] = {}
    for part in head[len(mark) :].decode("ascii", "replace").split():
        name, _, size = part.rpartition("=")
        end = start + int(size) if size.isdigit() else -1
        blocks[name] = Block(content, start, end)
        start = end
    if start != len(content):
        raise VocabularyError("is not whole. Make it anew.")
    return blocks
