"""Fixtures and strategies that several folders of tests share."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bench.accuracy import corpora_folder
from cramprisk.checker import Checker
from cramprisk.model import Match

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
# The same few examples for every mutant (tests/mutants.py); chosen with --hypothesis-profile.
settings.register_profile("mutants", settings.get_profile("default"), max_examples=25, derandomize=True, database=None)
settings.load_profile("default")

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[dict[str, str]]:
    """The rows of a file of cases."""
    with (CASES / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def identifier(*words: str) -> str:
    """The words as the id of a test, in plain ASCII.

    An id with a backslash is escaped once more by each collection in one process, and the mutants' tests are not found again.
    """
    return " ".join(words).encode("ascii", "replace").decode().replace("\\", "|")


def said(match: Match) -> set[str]:
    """The concepts of a match with their qualifiers, as the cases write them: ``diabetes:negated``."""
    return {
        f"{concept}:{mention.qualifier.value}" if mention.qualifier else concept
        for mention in match.mentions
        for concept in mention.concepts
    }


@pytest.fixture(scope="session")
def checker() -> Checker:
    return Checker.default()


@pytest.fixture(scope="session")
def corpora() -> Path:
    folder = corpora_folder()
    if folder is None:
        pytest.skip("the development lists are not here: put them in ../shared/corpora or name the folder in CRAMPRISK_CORPORA")
    return folder
