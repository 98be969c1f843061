"""The engine against a second one that is slow and obvious (``tests/reference_engine.py``)."""

from __future__ import annotations

import random

import pytest

from cramprisk.checker import Checker
from cramprisk.model import Kind, Method, Status
from cramprisk.text import fold
from tests.reference_engine import ReferenceEngine

STRENGTHS = ("", " 20 mg", " 40mg tablets", " 10 mg po bid", " 100 mg capsule", " 5 mg tablet once daily")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def reference():
    return ReferenceEngine(Checker.default().tables.folder)


@pytest.fixture(scope="module")
def single_names(reference):
    """Names of one word, of letters only, that are no ordinary words: what slips are made in."""
    return sorted(words[0] for words in reference.names if len(words) == 1 and len(words[0]) > 4 and words[0].isascii()
                  and words[0].isalpha() and words[0] not in reference.words and words not in reference.ambiguous)  # fmt: skip


def slips(name, number, chance):
    """The name with so many letters dropped, added, exchanged or replaced, at random."""
    word = name
    for _ in range(number):
        at = chance.randrange(len(word))
        letter = chance.choice(LETTERS)
        word = chance.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
            )
        )
    return word


def test_names_with_strengths_are_read_as_the_reference_reads_them(reference, single_names):
    chance = random.Random(21)
    texts = [name + chance.choice(STRENGTHS) for name in chance.sample(single_names, 6000)]
    differing = [
        (text, reference.exact(text), match.concepts)
        for text, match in zip(texts, Checker.default().normalize_many(texts), strict=True)
        if match.status is Status.MATCHED and set(match.concepts) != reference.exact(text)
    ]

    assert not differing


def test_several_names_in_one_entry_are_read_as_the_reference_reads_them(reference, single_names):
    """Of substances and products; a class beside one of its members says nothing more, and the engine leaves it out."""
    chance = random.Random(22)
    names = [name for name in single_names if not reference.names[name,] & reference.classes]
    texts = [" / ".join(chance.sample(names, chance.choice((2, 2, 3)))) for _ in range(2000)]
    differing = [
        (text, reference.exact(text), match.concepts)
        for text, match in zip(texts, Checker.default().normalize_many(texts), strict=True)
        if set(match.concepts) != reference.exact(text)
    ]

    assert not differing


def test_what_is_taken_by_nearness_is_the_only_meaning_of_the_nearest_names(reference, single_names):
    """Each answer by nearness is compared with all names there are, in plain edits; a name cut off is no slip."""
    chance = random.Random(23)
    texts = [slips(chance.choice(single_names), chance.choice((1, 1, 2, 2, 3)), chance) for _ in range(2500)]
    answers = Checker.default().normalize_many(texts)
    near = [
        (text, frozenset(match.concepts))
        for text, match in zip(texts, answers, strict=True)
        if match.status is Status.MATCHED and match.method is Method.NEAR and not fold(match.mentions[0].name).startswith(text)
    ]
    nearest = reference.nearest([text for text, _ in near], 3)

    assert len(near) > 300
    differing = [
        (text, taken, meanings) for (text, taken), (_, meanings) in zip(near, nearest, strict=True) if meanings != {taken}
    ]
    assert not differing


def test_a_word_far_from_every_name_is_never_taken(reference):
    chance = random.Random(24)
    texts = ["".join(chance.choices(LETTERS, k=chance.randrange(6, 14))) for _ in range(800)]
    far = [text for text, (edits, _) in zip(texts, reference.nearest(texts, 3), strict=True) if edits > 3]

    assert len(far) > 100
    assert not [text for text in far if Checker.default().normalize(text, Kind.DRUG).concepts]
