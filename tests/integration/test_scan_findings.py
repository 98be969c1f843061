"""``cramprisk scan --findings``: what the report of each person shows, from files of any size."""

import csv
import json

import pytest

from cramprisk import check, findings
from cramprisk.cli import main
from cramprisk.files import persons as persons_module

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from pyarrow import parquet

ROWS = [
    ("007", "HCTZ 25mg po qd", "T2DM"),
    ("008", "Ventolin HFA", ""),
    ("007", "xyzzy", "CKD stage 3"),
    ("", "lasix", ""),
    ("", "lasix", ""),
    ("009", "paracetamol", ""),
    ("ä-1", "furosimide; zolpidem", "pregnant"),
]


@pytest.fixture
def run(capsys):
    def scan(*arguments):
        code = main(["scan", *map(str, arguments)])
        return code, capsys.readouterr().err

    return scan


@pytest.fixture
def lists(tmp_path):
    path = tmp_path / "lists.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerows([("patient", "medicine", "problem"), *ROWS])
    return path


def read(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def asked(lists, tmp_path, form="csv"):
    out = tmp_path / f"findings.{form}"
    return out, [
        lists,
        "--drug",
        "medicine",
        "--condition",
        "problem",
        "--id",
        "patient",
        "-o",
        tmp_path / "out.csv",
        "--findings",
        out,
    ]


def expected(checker, rows=ROWS):
    table = pa.table(
        {
            "patient": pa.array([row[0] or None for row in rows], pa.string()),
            "medicine": [row[1] for row in rows],
            "problem": [row[2] for row in rows],
        }
    )
    return findings(table, id="patient", drug="medicine", condition="problem", checker=checker).to_pylist()


def as_cells(rows):
    shown = {True: "true", False: "false", None: ""}
    return [
        {key: shown[value] if value is None or isinstance(value, bool) else str(value) for key, value in row.items()}
        for row in rows
    ]


def numbers_apart(rows):
    return [{key: value for key, value in row.items() if key not in ("value", "ci_low", "ci_high")} for row in rows]


def test_the_findings_are_those_of_the_frame(run, lists, tmp_path, checker):
    out, arguments = asked(lists, tmp_path)
    code, told = run(*arguments)

    assert code == 0
    assert numbers_apart(read(out)) == numbers_apart(as_cells(expected(checker)))
    assert f"{len(read(out))} rows of findings of persons" in told
    assert len(read(tmp_path / "out.csv")) == len(ROWS)


def test_a_person_has_the_subjects_of_their_report(run, lists, tmp_path):
    out, arguments = asked(lists, tmp_path)
    run(*arguments)

    report = check(["HCTZ 25mg po qd", "xyzzy"], ["T2DM", "CKD stage 3"])
    shown = dict.fromkeys(row["subject"] for row in read(out) if row["patient"] == "007" and row["kind"] != "interaction")
    assert list(shown) == [flag.subject.id for flag in report.flags]


def test_rows_of_nobody_are_persons_of_their_own(run, lists, tmp_path):
    out, arguments = asked(lists, tmp_path)
    run(*arguments)

    nobodys = [row["rows"] for row in read(out) if not row["patient"]]
    assert set(nobodys) == {"3", "4"}


@pytest.mark.parametrize("at_once", [5, 50_000])
def test_many_rows_are_shared_out_and_lose_nobody(run, tmp_path, checker, monkeypatch, at_once):
    monkeypatch.setattr(persons_module, "_HELD", 50)
    monkeypatch.setattr(persons_module, "_READ", at_once)
    rows = [(f"p{number % 97}" if number % 13 else "", *ROWS[number % len(ROWS)][1:]) for number in range(700)]
    path = tmp_path / "many.ndjson"
    path.write_text("".join(json.dumps(dict(zip(("patient", "medicine", "problem"), row, strict=True))) + "\n" for row in rows))
    monkeypatch.setattr("cramprisk.files.ndjson._ROWS", 40, raising=False)
    out, arguments = asked(path, tmp_path)
    code, _ = run(*arguments)

    assert code == 0
    found, wanted = numbers_apart(read(out)), numbers_apart(as_cells(expected(checker, rows)))
    assert sorted(sorted(row.items()) for row in found) == sorted(sorted(row.items()) for row in wanted)
    for patient in ("p1", "p96"):
        assert [row for row in found if row["patient"] == patient] == [row for row in wanted if row["patient"] == patient]
    assert not [left for left in tmp_path.iterdir() if left.name.startswith(".")]


@pytest.mark.parametrize("form", ["parquet", "xlsx", "ndjson", "tsv", "csv.gz"])
def test_the_findings_come_in_every_format(run, lists, tmp_path, form):
    out, arguments = asked(lists, tmp_path, form)
    code, _ = run(*arguments)

    assert code == 0
    assert out.stat().st_size > 100
    if form == "parquet":
        table = parquet.read_table(out)
        assert (table.schema.field("contested").type, table.schema.field("value").type) == (pa.bool_(), pa.float64())
        assert "hydrochlorothiazide" in table.column("subject").to_pylist()


def test_decisions_count_for_the_findings_too(run, tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text("patient,medicine\n1,HCT 25\n2,old stuff\n")
    decisions = tmp_path / "decisions.csv"
    decisions.write_text(
        "text,kind,count,status,candidates,decision,note\nHCT,drug,1,ambiguous,,hydrochlorothiazide,\nold stuff,drug,1,unrecognised,,ignore,\n"
    )
    out = tmp_path / "findings.csv"
    code, _ = run(
        path, "--drug", "medicine", "--id", "patient", "-o", tmp_path / "o.csv", "--findings", out, "--decisions", decisions
    )

    assert code == 0
    assert {(row["patient"], row["subject"]) for row in read(out)} == {("1", "hydrochlorothiazide")}


def test_findings_need_a_person(run, lists, tmp_path):
    code, told = run(lists, "--drug", "medicine", "-o", tmp_path / "out.csv", "--findings", tmp_path / "f.csv")

    assert code == 4
    assert "--findings: needs --id" in told
    assert not (tmp_path / "out.csv").exists()


def test_a_file_of_findings_is_not_replaced_unasked(run, lists, tmp_path):
    out, arguments = asked(lists, tmp_path)
    out.write_text("mine")
    code, told = run(*arguments)

    assert code == 4
    assert "--findings: findings.csv exists already" in told
    assert out.read_text() == "mine"
    assert not (tmp_path / "out.csv").exists()


def test_a_person_with_a_formula_is_guarded(run, tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text("patient,medicine\n=1+1,lasix\n")
    out = tmp_path / "findings.csv"
    run(path, "--drug", "medicine", "--id", "patient", "-o", tmp_path / "o.csv", "--findings", out)

    assert {row["patient"] for row in read(out)} == {"'=1+1"}


def test_nothing_found_is_a_file_with_a_header(run, tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text("patient,medicine\n1,xyzzy\n")
    out = tmp_path / "findings.csv"
    code, _ = run(path, "--drug", "medicine", "--id", "patient", "-o", tmp_path / "o.csv", "--findings", out)

    assert code == 0
    assert read(out) == []
    assert out.read_text().startswith("patient,kind,subject")
