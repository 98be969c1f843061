"""One test per rule of the table check, each on tables that break it, and the check itself on the tables that ship."""

from __future__ import annotations

import pytest

from cramprisk.checker import load_tables
from cramprisk.errors import TableError
from cramprisk.model import Kind
from cramprisk.names import INDEX_FILES, names_of, prepare
from cramprisk.nearness import NearIndex
from cramprisk.sorted_names import NamesByLength, mapped, pack, unpack, whole
from cramprisk.table_check import fixed, table_problems
from cramprisk.tables import LAYOUT, format_table, read_tables, tables_from, write_tables

SOURCE = {"id": "a-2020", "kind": "study", "citation": "A 2020", "year": "2020"}
FINDING = {
    "id": "aspirin-a-2020",
    "subject_kind": "drug",
    "subject": "aspirin",
    "direction": "increases",
    "grade": "B",
    "outcome": "leg cramps",
    "source": "a-2020",
    "reviewed": "2026-11-21",
}
DRUGS = [{"id": "aspirin", "name": "aspirin"}, {"id": "warfarin", "name": "warfarin"}]


def problems(**files):
    named = {name.replace("__", ".").replace("_csv", ".csv"): rows for name, rows in files.items()}
    return [str(problem) for problem in table_problems(tables_from(named, version="2026.11.0"))]


def finding(**changes):
    return problems(drugs_csv=DRUGS, sources_csv=[SOURCE], associations_csv=[FINDING | changes])


def test_the_tables_that_ship_have_no_problem():
    assert table_problems(read_tables()) == []


def test_the_tables_that_ship_are_in_canonical_form():
    tables = read_tables()

    for file in LAYOUT:
        assert (tables.folder / file).read_bytes() == format_table(file, fixed(tables).rows(file))


def test_the_digest_of_the_tables_that_ship_is_recorded():
    assert read_tables().checked


def test_sound_tables_have_no_problem():
    assert finding() == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"source": "b-1999"}, 'associations.csv:2: source: "b-1999" is not in sources.csv'),
        ({"subject": "asprin"}, '"asprin" is not a known drug'),
        ({"subject_kind": "thing"}, "is one of drug, class, product, condition"),
        ({"direction": "causes"}, "direction: is one of increases"),
        ({"grade": "Z"}, "grade: is one of A"),
        ({"grade": "TA"}, "an increase is graded A to D"),
        ({"direction": "relieves"}, "relief is graded TA"),
        ({"source": ""}, "every row names a source"),
        ({"outcome": ""}, "say what was counted"),
        ({"value": "x", "measure": "odds ratio"}, "value: is not a number"),
        ({"value": "nan", "measure": "odds ratio"}, "value: is not a number"),
        ({"source": "a-2020|a-2020"}, "is not in sources.csv"),
        ({"value": "2"}, "say what the figure measures"),
        ({"value": "2", "measure": "odds ratio", "ci_low": "1"}, "an interval has two ends"),
        ({"value": "2", "measure": "odds ratio", "ci_low": "3", "ci_high": "4"}, "lies outside its own interval"),
        ({"rate_pct": "about 3"}, "is a percentage or a range"),
        ({"reviewed": "last year"}, "is the date of the last review"),
    ],
)
def test_a_wrong_finding_is_reported_with_its_place(changes, says):
    assert any(says in problem for problem in finding(**changes))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"drugs_csv": [{"id": "As Pirin", "name": "aspirin"}]}, "an id holds small letters"),
        ({"drugs_csv": [*DRUGS, {"id": "aspirin", "name": "aspirin"}]}, "the same key stands on line"),
        ({"drugs_csv": DRUGS[::-1]}, "out of order. Run: cramprisk tables check --fix"),
        ({"drugs_csv": [{"id": "aspirin", "name": "aspirin "}]}, "stray space"),
        ({"drugs_csv": [{"id": "aspirin", "name": "aspirin", "synonyms": "b|a"}]}, "stray space, repeat or order"),
        ({"drugs_csv": [{"id": "aspirin", "name": "asp\x07irin"}]}, "control character"),
        ({"drugs_csv": [{"id": "aspirin", "name": "aspirin", "drug_class": "nsaids"}]}, "not in drug_classes.csv"),
        ({"drugs_csv": [{"id": "aspirin", "name": "aspirin", "rxcui": "x1"}]}, "an RxCUI is a number"),
        ({"drugs_csv": [{"id": "aspirin", "name": "aspirin", "atc": "B01"}]}, "seven characters"),
        (
            {
                "drugs_csv": [
                    {"id": "aspirin", "name": "aspirin", "synonyms": "ASA"},
                    {"id": "warfarin", "name": "warfarin", "brands": "Asa"},
                ]
            },
            'is also a name of "aspirin"',
        ),
        ({"drugs_csv": [{"id": "a", "name": "a", "rxcui": "1"}, {"id": "b", "name": "b", "rxcui": "1"}]}, "belongs to"),
        ({"combinations_csv": [{"id": "a+b", "ingredients": "a|b", "brands": "Ab"}]}, "not in drugs.csv"),
        ({"drugs_csv": DRUGS, "combinations_csv": [{"id": "x", "ingredients": "aspirin", "brands": "Ab"}]}, "at least two parts"),
        (
            {"drug_classes_csv": [{"id": "a", "name": "a", "parent": "b"}, {"id": "b", "name": "b", "parent": "a"}]},
            "its own ancestor",
        ),
        ({"drugs_csv": DRUGS, "drug_classes_csv": [{"id": "aspirin", "name": "aspirins"}]}, "also the id of a medicine"),
        ({"conditions_csv": [{"id": "gout", "name": "gout", "kind": "illness"}]}, "kind: is one of"),
        ({"conditions_csv": [{"id": "gout", "name": "gout", "kind": "disease", "icd10cm": "10"}]}, "looks like E11"),
        ({"conditions_csv": [{"id": "gout", "name": "gout", "kind": "disease", "snomed": "12"}]}, "6 to 18 digits"),
        ({"sources_csv": [SOURCE]}, "no row cites this source"),
        ({"drugs_csv": DRUGS, "interactions_csv": [{"id": "x", "subjects": "aspirin"}]}, "needs two subjects"),
        ({"drugs_csv": DRUGS, "interactions_csv": [{"id": "x", "subjects": "aspirin|beer"}]}, '"beer" is not a known id'),
        ({"look_alikes_csv": [{"name": "a", "confused_with": "b", "kind": "drug"}]}, "is no name of the tables"),
        (
            {"drugs_csv": DRUGS, "ambiguous_names_csv": [{"name": "X", "kind": "drug", "meanings": "aspirin"}]},
            "at least two meanings",
        ),
        (
            {"drugs_csv": DRUGS, "ambiguous_names_csv": [{"name": "X", "kind": "drug", "meanings": "aspirin|beer"}]},
            '"beer" is not',
        ),
        (
            {"drugs_csv": [{"id": "tab", "name": "x", "brands": "Tab"}], "words_csv": [{"word": "tab", "kind": "form"}]},
            "is an ordinary word",
        ),
        ({"words_csv": [{"word": "tab", "kind": "noun"}]}, "words.csv:2: kind"),
        ({"common_names_csv": [{"name": "aspirin", "kind": "drug"}]}, "common_names.csv:2: kind"),
        ({"drugs_csv": DRUGS, "common_names_csv": [{"name": "beer", "kind": "medicine"}]}, "is not the id of a medicine"),
        ({"drugs_csv": DRUGS, "common_names_csv": [{"name": "Beer", "kind": "brand"}]}, "is no name of the tables"),
    ],
)
def test_a_wrong_row_is_reported(files, says):
    assert any(says in problem for problem in problems(**files)), problems(**files)


def test_all_problems_come_at_once():
    assert len(finding(grade="Z", source="nowhere", reviewed="")) >= 3


def test_a_wrong_version_is_reported():
    assert "2026.11.0" in str(table_problems(tables_from({}, version="1"))[0])


def test_fixing_changes_order_and_spaces_only():
    rows = [{"id": "warfarin", "name": "warfarin"}, {"id": "aspirin", "name": " aspirin ", "synonyms": "b| a|b"}]

    mended = fixed(tables_from({"drugs.csv": rows}, version="2026.11.0"))

    assert [row["id"] for row in mended.rows("drugs.csv")] == ["aspirin", "warfarin"]
    assert mended.rows("drugs.csv")[0]["synonyms"] == "a|b"
    assert table_problems(mended) == []


def broken(tmp_path, file, content):
    write_tables(tables_from({}, version="2026.11.0"), tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(TableError) as caught:
        load_tables(tmp_path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe\x00", "drugs.csv:1: not UTF-8"),
        (b"", "is empty. It needs the header"),
        (b"id,name\n", "the header lacks synonyms"),
        (b"id,name,synonyms,brands,abbreviations,drug_class,rxcui,atc\na,b\n", "drugs.csv:2: 2 cells, the header has 8"),
        (b'id,name,synonyms,brands,abbreviations,drug_class,rxcui,atc\n"a,b\n', "not readable as CSV"),
        (b"id,name,synonyms,brands,abbreviations,drug_class,rxcui,atc,colour\n", "unknown column colour"),
        (b"id,name,synonyms,brands,abbreviations,drug_class,rxcui,atc\na\0,b,,,,,,\n", "holds a NUL"),
    ],
)
def test_a_broken_file_is_a_table_error_that_says_where(tmp_path, content, says):
    assert says in broken(tmp_path, "drugs.csv", content)


def test_a_missing_file_is_a_table_error(tmp_path):
    write_tables(tables_from({}, version="2026.11.0"), tmp_path)
    (tmp_path / "sources.csv").unlink()

    with pytest.raises(TableError, match=r"sources\.csv: is missing"):
        load_tables(tmp_path)


def test_a_folder_that_is_none_is_a_table_error(tmp_path):
    with pytest.raises(TableError, match="is not a folder"):
        load_tables(tmp_path / "nowhere")


def test_an_old_index_is_not_used(tmp_path):
    write_tables(tables_from({"drugs.csv": DRUGS}, version="2026.11.0"), tmp_path)
    (tmp_path / INDEX_FILES[Kind.DRUG]).write_bytes(pack("cramprisk names 10 0000", prepare(tables_from({}), Kind.DRUG)))

    from cramprisk.checker import Checker

    assert Checker(load_tables(tmp_path)).normalize("warfarin").concepts == ("warfarin",)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_index_that_ships_is_that_of_the_tables(kind):
    tables = read_tables()
    path = tables.folder / INDEX_FILES[kind]
    if not path.exists():
        pytest.skip("no index beside the tables: run cramprisk tables check --fix, or install the package")

    blocks = {name: block.content() for name, block in unpack(mapped(path), f"cramprisk names 13 {tables.digest}").items()}

    expected = prepare(tables, kind)
    pieces = NearIndex.block_of(NamesByLength(whole(expected["near"])))
    assert blocks == {"pieces": pieces, **expected}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_name_of_the_tables_has_a_key(kind, checker):
    lexicon = checker.matcher(kind).lexicon

    assert all(lexicon.tokens_of(name.text) for name in names_of(checker.tables, kind))


SEEDS = {
    "drug": "diuretics statins zolpidem salbutamol ipratropium clonazepam amoxicillin carisoprodol diltiazem verapamil orphenadrine naproxen "
    "acetaminophen ibuprofen magnesium potassium calcium".split()
    + ["conjugated estrogens", "beta agonists", "horse chestnut", "yellow mustard"],
    "condition": [
        "diabetes", "hypothyroidism", "parkinsonism", "Parkinson's disease", "flat feet", "dehydration", "hemodialysis", "pregnancy",
        "spinal canal stenosis", "peripheral neuropathy", "motor neuron disease", "osteoarthritis", "multiple sclerosis", "MS (multiple sclerosis)",
        "peripheral artery disease", "PAD", "restless leg syndrome", "thyroid disease", "liver disease", "kidney disease",
        "electrolyte imbalance", "overexertion", "prolonged standing", "sedentary lifestyle",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SEEDS.items() for text in texts])
def test_everything_the_project_was_created_for_is_known_and_has_evidence(checker, kind, text):
    match = checker.normalize(text, kind)

    assert match.concepts, text
    own, inherited = checker.evidence(Kind(kind), match.concepts[0])
    known_without = {"potassium"}
    assert own or inherited or match.concepts[0] in known_without, text
