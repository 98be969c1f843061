"""What several of these tests begin with."""

from __future__ import annotations

import pytest

from cramprisk.cli import main


@pytest.fixture
def run(capsys):
    """``cramprisk scan`` of a column named drug: the exit code, and what was said."""

    def scan(*arguments):
        code = main(["scan", *map(str, arguments), "--drug", "drug"])
        return code, capsys.readouterr().err

    return scan
