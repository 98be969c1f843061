import sys
import zipfile

import pytest

from cramprisk import Checker, VocabularyError, load_tables
from cramprisk.errors import InputError
from cramprisk.rxnorm import import_rxnorm
from cramprisk.vocabulary import read_vocabulary
from tests.rxnorm_release import conso, rel, release, sat


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rxnorm")
    import_rxnorm(release(folder / "release"), folder / "rxnorm.vocab")
    return folder / "rxnorm.vocab"


@pytest.fixture(scope="module")
def reader(vocabulary):
    return Checker(load_tables(vocabulary=vocabulary))


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("rxcui:4603", ("furosemide",)),
        ("RxNorm 313988", ("furosemide",)),  # clinical drug, through its component
        ("rxcui 200809", ("furosemide",)),  # branded drug, through the clinical drug
        ("rxcui 368487", ("furosemide",)),  # branded dose form
        ("rxcui 597977", ("amlodipine", "atorvastatin")),  # two ingredients, through MIN
        ("rxcui 597978", ("amlodipine", "atorvastatin")),  # a brand's component
        ("rxcui 404914", ("amlodipine", "atorvastatin")),  # brand name
        ("rxcui 1297766", ("atorvastatin",)),  # precise ingredient
        ("rxcui 1546056", ("furosemide",)),  # obsolete, known through its brand
        ("NDC 00039-0060-13", ("furosemide",)),
        ("ndc:00039006013", ("furosemide",)),
        ("NDC 0378-6168-77", ("amlodipine", "atorvastatin")),  # ten digits, of another source
        ("Lasix 40 mg tab 00039-0060-13", ("furosemide",)),
    ],
)
def test_codes_lead_to_our_concepts_through_the_relations(reader, text, concepts):
    found = reader.normalize(text)

    assert tuple(sorted(found.concepts)) == concepts
    assert found.complete


def test_a_product_code_is_not_known_without_the_vocabulary():
    assert Checker.default().normalize("rxcui 368487").status == "unrecognised"


def test_a_number_with_hyphens_that_is_no_known_ndc_is_no_code(reader):
    found = reader.normalize("warfarin 12345-678-90")

    assert found.concepts == ("warfarin",)
    assert found.complete


def test_an_unknown_ndc_that_is_marked_is_reported(reader):
    found = reader.normalize("warfarin NDC 99999-9999-99")

    assert found.concepts == ("warfarin",)
    assert found.not_understood == ("NDC 99999-9999-99",)


def test_names_of_the_release_are_known_and_say_so(reader):
    found = reader.normalize("Lasix ND 20mg")

    assert found.concepts == ("furosemide",)
    assert found.mentions[0].table == "RxNorm BN 202991"


def test_an_ingredient_that_the_tables_lack_is_a_medicine_without_association(reader):
    report = reader.check(["insulin argine 10 units"])

    assert report.matches[0].concepts == ("rxcui-1740938",)
    assert reader.concept("rxcui-1740938").name == "insulin argine"
    assert report.complete
    assert not report.flags


def test_the_tables_win_over_the_release(reader):
    assert reader.normalize("Lasix").mentions[0].table == "drugs.csv brands"
    assert reader.normalize("furosemide 40") == Checker.default().normalize("furosemide 40")


def test_what_the_tables_list_as_ambiguous_stays_so(tmp_path):
    import_rxnorm(
        release(
            tmp_path / "r",
            RXNCONSO=conso("4603", "IN", "furosemide", 1) + conso("3", "BN", "AZT", 3),
            RXNREL=rel("4603", "tradename_of", "3", 1),
        ),
        tmp_path / "v",
    )

    assert Checker(load_tables(vocabulary=tmp_path / "v")).normalize("AZT") == Checker.default().normalize("AZT")


def test_a_report_tells_that_a_vocabulary_was_used(reader):
    report = reader.check(["lasix"])

    assert report.tables_version.endswith("+rxnorm")
    assert report.tables_digest != Checker.default().check(["lasix"]).tables_digest


def test_names_of_suppressed_rows_are_not_taken(vocabulary):
    assert read_vocabulary(vocabulary).ingredient("9997") == "9997"


def test_the_file_says_what_it_was_made_from(vocabulary):
    about = read_vocabulary(vocabulary).about

    assert about["release"] == "RxNorm 26AA_261102F"
    assert about["NDCs"] == 3


def test_a_zip_is_read_as_it_is_downloaded_and_the_prescribable_subset_in_it_is_not(tmp_path, vocabulary):
    release(tmp_path / "release")
    release(tmp_path / "release" / "prescribe", RXNCONSO=conso("1", "IN", "only here", 1))
    with zipfile.ZipFile(tmp_path / "RxNorm_full_11022026.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (tmp_path / "release").rglob("*.RRF"):
            archive.write(path, path.relative_to(tmp_path / "release"))

    import_rxnorm(tmp_path / "RxNorm_full_11022026.zip", tmp_path / "from_zip.vocab")

    assert (tmp_path / "from_zip.vocab").read_bytes() == vocabulary.read_bytes()


def test_progress_is_told_to_the_end(tmp_path):
    told = []
    import_rxnorm(release(tmp_path / "r"), tmp_path / "v", lambda file, done, size: told.append((file, done, size)))

    assert [(file, done == size) for file, done, size in told] == [
        ("RXNCONSO.RRF", True),
        ("RXNREL.RRF", True),
        ("RXNSAT.RRF", True),
    ]


def test_a_name_with_two_contents_is_left_out(tmp_path):
    import_rxnorm(
        release(
            tmp_path / "r",
            RXNCONSO=conso("1", "IN", "alpha", 1) + conso("2", "IN", "beta", 2) + conso("3", "BN", "Twice", 3)
            + conso("4", "BN", "twice", 4),
            RXNREL=rel("1", "tradename_of", "3", 1) + rel("2", "tradename_of", "4", 2),
        ),
        tmp_path / "v",
    )  # fmt: skip

    assert read_vocabulary(tmp_path / "v").about["names left out, with several meanings"] == 1


FIRST = conso("4603", "IN", "furosemide", 1)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"RXNCONSO": ""}, "RXNCONSO.RRF: is empty"),
        ({"RXNCONSO": FIRST[:40]}, "RXNCONSO.RRF: line 1 has"),
        ({"RXNCONSO": FIRST + FIRST.rstrip("\n")}, "RXNCONSO.RRF: line 2 is cut off"),
        ({"RXNCONSO": "RXCUI,STR\n4603,furosemide\n"}, "RXNCONSO.RRF: line 1 has 0 columns, the layout has 18"),
        ({"RXNCONSO": conso("4603", "SU", "furosemide", 1, sab="MTHSPL")}, "no row with SAB=RXNORM"),
        ({"RXNCONSO": FIRST}, "name concepts that RXNCONSO.RRF lacks"),
        ({"RXNREL": rel("4603", "tradename_of", "202991", 1)[:-3] + "\n"}, "RXNREL.RRF: line 1"),
        ({"RXNREL": rel("4603", "tradename_of", "202991", 1, sab="MTHSPL")}, "RXNREL.RRF: has no relation"),
        ({"RXNSAT": sat("4603", "NDC", "1", 1)[:20]}, "RXNSAT.RRF: line 1"),
    ],
)
def test_a_release_that_is_cut_or_of_another_layout_leaves_no_file(tmp_path, changed, says):
    where = release(tmp_path / "release", **changed)
    (tmp_path / "out").mkdir()

    with pytest.raises(VocabularyError) as error:
        import_rxnorm(where, tmp_path / "out" / "rxnorm.vocab")

    assert says in str(error.value), str(error.value)
    assert not list((tmp_path / "out").iterdir())


def test_a_missing_file_of_the_release_is_named(tmp_path):
    where = release(tmp_path / "release")
    (where / "rrf" / "RXNREL.RRF").unlink()

    with pytest.raises(VocabularyError, match=r"RXNREL\.RRF not found"):
        import_rxnorm(where, tmp_path / "v")


@pytest.mark.parametrize("damage", ["cut", "no zip", "flipped"])
def test_a_damaged_zip_is_an_error_and_leaves_no_file(tmp_path, damage):
    release(tmp_path / "release")
    archive = tmp_path / "release.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
        for path in (tmp_path / "release").rglob("*.RRF"):
            out.write(path, path.relative_to(tmp_path / "release"))
    content = archive.read_bytes()
    archive.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "no zip": b"hello",
            "flipped": content.replace(b"furosemide 40", b"furosemide 41", 1),
        }[damage]
    )

    with pytest.raises(VocabularyError, match="Download the release again"):
        import_rxnorm(archive, tmp_path / "v")
    assert not (tmp_path / "v").exists()


def test_an_old_vocabulary_file_stays_when_the_import_fails(tmp_path):
    (tmp_path / "v").write_bytes(b"the old one")

    with pytest.raises(VocabularyError):
        import_rxnorm(release(tmp_path / "release", RXNSAT=""), tmp_path / "v")

    assert (tmp_path / "v").read_bytes() == b"the old one"


def test_a_target_that_cannot_be_written_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        import_rxnorm(release(tmp_path / "release"), tmp_path / "nowhere" / "v")


@pytest.mark.parametrize("content", [b"", b"cramprisk names 9 x\n", b"cramprisk vocabulary 1 about=2\n{}"])
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, content):
    (tmp_path / "v").write_bytes(content)

    with pytest.raises(VocabularyError, match="anew"):
        load_tables(vocabulary=tmp_path / "v")


def test_a_vocabulary_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(VocabularyError, match="cannot be read"):
        load_tables(vocabulary=tmp_path / "v")


def test_the_importer_is_not_loaded_with_the_engine(reader):
    assert reader.normalize("rxcui 4603").concepts
    code = "import sys; from cramprisk import check; check(['lasix']); print('cramprisk.rxnorm' in sys.modules)"
    import subprocess

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
