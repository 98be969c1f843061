"""What goes wrong with files: nothing half-written is left, no row is lost, the message says what and where."""

import csv
import gzip
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cramprisk.cells import COLUMNS

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
xlsxwriter = pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")

from pyarrow import parquet

ROW = b"1,furosemide 40 mg\n"
LIMIT_MB = 400


@pytest.fixture
def big(tmp_path):
    """Large enough that a run can be met in the middle."""
    path = tmp_path / "big.csv"
    path.write_bytes(b"id,drug\n" + ROW * 3_000_000)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def started(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "cramprisk", "scan", *map(str, arguments), "--drug", "drug"],
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def part_of(folder):
    return [path for path in folder.iterdir() if path.name.startswith(".out")]


def in_the_middle(process, folder):
    """Wait until rows are being written."""
    while process.poll() is None:
        if any(path.is_file() and path.stat().st_size > 0 for path in part_of(folder)):
            return
        time.sleep(0.005)
    raise AssertionError(f"the run was over before it could be met: {process.stderr.read()}")


def ended(process):
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def peak_mb(*arguments):
    """Exit code, peak memory and talk of a run of its own; a shell in between, for a forked child starts with its parent's peak."""
    inside = (
        "import resource, sys; from cramprisk.cli import main; code = main(sys.argv[1:]); "
        "sys.stderr.write('\\npeak %d' % resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
    )
    shell = ["sh", "-c", '"$0" "$@"; exit $?', sys.executable, "-c", inside, "scan", *map(str, arguments)]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    err, _, peak = done.stderr.rpartition("\npeak ")
    return done.returncode, int(peak) / 1024, err


# ---------------------------------------------------------------------- runs that do not end well


def test_a_killed_run_leaves_the_target_untouched_and_the_next_one_clears_up(tmp_path, big, run):
    out = tmp_path / "out.csv"
    out.write_text("as it was")
    process = started(big, "-o", out, "--force")
    in_the_middle(process, tmp_path)

    process.kill()
    ended(process)

    assert out.read_text() == "as it was"
    assert len(part_of(tmp_path)) == 1
    (tmp_path / "small.csv").write_bytes(b"id,drug\n" + ROW)
    code, err = run(tmp_path / "small.csv", "-o", out, "--force")
    assert code == 0
    assert "what a run that was ended had left beside it was removed" in err
    assert not part_of(tmp_path)


def test_a_run_does_not_remove_what_another_is_writing(tmp_path, big, run):
    process = started(big, "-o", tmp_path / "out.csv")
    in_the_middle(process, tmp_path)
    (tmp_path / "small.csv").write_bytes(b"id,drug\n" + ROW)

    run(tmp_path / "small.csv", "-o", tmp_path / "out.csv", "--force")

    left = len(part_of(tmp_path))
    process.kill()
    ended(process)
    assert left == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_stopped_run_leaves_nothing(tmp_path, big, number, suffix):
    process = started(big, "-o", tmp_path / f"out.{suffix}")
    while not part_of(tmp_path) and process.poll() is None:
        time.sleep(0.005)

    process.send_signal(number)
    code, err = ended(process)

    assert code == 130
    assert err.splitlines()[-1] == "cramprisk: interrupted: nothing was written"
    assert names(tmp_path) == ["big.csv"]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.zst", "parquet", "ndjson", "xlsx"])
def test_a_full_disk_leaves_nothing(tmp_path, suffix):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk can be mounted by root only; the limit of the file size is tested instead")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here; the limit of the file size is tested instead")
    try:
        # Texts that hardly shrink when packed.
        path = tmp_path / "in.csv"
        path.write_bytes(b"id,drug\n" + b"".join(f"{os.urandom(24).hex()},furosemide\n".encode() for _ in range(6_000)))
        old = disk / f"out.{suffix}"
        old.write_text("as it was")

        code, err = ended(started(path, "-o", old, "--force"))

        assert code == 4
        assert f"cramprisk: out.{suffix}: could not be written (No space left on device). The old file is untouched." in err
        assert "Traceback" not in err
        assert old.read_text() == "as it was"
        assert names(disk) == [old.name]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_limit_of_the_file_size_leaves_nothing(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"id,drug\n" + ROW * 100_000)

    code, err = ended(
        started(
            path, "-o", tmp_path / "out.csv", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        )
    )

    assert code == 4
    assert "could not be written (File too large). No half of it was left." in err
    assert names(tmp_path) == ["in.csv"]


def test_a_full_disk_for_the_review_leaves_no_output_either(tmp_path, run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cramprisk.files.scan._write_review", full)
    (tmp_path / "in.csv").write_bytes(b"id,drug\n" + ROW)

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / "out.csv", "--review", tmp_path / "review.csv")

    assert code == 4
    assert "review.csv: could not be written (No space left on device)" in err
    assert names(tmp_path) == ["in.csv"]


# ---------------------------------------------------------------------- places that cannot be written to


@pytest.mark.parametrize("place", ["none/out.csv", "file/out.csv"])
def test_a_missing_folder_is_said(tmp_path, run, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "in.csv").write_bytes(b"id,drug\n" + ROW)

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / place)

    assert code == 4
    assert "--output: the folder of out.csv cannot be written to" in err


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path, run):
    folder = tmp_path / "fixed"
    folder.mkdir()
    (tmp_path / "in.csv").write_bytes(b"id,drug\n" + ROW)
    if os.geteuid() == 0:
        # Permissions do not hold for root; an immutable folder does.
        if (
            shutil.which("chattr") is None
            or subprocess.run(["chattr", "+i", folder], capture_output=True, check=False).returncode
        ):
            pytest.skip("root can write everywhere here: chattr does not work on this disk")
    else:
        folder.chmod(0o500)
    try:
        code, err = run(tmp_path / "in.csv", "-o", folder / "out.csv")
    finally:
        if os.geteuid() == 0:
            subprocess.run(["chattr", "-i", folder], check=True)
        folder.chmod(0o700)

    assert code == 4
    assert "--output: the folder of out.csv cannot be written to" in err


def test_an_existing_file_needs_force(tmp_path, run):
    (tmp_path / "in.csv").write_bytes(b"id,drug\n" + ROW)
    (tmp_path / "out.csv").write_text("as it was")

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / "out.csv")

    assert code == 4
    assert "exists already" in err
    assert (tmp_path / "out.csv").read_text() == "as it was"


def test_an_input_file_is_never_written_to(tmp_path, run):
    (tmp_path / "in.csv").write_bytes(b"id,drug\n" + ROW)
    (tmp_path / "link.csv").hardlink_to(tmp_path / "in.csv")

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / "link.csv", "--force")

    assert code == 4
    assert "is one of the input files" in err


def test_two_outputs_cannot_be_one_file(tmp_path, run):
    (tmp_path / "in.csv").write_bytes(b"id,drug\n" + ROW)

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / "out.csv", "--review", tmp_path / "out.csv")

    assert code == 4
    assert "--review: is the file of --output too" in err


# ---------------------------------------------------------------------- inputs that cannot be read


def cut_off(folder, suffix):
    content = b"id,drug\n" + b"".join(b"%s,furosemide\n" % os.urandom(8).hex().encode() for _ in range(20_000))
    path = folder / f"in.{suffix}"
    if suffix == "csv.gz":
        path.write_bytes(gzip.compress(content)[:-3000])
    elif suffix == "csv.zst":
        path.write_bytes(zstandard.compress(content)[:-3000])
    elif suffix == "parquet":
        parquet.write_table(pa.table({"drug": ["furosemide"] * 1000}), path)
        path.write_bytes(path.read_bytes()[:-100])
    else:
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet().write_column(0, 0, ["drug", *["furosemide"] * 1000])
        path.write_bytes(path.read_bytes()[:-500])
    return path


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.zst", "parquet", "xlsx"])
def test_a_file_that_is_cut_off_is_refused_whole(tmp_path, run, suffix):
    path = cut_off(tmp_path, suffix)

    code, err = run(path, "-o", tmp_path / "out.csv")

    assert code == 4
    assert err.startswith(f"cramprisk: in.{suffix}: is cut off")
    assert names(tmp_path) == [path.name]


def test_a_parquet_file_that_is_damaged_inside_is_refused_whole(tmp_path, run):
    path = tmp_path / "in.parquet"
    parquet.write_table(
        pa.table({"id": [os.urandom(8).hex() for _ in range(100_000)], "drug": ["furosemide"] * 100_000}),
        path,
        compression="gzip",
    )
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    path.write_bytes(content)

    code, err = run(path, "-o", tmp_path / "out.csv")

    assert code == 4
    assert "in.parquet: is damaged behind row" in err
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 and nothing"])
def test_a_spreadsheet_that_is_no_zip_is_refused(tmp_path, run, content):
    (tmp_path / "in.xlsx").write_bytes(content)

    code, err = run(tmp_path / "in.xlsx", "-o", tmp_path / "out.csv")

    assert code == 4
    assert "in.xlsx: is cut off or no spreadsheet" in err


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet", "csv.gz", "txt"])
def test_an_empty_file_is_refused(tmp_path, run, suffix):
    (tmp_path / f"in.{suffix}").write_bytes(b"")

    code, err = run(tmp_path / f"in.{suffix}", "-o", tmp_path / "out.csv")

    assert code == 4
    assert err.startswith(f"cramprisk: in.{suffix}: is ")
    assert "Traceback" not in err


def test_a_missing_file_is_said(tmp_path, run):
    assert run(tmp_path / "none.csv", "-o", tmp_path / "out.csv") == (
        4,
        "cramprisk: none.csv: cannot be read (No such file or directory).\n",
    )


def test_a_header_alone_gives_a_header(tmp_path, run):
    (tmp_path / "in.csv").write_text("id,drug\n")

    code, _ = run(tmp_path / "in.csv", "-o", tmp_path / "out.csv")

    assert code == 0
    assert (tmp_path / "out.csv").read_text().startswith("id,drug,drug_status,")


# ---------------------------------------------------------------------- odd contents


def test_bad_bytes_and_nul_bytes_are_kept_and_reported(tmp_path, run):
    (tmp_path / "in.csv").write_bytes(b"id,drug\n\xc3\xa91,hctz\n2,caf\xe9\n3,La\0six\n")

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / "out.csv")

    assert code == 0
    assert "in.csv:3: bytes that are not of the encoding" in err
    assert "in.csv:4: holds a NUL character" in err
    assert [line.split(",")[1] for line in (tmp_path / "out.csv").read_text("utf-8").splitlines()] == [
        "drug",
        "hctz",
        "café",
        "La\0six",
    ]


def test_utf_16_is_read_and_said(tmp_path, run):
    (tmp_path / "in.csv").write_bytes("id,drug\r\n1,hctz\r\n".encode("utf-16"))

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / "out.csv")

    assert code == 0
    assert "in.csv: read as UTF-16-LE" in err
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("1,hctz,matched,")


def test_utf_16_that_ends_within_a_letter_is_reported(tmp_path, run):
    (tmp_path / "in.csv").write_bytes("id,drug\n1,hctz\n2,lasix".encode("utf-16")[:-1])

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / "out.csv")

    assert code == 0
    assert "in.csv:3: holds a replacement character" in err


def test_a_million_columns_stay_within_memory(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"drug," + b",".join(b"c%d" % index for index in range(1_000_000)) + b"\nLasix" + b",1" * 1_000_000 + b"\n")

    code, peak, err = peak_mb(path, "--drug", "drug", "-o", tmp_path / "out.csv")

    assert code == 0, err
    assert peak < LIMIT_MB
    with (tmp_path / "out.csv").open() as handle:
        assert handle.readline().count(",") == 1_000_000 + len(COLUMNS)
        assert ",matched,furosemide," in handle.readline()


@pytest.mark.parametrize("quoted", [False, True])
def test_a_cell_of_fifty_megabytes_is_kept_and_reported(tmp_path, quoted):
    size = 50_000_000
    cell = b'"' + b"a,b\n" * 100 + b"x" * (size - 400) + b'"' if quoted else b"x" * size
    path = tmp_path / "in.csv"
    path.write_bytes(b"id,drug\n1,Lasix\n2," + cell + b"\n3,hctz\n")

    code, peak, err = peak_mb(path, "--drug", "drug", "-o", tmp_path / "out.csv")

    assert code == 0, err
    assert "in.csv:3: a cell longer than 32,767 characters" in err
    assert peak < LIMIT_MB
    csv.field_size_limit(size + 1)
    try:
        with (tmp_path / "out.csv").open(newline="") as handle:
            rows = [(row[0], len(row[1]), row[2]) for row in csv.reader(handle)][1:]
    finally:
        csv.field_size_limit(131072)
    assert rows == [("1", 5, "matched"), ("2", size, "unrecognised"), ("3", 4, "matched")]


def test_memory_does_not_grow_with_the_file(tmp_path, big):
    code, peak, err = peak_mb(big, "--drug", "drug", "-o", tmp_path / "out.csv")

    assert code == 0, err
    assert "3,000,000 rows" in err
    assert peak < LIMIT_MB


def test_a_cell_too_long_for_a_sheet_is_an_error_not_a_loss(tmp_path, run):
    (tmp_path / "in.csv").write_bytes(b"id,drug\n1," + b"x" * 40_000 + b"\n")

    code, err = run(tmp_path / "in.csv", "-o", tmp_path / "out.xlsx")

    assert code == 4
    assert "row 1 has a cell of over 32,767 characters" in err
    assert names(tmp_path) == ["in.csv"]


def test_no_error_names_what_a_row_says(tmp_path, run):
    path = Path(tmp_path / "in.csv")
    path.write_bytes(b'id,drug\n1,Secretol,"x\n2,Secretol\0\n3,Secretol,b\n')

    _, err = run(path, "-o", tmp_path / "out.csv")

    assert "Secretol" not in err
