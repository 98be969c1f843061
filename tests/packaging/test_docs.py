"""The documentation as a whole: every page is on the site, every link leads somewhere, nothing is stale that can be checked."""

from __future__ import annotations

import argparse
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

import cramprisk
from cramprisk.cli import _parser
from cramprisk.service.command import _parser as serve_parser

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

if not (DOCS / "index.md").is_file():
    pytest.skip("the documentation is not here: these tests need the source tree", allow_module_level=True)

PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
FILES = [*PAGES, *sorted(ROOT.glob("*.md")), *sorted((ROOT / ".github").rglob("*.md"))]
MACHINE_PATH = re.compile(r"(?<![\w.])(/work|/tmp|/root|/home/\w+|/Users/\w+|[A-Z]:\\Users)(?![\w.])")
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:)([^)\s]*)\)")


def site_pages():
    spec = importlib.util.spec_from_file_location("site_pages", DOCS / "site_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(path):
    return str(path.relative_to(ROOT))


@cache
def prose(path):
    """The text without fenced code and comments."""
    shown = re.sub(r"<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"^\s*(`{3,}|~{3,})[^\n]*\n.*?^\s*\1\s*$", "", shown, flags=re.DOTALL | re.MULTILINE)


@cache
def anchors(path):
    """The anchors of a page as they are made of its headings; an included file brings its own."""
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"^```\{include\} (\S+)$", text, flags=re.MULTILINE):
        text += (path.parent / name).read_text(encoding="utf-8")
    found: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*$", text, flags=re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {slug if number == 0 else f"{slug}-{number}" for slug, last in found.items() for number in range(last + 1)}


def test_every_page_is_in_the_navigation_once():
    groups = site_pages().groups
    reached = ["index"]
    for index in (DOCS / "index.md", *DOCS.glob("*/index.md")):
        folder = index.parent.relative_to(DOCS).as_posix()
        pages = [page for _, pages in groups(index.read_text(encoding="utf-8")) for page in pages]
        reached += pages if folder == "." else [f"{folder}/{page}" for page in pages]

    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES}
    assert not pages - set(reached), "these pages need a line in a table of docs/index.md"
    assert not set(reached) - pages, "docs/index.md names pages that are not there"
    assert len(reached) == len(set(reached)), "docs/index.md names a page twice"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_every_link_inside_the_project_leads_somewhere(path):
    broken = []
    for _, _, target in LINK.findall(prose(path)):
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)

    assert not broken


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_no_page_names_a_path_of_somebodys_machine(path):
    assert not MACHINE_PATH.findall(path.read_text(encoding="utf-8"))


def test_every_picture_has_words_for_those_who_do_not_see_it():
    pictures = [(shown(path), words) for path in FILES for mark, words, _ in LINK.findall(prose(path)) if mark]

    assert pictures
    assert not [page for page, words in pictures if len(words) < 20]


def test_no_picture_is_larger_than_it_may_be():
    pictures = [path for path in (DOCS / "images").iterdir() if path.is_file()]

    assert pictures
    assert not [path.name for path in pictures if path.stat().st_size > 200_000]


def test_no_drawing_fetches_anything():
    for path in (DOCS / "images").glob("*.svg"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")

        assert "http" not in text, path.name


def test_every_public_name_is_on_the_page_of_the_code():
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\.\. (?:auto\w+|data):: (\w+)", page, flags=re.MULTILINE)

    assert not set(cramprisk.__all__) - set(documented), "these names need a line in docs/api.md"


def commands(parser, name="cramprisk"):
    """Every command with its parser; that of the service is in a module of its own."""
    if name == "cramprisk serve":
        parser = serve_parser()
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield name, parser
    for action in inner:
        for word, sub in action.choices.items():
            yield from commands(sub, f"{name} {word}")


@pytest.mark.parametrize(("name", "parser"), list(commands(_parser())), ids=lambda value: value if isinstance(value, str) else "")
def test_every_option_is_on_the_page_of_the_command_line(name, parser):
    page = (DOCS / "command_line.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", page, flags=re.MULTILINE)
    section = next((part for part in sections if part.startswith(f"{name}\n")), None)

    assert section is not None, f"docs/command_line.md has no section “## {name}”"
    options = [text for action in parser._actions for text in action.option_strings if text not in ("-h", "--help")]
    assert not [option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", section)]


def test_figures_that_are_said_twice_are_the_same():
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Accuracy and speed")[2].partition("\n## ")[0]
    tables = re.sub(r"^\|.*\n\|[-:|]+$", "", section, flags=re.MULTILINE)  # without their headers
    rows = [line for line in tables.splitlines() if line.startswith("|")]
    pages = "\n".join((DOCS / name).read_text(encoding="utf-8") for name in ("accuracy.md", "speed.md"))

    assert rows
    assert not [row for row in rows if row not in pages]


def test_the_citation_names_the_version_of_the_code():
    said = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert said[1] == cramprisk.__version__
