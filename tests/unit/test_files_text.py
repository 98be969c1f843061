"""Text files: what is found out about them, and that no row gets lost, whatever is wrong with it."""

import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cramprisk.errors import InputError
from cramprisk.files import delimited
from cramprisk.files.delimited import Delimited, TextOptions
from cramprisk.files.dialect import dialect_of, has_header
from cramprisk.files.problems import Fault, Problems
from cramprisk.files.source import encoding_of, latin, open_source
from cramprisk.files.writers import as_text_rows
from cramprisk.guard import guarded, unguarded


def read(folder, content, *, name="list.csv", **options):
    """Header, rows, problems as (line, fault), and what was said."""
    path = folder / name
    path.write_bytes(content)
    told = []
    problems = Problems(lambda file, line, fault: told.append((line, fault)))
    source = open_source(str(path))
    try:
        reader = Delimited(source, TextOptions(**options), problems)
        rows = [row for batch in reader.batches() for row in as_text_rows(batch)]
    finally:
        source.close()
    return reader.names, rows, told, reader.said


@pytest.fixture(params=["pyarrow", "plain"])
def parser(request, monkeypatch):
    """Every rule holds with pyarrow and without."""
    if request.param == "plain":
        monkeypatch.setattr(delimited, "arrow", lambda: None)
    return request.param


def lines(kind, rows):
    return "".join(kind.join(row) + "\n" for row in rows).encode()


# ---------------------------------------------------------------------- sound files


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path, parser, mark):
    other = ";" if mark == "," else ","
    names, rows, told, _ = read(tmp_path, lines(mark, [["id", "drug"], ["1", f"hctz{other} 25"], ["2", "lasix"]]))

    assert names == ["id", "drug"]
    assert [row[0] for row in rows] == ["1", "2"]
    assert not told


def test_cells_stay_as_they_are(tmp_path, parser):
    _, rows, _, _ = read(tmp_path, b"id,drug,n\n007, hctz ,1.0\n1e5,NA,\n,null,2026-01-02\n")

    assert rows == [["007", " hctz ", "1.0"], ["1e5", "NA", ""], ["", "null", "2026-01-02"]]


def test_a_quoted_cell_may_hold_line_ends_delimiters_and_quotes(tmp_path, parser):
    _, rows, told, _ = read(tmp_path, b'id,drug\n1,"a\nb, ""c"""\n2,"x\r\ny"\n')

    assert rows == [["1", 'a\nb, "c"'], ["2", "x\r\ny"]]
    assert not told


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(tmp_path, parser, end):
    names, rows, told, _ = read(tmp_path, f"id,drug{end}1,hctz{end}2,lasix{end}".encode())

    assert (names, rows, told) == (["id", "drug"], [["1", "hctz"], ["2", "lasix"]], [])


def test_a_last_line_without_an_end_is_a_row(tmp_path, parser):
    assert read(tmp_path, b"id,drug\n1,hctz")[1] == [["1", "hctz"]]


def test_a_list_of_one_entry_a_line_has_no_header_and_no_delimiter(tmp_path, parser):
    names, rows, _, _ = read(tmp_path, b"hctz, 25 mg\n\nlasix; 40\n", name="list.txt")

    assert (names, rows) == (["text"], [["hctz, 25 mg"], [""], ["lasix; 40"]])


def test_a_column_of_entries_with_commas_is_one_column(tmp_path, parser):
    names, rows, told, _ = read(tmp_path, b"medication\nhctz\nEstrogens, conjugated\nlasix\naspirin\n")

    assert (names, len(rows), told) == (["medication"], 4, [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_the_encoding_is_found_out(tmp_path, parser, encoding):
    text = "id,name,drug\n1,Zoë Müller,hctz\n2,Åsa,lasix\n"

    names, rows, told, _ = read(tmp_path, text.encode(encoding))

    assert names == ["id", "name", "drug"]
    assert rows[0] == ["1", "Zoë Müller", "hctz"]
    assert not told


def test_windows_1252_is_said(tmp_path):
    assert "not UTF-8, read as Windows-1252" in read(tmp_path, "id,drug\n1,Fentanyl für\n".encode("cp1252"))[3][0]


def test_no_byte_of_windows_1252_is_lost():
    every = bytes(range(256))

    assert len(set(latin(every))) == 256


def test_one_bad_byte_does_not_change_the_encoding_of_a_file():
    assert encoding_of("é".encode() * 10 + b"\xe9,")[0] == "utf-8"


def test_a_multibyte_letter_cut_by_the_sample_is_no_bad_byte():
    assert encoding_of("abé".encode()[:-1], final=False)[0] == "utf-8"


def test_a_given_encoding_is_used(tmp_path, parser):
    assert read(tmp_path, "id,drug\n1,Жар\n".encode("cp1251"), encoding="cp1251")[1] == [["1", "Жар"]]


def test_an_unknown_encoding_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="--encoding"):
        read(tmp_path, b"id,drug\n1,a\n", encoding="klingon")


# ---------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["id", "drug"], ["1", "hctz"]], True),
        ([["1", "hctz"], ["2", "lasix"]], False),
        ([["Jones", "blorp"], ["Jones", "xyz"]], False),
        ([["name", ""], ["a", "b"]], True),
        ([["", ""], ["a", "b"]], False),
    ],
)
def test_a_header_is_guessed(rows, expected):
    assert has_header(rows, []) is expected


def test_a_row_with_the_wanted_name_is_a_header():
    assert has_header([["2026", "Drug"], ["1", "hctz"]], ["drug"])


def test_a_missing_header_is_said_and_the_first_row_kept(tmp_path, parser):
    names, rows, _, said = read(tmp_path, b"1,hctz\n2,lasix\n")

    assert names == ["column_1", "column_2"]
    assert rows[0] == ["1", "hctz"]
    assert any("no header found: columns are column_1 to column_2" in line for line in said)


def test_duplicate_names_are_all_kept(tmp_path, parser):
    names, rows, _, _ = read(tmp_path, b"drug,drug,drug\na,b,c\n")

    assert (names, rows) == (["drug", "drug", "drug"], [["a", "b", "c"]])


def test_a_header_alone_has_no_rows(tmp_path, parser):
    assert read(tmp_path, b"id,drug\n")[:3] == (["id", "drug"], [], [])


def test_an_empty_file_is_an_input_error(tmp_path, parser):
    with pytest.raises(InputError, match=r"list\.csv: is empty"):
        read(tmp_path, b"")


# ---------------------------------------------------------------------- broken rows


BROKEN = [
    (b"1,hctz,x\n", [["1", "hctz,x"]], (2, Fault.MANY)),
    (b"1,hctz,,\n", [["1", "hctz"]], (2, Fault.MANY_EMPTY)),
    (b"1\n", [["1", ""]], (2, Fault.FEW)),
    (b'1,5" tube\n', [["1", '5" tube']], (2, Fault.QUOTES)),
    (b'1,"ab"c\n', [["1", '"ab"c']], (2, Fault.QUOTES)),
    (b"1,caf\xe9 \xc3\xa9\xc3\xa9\n", [["1", "café éé"]], (2, Fault.BYTES)),
    (b"1,ab\0c\n", [["1", "ab\0c"]], (2, Fault.NUL)),
    (b"\n", [["", ""]], (2, Fault.BLANK)),
    ("1,caf\ufffd\n".encode(), [["1", "caf\ufffd"]], (2, Fault.LOST)),
]


@pytest.mark.parametrize(("row", "kept", "problem"), BROKEN, ids=lambda value: value[1].name if isinstance(value, tuple) else "")
def test_a_broken_row_is_kept_and_reported_with_its_line(tmp_path, parser, row, kept, problem):
    _, rows, told, _ = read(tmp_path, b"id,drug\n" + row + b"2,lasix\n\xc3\xa9,b\n")

    assert rows == [*kept, ["2", "lasix"], ["é", "b"]]
    assert told == [problem]


def test_an_open_quote_spoils_its_own_line_only(tmp_path, parser):
    body = b"".join(b'%d,"a, b"\n' % index for index in range(3000))
    _, rows, told, _ = read(tmp_path, b'id,drug\n0,"never closed\n' + body)

    assert len(rows) == 3001
    assert rows[0] == ["0", '"never closed']
    assert told == [(2, Fault.QUOTES)]


def test_an_open_quote_at_the_end_of_a_file_keeps_every_line(tmp_path, parser):
    _, rows, told, _ = read(tmp_path, b'id,drug\n1,"open\n2,b\n3,c\n')

    assert rows == [["1", '"open'], ["2", "b"], ["3", "c"]]
    assert told == [(2, Fault.QUOTES)]


def test_empty_lines_behind_the_last_row_are_no_rows(tmp_path, parser):
    assert read(tmp_path, b"id,drug\n1,a\n\n\n")[1:3] == ([["1", "a"]], [])


def test_lines_are_counted_over_quoted_line_ends(tmp_path, parser):
    _, _, told, _ = read(tmp_path, b'id,drug\n1,"a\nb\nc"\n2\n')

    assert told == [(5, Fault.FEW)]


def test_a_carriage_return_inside_a_cell_is_kept(tmp_path, parser):
    assert read(tmp_path, b"id,drug\n1,a\rb\n2,c\n")[1] == [["1", "a\rb"], ["2", "c"]]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufffd"), max_size=6)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30),
    piece=st.integers(8, 200),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_what_csv_writes_is_read_back_however_the_pieces_fall(tmp_path_factory, rows, piece, quoting):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=quoting)
    writer.writerow(["id", "drug", "n"])
    writer.writerows(rows)
    folder = tmp_path_factory.mktemp("pieces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_PIECE", piece)
        _, found, told, _ = read(folder, out.getvalue().encode(), delimiter=",", header=True)

    assert found == [list(row) for row in rows]
    assert not told


@settings(max_examples=60)
@given(body=st.binary(max_size=300), piece=st.integers(8, 100))
def test_any_bytes_are_read_alike_with_pyarrow_and_without(tmp_path_factory, body, piece):
    folder = tmp_path_factory.mktemp("bytes")
    content = b"id,drug,n\n" + body
    found = []
    for arrow in (delimited.arrow, lambda: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delimited, "_PIECE", piece)
            patch.setattr(delimited, "arrow", arrow)
            found.append(read(folder, content, delimiter=",", header=True, encoding="utf-8")[:3])

    assert found[0] == found[1]


@settings(max_examples=60)
@given(body=st.text(st.sampled_from('ab,"\n'), max_size=80))
def test_no_letter_of_a_broken_file_is_lost(tmp_path_factory, body):
    folder = tmp_path_factory.mktemp("letters")
    _, rows, _, _ = read(folder, b"id,drug\n" + body.encode(), delimiter=",", header=True)

    kept = sorted(letter for row in rows for cell in row for letter in cell if letter in "ab")
    assert kept == sorted(letter for letter in body if letter in "ab")


# ---------------------------------------------------------------------- packed files


def test_a_packed_file_is_read_whatever_its_name_says(tmp_path):
    assert read(tmp_path, gzip.compress(b"id,drug\n1,a\n"))[1] == [["1", "a"]]


def test_a_file_that_is_not_packed_as_its_name_says_is_refused(tmp_path):
    with pytest.raises(InputError, match="not packed with gz"):
        read(tmp_path, b"id,drug\n", name="list.csv.gz")


@pytest.mark.parametrize(("head", "form"), [(b"PK\x03\x04rest", "xlsx"), (b"PAR1rest", "parquet")])
def test_a_binary_file_named_as_text_is_refused(tmp_path, head, form):
    with pytest.raises(InputError, match=f"--from {form}"):
        read(tmp_path, head)


# ---------------------------------------------------------------------- formulas


@given(st.text(st.sampled_from("=+-@\t\r'5.,e% ab"), max_size=8))
def test_the_guard_comes_off_again(cell):
    assert unguarded(guarded(cell)) == cell


@given(st.text(st.sampled_from("=+-@\t\r'5.,e% ab"), max_size=8))
def test_nothing_that_runs_is_left_unguarded(cell):
    found = guarded(cell)

    assert found[:1] not in tuple("=@\t\r")
    assert found[:1] not in ("+", "-") or set(found) <= set("+-0123456789.,eE%")


@pytest.mark.parametrize("number", ["-5", "+1.5", "-1,234.50", "-2e-3", "-12%", "-"])
def test_a_number_is_not_guarded(number):
    assert guarded(number) == number


def test_the_delimiter_with_the_steadiest_rows_is_taken():
    assert dialect_of(b"a;b\n1,5;2\n2,5;3,5\n", final=True).delimiter == b";"
