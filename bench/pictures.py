"""Draws the pictures of the README from what the program really prints.

    python -m bench.pictures

``docs/images/terminal.svg`` is a terminal with a checked list, ``docs/images/report.png`` the top of its page as chromium
shows it. Chromium is looked for as ``chromium``, ``chromium-browser`` and ``google-chrome``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from cramprisk import check

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
DRUGS = ["HCTZ 25mg po qd", "furosemde 40 mg tab", "warfarin 3 mg", "HCT 12.5"]
CONDITIONS = ["restless legs"]
WIDTH = 96


def terminal() -> str:
    """The drawing of a terminal after ``cramprisk check``."""
    shown = " ".join(f'"{text}"' for text in DRUGS) + "".join(f' -c "{text}"' for text in CONDITIONS)
    arguments = [*DRUGS, *(part for text in CONDITIONS for part in ("-c", text))]
    # A terminal is asked for its colours only if it is one: script gives the program a terminal of its own.
    command = " ".join(f"'{part}'" for part in (sys.executable, "-m", "cramprisk", "check", *arguments))
    environment = {**os.environ, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", command, "/dev/null"],
        capture_output=True, text=True, encoding="utf-8", check=True, env=environment,
    )  # fmt: skip
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.assemble(("$ ", "bold"), f"cramprisk check {shown}"))
        console.print(Text.from_ansi(done.stdout.replace("\r\n", "\n").rstrip()))
        drawing = console.export_svg(title="cramprisk", theme=MONOKAI, unique_id="cramprisk")
    # rich names a font of the web: the drawing is to fetch nothing and takes the reader's own.
    drawing = re.sub(r"@font-face \{.*?\}\n", "", drawing, flags=re.DOTALL)
    drawing = drawing.replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono")
    drawing = re.sub(r"<!--.*?-->", "", drawing, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in drawing.splitlines()) + "\n"


def page(to: Path) -> None:
    """Write the picture of the top of the page of the same list."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("chromium was not found: the picture of the page is not drawn")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(check(DRUGS, CONDITIONS).to_html(), encoding="ascii")
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--blink-settings=preferredColorScheme=1",
                "--window-size=900,940", f"--screenshot={to}", file.as_uri(),
            ],
            check=True, capture_output=True,
        )  # fmt: skip


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "terminal.svg").write_text(terminal(), encoding="utf-8")
    page(IMAGES / "report.png")
    for name in ("terminal.svg", "report.png"):
        print(f"docs/images/{name}: {(IMAGES / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
