"""The page in a browser: what a person does there, and what it must never do."""

from __future__ import annotations

import json
import re
import socket
import threading
from io import BytesIO

import pytest

from tests.browser.checks import PHONE, overflow, pages_of, violations

LIST = "HCTZ 25mg po qd\nHCT 25\nfurosemdie 40 mg\nwarfarin"
HOSTILE = (
    "<script>window.hit = 1</script>\n"
    '"><img src=x onerror="window.hit = 1">\n'
    "<svg onload=window.hit=1>\n"
    "</textarea><script>window.hit = 1</script>\n"
    "javascript:window.hit=1"
)


@pytest.fixture(scope="module")
def address(checker):
    """The page, served on this machine."""
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed: make test installs it")
    pytest.importorskip("starlette", reason="starlette is not installed: make test installs it")
    from cramprisk.service.app import create_app

    app = create_app(checker)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def opened(visit, address):
    """Opens the page."""
    return lambda **options: visit(address, **options)


def type_list(page, text=LIST):
    page.fill("#drugs", text)
    page.locator("#report .title").wait_for()


def names(page):
    """The flags that the report shows."""
    return [
        re.sub(r" grade .*", "", heading, flags=re.DOTALL).strip()
        for heading in page.locator("#report article .name").all_inner_texts()
    ]


# ------------------------------------------------------------------ reading a list


def test_a_pasted_list_shows_its_report(opened):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", LIST)

    page.focus("#drugs")
    page.keyboard.press("Control+V")
    page.locator("#report .title").wait_for()

    assert names(page) == ["hydrochlorothiazide", "furosemide"]
    assert page.inner_text("#status") == "2 subjects reported with cramps. 1 entry not understood."


def test_rows_pasted_from_a_spreadsheet_become_one_entry_each(opened):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", "Lasix\t40 mg\tdaily\r\nwarfarin\t\t5 mg\r\n")

    page.focus("#drugs")
    page.keyboard.press("Control+V")

    assert page.input_value("#drugs") == "Lasix 40 mg daily\nwarfarin 5 mg\n"


def test_what_was_not_understood_stands_before_the_report(opened):
    page = opened()
    type_list(page)

    order = page.evaluate(
        "[...document.querySelectorAll('#result h2')].filter(one => one.checkVisibility()).map(one => one.textContent)"
    )

    assert order[0] == "Not understood: look at these first"
    assert order.index("Muscle cramps: what this list says") > 0


def test_one_click_settles_an_ambiguous_name_and_can_be_undone(opened):
    page = opened()
    type_list(page)

    page.get_by_role("button", name="HCT 25 means hydrocortisone").click()
    page.locator("#open").wait_for(state="hidden")

    assert page.input_value("#drugs") == LIST.replace("HCT 25", "hydrocortisone 25")
    page.get_by_role("button", name="Undo").click()
    page.locator("#open").wait_for()
    assert page.input_value("#drugs") == LIST


def test_undo_takes_back_choices_one_by_one_but_never_what_was_typed(opened):
    page = opened()
    type_list(page, "HCT 25\nprednisolne")
    page.get_by_role("button", name="HCT 25 means hydrocortisone").click()
    page.get_by_role("button", name="prednisolne means prednisolone").click()
    page.locator("#open").wait_for(state="hidden")

    page.focus("#drugs")
    page.keyboard.press("Control+z")
    assert page.input_value("#drugs") == "hydrocortisone 25\nprednisolne"
    page.keyboard.press("Control+End")
    page.keyboard.type("\nwarfarin")

    assert page.locator("#undo-bar").is_hidden()


def test_what_was_cleared_comes_back(opened):
    page = opened()
    type_list(page)
    page.click("#person summary")
    page.fill("#age", "72")

    page.click("#clear")
    page.locator("#empty").wait_for()
    page.get_by_role("button", name="Undo").click()

    assert (page.input_value("#drugs"), page.input_value("#age")) == (LIST, "72")


def test_of_two_equal_entries_the_one_is_settled_that_was_chosen(opened):
    page = opened()
    type_list(page, "HCT 25\nwarfarin\nHCT 25")

    page.get_by_role("button", name="HCT 25 means hydrocortisone").nth(1).click()
    page.locator("#open li").nth(1).wait_for(state="detached")

    assert page.input_value("#drugs") == "HCT 25\nwarfarin\nhydrocortisone 25"


def test_an_entry_on_the_wrong_list_moves_with_one_click(opened):
    page = opened()
    type_list(page, "warfarin\nhypertension")

    page.get_by_role("button", name="Move to conditions: hypertension").click()
    page.locator("#open").wait_for(state="hidden")

    assert page.input_value("#drugs").strip() == "warfarin"
    assert page.input_value("#conditions") == "hypertension"


def test_everything_can_be_done_by_keyboard(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Tab")
    page.keyboard.type("warfarin\nHCT 25")
    page.keyboard.press("Control+Enter")
    page.locator("#r-open:focus").wait_for()

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#open").wait_for(state="hidden")

    assert page.input_value("#drugs") == "warfarin\nhydrochlorothiazide 25"
    # The button that was pressed is gone; the focus is where one goes on, not at the top of the page.
    page.locator(":focus", has_text=re.compile("^Undo$")).wait_for()


def test_the_entry_is_shown_in_the_list(opened):
    page = opened()
    type_list(page)

    page.get_by_role("button", name="Show in the list: HCT 25").click()

    chosen = page.evaluate(
        "(({value, selectionStart, selectionEnd}) => value.slice(selectionStart, selectionEnd))(document.activeElement)"
    )
    assert chosen == "HCT 25"


def test_evidence_unfolds_in_place_and_stays_so_while_the_list_grows(opened):
    page = opened()
    type_list(page)
    page.locator("#report article summary").last.click()
    place = (
        "[...document.querySelectorAll('#report article')].filter(one => one.querySelector('details').open).map(one => one.id)"
    )
    before = page.evaluate(place)

    page.focus("#drugs")
    page.keyboard.press("Control+End")
    page.keyboard.type("\namlodipine\nsalbutamol")
    page.locator("#r-increases-drug-salbutamol").wait_for()

    assert before == ["r-increases-drug-furosemide"]
    assert page.evaluate(place) == before
    # What is typed into is not disturbed by the answers.
    assert page.evaluate("document.activeElement.id") == "drugs"
    assert page.input_value("#drugs").endswith("\nsalbutamol")


def test_the_answer_to_an_older_list_never_takes_the_place_of_a_newer_one(opened):
    page = opened()
    waiting = []
    page.route(
        "**/api/check", lambda route: waiting.append(route) if "salbutamol" not in route.request.post_data else route.continue_()
    )
    with page.expect_request("**/api/check"):
        page.fill("#drugs", "furosemide")
    page.fill("#drugs", "salbutamol")
    page.locator("#report .title").wait_for()

    for route in waiting:
        route.abort()
    page.wait_for_timeout(200)

    assert waiting
    assert names(page) == ["salbutamol"]
    assert page.locator("#trouble").is_hidden()


def test_the_days_of_medicines_say_which_came_first(opened):
    page = opened()
    type_list(page, "hctz\nVentolin")
    page.click("#person summary")
    page.fill("#age", "72")
    page.fill("#cramps_since", "2026-03-01")
    page.get_by_label("hctz", exact=True).fill("2026-01-05")
    page.get_by_label("Ventolin", exact=True).fill("2026-04-01")
    page.get_by_text("started after the cramps began").wait_for()

    assert names(page)[0] == "age 60 years or over"
    assert page.get_by_text("started before the cramps began, or on that day").is_visible()


# ------------------------------------------------------------------ files


def file(name, content):
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def test_the_columns_of_a_csv_file_are_chosen_and_come_onto_the_lists(opened, axe):
    page = opened()
    page.fill("#drugs", "warfarin")
    page.set_input_files("#file", file("list.csv", b"id;drug;diagnosis\n1;Lasix 40;T2DM\n1;Crestor 10;\n"))
    page.get_by_text("Which column of the file holds what?").wait_for()

    assert page.locator("#column-drug option:checked").inner_text() == "drug"
    assert page.locator("#column-condition option:checked").inner_text() == "diagnosis"
    assert violations(page, axe) == []
    page.get_by_role("button", name="Put into the list").click()
    page.locator("#r-increases-condition-type-2-diabetes").wait_for()
    assert page.input_value("#drugs") == "warfarin\nLasix 40\nCrestor 10"
    page.get_by_role("button", name="Undo").click()
    assert page.input_value("#drugs") == "warfarin"


def test_a_spreadsheet_is_opened(opened):
    xlsxwriter = pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed: make test installs it")
    pytest.importorskip("python_calamine", reason="python-calamine is not installed: make test installs it")
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet().write_column(0, 0, ["Medication", "Lasix 40", "HCT 25"])
    page = opened()

    page.set_input_files("#file", file("list.xlsx", out.getvalue()))
    page.locator("#report .title").wait_for()

    assert page.input_value("#drugs") == "Lasix 40\nHCT 25"


def test_a_file_that_cannot_be_read_is_said_and_changes_nothing(opened):
    page = opened()
    page.fill("#drugs", "warfarin")

    page.set_input_files("#file", file("list.pdf", b"%PDF-"))
    page.get_by_text("The file was not opened: it is no file of the kinds csv, tsv, txt or xlsx.").wait_for()

    assert page.input_value("#drugs") == "warfarin"


# ------------------------------------------------------------------ taking it away


def test_the_report_is_copied_as_text(opened):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    type_list(page)

    page.click("#copy")
    page.get_by_text("The report was copied as text.").wait_for()

    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("2 subjects are reported with cramps: hydrochlorothiazide (A), furosemide (B).")
    assert "HCT 25" in text


def test_the_report_is_saved_as_json_and_csv(opened):
    page = opened()
    type_list(page)

    with page.expect_download() as saved:
        page.click("#save-json")
    report = json.loads(saved.value.path().read_text(encoding="utf-8"))
    with page.expect_download() as table:
        page.click("#save-csv")

    assert [match["text"] for match in report["matches"]] == LIST.split("\n")
    assert saved.value.suggested_filename == "cramprisk-report.json"
    assert table.value.path().read_bytes().startswith(b"\xef\xbb\xbfentry,text,kind")


def test_it_prints_the_report_unfolded_and_without_the_form(opened):
    page = opened(color_scheme="dark")
    type_list(page)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    seen = "one => one.checkVisibility()"
    assert page.evaluate(f"[...document.querySelectorAll('#report details table')].every({seen})")
    assert not page.evaluate(f"[...document.querySelectorAll('form, button')].some({seen})")
    assert page.locator("#r-open").is_visible()
    page.emulate_media(media="null")
    assert 2 <= pages_of(page.pdf(format="A4")) <= 8


# ------------------------------------------------------------------ when something fails


def test_when_the_service_is_gone_the_list_stays_and_it_is_said(opened):
    page = opened()
    type_list(page)
    page.route("**/api/check", lambda route: route.abort())
    page.fill("#drugs", "salbutamol")
    page.get_by_text("The service does not answer").wait_for()

    assert page.input_value("#drugs") == "salbutamol"
    page.unroute("**/api/check")
    page.get_by_role("button", name="Try now").click()
    page.locator("#r-increases-drug-salbutamol").wait_for()
    assert page.locator("#trouble").is_hidden()


def test_an_impossible_value_is_said_without_losing_the_report(opened):
    page = opened()
    type_list(page)
    page.click("#person summary")

    page.fill("#age", "172")
    page.get_by_text("age: must be a number from 0 to 130.").wait_for()

    assert names(page) == ["hydrochlorothiazide", "furosemide"]


def test_without_script_the_form_gives_the_report(opened):
    page = opened(java_script_enabled=False)
    page.fill("#drugs", LIST)
    page.fill("#conditions", "T2DM")

    page.click("text=Check the list")

    assert page.inner_text("h1") == "Muscle cramps: what this list says"
    assert page.locator("text=type 2 diabetes mellitus").first.is_visible()


# ------------------------------------------------------------------ what it never does


def test_script_in_names_is_inert_and_the_policy_is_kept(opened):
    page = opened()
    page.fill("#conditions", HOSTILE)
    type_list(page, HOSTILE + "\nfurosemide")

    assert page.evaluate("window.hit") is None
    # Chromium tells every breach of the policy to the console.
    assert page.said == []


def test_the_policy_stops_script_that_is_put_into_the_page(opened):
    page = opened()

    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hit = 1'}))")

    assert page.evaluate("window.hit") is None
    assert "Content Security Policy" in " ".join(page.said)


def test_nothing_is_stored(opened):
    page = opened()
    type_list(page)
    kept = page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length,"
        " (await caches.keys()).length, location.search, location.hash, history.length]"
    )

    page.reload()

    assert kept[:7] == [0, 0, "", 0, 0, "", ""]
    assert page.context.cookies() == []
    assert page.input_value("#drugs") == ""


def test_only_its_own_service_is_asked(opened, address):
    page = opened()
    type_list(page)

    assert page.asked
    assert all(one.startswith(address) for one in page.asked)


# ------------------------------------------------------------------ for everyone


def everything(page):
    """A page with all it can show: open entries, a report unfolded, days of medicines."""
    page.fill("#conditions", "T2DM w/ neuropathy\nMS\nrestless legs")
    type_list(page, LIST + "\nquinine\nxyzzy\nhypertension")
    page.click("#person summary")
    page.fill("#cramps_since", "2026-03-01")
    page.locator("#days").wait_for()
    page.click("#unfold")


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": PHONE, "has_touch": True}],
    ids=["desktop", "dark", "phone"],
)
def test_axe_finds_nothing_to_object_to_in_a_full_page(opened, axe, options):
    page = opened(**options)
    everything(page)

    assert violations(page, axe) == []
    assert overflow(page) == 0


def test_axe_finds_nothing_to_object_to_in_an_empty_page(opened, axe):
    page = opened(color_scheme="dark")

    assert violations(page, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_object_to_when_something_failed(opened, axe, scheme):
    page = opened(color_scheme=scheme)
    type_list(page)
    page.get_by_role("button", name="HCT 25 means hydrocortisone").click()
    page.context.set_offline(True)
    page.fill("#drugs", "salbutamol")
    page.get_by_text("The service does not answer").wait_for()

    assert violations(page, axe) == []
