import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cramprisk.page import Page, _folded, _width


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    return Page()


def test_a_table_is_as_wide_as_its_cells_when_they_fit(page, capsys):
    page.table("Title", "bold", ("A", "B"), [("one", "two words"), ("three", "x")])

    assert capsys.readouterr().out.splitlines() == [
        "Title",
        "",
        "  A       B",
        " ───────────────────",
        "  one     two words",
        "  three   x",
        "",
    ]


def test_long_cells_are_folded_and_no_line_is_wider_than_the_page(page, capsys):
    page.table("T", "", ("Entry", "Is", "Why"), [("word " * 30, "x" * 90, "y " * 50)])

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert "".join(lines).count("x") == 90
    assert "".join(lines).count("word") == 30


def test_wide_letters_take_two_columns(page, capsys):
    page.table("T", "", ("A", "B"), [("芍薬甘草湯", "x"), ("abc", "y")])

    _, _, head, _, first, second, *_ = capsys.readouterr().out.splitlines()
    assert _width(first[: first.index("x")]) == second.index("y") == head.index("B")


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]) | st.just(" ")), width=st.integers(2, 20))
def test_folding_keeps_every_letter_and_the_width(text, width):
    lines = list(_folded(text, width))

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(_width(line) <= width for line in lines)


def test_colour_is_for_terminals_without_no_color(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    Page().line("loud", "bold")
    monkeypatch.setenv("NO_COLOR", "1")
    Page().line("quiet", "bold")

    assert capsys.readouterr().out == "\x1b[1mloud\x1b[0m\nquiet\n"
