"""Makes a site of pages that are written to be read in the source tree too.

A page joins the site by one line in a table of ``docs/index.md``, ``| [Title](page.md) | … |``: the navigation is made of
these tables, a group for each heading. The pages themselves hold no markup for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname, join, normpath, relpath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sphinx.application import Sphinx

PAGES = {
    "CHANGELOG.md": "docs/changelog.md",
    "CONTRIBUTING.md": "docs/contributing.md",
    "LICENSE": "docs/notice.md",
    "NOTICE": "docs/notice.md",
    "README.md": "docs/index.md",
    "SECURITY.md": "docs/security.md",
}
"""Files beside ``docs`` that have a page on the site."""

_HEADING = re.compile(r"^#{2,}\s+(.+?)\s*$")
_ROW = re.compile(r"^\|\s*\[[^\]]+\]\(([^)#\s]+)\.md\)")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?![a-z]+:)([^)#\s]+)(#[^)\s]*)?\)")


def groups(index: str) -> list[tuple[str, list[str]]]:
    r"""The pages that the tables of an index name, by the heading above them.

    Args:
        index: The text of an index page.

    Returns:
        Headings in their order, each with the pages (no ending) of its tables; headings without pages are left out.

    Examples:
        >>> groups("# All\n\n## How to\n\n| page | what |\n|---|---|\n| [Lists](lists.md) | reads [a](b.md) |\n\n## Words\n")
        [('How to', ['lists'])]
    """
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in index.splitlines():
        heading, row = _HEADING.match(line), _ROW.match(line)
        if heading:
            found.append((heading[1], []))
        elif row:
            found[-1][1].append(row[1])
    return [(heading, pages) for heading, pages in found if pages]


def navigation(index: str) -> str:
    """The hidden navigation of an index: one list of pages for each group."""
    return "".join(
        "\n```{toctree}\n:hidden:\n" + f":caption: {heading}\n" * bool(heading) + "\n" + "\n".join(pages) + "\n```\n"
        for heading, pages in groups(index)
    )


def on_site(text: str, folder: str, page_folder: str) -> str:
    """A text whose links stay on the site.

    A link to a file that has a page leads to that page; one to any other file outside ``docs`` becomes its path in words.

    Args:
        text: The text, with links as they work in the source tree.
        folder: The folder of the file that holds the text, from the root of the source tree.
        page_folder: The folder of the page that shows it; another one when a page includes a file.

    Examples:
        >>> on_site("See [how](../CONTRIBUTING.md#tests), [grades](evidence.md), [a list](../examples/a.txt).", "docs", "docs")
        'See [how](contributing.md#tests), [grades](evidence.md), a list (`examples/a.txt` in the source tree).'
        >>> on_site("See [names](docs/tables.md#names).", "", "docs")
        'See [names](tables.md#names).'
    """

    def one(link: re.Match[str]) -> str:
        title, anchor = link[1], link[3] or ""
        path = normpath(join(folder, link[2]))
        path = PAGES.get(path, path)
        if path.startswith("docs/"):
            return f"[{title}]({relpath(path, page_folder)}{anchor})"
        return f"{title} (`{path}` in the source tree)"

    return "".join(_LINK.sub(one, part) if prose else part for prose, part in _parts(text))


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """The page in order, fenced code apart from prose: in code nothing is a link."""
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
            yield False, line
        elif mark and mark[1].startswith(fence):
            fence = ""
            yield False, line
        else:
            yield not fence, line


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    folder = join("docs", dirname(page)).rstrip("/")
    source[0] = on_site(source[0], folder, folder)
    if basename(page) == "index":
        source[0] += navigation(source[0])


def _include(app: Sphinx, path: Path, page: str, source: list[str]) -> None:
    """Files of the root of the source tree are the only ones that pages include."""
    source[0] = on_site(source[0], "", join("docs", dirname(page)).rstrip("/"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Joins the build of the site."""
    app.connect("source-read", _read)
    app.connect("include-read", _include)
    return {"version": "1", "parallel_read_safe": True}
