import pytest

from cramprisk import InputError, Status, normalize
from cramprisk.matcher import MAX_ENTRY
from cramprisk.model import Method
from tests.conftest import cases, identifier, said


@pytest.mark.parametrize("case", cases("wild.csv"), ids=lambda case: identifier(case["kind"], case["text"]))
def test_entries_as_people_write_them(checker, case):
    match = checker.normalize(case["text"], case["kind"])

    assert set(match.concepts) == set(filter(None, case["expected"].split("|")))
    assert match.status == case["status"]


@pytest.mark.parametrize("case", cases("negative.csv"), ids=lambda case: identifier(case["kind"], case["text"]))
def test_what_an_entry_must_never_be_taken_for(checker, case):
    match = checker.normalize(case["text"], case["kind"])

    assert not set(match.concepts) & set(case["never"].split("|"))


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.xfail(strict=True, reason=case["reason"])) for case in cases("known_failures.csv")],
    ids=lambda case: identifier(case["text"]),
)
def test_known_failures_stay_known(checker, case):
    match = checker.normalize(case["text"], case["kind"])

    assert said(match) == set(case["expected"].split("|"))


@pytest.mark.parametrize("case", cases("abbreviations.csv"), ids=lambda case: identifier(case["kind"], case["text"]))
def test_an_abbreviation_is_settled_by_the_entry_or_left_open(checker, case):
    match = checker.normalize(case["text"], case["kind"])

    assert set(match.concepts) == set(filter(None, case["expected"].split("|")))
    assert bool(match.candidates) == (case["open"] == "yes")


@pytest.mark.parametrize("nothing", ["", "   ", "\n", None, "none", "N/A", "no medications", "...", "???"])
def test_nothing_is_empty(nothing):
    assert normalize(nothing).status is Status.EMPTY


def test_a_number_is_unrecognised_text():
    assert normalize("12345").status is Status.UNRECOGNISED


@pytest.mark.parametrize("wrong", [b"aspirin", 7, 1.5, ["aspirin"]])
def test_other_types_are_refused_with_their_position(wrong):
    with pytest.raises(InputError, match="entry 1: expected text, got"):
        normalize(wrong)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="drug"):
        normalize("aspirin", "food")


def test_an_endless_entry_is_unrecognised_and_not_read():
    match = normalize("furosemide " * MAX_ENTRY)

    assert match.status is Status.UNRECOGNISED
    assert not match.complete


def test_a_match_has_no_truth_value():
    with pytest.raises(TypeError, match="status"):
        bool(normalize("aspirin"))


def test_a_near_match_explains_itself():
    mention = normalize("furosemdie 40 mg").mentions[0]

    assert mention.method is Method.NEAR
    assert mention.matched_text == "furosemdie"
    assert mention.name == "furosemide"
    assert 90 < mention.score < 100


def test_a_brand_says_so():
    mention = normalize("Lasix 40").mentions[0]

    assert (mention.method, mention.table) == (Method.BRAND, "drugs.csv brands")


def test_what_was_not_understood_beside_a_name_is_kept():
    match = normalize("aspirin / qwrtzpl")

    assert match.concepts == ("acetylsalicylic-acid",)
    assert match.not_understood == ("qwrtzpl",)
    assert not match.complete


def test_an_unrecognised_entry_offers_candidates():
    match = normalize("prednisol")

    assert match.status is not Status.MATCHED or match.concepts == ("prednisolone",)
    assert match.candidates or match.concepts


def test_a_route_is_read():
    assert normalize("diclofenac 1% gel").mentions[0].route == "topical"
    assert normalize("timolol eye drops").mentions[0].route == "ophthalmic"


def test_a_class_gives_way_to_its_member():
    assert normalize("statin (simvastatin)").concepts == ("simvastatin",)


def test_class_words_are_concepts():
    assert normalize("diuretics").concepts == ("diuretics",)
    assert normalize("a statin").concepts == ("statins",)
    assert normalize("beta agonist inhaler").concepts[0].endswith("beta2-agonists")


@pytest.mark.parametrize("every", ["q4-6h", "q6-8h", "q2-4hr prn", "q12-24h"])
def test_a_span_of_hours_is_understood(checker, every):
    match = checker.normalize(f"salbutamol 1-2 puffs {every}")

    assert (match.concepts, match.not_understood) == (("salbutamol",), ())


def test_a_dose_behind_a_comma_is_no_part_of_a_name(checker):
    assert checker.normalize("1-hydroxycholecalciferol, 25 mg").concepts == ("alfacalcidol",)
    assert checker.normalize("Estrogens, conjugated").concepts == ("conjugated-estrogens",)
