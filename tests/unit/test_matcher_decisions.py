"""What the engine decides where several readings are possible, and what it reports beside the answer."""

from __future__ import annotations

import pytest

from cramprisk.checker import Checker
from cramprisk.lexicon import Lexicon
from cramprisk.matcher import CODE_SAYS_OTHERWISE, MAX_ENTRY, Matcher
from cramprisk.model import Candidate, Kind, Match, Mention, Method, Qualifier, Status
from cramprisk.tables import tables_from
from tests.conftest import said


@pytest.fixture(scope="module")
def drugs():
    return Checker.default().matcher(Kind.DRUG)


@pytest.fixture(scope="module")
def conditions():
    return Checker.default().matcher(Kind.CONDITION)


def small(kind=Kind.DRUG, remember=0, **files):
    """A matcher over tables made here."""
    return Matcher(Lexicon(tables_from({f"{name}.csv": rows for name, rows in files.items()}), kind), remember=remember)


# ---------------------------------------------------------------------- what a match holds


def test_a_match_says_all_about_its_entry(drugs):
    assert drugs.match("Lasix 40 mg po, qwrtz stopped") == Match(
        text="Lasix 40 mg po, qwrtz stopped",
        kind=Kind.DRUG,
        status=Status.MATCHED,
        concepts=("furosemide",),
        mentions=(Mention(("furosemide",), "Lasix", "Lasix", "drugs.csv brands", Method.BRAND, 100.0, 0, 5, None, "oral"),),
        candidates=(),
        not_understood=("qwrtz",),
    )


def test_a_meaning_says_what_it_is_a_meaning_of(drugs):
    match = drugs.match("take HCT 12.5")

    assert match.status is Status.AMBIGUOUS
    assert match.not_understood == ("HCT",)
    assert match.candidates == (
        Candidate(("hydrochlorothiazide",), "hydrochlorothiazide", 100.0, "“HCT” has several meanings"),
        Candidate(("hydrocortisone",), "hydrocortisone", 100.0, "“HCT” has several meanings"),
    )


def test_a_meaning_of_several_medicines_names_them_all():
    rows = [{"id": name, "name": name} for name in ("codeine", "paracetamol")]
    meanings = [{"name": "Calm", "kind": "drug", "meanings": "codeine|codeine+paracetamol"}]
    match = small(drugs=rows, ambiguous_names=meanings).match("calm forte")

    assert [candidate.name for candidate in match.candidates] == ["codeine", "codeine + paracetamol"]
    assert match.candidates[1].concepts == ("codeine", "paracetamol")
    # What all meanings share is certain.
    assert match.concepts == ("codeine",)
    assert match.mentions[0].table == "ambiguous_names.csv name"
    assert match.mentions[0].method is Method.ABBREVIATION
    assert match.status is Status.MATCHED
    assert not match.complete


def test_no_more_than_eight_candidates_are_offered():
    rows = [{"id": f"drug{number}", "name": f"drug{number}"} for number in range(12)]
    meanings = [{"name": "XY", "kind": "drug", "meanings": "|".join(f"drug{number}" for number in range(12))}]

    candidates = small(drugs=rows, ambiguous_names=meanings).match("XY").candidates

    assert [candidate.name for candidate in candidates] == [f"drug{number}" for number in range(8)]


def test_an_entry_of_nothing_known_is_not_understood_as_a_whole_and_cut_for_show(drugs):
    # Nothing of it looks like a name, so no part of it is reported.
    assert drugs.match("  20 mg  ").not_understood == ("20 mg",)
    assert drugs.match("7 " * 300).not_understood == (("7 " * 300)[:80],)


def test_an_endless_entry_shows_its_beginning(drugs):
    text = "furosemide " * MAX_ENTRY

    assert drugs.match(text) == Match(text, Kind.DRUG, Status.UNRECOGNISED, not_understood=(f"{text[:40]}…",))
    assert drugs.match("furosemide" + " " * (MAX_ENTRY - 10)).concepts == ("furosemide",)
    assert drugs.match("furosemide" + " " * (MAX_ENTRY - 9)).concepts == ()


def test_what_is_said_twice_is_listed_once(drugs):
    match = drugs.match("aspirin qwrtz; aspirin qwrtz")

    assert match.concepts == ("acetylsalicylic-acid",)
    assert len(match.mentions) == 2
    assert match.not_understood == ("qwrtz",)


def test_what_was_not_understood_stands_in_the_order_of_the_entry(drugs):
    assert drugs.match("zzwwq, aspirin, AZT, warfarin, qwrtzpl").not_understood == ("zzwwq", "AZT", "qwrtzpl")


def test_only_names_and_plain_words_are_read_plainly(drugs):
    assert drugs.match_plainly("aspirin 40 mg")[1] == frozenset()
    for text in (
        "aspirin free",
        "aspirin qwrtzpl",
        "aspirin, AZT",
        "aspirin furosemdie",
        "aspirin (Teva UK Ltd)",
        "low iron, aspirin",
        "aspirin rx",  # a code may follow
        "aspirin AZT 100 mg",
    ):
        assert drugs.match_plainly(text)[1] is None


def test_a_word_near_two_names_is_ambiguous_and_one_near_none_is_not_known():
    matcher = small(drugs=[{"id": "one", "name": "qwertalin"}, {"id": "two", "name": "qwertamin"}])

    assert matcher.match("qwertanin").status is Status.AMBIGUOUS
    assert {one.concepts for one in matcher.match("qwertanin").candidates} == {("one",), ("two",)}
    assert matcher.match("zzyyxxww").status is Status.UNRECOGNISED


def test_a_name_right_behind_brackets_is_read(drugs):
    assert drugs.match("(Teva UK Ltd)aspirin").concepts == ("acetylsalicylic-acid",)


def test_a_settled_name_is_one_as_it_stands_and_one_left_open_does_not_hide_it(drugs):
    match = drugs.match("AZT, HCT, hydrochlorothiazide")

    assert match.not_understood == ("AZT",)
    assert [(one.matched_text, one.concepts, one.score, one.method is Method.NEAR) for one in match.mentions] == [
        ("HCT", ("hydrochlorothiazide",), 100.0, False),
        ("hydrochlorothiazide", ("hydrochlorothiazide",), 100.0, False),
    ]


def test_an_entry_of_nothing_is_empty(drugs, conditions):
    assert drugs.match("No meds!") == Match("No meds!", Kind.DRUG, Status.EMPTY)
    assert conditions.match("") == Match("", Kind.CONDITION, Status.EMPTY)


def test_a_condition_has_no_route(conditions):
    assert [mention.route for mention in conditions.match("gout, oral tablet").mentions] == [None]


def test_nearness_alone_says_what_a_word_may_be(drugs):
    assert drugs.near("furosemid").name.concepts == ("furosemide",)
    assert drugs.near("furosemid", frozenset({"furosemide"})).name is None


# ---------------------------------------------------------------------- one entry, many, a list


def test_equal_texts_of_a_list_are_read_alike_and_in_order(drugs):
    matches = drugs.match_many(["lasix", "hctz", "lasix"])

    assert [match.text for match in matches] == ["lasix", "hctz", "lasix"]
    assert said(matches[0]) == said(matches[2]) == {"furosemide"}


def test_a_list_of_conditions_settles_what_has_several_meanings(conditions):
    texts = ["PD", "Parkinson's disease", "gout"]

    assert [match.concepts for match in conditions.match_list(texts)] == [
        ("parkinsons-disease",),
        ("parkinsons-disease",),
        ("gout",),
    ]
    assert conditions.match_list(texts)[0].text == "PD"
    assert conditions.match_many(texts)[0].concepts == ()
    assert conditions.match_list(["PD", "no Parkinson's disease"])[0].concepts == ()


def test_a_list_settles_a_name_only_if_one_meaning_is_on_it(conditions):
    assert conditions.match_list(["PD", "Parkinson's disease", "panic disorder"])[0].concepts == ()


def several_meanings(kind):
    """Something that is alpha, or beta and gamma together."""
    file = "drugs" if kind is Kind.DRUG else "conditions"
    rows = [{"id": name, "name": name, "kind": "other"} for name in ("alpha", "beta", "gamma", "delta")]
    meanings = [{"name": "Calm", "kind": kind.value, "meanings": "alpha|beta+gamma", "settled_by": "alpha=delta"}]
    return small(kind, **{file: rows}, ambiguous_names=meanings)


@pytest.mark.parametrize(
    ("text", "concepts", "open_meanings"),
    [
        ("Calm, gamma, beta", ("beta", "gamma"), 0),
        ("Calm alpha", ("alpha",), 0),
        ("Calm, delta", ("alpha", "delta"), 0),
        ("Calm, beta", ("beta",), 2),  # half a meaning settles nothing
        ("Calm", (), 2),
        ("Calm, alpha, beta, gamma", ("alpha", "beta", "gamma"), 2),
    ],
)
def test_a_name_of_several_meanings_is_settled_by_the_other_names_of_its_entry(text, concepts, open_meanings):
    match = several_meanings(Kind.DRUG).match(text)

    assert set(match.concepts) == set(concepts)
    assert len(match.candidates) == open_meanings
    assert ("Calm" in [mention.name for mention in match.mentions]) == (open_meanings == 0)


def test_all_parts_of_a_meaning_must_be_on_the_list():
    matcher = several_meanings(Kind.CONDITION)

    assert matcher.match_list(["Calm", "beta", "gamma"])[0].concepts == ("beta", "gamma")
    assert matcher.match_list(["Calm", "beta"])[0].concepts == ()


def test_a_code_counts_beside_a_list_and_beside_a_long_text(conditions):
    code = [("icd10cm", "G20")]

    assert conditions.match("qwrtz", frozenset({"gout"}), code).concepts == ("parkinsons-disease",)
    assert conditions.match("qwrtz " * 60, codes=code).concepts == ("parkinsons-disease",)


@pytest.mark.parametrize("remember", [0, 3])
def test_what_is_remembered_changes_no_answer(checker, remember):
    matcher = Matcher(checker.matcher(Kind.CONDITION).lexicon, remember=remember)
    plain = matcher.match("PD")

    assert matcher.match("PD", frozenset({"parkinsons-disease"})).concepts == ("parkinsons-disease",)
    assert matcher.match("PD", codes=[("icd10cm", "G20")]).concepts == ("parkinsons-disease",)
    assert matcher.match("PD") == plain
    assert plain.concepts == ()


def test_so_many_entries_are_remembered_as_was_asked_for(drugs):
    matcher = Matcher(drugs.lexicon, remember=2)
    first = matcher.match("lasix")

    assert matcher.match("lasix") is first
    for text in ("hctz", "warfarin"):
        matcher.match(text)
    again = matcher.match("lasix")
    assert (again, again is first) == (first, False)
    code = [("rxcui", "4603")]
    assert matcher.match("lasix", codes=code) is matcher.match("lasix", codes=code)
    long, codes = "lasix" + " " * 190, [("rxcui", "4603"), ("rxcui", "9" * 18)]
    assert matcher.match(long) is matcher.match(long)
    assert matcher.match(long, codes=codes) is not matcher.match(long, codes=codes)  # too long together
    assert drugs.match("lasix") is not drugs.match("lasix")


# ---------------------------------------------------------------------- codes beside a text


@pytest.mark.parametrize(
    ("text", "code", "concepts", "not_understood"),
    [
        ("furosemide 40", "4603", ("furosemide",), ()),
        ("furosemide 40", "99999999", ("furosemide",), ()),  # unknown, and the text is understood
        ("qwrtz", "4603", ("furosemide",), ("qwrtz",)),
        ("qwrtz", "99999999", (), ("qwrtz", "RxCUI 99999999")),
        ("", "4603", ("furosemide",), ()),
        ("", "99999999", (), ("RxCUI 99999999",)),
        ("none", "4603", ("furosemide",), ()),
        ("none", "99999999", (), ()),
        ("warfarin", "4603", ("furosemide",), ("warfarin",)),
        ("loop diuretic", "4603", ("furosemide",), ()),  # the wider name agrees
        ("stopped", "4603", ("furosemide",), ()),
    ],
)
def test_a_code_beside_a_text_counts_as_one_in_it(drugs, text, code, concepts, not_understood):
    match = drugs.match(text, codes=[("rxcui", code)])

    assert (match.concepts, match.not_understood) == (concepts, not_understood)


def test_names_that_a_code_denies_are_shown_as_what_it_may_be(drugs):
    match = drugs.match("warfarin, aspirin", codes=[("rxcui", "4603")])

    assert match.concepts == ("furosemide",)
    assert match.not_understood == ("warfarin", "aspirin")
    assert match.candidates == (
        Candidate(("acetylsalicylic-acid",), "aspirin", 100.0, CODE_SAYS_OTHERWISE),
        Candidate(("warfarin",), "warfarin", 100.0, CODE_SAYS_OTHERWISE),
    )


def test_one_name_that_agrees_with_the_code_keeps_them_all(drugs):
    match = drugs.match("warfarin aspirin", codes=[("rxcui", "1191")])

    assert match.concepts == ("warfarin", "acetylsalicylic-acid")
    assert match.complete


@pytest.mark.parametrize(
    ("text", "code", "concepts"),
    [
        ("type 2 diabetes", "E10.9", ("type-2-diabetes", "type-1-diabetes")),  # of one kind: both are kept
        ("gout", "E11.9", ("type-2-diabetes",)),
    ],
)
def test_a_condition_of_the_same_kind_does_not_contradict_a_code(conditions, text, code, concepts):
    assert conditions.match(text, codes=[("icd10cm", code)]).concepts == concepts


def test_a_code_is_qualified_by_the_words_beside_it(drugs):
    match = drugs.match("stopped furosemide", codes=[("rxcui", "4603")])

    assert said(match) == {"furosemide:stopped"}
    assert [mention.method for mention in match.mentions] == [Method.NAME, Method.CODE]


# ---------------------------------------------------------------------- salts, minerals, what is not taken


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("torasemide potassium", {"torasemide"}),
        ("torasemide-potassium", {"torasemide"}),
        ("torasemide potasium", {"torasemide"}),
        ("torasemide, potassium", {"torasemide", "potassium"}),
        ("torasemide + potassium", {"torasemide", "potassium"}),
        ("potassium torasemide", {"torasemide", "potassium"}),
        ("torasemide 10 mg potassium", {"torasemide", "potassium"}),
        ("torasemide warfarin", {"torasemide", "warfarin"}),
        ("iron zinc", {"iron", "zinc"}),  # a mineral behind a mineral is a second one
        ("vitamin C zinc", {"ascorbic-acid", "zinc"}),
        ("alendronate calcium", {"alendronic-acid", "calcium"}),
    ],
)
def test_a_metal_right_behind_a_medicine_is_its_salt(drugs, text, concepts):
    assert set(drugs.match(text).concepts) == concepts


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("aspirin for iron deficiency", {"acetylsalicylic-acid"}),
        ("low potassium, furosemide", {"furosemide"}),
        ("high-potassium furosemide", {"furosemide"}),
        ("low, potassium", {"potassium"}),
        ("potassium, furosemide, low", {"potassium", "furosemide"}),
        ("potassium level", set()),
        ("potassium, level", {"potassium"}),
        ("iron. low mood", {"iron"}),
        ("aspirin lactose-free", {"acetylsalicylic-acid"}),
        ("aspirin w/o caffeine", {"acetylsalicylic-acid"}),
        ("aspirin without caffeine", {"acetylsalicylic-acid"}),
        ("caffeine free aspirin", {"acetylsalicylic-acid"}),
        ("caffeine, aspirin", {"caffeine", "acetylsalicylic-acid"}),
        ("caffeine with aspirin", {"caffeine", "acetylsalicylic-acid"}),
    ],
)
def test_a_substance_that_is_only_spoken_of_is_not_taken(drugs, text, concepts):
    assert set(drugs.match(text).concepts) == concepts


def test_the_only_name_of_an_entry_is_denied_and_not_left_out(drugs):
    assert said(drugs.match("without caffeine")) == {"caffeine:negated"}
    assert said(drugs.match("aspirin free")) == {"acetylsalicylic-acid:negated"}


@pytest.mark.parametrize(
    ("text", "not_understood"),
    [
        ("Diovan-H", ("Diovan-H",)),
        ("Diovan-H 80 mg", ("Diovan-H",)),
        ("Diovan H", ()),  # a letter that stands alone may be anything
        ("Diovan/H", ()),
        ("Diovan 80-H", ()),
        ("Lasix plus", ("Lasix plus",)),
        ("Lasix, plus aspirin", ()),
        ("Lasix plus aspirin", ()),
        ("Co-Lasix", ("Co-Lasix",)),
        ("Co Lasix", ()),
        ("aspirin Co-Lasix", ("Co-Lasix",)),
        ("furosemide-H", ()),  # a substance has no line of products
        ("furosemide plus", ()),
        ("Diovann-H", ()),
    ],
)
def test_an_addition_to_a_brand_that_the_tables_lack_is_reported(drugs, text, not_understood):
    assert tuple(word for word in drugs.match(text).not_understood if word not in ("H", "h")) == not_understood


def test_an_addition_to_a_condition_is_none(conditions):
    assert conditions.match("gout plus").complete


# ---------------------------------------------------------------------- which names are read


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("alpha beta gamma delta", ["alpha beta gamma", "delta"]),
        ("alpha beta delta", ["alpha beta", "delta"]),
        ("beta gamma delta", ["beta", "gamma delta"]),  # the longer letters win
        ("alpha-beta", ["alpha-beta"]),
        ("alpha, beta", ["alpha, beta"]),
        ("alpha; beta", ["alpha", "beta"]),
        ("alpha\nbeta", ["alpha", "beta"]),
        ("coated alpha", ["coated alpha"]),
        ("delta, coated alpha", ["delta", "coated alpha"]),
        ("coated, alpha", ["alpha"]),  # a describing word before a comma belongs to what stands before it
        ("alpha beta alpha beta", ["alpha beta", "alpha beta"]),
    ],
)
def test_the_longest_name_is_read_and_none_across_a_hard_break(text, names):
    rows = [{"id": name.replace(" ", "-"), "name": name} for name in
            ("alpha", "alpha beta", "alpha beta gamma", "beta", "beta gamma", "gamma delta", "delta", "coated alpha")]  # fmt: skip
    matcher = small(drugs=rows, words=[{"word": "coated", "kind": "form"}])

    assert [mention.matched_text for mention in matcher.match(text).mentions] == names


def test_a_chain_of_salts_is_one_salt():
    words = [{"word": word, "kind": "cation"} for word in ("potassium", "sodium")]
    rows = [{"id": name, "name": name} for name in ("torasemide", "sodium", "potassium")]

    assert small(drugs=rows, words=words).match("torasemide sodium potassium").concepts == ("torasemide",)
    assert small(drugs=rows, words=words).match("sodium potassium").concepts == ("sodium",)


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("Estrogens, conjugated", ("conjugated-estrogens",)),
        ("sulfate, ferrous", ("iron",)),
        ("glargine, insulin", ("insulin-glargine",)),
    ],
)
def test_a_name_the_other_way_round_is_read_over_a_comma_only(drugs, text, concepts):
    assert tuple(sorted(drugs.match(text).concepts)) == concepts


INVERTED = [
    {"id": "one", "name": "one", "synonyms": "lo bel|bel na lo|bel na lo su"},
    {"id": "two", "name": "two", "synonyms": "na lo|su bel"},
]


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("bel, lo", ("one",)),
        ("lo, bel na", ("one",)),
        ("lo su, bel na", ("one",)),
        ("xx bel, lo yy", ("one",)),
        ("bel lo", ()),
        ("bel | lo", ()),
        ("bel, lo; yy", ("one",)),
        ("lo, xx, na", ()),
    ],
)
def test_up_to_two_words_may_stand_on_either_side_of_the_comma(text, concepts):
    assert small(drugs=INVERTED).match(text).concepts == concepts


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        # What covers more letters and words is the name, whichever way round it is written; of equals the first.
        ("beta, alpha gammas", ("two",)),
        ("xx beta, alpha gammas", ("two",)),
        ("beta, alphas gama", ("three", "gama")),
        ("delta eta, iota kappakappas", ("five", "kappakappas")),
        ("kk, 25 hh", ("seven",)),  # a number alone behind the comma is a dose, but not with a word
        ("kk, 25", ()),
        ("kk; hh, kk", ("nine",)),
    ],
)
def test_a_name_the_other_way_round_has_the_weight_of_any_other(text, concepts):
    names = {
        "one": "alpha beta", "two": "alpha gammas", "three": "alphas beta", "four": "alphas gama", "five": "iota delta eta",
        "six": "iota kappakappas", "seven": "25 hh kk", "eight": "25 kk", "nine": "kk hh", "gama": "gama",
        "kappakappas": "kappakappas",
    }  # fmt: skip
    rows = [{"id": one, "name": name} for one, name in names.items()]

    assert small(drugs=rows).match(text).concepts == concepts


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("fe", ()),
        ("aspirin", ("aspirin",)),
        ("aspirin fe", ("aspirin",)),
        ("aspirin/fe", ("aspirin", "iron")),
        ("aspirin + fe", ("aspirin", "iron")),
        ("fe & aspirin", ("iron", "aspirin")),
        ("aspirin zn", ("aspirin", "zinc")),  # a name, and no abbreviation
        ("patch", ("nicotine",)),
        ("aspirin patch", ("aspirin",)),
        ("aspirin iro", ("aspirin", "iron")),
    ],
)
def test_two_letters_or_an_ordinary_word_count_only_where_nothing_else_does(text, concepts):
    matcher = small(
        drugs=[
            {"id": "aspirin", "name": "aspirin"},
            {"id": "iron", "name": "iron", "abbreviations": "Fe|Iro"},
            {"id": "nicotine", "name": "nicotine", "synonyms": "patch"},
            {"id": "zinc", "name": "zn"},
        ],
        words=[{"word": "patch", "kind": "form"}],
    )

    assert matcher.match(text).concepts == concepts
    # They are names like any other then.
    assert all((mention.score, mention.method is Method.NEAR) == (100.0, False) for mention in matcher.match(text).mentions)


@pytest.mark.parametrize("text", ["ATC C03CA01", "rxcui:4603", "furosemide rxcui:4603", "rxcui:4603 furosemide"])
def test_a_code_leaves_no_word_that_is_not_understood(drugs, text):
    assert drugs.match(text).concepts == ("furosemide",)
    assert drugs.match(text).complete


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("AIDS", ("hiv-infection",)),
        ("aids", ("hiv-infection",)),
        ("hearing aid", ()),
        ("aid", ()),
        ("cramp", ()),
    ],
)
def test_an_abbreviation_that_ends_in_s_is_no_plural(conditions, text, concepts):
    assert tuple(one for one in conditions.match(text).concepts if one == "hiv-infection") == concepts


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("Diabetes mellitus, type 2", {"type-2-diabetes"}),
        ("type 2, diabetes", {"type-2-diabetes"}),
        ("gout, type 2, diabetes", {"gout", "type-2-diabetes"}),
        ("low potassium, high sodium", {"hypokalaemia", "hypernatraemia"}),
        ("low potassium\\high sodium", {"hypokalaemia", "hypernatraemia"}),
        ("high sodium low potassium", {"hypokalaemia", "hypernatraemia"}),
        ("gout. diabetes", {"gout", "diabetes"}),
    ],
)
def test_a_condition_reaches_over_a_comma_where_its_words_do(conditions, text, concepts):
    assert set(conditions.match(text).concepts) == concepts


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("beta, alpha", ("one",)),  # all of the entry
        ("beta, alpha, gamma", ("two",)),
        ("gamma, alpha, beta", ("two", "one")),
        ("gamma alpha\\beta", ("two", "one")),
        ("gamma beta\\alpha", ("two",)),
        ("gamma beta alpha", ("two", "one")),
    ],
)
def test_over_a_comma_words_stand_in_order_or_are_the_whole_entry(text, concepts):
    rows = [{"id": "one", "name": "alpha beta", "kind": "disease"}, {"id": "two", "name": "gamma", "kind": "disease"}]

    assert small(Kind.CONDITION, conditions=rows).match(text).concepts == concepts


def test_an_abbreviation_in_small_letters_is_no_plural_either():
    rows = [{"id": "one", "name": "alpha", "kind": "disease", "abbreviations": "gabs"}]
    matcher = small(Kind.CONDITION, conditions=rows)

    assert (matcher.match("gabs").concepts, matcher.match("gab").concepts) == (("one",), ())


# ---------------------------------------------------------------------- what is wider, what is denied


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("diabetes, type 2 diabetes", {"type-2-diabetes"}),
        ("type 2 diabetes, diabetes", {"type-2-diabetes"}),
        ("no diabetes, type 2 diabetes", {"diabetes:negated", "type-2-diabetes:negated"}),
        ("type 2 diabetes, denies diabetes", {"type-2-diabetes"}),
        ("history of type 2 diabetes; diabetes", {"type-2-diabetes:history", "diabetes"}),
        ("diabetes; family history of type 2 diabetes", {"diabetes", "type-2-diabetes:family"}),
        ("gout, diabetes", {"gout", "diabetes"}),
    ],
)
def test_what_is_wider_gives_way_to_a_member_of_which_the_same_is_said(conditions, text, says):
    assert said(conditions.match(text)) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gout free", {"gout:negated"}),
        ("gout-free", {"gout:negated"}),
        ("gout free for 2 years", {"gout:negated"}),
        ("gout free 2 years", {"gout:negated"}),
        ("gout free since May", {"gout:negated"}),
        ("gout, free", {"gout"}),
        ("gout free, diabetes", {"gout:negated", "diabetes"}),
        ("thyroid free T4", {"thyroid-disease"}),
        ("gout free t4", {"gout"}),
        ("old stroke", {"stroke:history"}),
        ("pregnant mum", {"pregnancy"}),
        ("prevention of gout", {"gout:prevention"}),
        ("non-ST elevation MI", {"myocardial-infarction"}),
    ],
)
def test_the_words_at_the_edge_of_a_condition_qualify_it(conditions, text, says):
    assert said(conditions.match(text)) == says


@pytest.mark.parametrize("word", ["since", "for", "now", "at", "on", "after", "with", "today", "2"])
def test_free_speaks_of_what_stands_before_it_when_it_goes_on_with_such_a_word(conditions, word):
    assert said(conditions.match(f"gout free {word}")) == {"gout:negated"}


def test_a_full_stop_ends_a_condition_that_is_known():
    names = ("alpha", "beta", "alpha beta", "gamma beta")
    matcher = small(Kind.CONDITION, conditions=[{"id": name.replace(" ", "-"), "name": name, "kind": "other"} for name in names])

    assert matcher.match("delta, alpha beta").concepts == ("alpha-beta",)
    assert matcher.match("delta, beta alpha").concepts == ("alpha-beta",)
    assert matcher.match("delta, alpha. beta").concepts == ("alpha", "beta")
    assert matcher.match("delta, alpha, beta").concepts == ("alpha", "beta")
    assert matcher.match("delta, gamma. beta").concepts == ("gamma-beta",)


def test_what_is_to_be_prevented_is_mentioned_and_not_what_the_entry_is_about(conditions):
    match = conditions.match("prevention of gout")

    assert match.concepts == ()
    assert match.status is Status.MATCHED
    assert match.mentions[0].qualifier is Qualifier.PREVENTION


def test_mentions_stand_in_the_order_of_the_entry(conditions, drugs):
    places = [(mention.start, mention.end) for mention in conditions.match("gout, HTN, diabetes (E78.5), asthma").mentions]
    assert places == sorted(places)

    match = drugs.match("aspirin, furosemdie (ATC C03CA01), qwrtz")
    assert [mention.matched_text for mention in match.mentions] == ["aspirin", "furosemdie", "ATC C03CA01"]


# ---------------------------------------------------------------------- a slip that hides a longer name


CONDITIONS = [
    {"id": "diabetes", "name": "diabetes", "kind": "disease"},
    {"id": "gestational-diabetes", "name": "gestational diabetes", "kind": "disease", "parent": "diabetes"},
]


def test_a_slip_does_not_hide_the_longer_name():
    match = small(Kind.CONDITION, conditions=CONDITIONS).match("gestational diabetis")

    assert match.concepts == ("gestational-diabetes",)
    assert match.method is Method.NEAR
    assert match.mentions[0].matched_text == "gestational diabetis"
    assert 80 < match.mentions[0].score < 100
    assert match.complete


def test_only_the_name_that_a_slip_hid_is_read_by_nearness(drugs):
    """What stands beside it keeps how it was found."""
    rows = [
        *CONDITIONS,
        {"id": "knee", "name": "knee pain", "kind": "disease"},
        {"id": "one", "name": "diabetes foot ulcer", "kind": "disease", "parent": "diabetes"},
    ]
    matcher = small(Kind.CONDITION, conditions=rows)
    found = matcher.match("knee pain, gestational diabetis, knee pain")
    first = matcher.match("diabetis foot ulcer")

    assert [one.method for one in found.mentions] == [Method.NAME, Method.NEAR, Method.NAME]
    assert first.concepts == ("one",)


def test_a_synonym_that_the_longer_name_does_not_have_is_read_as_it():
    rows = [CONDITIONS[0] | {"synonyms": "diabetis"}, CONDITIONS[1]]
    match = small(Kind.CONDITION, conditions=rows).match("gestational diabetis")

    assert match.concepts == ("gestational-diabetes",)
    assert match.method is Method.NEAR


def test_a_longer_name_of_ordinary_words_and_a_slip_is_read_among_others():
    rows = [
        {"id": "diabetes", "name": "diabetes", "kind": "disease", "synonyms": "diabetis"},
        {"id": "gout", "name": "gout", "kind": "disease"},
        {"id": "type-2-diabetes", "name": "type 2 diabetes", "kind": "disease", "parent": "diabetes"},
    ]
    words = [{"word": "type", "kind": "filler"}]
    match = small(Kind.CONDITION, conditions=rows, words=words).match("gout, type 2 diabetis, gout")

    assert match.concepts == ("gout", "type-2-diabetes")
    assert [(mention.matched_text, mention.method, mention.score) for mention in match.mentions] == [
        ("gout", Method.NAME, 100.0),
        ("type 2 diabetis", Method.NEAR, 100.0),
        ("gout", Method.NAME, 100.0),
    ]
    assert match.complete


@pytest.mark.parametrize(
    ("text", "concepts", "not_understood"),
    [
        # The words of one name are those of two others.
        ("estriol lactobacillus gasseri", ("estriol", "probiotics"), ()),
        ("acetaminophen promethazine theoclate", ("paracetamol", "promethazine"), ()),
        ("flucloxacillin sodium oxibate", ("flucloxacillin", "sodium-oxybate"), ()),
    ],
)
def test_a_name_that_gives_words_to_another_is_not_lost(drugs, text, concepts, not_understood):
    match = drugs.match(text)
    assert (match.concepts, match.not_understood) == (concepts, not_understood)


def test_the_longer_of_two_names_that_share_a_word_is_read_and_the_rest_reported():
    rows = [
        {"id": "one", "name": "alphas qwertal"},
        {"id": "two", "name": "qwertal gamutin"},
        {"id": "three", "name": "oral zetin"},
    ]
    words = [{"word": "oral", "kind": "route", "route": "oral"}]
    matcher = small(drugs=[*rows, {"id": "four", "name": "zetin lambdagam"}], words=words)
    match = matcher.match("alphas qwertal gamutin")

    assert (match.concepts, match.not_understood) == (("two",), ("alphas",))
    # A word that says nothing by itself leaves nothing open.
    assert matcher.match("oral zetin lambdagam").concepts == ("four",)
    assert matcher.match("oral zetin lambdagam").complete


def test_a_word_of_a_name_does_not_speak_of_the_next(drugs):
    assert drugs.match("femoston low ogestrel").concepts == ("dydrogesterone", "estradiol", "ethinylestradiol", "norgestrel")
    assert drugs.match("low iron").concepts == ()


# ---------------------------------------------------------------------- a list typed as one text


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("aspirin, zinc", ["aspirin", "zinc"]),  # a mineral is a name of its own, though it may be a salt
        ("Not taking: lasix, hctz", ["Not taking: lasix, hctz"]),
        ("Not taking: lasix, hctz\nEstrogens, conjugated", ["Not taking: lasix, hctz", "Estrogens, conjugated"]),
        ("stopped: lasix, zinc; aspirin, hctz", ["stopped: lasix, zinc", "aspirin", "hctz"]),
        ("hctz; allergic to lasix, warfarin", ["hctz", "allergic to lasix, warfarin"]),
        ("HCT 25, MS 10", ["HCT 25", "MS 10"]),
        ("Estrogens, conjugated\nEstrogens, conjugated", ["Estrogens, conjugated"] * 2),
        ("lasix\nEstrogens, conjugated; 1. Estrogens, conjugated", ["lasix", *["Estrogens, conjugated"] * 2]),
        ("Estrogens, conjugated\nEstrogens, conjugated, lasix", ["Estrogens, conjugated", "Estrogens, conjugated", "lasix"]),
        ("lasix, tablet, coated, aspirin", ["lasix, tablet, coated", "aspirin"]),
        ("HCT, tablet, aspirin", ["HCT, tablet", "aspirin"]),
        ("lasix", ["lasix"]),
        ("aspirin, lasix, tablet", ["aspirin", "lasix, tablet"]),
        ("lasix 40, lasix 40", ["lasix 40", "lasix 40"]),
    ],
)
def test_a_list_is_split_at_the_commas_between_its_entries(drugs, text, entries):
    assert drugs.split(text) == entries


def test_a_text_too_long_to_be_read_is_split_plainly(drugs):
    long = ("Estrogens, conjugated, " * (MAX_ENTRY * 10))[: MAX_ENTRY * 200 + 1]

    assert drugs.split(long)[:2] == ["Estrogens", "conjugated"]
