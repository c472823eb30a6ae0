import pandas as pd

from core.charts.theme import FUSED_COLOUR, TWIN_COLOUR
from core.charts.training import EPOCH, LOSS, TWIN, VALID, best_epoch, draw_learning_curve


def points(valid, twin=False, loss=None) -> pd.DataFrame:
    epochs = range(1, len(valid) + 1)
    return pd.DataFrame(
        {EPOCH: epochs, LOSS: loss or [1.0 / e for e in epochs], VALID: valid, TWIN: twin}
    )


def test_the_best_epoch_is_the_first_with_the_highest_validation_quality():
    assert best_epoch(points([0.1, 0.3, 0.3, 0.2])) == (2, 0.3)


def test_the_twins_epochs_are_never_the_best():
    both = pd.concat([points([0.1, 0.2]), points([0.9], twin=True)], ignore_index=True)
    assert best_epoch(both) == (2, 0.2)


def test_there_is_no_best_epoch_before_any_validation():
    assert best_epoch(points([None, None])) is None
    assert best_epoch(points([])) is None


def test_the_model_is_green_its_twin_grey_and_the_best_epoch_is_marked():
    both = pd.concat([points([0.1, 0.2, 0.15]), points([0.1] * 3, twin=True)], ignore_index=True)
    figure = draw_learning_curve(both)
    lines = [trace.line.color for trace in figure.data if trace.mode == "lines"]
    assert lines == [TWIN_COLOUR, FUSED_COLOUR] * 2
    mark = next(trace for trace in figure.data if trace.name == "best epoch")
    assert (list(mark.x), list(mark.y)) == ([2], [0.2])
    assert "best: epoch 2" in [note.text for note in figure.layout.annotations]


def test_a_curve_without_validation_still_shows_the_loss():
    figure = draw_learning_curve(points([None, None, None]))
    assert [trace.yaxis for trace in figure.data] == ["y2"]


def test_the_axes_say_what_they_measure():
    layout = draw_learning_curve(points([0.1, 0.2])).layout
    assert layout.yaxis.title.text == "validation nDCG@10"
    assert layout.yaxis2.title.text == "training loss"
    assert layout.xaxis.title.text == "epoch"


def test_no_points_make_an_empty_figure_and_no_error():
    assert not draw_learning_curve(points([])).data


def test_the_best_epoch_of_an_error_is_the_lowest():
    curve = points([0.9, 0.8, 0.85])
    assert best_epoch(curve, lower_is_better=True) == (2, 0.8)
    figure = draw_learning_curve(curve, "validation RMSE", lower_is_better=True)
    assert figure.layout.yaxis.title.text == "validation RMSE"
    assert [note.text for note in figure.layout.annotations] == ["best: epoch 2"]
