"""Installs what was built into empty environments, offline, and tests it there: ``make wheeltest``.

What the packages need is downloaded first; from then on pip may ask no index. Three environments are made of the newest
``dist/*.whl`` and ``dist/*.tar.gz``:

bare
    the wheel with what it requires and nothing else: the README's examples and a first command.
source
    the same of the source package, which is built there.
tests
    the wheel with its extras (without spark) and the test tools: the tests, in a copy of the tree that has no code.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = "xlsx,parquet,zst,polars,duckdb,service"
TEST_TOOLS = ["pytest>=8", "pytest-xdist>=3.5", "hypothesis>=6.100", "jsonschema>=4.18", "httpx>=0.27", "fhir.resources>=8"]
TREE = ["tests", "bench", "fuzz", "docs", "examples", "data", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff",
        "LICENSE", "NOTICE", ".github"]  # fmt: skip
CONFIGURATION = """\
[pytest]
addopts = --doctest-glob=*.md --strict-markers -ra --ignore=docs/_build -p no:cacheprovider
filterwarnings = error
"""
FIRST_COMMANDS = (
    ["--version"],
    ["check", "HCTZ 25mg", "furosemde 40", "HCT 12.5"],
    ["tables", "check"],
)


def run(command: list[str | Path], folder: Path) -> None:
    """Run a command outside the source tree, and stop at the first that fails."""
    words = [str(word) for word in command]
    print("$", *words, flush=True)
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run(words, cwd=folder, check=True, env={**outside, "COLUMNS": "100", "NO_COLOR": "1"})


def environment(folder: Path, wheelhouse: Path, *packages: str) -> Path:
    """A new environment with these packages, installed without an index.

    Returns:
        Its Python.
    """
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    offline = ["-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    run([python, *offline, "--find-links", wheelhouse, *packages], folder)
    run([python, "-m", "pip", "--isolated", "--disable-pip-version-check", "check"], folder)
    return python


def newest(pattern: str) -> Path:
    """The package that was built last."""
    built = sorted((ROOT / "dist").glob(pattern), key=lambda path: path.stat().st_mtime)
    if not built:
        sys.exit(f"dist/{pattern} is not there. Run: make wheel")
    return built[-1]


def try_out(python: Path, folder: Path) -> None:
    """The first commands and the README's examples, where the source tree is not."""
    folder.mkdir()
    for arguments in FIRST_COMMANDS:
        run([python.parent / "cramprisk", *arguments], folder)
    shutil.copy(ROOT / "README.md", folder)
    run([python, "-W", "error", "-m", "doctest", "README.md"], folder)
    print("README.md: its examples run", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tests", nargs="*", default=["tests", "README.md", "docs"], help="what pytest runs")
    chosen = parser.parse_args().tests
    wheel, source = newest("*.whl"), newest("*.tar.gz")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        wheelhouse = place / "wheelhouse"
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", wheelhouse]
        run([*download, f"{wheel}[{EXTRAS}]", *TEST_TOOLS, "hatchling>=1.26"], place)
        shutil.copy(source, wheelhouse)

        try_out(environment(place / "bare", wheelhouse, str(wheel)), place / "of-the-wheel")
        try_out(environment(place / "source", wheelhouse, str(source)), place / "of-the-source")

        python = environment(place / "tests", wheelhouse, f"{wheel}[{EXTRAS}]", *TEST_TOOLS)
        tree = place / "project" / "tree"
        for part in TREE:
            if (ROOT / part).is_dir():
                shutil.copytree(
                    ROOT / part,
                    tree / part,
                    ignore=shutil.ignore_patterns("__pycache__", "_build", "corpus", "findings", "node_modules"),
                )
            else:
                shutil.copy(ROOT / part, tree / part)
        (tree / "pytest.ini").write_text(CONFIGURATION, encoding="utf-8")
        if (ROOT.parent / "shared").exists():
            (tree.parent / "shared").symlink_to((ROOT.parent / "shared").resolve())
        run([python, "-m", "pytest", "-q", "-n", "2", *chosen], tree)
    print(f"{wheel.name} and {source.name}: installed offline, tried out, tested", flush=True)


if __name__ == "__main__":
    main()
