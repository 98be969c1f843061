"""A real browser for the tests of pages: the Chromium of this machine, never one that is fetched, and axe-core.

``tests/browser/install.sh`` puts in what is missing; ``make test`` runs it. A test that lacks one of them is skipped and
says which.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.checks import DESKTOP

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    # Of one module, not of the session: while it runs, no other test of this process could start an event loop.
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test installs it")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine: install it (on Debian: apt-get install chromium)")
    with api.sync_playwright() as playwright:
        # A container's root has no user namespace to build the sandbox from; the pages are our own.
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core."""
    if not AXE.is_file():
        pytest.skip("axe-core is not here: tests/browser/install.sh installs it (it needs npm)")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address in a window of its own kind, and notes what the page asks for (`asked`) and complains of (`said`).

    A window is used again by the next test that wants one like it, since a new one takes a second: the page is loaded anew.
    """
    windows: dict[str, Any] = {}

    def open_page(address: str, **options: Any) -> Any:
        kind = repr(sorted(options.items()))
        if kind not in windows:
            context = browser.new_context(**{"viewport": DESKTOP, **options})
            context.set_default_timeout(30_000)
            page = windows[kind] = context.new_page()
            page.asked, page.said = [], []
            page.on("request", lambda request: page.asked.append(request.url))
            page.on("console", lambda message: page.said.append(message.text))
            page.on("pageerror", lambda error: page.said.append(str(error)))
        page = windows[kind]
        page.context.set_offline(False)
        page.unroute_all()
        page.emulate_media(media="null")
        page.goto("about:blank")
        page.asked.clear()
        page.said.clear()
        page.goto(address)
        return page

    yield open_page
    for page in windows.values():
        page.context.close()
