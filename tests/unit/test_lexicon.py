"""Names and codes looked up in small tables made here, and a few laws over the tables that ship."""

from __future__ import annotations

import random

import pytest

from cramprisk.checker import Checker, load_tables
from cramprisk.lexicon import Ambiguity, Lexicon, Word
from cramprisk.model import Concept, Kind, Method
from cramprisk.nearness import radius
from cramprisk.rxnorm import import_rxnorm
from cramprisk.tables import read_tables, tables_from
from tests.rxnorm_release import release

DRUGS = {
    "drugs.csv": [
        {"id": "furosemide", "name": "furosemide", "synonyms": "frusemide|Furo Semide", "brands": "Lasix|Frusol|Rusyde|Froop",
         "drug_class": "loop-diuretics|sulfonamides", "rxcui": "4603", "atc": "C03CA01"},
        {"id": "paracetamol", "name": "paracetamol", "brands": "Panadol|Co-Aid", "abbreviations": "APAP|PCM", "atc": "N02BE01|N02BE51"},
        {"id": "codeine", "name": "codeine", "atc": "R05DA04"},
        {"id": "torasemide", "name": "torasemide", "drug_class": "loop-diuretics", "brands": "Torem", "atc": "C03CA04"},
        {"id": "zinc", "name": "zinc", "synonyms": "zinc sulfate"},
        {"id": "amiloride", "name": "amiloride", "atc": "C03DB01"},
    ],
    "drug_classes.csv": [
        {"id": "diuretics", "name": "diuretics", "atc": "C03"},
        {"id": "loop-diuretics", "name": "loop diuretics", "synonyms": "loops of Henle blockers", "parent": "diuretics", "atc": "C03C"},
        {"id": "sulfonamides", "name": "sulfonamides"},
    ],
    "combinations.csv": [
        {"id": "codeine+paracetamol", "ingredients": "codeine|paracetamol", "synonyms": "co codamol", "brands": "Solpadol|Kapake|Zapain|Tylex",
         "atc": "N02AJ06"},
        {"id": "amiloride+furosemide", "ingredients": "amiloride|furosemide", "brands": "Frumil", "atc": "C03EB01|C03EZ01"},
        {"id": "amiloride+torasemide", "ingredients": "amiloride|torasemide", "brands": "Toramil", "atc": "C03EZ01"},
    ],
    "ambiguous_names.csv": [
        {"name": "AF", "kind": "drug", "meanings": "furosemide|amiloride+furosemide", "settled_by": "furosemide=codeine+zinc|amiloride+furosemide=diuretics"},
        {"name": "Pain Relief Plus", "kind": "drug", "meanings": "paracetamol|codeine+paracetamol"},
        {"name": "PD", "kind": "condition", "meanings": "gout|diabetes"},
    ],
    "look_alikes.csv": [
        {"name": "Lasix", "confused_with": "torasemide", "kind": "drug"},
        {"name": "zinc", "confused_with": "Co-Aid", "kind": "drug"},
        {"name": "nobody", "confused_with": "codeine", "kind": "drug"},
        {"name": "gout", "confused_with": "diabetes", "kind": "condition"},
    ],
    "common_names.csv": [{"name": "Frumil", "kind": "brand"}, {"name": "paracetamol", "kind": "medicine"}, {"name": "codeine", "kind": "medicine"}],
    "product_codes.csv": [
        {"system": "ndc", "code": "00071015523", "ingredients": "codeine"},
        {"system": "rxcui", "code": "4603", "ingredients": "zinc"},
        {"system": "rxcui", "code": "99", "ingredients": "codeine|paracetamol"},
    ],
    "words.csv": [{"word": "mg", "kind": "unit"}, {"word": "oral", "kind": "route", "route": "oral"}, {"word": "tablet", "kind": "form"}],
    "conditions.csv": [
        {"id": "diabetes", "name": "diabetes mellitus", "kind": "disease", "icd10cm": "E10|E11", "snomed": "73211009", "synonyms": "sugar diabetes"},
        {"id": "type-1-diabetes", "name": "type 1 diabetes", "kind": "disease", "parent": "diabetes", "icd10cm": "E10.1"},
        {"id": "gout", "name": "gout", "kind": "disease", "icd10cm": "M10.9", "abbreviations": "GT"},
        {"id": "kidney-disease", "name": "disease of the kidney", "kind": "disease", "icd10cm": "N18.30"},
        {"id": "kidney-disease-3a", "name": "stage three a kidney disease", "kind": "disease", "parent": "kidney-disease", "icd10cm": "N18.31"},
        {"id": "foot", "name": "flat foot", "kind": "other", "icd10cm": "N19.0"},
        {"id": "hand", "name": "flat hand", "kind": "other", "icd10cm": "N19.1"},
    ],
    "compound_conditions.csv": [
        {"id": "gouty-diabetes", "name": "gouty diabetes", "parts": "diabetes|gout", "icd10cm": "E11.9", "snomed": "1234567"},
    ],
}  # fmt: skip


@pytest.fixture
def drugs():
    return Lexicon(tables_from(DRUGS), Kind.DRUG)


@pytest.fixture
def conditions():
    return Lexicon(tables_from(DRUGS), Kind.CONDITION)


@pytest.fixture(scope="module")
def shipped():
    return read_tables()


# ---------------------------------------------------------------------- concepts


def test_a_concept_says_all_that_its_row_says(drugs, conditions):
    assert drugs.concepts["furosemide"] == Concept(
        "furosemide", "furosemide", "drug", ("loop-diuretics", "sulfonamides"), (("rxcui", "4603"), ("atc", "C03CA01")), ""
    )
    assert drugs.concepts["loop-diuretics"] == Concept(
        "loop-diuretics", "loop diuretics", "class", ("diuretics",), (("atc", "C03C"),), ""
    )
    assert conditions.concepts["diabetes"] == Concept(
        "diabetes",
        "diabetes mellitus",
        "condition",
        (),
        (("icd10cm", "E10"), ("icd10cm", "E11"), ("snomed", "73211009")),
        "disease",
    )
    assert conditions.concepts["type-1-diabetes"].parents == ("diabetes",)


def test_the_concepts_of_a_kind_are_those_of_its_tables(drugs, conditions):
    assert sorted(drugs.concepts) == sorted(row["id"] for file in ("drugs.csv", "drug_classes.csv") for row in DRUGS[file])
    assert len(drugs.concepts) == 9
    assert sorted(conditions.concepts) == sorted(row["id"] for row in DRUGS["conditions.csv"])
    assert "gout" in conditions.concepts
    assert "gout" not in drugs.concepts
    assert 7 not in drugs.concepts
    with pytest.raises(KeyError, match="gout"):
        drugs.concepts["gout"]


def test_a_concept_is_made_once(drugs):
    assert drugs.concepts["zinc"] is drugs.concepts["zinc"]


# ---------------------------------------------------------------------- ordinary words


def test_an_ordinary_word_is_known_by_its_kind_and_route(drugs):
    assert drugs.word("oral") == Word("route", "oral")
    assert drugs.word("mg") == Word("unit", "")
    assert drugs.word("lasix") is None
    assert drugs.words.get("lasix", Word("x", "y")) == Word("x", "y")


@pytest.mark.parametrize("marked", [True, False])
def test_the_words_are_those_of_the_table_however_many_are_asked_for(shipped, marked):
    """Of checked tables the first are looked up one by one; then all of them are read."""
    from dataclasses import replace

    words = Lexicon(replace(shipped, checked=marked), Kind.DRUG).words
    rows = {row["word"]: Word(row["kind"], row["route"]) for row in shipped.rows("words.csv")}
    chance = random.Random(1)
    asked = ["", "zzzzzz", "~", min(rows), max(rows), *chance.sample(sorted(rows), 60)]
    asked += [word + "q" for word in chance.sample(sorted(rows), 60)]

    for turn in (asked, asked, chance.sample(sorted(rows), 400), asked):
        assert [words.get(word) for word in turn] == [rows.get(word) for word in turn]
        other = Word("other", "")
        assert [words.get(word, other) for word in turn] == [rows.get(word, other) for word in turn]
        assert [word in words for word in turn] == [word in rows for word in turn]
    assert dict(words) == rows
    assert len(words) == len(rows)
    assert 7 not in words
    assert words["mg"] == rows["mg"]
    with pytest.raises(KeyError, match="zzzzzz"):
        words["zzzzzz"]


def test_words_that_a_folder_adds_are_found_though_they_stand_last(tmp_path):
    (tmp_path / "words.csv").write_text("word,kind\naardvarkly,filler\n", "utf-8")

    lexicon = Lexicon(load_tables(extra=tmp_path), Kind.DRUG)

    assert lexicon.word("aardvarkly") == Word("filler", "")
    assert lexicon.word("mg") is not None


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("furosemide", (("furosemide",), Method.NAME, "drugs.csv name", 0)),
        ("FUROSEMIDE", (("furosemide",), Method.NAME, "drugs.csv name", 0)),
        ("Frusol", (("furosemide",), Method.BRAND, "drugs.csv brands", 1)),
        ("APAP", (("paracetamol",), Method.ABBREVIATION, "drugs.csv abbreviations", 0)),
        ("co-codamol", (("codeine", "paracetamol"), Method.COMBINATION, "combinations.csv synonyms", 0)),
        ("loop diuretics", (("loop-diuretics",), Method.CLASS, "drug_classes.csv name", 0)),
    ],
)
def test_a_name_says_what_it_stands_for_and_where_it_is_written(drugs, text, expected):
    name = drugs.name(drugs.key(drugs.tokens_of(text)))

    assert (name.concepts, name.method, name.table, name.rank) == expected


def test_the_words_of_a_medicine_have_their_order_and_those_of_a_condition_none(drugs, conditions):
    assert drugs.name("codamol co") is None
    assert conditions.name(conditions.key(conditions.tokens_of("Kidney diseases"))).concepts == ("kidney-disease",)
    assert conditions.name("nothing") is None


def test_all_names_are_counted_and_listed(drugs, conditions):
    """21 spellings of medicines, 4 of classes, 7 of products; the names with several meanings are listed too."""
    assert len(drugs) == len(set(drugs.keys()) - set(drugs.ambiguous)) == 29
    assert {"lasix", "furo semide", "co codamol", "loops of henle blockers", "af", "pain relief plus"} <= set(drugs.keys())
    assert "pd" not in set(drugs.keys())
    assert "pd" in set(conditions.keys())


def test_a_name_of_several_meanings_keeps_them_and_what_settles_it(drugs, conditions):
    assert drugs.ambiguous == {
        "af": Ambiguity(
            "AF",
            ("furosemide", "amiloride+furosemide"),
            {"furosemide": frozenset({"codeine", "zinc"}), "amiloride+furosemide": frozenset({"diuretics"})},
        ),
        "pain relief plus": Ambiguity("Pain Relief Plus", ("paracetamol", "codeine+paracetamol"), {}),
    }
    assert conditions.ambiguous == {"pd": Ambiguity("PD", ("gout", "diabetes"), {})}


def test_the_lengths_of_longer_names_are_known_by_their_words(drugs, conditions):
    assert drugs.lengths("loop") == (2,)
    assert drugs.lengths("loops") == (4,)
    assert drugs.lengths("diuretics") == ()
    assert drugs.lengths("pain") == (3,)
    assert drugs.lengths("relief") == ()
    assert drugs.lengths("lasix") == ()
    assert conditions.lengths("kidney") == (5, 2)
    assert conditions.lengths("kidney") == (5, 2)
    assert conditions.lengths("pd") == (1,)


def test_any_word_of_a_condition_of_several_meanings_leads_to_it_and_the_first_of_a_medicine():
    rows = [{"name": "sore spot", "kind": kind, "meanings": "a|b"} for kind in ("condition", "drug")]
    found = {kind: Lexicon(tables_from({"ambiguous_names.csv": rows}), kind) for kind in Kind}

    assert [found[Kind.CONDITION].lengths(word) for word in ("sore", "spot")] == [(2,), (2,)]
    assert [found[Kind.DRUG].lengths(word) for word in ("sore", "spot")] == [(2,), ()]


def test_a_name_is_found_however_its_spaces_are_set(drugs, conditions):
    assert [name.text for name in drugs.spelled("cocodamol")] == ["co codamol"]
    assert [name.text for name in drugs.spelled("furosemide")] == ["furosemide"]
    assert [name.text for name in drugs.spelled("coaid")] == ["Co-Aid"]
    assert [name.text for name in drugs.spelled("zinc")] == ["zinc"]
    assert drugs.spelled("pcm") == ()
    assert drugs.spelled("codamol") == ()
    assert [name.concepts for name in conditions.spelled("flatfoot")] == [("foot",)]
    assert conditions.spelled("footflat") == ()


def test_names_of_two_concepts_that_coincide_without_spaces_are_both_given():
    rows = [{"id": "a", "name": "pro air"}, {"id": "b", "name": "proair"}, {"id": "c", "name": "pr oair"}]
    rows.append({"id": "d", "name": "d", "brands": "ProAirs", "synonyms": "pro airs"})
    lexicon = Lexicon(tables_from({"drugs.csv": rows}), Kind.DRUG)

    assert sorted(name.concepts for name in lexicon.spelled("proair")) == [("a",), ("b",), ("c",)]
    assert [name.concepts for name in lexicon.spelled("proairs")] == [("d",)]


@pytest.mark.parametrize(
    ("text", "rarity"),
    [
        ("paracetamol", 0),  # a medicine on very many lists
        ("Panadol", 0),  # and its first brands
        ("APAP", 1),  # but not its abbreviations
        ("Frumil", 0),  # a brand on very many lists
        ("furosemide", 1),
        ("Rusyde", 1),  # the third brand
        ("Froop", 2),  # the fourth
        ("Toramil", 1),
        ("Solpadol", 0),  # both its substances are common
        ("Tylex", 2),
        ("co-codamol", 1),  # a product's own name, however common what is in it
    ],
)
def test_how_seldom_a_name_is_written(drugs, text, rarity):
    assert drugs.rarity(drugs.name(drugs.key(drugs.tokens_of(text)))) == rarity


def test_of_a_product_only_its_first_names_are_well_known():
    """A medicine's synonyms are equally well known; of the many names of a product the later are seldom written."""
    names = "aa|bb|cc|dd|ee"
    rows = {
        "drugs.csv": [{"id": "one", "name": "one", "synonyms": names}],
        "combinations.csv": [{"id": "one+two", "ingredients": "one|two", "synonyms": names.replace("|", "x|")}],
    }
    lexicon = Lexicon(tables_from(rows), Kind.DRUG)

    assert [lexicon.rarity(lexicon.name(key)) for key in ("aa", "bb", "cc", "dd", "ee")] == [1, 1, 1, 1, 1]
    assert [lexicon.rarity(lexicon.name(key)) for key in ("aax", "bbx", "ccx", "ddx")] == [1, 1, 1, 2]


def test_no_condition_is_common(conditions):
    assert conditions.rarity(conditions.name("gout")) == 1


def test_only_conditions_have_words_that_are_spelled_right(drugs, conditions):
    assert conditions.spells("gout")
    assert conditions.spells("diabete")
    assert not conditions.spells("sugar")
    assert not drugs.spells("furosemide")


# ---------------------------------------------------------------------- nearness


def test_nearness_leads_to_names_of_four_letters_or_more_and_to_no_abbreviation(drugs):
    keys = drugs.near_keys()

    assert {"furosemide", "cocodamol", "zinc", "loopdiuretics"} <= set(keys)
    assert not {"apap", "pcm", "af"} & set(keys)
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("start", "longest", "found"),
    [
        ("fru", 6, {"frusol", "frumil"}),
        ("fru", 9, {"frusol", "frumil", "frusemide"}),
        ("frusol", 6, {"frusol"}),
        ("x", 9, set()),
        ("frus", 5, set()),
    ],
)
def test_names_that_begin_with_some_letters(drugs, start, longest, found):
    assert set(drugs.beginning_with(start, longest)) == found


def test_a_short_list_finds_by_scanning_what_a_long_one_finds_by_the_index(drugs, monkeypatch):
    by_index = []
    monkeypatch.setattr(drugs, "near_by_index", lambda word, search=drugs.near_by_index: by_index.append(word) or search(word))
    words = ["furosemid", "furosemdie", "zink", "torsemide", "cocodamols", "qqqqqqqq", "furosemides", "zin", "laxis"]
    scanned = {word: drugs.near(word) for word in words}
    assert not by_index

    for number in range(80):
        drugs.near(f"qq{number}")

    assert by_index[:2] == ["qq51", "qq52"]
    assert {word: sorted(drugs.near_by_index(word)) for word in words} == {word: sorted(near) for word, near in scanned.items()}
    assert any(near.key == "furosemide" for near in scanned["furosemid"])
    assert [near.key for near in scanned["furosemides"]] == ["furosemide"]
    assert all(abs(len(near.key) - len(word)) <= radius(len(word)) for word, found in scanned.items() for near in found)


# ---------------------------------------------------------------------- what belongs to what


def test_the_classes_of_a_medicine_come_narrower_before_wider(drugs):
    assert drugs.ancestors("furosemide") == ("loop-diuretics", "sulfonamides", "diuretics")
    assert drugs.ancestors("torasemide") == ("loop-diuretics", "diuretics")
    assert drugs.ancestors("codeine") == ()
    assert drugs.ancestors("unheard-of") == ()


def test_a_class_that_is_named_beside_its_wider_one_still_comes_first():
    rows = {
        "drugs.csv": [{"id": "a", "name": "a", "drug_class": "wide|narrow"}],
        "drug_classes.csv": [{"id": "narrow", "name": "narrow", "parent": "wide"}, {"id": "wide", "name": "wide"}],
    }

    assert Lexicon(tables_from(rows), Kind.DRUG).ancestors("a") == ("narrow", "wide")


def test_a_concept_is_itself_and_what_it_belongs_to(drugs):
    assert drugs.is_a("furosemide", "furosemide")
    assert drugs.is_a("furosemide", "diuretics")
    assert not drugs.is_a("diuretics", "furosemide")
    assert not drugs.is_a("furosemide", "torasemide")


def test_look_alikes_go_both_ways_and_from_any_of_their_names(drugs, conditions):
    assert drugs.look_alikes("furosemide") == {"torasemide"}
    assert drugs.look_alikes("torasemide") == {"furosemide"}
    assert drugs.look_alikes("paracetamol") == {"zinc"}
    assert drugs.look_alikes("codeine") == frozenset()
    assert conditions.look_alikes("gout") == {"diabetes"}


# ---------------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("system", "code", "concepts"),
    [
        ("atc", "C03CA01", ("furosemide",)),
        ("atc", "c03ca 01", ("furosemide",)),
        ("atc", "C03C", ("loop-diuretics",)),
        ("atc", "C03CA", ("loop-diuretics",)),  # a narrower class than the tables have is of the wider
        ("atc", "C03CA99", ("loop-diuretics",)),
        ("atc", "C03CA011", ()),  # longer than a code of a substance: no code
        ("atc", "C0", ()),
        ("atc", "N02BE51", ("paracetamol",)),
        ("atc", "N02AJ06", ("codeine", "paracetamol")),
        ("atc", "C03EB01", ("amiloride", "furosemide")),
        ("atc", "C03EZ01", ("diuretics",)),  # shared by two products: it leaves a partner open
        ("rxcui", "4603", ("furosemide",)),  # a code of a row counts before one of a product
        ("rxcui", "99", ("codeine", "paracetamol")),
        ("rxcui", "460", ()),
        ("ndc", "00071015523", ("codeine",)),
        ("ndc", "0071-0155-23", ("codeine",)),
        ("ndc", "00071-155-23", ("codeine",)),
        ("ndc", "00071-0155-23", ("codeine",)),
        ("ndc", "71-0155", ()),
        ("ndc", "0071015523", ()),
        ("snomed", "73211009", ()),
        ("snomed", "1234567", ()),  # codes of conditions say nothing of medicines
        ("icd10cm", "E11.9", ()),
    ],
)
def test_a_code_of_a_medicine_is_looked_up(drugs, system, code, concepts):
    assert drugs.by_code(system, code) == concepts


@pytest.mark.parametrize(
    ("system", "code", "concepts"),
    [
        ("icd10cm", "E10", ("diabetes",)),
        ("icd10cm", "e10.1", ("type-1-diabetes",)),
        ("icd10cm", "E1010", ("type-1-diabetes",)),  # narrower than the tables
        ("icd10cm", "E10.9", ("diabetes",)),
        ("icd10cm", "E11.9", ("diabetes", "gout")),  # a condition of two parts
        ("icd10cm", "M10", ("gout",)),  # wider than the tables, and they have one below it
        ("icd10cm", "N18.3", ("kidney-disease",)),  # what those below have in common
        ("icd10cm", "N19", ()),  # those below have nothing in common
        ("icd10cm", "N1", ()),
        ("icd10cm", "M1", ()),  # two characters are a chapter, not a disease
        ("icd10cm", "Z99", ()),
        ("snomed", "73211009", ("diabetes",)),
        ("snomed", "1234567", ("diabetes", "gout")),
        ("snomed", "7321100", ()),
        ("atc", "C03", ()),
        ("atc", "N02AJ06", ()),
        ("rxcui", "99", ()),
        ("atc", "M10", ()),  # gout only as an ICD-10 code
    ],
)
def test_a_code_of_a_condition_is_looked_up(conditions, system, code, concepts):
    assert conditions.by_code(system, code) == concepts


# ---------------------------------------------------------------------- a vocabulary beside the tables


@pytest.fixture(scope="module")
def with_release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rxnorm")
    import_rxnorm(release(folder / "release"), folder / "rxnorm.vocab")
    return load_tables(vocabulary=folder / "rxnorm.vocab")


def test_a_medicine_of_the_release_is_a_concept_like_any_other(with_release):
    lexicon = Lexicon(with_release, Kind.DRUG)

    assert lexicon.concepts["rxcui-1740938"].name == "insulin argine"
    assert "rxcui-1740938" in lexicon.concepts
    assert "rxcui-1" not in lexicon.concepts
    assert 7 not in lexicon.concepts
    with pytest.raises(KeyError, match="rxcui-1"):
        lexicon.concepts["rxcui-1"]
    assert lexicon.by_code("rxcui", "1740938") == ("rxcui-1740938",)
    assert lexicon.by_code("ndc", "00039-0060-13") == ("furosemide",)
    assert lexicon.by_code("ndc", "99999-9999-99") == ()
    assert lexicon.by_code("snomed", "4603") == ()
    assert len(lexicon) > len(Checker.default().drugs.lexicon)


def test_a_release_of_medicines_says_nothing_of_conditions(with_release):
    lexicon = Lexicon(with_release, Kind.CONDITION)

    assert "rxcui-1740938" not in lexicon.concepts
    assert lexicon.by_code("rxcui", "1740938") == ()
    assert len(lexicon) == len(Checker.default().conditions.lexicon)


def test_an_ingredient_without_its_code_in_the_tables_is_known_by_its_name(tmp_path):
    from dataclasses import replace

    import_rxnorm(release(tmp_path / "release"), tmp_path / "rxnorm.vocab")
    vocabulary = load_tables(vocabulary=tmp_path / "rxnorm.vocab").vocabulary
    rows = [{"id": "our-furosemide", "name": "Furosemide"}, {"id": "statin", "name": "statin", "rxcui": "83367"}]
    lexicon = Lexicon(replace(tables_from({"drugs.csv": rows}), vocabulary=vocabulary), Kind.DRUG)

    assert lexicon.by_code("rxcui", "313988") == ("our-furosemide",)
    assert lexicon.by_code("rxcui", "597977") == ("rxcui-17767", "statin")
    assert lexicon.name("lasix").concepts == ("our-furosemide",)
