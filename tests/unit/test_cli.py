import csv
import io
import json
import os
import subprocess
import sys

import pytest

from cramprisk.cli import main


def run(capsys, *arguments):
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_a_list_is_checked_and_shown_as_a_table(capsys):
    code, out, err = run(capsys, "check", "HCTZ 25mg po qd", "warfarin")

    assert code == 0
    assert "hydrochlorothiazide" in out
    assert "Known, no association recorded" in out
    assert not err


def test_conditions_are_checked_too(capsys):
    code, out, _ = run(capsys, "check", "--condition", "T2DM", "--condition", "restless legs")

    assert code == 0
    assert "type 2 diabetes" in out


def test_json_is_one_document(capsys):
    _, out, _ = run(capsys, "check", "lipitor", "--format", "json")

    assert json.loads(out)["flags"][0]["subject"]["id"] == "atorvastatin"


def test_html_is_one_page(capsys):
    code, out, _ = run(capsys, "check", "lipitor", "xyzzy", "--format", "html")

    assert code == 0
    assert out.startswith("<!DOCTYPE html>")
    assert out.rstrip().endswith("</html>")
    assert "atorvastatin" in out


def test_ndjson_is_one_entry_a_line(capsys):
    _, out, _ = run(capsys, "check", "lipitor", "xyzzy", "--format", "ndjson")

    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["status"] for line in lines] == ["matched", "unrecognised"]
    assert lines[0]["flags"][0]["subject"] == "atorvastatin"


def test_csv_has_a_row_for_every_entry(capsys):
    _, out, _ = run(capsys, "check", "lipitor", "xyzzy", "warfarin", "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["text"] for row in rows} == {"lipitor", "xyzzy", "warfarin"}


@pytest.mark.parametrize("formula", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)"])
def test_csv_holds_no_formula(capsys, formula):
    _, out, _ = run(capsys, "check", "--format", "csv", "--", formula)

    cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]


def test_fail_on_gives_an_exit_code_for_pipelines(capsys):
    assert run(capsys, "check", "HCTZ", "--fail-on", "A")[0] == 1
    assert run(capsys, "check", "amoxicillin", "--fail-on", "C")[0] == 0
    assert run(capsys, "check", "amoxicillin", "--fail-on", "D")[0] == 1


def test_a_file_is_read_line_by_line(capsys, tmp_path):
    (tmp_path / "list.txt").write_text("# my list\n- Lasix 40\n\nxyzzy\n", encoding="utf-8")

    _, out, _ = run(capsys, "check", "--file", str(tmp_path / "list.txt"), "--format", "ndjson")

    assert [json.loads(line)["text"] for line in out.splitlines()] == ["Lasix 40", "xyzzy"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_found_out(capsys, tmp_path, encoding):
    (tmp_path / "list.txt").write_bytes("furosémide\n".encode(encoding))

    _, out, _ = run(capsys, "check", "--file", str(tmp_path / "list.txt"), "--format", "ndjson")

    assert json.loads(out)["concepts"] == ["furosemide"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"PK\x03\x04\0\0", "no text file"), (b"\xff\xfea", "begins like utf-16")],
    ids=["binary", "broken utf-16"],
)
def test_a_file_that_is_no_text_is_an_input_error(capsys, tmp_path, content, says):
    (tmp_path / "list.txt").write_bytes(content)

    code, out, err = run(capsys, "check", "--file", str(tmp_path / "list.txt"))

    assert (code, out) == (4, "")
    assert says in err
    assert "Traceback" not in err


def test_a_missing_file_is_an_input_error(capsys, tmp_path):
    code, _, err = run(capsys, "check", "--file", str(tmp_path / "nowhere.txt"))

    assert code == 4
    assert "cannot be read" in err


def test_a_folder_for_a_file_is_an_input_error(capsys, tmp_path):
    assert run(capsys, "check", "--file", str(tmp_path))[0] == 4


def test_nothing_to_check_is_a_usage_error(capsys):
    code, _, err = run(capsys, "check")

    assert code == 2
    assert "nothing to check" in err


def test_an_unknown_command_is_a_usage_error(capsys):
    assert run(capsys, "chek", "aspirin")[0] == 2


def test_an_empty_file_is_an_empty_report(capsys, tmp_path):
    (tmp_path / "list.txt").write_text("")

    code, out, _ = run(capsys, "check", "--file", str(tmp_path / "list.txt"), "--format", "json")

    assert code == 0
    assert json.loads(out)["matches"] == []


def test_explain_says_how_and_why(capsys):
    code, out, _ = run(capsys, "explain", "furosemdie 40")

    assert code == 0
    assert "near “furosemide”" in out
    assert "belongs to: loop diuretics" in out


def test_explain_says_why_not(capsys):
    _, out, _ = run(capsys, "explain", "prednisolne")

    assert "prednisone" in out
    assert "prednisolone" in out


def test_show_gives_all_evidence(capsys):
    code, out, _ = run(capsys, "show", "Lasix")

    assert code == 0
    assert "adjusted sequence ratio 1.2 (1-1.44)" in out
    assert "22157068" in out


def test_show_finds_a_class_and_a_condition(capsys):
    assert "loop diuretics" in run(capsys, "show", "loop-diuretics")[1]
    assert "condition" in run(capsys, "show", "T2DM")[1]


def test_show_of_an_unknown_name_is_an_input_error(capsys):
    assert run(capsys, "show", "xyzzy")[0] == 4


def test_show_speaks_json(capsys):
    assert json.loads(run(capsys, "show", "quinine", "--format", "json")[1])[0]["id"] == "quinine"


def test_the_tables_pass_their_check(capsys):
    code, _, err = run(capsys, "tables", "check")

    assert code == 0
    assert "no problem" in err


def test_tables_info_counts(capsys):
    _, out, _ = run(capsys, "tables", "info")

    assert "medicines (ingredients)" in out


def test_missing_tables_are_a_table_error(capsys, tmp_path):
    code, _, err = run(capsys, "check", "aspirin", "--tables", str(tmp_path))

    assert code == 3
    assert "drugs.csv: is missing" in err


@pytest.mark.parametrize(
    "rubbish", ["\0\0\0", "\ud800", "a" * 100_000, "💊" * 50, "'; DROP TABLE drugs; --", "../../etc/passwd", "%s%s%n", "\x1b[2J"]
)
def test_rubbish_gives_a_status_and_no_traceback(capsys, rubbish):
    code, out, err = run(capsys, "check", "--", rubbish)

    assert code == 0
    assert "Traceback" not in out + err
    assert "\x1b[2J" not in out


def process(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "cramprisk", *arguments], capture_output=True, timeout=60, check=False, **options
    )


def test_standard_input_is_read():
    done = process("check", "--file", "-", "--format", "ndjson", input=b"Lasix 40\n")

    assert json.loads(done.stdout)["concepts"] == ["furosemide"]


def test_a_closed_pipe_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "cramprisk", "check", "Lasix", "--format", "json"],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert b"Traceback" not in done.stderr


def test_an_ascii_terminal_is_no_error():
    done = process("check", "Ménière’s 💊", "Lasix", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})

    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_no_color_is_obeyed():
    assert b"\x1b[" not in process("check", "Lasix", env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1"}).stdout
