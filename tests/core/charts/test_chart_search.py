import numpy as np
import pandas as pd
import pytest

from core.charts.search import QUALITY, draw_importance, draw_parallel
from core.charts.theme import FUSED_COLOUR, TWIN_COLOUR

TRIALS = pd.DataFrame(
    {"learning_rate": [0.001, 0.01, 0.1], "loss": ["BPR", "softmax", "BPR"], "layers": [1, 2, 3],
     QUALITY: [0.1, 0.3, 0.2]}
)  # fmt: skip


@pytest.fixture
def axes():
    figure = draw_parallel(TRIALS, quality="nDCG@10", logarithmic=["learning_rate"])
    return {axis.label: axis for axis in figure.data[0].dimensions}


def test_every_setting_has_an_axis_and_the_last_is_quality(axes):
    assert list(axes) == ["learning rate", "loss", "layers", "nDCG@10"]
    assert list(axes["nDCG@10"]["values"]) == [0.1, 0.3, 0.2]


def test_an_axis_that_grows_by_factors_is_logarithmic_and_says_the_values(axes):
    np.testing.assert_allclose(axes["learning rate"]["values"], [-3, -2, -1])
    assert list(axes["learning rate"].ticktext) == ["0.001", "0.01", "0.1"]
    assert list(axes["layers"]["values"]) == [1, 2, 3]


def test_words_stand_at_places_of_their_own(axes):
    assert list(axes["loss"]["values"]) == [0, 1, 0]
    assert list(axes["loss"].ticktext) == ["BPR", "softmax"]


def test_many_drawn_values_get_a_scale_instead_of_a_mark_each():
    drawn = pd.DataFrame({"rate": np.geomspace(0.001, 1, 40), QUALITY: np.arange(40.0)})
    (rate, _) = draw_parallel(drawn, quality="q", logarithmic=["rate"]).data[0].dimensions
    assert len(rate.tickvals) == 5
    assert (rate.ticktext[0], rate.ticktext[-1]) == ("0.001", "1")


def test_marks_that_would_cover_each_other_are_replaced_by_a_scale():
    drawn = pd.DataFrame({"factors": [16, 17, 55, 57, 64], QUALITY: np.arange(5.0)})
    (factors, _) = draw_parallel(drawn, quality="q").data[0].dimensions
    assert list(factors.ticktext) == ["16", "28", "40", "52", "64"]


def test_colour_is_quality():
    line = draw_parallel(TRIALS, quality="nDCG@10").data[0].line
    assert list(line.color) == [0.1, 0.3, 0.2]


def test_the_most_telling_setting_stands_on_top_in_the_colours_of_model_and_twin():
    shares = pd.DataFrame({"model": {"a_b": 0.2, "c": 0.8}, "twin": {"a_b": 1.0}})
    model, twin = draw_importance(shares, ["model", "twin"], quality="nDCG@10").data
    assert list(model.y) == ["a b", "c"]  # drawn from the bottom up
    assert (model.marker.color, twin.marker.color) == (FUSED_COLOUR, TWIN_COLOUR)
    assert list(model.x) == [0.2, 0.8]
