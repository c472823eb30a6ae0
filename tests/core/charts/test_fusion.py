import itertools

import numpy as np
import pandas as pd
import pytest

from core.charts.fusion import (
    SEGMENT_COLOURS,
    draw_best_ratios,
    draw_fusion_curve,
    draw_pareto,
    mark_weights,
    segment_colour,
)
from core.charts.theme import FUSED_COLOUR, SOURCE_COLOUR, TARGET_COLOUR
from tests.core.charts.test_theme import DARK_PAGE, LIGHT_PAGE, SIGHTS, contrast, lab, light

SHARES = np.linspace(0, 1, 5)


def frames(name="5–9"):
    near = [False, True, True, False, True]
    curve = pd.DataFrame(
        {"share": SHARES, "mean": SHARES * 0.1, "low": SHARES * 0.05, "high": SHARES * 0.2}
    ).assign(near=near)
    lines = pd.DataFrame({"segment": name, "place": 2, "share": SHARES, "mean": SHARES * 0.3})
    best = pd.DataFrame(
        {
            "segment": [name],
            "place": [2],
            "users": [1200],
            "chosen": [0.5],
            "low": [0.25],
            "high": [1.0],
            "mean": [0.2],
        }
    )
    return curve, lines, best


def drawn(name="5–9"):
    return draw_fusion_curve(*frames(name), metric="nDCG@10")


def test_the_first_trace_is_everybody_so_that_clicks_find_it():
    first = drawn().data[0]
    assert first.name == "all users"
    assert list(first.x) == SHARES.tolist()


def test_grey_bands_cover_each_stretch_that_is_as_good_as_the_best():
    spans = [(shape.x0, shape.x1) for shape in drawn().layout.shapes]
    assert spans == [(0.125, 0.625), (0.875, 1.125)]


def test_lines_stand_where_the_sliders_and_the_pin_are_and_the_drawn_chart_stays_as_it_was():
    chart = drawn()
    marked = mark_weights(chart, here=0.25, pinned=0.5)
    lines = [shape.x0 for shape in marked.layout.shapes if shape.type == "line"]
    assert lines == [0.5, 0.25]
    assert len(chart.layout.shapes) == 2
    assert len(mark_weights(chart, here=None).layout.annotations) == 1  # the segment's name stays


def test_each_segment_has_a_line_named_at_its_end_and_a_dot_at_the_ratio_to_use():
    """Two charts side by side gave one segment two dots: its highest mean, and the careful pick."""
    chart = drawn()
    line, dot = chart.data[-2:]
    assert line.name == "5–9"
    assert line.line.width >= 2.5
    (name,) = chart.layout.annotations
    assert name.text.endswith("5–9")
    assert (list(dot.x), list(dot.y)) == ([0.5], [0.2])
    assert list(dot.x) == list(draw_best_ratios(frames()[2]).data[0].x)


def test_names_of_lines_that_end_together_stand_apart():
    curve, lines, best = frames()
    near = pd.concat([lines, lines.assign(segment="20+", place=4, mean=lines["mean"] + 1e-6)])
    notes = draw_fusion_curve(curve, near, best, metric="nDCG@10").layout.annotations
    assert abs(notes[0].y - notes[1].y) > 0.01


def test_a_segment_keeps_its_colour_whoever_stands_beside_it():
    """1–4 was purple on one pair and 5–9 on the next, where 1–4 was too small to be drawn."""
    curve, lines, best = frames()
    both = pd.concat([lines.assign(segment="1–4", place=1), lines])
    for shown in (lines, both):
        line = draw_fusion_curve(curve, shown, best, metric="nDCG@10").data[-2]
        assert line.line.color == segment_colour(2)


@pytest.mark.parametrize("page", [LIGHT_PAGE, DARK_PAGE])
def test_lines_of_segments_show_on_light_and_dark_pages(page):
    assert min(contrast(colour, page) for colour in SEGMENT_COLOURS) >= 3


@pytest.mark.parametrize("sight", SIGHTS)
def test_lines_of_segments_stay_apart_for_colour_blind_people(sight):
    fixed = SOURCE_COLOUR, TARGET_COLOUR, FUSED_COLOUR
    seen = [lab(np.array(SIGHTS[sight]) @ light(one)) for one in (*SEGMENT_COLOURS, *fixed)]
    pairs = itertools.combinations(range(len(seen)), 2)
    mixed = [(a, b) for a, b in pairs if a < len(SEGMENT_COLOURS)]
    assert min(np.linalg.norm(seen[a] - seen[b]) for a, b in mixed) > 15


def test_the_interval_is_one_closed_area_that_no_click_finds():
    band = drawn().data[1]
    assert list(band.x) == [*SHARES, *SHARES[::-1]]
    assert list(band.y) == [*(SHARES * 0.2), *(SHARES[::-1] * 0.05)]
    assert band.hoverinfo == "skip"


def test_axes_say_what_they_hold():
    layout = drawn().layout
    assert "nDCG@10" in layout.yaxis.title.text
    assert list(layout.xaxis.ticktext)[2] == "1 : 1"


def test_a_segment_name_from_a_file_stays_text():
    assert "<b>" not in drawn("<b>x</b>").data[-2].name


def test_best_ratios_show_their_interval_and_users():
    chart = draw_best_ratios(frames()[2])
    middle, whisker = chart.layout.shapes
    assert (middle.x0, middle.x1) == (0.5, 0.5)
    assert (whisker.x0, whisker.x1) == (0.25, 1.0)
    assert list(chart.data[0].x) == [0.5]
    assert "1,200 users" in chart.layout.yaxis.ticktext[0]


def test_the_trade_off_names_its_landmarks_and_joins_the_front():
    table = pd.DataFrame({"share": [0.0, 0.5, 1.0], "x": [1.0, 2.0, 3.0], "y": [3.0, 1.0, 2.0]})
    front = np.array([True, False, True])
    line, dots = draw_pareto(table, "x", "y", front, x="across", y="up").data
    assert list(line.x) == [1, 3]
    assert list(dots.text) == ["target only", "1 : 1", "source only"]
    assert list(dots.textposition) == ["top right", "top right", "top left"]
