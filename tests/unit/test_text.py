import pytest
from hypothesis import given
from hypothesis import strategies as st

from cramprisk.text import Token, condition_token, fold, name_tokens, split_lines, split_list, tokenise


def test_folding_levels_case_accents_and_signs():
    assert fold("FUROSÉMIDE 40 µg") == "furosemide 40 ug"


def test_tokens_know_their_place_in_the_text_as_given():
    text = "Ménière’s, FUROSÉMIDE"

    assert [text[token.start : token.end] for token in tokenise(text)] == ["Ménière’s", "FUROSÉMIDE"]


def test_a_token_knows_what_stands_before_it():
    assert tokenise(" Co-codamol 30/500, p.o.")[0] == Token("co", 1, 3, " ")
    assert [token.gap for token in tokenise("Co-codamol 30/500, p.o.")] == ["", "-", " ", "/", ", "]


def test_letters_that_become_two_keep_their_place():
    text = "Straße ﬁber ½ mg"

    assert [(token.text, text[token.start : token.end]) for token in tokenise(text)][:2] == [
        ("strasse", "Straße"),
        ("fiber", "ﬁber"),
    ]


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Crohn`s", "crohn's"),
        ("Crohn’s", "crohn's"),
        ("Ｌａｓｉｘ", "lasix"),
        ("Lasix®", "lasix "),
        ("co–codamol", "co-codamol"),
        ("５ µg", "5 ug"),
        ("İnsülin", "insulin"),
        ("がん", "がん"),
        ("か\u3099ん", "か\u3099ん"),
        ("ｶﾞ", "カ\u3099"),
        ("한국", "한국"),
        ("Ødegård", "odegard"),
    ],
)
def test_spellings_of_one_word_are_folded_alike(written, folded):
    assert fold(written) == folded


def test_a_number_keeps_its_dot_and_a_word_loses_it():
    assert name_tokens("Parkinson's 12.5 p.o.") == ["parkinsons", "12.5", "po"]
    assert [token.text for token in tokenise("12.5 Parkinson's")] == ["12.5", "parkinsons"]
    assert [token.text for token in tokenise("12.5")] == ["12.5"]


def test_strength_and_unit_are_two_tokens():
    assert [token.text for token in tokenise("20mg")] == ["20", "mg"]


def test_digits_stay_inside_a_word():
    assert [token.text for token in tokenise("B12 asp2215 D5W")] == ["b12", "asp2215", "d5w"]


def test_dotted_abbreviations_are_one_token():
    assert [token.text for token in tokenise("p.o. b.i.d. m.v.i")] == ["po", "bid", "mvi"]


def test_slashed_abbreviations_are_one_token():
    assert [token.text for token in tokenise("d/c h/o a/b/c")][:2] == ["d/c", "h/o"]


def test_a_name_and_an_entry_are_tokenised_alike():
    for name in ("Toprol-XL", "Ménière's", "M.V.I.", "5-fluorouracil", "Humalog Mix 75/25"):
        assert name_tokens(name) == [token.text for token in tokenise(name)]


def test_british_and_american_spellings_are_one():
    for british, american in (
        ("anaemia", "anemia"),
        ("oedema", "edema"),
        ("tumour", "tumor"),
        ("tumours", "tumors"),
        ("hypokalaemia", "hypokalemia"),
    ):
        assert condition_token(british) == condition_token(american)


@pytest.mark.parametrize(
    ("plural", "singular"),
    [("cramps", "cramp"), ("legs", "leg"), ("allergies", "allergy"), ("biopsies", "biopsy"), ("babies", "baby"), ("ties", "tie")],
)
def test_singular_and_plural_are_one(plural, singular):
    assert condition_token(plural) == condition_token(singular)


@pytest.mark.parametrize("word", ["stenosis", "cvs", "abscess", "pancreas", "virus", "chaos", "1000"])
def test_what_only_looks_like_a_plural_stays(word):
    assert condition_token(word) == word


def test_a_list_is_split_at_semicolons_commas_and_lines():
    assert split_list("hctz, lipitor 20; salbutamol\n- aspirin\n2. zolpidem") == [
        "hctz",
        "lipitor 20",
        "salbutamol",
        "aspirin",
        "zolpidem",
    ]


def test_a_comma_between_digits_does_not_split():
    assert split_list("ergocalciferol 50,000 iu, aspirin") == ["ergocalciferol 50,000 iu", "aspirin"]


LINES = st.lists(
    st.sampled_from(["aspirin", "hctz 25 mg", "- ", "2. ", "  ", "[x] ", "\n", ";", "\t", " | ", "a, b", ""]), max_size=12
)


@given(LINES.map("".join))
def test_a_line_stands_in_the_text_where_it_is_said_to_begin(text):
    end = 0
    for line, start in split_lines(text):
        assert line.strip() == line != ""
        assert start >= end
        assert text[start : start + len(line)] == line
        assert not any(char.isalnum() for char in text[end:start].replace("2. ", "").replace("[x]", ""))
        end = start + len(line)
    assert not any(char.isalpha() for char in text[end:].replace("[x]", ""))


def test_equal_lines_have_their_own_places():
    assert list(split_lines("  aspirin\n-  hctz\naspirin")) == [("aspirin", 2), ("hctz", 13), ("aspirin", 18)]


def test_spans_hold_the_commas_inside_them_only():
    assert split_list("a,b,c,d", may_split=[(2, 5), (0, 3)]) == ["a,b,c", "d"]  # they overlap
    assert split_list("ab,cd", may_split=[(0, 2), (2, 5)]) == ["ab", "cd"]  # they touch


@given(
    text=st.text("ab,;", min_size=1, max_size=30),
    spans=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)).map(lambda one: (one[0], one[0] + one[1])), max_size=5),
)
def test_a_comma_splits_where_no_span_holds_it(text, spans):
    """The spans in any order, and some of them overlapping."""
    held = [char == "," and any(low < at < high for low, high in spans) for at, char in enumerate(text)]
    marked = "".join("_" if inside else char for char, inside in zip(text, held, strict=True))

    expected = [entry.replace("_", ",") for entry in marked.replace(";", ",").split(",") if entry]
    assert split_list(text, may_split=spans) == expected


def test_a_comma_inside_a_known_name_does_not_split(checker):
    assert checker.split("Estrogens, conjugated, Lasix 40") == ["Estrogens, conjugated", "Lasix 40"]


def test_a_comma_before_describing_words_does_not_split(checker):
    assert checker.split("leflunomide 10 mg tablet, film coated, aspirin") == ["leflunomide 10 mg tablet, film coated", "aspirin"]


def test_a_hyphenated_combination_is_not_split(checker):
    assert checker.split("lisinopril-hydrochlorothiazide, aspirin") == ["lisinopril-hydrochlorothiazide", "aspirin"]
