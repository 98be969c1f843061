"""What is found out from the beginning of a text file: its line ends, its delimiter, whether it has a header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from cramprisk.files.records import Dialect, records

__all__ = ["NO_DELIMITER", "delimiter_words", "dialect_of", "has_header"]

NO_DELIMITER = b"\x1f"
"""Stands in for a delimiter in a file of one column."""

_DELIMITERS = (b",", b";", b"\t", b"|")
_WORDS = {b",": "comma", b";": "semicolon", b"\t": "tab", b"|": "bar", NO_DELIMITER: "none"}
_LINES = 200
_VALUE = re.compile(r"[+-]?[\d.,:/ -]*\d[\d.,:/ T-]*Z?|true|false|yes|no|na|null|none", re.IGNORECASE)


def delimiter_words(delimiter: bytes) -> str:
    """The delimiter in words.

    Examples:
        >>> delimiter_words(b";")
        'semicolon'
    """
    return _WORDS.get(delimiter, repr(delimiter.decode("latin-1")))


def dialect_of(sample: bytes, *, final: bool, delimiter: bytes | None = None) -> Dialect:
    r"""Line ends and delimiter of a text.

    The delimiter is that with which most lines have as many cells as the first.

    Args:
        sample: The beginning, in UTF-8.
        final: Whether that is all there is.
        delimiter: Known already.

    Examples:
        >>> dialect_of(b"id;drug\n1;Estrogens, conjugated\n2;hctz\n", final=True).delimiter
        b';'
    """
    cr_only = b"\r" in sample and b"\n" not in sample
    if delimiter is not None:
        return Dialect(delimiter, cr_only)
    best, chosen = (0.0, 0), NO_DELIMITER
    for mark in _DELIMITERS:
        if mark not in sample:
            continue
        widths = []
        for record, _ in records(sample, Dialect(mark, cr_only), 1, 0, final=final):
            if record.cells != [""]:
                widths.append(len(record.cells))
            if len(widths) == _LINES:
                break
        if not widths:
            # Not even the first line ends within the sample.
            widths = [sample.count(mark) + 1]
        share = Counter(widths)[widths[0]] / len(widths)
        if widths[0] > 1 and (share, widths[0]) > best:
            best, chosen = (share, widths[0]), mark
    return Dialect(chosen, cr_only)


def has_header(
    rows: Sequence[Sequence[str]], wanted: Sequence[str], is_entry: Callable[[Sequence[str]], bool] | None = None
) -> bool:
    """Whether the first row names the columns.

    Args:
        rows: The first rows.
        wanted: Names of columns that the user gave.
        is_entry: Says of the first row whether one of its cells is known as a medicine or condition.

    Examples:
        >>> has_header([["id", "drug"], ["1", "hctz"]], []), has_header([["1", "hctz"], ["2", "lasix"]], [])
        (True, False)
    """
    first = [cell.strip() for cell in rows[0]]
    folded = {cell.casefold() for cell in first}
    if any(name.strip().casefold() in folded for name in wanted):
        return True
    filled = [cell for cell in first if cell]
    if not filled or any(_VALUE.fullmatch(cell) for cell in filled):
        return False
    if is_entry is not None and is_entry(first):
        return False
    # A name that comes again below it in its column is a value.
    return not any(
        cell and any(len(row) > index and row[index].strip() == cell for row in rows[1:]) for index, cell in enumerate(first)
    )
