"""Lifts by segment: what is sure, what is too few, and what chance does."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, USERS
from core.evaluation.lift import (
    EFFECT,
    HOLM,
    NOISE,
    P_VALUE,
    SURE,
    all_the_same,
    lift_rows,
    seed_rows,
)
from core.evaluation.segments import ALL_USERS, TARGET_HISTORY
from core.runs.studies.noise import floor_sentence, noise_floor
from tests.core.evaluation.evaluation_worlds import frame, segments

BINS = ["0"] * 60 + ["1–4"] * 60 + ["5–9"] * 60 + ["10–19"] * 60 + ["20+"] * 9
METRIC = "ndcg@10"


def rows_of(lifts, again=(), **more):
    """Lifts of four segments of 60 users and one of 9, give or take .1 a user."""
    base = np.random.default_rng(0).random(249) * 0.5
    run = base + np.repeat([*lifts, 9.0], [60] * 4 + [9])
    run += np.random.default_rng(1).normal(0, 0.1, 249)
    rows = lift_rows(
        frame(run),
        frame(base),
        segments(BINS),
        TARGET_HISTORY,
        METRIC,
        [frame(base + change) for change in again],
        **more,
    )
    return rows.set_index(SEGMENT)


def test_a_segment_of_nine_users_is_counted_and_has_no_figure():
    few = rows_of([0, 0, 0, 0]).loc["20+"]
    assert few[USERS] == 9
    assert few[[MEAN, LOW, HIGH, EFFECT, P_VALUE, HOLM]].isna().all()
    assert not few[SURE]


def test_only_a_clear_lift_is_sure_and_its_size_stands_beside_it():
    rows = rows_of([0.1, 0, 0, 0])
    assert list(rows.index[rows[SURE]]) in (["0"], [ALL_USERS, "0"])
    assert rows.loc["0", EFFECT] == pytest.approx(1.0, abs=0.3)
    assert rows.loc["0", HOLM] < 0.01


def test_what_passes_alone_may_fail_among_all_that_is_shown():
    """An interval above zero is no filled dot where five segments were looked at."""
    generator = np.random.default_rng(5)
    for _ in range(200):
        base = generator.random(249)
        run = base + generator.normal(0, 0.1, 249)
        asked = frame(run), frame(base), segments(BINS), TARGET_HISTORY, METRIC
        rows = lift_rows(*asked)
        alone = rows[(rows[P_VALUE] < 0.04) & ((rows[LOW] > 0) | (rows[HIGH] < 0))]
        if len(alone) == 1:
            break
    (name,) = alone[SEGMENT]
    assert not alone[SURE].any()
    assert lift_rows(*asked, only=[name])[SURE].all()


def test_a_lift_within_the_noise_of_another_training_is_not_sure():
    quiet = rows_of([0.1, 0, 0, 0], again=[np.random.default_rng(2).normal(0, 0.01, 249)])
    assert quiet.loc["0", SURE]
    loud = rows_of([0.1, 0, 0, 0], again=[np.full(249, 0.2)])
    assert loud.loc["0", NOISE] == pytest.approx(0.2)
    assert not loud.loc["0", SURE]


def test_a_difference_that_reads_as_zero_is_not_sure():
    base = np.full(60, 0.5)
    run = frame(base + np.linspace(1e-6, 2e-5, 60))
    rows = lift_rows(run, frame(base), segments(["0"] * 60), TARGET_HISTORY, METRIC)
    assert (rows[LOW] > 0).all()
    assert not rows[SURE].any()


def test_equal_models_harm_a_fifth_and_nothing_above_the_floor():
    generator = np.random.default_rng(7)

    def trained():
        moved = generator.random(4000) < 0.4
        return frame(0.5 + np.where(moved, generator.normal(0, 0.1, 4000), 0))

    twin = frame(np.full(4000, 0.5))
    found = noise_floor(trained(), twin, [(trained(), twin), (trained(), twin)], METRIC)
    assert found.harmed.share.mean == pytest.approx(0.2, abs=0.03)
    assert found.harmed.excess.low < 0 < found.harmed.excess.high
    assert found.harmed.size == pytest.approx(found.harmed.size_by_chance, rel=0.1)


def test_real_harm_stands_above_the_floor_with_its_size():
    generator = np.random.default_rng(4)
    base = np.full(1000, 0.5)
    again = base + np.where(generator.random(1000) < 0.4, generator.normal(0, 0.1, 1000), 0)
    run = again - np.where(np.arange(1000) < 300, 0.3, 0)
    found = noise_floor(frame(run), frame(base), [(frame(again), frame(base))], METRIC)
    assert floor_sentence(found).endswith("of users are harmed beyond what chance does.")
    assert found.harmed.excess.low > 0.1
    assert found.harmed.size > 2 * found.harmed.size_by_chance
    assert found.helped.excess.high < 0


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_a_larger_error_is_harm_not_help(metric):
    twin = frame(np.full(100, 1.0), metric=metric)
    run = frame(np.where(np.arange(100) < 30, 1.5, 1.0), metric=metric)
    found = noise_floor(run, twin, [(twin, twin)], metric)
    assert found.harmed.share.mean == pytest.approx(0.3)
    assert found.harmed.size == pytest.approx(0.5)
    assert found.helped.share.mean == 0


def test_harm_that_may_be_chance_is_not_said_to_be_none():
    """With 3 points more harmed (95 % −1 to +7) the page said that no more were than by chance."""
    twin = np.full(200, 0.5)
    run = twin - np.where(np.arange(200) < 30, 0.1, 0)
    again = twin - np.where(np.arange(200) >= 176, 0.1, 0)
    found = noise_floor(frame(run), frame(twin), [(frame(again), frame(twin))], METRIC)
    assert found.harmed.excess.mean > 0 > found.harmed.excess.low
    assert floor_sentence(found) == "That more users are harmed than by chance cannot be shown."


def test_seeds_are_a_second_layer_with_an_interval_of_their_own():
    pairs = [(frame(np.full(60, 0.5 + lift)), frame(np.full(60, 0.5))) for lift in (0.01, 0.02)]
    rows = seed_rows(pairs, segments(["0"] * 55 + ["20+"] * 5), TARGET_HISTORY, METRIC)
    rows = rows.set_index(SEGMENT)
    assert rows.loc["0", MEAN] == pytest.approx(0.015)
    assert rows.loc["0", LOW] == pytest.approx(0.015 - 12.7062 * 0.005, abs=1e-5)
    assert np.isnan(rows.loc["20+", MEAN])
    assert not all_the_same(pairs, METRIC)
    assert all_the_same([pairs[0], pairs[0]], METRIC)


def test_segments_of_an_attribute_are_its_categories():
    table = pd.DataFrame({"attribute:city": pd.Categorical(["Rome", None, "Bonn"] * 20)})
    rows = lift_rows(
        frame(np.ones(60)), frame(np.zeros(60)), table, "attribute:city", METRIC
    ).set_index(SEGMENT)
    assert list(rows.index) == [ALL_USERS, "Bonn", "Rome"]
    assert list(rows[USERS]) == [60, 20, 20]


def test_where_every_twin_gives_the_same_lists_chance_is_not_told():
    """Cold users get popularity from every twin, so that none of them moves by chance."""
    twin, run = frame(np.full(60, 0.3)), frame(np.linspace(0, 1, 60))
    found = noise_floor(run, twin, [(twin, twin)], METRIC)
    assert floor_sentence(found).endswith("what chance does cannot be told.")
