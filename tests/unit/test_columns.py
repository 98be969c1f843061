"""What the cells of a column say does not hang on how they are read: together, kept, by shape or in several processes."""

from __future__ import annotations

import csv
import io
import pickle
import random
import sys
from types import SimpleNamespace

import pytest

from cramprisk import reading_processes
from cramprisk.cells import Alike, read_alike, read_cell, read_matches
from cramprisk.checker import Checker
from cramprisk.columns import readings
from cramprisk.model import Kind
from cramprisk.reading_processes import in_processes, processes_worth, serve
from cramprisk.shapes import Shapes
from tests.strategies import NAMES

PLAIN = [
    "40 mg",
    "20 MG Oral Tablet",
    "5mg tab po bid",
    "100 MG/ML",
    "81 mg",
    "1%",
    "2 puffs",
    "",
    "10 mg [Lasix]",
    "500 / 125 mg",
]
SAID = ["stopped", "? 20 mg", "(Teva UK Ltd)", "rxcui 4603", "free", "1,000 mg", "no 3", "plus 20 mg", "deficiency", "- 20 mg"]


@pytest.fixture(scope="module")
def shapes(checker):
    return Shapes(checker.drugs.lexicon)


@pytest.fixture(scope="module")
def column():
    """Names with strengths, forms and other words, so that many have one shape: long enough for shapes to be used."""
    chance = random.Random(3)
    heads = chance.sample(NAMES[Kind.DRUG], 500)
    texts = [f"{name} {chance.choice(PLAIN)}".strip() for name in heads for _ in range(4)]
    texts += [f"{name} {chance.choice(SAID)}" for name in heads[:150]]
    texts += [f"{chance.choice(PLAIN)} {name}" for name in heads[:150]]
    return list(dict.fromkeys(texts))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Furosemide 40 MG Oral Tablet", "furosemide 20 mg tab"),
        ("lisinopril 10 mg po qd", "Lisinopril"),
        ("atorvastatin 20 MG / ezetimibe 10 MG Oral Tablet", "Atorvastatin 40 mg / ezetimibe 5 mg"),
        ("40 mg Lasix", "20mg Lasix tab"),
    ],
)
def test_strength_form_and_directions_leave_the_shape(shapes, one, other):
    assert shapes.of(one) == shapes.of(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("aspirin 81 mg", "aspirin 500 mg"),  # "Aspirin 81" is a name
        ("lasix 40 mg", "lasix 40 mg stopped"),
        ("lasix 40 mg", "40 mg lasix"),
        ("lasix 20 mg", "lasix plus 20 mg"),
        ("iron 20 mg", "iron deficiency"),
    ],
)
def test_what_may_say_more_stays_in_the_shape(shapes, one, other):
    assert shapes.of(one) != shapes.of(other)


@pytest.mark.parametrize("text", ["furosémide 40 mg", "Estrogens, conjugated 0.3 mg", "x" * 400, "40 mg", "", "lasix\0 40 mg"])
def test_some_texts_have_no_shape(shapes, text):
    assert shapes.of(text) is None


@pytest.mark.parametrize(
    "part", ["a" * 250 + ")", "1" * 250 + "(", "ab/" * 80 + "!", "a-" * 120, "1." * 120 + "x", "(" * 250 + "-"]
)
def test_a_long_part_is_done_at_once(shapes, part):
    """None of the patterns tries its parts over and over; such a text would hold up the test for ever."""
    assert shapes.of(f"lasix {part} lasix") == f"lasix {part} lasix"


@pytest.mark.parametrize(
    "text",
    [
        "lasix 40 mg stopped",
        "lasixx 40",
        "MS 10 mg",
        "lasix 40 mg rxcui 4603",
        "? lasix",
        "sugar free",
        "lasix; hctz",
        "nil",
        "Lipitor comp",
    ],
)
def test_an_entry_that_says_more_than_names_is_not_read_plainly(checker, text):
    assert checker.drugs.match_plainly(text)[1] is None


def test_a_plain_entry_gives_its_match_too(checker):
    match, respelt = checker.drugs.match_plainly("frusemide 40 mg tab")

    assert match == checker.normalize("frusemide 40 mg tab")
    assert respelt == {"furosemide"}


def test_a_long_column_says_what_its_cells_say(checker, column):
    fresh = Checker(checker.tables)

    assert readings(column, "drug", fresh) == [read_cell(text, Kind.DRUG, checker) for text in column]


def test_real_lists_with_strengths_say_what_their_cells_say(checker, corpora):
    texts: list[str] = []
    for file in ("ehr_medications_us.csv", "hospital_orders_us.csv", "adverse_event_reports.csv"):
        with (corpora / file).open(encoding="utf-8", newline="") as handle:
            texts += [row["text"] for row in csv.DictReader(handle)]
    chance = random.Random(4)
    column = list(dict.fromkeys(f"{text} {chance.choice(PLAIN)}".strip() for text in chance.sample(texts, 700) for _ in range(3)))

    assert readings(column, "drug", Checker(checker.tables)) == [read_cell(text, Kind.DRUG, checker) for text in column]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_column_read_again_says_the_same(checker, kind):
    column = [*random.Random(5).sample(NAMES[kind], 200), None, "", NAMES[kind][0], NAMES[kind][0]]
    fresh = Checker(checker.tables)

    first = readings(column, kind, fresh)

    assert readings(column, kind, fresh) == first
    assert [reading.status for reading in first[200:202]] == ["empty", "empty"]


def test_checkers_share_nothing_that_was_kept(checker, tmp_path):
    (tmp_path / "drugs.csv").write_text("id,name,drug_class\nlasix-of-ours,Ourlasix,loop-diuretics\n", "utf-8")
    from cramprisk import load_tables

    readings(["Ourlasix 40 mg"], "drug", checker)
    ours = Checker(load_tables(extra=tmp_path))

    assert readings(["Ourlasix 40 mg"], "drug", ours)[0].concepts == "lasix-of-ours"


@pytest.mark.parametrize("kind", list(Kind))
def test_a_cell_is_flagged_as_the_report_of_its_entries_begins(checker, kind):
    matcher = checker.matcher(kind)
    for name in random.Random(6).sample(NAMES[kind], 150):
        matches = matcher.match_list(matcher.split(f"{name}; h/o {NAMES[kind][7]}"))
        reading = read_matches(matches, checker)
        flags = checker.report(matches).flags

        first = (flags[0].grade.value, flags[0].direction.value, flags[0].contested) if flags else (None, None, False)
        assert (reading.grade, reading.direction, reading.contested) == first


# ---------------------------------------------------------------------- several processes


@pytest.fixture(scope="module")
def asked(checker, shapes):
    names = random.Random(8).sample(NAMES[Kind.DRUG], 700)
    shaped = [Alike([f"{name} 10 mg", f"{name} 20 mg tab"], True) for name in names[:300]]
    return [*shaped, *(Alike([name], False) for name in names)], Kind.DRUG, checker, shapes.going_on


@pytest.fixture(scope="module")
def told(asked):
    work, *over = asked
    return [read_alike(alike, *over) for alike in work]


def test_several_processes_say_what_one_says(asked, told):
    assert in_processes(*asked, 2) == told


@pytest.mark.parametrize("executable", ["/no/such/python", "/bin/false", "/bin/cat", ""])
def test_processes_that_fail_lose_nothing(asked, told, monkeypatch, executable):
    monkeypatch.setattr(sys, "executable", executable)

    assert in_processes(*asked, 2) == told


def test_tables_that_cannot_be_sent_are_read_here(asked, told, monkeypatch):
    def unsendable(_):
        raise TypeError("cannot pickle 'mmap.mmap' object")

    monkeypatch.setattr(reading_processes.pickle, "dumps", unsendable)

    assert in_processes(*asked, 2) == told


def test_a_helper_answers_what_it_is_asked_until_there_is_no_more(asked, told, monkeypatch):
    work, kind, checker, going_on = asked
    pieces = [(checker.tables, kind, going_on), work[:20], work[20:50]]
    answered = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"".join(map(pickle.dumps, pieces)))))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=answered))

    serve()

    answered.seek(0)
    assert pickle.load(answered) + pickle.load(answered) == told[:50]


def test_a_column_may_be_read_by_several_processes(checker, column):
    assert readings(column, "drug", Checker(checker.tables), processes=2) == readings(column, "drug", checker, processes=1)


@pytest.mark.parametrize(
    ("texts", "processors", "count"), [(0, 8, 1), (3_999, 8, 1), (5_000, 8, 2), (10**6, 4, 4), (10**6, 1, 1)]
)
def test_as_many_processes_as_the_work_is_worth(monkeypatch, texts, processors, count):
    monkeypatch.setattr(reading_processes.os, "sched_getaffinity", lambda _: set(range(processors)), raising=False)

    assert processes_worth(texts) == count
