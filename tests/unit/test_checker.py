import pytest

from cramprisk import InputError, check
from cramprisk.model import Direction, Grade
from tests.conftest import cases, identifier


def risks(report):
    return {flag.subject.id: flag for flag in report.risks}


def relief(report):
    return {flag.subject.id: flag for flag in report.relief}


def test_a_class_figure_is_inherited_and_says_so():
    flag = risks(check(["bendroflumethiazide 2.5"]))["bendroflumethiazide"]

    assert flag.inherited_from[0] == "thiazide-diuretics"
    assert flag.best().measure == "adjusted sequence ratio"
    assert (flag.best().value, flag.best().ci_low, flag.best().ci_high) == (1.48, 1.29, 1.68)


def test_the_narrower_class_speaks_before_the_wider():
    flag = risks(check(["furosemide"]))["furosemide"]

    assert flag.grade is Grade.B
    assert flag.best().subject == "loop-diuretics"


def test_counter_evidence_stands_beside_the_flag():
    flag = risks(check(["simvastatin"]))["simvastatin"]

    assert flag.contested
    assert any("Cholesterol Treatment Trialists" in row.source.citation for row in flag.against)


def test_amoxicillin_is_flagged_with_grade_d_and_the_reason():
    flag = risks(check(["amoxicillin 500mg"]))["amoxicillin"]

    assert (flag.grade, flag.contested) == (Grade.D, True)


def test_ipratropium_is_not_stronger_than_claimed():
    assert risks(check(["Atrovent"]))["ipratropium"].grade is Grade.D


def test_quinine_relieves_but_is_to_be_avoided_with_its_warning():
    flag = relief(check(["quinine sulphate 300mg"]))["quinine"]

    assert flag.grade is Grade.AVOID
    assert any("thrombocytopenia" in caution for caution in flag.cautions)


def test_magnesium_is_shown_not_to_help():
    flag = relief(check(["magnesium oxide 400 mg"]))["magnesium"]

    assert flag.grade is Grade.TN


@pytest.mark.parametrize(
    ("medicine", "direction"),
    [("nifedipine", Direction.INCREASES), ("diltiazem", Direction.RELIEVES), ("verapamil", Direction.RELIEVES)],
)
def test_calcium_channel_blockers_point_each_their_own_way(medicine, direction):
    flags = [flag for flag in check([medicine]).flags if flag.direction is not Direction.NEUTRAL]

    assert {flag.direction for flag in flags} == {direction}


def test_the_class_of_calcium_channel_blockers_has_no_direction():
    assert not check(["calcium channel blocker"]).risks
    assert not check(["calcium channel blocker"]).relief


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        ("diuretics", "diuretics"),
        ("a statin", "statins"),
        ("beta agonist inhaler", "beta2-agonists"),
        ("water tablets", "diuretics"),
    ],
)
def test_class_words_are_flagged_as_a_class(words, subject):
    assert subject in risks(check([words]))


def test_a_combination_flags_each_ingredient_once():
    report = check(["lisinopril-hctz", "HCTZ 25"])

    assert risks(report)["hydrochlorothiazide"].entries == (0, 1)


def test_a_laba_with_a_corticosteroid_is_flagged_as_a_product():
    report = check(["Seretide 250"])

    assert "inhaled-corticosteroids+long-acting-beta2-agonists" in risks(report)


@pytest.mark.parametrize("entry", ["stopped furosemide", "furosemide allergy", "no furosemide", "h/o furosemide"])
def test_a_medicine_that_is_not_taken_is_not_flagged_but_stays_visible(entry):
    report = check([entry])

    assert not report.risks
    assert report.matches[0].concepts == ("furosemide",)


@pytest.mark.parametrize("entry", ["no diabetes", "family history of diabetes", "prevention of diabetes"])
def test_a_condition_that_is_not_there_is_not_flagged(entry):
    assert not check([], [entry]).risks


def test_an_uncertain_condition_is_flagged_and_marked():
    flag = risks(check([], ["?hypothyroidism"]))["hypothyroidism"]

    assert flag.uncertain
    assert flag.cautions


def test_a_differential_is_neither_risk_nor_relief():
    report = check([], ["restless legs"])

    assert [flag.subject.id for flag in report.flags] == ["restless-legs-syndrome"]
    assert report.flags[0].direction is Direction.NEUTRAL


def test_local_use_is_cautioned():
    flag = risks(check(["Premarin vaginal cream"]))["conjugated-estrogens"]

    assert any("vaginal" in caution for caution in flag.cautions)


def test_pairs_that_matter_together_are_found():
    report = check(["bendroflumethiazide", "salbutamol inhaler"])

    assert [found.interaction.id for found in report.interactions] == ["beta2-agonists-diuretics"]
    assert report.interactions[0].entries == (0, 1)


def test_a_pair_needs_both():
    assert not check(["bendroflumethiazide"]).interactions


def test_a_pair_of_medicine_and_condition_is_found():
    assert check(["quinine"], ["myasthenia gravis"]).interactions


def test_one_text_is_split_into_entries():
    report = check("hctz, lipitor 20; salbutamol")

    assert [match.text for match in report.matches] == ["hctz", "lipitor 20", "salbutamol"]


def test_the_order_of_entries_does_not_matter():
    forward, backward = check(["hctz", "simvastatin", "xyzzy"]), check(["xyzzy", "simvastatin", "hctz"])

    assert [flag.subject for flag in forward.flags] == [flag.subject for flag in backward.flags]


def test_an_empty_list_is_an_empty_report():
    report = check([])

    assert (report.flags, report.matches, report.complete) == ((), (), True)
    assert report.summary() == "The list is empty."


def test_missing_cells_are_empty_entries():
    report = check([None, float("nan"), "aspirin"])

    assert [match.status.value for match in report.matches] == ["empty", "empty", "matched"]


def test_bytes_are_refused_with_their_position():
    with pytest.raises(InputError, match=r"entry 2: expected text, got bytes\. Decode"):
        check(["aspirin", b"aspirin"])


def test_bytes_for_a_list_are_refused():
    with pytest.raises(InputError, match="got bytes"):
        check(b"aspirin")


def test_a_number_for_a_list_is_refused():
    with pytest.raises(InputError, match="got int"):
        check(7)


def test_no_error_holds_what_the_patient_takes():
    with pytest.raises(InputError) as caught:
        check(["secretdrug", 5])

    assert "secretdrug" not in str(caught.value)


@pytest.mark.parametrize("case", cases("seeds.csv"), ids=lambda case: identifier(case["text"], case["concept"]))
def test_what_the_project_was_asked_for_gives_the_report_one_expects(checker, case):
    """Every medicine and condition of the founding texts, as written there. Pain killers help soreness only."""
    report = checker.check(*(([case["text"]], []) if case["kind"] == "drug" else ([], [case["text"]])))

    assert (case["concept"], case["direction"]) in {(flag.subject.id, flag.direction.value) for flag in report.flags}


def test_an_abbreviation_means_what_another_entry_of_the_list_says(checker):
    assert checker.check([], ["PD"]).matches[0].status == "ambiguous"
    assert checker.check([], ["PD", "Parkinson's disease"]).matches[0].concepts == ("parkinsons-disease",)
    assert checker.check([], ["Parkinson's disease", "PD"]).matches[1].concepts == ("parkinsons-disease",)


def test_an_abbreviation_is_not_settled_by_a_neighbour_that_is_none_of_its_meanings(checker):
    assert checker.check([], ["PD", "CKD 3b"]).matches[0].status == "ambiguous"


def test_an_abbreviation_is_not_settled_by_what_is_denied(checker):
    assert checker.check([], ["PD", "no Parkinson's disease"]).matches[0].status == "ambiguous"


def test_an_abbreviation_of_a_medicine_is_not_settled_by_another_entry(checker):
    assert checker.check(["HCT 12.5", "hydrochlorothiazide"]).matches[0].status == "ambiguous"
