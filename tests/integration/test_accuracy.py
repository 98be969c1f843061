"""The figures the matcher must reach on the development lists (read where they lie, never copied)."""

from __future__ import annotations

import pytest

from bench.accuracy import all_scores, look_alike_score, rows


@pytest.fixture(scope="module")
def scores(corpora, checker):
    return {score.corpus: score for score in all_scores(corpora, checker, checker.normalize_many)}


@pytest.mark.parametrize(
    ("corpus", "recall", "precision"),
    [
        ("hospital_orders_us", 0.98, 1.0),
        ("ehr_medications_us", 0.98, 1.0),
        ("problem_list_us", 0.95, 0.99),
        ("survey_reasons_us", 0.95, 0.99),
    ],
)
def test_the_panel_is_found_and_nothing_else_is_taken_for_it(scores, corpus, recall, precision):
    score = scores[corpus]

    assert score.recall >= recall, score.missed
    assert score.precision >= precision, score.wrong


@pytest.mark.parametrize(("corpus", "recall", "precision"), [("all", 0.93, 0.99), ("in tables", 0.95, 0.995)])
def test_verbatim_names_from_adverse_event_reports_are_found(scores, corpus, recall, precision):
    """All substances, and those of the tables; product-against-contents conventions levelled (bench.accuracy lists them)."""
    score = scores[f"adverse events, {corpus}, CONVENTIONS"]

    assert score.recall >= recall, score.missed
    assert score.precision >= precision, score.wrong


def test_look_alikes_are_never_confused(corpora, checker):
    score = look_alike_score(rows(corpora, "look_alikes_fda"), checker.normalize_many, checker.drugs.lexicon)

    assert score.wrong == []
