"""What the page asks, without a browser: answers, refusals, and what is said about the content."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from importlib.resources import files
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from starlette.applications import Starlette

from cramprisk.checker import Checker
from cramprisk.report import DISCLAIMER
from cramprisk.service.page_routes import HEADERS, page_routes
from tests.strategies import texts

APP = Starlette(routes=page_routes(Checker.default()))
SECRET = "Zyqlora-of-Mr-Smith"


def ask(method, path, **options):
    async def answered():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **options)

    return asyncio.run(answered())


def check(**question):
    return ask("POST", "/api/check", json=question)


def post(path, content, **headers):
    return ask("POST", path, content=content, headers={name.replace("_", "-"): value for name, value in headers.items()})


JSON = {"content_type": "application/json"}


# ------------------------------------------------------------------ answers


def test_a_list_gives_the_report_that_the_package_gives():
    answer = check(drugs="hctz, Ventolin; HCT 25", conditions=["T2DM"], age=72, sex="female", cramps_since="2026-03-01")

    wanted = Checker.default().check("hctz, Ventolin; HCT 25", ["T2DM"], age=72, sex="female", cramps_since="2026-03-01")
    assert answer.status_code == 200
    assert answer.json() == {"report": wanted.to_dict()}


def test_days_go_with_an_entry_or_stand_beside_a_text():
    with_entry = check(drugs=[{"text": "hctz", "start": "2026-01-05"}], cramps_since="2026-03-01")
    beside = check(drugs="hctz\nwarfarin", days=[{"text": "hctz", "start": "2026-01-05"}], cramps_since="2026-03-01")

    assert [answer.json()["report"]["flags"][0]["timing"] for answer in (with_entry, beside)] == ["started-before"] * 2


def test_an_answer_holds_the_parts_that_were_asked_for():
    answer = check(drugs="😀 HCT 25", parts=["page", "text", "csv"]).json()

    assert sorted(answer) == ["csv", "page", "text"]
    assert answer["csv"].startswith("entry,text")
    assert "Not understood" in answer["text"]
    [entry] = answer["page"]["open"]
    assert (entry["text"], entry["start"], entry["end"]) == ("😀 HCT 25", 0, 9)
    assert [choice["text"] for choice in entry["choices"]] == ["😀 hydrochlorothiazide 25", "😀 hydrocortisone 25"]


def test_an_empty_list_is_answered():
    assert check().json()["report"]["summary"] == "The list is empty."


def test_a_file_gives_its_columns():
    answer = post("/api/open", "drug,dose\nLasix,40 mg\n", x_file_kind="csv")

    assert answer.json() == {
        "columns": [{"name": "drug", "entries": ["Lasix"], "kind": "drug"}, {"name": "dose", "entries": ["40 mg"], "kind": None}]
    }


def test_a_form_gives_the_report_as_a_page():
    answer = ask(
        "POST", "/report", data={"drugs": "hctz\nHCT 25", "conditions": "T2DM", "age": "72", "sex": "", "pregnant_weeks": ""}
    )

    assert answer.status_code == 200
    assert "<h1" in answer.text
    assert "Not understood: look at these first" in answer.text
    assert "age 72" in answer.text
    assert "<style" not in answer.text


@given(drugs=texts(), conditions=texts())
@settings(max_examples=60)
def test_any_text_is_answered(drugs, conditions):
    answer = post(
        "/api/check", json.dumps({"drugs": drugs, "conditions": [conditions], "parts": ["page", "report", "text", "csv"]}), **JSON
    )

    assert answer.status_code == 200
    assert answer.json()["report"]["disclaimer"] == DISCLAIMER


def test_what_is_typed_is_forgotten_also_where_the_service_keeps_entries():
    keeping = Checker(Checker.default().tables, remember=100)
    routes = Starlette(routes=page_routes(keeping))

    async def answered():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(routes), base_url="http://127.0.0.1") as client:
            return await client.post("/api/check", json={"drugs": SECRET})

    assert asyncio.run(answered()).status_code == 200
    # Its engines are built when they are first needed: they were not.
    assert not {"drugs", "conditions"} & set(vars(keeping))


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    "question",
    [
        {"drugs": 5},
        {"drugs": [SECRET, 5]},
        {"drugs": [{"name": SECRET}]},
        {"drugs": [{"text": SECRET, "start": "yesterday"}]},
        {"drugs": [{"text": SECRET, "start": "2026-05-01", "stop": "2026-01-01"}]},
        {"conditions": [{"text": SECRET}]},
        {"drugs": SECRET, "age": 200},
        {"drugs": SECRET, "age": "72"},
        {"drugs": SECRET, "sex": SECRET},
        {"drugs": SECRET, "sex": "male", "pregnant_weeks": 20},
        {"drugs": SECRET, "cramps_since": SECRET},
        {"drugs": SECRET, SECRET: 1},
        {"drugs": SECRET, "parts": [SECRET]},
        {"drugs": SECRET, "parts": "page"},
        {"drugs": SECRET, "days": {SECRET: "2026-01-05"}},
        {"drugs": [SECRET] * 501},
        {"drugs": f"{SECRET}\n" * 501},
        {"drugs": SECRET, "days": [{"text": SECRET}] * 501},
        {"drugs": SECRET, "cramps_since": "20260101"},
        {"drugs": SECRET, "sex": "F"},
        {"drugs": SECRET * 2_500},
        {"conditions": [SECRET] * 2 + ["x" * 40_000]},
        [SECRET],
        SECRET,
    ],
)
def test_what_cannot_be_read_is_refused_as_problem_details_without_the_words(question):
    answer = post("/api/check", json.dumps(question), **JSON)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}
    assert SECRET not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff{}", b'{"age": NaN}', b"[" * 100_000, b'{"drugs": "a"} x', b"1" * 5_000])
def test_what_is_no_json_is_refused(body):
    assert post("/api/check", body, **JSON).status_code == 422


def test_a_list_that_is_sent_twice_is_refused():
    answer = post("/api/check", b'{"drugs": "Lasix", "drugs": "quinine"}', **JSON)

    assert answer.status_code == 422
    assert "comes twice" in answer.text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_page_of_another_site_cannot_ask_by_a_plain_form(kind):
    assert post("/api/check", b'{"drugs": "hctz"}', content_type=kind).status_code == 415
    assert post("/api/open", b"hctz", content_type=kind).status_code == 422


@pytest.mark.parametrize(("path", "headers"), [("/api/check", JSON), ("/api/open", {"x_file_kind": "txt"})])
def test_a_body_beyond_the_limit_is_refused_before_it_is_read_to_its_end(path, headers):
    taken = []

    async def endless():
        for number in range(200):
            taken.append(number)
            yield b"x" * 65_536

    answer = post(path, endless(), **headers)

    assert answer.status_code == 413
    assert len(taken) < 40
    assert "kB" in answer.json()["detail"]


def test_a_file_that_cannot_be_read_is_refused_without_its_words():
    answer = post("/api/open", SECRET, x_file_kind="pdf")

    assert answer.status_code == 422
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "fields", [{"drugs": SECRET, "age": SECRET}, {"drugs": SECRET, "cramps_since": SECRET}, {"drugs": SECRET, "age": "nan"}]
)
def test_a_form_that_cannot_be_read_gives_a_page_that_says_so(fields):
    answer = ask("POST", "/report", data=fields)

    assert answer.status_code == 422
    assert "The list was not checked" in answer.text
    assert SECRET not in answer.text


def test_a_spreadsheet_without_its_reader_is_refused_with_the_extra_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)

    answer = post("/api/open", "PK", x_file_kind="xlsx")

    assert answer.status_code == 422
    assert "cramprisk[xlsx]" in answer.json()["detail"]


def test_a_form_with_too_many_fields_is_refused():
    assert ask("POST", "/report", data={f"f{number}": "x" for number in range(30)}).status_code == 422


# ------------------------------------------------------------------ what is said about the content


@pytest.mark.parametrize(
    "path", ["/", "/static/page.js", "/static/page.css", "/static/report.css", "/static/icon.svg", "/static/none"]
)
def test_every_file_is_under_the_policy_and_kept_nowhere(path):
    answer = ask("GET", path)

    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_every_answer_is_under_the_policy_and_kept_nowhere():
    answers = [
        check(drugs="hctz"),
        check(drugs=5),
        post("/api/open", "hctz", x_file_kind="txt"),
        post("/api/open", "hctz", x_file_kind="pdf"),
        ask("POST", "/report", data={"drugs": "hctz"}),
        ask("POST", "/report", data={"age": "x"}),
    ]

    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "set-cookie" not in answer.headers


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere():
    policy = HEADERS["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("name", ["..%2Findex.html", "index.html", "plain.html", "page_routes.py"])
def test_only_the_files_of_the_page_are_served(name):
    assert ask("GET", f"/static/{name}").status_code == 404


def test_the_page_says_that_it_is_no_medical_device():
    assert DISCLAIMER in (files("cramprisk.service") / "static" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["index.html", "plain.html", "page.js"])
def test_the_page_neither_blames_nor_advises(name):
    text = (files("cramprisk.service") / "static" / name).read_text(encoding="utf-8")

    assert not re.search(
        r"caused by|\bcauses?\b(?<!not a cause)|stop (?:taking|the|this|it)\b|should (?:be )?stop|risk score|safe to",
        text,
        re.IGNORECASE,
    )


def test_the_files_of_the_page_name_no_other_place_and_nothing_inline():
    folder = files("cramprisk.service") / "static"
    for name in ("index.html", "plain.html", "page.js", "page.css"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "http" not in text.replace("http-equiv", "")
        assert "style=" not in text
        assert "innerHTML" not in text
        assert "localStorage" not in text
    assert "<script>" not in (folder / "index.html").read_text(encoding="utf-8")


def test_a_form_is_read_as_a_browser_sends_it():
    body = urlencode({"drugs": "naproxène 250 mg\r\nHCT + 25"})

    answer = post("/report", body, content_type="application/x-www-form-urlencoded")

    assert "naprox&#232;ne" in answer.text
    assert "HCT + 25" in answer.text
