"""Text of other people inside Markdown: it shows as it is and does nothing."""

from __future__ import annotations

import re

from cramprisk.report import plain

__all__ = ["escaped", "link"]

_ESCAPES = str.maketrans(
    {
        # As entities, so that a client that shows the Markdown without reading it lets no HTML through either.
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        # Without brackets there is no link and no image, without the others no emphasis, code, table or fence.
        **{sign: f"\\{sign}" for sign in "\\`*_[]~|"},
    }
)
# What makes a heading, a list or a rule does so at the beginning only.
_FIRST = re.compile(r"([#+=-])|([0-9]+)([.)])")
# GFM makes links of bare addresses. A space of no width is seen by nobody and stops that.
_BREAK = "\u200b"
_ADDRESSES = re.compile(r":/|www|@", re.IGNORECASE)


def escaped(text: str, limit: int = 200) -> str:
    r"""Text in one line of Markdown, with nothing in it that Markdown or HTML acts on.

    Args:
        text: Any text; control and direction characters become spaces.
        limit: Characters of it to show.

    Examples:
        >>> print(escaped("Lasix <b>40</b> [x](javascript:alert(1))"))
        Lasix &lt;b&gt;40&lt;/b&gt; \[x\]\(javascript:alert(1))
        >>> print(escaped("# HCTZ"), escaped("1. HCTZ"))
        \# HCTZ 1\. HCTZ
    """
    shown = _ADDRESSES.sub(lambda found: f"{found[0]}{_BREAK}", plain(text, limit).translate(_ESCAPES)).replace("](", "]\\(")
    first = _FIRST.match(shown)
    if first is None:
        return shown
    return f"{first[2] or ''}\\{shown[len(first[2] or '') :]}"


def link(label: str, url: str) -> str:
    """A link in Markdown; `url` is one of our own making, already quoted.

    Examples:
        >>> link("PMID 22237140", "https://pubmed.ncbi.nlm.nih.gov/22237140/")
        '[PMID 22237140](https://pubmed.ncbi.nlm.nih.gov/22237140/)'
    """
    return f"[{escaped(label)}](<{url}>)" if any(sign in url for sign in "() ") else f"[{escaped(label)}]({url})"
