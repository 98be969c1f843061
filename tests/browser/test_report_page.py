"""The report as a page, in a browser: light, dark, on a phone, on paper."""

from __future__ import annotations

import pytest

from cramprisk import Medicine, check
from tests.browser.checks import DESKTOP, PHONE, overflow, pages_of, violations

HOSTILE = (
    "<script>window.hit = 1</script>",
    '"><img src="https://example.org/x" onerror="window.hit = 1">',
    "<svg onload=window.hit=1>aspirin</svg>",
    "</style><style>@import 'https://example.org/x';",
    "javascript:window.hit=1",
    "\u202eevil " + "x" * 300,
)
DRUGS = (
    ["HCTZ 25mg po qd", "lipitor 20", "Advair diskus", "quinine sulphate 300 mg", "Premarin cream", "HCT 25"]
    + ["Klonopin", "warfarin", "omeprazole", "digoxin", "stopped naproxen", "xyzzy"]
    + ["prednisolne 5", *HOSTILE]
)
CONDITIONS = [
    "T2DM",
    "ESRD on HD",
    "restless legs",
    "?PAD",
    "no gout",
    "DVT",
    "flat feet",
    "night leg cramps",
    "MS",
    *HOSTILE[:2],
]
VARIANTS = {
    "light": {"viewport": DESKTOP, "color_scheme": "light"},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "has_touch": True},
}


@pytest.fixture(scope="module")
def report():
    drugs = [Medicine(text, start="2026-01-05" if number % 2 else "2026-05-01") for number, text in enumerate(DRUGS)]
    return check(drugs, CONDITIONS, age=72, sex="female", cramps_since="2026-03-01")


@pytest.fixture(scope="module")
def address(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report.to_html(), encoding="ascii")
    return path.as_uri()


@pytest.fixture(scope="module")
def opened(visit, address):
    """Opens the page of the report."""
    return lambda **options: visit(address, **options)


def test_the_report_under_test_has_every_section(opened):
    page = opened(**VARIANTS["light"])

    titles = page.locator("h2.section").all_inner_texts()

    assert titles == [
        "Not understood: look at these first",
        "Reported with cramps",
        "Used against cramps",
        "Figures side by side",
        "Conditions that can look like cramps",
        "Other findings",
        "Together",
        "Known, no association recorded",
        "How each entry was read",
        "How to read this",
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_axe_finds_nothing_to_object_to(opened, axe, variant):
    page = opened(**VARIANTS[variant])
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    assert violations(page, axe) == []


def test_axe_finds_nothing_to_object_to_on_paper(opened, axe):
    page = opened(**VARIANTS["dark"])
    page.emulate_media(media="print")

    assert violations(page, axe) == []


@pytest.mark.parametrize("variant", ["light", "phone"])
def test_nothing_is_wider_than_the_window(opened, variant):
    page = opened(**VARIANTS[variant])
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    assert overflow(page) == 0


def test_no_request_leaves_the_page(opened, address):
    page = opened(**VARIANTS["light"])
    page.wait_for_load_state("networkidle")

    assert page.asked == [address]


def test_script_in_names_is_inert(opened):
    page = opened(**VARIANTS["light"])

    assert page.evaluate("window.hit") is None
    assert page.said == []


def test_links_lead_only_to_the_page_itself_and_to_sources(opened):
    page = opened(**VARIANTS["light"])

    hosts = page.evaluate("[...new Set([...document.links].map(one => one.protocol + one.host))]")

    assert sorted(hosts) == ["file:", "https:doi.org", "https:pubmed.ncbi.nlm.nih.gov"]


def test_links_within_the_page_lead_somewhere(opened):
    page = opened(**VARIANTS["light"])

    lost = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(one => one.hash.slice(1))"
        ".filter(id => !document.getElementById(id))"
    )

    assert lost == []


def test_paper_shows_what_is_folded_in_dark_ink_on_white(opened):
    page = opened(**VARIANTS["dark"])
    page.emulate_media(media="print")

    hidden = page.evaluate("[...document.querySelectorAll('details table')].filter(one => !one.checkVisibility()).length")
    colours = page.evaluate(
        "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.querySelector('.cramprisk')))"
    )

    assert hidden == 0
    assert colours == ["rgb(27, 31, 36)", "rgb(255, 255, 255)"]


def test_it_prints_to_a_sane_number_of_pages(opened):
    page = opened(**VARIANTS["light"])

    pdf = page.pdf(format="A4")

    assert pdf.startswith(b"%PDF-")
    # About twenty flags with all their evidence: more than a page and a half for each would be waste.
    assert 5 <= pages_of(pdf) <= 30
