"""``cramprisk check --fhir`` in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest

from cramprisk.cli import main


def resource(number, text, **more):
    return {
        "resourceType": "MedicationRequest", "id": f"m{number}", "status": "active",
        "subject": {"reference": f"Patient/{number}"}, "medicationCodeableConcept": {"text": text},
    } | more  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def written(*resources):
        path = tmp_path / "in.ndjson"
        path.write_text("".join(json.dumps(one) + "\n" for one in resources), "utf-8")
        return str(path)

    return written


def run(capsys, *arguments):
    code = main(["check", "--on", "2026-11-21", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("form", ["table", "text", "html"])
def test_people_see_flags_and_what_was_not_counted(capsys, file, form):
    code, out, err = run(
        capsys, "--fhir", file(resource(1, "hctz"), resource(1, "digoxin", id="x", status="stopped")), "--format", form
    )

    assert (code, err) == (0, "")
    assert "hydrochlorothiazide" in out
    assert "Read, and not counted" in out
    assert "digoxin" in out


def test_json_holds_the_resources(capsys, file):
    _, out, _ = run(capsys, "--fhir", file(resource(1, "hctz")), "--format", "json")

    made = json.loads(out)
    assert made["fhir"]["entries"][0]["reference"] == "MedicationRequest/m1"
    assert made["fhir"]["patient"] == "Patient/1"


def test_json_of_several_patients_is_an_array(capsys, file):
    _, out, _ = run(capsys, "--fhir", file(resource(1, "hctz"), resource(2, "lasix")), "--format", "json")

    assert [one["flags"][0]["subject"]["id"] for one in json.loads(out)] == ["hydrochlorothiazide", "furosemide"]


def test_ndjson_is_one_entry_a_line(capsys, file):
    _, out, _ = run(capsys, "--fhir", file(resource(1, "hctz"), resource(2, "warfarin")), "--format", "ndjson")

    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["patient"], len(row["flags"]) > 0) for row in rows] == [("Patient/1", True), ("Patient/2", False)]


def test_csv_guards_against_formulas(capsys, file):
    _, out, _ = run(capsys, "--fhir", file(resource(1, "=hctz"), resource(1, "warfarin", id="x")), "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(out)))
    assert rows[0]["text"] == "'=hctz"
    assert {row["resource"] for row in rows} == {"MedicationRequest/m1", "MedicationRequest/x"}


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_fhir_is_a_bundle(capsys, file, release):
    _, out, _ = run(capsys, "--fhir", file(resource(1, "hctz")), "--format", "fhir", "--fhir-release", release)

    kinds = [entry["resource"]["resourceType"] for entry in json.loads(out)["entry"]]
    assert kinds == ["DetectedIssue", "OperationOutcome"]


def test_several_patients_stand_apart(capsys, file):
    _, out, _ = run(capsys, "--fhir", file(resource(1, "hctz"), resource(2, "warfarin")), "--format", "text")

    first, second = out.split("Patient/2")
    assert "hydrochlorothiazide" in first
    assert "hydrochlorothiazide" not in second


def test_a_page_holds_all_patients(capsys, file):
    _, out, _ = run(capsys, "--fhir", file(resource(1, "hctz"), resource(2, "lasix")), "--format", "html")

    assert "furosemide" in out
    assert out.count("</html>") == 1


def test_fail_on_looks_at_every_patient(capsys, file):
    code, _, _ = run(capsys, "--fhir", file(resource(1, "warfarin"), resource(2, "hctz")), "--fail-on", "A")

    assert code == 1


@pytest.mark.parametrize("more", [["lasix"], ["--age", "70"], ["-c", "gout"]])
def test_a_list_beside_fhir_is_a_usage_error(capsys, file, more):
    code, _, err = run(capsys, "--fhir", file(resource(1, "hctz")), *more)

    assert code == 2
    assert "leave out" in err


def test_fhir_out_wants_fhir_in(capsys):
    code = main(["check", "lasix", "--format", "fhir"])

    assert code == 2
    assert "--fhir FILE" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_an_input_error(capsys, tmp_path):
    code, _, err = run(capsys, "--fhir", str(tmp_path / "nothing.json"))

    assert code == 4
    assert "cannot be read" in err


def test_a_day_that_is_none_is_an_input_error(capsys, file):
    assert main(["check", "--fhir", file(resource(1, "hctz")), "--on", "soon"]) == 4
    assert "on: is no date" in capsys.readouterr().err
