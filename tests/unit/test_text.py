from cramprisk.text import condition_token, fold, name_tokens, split_list, tokenise


def test_folding_levels_case_accents_and_signs():
    assert fold("FUROSÉMIDE 40 µg") == "furosemide 40 ug"


def test_tokens_know_their_place_in_the_text_as_given():
    text = "Ménière’s, FUROSÉMIDE"

    assert [text[token.start : token.end] for token in tokenise(text)] == ["Ménière’s", "FUROSÉMIDE"]


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
    for british, american in (("anaemia", "anemia"), ("oedema", "edema"), ("tumour", "tumor"), ("hypokalaemia", "hypokalemia")):
        assert condition_token(british) == condition_token(american)


def test_singular_and_plural_are_one():
    assert condition_token("cramps") == condition_token("cramp")
    assert condition_token("stenosis") == "stenosis"


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


def test_a_comma_inside_a_known_name_does_not_split(checker):
    assert checker.split("Estrogens, conjugated, Lasix 40") == ["Estrogens, conjugated", "Lasix 40"]


def test_a_comma_before_describing_words_does_not_split(checker):
    assert checker.split("leflunomide 10 mg tablet, film coated, aspirin") == ["leflunomide 10 mg tablet, film coated", "aspirin"]


def test_a_hyphenated_combination_is_not_split(checker):
    assert checker.split("lisinopril-hydrochlorothiazide, aspirin") == ["lisinopril-hydrochlorothiazide", "aspirin"]
