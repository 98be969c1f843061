"""Plots of figures with their intervals, as SVG: one plot a measure, never two measures in one.

Only ratios are drawn, on a log axis with a line at 1, and only rows whose source gives an interval. Odds ratios and
sequence ratios are not the same quantity and stand in plots of their own; what relieves stands apart from what raises.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from cramprisk.model import Association, Direction, Flag

__all__ = ["Plot", "plots"]

# Drawn at the width of a telephone and scaled up, so that the letters are never smaller than they are drawn.
_WIDTH = 360
_SIZE = 11.5
_LETTER = 5.9  # the usual width of a letter at this size, for what must be known before a browser draws it
_LEFT = 12
_LINE = 15
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Plot:
    """One measure, drawn.

    Attributes:
        measure: What the figures are (odds ratio, adjusted sequence ratio…).
        outcome: What was counted, when it is the same in every row; else empty, and each row says it.
        rows: Ids of the associations drawn, in the order drawn.
        svg: The drawing: an ``svg`` element with a title and a description that says every figure.
    """

    measure: str
    outcome: str
    rows: tuple[str, ...]
    svg: str


def plots(flags: Iterable[Flag], prefix: str = "plot") -> list[Plot]:
    """The figures of flags that can be laid side by side.

    Args:
        flags: From a report.
        prefix: What the ids inside the drawings begin with: unique in the page that holds them.

    Returns:
        One plot for each measure that is a ratio, for what raises cramps and for what relieves them; the largest first.
        A row that several flags inherit is drawn once.

    Examples:
        >>> from cramprisk import check
        >>> [(plot.measure, plot.rows) for plot in plots(check(["Zocor 20", "lipitor"]).flags)][0]
        ('adjusted sequence ratio', ('statins-garrison-2012',))
    """
    groups: dict[tuple[str, bool], dict[str, tuple[Association, list[Flag]]]] = {}
    for flag in flags:
        for row in (*flag.evidence, *flag.against):
            if _drawable(row):
                rows = groups.setdefault((row.measure, row.direction is Direction.RELIEVES), {})
                _, heirs = rows.setdefault(row.id, (row, []))
                if flag not in heirs:
                    heirs.append(flag)
    made = []
    ordered = sorted(groups.items(), key=lambda item: (item[0][1], -len(item[1]), item[0][0]))
    for number, ((measure, _), found) in enumerate(ordered, start=1):
        drawn = sorted(found.values(), key=lambda pair: (-(pair[0].value or 0.0), pair[0].id))
        outcomes = {row.outcome for row, _ in drawn}
        outcome = outcomes.pop() if len(outcomes) == 1 else ""
        labels = [_label(row, heirs, shown_outcome=outcome) for row, heirs in drawn]
        # Two figures of one subject differ in whom they were measured.
        labels = [
            f"{label}; {row.population}" if row.population and labels.count(label) > 1 else label
            for label, (row, _) in zip(labels, drawn, strict=True)
        ]
        rows_drawn = [row for row, _ in drawn]
        svg = _draw(measure, outcome, rows_drawn, labels, f"{prefix}-{number}")
        made.append(Plot(measure, outcome, tuple(row.id for row in rows_drawn), svg))
    return made


def _drawable(row: Association) -> bool:
    """Whether a row is a ratio with an interval: what a log axis with a line at 1 can show."""
    return (
        "ratio" in row.measure.split()
        and row.value is not None
        and row.ci_low is not None
        and row.ci_high is not None
        and 0 < row.ci_low <= row.value <= row.ci_high
    )


def _label(row: Association, heirs: Sequence[Flag], *, shown_outcome: str) -> str:
    """Whose figure it is; for a figure of a class, for which subjects of the list it stands."""
    own = next((flag.subject.name for flag in heirs if flag.subject.id == row.subject), None)
    if own is not None:
        text = own
    else:
        names = list(dict.fromkeys(flag.subject.name for flag in heirs))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        text = f"{row.subject.replace('-', ' ')}, as a class: {', '.join(names[:3])}{more}"
    if not shown_outcome:
        text += f" ({row.outcome})"
    return text


def _interval(row: Association) -> str:
    return f"{row.value:g} ({row.ci_low:g}-{row.ci_high:g})"


def _span(rows: Sequence[Association]) -> tuple[float, float]:
    """The ends of the axis: round numbers around every interval and around 1."""
    low = min(1.0, *(row.ci_low or 1.0 for row in rows))
    high = max(1.0, *(row.ci_high or 1.0 for row in rows))
    start = max((tick for tick in _TICKS if tick <= low), default=low)
    end = min((tick for tick in _TICKS if tick >= high), default=high)
    return (start, end if end > start else start * 2)


def _draw(measure: str, outcome: str, rows: Sequence[Association], labels: Sequence[str], prefix: str) -> str:
    figures = [_interval(row) for row in rows]
    right = _WIDTH - 6 - _LETTER * max(len(figure) for figure in figures)
    start, end = _span(rows)

    def x(value: float) -> float:
        return round(_LEFT + (right - 8 - _LEFT) * (log10(value) - log10(start)) / (log10(end) - log10(start)), 1)

    one = x(1.0)
    parts: list[str] = []
    y = 4.0
    for row, label, figure in zip(rows, labels, figures, strict=True):
        lines = textwrap.wrap(label, int((_WIDTH - 2 * _LEFT) / _LETTER)) or [""]
        parts.append(f'<g data-row="{escape(row.id)}">')
        for line in lines:
            y += _LINE
            parts.append(f'<text x="{_LEFT}" y="{y:g}">{escape(line)}</text>')
        y += _LINE
        middle = y - 4
        low, value, high = x(row.ci_low or 1), x(row.value or 1), x(row.ci_high or 1)
        parts.append(
            f'<path d="M{one:g} {middle - 8:g}v16" fill="none" stroke="currentColor" stroke-width="1" stroke-dasharray="2 2"/>'
            f'<path d="M{low:g} {middle:g}H{high:g}M{low:g} {middle - 4:g}v8M{high:g} {middle - 4:g}v8" '
            'fill="none" stroke="currentColor" stroke-width="1.6"/>'
            f'<rect x="{value - 3.5:g}" y="{middle - 3.5:g}" width="7" height="7" fill="currentColor"/>'
            f'<text x="{right:g}" y="{y:g}">{escape(figure)}</text></g>'
        )
        y += 8
    axis = y + 4
    frame = [
        '<g class="axis" fill="currentColor">',
        f'<path d="M{_LEFT} {axis:g}H{x(end):g}" fill="none" stroke="currentColor"/>',
    ]
    ticks = [1.0, *(tick for tick in _TICKS if start <= tick <= end and tick != 1.0)]
    placed: list[float] = []
    for tick in ticks:
        at = x(tick)
        # The line at 1 is named first; other ticks only where their numbers do not run into those that stand.
        if any(abs(at - other) < 24 for other in placed):
            continue
        placed.append(at)
        frame.append(
            f'<path d="M{at:g} {axis:g}v4" fill="none" stroke="currentColor"/>'
            f'<text x="{at:g}" y="{axis + 15:g}" text-anchor="middle">{tick:g}</text>'
        )
    frame.append(f'<text x="{_LEFT}" y="{axis + 30:g}">log axis; 1 = no difference</text></g>')
    height = axis + 36
    title = f"{measure}: value and interval" + (f", of {outcome}" if outcome else "")
    described = "; ".join(f"{label}: {figure}" for label, figure in zip(labels, figures, strict=True))
    ids = " ".join(row.id for row in rows)
    return (
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" height="{height:g}" role="img" '
        f'aria-labelledby="{escape(prefix)}-title {escape(prefix)}-desc" font-family="sans-serif" font-size="{_SIZE}" '
        'fill="currentColor" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{escape(prefix)}-title">{escape(title)}</title>'
        f'<desc id="{escape(prefix)}-desc" data-row="{escape(ids)}">{escape(described)}</desc>'
        f"{''.join(frame)}{''.join(parts)}</svg>"
    )
