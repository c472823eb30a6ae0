import numpy as np
import pandas as pd
import pytest

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, USERS
from core.charts.intervals import draw_forest, draw_interval_bars, draw_overlap_curve


@pytest.fixture
def lifts() -> pd.DataFrame:
    return pd.DataFrame(
        {
            SEGMENT: ["0", "1–4", "20+"],
            MEAN: [0.03, 0.01, -0.002],
            LOW: [0.02, -0.01, -0.004],
            HIGH: [0.05, 0.03, -0.001],
            USERS: [1200, 80, 7],
        }
    )


def test_a_forest_puts_each_lift_and_its_interval_where_they_belong(lifts):
    dots = draw_forest(lifts, x="lift in nDCG@10").data[0]
    np.testing.assert_allclose(dots.x, [0.03, 0.01, -0.002])
    np.testing.assert_allclose(dots.error_x.array, [0.02, 0.02, 0.001])
    np.testing.assert_allclose(dots.error_x.arrayminus, [0.01, 0.02, 0.002])


def test_only_lifts_whose_interval_excludes_zero_are_filled(lifts):
    symbols = draw_forest(lifts, x="lift").data[0].marker.symbol
    assert list(symbols) == ["circle", "circle-open", "circle"]


def test_rows_stand_in_their_order_from_the_top_with_their_users(lifts):
    axis = draw_forest(lifts, x="lift").layout.yaxis
    assert list(axis.ticktext) == ["0 · 1,200 users", "1–4 · 80 users", "20+ · 7 users"]
    assert axis.range[0] > axis.range[1]  # the first row on top


def test_a_forest_has_a_zero_line_and_a_noise_band(lifts):
    shapes = draw_forest(lifts, x="lift", noise=0.004).layout.shapes
    assert [(shape.x0, shape.x1) for shape in shapes] == [(0, 0), (-0.004, 0.004)]


def test_two_comparisons_stand_apart_in_one_row(lifts):
    both = pd.concat([lifts.assign(**{RUN: "twin"}), lifts.assign(**{RUN: "popularity"})])
    first, second = draw_forest(both, x="lift", colours={"twin": "#000000"}).data
    assert first.marker.color == "#000000" != second.marker.color
    assert all(a < b for a, b in zip(first.y, second.y, strict=True))


def test_missing_lifts_keep_their_row(lifts):
    lifts.loc[1, [MEAN, LOW, HIGH]] = np.nan
    figure = draw_forest(lifts, x="lift")
    assert len(figure.layout.yaxis.ticktext) == 3
    assert figure.data[0].marker.symbol[1] == "circle-open"


def test_run_names_are_not_read_as_markup(lifts):
    figure = draw_interval_bars(lifts.assign(**{RUN: "<b>mine</b>"}), y="nDCG@10")
    assert figure.data[0].name == "&lt;b&gt;mine&lt;/b&gt;"


def test_bars_start_at_zero_and_carry_their_intervals(lifts):
    figure = draw_interval_bars(lifts.assign(**{RUN: "joint EASE"}), y="nDCG@10")
    assert figure.layout.yaxis.rangemode == "tozero"
    np.testing.assert_allclose(figure.data[0].error_y.array, [0.02, 0.02, 0.001])
    assert list(figure.data[0].x) == ["0", "1–4", "20+"]


def test_what_was_judged_elsewhere_decides_which_dots_are_filled(lifts):
    judged = lifts.assign(sure=[True, False, False])
    symbols = draw_forest(judged, x="lift").data[0].marker.symbol
    assert list(symbols) == ["circle", "circle-open", "circle-open"]


def test_every_row_has_the_band_of_its_own_noise(lifts):
    banded = lifts.assign(noise=[0.01, np.nan, 0.002])
    bands = [shape for shape in draw_forest(banded, x="lift").layout.shapes if shape.type == "rect"]
    assert [(band.x0, band.x1) for band in bands] == [(-0.01, 0.01), (-0.002, 0.002)]
    assert [band.y0 for band in bands] == [-0.45, 1.55]


def test_a_row_without_a_figure_says_that_it_is_too_few_users(lifts):
    lifts.loc[2, [MEAN, LOW, HIGH]] = np.nan
    assert draw_forest(lifts, x="lift").layout.yaxis.ticktext[2] == "20+ · 7 users, too few to say"


def test_the_overlap_curve_has_its_band_and_the_twins_level():
    rows = pd.DataFrame(
        {
            SEGMENT: ["all users"] * 3,
            "share": [0.0, 0.5, 1.0],
            MEAN: [0.21, 0.22, 0.25],  # nobody linked is no twin: source rows of strangers teach
            "twin": [0.2] * 3,
            LOW: [0.1, 0.1, 0.1],
            HIGH: [0.3, 0.3, 0.3],
            USERS: [50] * 3,
            "band_low": [0.2, 0.21, 0.23],
            "band_high": [0.2, 0.23, 0.27],
        }
    )
    figure = draw_overlap_curve(rows, y="nDCG@10")
    band, line = figure.data
    assert list(band.y) == [0.2, 0.23, 0.27, 0.23, 0.21, 0.2]
    assert list(line.x) == [0, 50, 100]
    assert [shape.y0 for shape in figure.layout.shapes] == [0.2]
