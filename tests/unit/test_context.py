from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cramprisk import Checker, InputError, Medicine, check
from cramprisk.model import Timing


def flags(**context):
    return {flag.subject.id: flag for flag in check(["warfarin"], **context).flags}


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({}, set()),
        ({"age": 59.9}, set()),
        ({"age": 60}, {"age-60-or-over"}),
        ({"sex": "female"}, {"female-sex"}),
        ({"sex": "F"}, {"female-sex"}),
        ({"sex": "male", "age": 30}, set()),
        ({"pregnant_weeks": 13}, set()),
        ({"pregnant_weeks": 30}, {"pregnancy"}),
        ({"age": 72, "sex": "female"}, {"age-60-or-over", "female-sex"}),
    ],
)
def test_the_person_adds_the_risk_factors_that_the_evidence_supports(context, expected):
    assert set(flags(**context)) == expected


def test_a_risk_factor_says_what_led_to_it_and_is_not_uncertain():
    flag = flags(age=72)["age-60-or-over"]

    assert flag.context == "age 72"
    assert not flag.entries
    assert not flag.uncertain


def test_a_factor_that_is_on_the_list_too_comes_once():
    report = check([], ["pregnant"], pregnant_weeks=30)

    (flag,) = [flag for flag in report.flags if flag.subject.id == "pregnancy"]
    assert flag.entries == (0,)
    assert report.entry_of(flag) == "pregnant; pregnant, 30 weeks"


SINCE = "2026-03-01"


@pytest.mark.parametrize(
    ("medicines", "expected"),
    [
        ([Medicine("hctz", start="2026-01-05")], Timing.BEFORE),
        ([Medicine("hctz", start=date(2026, 3, 1))], Timing.BEFORE),
        ([Medicine("hctz", start=datetime(2026, 3, 2, 8))], Timing.AFTER),
        ([Medicine("hctz", start="2025-01-05", stop="2026-02-28")], Timing.STOPPED),
        ([Medicine("hctz", stop="2026-02-28")], Timing.STOPPED),
        ([Medicine("hctz", stop="2026-03-02")], Timing.UNKNOWN),
        ([Medicine("hctz")], Timing.UNKNOWN),
        (["hctz"], Timing.UNKNOWN),
        ([Medicine("hctz", start="2026-04-01"), Medicine("HCTZ 25", start="2026-01-01")], Timing.BEFORE),
        ([Medicine("hctz", start="2026-04-01"), "hctz 25"], Timing.UNKNOWN),
    ],
)
def test_a_flag_says_how_the_medicine_stands_to_the_beginning_of_the_cramps(medicines, expected):
    (flag,) = check(medicines, cramps_since=SINCE).risks

    assert flag.timing is expected
    assert expected.words in check(medicines, cramps_since=SINCE).to_text(width=400)


def test_an_entry_that_is_split_keeps_its_days():
    report = check([Medicine("hctz, lipitor 20", start="2026-01-05")], cramps_since=SINCE)

    assert [flag.timing for flag in report.risks] == [Timing.BEFORE, Timing.BEFORE]


def test_without_the_day_of_the_cramps_nothing_is_said_about_timing():
    assert check([Medicine("hctz", start="2026-01-05")]).risks[0].timing is None


def test_a_condition_has_no_timing():
    assert check([], ["diabetes"], cramps_since=SINCE).flags[0].timing is None


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"age": -1}, "age: must be a number from 0 to 130"),
        ({"age": 131}, "age: must be a number"),
        ({"age": "72"}, "age: must be a number"),
        ({"age": True}, "age: must be a number"),
        ({"age": float("nan")}, "age: must be a number"),
        ({"sex": "woman?"}, "sex: must be"),
        ({"sex": 1}, "sex: must be"),
        ({"pregnant_weeks": 60}, "pregnant_weeks: must be a number from 0 to 45"),
        ({"pregnant_weeks": 20, "sex": "male"}, "Correct one of the two"),
        ({"cramps_since": "March"}, "cramps_since: is no date"),
        ({"cramps_since": "2026-13-01"}, "cramps_since: is no date"),
        ({"cramps_since": 20260301}, "cramps_since: is no date"),
    ],
)
def test_an_impossible_value_is_an_error_that_does_not_repeat_it(context, says):
    with pytest.raises(InputError) as error:
        check(["hctz"], **context)

    assert says in str(error.value)
    assert not any(
        str(value) in str(error.value)
        for value in context.values()
        if isinstance(value, str) and len(value) > 4 and value != "male"
    )


def test_a_medicine_that_stops_before_it_starts_is_an_error():
    with pytest.raises(InputError, match="stop: lies before start"):
        Medicine("hctz", start="2026-03-01", stop="2026-02-01")


@given(age=st.none() | st.floats(0, 130), weeks=st.none() | st.floats(0, 45), since=st.none() | st.dates())
def test_context_never_removes_a_flag_and_survives_json(age, weeks, since):
    checker = Checker.default()
    bare = {flag.subject.id for flag in checker.check(["hctz", "lipitor"]).flags}
    report = checker.check(["hctz", "lipitor"], age=age, pregnant_weeks=weeks, cramps_since=since)

    assert bare <= {flag.subject.id for flag in report.flags}
    assert report.to_json()
