import json
import re

import pytest

from cramprisk import check
from cramprisk.report import DISCLAIMER

LISTS = [
    (["HCTZ", "lipitor 20", "Ventolin", "quinine", "xyzzy", "Premarin cream"], ["T2DM", "ESRD on HD", "restless legs"]),
    (["amoxicillin", "naproxen", "gabapentin", "donepezil"], ["pregnant 30 weeks", "?PAD"]),
]


@pytest.fixture(params=LISTS, ids=["long", "short"])
def report(request):
    return check(*request.param)


def test_a_report_has_no_truth_value(report):
    with pytest.raises(TypeError, match="complete"):
        bool(report)


def test_json_says_what_the_dictionary_says(report):
    assert json.loads(report.to_json()) == report.to_dict()


def test_json_survives_any_text():
    report = check(["a\ud800b", "x\0y", "<script>"])

    assert json.loads(report.to_json())["matches"][0]["text"] == "a\ud800b"
    assert report.to_json().isascii()


def test_unresolved_entries_are_named_before_any_flag():
    text = check(["HCTZ", "xyzzy"]).to_text()

    assert text.index("xyzzy") < text.index("hydrochlorothiazide —")
    assert "may hold more" in text


def test_nothing_flagged_is_not_safe_while_an_entry_is_open():
    assert check(["xyzzy"]).summary() == (
        "Nothing on this list is flagged. 1 entry was not understood, so the list may hold more."
    )


def test_no_sentence_blames_or_tells_to_stop(report):
    text = report.to_text().lower()

    for words in ("caused by", "causes cramp", "causes leg", "stop taking", "should be stopped", "should stop", "safe to take"):
        assert words not in text


def test_the_text_says_what_it_is_not(report):
    assert "not a medical device" in " ".join(report.to_text().split())
    assert "not a medical device" in DISCLAIMER


def test_each_flag_names_its_entry_its_grade_and_its_source(report):
    text = " ".join(report.to_text(width=10_000).split())

    for flag in report.flags:
        assert f"{flag.subject.name} — grade {flag.grade.value}" in text
        assert report.entry_of(flag) in text
        for row in (*flag.evidence, *flag.against):
            assert row.source.citation in text


def test_every_figure_in_the_text_stands_in_a_row(report):
    """No orphan figure: percentages and ratios of the text are those of the tables."""
    rows = [row for flag in report.flags for row in (*flag.evidence, *flag.against)]
    known = " ".join(
        [row.figure() + " " + row.note + " " + row.outcome + " " + row.population + " " + row.source.citation for row in rows]
        + [
            found.interaction.effect + " " + found.interaction.note + found.interaction.source.citation
            for found in report.interactions
        ]
        + [caution for flag in report.flags for caution in flag.cautions]
        + [report.summary(), report.tables_version, report.tables_digest[:12]]
        + [match.text for match in report.matches]
        + [f"{row.source.pmid} {row.source.doi}" for row in rows]
        + [f"{found.interaction.source.pmid} {found.interaction.source.doi}" for found in report.interactions]
        + [candidate.name for match in report.matches for candidate in match.candidates]
        + [flag.subject.name for flag in report.flags]
        + [row.subject for row in rows]
    )
    figures = set(re.findall(r"\d+(?:\.\d+)?", known))

    assert set(re.findall(r"\d+(?:\.\d+)?", report.to_text(width=10_000))) <= figures


def test_flags_come_strongest_first(report):
    ranks = [flag.grade.rank for flag in report.risks]

    assert ranks == sorted(ranks)
