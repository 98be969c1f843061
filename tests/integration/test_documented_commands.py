"""What the documentation shows of the command line is what the command line prints.

A block of ``console`` holds commands after ``$`` and what they print; a line ``…`` stands for any lines. A block that cannot be
run here is preceded by ``<!-- not run: why -->``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cramprisk.cli import main

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

if not (DOCS / "index.md").is_file():
    pytest.skip("the documentation is not here: these tests need the source tree", allow_module_level=True)

PAGES = [ROOT / "README.md", *sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)]
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n+)?^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILES = {
    "local/drugs.csv": "id,abbreviations\nhydrochlorothiazide,HCT\n",
    "list.txt": "HCTZ 25mg po qd\nfurosemde 40 mg tab\nVentolin HFA 2 puffs prn\namoxycillin 500mg tds (finished)\nHCT 12.5\n",
}
"""The files of which the pages speak."""


def examples():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            if block[1]:
                continue
            line = text[: block.start(2)].count("\n") + 1
            for part in re.split(r"^\$ ", block[2], flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield pytest.param(command, output, id=f"{page.name}:{line}: {command[:40]}")


def plain(text):
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def fits(shown, printed):
    """Whether the printed text is the one shown, with ``…`` for any lines."""
    pattern = r".*?".join(re.escape(part) for part in re.split(r"^…$", plain(shown), flags=re.MULTILINE))
    return re.fullmatch(pattern, plain(printed), flags=re.DOTALL) is not None


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    script = folder / "bin" / "cramprisk"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cramprisk "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder


def printed_by(command, place, monkeypatch):
    """What a command prints: run here when it is cramprisk alone, by a shell when it is more."""
    monkeypatch.chdir(place)
    for name, value in (("COLUMNS", "100"), ("NO_COLOR", "1"), ("PYTHONIOENCODING", "utf-8")):
        monkeypatch.setenv(name, value)
    words = list(shlex.shlex(command, posix=True, punctuation_chars=True))
    if words[0] == "cramprisk" and not any(set(word) <= set("|<>&;") for word in words):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main(shlex.split(command)[1:])
        return out.getvalue()
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    found = os.pathsep.join(filter(None, (str(Path(main.__code__.co_filename).parents[1]), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": found}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, encoding="utf-8", check=False, env=environment)
    return done.stdout


@pytest.mark.parametrize(("command", "shown"), list(examples()))
def test_a_documented_command_prints_what_is_shown(command, shown, place, monkeypatch):
    printed = printed_by(command, place, monkeypatch)

    assert fits(shown, printed), printed


def test_what_is_shown_must_be_printed():
    assert fits("one\n…\nfour\n", "one\ntwo\nthree\nfour\n")
    assert not fits("one\nfour\n", "one\ntwo\nthree\nfour\n")
