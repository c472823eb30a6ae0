import numpy as np
import pandas as pd
import pytest

from core.basics.columns import OWN, RATING, USER
from core.evaluation.lists import judge
from core.evaluation.ratings import Bounds, furthest, rating_figures
from core.evaluation.yes_no import (
    answers_of_lists,
    answers_of_ratings,
    by_length,
    differences,
    figures,
    report,
    usual_threshold,
)
from tests.core.evaluation.list_worlds import small_lists, small_world


def judged():
    return judge(small_lists(), small_world())


def test_every_unmasked_pair_is_counted_once():
    answers = answers_of_lists(judged(), 3)
    assert answers.total.tolist() == [3, 8, 2, 18 - 13]
    assert answers.counts.sum(axis=1).tolist() == [4, 4, 4, 6]


def test_the_report_has_both_classes_and_their_averages():
    table = report(answers_of_lists(judged(), 3))
    assert list(table.index) == ["yes", "no", "macro", "weighted"]
    assert table.loc["yes"].tolist() == pytest.approx([3 / 11, 3 / 5, 6 / 16, 5])
    assert table.loc["macro", "recall"] == pytest.approx((3 / 5 + 5 / 13) / 2)


def test_the_curve_over_the_length_is_the_report_at_every_k():
    curve = by_length(judged()).set_index("k")
    for k in (1, 2, 3):
        answers = answers_of_lists(judged(), k)
        assert curve.loc[k, "precision"] == report(answers).loc["yes", "precision"]
        assert curve.loc[k, "mcc"] == pytest.approx(figures(answers)["mcc"].mean)


def test_equal_answers_differ_by_nothing():
    answers = answers_of_lists(judged(), 2)
    gap = differences(answers, answers)["yes_f1"]
    assert (gap.mean, gap.low, gap.high) == (0, 0, 0)


def predictions():
    rng = np.random.default_rng(0)
    given = rng.integers(1, 6, 60).astype(float)
    guesses = given + rng.normal(0, 1, 60)
    return pd.DataFrame({USER: np.repeat(np.arange(6), 10), RATING: given, OWN: guesses})


def test_a_rating_is_a_yes_from_its_threshold_on():
    frame = predictions()
    answers = answers_of_ratings(frame, Bounds(1, 5), liked_from=4, said_from=3.5)
    said, truth = frame[OWN] >= 3.5, frame[RATING] >= 4
    assert answers.total.tolist() == [
        (said & truth).sum(),
        (said & ~truth).sum(),
        (~said & truth).sum(),
        (~said & ~truth).sum(),
    ]


def test_fits_and_curves_are_of_predictions_within_the_bounds():
    frame = predictions()
    found = rating_figures({"run": frame}, Bounds(1, 5))
    mse = found.fits.set_index("metric")["mean"]["mse"]
    assert mse == pytest.approx(((frame[OWN].clip(1, 5) - frame[RATING]) ** 2).mean())
    assert found.curves["ratings"].sum() == 60
    assert found.curves["predicted"].is_monotonic_increasing
    said, given, apart = furthest(found.curves)
    assert apart == pytest.approx(given - said)
    gaps = (found.curves["mean"] - found.curves["predicted"]).abs()
    assert abs(apart) == pytest.approx(gaps.max())


def test_the_usual_threshold_is_a_half_step_above_the_middle():
    assert usual_threshold(Bounds(1, 5)) == 3.5
    assert usual_threshold(Bounds(0.5, 5)) == 3
