"""Laws that hold for every text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.accuracy import typed_wrong
from cramprisk import Status, check, normalize
from cramprisk.checker import Checker
from cramprisk.lexicon import Lexicon
from cramprisk.matcher import Matcher
from cramprisk.model import Kind, Match
from cramprisk.tables import LAYOUT, read_tables, tables_from, write_tables
from cramprisk.text import condition_token, fold, name_tokens, tokenise
from tests.strategies import DOSES, NAMES, kinds, names, texts


@given(text=texts(), kind=kinds())
def test_any_text_gives_a_match(text, kind):
    match = normalize(text, kind)

    assert isinstance(match, Match)
    assert match.text == text
    assert (match.status is Status.MATCHED) == bool(match.mentions)


@given(text=texts(), kind=kinds())
def test_mentions_point_into_the_text_as_given(text, kind):
    for mention in normalize(text, kind).mentions:
        assert text[mention.start : mention.end].strip() == mention.matched_text.strip()
        assert 0 <= mention.score <= 100


@given(text=texts(), kind=kinds())
def test_what_is_not_matched_says_what_was_not_understood(text, kind):
    match = normalize(text, kind)

    if match.status in (Status.UNRECOGNISED, Status.AMBIGUOUS):
        assert match.not_understood


@given(text=st.text())
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@given(text=st.text(max_size=60))
def test_a_name_has_the_tokens_of_an_entry(text):
    assert name_tokens(text) == [token.text for token in tokenise(text)]


@given(word=st.text(st.characters(categories=["Ll"]), min_size=1, max_size=20))
def test_levelling_a_condition_word_never_loses_it(word):
    assert condition_token(word)


@given(texts_given=st.lists(texts(), max_size=8), kind=kinds())
def test_many_gives_what_one_gives(texts_given, kind):
    checker = Checker.default()

    assert checker.normalize_many(texts_given, kind) == [checker.normalize(text, kind) for text in texts_given]


@given(name=names(Kind.DRUG), dose=st.sampled_from(DOSES))
def test_case_spacing_and_dose_keep_the_concept(name, dose):
    plain = normalize(name).concepts

    assert normalize(name.upper()).concepts == plain
    assert normalize("  " + name.replace(" ", "   ") + " ").concepts == plain
    if normalize(name).status is Status.MATCHED and normalize(name).complete:
        assert set(plain) <= set(normalize(name + dose).concepts)


@given(name=names(Kind.CONDITION))
def test_case_and_spacing_keep_the_condition(name):
    plain = normalize(name, "condition").concepts

    assert normalize(name.upper(), "condition").concepts == plain
    assert normalize("  " + name.replace(" ", "  "), "condition").concepts == plain


@given(entries=st.lists(st.one_of(names(Kind.DRUG), texts()), max_size=6), seed=st.integers())
def test_the_order_of_entries_never_matters(entries, seed):
    shuffled = list(entries)
    random.Random(seed).shuffle(shuffled)

    def facts(report):
        return {(flag.subject.id, flag.direction, flag.grade, flag.contested) for flag in report.flags}

    assert facts(check(entries)) == facts(check(shuffled))


@given(text=texts())
def test_a_list_is_split_without_losing_a_letter(text):
    entries = Checker.default().split(text)

    kept = sum(char.isalpha() for entry in entries for char in entry)
    assert kept == sum(char.isalpha() for char in text)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_name_finds_its_own_concept(kind):
    """The table check proves it for the keys; here the whole engine reads a sample as entries."""
    checker = Checker.default()
    lexicon = checker.matcher(kind).lexicon
    chance = random.Random(2)
    missed = []
    for name in chance.sample(NAMES[kind], 3000):
        known = lexicon.name(lexicon.key(lexicon.tokens_of(name)))
        match = checker.normalize(name, kind)
        # The mentions, not the concepts: what is only to be prevented is found and is not what the entry is about.
        found = {concept for mention in match.mentions for concept in mention.concepts}
        if known is not None and match.status is Status.MATCHED and not set(known.concepts) & found:
            missed.append((name, known.concepts, match.concepts))

    assert not missed


@pytest.mark.parametrize("kind", list(Kind))
def test_one_slip_never_leads_to_another_concept(kind):
    """Each name of a sample with a few of its one-letter slips, and a smaller sample with every one of them."""
    matcher = Checker.default().matcher(kind)
    lexicon = matcher.lexicon
    chance = random.Random(4)
    keys = [key for key in lexicon.near_keys() if len(lexicon.spelled(key)) == 1 and key not in lexicon.words]
    tried = [(key, chance.sample(typed_wrong(key), 4)) for key in chance.sample(keys, 900)]
    tried += [(key, typed_wrong(key)) for key in chance.sample(keys, 6)]
    found = others = 0
    for key, slips in tried:
        own = set(lexicon.spelled(key)[0].concepts)
        for slip in slips:
            if lexicon.spelled(slip) or lexicon.key([slip]) in lexicon.ambiguous or slip in lexicon.words:
                continue
            others += 1
            taken = set(matcher.match(slip).concepts)
            found += taken == own
            assert taken <= own, f"{slip} was {key}, taken for {taken}"
    # Not a bound: a figure to look at, printed by `python -m bench.unknown_names` for all lengths of names.
    assert found > others / 2


def test_adding_a_competitor_never_moves_a_match_to_a_less_similar_concept():
    rows = [{"id": "furosemide", "name": "furosemide"}, {"id": "torasemide", "name": "torasemide"}]
    before = Matcher(Lexicon(tables_from({"drugs.csv": rows}), Kind.DRUG))
    chance = random.Random(6)
    for slip in chance.sample(typed_wrong("furosemide"), 150):
        competitor = chance.choice(typed_wrong(slip))
        after = Matcher(Lexicon(tables_from({"drugs.csv": [*rows, {"id": "rival", "name": competitor}]}), Kind.DRUG))
        was, now = before.near(slip).name, after.near(slip).name
        if was is not None and now is not None and now.concepts != was.concepts:
            assert slip == competitor


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "id": st.from_regex(r"[a-z]{3,8}", fullmatch=True),
                "name": st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20),
                "synonyms": st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
            }
        ),
        max_size=6,
    )
)
def test_what_is_written_is_read_again(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    tables = tables_from({"drugs.csv": rows}, version="2026.1.0")

    write_tables(tables, folder)

    again = read_tables(folder)
    assert all(again.rows(file) == tables.rows(file) for file in LAYOUT)
    assert (again.version, again.digest) == (tables.version, tables.digest)


OPPOSITES = [
    ("hypokalaemia", "hyperkalaemia"), ("hyponatraemia", "hypernatraemia"), ("hypocalcaemia", "hypercalcaemia"),
    ("hypomagnesaemia", "hypermagnesaemia"), ("hypothyroidism", "hyperthyroidism"), ("hypotension", "hypertension"),
    ("hypoglycaemia", "hyperglycaemia"), ("hypoparathyroidism", "hyperparathyroidism"), ("hypokalemia", "hyperkalemia"),
    ("hyponatremia", "hypernatremia"), ("hypocalcemia", "hypercalcemia"), ("hypophosphataemia", "hyperphosphataemia"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [pair for both in OPPOSITES for pair in (both, both[::-1])])
def test_a_slip_in_hypo_or_hyper_never_gives_the_opposite(one, other):
    """Every one-letter slip, except the few that spell the opposite itself."""
    checker = Checker.default()
    opposite = set(checker.normalize(other, Kind.CONDITION).concepts)

    assert set(checker.normalize(one, Kind.CONDITION).concepts).isdisjoint(opposite)
    for slip, match in zip(typed_wrong(one), checker.normalize_many(typed_wrong(one), Kind.CONDITION), strict=True):
        assert slip == other or opposite.isdisjoint(match.concepts), slip
