"""The notebooks of the documentation run from their first cell to their last, and are kept without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))

if not NOTEBOOKS:
    pytest.skip("the notebooks are not here: these tests need the source tree", allow_module_level=True)


def cells(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    absent = [name for name in ("nbmake", "ipykernel", "matplotlib") if find_spec(name) is None]
    if absent:
        pytest.skip(f"the notebook is not run here: {', '.join(absent)} not installed")
    # A process of its own: the tests' own settings (every warning an error, doctests) are not those of a notebook.
    command = [sys.executable, "-m", "pytest", "--nbmake", "--nbmake-timeout=200", "--nbmake-kernel=python3"]
    own = ["-c", os.devnull, "--rootdir", str(tmp_path), "-p", "no:cacheprovider", "-q", str(path)]
    # No settings of the user's own notebooks; the package is that of this tree.
    folders = {name: str(tmp_path / name) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR")}
    environment = {**os.environ, **folders, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}

    done = subprocess.run([*command, *own], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)

    assert done.returncode == 0, done.stdout[-4000:]
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    # Outputs change with the tables, and a picture in a difference says nothing.
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells(path))
