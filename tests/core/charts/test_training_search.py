import numpy as np
import pandas as pd
import pytest
from plotly.colors import sample_colorscale

from core.charts.theme import FUSED_COLOUR, SEQUENTIAL_COLOURS, TWIN_COLOUR
from core.charts.training import TRIAL_QUALITY, draw_importance, draw_parallel

TRIALS = pd.DataFrame(
    {
        "learning_rate": [0.001, 0.01, 0.1],
        "loss": ["BPR", "softmax", "BPR"],
        "layers": [1, 2, 3],
        TRIAL_QUALITY: [0.1, 0.3, 0.2],
    }
)


def marks(figure, place: int) -> dict[str, float]:
    """Height of every mark of one axis."""
    return {note.text: note.y for note in figure.layout.annotations if note.x == place}


@pytest.fixture
def figure():
    return draw_parallel(TRIALS, quality="nDCG@10", logarithmic=["learning_rate"])


def test_every_setting_has_an_axis_and_the_last_is_quality(figure):
    assert list(figure.layout.xaxis.ticktext) == ["learning rate", "loss", "layers", "nDCG@10"]
    assert marks(figure, 3) == pytest.approx({"0.1000": 0, "0.2000": 0.5, "0.3000": 1})


def test_a_line_says_its_trial_and_crosses_every_axis_at_its_value(figure):
    best = figure.data[-1]
    assert "learning rate 0.01<br>loss softmax<br>layers 2<br>nDCG@10 0.3000" in best.hovertemplate
    np.testing.assert_allclose(best.y, [0.5, 1, 0.5, 1])


def test_an_axis_that_grows_by_factors_is_logarithmic_and_says_the_values(figure):
    assert marks(figure, 0) == pytest.approx({"0.001": 0, "0.01": 0.5, "0.1": 1})
    assert marks(figure, 2) == pytest.approx({"1": 0, "2": 0.5, "3": 1})


def test_words_stand_at_places_of_their_own(figure):
    assert marks(figure, 1) == {"BPR": 0, "softmax": 1}


def test_many_drawn_values_get_a_scale_instead_of_a_mark_each():
    drawn = pd.DataFrame({"rate": np.geomspace(0.001, 1, 40), TRIAL_QUALITY: np.arange(40.0)})
    found = marks(draw_parallel(drawn, quality="q", logarithmic=["rate"]), 0)
    assert found["0.001"] == 0
    assert found["1"] == 1
    assert len(found) == 5


def test_marks_that_would_cover_each_other_are_replaced_by_a_scale():
    drawn = pd.DataFrame({"factors": [16, 17, 55, 57, 64], TRIAL_QUALITY: np.arange(5.0)})
    assert list(marks(draw_parallel(drawn, quality="q"), 0)) == ["16", "28", "40", "52", "64"]


@pytest.mark.parametrize(("lower", "best"), [(False, 0.3), (True, 0.1)])
def test_the_best_trial_is_red_and_on_top(lower, best):
    top = draw_parallel(TRIALS, quality="q", lower_is_better=lower).data[-1]
    assert f"q {best:.4f}" in top.hovertemplate
    assert top.line.color == sample_colorscale(list(SEQUENTIAL_COLOURS), [1.0])[0]


def test_a_value_that_never_changes_stands_in_the_middle():
    same = TRIALS.assign(layers=2)
    assert marks(draw_parallel(same, quality="q"), 2) == {"2": 0.5}


def test_the_most_telling_setting_stands_on_top_in_the_colours_of_model_and_twin():
    shares = pd.DataFrame({"model": {"a_b": 0.2, "c": 0.8}, "twin": {"a_b": 1.0}})
    model, twin = draw_importance(shares, ["model", "twin"], quality="nDCG@10").data
    assert list(model.y) == ["a b", "c"]  # drawn from the bottom up
    assert (model.marker.color, twin.marker.color) == (FUSED_COLOUR, TWIN_COLOUR)
    assert list(model.x) == [0.2, 0.8]
