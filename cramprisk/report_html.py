"""The report as a page that stands alone, and as a fragment for a notebook.

No script, no font, no picture from elsewhere; links lead only to PubMed and doi.org. What was not understood comes first.
Every text of a list or a table is escaped, and the result is ASCII (other characters as references), so that it survives
any channel. Elements that show evidence name its rows of ``associations.csv`` in ``data-row``: a test reads them and finds
no figure without a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from cramprisk.figure_plot import plots
from cramprisk.model import Association, Direction, Flag, Grade, Kind, Match, Mention, Method, Source, Status
from cramprisk.report import DISCLAIMER, describe_unresolved, plain
from cramprisk.report_style import PAGE_STYLE, STYLE

if TYPE_CHECKING:
    from cramprisk.report import Report

__all__ = ["to_body", "to_fragment", "to_html"]

_TITLE = "Muscle cramps: what this list says"
_METHODS = {
    Method.CODE: "the code",
    Method.NAME: "the name",
    Method.SYNONYM: "the synonym",
    Method.BRAND: "the brand",
    Method.ABBREVIATION: "the abbreviation",
    Method.COMBINATION: "the combination",
    Method.CLASS: "the class",
    Method.NEAR: "nearness to the name",
}
_CONTESTED = {
    Direction.INCREASES: "Contested: other data show no excess or point the other way.",
    Direction.RELIEVES: "Contested: other data show no benefit or point the other way.",
    Direction.NEUTRAL: "Contested: other data point elsewhere.",
}


def to_html(report: Report) -> str:
    """A report as one HTML page that needs nothing else.

    Args:
        report: From :func:`cramprisk.check`.

    Returns:
        HTML 5 in ASCII: 8 kB, and about 6 kB more for every flag.

    Examples:
        >>> from cramprisk import check
        >>> page = to_html(check(["Lasix 40"]))
        >>> page.isascii(), "furosemide" in page, "<script" in page
        (True, True, False)
    """
    view = _View(report, "r", 1)
    body = f'<header>{view.opening()}</header>\n<main>\n{view.sections()}</main>\n<footer class="foot">{view.closing()}</footer>'
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
        f"<title>{_TITLE}</title>\n<style>\n{PAGE_STYLE}{STYLE}</style>\n</head>\n"
        f'<body>\n<div class="cramprisk">\n{body}\n</div>\n</body>\n</html>\n'
    )
    return _ascii(page)


def to_fragment(report: Report) -> str:
    """A report as a piece of HTML for a notebook: its own style, and ids of its own.

    Examples:
        >>> from cramprisk import check
        >>> to_fragment(check(["Lasix 40"])).startswith('<div class="cramprisk"')
        True
    """
    prefix = "r" + sha256(report.to_json(indent=None).encode()).hexdigest()[:10]
    view = _View(report, prefix, 3)
    return _ascii(
        f'<div class="cramprisk" role="region" aria-label="{_TITLE}" lang="en">\n<style>\n{STYLE}</style>\n'
        f'<div>{view.opening()}</div>\n{view.sections()}<div class="foot">{view.closing()}</div>\n</div>\n'
    )


def to_body(report: Report, prefix: str = "r", level: int = 2) -> str:
    """A report as a part of a page that brings the style itself, within an element of the class ``cramprisk``.

    Args:
        report: From :func:`cramprisk.check`.
        prefix: Begins every id: ``<prefix>-open`` is what was not understood.
        level: Of the topmost heading.

    Examples:
        >>> from cramprisk import check
        >>> body = to_body(check(["xyzzy", "Lasix 40"]))
        >>> 'id="r-open"' in body, "<style" in body
        (True, False)
    """
    view = _View(report, prefix, level)
    return _ascii(f'{view.opening()}\n{view.sections()}<div class="foot">{view.closing()}</div>\n')


def _ascii(page: str) -> str:
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _e(text: str) -> str:
    """A text made safe: one line, no control characters, nothing that HTML would read as markup."""
    return escape(plain(text, 20_000))


def _said(text: str) -> str:
    """Words of an entry, in quotation marks, kept from turning the direction of what stands around them."""
    return f"“<bdi>{escape(plain(text, 300))}</bdi>”"


def _words(slug: str) -> str:
    """An id as words: a class is known to a report only by its id."""
    return _e(slug.replace("-", " ").replace("+", " with "))


def _grade(flag_or_row: Flag | Association, *, long: bool = False) -> str:
    grade = flag_or_row.grade
    # Well supported is not alarming: what points neither way has the colour of nothing.
    colour = "neutral" if flag_or_row.direction is Direction.NEUTRAL else grade.value.lower()
    return f'<span class="grade grade-{colour}">{"grade " if long else ""}{grade.value}</span>'


def _source(source: Source) -> str:
    """A citation with links to PubMed and to the publisher, where the numbers are known."""
    parts = [_e(source.citation)]
    if source.pmid:
        address = f"https://pubmed.ncbi.nlm.nih.gov/{quote(source.pmid, safe='')}/"
        parts.append(f'<a href="{escape(address)}" rel="noreferrer">PMID {_e(source.pmid)}</a>')
    if source.doi:
        address = f"https://doi.org/{quote(source.doi, safe='/:;()._-')}"
        parts.append(f'<a href="{escape(address)}" rel="noreferrer">doi:{_e(source.doi)}</a>')
    return "; ".join(parts)


def _finding(row: Association, subject: str) -> str:
    """What was measured, in whom: figure first."""
    figure = row.figure()
    text = f'<span class="figure">{_e(figure)}</span>; ' if figure else ""
    text += _e(row.outcome)
    if row.population:
        text += f" ({_e(row.population)})"
    if row.subject != subject:
        text += f"; about {_words(row.subject)} as a whole"
    return text if figure else f"{text}; no figure given"


def _stand(row: Association) -> str:
    """Which way a row points, in words, where it stands against others."""
    if row.direction is Direction.INCREASES:
        return "Reported with cramps"
    if row.direction is Direction.NEUTRAL:
        return "No excess, or neither way"
    return row.grade.words.capitalize() if row.grade in (Grade.TN, Grade.D) else "Used against cramps"


def _list(items: Iterable[str], css: str = "") -> str:
    mark = f' class="{css}"' if css else ""
    return f"<ul{mark}>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def _rows(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of terms and what they are; pairs without content are left out."""
    return "<dl>" + "".join(f"<div><dt>{term}</dt><dd>{text}</dd></div>" for term, text in pairs if text) + "</dl>"


def _table(css: str, caption: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A table whose first column names the row. Roles are written out, since a narrow screen shows rows as blocks.

    Args:
        css: The class that gives the columns their widths.
        caption: HTML.
        heads: Names of the columns.
        rows: The id of the association that the row shows, or an empty text, and the cells as HTML.
    """
    head = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in heads)
    lines = []
    for row_id, cells in rows:
        mark = f' data-row="{escape(row_id)}"' if row_id else ""
        rest = "".join(
            f'<td role="cell" data-label="{name}">{cell}</td>' for name, cell in zip(heads[1:], cells[1:], strict=True)
        )
        lines.append(f'<tr role="row"{mark}><th scope="row" role="rowheader">{cells[0]}</th>{rest}</tr>\n')
    return (
        f'<table role="table" class="{css}"><caption>{caption}</caption>\n'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n'
        f'<tbody role="rowgroup">\n{"".join(lines)}</tbody></table>\n'
    )


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


@dataclass(frozen=True, slots=True)
class _View:
    """A report, and how it stands in what is around it.

    Attributes:
        prefix: Begins every id.
        level: Of the topmost heading.
    """

    report: Report
    prefix: str
    level: int

    # ------------------------------------------------------------------ parts of the page

    def opening(self) -> str:
        """The title, the summary, and the whole at a glance."""
        title = self._heading(0, "title", _TITLE)
        return f'{title}\n<p class="lead">{_e(self.report.summary())}</p>\n{self._glance()}'

    def sections(self) -> str:
        """Everything after the glance, what was not understood first."""
        report = self.report
        neutral = [flag for flag in report.flags if flag.direction is Direction.NEUTRAL]
        alike = [flag for flag in neutral if flag.subject.group == "differential"]
        return "".join(
            (
                self._not_understood(),
                self._flags(
                    "risks",
                    "Reported with cramps",
                    "Each of these is reported with cramps and may contribute to them. An association is not a cause: "
                    "review with prescriber.",
                    report.risks,
                ),
                self._flags(
                    "relief",
                    "Used against cramps",
                    "What the data say about each as a remedy, also where it was shown not to help.",
                    report.relief,
                ),
                self._plots(),
                self._flags(
                    "alike",
                    "Conditions that can look like cramps",
                    "To be told apart from cramps; they are not reported as raising them.",
                    alike,
                ),
                self._flags(
                    "other",
                    "Other findings",
                    "Studied, and neither reported with more cramps nor used against them, or the outcome itself.",
                    [flag for flag in neutral if flag not in alike],
                ),
                self._together(),
                self._known(),
                self._entries(),
                self._key(),
            )
        )

    def closing(self) -> str:
        """Which tables, and what this is not."""
        report = self.report
        return (
            f"<p>{_e(DISCLAIMER)}</p>\n"
            f'<p class="soft">Tables {_e(report.tables_version)}, SHA-256 <code>{_e(report.tables_digest)}</code>.</p>'
        )

    # ------------------------------------------------------------------ at a glance

    def _glance(self) -> str:
        report = self.report
        entries = [match for match in report.matches if match.status is not Status.EMPTY]
        if not entries and not report.flags:
            return ""
        lines = []
        if report.unresolved:
            names = ", ".join(_said(match.text) for match in report.unresolved[:6])
            more = f" and {len(report.unresolved) - 6} more" if len(report.unresolved) > 6 else ""
            text = f"{len(report.unresolved)} of {_count(len(entries), 'entry', 'entries')}: {names}{more}. " + (
                f'<a href="#{self.prefix}-open">See what they may be</a>; the list may hold more than is shown.'
            )
            lines.append(f'<div class="open"><dt>Not understood</dt><dd>{text}</dd></div>')
        elif entries:
            understood = f"Nothing: all of {_count(len(entries), 'entry', 'entries')} understood."
            lines.append(f"<div><dt>Not understood</dt><dd>{understood}</dd></div>")
        for title, direction in (
            ("Reported with cramps", Direction.INCREASES),
            ("Used against cramps", Direction.RELIEVES),
            ("Other findings", Direction.NEUTRAL),
        ):
            chips = [
                f'<a href="#{self._id(flag)}">{_e(flag.subject.name)}</a> {_grade(flag)}{self._marks(flag)}'
                for flag in report.flags
                if flag.direction is direction
            ]
            if chips or direction is Direction.INCREASES:
                text = _list(chips, "chips") if chips else "Nothing on this list."
                lines.append(f"<div><dt>{title}</dt><dd>{text}</dd></div>")
        if report.interactions:
            link = f'<a href="#{self.prefix}-together">{_count(len(report.interactions), "pair")} that matter together</a>'
            lines.append(f"<div><dt>Together</dt><dd>{link}</dd></div>")
        key = "; ".join(f"{_grade(flag)} {_e(flag.grade.words)}" for flag in {flag.grade: flag for flag in report.flags}.values())
        said = f'<p class="soft">{key}.</p>' if key else ""
        return f'<dl class="glance">\n{"".join(lines)}</dl>\n{said}'

    def _marks(self, flag: Flag) -> str:
        marks = (["contested"] if flag.contested else []) + (["uncertain"] if flag.uncertain else [])
        return "".join(f' <span class="mark">{mark}</span>' for mark in marks)

    def _not_understood(self) -> str:
        report = self.report
        if not report.unresolved:
            return ""
        table = _table(
            "reasons",
            "Entries that were not understood, or not wholly. What was not understood was not checked.",
            ("Entry", "Read as", "Why, and what it may be"),
            [
                (
                    "",
                    (
                        _said(match.text),
                        "medicine" if match.kind is Kind.DRUG else "condition",
                        escape(plain(describe_unresolved(match), 600)),
                    ),
                )
                for match in report.unresolved
            ],
        )
        return self._section("open", "Not understood: look at these first", f'<div class="warned">{table}</div>')

    # ------------------------------------------------------------------ flags

    def _flags(self, name: str, title: str, intro: str, flags: Sequence[Flag]) -> str:
        if not flags:
            return ""
        cards = "".join(self._card(flag) for flag in flags)
        return self._section(name, title, f"<p>{intro}</p>\n{cards}")

    def _card(self, flag: Flag) -> str:
        best = flag.best()
        heading = self._heading(2, "name", f"{_e(flag.subject.name)} {_grade(flag, long=True)}{self._marks(flag)}")
        timing = flag.timing
        consider = self._consider(flag)
        # A caution may be the note of any row of the flag.
        rows = escape(" ".join(row.id for row in flag.evidence))
        pairs = (
            ("Evidence", f"Grade {flag.grade.value}: {_e(flag.grade.words)}."),
            ("Reported" if flag.direction is Direction.INCREASES else "Measured", self._shown(best, flag)),
            ("Source", f'<span data-row="{escape(best.id)}">{_source(best.source)}</span>'),
            ("Of the whole class" if flag.subject.kind != "condition" else "Of the wider group", self._inherited(flag)),
            ("From", self._origin(flag)),
            ("Time", _e(timing.words) if timing is not None else ""),
            ("Against", f"<p>{_CONTESTED[flag.direction]}</p>{self._against(flag)}" if flag.against else ""),
            ("Caution", "".join(f'<p class="caution" data-row="{rows}">{_e(text)}</p>' for text in flag.cautions)),
            ("What to consider", _list(consider) if consider else ""),
        )
        return f'<article class="flag" id="{self._id(flag)}">\n{heading}\n{_rows(pairs)}\n{self._evidence(flag)}</article>\n'

    def _shown(self, row: Association, flag: Flag) -> str:
        return f'<span data-row="{escape(row.id)}">{_finding(row, flag.subject.id)}</span>.'

    def _inherited(self, flag: Flag) -> str:
        """Which classes or wider conditions the evidence is about, and whether all of it is."""
        if not flag.inherited_from:
            return ""
        classes = ", ".join(_words(wider) for wider in flag.inherited_from)
        share = "Part" if any(row.subject == flag.subject.id for row in flag.evidence) else "All"
        return f"{share} of this evidence is about a group as a whole: {classes}."

    def _against(self, flag: Flag) -> str:
        return _list(
            f'<span data-row="{escape(row.id)}">{_e(_stand(row))}: {_finding(row, flag.subject.id)} {_grade(row)}. '
            f"{_source(row.source)}</span>"
            for row in flag.against
        )

    def _consider(self, flag: Flag) -> list[str]:
        """What the sources' notes say, of the row that is shown and of those against; none of it is added here."""
        said = {row.note: row for row in (*flag.against[::-1], flag.best()) if row.note and row.note not in flag.cautions}
        return [f'<span data-row="{escape(row.id)}">{_e(note)}</span>' for note, row in reversed(said.items())]

    def _origin(self, flag: Flag) -> str:
        """The entries that led to a flag, as written, and how they were read; or what else it comes from."""
        parts = []
        for index in flag.entries:
            match = self.report.matches[index]
            wanted = {flag.subject.id, *flag.subject.id.split("+")}
            mentions = [mention for mention in match.mentions if wanted & set(mention.concepts)] or list(match.mentions)
            parts.append(f"{_said(match.text)}, {'; '.join(self._reading(mention) for mention in mentions)}")
        context = flag.context
        if context:
            parts.append(_e(context))
        return _list(parts, "plain") if parts else ""

    def _reading(self, mention: Mention) -> str:
        text = f"by {_METHODS[mention.method]} {_said(mention.name)} ({_e(mention.table)}, score {mention.score:.1f})"
        extras = [mention.qualifier.value if mention.qualifier else "", f"route {mention.route}" if mention.route else ""]
        return ", ".join([text, *(_e(extra) for extra in extras if extra)])

    def _evidence(self, flag: Flag) -> str:
        rows = [(row, "") for row in flag.evidence] + [(row, "against") for row in flag.against]
        label = f"All evidence: {_count(len(rows), 'finding')}" + (f", {len(flag.against)} against" if flag.against else "")
        table = _table(
            "findings",
            f"Evidence about {_e(flag.subject.name)}: its own first, then that of wider groups",
            ("Finding", "Grade", "Source", "Note"),
            [
                (
                    row.id,
                    (
                        _finding(row, flag.subject.id),
                        _grade(row) + (f' <span class="mark">{side}</span>' if side else ""),
                        _source(row.source),
                        _e(row.note) or "none",
                    ),
                )
                for row, side in rows
            ],
        )
        return f"<details><summary>{label}</summary>\n{table}</details>\n"

    def _plots(self) -> str:
        drawn = plots(self.report.flags, f"{self.prefix}-plot")
        if not drawn:
            return ""
        figures = "".join(
            f"<figure>\n<figcaption>{_e(plot.measure)}{f': {_e(plot.outcome)}' if plot.outcome else ''}</figcaption>\n"
            f"{plot.svg}\n</figure>\n"
            for plot in drawn
        )
        intro = "One plot for each measure: figures of different measures cannot be compared. Only ratios with an interval."
        return self._section("plots", "Figures side by side", f'<p>{intro}</p>\n<div class="plots">\n{figures}</div>')

    # ------------------------------------------------------------------ the rest

    def _together(self) -> str:
        if not self.report.interactions:
            return ""
        table = _table(
            "pairs",
            "Pairs on this list that matter together",
            ("What", "From", "Source", "Note"),
            [
                (
                    "",
                    (
                        _e(found.interaction.effect),
                        ", ".join(_said(self.report.matches[index].text) for index in found.entries) or "not from an entry",
                        _source(found.interaction.source),
                        _e(found.interaction.note) or "none",
                    ),
                )
                for found in self.report.interactions
            ],
        )
        return self._section("together", "Together", table)

    def _known(self) -> str:
        flagged = {index for flag in self.report.flags for index in flag.entries}
        known = [
            match
            for index, match in enumerate(self.report.matches)
            if index not in flagged and match.status is Status.MATCHED and match.complete
        ]
        if not known:
            return ""
        items = []
        for match in known:
            marks = dict.fromkeys(mention.qualifier.value for mention in match.mentions if mention.qualifier)
            concepts = ", ".join(_words(concept) for concept in match.concepts)
            items.append(f"{_said(match.text)}: {concepts}{''.join(f', {mark}' for mark in marks)}")
        intro = "Understood; these tables hold no association for them, or the entry says that they are not current."
        return self._section("known", "Known, no association recorded", f"<p>{intro}</p>\n{_list(items)}")

    def _entries(self) -> str:
        matches = [match for match in self.report.matches if match.status is not Status.EMPTY]
        if not matches:
            return ""
        table = _table(
            "readings",
            "Every entry in the order given, and how it was read",
            ("Entry", "Outcome", "Read as"),
            [("", (_said(match.text), self._outcome(match), self._readings(match))) for match in matches],
        )
        label = f"{_count(len(matches), 'entry', 'entries')}, in the order given"
        return self._section("entries", "How each entry was read", f"<details><summary>{label}</summary>\n{table}</details>")

    def _outcome(self, match: Match) -> str:
        return "understood in part" if match.status is Status.MATCHED and not match.complete else _e(match.status.value)

    def _readings(self, match: Match) -> str:
        items = [
            f"{', '.join(_words(concept) for concept in mention.concepts)}, {self._reading(mention)}"
            for mention in match.mentions
        ]
        if not match.complete:
            items.append(escape(plain(describe_unresolved(match), 600)))
        return _list(items, "plain") if items else "nothing"

    def _key(self) -> str:
        if not self.report.flags:
            return ""
        items = (
            "The letter is the grade of the evidence, not a measure of danger. It says how well a link is supported.",
            "A figure is what its source measured. An adjusted sequence ratio counts new quinine prescriptions, "
            "a proxy for cramps; it is not an odds ratio.",
            "Contested means that other rows show no excess or point the other way; they stand under “Against”.",
            "Figures are never added up, multiplied or turned into a score for a person.",
        )
        return self._section("key", "How to read this", _list(items))

    # ------------------------------------------------------------------ headings and ids

    def _id(self, flag: Flag) -> str:
        """Of the subject, not of the place: a card keeps its id when the list grows."""
        return f"{self.prefix}-{flag.direction.value}-{flag.subject.kind}-{flag.subject.id}"

    def _heading(self, depth: int, css: str, html: str, name: str = "") -> str:
        level = self.level + depth
        mark = f' id="{name}"' if name else ""
        return f'<h{level} class="{css}"{mark}>{html}</h{level}>'

    def _section(self, name: str, title: str, html: str) -> str:
        heading = self._heading(1, "section", title, f"{self.prefix}-{name}")
        return f'<section aria-labelledby="{self.prefix}-{name}">\n{heading}\n{html}\n</section>\n'
