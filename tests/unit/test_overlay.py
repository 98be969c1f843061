import pytest

from cramprisk import Checker, TableError, load_tables


@pytest.fixture
def folder(tmp_path):
    def made(**files):
        for file, text in files.items():
            (tmp_path / f"{file}.csv").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return tmp_path

    return made


def match(where, text, kind="drug"):
    return Checker(load_tables(extra=where)).normalize(text, kind)


def test_a_local_name_is_known_and_says_where_it_comes_from(folder):
    found = match(folder(drugs="id,brands\nfurosemide,Wasserwunder\n"), "wasserwunder 40 mg")

    assert found.concepts == ("furosemide",)
    assert found.mentions[0].table == "extra/drugs.csv brands"


def test_a_local_name_is_found_by_nearness_too(folder):
    assert match(folder(drugs="id,brands\nfurosemide,Wasserwunder\n"), "wasserwundr").concepts == ("furosemide",)


def test_a_local_abbreviation_settles_what_the_tables_leave_open(folder):
    assert Checker.default().normalize("HCT").status == "ambiguous"
    assert match(folder(drugs="id,abbreviations\nhydrochlorothiazide,HCT\n"), "HCT 25").concepts == ("hydrochlorothiazide",)


def test_a_new_medicine_is_known_without_an_association(folder):
    where = folder(drugs="id,name,synonyms\nst-lukes-mixture,St Lukes Mixture,Mixt. St. Luke\n")
    report = Checker(load_tables(extra=where)).check(["st lukes mixture"])

    assert report.complete
    assert not report.flags


def test_a_local_product_gives_all_its_ingredients(folder):
    where = folder(combinations="ingredients,brands\nfurosemide|amiloride,Lukesemide\n")

    assert match(where, "Lukesemide").concepts == ("amiloride", "furosemide")


def test_a_condition_can_be_named_locally(folder):
    where = folder(conditions="id,abbreviations\ntype-2-diabetes,LDM2\n")

    assert match(where, "LDM2", "condition").concepts == ("type-2-diabetes",)


def test_everything_else_stays_as_it_was(folder):
    checker = Checker(load_tables(extra=folder(drugs="id,brands\nfurosemide,Wasserwunder\n")))

    for text in ("HCTZ 25mg po qd", "Ventolin HFA", "prednisone", "furosimide"):
        assert checker.normalize(text) == Checker.default().normalize(text)


def test_the_digest_of_a_report_tells_that_names_were_added(folder):
    tables = load_tables(extra=folder(drugs="id,brands\nfurosemide,Wasserwunder\n"))

    assert tables.digest != load_tables().digest
    assert tables.version == f"{load_tables().version}+extra"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "holds no table"),
        ({"medicines": "id\nx\n"}, "is no table"),
        ({"associations": "id\nx\n"}, "evidence cannot be added"),
        ({"drugs": b"id,name\n\xff,x\n"}, "extra/drugs.csv:2: not UTF-8"),
        ({"drugs": b"id,name\nx,\0\n"}, "NUL"),
        ({"drugs": "name\nx\n"}, "the header lacks id"),
        ({"drugs": "id,name,dose\nx,y,3\n"}, "the header has dose"),
        ({"drugs": "id,name,name\nx,y,z\n"}, "a column twice"),
        ({"drugs": "id,name\n"}, "has no row"),
        ({"drugs": "id,name\nx\n"}, "extra/drugs.csv:2: 1 cells"),
        ({"drugs": 'id,name\nx,"y\n'}, "not readable as CSV"),
        ({"drugs": "id,brands\nnew-drug,Novum\n"}, "a new concept needs a name"),
        ({"drugs": "id,drug_class\nfurosemide,statins\n"}, "only names can be added"),
        ({"drugs": "id,name,drug_class\nnew-drug,Novum,no-such-class\n"}, 'drug_class: "no-such-class" is not in'),
        ({"drugs": "id,brands\nspironolactone,Lasix\n"}, 'extra/drugs.csv:2: brands: "Lasix" is also a name of "furosemide"'),
        ({"drugs": "id,name\nNew Drug,Novum\n"}, "an id holds small letters"),
        ({"combinations": "ingredients,brands\nfurosemide|no-such,Lukesemide\n"}, "is not in drugs.csv"),
        ({"drugs": "id,brands\nfurosemide,A1x|a1X\nspironolactone,A1X\n"}, "extra/drugs.csv:3"),
    ],
)
def test_what_is_wrong_in_the_folder_is_said_with_its_place(folder, files, says):
    where = folder(**files)

    with pytest.raises(TableError) as error:
        load_tables(extra=where)

    assert says in str(error.value), str(error.value)


def test_a_folder_that_is_none_is_a_table_error(tmp_path):
    with pytest.raises(TableError, match="is not a folder"):
        load_tables(extra=tmp_path / "nowhere")
