"""What a page offers for open entries: only what is really read so, and where it stands."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cramprisk.checker import Checker
from cramprisk.model import Kind, Status
from cramprisk.service.settling import near_entries, open_entries, places
from cramprisk.tables import data_folder
from tests.strategies import texts

CHECKER = Checker.default()


def opened(drugs="", conditions=""):
    return open_entries(CHECKER.check(drugs, conditions), CHECKER)


def ambiguous_names():
    with (data_folder() / "ambiguous_names.csv").open(encoding="utf-8", newline="") as handle:
        return [(row["name"], row["kind"]) for row in csv.DictReader(handle)]


def test_every_choice_for_every_ambiguous_name_is_read_as_what_it_says():
    wrong, offered = [], 0
    for name, kind in ambiguous_names():
        match = CHECKER.normalize(name, kind)
        for entry in open_entries(CHECKER.report([match]), CHECKER):
            offered += len(entry.choices)
            for choice in entry.choices:
                read = CHECKER.normalize(choice.text, choice.kind)
                meant = {frozenset(candidate.concepts) for candidate in match.candidates}
                if not read.complete or (frozenset(read.concepts) not in meant and choice.kind is match.kind):
                    wrong.append((name, choice.label, choice.text))

    assert wrong == []
    assert offered > 200


@given(text=texts(), kind=st.sampled_from(list(Kind)))
def test_a_choice_is_always_read_and_leaves_less_open(text, kind):
    match = CHECKER.normalize(text, kind)

    for entry in open_entries(CHECKER.report([match]), CHECKER):
        for choice in entry.choices:
            read = CHECKER.normalize(choice.text, choice.kind)
            assert read.status is Status.MATCHED
            assert set(match.concepts) <= set(read.concepts)


@given(parts=st.lists(texts(), max_size=5), glue=st.sampled_from(["\n", "; ", "\r\n"]))
def test_an_entry_stands_where_it_is_said_to(parts, glue):
    text = glue.join(parts)
    entries = CHECKER.split(text)
    units = text.encode("utf-16-le", "surrogatepass")

    for entry, place in zip(entries, places(text, entries), strict=True):
        if place is not None:
            assert units[2 * place.start : 2 * place.end].decode("utf-16-le", "surrogatepass") == entry


def test_places_count_as_a_browser_does():
    assert [(place.start, place.end) for place in places("😀 a; b", ["😀 a", "b"])] == [(0, 4), (6, 7)]


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("stopped HCT 25", "stopped hydrochlorothiazide 25"),
        ("no HCT", "no hydrochlorothiazide"),
        ("Lasix 40 + prednisolne", "Lasix 40 + prednisolone"),
    ],
)
def test_what_stands_around_the_open_words_stays(entry, wanted):
    [one] = opened(entry)

    assert one.choices[0].text == wanted


def test_a_brand_is_offered_under_its_name():
    [entry] = opened("Zyqlora 5 mg")

    assert ("imiquimod (Zyclara)", "Zyclara 5 mg") in [(choice.label, choice.text) for choice in entry.choices]


def test_an_entry_that_is_known_on_the_other_list_can_be_moved():
    [drug] = opened(drugs="hypertension")
    [condition] = opened(conditions="Lasix")

    assert [(choice.text, choice.kind) for choice in drug.choices] == [("hypertension", Kind.CONDITION)]
    assert [(choice.text, choice.kind) for choice in condition.choices] == [("Lasix", Kind.DRUG)]


def test_an_entry_near_to_a_name_of_the_other_list_is_not_offered_there():
    [entry] = opened(conditions="furosemdie")

    assert entry.choices == ()


def test_what_is_known_already_is_not_offered_again():
    [entry] = opened("metformin/glipizid xq")

    assert entry.choices == ()


def test_names_read_by_nearness_are_told():
    report = CHECKER.check(["furosemdie 40", "Lasix"])

    assert [(entry.index, entry.written, entry.read) for entry in near_entries(report, CHECKER)] == [
        (0, "furosemdie", "furosemide")
    ]
