import pytest

from cramprisk.lexicon import Lexicon
from cramprisk.look_alikes import look_alike_pairs
from cramprisk.model import Kind
from cramprisk.nearness import scan
from cramprisk.tables import tables_from

ROWS = [
    {"id": "clonidine", "name": "clonidine"},
    {"id": "clonazepam", "name": "clonazepam", "brands": "Klonopin|Clonodine"},
    {"id": "warfarin", "name": "warfarin", "synonyms": "warfarine"},
]


@pytest.fixture
def lexicon():
    listed = [{"name": "clonidine", "confused_with": "clonazepam", "kind": "drug"}]
    return Lexicon(tables_from({"drugs.csv": ROWS, "look_alikes.csv": listed}), Kind.DRUG)


def test_names_of_different_concepts_that_lie_near_are_reported_once(lexicon):
    pairs = [(pair.edits, pair.name, pair.near, pair.listed) for pair in look_alike_pairs(lexicon)]

    assert pairs == [(1, "clonidine", "clonodine", True)]


def test_names_of_one_concept_are_no_pair(lexicon):
    assert not any("warfarin" in pair.concepts for pair in look_alike_pairs(lexicon, 3))


def test_every_pair_within_reach_is_reported(lexicon):
    keys = lexicon.near_keys()
    expected = {
        (key, near.key)
        for key in keys
        for near in scan(key, keys)
        if key < near.key and lexicon.spelled(key)[0].concepts != lexicon.spelled(near.key)[0].concepts
    }

    assert {(pair.name, pair.near) for pair in look_alike_pairs(lexicon, 3)} == expected


def test_a_word_between_the_two_of_a_pair_is_not_decided(checker):
    """The stems that look like evidence and are none."""
    for one, other in (("nystatin", "pravastatin"), ("pentostatin", "pitavastatin"), ("cilastatin", "simvastatin")):
        assert checker.normalize(one).concepts != checker.normalize(other).concepts
