"""A real browser for the tests of pages: the Chromium of this machine, never one that is fetched, and axe-core.

``tests/browser/install.sh`` puts in what is missing; ``make test`` runs it. A test that lacks one of them is skipped and
says which.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
