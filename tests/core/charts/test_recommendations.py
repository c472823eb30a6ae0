import numpy as np
import pandas as pd
import pytest

from core.basics.columns import HIGH, LOW, MEAN, RUN
from core.charts.fusion import draw_trade_off
from core.charts.recommendations import COLOURS, draw_recommendations, draw_waterfall
from core.charts.theme import FUSED_COLOUR, SOURCE_COLOUR, TARGET_COLOUR, TWIN_COLOUR


def listed(**changes):
    values = {
        "titles": ["First", "<b>Second</b>"],
        "source": np.array([0.3, 0.1]),
        "target": np.array([0.1, -0.05]),
        "hits": np.array([False, True]),
        "x": "score",
    } | changes
    return draw_recommendations(**values)


def test_rows_carry_rank_title_and_a_check_for_hits():
    (labels,) = [trace.text for trace in listed().data if getattr(trace, "mode", "") == "text"]
    assert labels[0] == "1  First"
    assert labels[1].endswith("✓</b>")
    assert "<b>Second" not in labels[1]


def test_the_source_is_orange_and_the_target_blue():
    bars = [trace for trace in listed().data if trace.type == "bar"]
    assert [bar.marker.color for bar in bars] == [SOURCE_COLOUR, TARGET_COLOUR]
    np.testing.assert_array_equal(bars[0].x, [0.3, 0.1])


def test_every_row_has_one_point_to_click_and_the_chosen_one_is_marked():
    figure = listed(chosen=1)
    assert all(len(trace.y) == 2 for trace in figure.data)
    (mark,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (mark.y0, mark.y1) == (0.5, 1.5)


def test_an_empty_list_and_a_list_of_zeros_can_be_drawn():
    nothing = np.array([])
    listed(titles=[], source=nothing, target=nothing, hits=nothing)
    zeros = np.zeros(2)
    assert listed(source=zeros, target=zeros).layout.xaxis.range[1] > 0


def test_a_waterfall_starts_where_the_step_before_ended_and_ends_at_the_sum():
    figure = draw_waterfall(
        ["a", "b", "rest"],
        np.array([0.5, -0.2, 0.1]),
        ["source", "target", "other"],
        total="score",
        x="score",
    )
    (bars,) = figure.data
    np.testing.assert_allclose(np.array(bars.base, dtype=float), [0.0, 0.5, 0.3, 0.0])
    np.testing.assert_allclose(np.array(bars.x, dtype=float), [0.5, -0.2, 0.1, 0.4])
    assert list(bars.marker.color) == [
        COLOURS["source"],
        COLOURS["target"],
        COLOURS["other"],
        FUSED_COLOUR,
    ]


def test_names_in_a_trade_off_do_not_act_and_references_are_grey():
    across = pd.DataFrame({RUN: ["<i>a", "b"], MEAN: [1.0, 2.0], LOW: [0.5, 1.5], HIGH: [1.5, 2.5]})
    figure = draw_trade_off(across, across, x="x", y="y", reference=("b",))
    (dots,) = figure.data
    assert "<i>" not in dots.text[0]
    assert list(dots.marker.color) == [FUSED_COLOUR, TWIN_COLOUR]
    assert dots.error_x.array[0] == pytest.approx(0.5)
    assert len(set(dots.textposition)) == 2
