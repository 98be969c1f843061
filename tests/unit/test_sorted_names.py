import pytest
from hypothesis import given
from hypothesis import strategies as st

from cramprisk.errors import VocabularyError
from cramprisk.sorted_names import NamesByLength, SortedNames, pack, unpack, whole


def block_of(pairs):
    return whole(SortedNames.block_of(pairs))


names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)


@given(pairs=st.dictionaries(names, names), asked=st.lists(names))
def test_bisection_finds_what_a_dictionary_finds(pairs, asked):
    found = SortedNames(block_of(pairs.items()))

    assert all(found.get(name) == pairs[name] for name in pairs)
    assert all((found.get(name) is None) == (name not in pairs) for name in asked)
    assert len(found) == len(pairs)


def test_a_column_is_looked_up_by_a_dictionary_and_gives_the_same():
    found = SortedNames(block_of((f"name{number}", str(number)) for number in range(300)))

    early = [found.get(f"name{number}") for number in range(400)]
    for _ in range(3000):
        found.get("name7")

    assert [found.get(f"name{number}") for number in range(400)] == early


def test_a_name_may_have_several_values():
    assert SortedNames(block_of([("a", "1"), ("b", "3"), ("a", "2")])).get_all("a") == ["1", "2"]


@given(given=st.sets(st.text("abc", min_size=1, max_size=6)))
def test_names_come_back_by_length(given):
    groups = NamesByLength(whole(NamesByLength.block_of(given)))

    assert sorted(groups) == sorted(given)
    assert all(groups.of_length(length) == sorted(name for name in given if len(name) == length) for length in range(8))


@given(blocks=st.dictionaries(st.text("abc", min_size=1, max_size=5), st.binary(max_size=20), min_size=1))
def test_what_is_packed_is_unpacked(blocks):
    found = unpack(pack("mark 1", blocks), "mark 1")

    assert {name: block.content() for name, block in found.items()} == blocks


@pytest.mark.parametrize(
    "content", [b"", b"another file\n", b"mark 2 a=1\nx", b"mark 1 a=3\nxy", b"mark 1 a=1\nxy", b"mark 1 a\nxy"]
)
def test_another_or_half_a_file_is_refused(content):
    with pytest.raises(VocabularyError, match="anew"):
        unpack(content, "mark 1")
