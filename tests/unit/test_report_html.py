"""The page of a report: nothing without a source, nothing unescaped, nothing that advises."""

import csv
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cramprisk import Medicine, check
from cramprisk.checker import Checker
from cramprisk.figure_plot import plots
from cramprisk.model import Direction, Grade, Kind, Status
from cramprisk.report import DISCLAIMER
from cramprisk.report_html import to_fragment, to_html
from cramprisk.report_style import STYLE
from tests.strategies import names, texts

VOID = {"meta", "br", "hr", "img", "link", "input"}
EVERYTHING = (
    ["HCTZ", "lipitor 20", "zocor", "Advair diskus", "quinine", "xyzzy", "Premarin cream", "HCT", "furosemdie", "Klonopin"]
    + ["magnesium", "warfarin", "omeprazole", "digoxin", "amoxicillin", "stopped naproxen"],
    ["T2DM", "ESRD on HD", "restless legs", "?PAD", "no gout", "DVT", "flat feet", "female", "night leg cramps"],
)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
BLAME_OR_ADVICE = re.compile(
    r"caused by|causes? (?:\w+ )?cramp|stop taking|stop using|should (?:be )?stop|must (?:be )?stop|stop (?:the|this|it)\b|"
    r"should be discontinued|discontinue (?:the|this|it)\b|do not take|safe to take|risk score|score of risk",
    re.IGNORECASE,
)


@dataclass
class Element:
    tag: str
    attributes: dict
    parent: "Element | None"
    children: list = field(default_factory=list)

    def text(self):
        return " ".join(child if isinstance(child, str) else child.text() for child in self.children)

    def all(self, tag=None):
        for child in self.children:
            if isinstance(child, Element):
                if tag is None or child.tag == tag:
                    yield child
                yield from child.all(tag)

    def within(self, name):
        here = self
        while here is not None:
            if name in here.attributes:
                return here.attributes[name]
            here = here.parent
        return None


class Tree(HTMLParser):
    """Reads a page and insists that what is opened is closed, in order."""

    def __init__(self, page):
        super().__init__()
        self.root = self.here = Element("root", {}, None)
        self.feed(page)
        self.close()
        assert self.here is self.root, f"{self.here.tag} is not closed"

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"{tag} names an attribute twice"
        element = Element(tag, dict(attrs), self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag, attrs):
        self.here.children.append(Element(tag, dict(attrs), self.here))

    def handle_endtag(self, tag):
        assert self.here.tag == tag, f"{tag} closes {self.here.tag}"
        self.here = self.here.parent

    def handle_data(self, data):
        self.here.children.append(data)


def tree(page):
    return Tree(page).root


def words(page):
    """What a reader sees: the text without the style sheet."""
    return " ".join(re.sub(r"<style>.*?</style>", " ", tree_text(page), flags=re.DOTALL).split())


def tree_text(page):
    root = tree(page)
    for style in list(root.all("style")):
        style.children.clear()
    return root.text()


@pytest.fixture(scope="module")
def report():
    return check(*EVERYTHING)


@pytest.fixture(scope="module")
def page(report):
    return report.to_html()


@pytest.fixture(scope="module")
def root(page):
    return tree(page)


@pytest.fixture(scope="module")
def every_subject(checker):
    """Reports that hold every flag that the tables can raise."""
    drugs, conditions = [], []
    for kind, subject in checker.associations:
        if kind == "product":
            drugs.append(" + ".join(checker.concept(part).name for part in subject.split("+")))
        else:
            (conditions if kind == "condition" else drugs).append(checker.concept(subject).name)
    return check(drugs, conditions)


# ---------------------------------------------------------------------- evidence


def rows_of(name):
    folder = Checker.default().tables.folder
    with (folder / name).open(encoding="utf-8", newline="") as handle:
        return {row["id"]: row for row in csv.DictReader(handle)}


def numbers_of_row(row, sources):
    texts = [value for key, value in row.items() if key != "reviewed"]
    texts += [f"{float(row[key]):g}" for key in ("value", "ci_low", "ci_high") if row[key]]
    return {number for text in (*texts, *sources[row["source"]].values()) for number in NUMBER.findall(text)}


def test_every_figure_of_the_evidence_stands_in_its_row(every_subject):
    associations, sources = rows_of("associations.csv"), rows_of("sources.csv")
    root = tree(every_subject.to_html())
    seen = set()

    for element in root.all():
        if "data-row" in element.attributes:
            ids = element.attributes["data-row"].split()
            seen |= set(ids)
            known = set().union(*(numbers_of_row(associations[one], sources) for one in ids))
            # What a figure belongs to, and the label of the plot, may hold numbers of names.
            known |= {number for flag in every_subject.flags for number in NUMBER.findall(flag.subject.name)}
            assert set(NUMBER.findall(element.text())) <= known, element.text()
    assert seen == {row.id for flag in every_subject.flags for row in (*flag.evidence, *flag.against)}
    assert len(seen) > 300


def test_no_number_stands_outside_the_evidence_without_reason(every_subject):
    """Outside the rows stand counts, scores of matches, names, interactions and the axes: no figure about cramps."""
    root = tree(every_subject.to_html())
    for element in list(root.all()):
        if "data-row" in element.attributes or element.tag == "style" or element.attributes.get("class") == "axis":
            element.children.clear()
    report = every_subject
    known = [report.summary(), report.tables_version, report.tables_digest]
    known += [str(len(part)) for part in (report.matches, report.unresolved, report.interactions)]
    known += [str(sum(match.status is not Status.EMPTY for match in report.matches)), "SHA-256"]
    known += [f"{len(flag.evidence) + len(flag.against)} {len(flag.against)}" for flag in report.flags]
    known += [f"{len(report.unresolved) - 6}"]
    for match in report.matches:
        known += [match.text, *(candidate.name for candidate in match.candidates), *match.concepts]
        known += [f"{mention.name} {mention.table} {mention.score:.1f}" for mention in match.mentions]
    known += [flag.subject.name + " " + " ".join(flag.inherited_from) for flag in report.flags]
    for found in report.interactions:
        source = found.interaction.source
        known.append(f"{found.interaction.effect} {found.interaction.note} {source.citation} {source.pmid} {source.doi}")
    known += [plot.measure + " " + plot.outcome for plot in plots(report.flags)]

    assert set(NUMBER.findall(root.text())) <= set(NUMBER.findall(" ".join(known)))


def test_no_sentence_blames_or_tells_to_stop(every_subject, page):
    for text in (words(every_subject.to_html()), words(page)):
        assert not BLAME_OR_ADVICE.search(text)


def test_the_words_are_those_of_a_report(page):
    text = words(page)

    for said in ("reported with cramps", "may contribute", "review with prescriber", "not a medical device"):
        assert said in text
    assert " ".join(DISCLAIMER.split()) in text


def test_each_flag_shows_figure_grade_source_and_entry(report, root):
    cards = {card.attributes["id"]: " ".join(card.text().split()) for card in root.all("article")}

    assert len(cards) == len(report.flags)
    for flag in report.flags:
        text = cards[f"r-{flag.direction.value}-{flag.subject.kind}-{flag.subject.id}"]
        assert flag.subject.name in text
        assert flag.grade.words in text
        assert flag.best().figure() in text
        for row in (*flag.evidence, *flag.against):
            assert " ".join(row.source.citation.split()) in text
            assert " ".join(row.note.split()) in text
        for caution in flag.cautions:
            assert caution in text
        for index in flag.entries:
            assert report.matches[index].text in text
            assert f"score {report.matches[index].score:.1f}" in text or len(report.matches[index].mentions) > 1
        for wider in flag.inherited_from:
            assert wider.replace("-", " ") in text
        assert ("Contested" in text) == flag.contested


def test_links_lead_to_pubmed_and_doi_only(report, root):
    addresses = {link.attributes["href"] for link in root.all("a")}
    outward = {address for address in addresses if not address.startswith("#")}
    rows = [row for flag in report.flags for row in (*flag.evidence, *flag.against)]

    assert outward
    assert all(address.startswith(("https://pubmed.ncbi.nlm.nih.gov/", "https://doi.org/10.")) for address in outward)
    assert {f"https://pubmed.ncbi.nlm.nih.gov/{row.source.pmid}/" for row in rows if row.source.pmid} <= outward


def test_links_inside_lead_somewhere(root):
    places = {element.attributes["id"] for element in root.all() if "id" in element.attributes}

    for link in root.all("a"):
        if link.attributes["href"].startswith("#"):
            assert link.attributes["href"][1:] in places


def test_all_kinds_of_flags_have_a_section(report, root):
    titles = [heading.text() for heading in root.all("h2")]

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
    assert {flag.direction for flag in report.flags} == set(Direction)
    assert Grade.AVOID in {flag.grade for flag in report.relief}


def test_what_was_not_understood_stands_before_any_flag(page):
    text = words(page)

    assert text.index("“ xyzzy ”") < text.index("hydrochlorothiazide A")
    assert "may mean hydrochlorothiazide, hydrocortisone" in text


def test_nothing_flagged_is_not_safe_while_an_entry_is_open():
    text = words(check(["xyzzy"]).to_html())

    assert "the list may hold more" in text
    assert "1 of 1 entry" in text


def test_an_empty_list_has_a_page():
    text = words(check().to_html())

    assert "The list is empty." in text
    assert "not a medical device" in text
    assert "None" not in text


def test_a_list_of_known_medicines_says_so():
    text = words(check(["warfarin 3 mg"]).to_html())

    assert "Known, no association recorded" in text
    assert "“ warfarin 3 mg ”: warfarin" in text


# ---------------------------------------------------------------------- safe and sound HTML


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "Lasix <img src=x onerror=alert(1)>",
        '"><svg onload=alert(1)> furosemide',
        "Lasix' onclick='alert(1)",
        "</title></style></table>Lasix",
        "<!-- Lasix --",
        "&lt;b&gt; Lasix &amp;",
        "a\ud800b \x00 \u202efurosemide",
    ],
)
@pytest.mark.parametrize("kind", ["drug", "condition"])
def test_entries_are_escaped(text, kind):
    made = check([text]) if kind == "drug" else check([], [text])

    for html in (made.to_html(), made._repr_html_()):
        root = tree(html)
        assert not [element for element in root.all() if element.tag in ("script", "img", "b", "iframe")]
        assert not [name for element in root.all() for name in element.attributes if name.startswith("on")]
        assert not [element for element in root.all("svg") if element.attributes.get("class") != "plot"]


def test_an_entry_is_shown_as_written():
    assert "“ xyzzy <b>forte</b> & more ”" in words(check(["xyzzy <b>forte</b> & more"]).to_html())


def test_texts_of_the_tables_are_escaped():
    report = check(["HCTZ"])
    flag = report.flags[0]
    source = replace(flag.evidence[0].source, citation="<i>A & B</i>", pmid='1"><script>', doi='10.1/"><script>')
    row = replace(flag.evidence[0], source=source, note="<script>", outcome="<b>", population="<u>", measure="odds ratio <s>")
    changed = replace(report, flags=(replace(flag, evidence=(row,), cautions=("<em>",)),))

    root = tree(changed.to_html())

    assert not [element for element in root.all() if element.tag in ("i", "b", "u", "s", "em", "script")]


def test_the_page_needs_nothing_from_elsewhere(page, root):
    assert not [element for element in root.all() if "src" in element.attributes or element.tag in ("link", "script")]
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_is_ascii_and_survives_any_channel():
    page = check(["フロセミド", "фуросемид", "a\ud800b"]).to_html()

    assert page.isascii()
    assert "フロセミド" in words(page)


def test_the_same_list_gives_the_same_page():
    assert check(*EVERYTHING).to_html() == check(*EVERYTHING).to_html()


@settings(max_examples=60)
@given(
    drugs=st.lists(st.one_of(texts(), names(Kind.DRUG)), max_size=5),
    conditions=st.lists(st.one_of(texts(), names(Kind.CONDITION)), max_size=5),
)
def test_any_list_gives_a_sound_page(drugs, conditions):
    report = check(drugs, conditions)

    for html in (to_html(report), to_fragment(report)):
        root = tree(html)
        ids = [element.attributes["id"] for element in root.all() if "id" in element.attributes]
        assert len(ids) == len(set(ids))
        assert html.isascii()


# ---------------------------------------------------------------------- for every reader


def test_landmarks_language_and_title(root):
    assert [element.tag for element in root.all() if element.tag in ("header", "main", "footer")] == ["header", "main", "footer"]
    assert next(root.all("html")).attributes["lang"] == "en"
    assert next(root.all("title")).text()


def test_headings_come_in_order(root):
    levels = [int(element.tag[1]) for element in root.all() if re.fullmatch("h[1-6]", element.tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_scopes(root):
    for table in root.all("table"):
        assert next(table.all("caption")).text()
        assert all(head.attributes["scope"] in ("col", "row") for head in table.all("th"))


def test_drawings_have_a_title_and_a_description(root):
    drawings = list(root.all("svg"))

    assert drawings
    for svg in drawings:
        assert svg.attributes["role"] == "img"
        titled, described = svg.attributes["aria-labelledby"].split()
        assert next(svg.all("title")).attributes["id"] == titled
        assert next(svg.all("desc")).attributes["id"] == described


def test_columns_say_their_name_on_a_narrow_screen(root):
    for table in root.all("table"):
        heads = [head.text() for head in table.all("th") if head.attributes["scope"] == "col"]
        for row in list(table.all("tr"))[1:]:
            assert [cell.attributes["data-label"] for cell in row.all("td")] == heads[1:]


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough(scheme):
    """WCAG 2.2, criterion 1.4.3: 4.5 to 1."""
    found = re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", STYLE)
    half = len(found) // 2
    colours = dict(found[:half] if scheme == 0 else found[half:])
    pairs = [(text, ground) for text in ("text", "soft", "link") for ground in ("ground",)]
    pairs += [("warn-text", "warn-ground")] + [("on-chip", chip) for chip in ("strong", "medium", "weak", "relief")]

    for text, ground in pairs:
        lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)


# ---------------------------------------------------------------------- in a notebook


def test_the_fragment_keeps_to_itself(report):
    fragment = report._repr_html_()
    root = tree(fragment)

    assert not [element for element in root.all() if element.tag in ("html", "head", "body", "main", "header", "footer", "h1")]
    assert [child.tag for child in root.children if isinstance(child, Element)] == ["div"]
    rules = re.sub(r"/\*.*?\*/", "", STYLE, flags=re.DOTALL)
    for selectors in re.findall(r"([^{}]+)\{", rules):
        if not selectors.strip().startswith("@"):
            assert all(one.strip().startswith(".cramprisk") for one in selectors.split(","))


def test_two_reports_in_one_notebook_share_no_id(report):
    first = {element.attributes.get("id") for element in tree(report._repr_html_()).all()} - {None}
    second = {element.attributes.get("id") for element in tree(check(["HCTZ"])._repr_html_()).all()} - {None}

    assert not first & second


# ---------------------------------------------------------------------- when it began, and what is no entry


def test_timing_is_shown_where_it_is_known():
    page = check([Medicine("HCTZ", start="2026-01-05")], cramps_since="2026-03-01").to_html()

    assert "started before the cramps began" in words(page)


def test_a_flag_without_an_entry_says_where_it_comes_from():
    assert "age 72" in words(check(["HCTZ"], age=72).to_html())
