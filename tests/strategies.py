"""Hypothesis strategies: texts as people and machines write them."""

from __future__ import annotations

from hypothesis import strategies as st

from cramprisk.model import Kind, Method
from cramprisk.names import names_of
from cramprisk.tables import read_tables

_TABLES = read_tables()
NAMES = {kind: sorted({name.text for name in names_of(_TABLES, kind) if name.method is not Method.ABBREVIATION}) for kind in Kind}
DOSES = (
    "",
    " 20 mg",
    " 40mg po qd",
    " 5 MG Oral Tablet",
    " tab",
    " 1 tablet twice daily",
    " (tablets)",
    "  10 mg/5 ml syrup",
    ", 25 mg",
)


def kinds() -> st.SearchStrategy[Kind]:
    return st.sampled_from(list(Kind))


def names(kind: Kind) -> st.SearchStrategy[str]:
    return st.sampled_from(NAMES[kind])


def texts() -> st.SearchStrategy[str]:
    """Anything: names with odds and ends, and plain rubbish with every code point, lone surrogates included."""
    rubbish = st.text(st.characters(codec=None), max_size=80)
    signs = st.sampled_from(
        [" ", ", ", "; ", " / ", "+", " - ", "? ", " no ", " h/o ", "\n", "\t", "\0", "(", ")", "d/c ", "|", "'"]
    )
    words = st.one_of(names(Kind.DRUG), names(Kind.CONDITION), rubbish, signs)
    return st.one_of(rubbish, st.lists(words, max_size=6).map("".join))
