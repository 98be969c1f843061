"""The wheel holds what it must, and works where the source tree is not."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("the source tree is not here: the wheel cannot be built")
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return next(out.glob("*.whl"))


def test_the_wheel_holds_the_code_the_tables_and_the_index(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    for path in (ROOT / "cramprisk").rglob("*.py"):
        assert path.relative_to(ROOT).as_posix() in names
    for path in (ROOT / "cramprisk" / "service" / "static").iterdir():
        assert f"cramprisk/service/static/{path.name}" in names
    for path in (ROOT / "data").glob("*.csv"):
        assert f"cramprisk/data/{path.name}" in names
    assert {
        "cramprisk/py.typed",
        "cramprisk/report.schema.json",
        "cramprisk/data/VERSION",
        "cramprisk/data/drug_names.idx",
    } <= names
    assert not [name for name in names if name.startswith(("tests", "bench", "data/"))]


def test_the_wheel_works_outside_the_checkout(wheel, tmp_path):
    place = tmp_path / "empty"
    venv.create(place, with_pip=False, system_site_packages=False)
    python = place / "bin" / "python"
    site = next((place / "lib").glob("python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # The dependencies of this environment serve the other one too: nothing is fetched.
    here = next(path for path in sys.path if path.endswith("site-packages"))
    for name in ("rapidfuzz", "rich", "markdown_it", "mdurl", "pygments"):
        if (Path(here) / name).exists():
            (site / name).symlink_to(Path(here) / name)
    code = (
        "import cramprisk, cramprisk.tables as t; print(t.data_folder()); "
        "print([f.subject.id for f in cramprisk.check(['furosemdie 40', 'Ventolin']).risks]); "
        "print(cramprisk.load_tables().checked)"
    )
    done = subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True, env={**os.environ, "PYTHONPATH": ""}
    )

    folder, risks, checked = done.stdout.splitlines()
    assert folder.startswith(str(site))
    assert risks == "['furosemide', 'salbutamol']"
    assert checked == "True"
