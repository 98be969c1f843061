"""``cramprisk scan``: every format in and out, columns, reviews and decisions, formulas and codes."""

import csv
import gzip
import json
import subprocess
import sys
from datetime import date

import pytest

from cramprisk import Checker
from cramprisk.cli import main
from cramprisk.columns import COLUMNS, readings
from cramprisk.files import scan as scan_module
from cramprisk.files.writers import reading_values
from cramprisk.guard import guarded

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
calamine = pytest.importorskip("python_calamine", reason="python-calamine is not installed")
xlsxwriter = pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")

from pyarrow import parquet

DRUGS = [
    "HCTZ 25mg po qd",
    "xyzzy",
    "HCT 25",
    "",
    "Lasix; salmeterol",
    "Estrogens, conjugated",
    'warf "x"',
    "=1+1",
    "allergic to Lasix",
]


@pytest.fixture
def run(capsys):
    def scan(*arguments):
        code = main(["scan", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return scan


def written(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def as_csv(path, drugs=DRUGS, header=("id", "drug")):
    with path.open("w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerow(header)
        out.writerows((f"{index:03}", text) for index, text in enumerate(drugs))
    return path


def expected(drugs, checker):
    return [reading_values(reading) for reading in readings(drugs, "drug", checker)]


# ---------------------------------------------------------------------- formats


def make(folder, suffix):
    """The same rows as a file of any format."""
    plain = as_csv(folder / "in.csv")
    path = folder / f"list{suffix}"
    rows = [{"id": f"{index:03}", "drug": text} for index, text in enumerate(DRUGS)]
    if suffix == ".csv":
        return plain
    if suffix == ".csv.gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif suffix == ".csv.zst":
        path.write_bytes(zstandard.compress(plain.read_bytes()))
    elif suffix == ".tsv":
        path.write_text(
            "id\tdrug\n"
            + "".join(
                f"{row['id']}\t{row['drug']}\n" if '"' not in row["drug"] else f'{row["id"]}\t"warf ""x"""\n' for row in rows
            )
        )
    elif suffix == ".ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif suffix in (".parquet", ".parquet.gz"):
        parquet.write_table(pa.Table.from_pylist(rows), folder / "list.parquet")
        if suffix.endswith(".gz"):
            path.write_bytes(gzip.compress((folder / "list.parquet").read_bytes()))
    else:
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate([{"id": "id", "drug": "drug"}, *rows]):
                sheet.write_string(number, 0, row["id"])
                sheet.write_string(number, 1, row["drug"])
    return path


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst", ".tsv", ".ndjson", ".parquet", ".parquet.gz", ".xlsx"])
def test_every_format_is_read_alike(tmp_path, run, checker, suffix):
    code, _, _ = run(make(tmp_path, suffix), "--drug", "drug", "-o", tmp_path / "out.ndjson")

    rows = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text("utf-8").splitlines()]
    assert code == 0
    assert [row["id"] for row in rows] == [f"{index:03}" for index in range(len(DRUGS))]
    assert [row["drug"] or "" for row in rows] == DRUGS
    assert [tuple(row[f"drug_{column}"] for column in COLUMNS) for row in rows] == expected(DRUGS, checker)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst", ".tsv", ".ndjson", ".parquet", ".xlsx"])
@pytest.mark.parametrize("source", [".csv", ".parquet", ".ndjson"])
def test_every_format_is_written_alike(tmp_path, run, checker, suffix, source):
    out = tmp_path / f"out{suffix}"

    code, _, _ = run(make(tmp_path, source), "--drug", "drug", "-o", out, "--raw")
    assert code == 0
    code, _, _ = run(out, "--drug", "drug", "-o", tmp_path / "again.ndjson")

    assert code == 0
    rows = [json.loads(line) for line in (tmp_path / "again.ndjson").read_text("utf-8").splitlines()]
    assert [row["drug"] or "" for row in rows] == DRUGS
    assert [row["drug_status"] for row in rows] == [row["drug_status_2"] for row in rows]
    assert [row["drug_concepts"] or None for row in rows] == [values[1] for values in expected(DRUGS, checker)]


def test_without_pyarrow_a_csv_file_gives_the_same_bytes(tmp_path, run, monkeypatch):
    path = as_csv(tmp_path / "in.csv")
    run(path, "--drug", "drug", "-o", tmp_path / "with.csv")
    for module in ("cramprisk.files.delimited", "cramprisk.files.answers"):
        monkeypatch.setattr(f"{module}.arrow", lambda: None)

    run(path, "--drug", "drug", "-o", tmp_path / "without.csv")

    assert (tmp_path / "with.csv").read_bytes() == (tmp_path / "without.csv").read_bytes()


def test_a_parquet_file_keeps_the_types_of_its_columns(tmp_path, run):
    table = pa.table(
        {
            "n": pa.array([1, None], pa.int16()),
            "day": pa.array([date(2026, 1, 2), None]),
            "tags": pa.array([["a"], []]),
            "drug": pa.array(["hctz", None]).dictionary_encode(),
        }
    )
    parquet.write_table(table, tmp_path / "in.parquet")

    run(tmp_path / "in.parquet", "--drug", "drug", "-o", tmp_path / "out.parquet")

    found = parquet.read_table(tmp_path / "out.parquet")
    assert found.select(table.schema.names).equals(table)
    assert found.schema.field("drug_flagged").type == pa.bool_()
    assert pa.types.is_dictionary(found.schema.field("drug_concepts").type)
    assert found["drug_status"].to_pylist() == ["matched", "empty"]


def test_a_column_of_lists_is_a_list_of_entries(tmp_path, run):
    parquet.write_table(pa.table({"drug": [["hctz", "salmeterol"], None]}), tmp_path / "in.parquet")

    run(tmp_path / "in.parquet", "--drug", "drug", "-o", tmp_path / "out.csv")

    assert [row["drug_concepts"] for row in written(tmp_path / "out.csv")] == ["hydrochlorothiazide|salmeterol", ""]


def test_json_lines_are_kept_as_they_were_written(tmp_path, run):
    (tmp_path / "in.ndjson").write_text('{"drug":"hctz", "dose":1.10, "more":{"a": [1]}}\n{"id": 2}\nno json\n')

    code, _, err = run(tmp_path / "in.ndjson", "--drug", "drug", "-o", tmp_path / "out.ndjson")

    lines = (tmp_path / "out.ndjson").read_text().splitlines()
    assert code == 0
    assert lines[0].startswith('{"drug":"hctz", "dose":1.10, "more":{"a": [1]}, "drug_status": "matched"')
    assert json.loads(lines[1])["drug_status"] == "empty"
    assert json.loads(lines[2]) | {} == json.loads(lines[2])
    assert "in.ndjson:3: not a JSON object" in err


def test_standard_input_is_read_and_standard_output_written(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "cramprisk", "scan", "-", "-o", "-"], input=b"id,drug\n1,hctz\n", capture_output=True, check=True
    )

    assert done.stdout.decode().splitlines()[1].startswith("1,hctz,matched,hydrochlorothiazide,")


def test_several_files_make_one_output(tmp_path, run):
    one, two = as_csv(tmp_path / "a.csv", ["hctz"]), as_csv(tmp_path / "b.csv", ["lasix"])

    run(one, two, "--drug", "drug", "-o", tmp_path / "out.csv")

    assert [row["drug"] for row in written(tmp_path / "out.csv")] == ["hctz", "lasix"]


def test_files_of_other_columns_are_refused(tmp_path, run):
    one, two = as_csv(tmp_path / "a.csv"), as_csv(tmp_path / "b.csv", header=("no", "drug"))

    code, _, err = run(one, two, "--drug", "drug", "-o", tmp_path / "out.csv")

    assert (code, (tmp_path / "out.csv").exists()) == (4, False)
    assert "b.csv: its columns are not those of the first file" in err


# ---------------------------------------------------------------------- columns


@pytest.mark.parametrize("wanted", ["Drug", "drug", "2"])
def test_a_column_is_named_or_numbered(tmp_path, run, wanted):
    code, _, _ = run(as_csv(tmp_path / "in.csv", ["hctz"], ("id", "Drug")), "--drug", wanted, "-o", tmp_path / "out.csv")

    assert code == 0
    assert written(tmp_path / "out.csv")[0]["drug_status"] == "matched"


def test_a_wrong_column_names_the_one_that_comes_near(tmp_path, run):
    code, _, err = run(as_csv(tmp_path / "in.csv"), "--drug", "drgu", "-o", tmp_path / "out.csv")

    assert code == 4
    assert 'Did you mean "drug"?' in err


def test_an_obvious_column_is_taken_and_said(tmp_path, run):
    _, _, err = run(as_csv(tmp_path / "in.csv", header=("id", "Medication Name")), "-o", tmp_path / "out.csv")

    assert 'the medicines are taken from column 2, "Medication Name"' in err


def test_without_an_obvious_column_the_columns_are_listed(tmp_path, run):
    code, _, err = run(as_csv(tmp_path / "in.csv", header=("id", "what")), "-o", tmp_path / "out.csv")

    assert code == 4
    assert "The columns are: id, what." in err


def test_two_columns_of_a_name_need_a_number(tmp_path, run):
    path = as_csv(tmp_path / "in.csv", header=("drug", "drug"))

    code, _, err = run(path, "--drug", "drug", "-o", tmp_path / "out.csv")

    assert code == 4
    assert "Give the number of one: 1 or 2" in err


def test_conditions_are_read_beside_medicines(tmp_path, run):
    (tmp_path / "in.csv").write_text("drug,dx\nhctz,T2DM\n")

    run(tmp_path / "in.csv", "--drug", "drug", "--condition", "dx", "-o", tmp_path / "out.csv")

    row = written(tmp_path / "out.csv")[0]
    assert (row["drug_concepts"], row["condition_concepts"]) == ("hydrochlorothiazide", "type-2-diabetes")


def test_a_missing_person_column_is_an_input_error(tmp_path, run):
    code, _, err = run(as_csv(tmp_path / "in.csv"), "--drug", "drug", "--id", "patient", "-o", tmp_path / "out.csv")

    assert code == 4
    assert '--id: in.csv has no column "patient"' in err


# ---------------------------------------------------------------------- what a spreadsheet does


def test_formulas_are_guarded_unless_raw(tmp_path, run):
    path = tmp_path / "in.csv"
    path.write_text('id,drug,n\n1,=1+1,-5\n2,@x,"+a"\n')

    run(path, "--drug", "drug", "-o", tmp_path / "out.csv")
    run(path, "--drug", "drug", "-o", tmp_path / "raw.csv", "--raw")

    assert [(row["drug"], row["n"]) for row in written(tmp_path / "out.csv")] == [("'=1+1", "-5"), ("'@x", "'+a")]
    assert [(row["drug"], row["n"]) for row in written(tmp_path / "raw.csv")] == [("=1+1", "-5"), ("@x", "+a")]


def test_codes_of_a_sheet_are_whole_and_texts_stay_texts(tmp_path, run):
    with xlsxwriter.Workbook(tmp_path / "in.xlsx") as book:
        sheet = book.add_worksheet()
        for column, cell in enumerate(["drug", "code", "zip", "day"]):
            sheet.write(0, column, cell)
        sheet.write_string(1, 0, "hctz")
        sheet.write_number(1, 1, 617310)
        sheet.write_string(1, 2, "007")
        sheet.write_datetime(1, 3, date(2026, 11, 21), book.add_format({"num_format": "yyyy-mm-dd"}))

    run(tmp_path / "in.xlsx", "--drug", "drug", "-o", tmp_path / "out.csv")
    run(tmp_path / "in.xlsx", "--drug", "drug", "-o", tmp_path / "out.xlsx")

    assert list(written(tmp_path / "out.csv")[0].values())[:4] == ["hctz", "617310", "007", "2026-11-21"]
    sheet = calamine.CalamineWorkbook.from_path(tmp_path / "out.xlsx").get_sheet_by_index(0).to_python()
    assert sheet[1][1:4] == [617310.0, "007", date(2026, 11, 21)]


def test_a_code_with_decimals_is_read_as_the_code(tmp_path, run, monkeypatch):
    seen = []
    real = scan_module.decided_readings
    monkeypatch.setattr(scan_module, "decided_readings", lambda texts, *more: seen.extend(texts) or real(texts, *more))

    run(as_csv(tmp_path / "in.csv", ["617310.0"]), "--drug", "drug", "-o", tmp_path / "out.csv")

    assert seen == ["617310"]
    assert written(tmp_path / "out.csv")[0]["drug"] == "617310.0"


def test_lost_zeros_of_ndcs_are_said(tmp_path, run):
    (tmp_path / "in.csv").write_text("drug,NDC\nhctz,00093505698\nlasix,93505698\n")

    _, _, err = run(tmp_path / "in.csv", "--drug", "drug", "-o", tmp_path / "out.csv")

    assert 'column "NDC": 1 NDCs have 8 to 10 digits' in err
    assert written(tmp_path / "out.csv")[1]["NDC"] == "93505698"


def test_a_sheet_is_chosen_by_name_or_number(tmp_path, run):
    with xlsxwriter.Workbook(tmp_path / "in.xlsx") as book:
        for name, drug in (("one", "hctz"), ("two", "lasix")):
            book.add_worksheet(name).write_column(0, 0, ["drug", drug])

    for wanted in ("two", "TWO", "2"):
        run(tmp_path / "in.xlsx", "--sheet", wanted, "--force", "-o", tmp_path / "out.csv")
        assert written(tmp_path / "out.csv")[0]["drug"] == "lasix"


# ---------------------------------------------------------------------- review and decisions


def test_what_was_not_understood_is_written_once_with_counts(tmp_path, run):
    path = as_csv(tmp_path / "in.csv", ["HCT 25", "hct 50", "xyzzy", "HCTZ", "HCT", "=1+1"])

    run(path, "--drug", "drug", "-o", tmp_path / "out.csv", "--review", tmp_path / "review.csv")

    rows = written(tmp_path / "review.csv")
    assert list(rows[0]) == ["text", "kind", "count", "status", "candidates", "decision", "note"]
    assert [(row["text"], row["count"], row["status"]) for row in rows] == [
        ("HCT", "3", "ambiguous"),
        ("'=1+1", "1", "unrecognised"),
        ("xyzzy", "1", "unrecognised"),
    ]
    assert rows[0]["candidates"] == "hydrochlorothiazide|hydrocortisone"


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".ndjson"])
def test_decisions_are_read_back_and_hold_wherever_the_name_stood(tmp_path, run, suffix):
    drugs = ["HCT 25", "stopped HCT", "xyzzy", "=1+1", "blorp 20 mg", "Lasix"]
    path = as_csv(tmp_path / "in.csv", drugs)
    chosen = {"HCT": "hydrochlorothiazide", "xyzzy": "ignore", "=1+1": "Lipitor", "blorp": "furosemide|hctz"}
    run(path, "--drug", "drug", "-o", tmp_path / "out.ndjson", "--review", tmp_path / "review.ndjson")
    rows = [json.loads(line) for line in (tmp_path / "review.ndjson").read_text().splitlines()]
    filled = [row | {"decision": chosen[row["text"]]} for row in rows]
    review = tmp_path / f"filled{suffix}"
    if suffix == ".ndjson":
        review.write_text("".join(json.dumps(row) + "\n" for row in filled))
    else:
        table = [list(filled[0]), *([guarded(str(cell)) for cell in row.values()] for row in filled)]
        if suffix == ".csv":
            with review.open("w", newline="") as handle:
                csv.writer(handle).writerows(table)
        else:
            with xlsxwriter.Workbook(review) as book:
                sheet = book.add_worksheet()
                for number, row in enumerate(table):
                    for column, cell in enumerate(row):
                        sheet.write_string(number, column, cell)

    code, _, err = run(path, "--drug", "drug", "-o", tmp_path / "decided.csv", "--decisions", review)

    assert code == 0, err
    found = [(row["drug_status"], row["drug_concepts"], row["drug_flagged"]) for row in written(tmp_path / "decided.csv")]
    assert found == [
        ("matched", "hydrochlorothiazide", "true"),
        ("matched", "hydrochlorothiazide", "false"),
        ("empty", "", "false"),
        ("matched", "atorvastatin", "true"),
        ("matched", "furosemide|hydrochlorothiazide", "true"),
        ("matched", "furosemide", "true"),
    ]


def test_wrong_decisions_are_named_with_file_line_and_column(tmp_path, run):
    (tmp_path / "d.csv").write_text(
        "text,kind,decision\nHCT,drug,furosemidx\nMS,pill,morphine\nPD,condition,Lasix\nzz,drug,ignore\nZZ,drug,hctz\n"
    )

    code, _, err = run(
        as_csv(tmp_path / "in.csv"), "--drug", "drug", "-o", tmp_path / "out.csv", "--decisions", tmp_path / "d.csv"
    )

    assert code == 4
    assert 'd.csv:2: decision: is no id or name of the tables, and not "ignore". Did you mean "furosemide"?' in err
    assert 'd.csv:3: kind: is not "drug" or "condition".' in err
    assert "d.csv:4: decision: is no id" in err
    assert "d.csv:6: decision: the same text is decided otherwise above." in err
    assert not (tmp_path / "out.csv").exists()


def test_a_decision_never_changes_a_name_that_is_understood(tmp_path, run):
    (tmp_path / "d.csv").write_text("text,kind,decision\nLasix,drug,warfarin\n")

    run(as_csv(tmp_path / "in.csv", ["Lasix"]), "--drug", "drug", "-o", tmp_path / "out.csv", "--decisions", tmp_path / "d.csv")

    assert written(tmp_path / "out.csv")[0]["drug_concepts"] == "furosemide"


def test_many_names_for_review_go_through_a_database(tmp_path, run, monkeypatch):
    monkeypatch.setattr("cramprisk.files.review._MOST", 3)
    path = as_csv(tmp_path / "in.csv", [f"xq{letter}zz" for letter in "abcdefgh"] + ["xqazz"])

    run(path, "--drug", "drug", "-o", tmp_path / "out.csv", "--review", tmp_path / "review.csv")

    rows = written(tmp_path / "review.csv")
    assert [(row["text"], row["count"]) for row in rows[:2]] == [("xqazz", "2"), ("xqbzz", "1")]
    assert len(rows) == 8
    assert not [one.name for one in tmp_path.iterdir() if one.name.startswith(".")]


def test_answers_that_were_forgotten_are_found_again(tmp_path, run, monkeypatch):
    drugs = ["hctz", "lasix", "aspirin", "warfarin", "xyzzy"] * 40
    path = as_csv(tmp_path / "in.csv", drugs)
    run(path, "--drug", "drug", "-o", tmp_path / "kept.csv")
    monkeypatch.setattr("cramprisk.files.answers._MOST_TEXTS", 2)
    monkeypatch.setattr("cramprisk.files.delimited._PIECE", 64)
    monkeypatch.setattr("cramprisk.files.delimited._SAMPLE", 64)

    run(path, "--drug", "drug", "-o", tmp_path / "forgot.csv")

    assert (tmp_path / "kept.csv").read_bytes() == (tmp_path / "forgot.csv").read_bytes()


# ---------------------------------------------------------------------- talk


def test_the_summary_counts_rows_and_says_no_text(tmp_path, run):
    _, out, err = run(
        as_csv(tmp_path / "in.csv", ["Lasix 40", "xyzzy", "xyzzy", ""]), "--drug", "drug", "-o", tmp_path / "out.csv"
    )

    assert not out
    assert "4 rows" in err
    assert "1 flagged" in err
    assert "3 distinct texts; rows 1 matched, 0 ambiguous, 2 unrecognised, 1 empty" in err
    assert "xyzzy" not in err


def test_broken_rows_are_listed_with_problems(tmp_path, run):
    (tmp_path / "in.csv").write_bytes(b"id,drug\n1,a,b\n2\n3,hctz\n")

    code, _, err = run(tmp_path / "in.csv", "--drug", "drug", "-o", tmp_path / "out.csv", "--problems", tmp_path / "problems.csv")

    assert code == 0
    assert "in.csv:2: too many fields" in err
    assert [(row["file"], row["line"]) for row in written(tmp_path / "problems.csv")] == [("in.csv", "2"), ("in.csv", "3")]
    rows = written(tmp_path / "out.csv")
    assert [row["drug_status"] for row in rows] == ["unrecognised", "empty", "matched"]


def test_checker_is_that_of_the_options(tmp_path, run):
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "drugs.csv").write_text("id,abbreviations\nhydrochlorothiazide,HCT\n")

    run(as_csv(tmp_path / "in.csv", ["HCT 25"]), "--drug", "drug", "-o", tmp_path / "out.csv", "--extra", tmp_path / "local")

    assert written(tmp_path / "out.csv")[0]["drug_concepts"] == "hydrochlorothiazide"


def test_the_answers_are_those_of_check(tmp_path, run, checker):
    run(as_csv(tmp_path / "in.csv"), "--drug", "drug", "-o", tmp_path / "out.csv")

    for row, text in zip(written(tmp_path / "out.csv"), DRUGS, strict=True):
        risks = Checker.default().check([text]).risks
        assert row["drug_flagged"] == ("true" if risks else "false")
