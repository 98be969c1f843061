"""Findings whose review is long past, on days that the tests name."""

from __future__ import annotations

from datetime import date

import pytest

from cramprisk.cli import main
from cramprisk.errors import InputError
from cramprisk.review import overdue_reviews
from cramprisk.tables import read_tables, tables_from


def made(*reviewed):
    rows = [
        {"id": f"row-{index}", "subject_kind": "drug", "subject": "aspirin", "source": "a-2020", "reviewed": day}
        for index, day in enumerate(reviewed)
    ]
    return tables_from({"associations.csv": rows, "sources.csv": [{"id": "a-2020", "citation": "A 2020"}]})


def test_an_overdue_finding_says_where_it_stands_what_it_is_about_and_its_source():
    (found,) = overdue_reviews(made("2026-11-21", "2024-11-20"), date(2026, 11, 21))

    assert str(found) == "associations.csv:3: aspirin: reviewed 2024-11-20: A 2020"


@pytest.mark.parametrize(
    ("reviewed", "on", "months", "overdue"),
    [
        ("2024-11-21", date(2026, 11, 21), 24, False),
        ("2024-11-20", date(2026, 11, 21), 24, True),
        ("2026-11-21", date(2026, 11, 21), 0, False),
        ("2026-11-20", date(2026, 11, 21), 0, True),
        ("2024-02-29", date(2026, 3, 31), 25, False),
        ("2024-02-28", date(2026, 3, 31), 25, True),
        ("2025-12-31", date(2026, 1, 31), 1, False),
        ("2025-12-30", date(2026, 1, 31), 1, True),
        ("2030-01-01", date(2026, 1, 31), 1, False),
        ("0001-01-01", date(2026, 1, 31), 10**9, False),
    ],
)
def test_a_review_lasts_whole_calendar_months(reviewed, on, months, overdue):
    assert bool(overdue_reviews(made(reviewed), on, after_months=months)) is overdue


def test_the_oldest_review_comes_first():
    found = overdue_reviews(made("2022-05-01", "2020-01-01", "2022-05-01"), date(2026, 11, 21))

    assert [one.id for one in found] == ["row-1", "row-0", "row-2"]


def test_a_review_cannot_last_less_than_no_time():
    with pytest.raises(InputError, match="after_months"):
        overdue_reviews(made(), date(2026, 11, 21), after_months=-1)


def test_in_the_far_future_every_finding_is_overdue():
    tables = read_tables()

    assert len(overdue_reviews(tables, date(9999, 12, 31))) == len(tables.rows("associations.csv"))


def test_the_command_lists_what_is_overdue_and_succeeds(capsys):
    code = main(["tables", "overdue", "--on", "9999-12-31", "--after-months", "12"])
    out, err = capsys.readouterr()

    assert code == 0
    assert out.splitlines()[0].startswith("associations.csv:")
    assert len(out.splitlines()) == len(read_tables().rows("associations.csv"))
    assert "over 12 months ago" in err


def test_the_command_is_silent_on_standard_output_when_nothing_is_overdue(capsys):
    assert main(["tables", "overdue", "--on", "2000-01-01"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments", [("--on", "tomorrow"), ("--on", "2026-02-30"), ("--after-months", "-1")])
def test_a_day_or_length_that_is_none_is_an_input_error(capsys, arguments):
    assert main(["tables", "overdue", *arguments]) == 4
    assert "Traceback" not in capsys.readouterr().err
