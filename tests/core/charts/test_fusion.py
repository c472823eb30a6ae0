import numpy as np
import pandas as pd

from core.charts.fusion import draw_best_ratios, draw_fusion_curve, draw_pareto, mark_weights

SHARES = np.linspace(0, 1, 5)


def frames(name="5–9"):
    near = [False, True, True, False, True]
    curve = pd.DataFrame(
        {"share": SHARES, "mean": SHARES * 0.1, "low": SHARES * 0.05, "high": SHARES * 0.2}
    ).assign(near=near)
    lines = pd.DataFrame({"segment": name, "share": SHARES, "mean": SHARES * 0.3})
    best = pd.DataFrame(
        {
            "segment": [name],
            "users": [1200],
            "chosen": [0.5],
            "top": [0.75],
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
    assert mark_weights(chart, here=None).layout.annotations == ()


def test_each_segment_has_a_line_and_a_dot_where_it_is_best():
    chart = drawn()
    line, dot = chart.data[-2:]
    assert line.name == "5–9"
    assert (list(dot.x), list(dot.y)) == ([0.75], [0.2])


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
