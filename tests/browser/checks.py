"""What the tests in a browser look at on a page."""

from __future__ import annotations

import re
from typing import Any

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}


def violations(page: Any, axe: str) -> list[str]:
    """What axe-core objects to on a page, one line each; best practices count."""
    # Evaluated by the debugger, not loaded by the page: the page's own policy stays in force.
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['target']} {node['html'][:120]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def pages_of(pdf: bytes) -> int:
    """How many pages a PDF of Chromium has."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def overflow(page: Any) -> int:
    """By how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
