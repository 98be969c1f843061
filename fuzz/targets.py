"""What must hold for any bytes. A target takes bytes and raises if a promise is broken; it needs no fuzzer to run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cramprisk.checker import Checker, load_tables
from cramprisk.errors import CrampRiskError, TableError
from cramprisk.model import Kind, Match, Status
from cramprisk.tables import LAYOUT, VERSION_FILE, tables_from, write_tables
from fuzz.changes import spliced
from fuzz.targets_fhir import fhir, hooks
from fuzz.targets_files import files

__all__ = ["TARGETS"]


def text(data: bytes) -> None:
    """Reading never raises, points into the text, and always says what was not understood."""
    kind = Kind.CONDITION if data[:1] < b"\x80" else Kind.DRUG
    given = data[1:].decode("utf-8", "surrogateescape" if data[1:2] < b"\x10" else "replace")
    checker = Checker.default()
    match = checker.normalize(given, kind)
    _holds(match, given)
    entries = checker.split(given, kind)
    assert sum(map(str.isalpha, given)) == sum(map(str.isalpha, "".join(entries))), "splitting lost a letter"
    report = checker.check([given], []) if kind is Kind.DRUG else checker.check([], [given])
    json.loads(report.to_json())
    assert report.complete == all(one.complete for one in report.matches)
    for page in (report.to_text(), report.to_html()):
        assert page
    assert checker.normalize(given, kind) == match, "a second reading differs"


def _holds(match: Match, given: str) -> None:
    assert match.text == given
    assert (match.status is Status.MATCHED) == bool(match.mentions)
    if match.status in (Status.AMBIGUOUS, Status.UNRECOGNISED):
        assert match.not_understood, "an unresolved entry does not say what was not understood"
    for mention in match.mentions:
        assert 0 <= mention.start < mention.end <= len(given)
        assert given[mention.start : mention.end].strip() == mention.matched_text.strip()
        assert 0 <= mention.score <= 100
        assert mention.concepts


@cache
def _small_folder() -> Path:
    """A sound folder of tables with a row or two in each file."""
    rows = {
        "drugs.csv": [
            {
                "id": "furosemide",
                "name": "furosemide",
                "synonyms": "frusemide",
                "brands": "Lasix",
                "drug_class": "loop-diuretics",
            },
            {"id": "quinine", "name": "quinine", "abbreviations": "QN"},
        ],
        "combinations.csv": [{"id": "furosemide+quinine", "ingredients": "furosemide|quinine", "brands": "Furoquin"}],
        "drug_classes.csv": [{"id": "loop-diuretics", "name": "loop diuretics", "synonyms": "loop diuretic"}],
        "conditions.csv": [
            {"id": "diabetes", "name": "diabetes mellitus", "kind": "disease", "icd10cm": "E11"},
            {"id": "gout", "name": "gout", "kind": "disease"},
        ],
        "associations.csv": [
            {
                "id": "furosemide-one",
                "subject_kind": "drug",
                "subject": "furosemide",
                "direction": "increases",
                "grade": "B",
                "outcome": "leg cramps",
                "measure": "odds ratio",
                "value": "1.5",
                "ci_low": "1.1",
                "ci_high": "2.0",
                "source": "one",
                "reviewed": "2026-11-01",
            }
        ],
        "interactions.csv": [{"id": "both", "subjects": "furosemide|quinine", "effect": "matter together", "source": "one"}],
        "sources.csv": [{"id": "one", "kind": "article", "citation": "One 2020", "year": "2020", "pmid": "1"}],
        "ambiguous_names.csv": [{"name": "QX", "kind": "drug", "meanings": "furosemide|quinine"}],
        "words.csv": [{"word": "mg", "kind": "unit"}],
        "common_names.csv": [{"name": "furosemide", "kind": "medicine"}],
    }
    folder = Path(tempfile.mkdtemp(prefix="cramprisk-fuzz-"))
    write_tables(tables_from(rows, "2026.11.0"), folder)
    for index in folder.glob("*.idx"):
        index.unlink()
    return folder


def tables(data: bytes) -> None:
    """A folder whose files hold anything is refused with a :class:`TableError` or can be used."""
    files = [*LAYOUT, VERSION_FILE]
    name = files[data[0] % len(files)] if data else files[0]
    sound = (_small_folder() / name).read_bytes() if (_small_folder() / name).exists() else b""
    changed = spliced(sound, data[1:])
    with tempfile.TemporaryDirectory(prefix="cramprisk-fuzz-") as scratch:
        folder = Path(scratch)
        for path in _small_folder().iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / name).write_bytes(changed)
        _usable_or_refused(lambda: Checker(load_tables(folder)))
        for path in folder.iterdir():
            path.unlink()
        (folder / name).write_bytes(changed)
        _usable_or_refused(lambda: Checker(load_tables(_small_folder(), extra=folder)))


def _usable_or_refused(make: Callable[[], Checker]) -> None:
    try:
        checker = make()
    except TableError as error:
        assert error.problems
        return
    except CrampRiskError:
        return
    json.loads(checker.check(["furosemide 40, quinin", "QX"], ["diabetes"]).to_json())


TARGETS: dict[str, Callable[[bytes], None]] = {"text": text, "tables": tables, "files": files, "fhir": fhir, "hooks": hooks}
"""The targets by name."""
