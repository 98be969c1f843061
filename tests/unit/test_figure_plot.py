"""Plots: one measure each, only ratios with an interval, and the line at 1."""

import re
from dataclasses import replace

from cramprisk import check
from cramprisk.figure_plot import plots
from cramprisk.model import Direction

LIST = (["HCTZ", "lipitor", "zocor", "Serevent", "magnesium", "Premarin"], ["PAD", "flat feet", "female"])


def test_measures_are_never_mixed():
    report = check(*LIST)
    rows = {row.id: row for flag in report.flags for row in (*flag.evidence, *flag.against)}
    drawn = plots(report.flags)

    assert {plot.measure for plot in drawn} >= {"adjusted sequence ratio", "odds ratio"}
    for plot in drawn:
        assert {rows[row].measure for row in plot.rows} == {plot.measure}
        assert len({rows[row].direction is Direction.RELIEVES for row in plot.rows}) == 1


def test_each_measure_has_one_plot():
    measures = [plot.measure for plot in plots(check(*LIST).flags)]

    assert len(measures) == len(set(measures))


def test_only_ratios_with_an_interval_are_drawn():
    report = check(*LIST)
    rows = {row.id: row for flag in report.flags for row in (*flag.evidence, *flag.against)}
    drawn = {row for plot in plots(report.flags) for row in plot.rows}

    assert drawn == {
        row.id for row in rows.values() if row.ci_low is not None and row.ci_low > 0 and "ratio" in row.measure.split()
    }
    assert any(row.ci_low is not None and row.id not in drawn for row in rows.values())


def test_a_figure_of_a_class_is_drawn_once_and_names_whom_it_stands_for():
    (plot,) = (plot for plot in plots(check(["lipitor", "zocor"]).flags) if plot.measure == "adjusted sequence ratio")

    assert plot.rows == ("statins-garrison-2012",)
    assert "statins, as a class: atorvastatin, simvastatin" in plot.svg


def test_two_figures_of_one_subject_say_in_whom():
    (plot,) = (plot for plot in plots(check(["Serevent"]).flags) if plot.measure == "adjusted sequence ratio")

    assert len(plot.rows) == 2
    assert "used without inhaled corticosteroid" in plot.svg.partition("</desc>")[0]


def test_the_axis_is_logarithmic():
    """From 1 to 2 is as far as from 2 to 4: the interval 1 to 4 has its value 2 in the middle."""
    flag = check(["lipitor"]).flags[0]
    row = replace(flag.best(), value=2.0, ci_low=1.0, ci_high=4.0)
    (plot,) = plots([replace(flag, evidence=(row,), against=())])
    low, high = map(float, re.search(r'd="M([\d.]+) [\d.]+H([\d.]+)M', plot.svg).groups())
    box = float(re.search(r'<rect x="([\d.]+)"', plot.svg).group(1)) + 3.5

    assert abs(box - (low + high) / 2) < 0.2


def test_a_wide_interval_stays_inside_the_drawing():
    flag = check(["lipitor"]).flags[0]
    row = replace(flag.best(), value=3.0, ci_low=0.0001, ci_high=123456.0)
    (plot,) = plots([replace(flag, evidence=(row,), against=())])

    for x in re.findall(r'[ "MH](-?[\d.]+) ', plot.svg.partition("</desc>")[2]):
        assert -1 <= float(x) <= 2000
    low, high = map(float, re.search(r'd="M([\d.]+) [\d.]+H([\d.]+)M', plot.svg).groups())
    assert 0 < low < high < 360


def test_what_cannot_be_a_ratio_is_left_out():
    flag = check(["lipitor"]).flags[0]
    for change in ({"ci_low": 0.0}, {"ci_low": -1.0}, {"value": None}, {"ci_high": None}, {"measure": "mean difference"}):
        assert not plots([replace(flag, evidence=(replace(flag.best(), **change),), against=())])


def test_nothing_to_draw_is_no_plot():
    assert plots(check(["warfarin"]).flags) == []
