"""The law of shapes: what reads plainly speaks for every text of its shape."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cramprisk.cells import read_cell, read_name
from cramprisk.checker import Checker
from cramprisk.columns import shapes_for
from cramprisk.frames.statements import statement_of, statements
from cramprisk.model import Kind
from cramprisk.shapes import Shapes, named_alone
from tests.strategies import names

NUMBERS = "1 2 3 5 10 12.5 20 25 40 50 80 81 100 200 250 300 500 1000 0.5 70/30 0.025".split()
WORDS = sorted({row["word"] for row in Checker.default().tables.rows("words.csv")})
UNITS = "mg MG mcg g ml % MG/ML units IU mg/5ml meq".split()


@pytest.fixture(scope="module")
def shapes(checker):
    return Shapes(checker.drugs.lexicon)


def parts():
    strength = st.builds("{}{}{}".format, st.sampled_from(NUMBERS), st.sampled_from(["", " "]), st.sampled_from(UNITS))
    odd = st.sampled_from(["-", "/", "(", "[x]", "free", "no", "plus", "h", "co", "+", "? ", ";", "ltd", "rx", "10.", "#30"])
    return st.one_of(strength, st.sampled_from(NUMBERS), st.sampled_from(WORDS), odd)


def runs():
    return st.lists(parts(), max_size=4).map(" ".join)


@st.composite
def alike(draw):
    """Texts that differ in what stands between and behind their names."""
    front, one, other = draw(runs()), draw(names(Kind.DRUG)), draw(st.one_of(st.just(""), names(Kind.DRUG)))
    between = ["10 mg", draw(runs())]
    ends = draw(st.lists(runs(), min_size=2, max_size=4))
    return [" ".join(part for part in (front, one, middle, other, end) if part) for middle in between for end in ends]


@settings(max_examples=120)
@given(texts=alike())
def test_texts_of_one_shape_read_alike(shapes, checker, texts):
    plain = {}
    for text in texts:
        _, respelt = checker.drugs.match_plainly(text)
        if respelt is not None and respelt.isdisjoint(shapes.going_on):
            plain.setdefault(shapes.of(text), read_cell(text, Kind.DRUG, checker))

    for text in texts:
        shape = shapes.of(text)
        assert shape is None or shape not in plain or read_cell(text, Kind.DRUG, checker) == plain[shape], text


@pytest.fixture(scope="module")
def with_shapes(checker):
    """A checker of its own that has met a column long enough for shapes."""
    made = Checker(checker.tables)
    assert shapes_for(10_000, Kind.DRUG, made) is not None
    return made


@settings(max_examples=120)
@given(texts=alike())
def test_entries_of_one_shape_state_alike_but_for_the_route(with_shapes, checker, texts):
    said = statements(texts, Kind.DRUG, with_shapes)
    assert said == [statement_of(checker.drugs.match(text)) for text in texts]
    assert statements(texts, Kind.DRUG, with_shapes) == said


@settings(max_examples=200)
@given(name=names(Kind.DRUG), front=runs(), end=runs())
def test_a_name_that_is_known_beforehand_is_what_reading_finds(shapes, checker, name, front, end):
    text = " ".join(part for part in (front, name, end) if part)
    shape = shapes.of(text)

    known = named_alone(shape, checker.drugs) if shape is not None else None
    if known is not None and known[1].isdisjoint(shapes.going_on):
        assert read_name(known[0], checker) == read_cell(text, Kind.DRUG, checker)


@pytest.mark.parametrize("text", ["hctz", "co-amoxiclav", "vitamin b12", "lasix", "amoxicillin/clavulanate"])
def test_usual_names_are_known_beforehand(checker, text):
    assert named_alone(text, checker.drugs) is not None


@pytest.mark.parametrize("text", ["furosemide stopped", "none", "no", "sugar free", "c03ca01", "tablet", "lasixx", "zinc"])
def test_what_may_say_something_else_is_not_known_beforehand(checker, text):
    assert named_alone(text, checker.drugs) is None


def test_plain_parts_keep_a_name_that_begins_in_them(shapes):
    assert shapes.of("salbutamol 1-2 puffs q4-6h prn") == "salbutamol"
    assert shapes.of("alphosyl cream") == "alphosyl cream"  # "Alphosyl" alone is another product
