import pytest

from tests.conftest import cases, identifier, said


@pytest.mark.parametrize("case", cases("qualifiers.csv"), ids=lambda case: identifier(case["text"]))
def test_the_words_around_a_name_are_read(checker, case):
    match = checker.normalize(case["text"], case["kind"])

    assert said(match) == set(case["expected"].split("|"))
