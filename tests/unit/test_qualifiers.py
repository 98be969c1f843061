import pytest

from tests.conftest import cases


@pytest.mark.parametrize("case", cases("qualifiers.csv"), ids=lambda case: case["text"])
def test_the_words_around_a_name_are_read(checker, case):
    match = checker.normalize(case["text"], case["kind"])

    found = {
        f"{concept}:{mention.qualifier.value}" if mention.qualifier else concept
        for mention in match.mentions
        for concept in mention.concepts
    }
    assert found == set(case["expected"].split("|"))
