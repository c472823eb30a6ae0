"""Unfair predictions are told from what groups drawn by lot show."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, OWN, RATING, USER
from core.evaluation.groups import BY_LOT, CHANCE, unfairness_rows
from core.evaluation.ratings import ALWAYS, Bounds, log_loss_rows

BOUNDS = Bounds(1, 5)
GROUPS = pd.Series(pd.Categorical(["a"] * 30 + ["b"] * 28 + [None] * 2, ["a", "b"], ordered=True))


def predictions(shift_of_a: float) -> pd.DataFrame:
    """Sixty users rate a dozen of twenty items; predictions for the first thirty are shifted."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(60), 12)
    items = np.concatenate([rng.permutation(20)[:12] for _ in range(60)])
    given = rng.integers(2, 5, len(users)).astype(float)
    guesses = given + rng.normal(0, 0.4, len(users)) + np.where(users < 30, shift_of_a, 0)
    return pd.DataFrame({USER: users, ITEM: items, RATING: given, OWN: guesses})


def test_a_planted_shift_is_beyond_groups_by_lot_and_no_shift_is_not():
    frames = {"fair": predictions(0), "unfair": predictions(0.5)}
    rows = unfairness_rows(frames, BOUNDS, GROUPS, "a", tries=60).set_index(["run", "metric"])
    value = rows.xs("value_unfairness", level="metric")
    assert value.loc["unfair", "mean"] == pytest.approx(0.5, abs=0.1)
    assert value.loc["unfair", BY_LOT] < 0.3
    assert value[CHANCE]["unfair"] < 0.05 < value[CHANCE]["fair"]


def test_groups_of_few_users_have_no_figure():
    few = GROUPS.where(np.arange(60) != np.arange(60), "b").copy()
    few.iloc[:3] = "a"
    assert unfairness_rows({"run": predictions(0)}, BOUNDS, few, "a", tries=5).empty


def test_chances_learned_on_validation_beat_a_constant_one_where_predictions_are_good():
    frame = predictions(0)
    valid, test = frame[frame[ITEM] < 10], frame[frame[ITEM] >= 10]
    noise = test.assign(**{OWN: np.random.default_rng(1).normal(3, 1, len(test))})
    rows = log_loss_rows({"good": (valid, test), "noise": (valid, noise)}, BOUNDS, 3.5)
    losses = rows.set_index("run")["mean"]
    assert losses["good"] < losses[ALWAYS] < losses["noise"]
    assert rows.set_index("run")["gap_high"]["good"] < 0
    assert not rows.set_index("run").loc[ALWAYS, ["gap_low", "gap_high"]].any()
    assert log_loss_rows({"good": (valid, test)}, BOUNDS, 1).empty  # everything is liked
