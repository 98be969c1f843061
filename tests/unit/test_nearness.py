import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cramprisk.nearness import NearIndex, radius, scan, slip_cost
from cramprisk.sorted_names import Block, NamesByLength, whole


@pytest.fixture(scope="module")
def words():
    chance = random.Random(3)
    letters = "abcdefghijkl"
    return ["".join(chance.choice(letters) for _ in range(chance.randint(3, 18))) for _ in range(3000)]


def mutated(word, chance, slips):
    for _ in range(slips):
        at = chance.randrange(len(word))
        kind = chance.randrange(4)
        char = chance.choice("abcdefghijkl")
        if kind == 0:
            word = word[:at] + word[at + 1 :]
        elif kind == 1:
            word = word[:at] + char + word[at:]
        elif kind == 2:
            word = word[:at] + char + word[at + 1 :]
        elif at + 1 < len(word):
            word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        word = word or char
    return word


def test_the_index_finds_all_that_brute_force_finds(words):
    index = NearIndex.of(words)
    chance = random.Random(5)

    for _ in range(1500):
        word = mutated(chance.choice(words), chance, chance.randint(0, 4))
        assert index.search(word) == scan(word, list(dict.fromkeys(words)))


def test_the_index_finds_all_over_the_real_names(checker):
    keys = checker.drugs.lexicon.near_keys()
    chance = random.Random(7)

    for key in chance.sample(keys, 150):
        word = mutated(key, chance, 2)
        assert checker.drugs.lexicon.near_by_index(word) == scan(word, keys)


def test_an_index_from_a_file_finds_the_same_wherever_its_block_begins(words):
    names = NamesByLength(whole(NamesByLength.block_of(words)))
    block = NearIndex.block_of(names)
    built = NearIndex(names)
    chance = random.Random(11)
    asked = [mutated(word, chance, 2) for word in chance.sample(words, 100)]

    for before in (b"", b"head\n", b"12345678"):
        read = NearIndex(names, Block(before + block + b"more", len(before), len(before) + len(block)))
        assert [read.search(word) for word in asked] == [built.search(word) for word in asked]


def test_names_of_other_scripts_and_half_characters_are_searched_for():
    index = NearIndex.of(["фуросемид", "фуросемин", "metoprolol"])

    assert [near.key for near in index.search("фуросимид")] == ["фуросемид", "фуросемин"]
    assert index.search("metopr\ud800lol") == [("metoprolol", 1)]


def test_an_empty_index_finds_nothing():
    assert NearIndex.of([]).search("furosemide") == []


def test_short_words_have_no_neighbours():
    assert radius(3) == 0
    assert NearIndex.of(["abc", "abd"]).search("abe") == []


@given(names=st.lists(st.text("abc", min_size=3, max_size=15), max_size=40), word=st.text("abc", min_size=1, max_size=15))
def test_the_index_finds_all_over_few_letters(names, word):
    """Few letters: pieces repeat, transpositions straddle them, and edits cancel one another."""
    assert NearIndex.of(names).search(word) == scan(word, list(dict.fromkeys(names)))


def test_without_bitwise_count_the_index_finds_the_same(words, monkeypatch):
    import numpy as np

    chance = random.Random(2)
    asked = [mutated(word, chance, 2) for word in chance.sample(words, 200)]
    index = NearIndex.of([*words, *(mutated(word, chance, 1) for word in words for _ in range(8))])
    expected = [index.search(word) for word in asked]
    monkeypatch.delattr(np, "bitwise_count", raising=False)

    assert [index.search(word) for word in asked] == expected


def test_slips_of_the_ear_cost_less_than_others():
    assert slip_cost("furosimide", "furosemide") < slip_cost("furosxmide", "furosemide")


def test_a_doubled_letter_costs_little():
    assert slip_cost("enbrell", "enbrel") == pytest.approx(0.3)


def test_exchanged_neighbours_are_one_slip():
    assert slip_cost("lipitro", "lipitor") == pytest.approx(0.6)


def test_a_wrong_first_letter_costs_more():
    assert slip_cost("nipitor", "lipitor") > slip_cost("lipitoz", "lipitor")
