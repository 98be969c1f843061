"""Cells that a spreadsheet would run as a formula, guarded with an apostrophe, and the way back.

The characters are those of the OWASP page on CSV injection. A plain number ("-5", "+1.5e3") and a lone sign are left
alone: they cannot run anything, and an apostrophe would make text of them.
"""

from __future__ import annotations

import re

__all__ = ["guarded", "unguarded"]

# Apostrophes in front are counted in, so that the guard can be taken off again.
_RUNS = re.compile(r"'*[=+\-@\t\r]")
_PLAIN = re.compile(r"([+-]?[0-9][0-9.,]*([eE][+-]?[0-9]+)?%?|[+-]+)\Z")
_GUARDED = re.compile(r"''*[=+\-@\t\r]")


def guarded(cell: str) -> str:
    """A cell that a spreadsheet does not run as a formula.

    Examples:
        >>> guarded("=1+1"), guarded("-5"), guarded("- 5 mg"), guarded("Lasix")
        ("'=1+1", '-5', "'- 5 mg", 'Lasix')
    """
    return f"'{cell}" if cell and _RUNS.match(cell) and not _PLAIN.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before :func:`guarded`.

    Examples:
        >>> unguarded(guarded("=1+1")), unguarded("'tis")
        ('=1+1', "'tis")
    """
    return cell[1:] if _GUARDED.match(cell) else cell
