"""Lifts by segment: what is sure, what is too few, and what chance does."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, USER, USERS
from core.evaluation.lift import (
    EFFECT,
    HOLM,
    LAYERS,
    NOISE,
    P_VALUE,
    REPEATED,
    SURE,
    all_the_same,
    allowed_for_choice,
    lift_rows,
    mean_frame,
)
from core.evaluation.segments import ALL_USERS, ENOUGH_TO_BE_SURE, TARGET_HISTORY
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


def test_what_passes_alone_may_fail_among_all_groups_that_are_shown():
    """An interval above zero is no filled dot where five segments were looked at."""
    generator = np.random.default_rng(5)
    for _ in range(200):
        base = generator.random(249)
        run = base + generator.normal(0, 0.1, 249)
        asked = frame(run), frame(base), segments(BINS), TARGET_HISTORY, METRIC
        rows = lift_rows(*asked)
        groups = rows[rows[SEGMENT] != ALL_USERS]
        alone = groups[(groups[P_VALUE] < 0.04) & ((groups[LOW] > 0) | (groups[HIGH] < 0))]
        if len(alone) == 1:
            break
    (name,) = alone[SEGMENT]
    assert not alone[SURE].any()
    assert lift_rows(*asked, only=[name])[SURE].all()


def test_all_users_together_are_one_question_and_pay_for_no_group():
    """A lift of all users with p .02 was open because four groups stood under it."""
    rows = rows_of([0.02, 0.02, 0.02, 0.02])
    assert rows.loc[ALL_USERS, HOLM] == rows.loc[ALL_USERS, P_VALUE]
    family = rows.drop(index=ALL_USERS)
    assert family[HOLM].min() == pytest.approx(4 * family[P_VALUE].min())


def test_a_lift_that_validation_does_not_repeat_is_not_sure():
    """Feature maps were sure on test at +.0084 with a validation lift of .0000."""
    base, chance = np.full(249, 0.5), np.random.default_rng(3).normal(0, 0.1, 249)
    flat, same, few = base + chance - chance.mean(), base + 0.1 + chance, base[:5]
    for run, twin, repeated in (
        (flat, base, False),
        (same, base, True),
        (base - 0.1, base, False),
        (few, few, True),  # too few to ask
    ):
        row = rows_of([0.1, 0.1, 0.1, 0.1], valid=(frame(run), frame(twin))).loc[ALL_USERS]
        assert (row[REPEATED], row[SURE]) == (repeated, repeated)
    half = rows_of([0.1] * 4, valid=(frame(flat[:100] + 0.001), frame(base[:100])))
    assert half.loc[ALL_USERS, REPEATED] == (flat[:100].mean() + 0.001 > 0.5), "the sign must do"


def test_a_choice_among_many_moves_the_flattering_end_alone():
    rows = rows_of([0.1, 0, 0, -0.2])
    moved = allowed_for_choice(rows.reset_index(), METRIC, 30, 0.1).set_index(SEGMENT)
    # The largest of 30 normals is expected at 2.04 standard errors, of which a tenth comes along
    width = rows.loc["0", HIGH] - rows.loc["0", LOW]
    lost = rows.loc["0", LOW] - moved.loc["0", LOW]
    assert lost == pytest.approx(0.1 * 2.04 * width / 3.92, rel=0.01)
    assert moved.loc["0", HIGH] == rows.loc["0", HIGH]
    assert moved.loc["10–19", LOW] == rows.loc["10–19", LOW]
    kept = allowed_for_choice(rows.reset_index(), METRIC, 30, -0.1)
    pd.testing.assert_frame_equal(kept, rows.reset_index())


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
    found = noise_floor(trained(), twin, [twin, trained()], METRIC)
    assert found.harmed.share.mean == pytest.approx(0.2, abs=0.03)
    assert found.harmed.excess.low < 0 < found.harmed.excess.high
    assert found.harmed.size == pytest.approx(found.harmed.size_by_chance, rel=0.1)


def test_real_harm_stands_above_the_floor_with_its_size():
    generator = np.random.default_rng(4)
    base = np.full(1000, 0.5)
    again = base + np.where(generator.random(1000) < 0.4, generator.normal(0, 0.1, 1000), 0)
    run = again - np.where(np.arange(1000) < 300, 0.3, 0)
    found = noise_floor(frame(run), frame(base), [frame(again), frame(base)], METRIC)
    assert floor_sentence(found).endswith("of users are harmed beyond what chance does.")
    assert found.harmed.excess.low > 0.1
    assert found.harmed.size > 2 * found.harmed.size_by_chance
    assert found.helped.excess.high < 0


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_a_larger_error_is_harm_not_help(metric):
    twin = frame(np.full(100, 1.0), metric=metric)
    run = frame(np.where(np.arange(100) < 30, 1.5, 1.0), metric=metric)
    found = noise_floor(run, twin, [twin, twin], metric)
    assert found.harmed.share.mean == pytest.approx(0.3)
    assert found.harmed.size == pytest.approx(0.5)
    assert found.helped.share.mean == 0


def test_harm_that_may_be_chance_is_not_said_to_be_none():
    """With 3 points more harmed (95 % −1 to +7) the page said that no more were than by chance."""
    twin = np.full(200, 0.5)
    run = twin - np.where(np.arange(200) < 30, 0.1, 0)
    again = twin - np.where(np.arange(200) >= 176, 0.1, 0)
    found = noise_floor(frame(run), frame(twin), [frame(again), frame(twin)], METRIC)
    assert found.harmed.excess.mean > 0 > found.harmed.excess.low
    assert floor_sentence(found) == "That more users are harmed than by chance cannot be shown."


def trainings(seeds, users=60, apart=0.02):
    """Run and twin of several seeds: a lift of .05 that differs by training and by user."""
    generator = np.random.default_rng(6)
    own = generator.normal(0, 0.02, users)
    return [
        (
            frame(0.55 + own + generator.normal(0, apart) + generator.normal(0, 0.02, users)),
            frame(np.full(users, 0.5)),
        )
        for _ in range(seeds)
    ]


def test_the_interval_of_three_trainings_covers_users_and_trainings():
    pairs, bins = trainings(3), segments(["0"] * 55 + ["20+"] * 5)
    asked = *pairs[0], bins, TARGET_HISTORY, METRIC
    one, three = (lift_rows(*asked, layers=layers) for layers in ((), pairs))
    one, three = (rows.set_index(SEGMENT) for rows in (one, three))
    means = [run[METRIC].mean() - 0.5 for run, _ in pairs]
    assert three.loc[ALL_USERS, MEAN] == pytest.approx(np.mean(means))
    half = 4.302653 * np.std(means, ddof=1) / np.sqrt(3)  # of Student, over trainings alone
    found = (three.loc[ALL_USERS, HIGH] - three.loc[ALL_USERS, LOW]) / 2
    assert 0.95 * half < found < 1.2 * half
    assert found > 3 * (one.loc[ALL_USERS, HIGH] - one.loc[ALL_USERS, LOW]) / 2
    assert three.loc[ALL_USERS, P_VALUE] > one.loc[ALL_USERS, P_VALUE]
    assert one.loc[ALL_USERS, SURE]
    assert list(three[LAYERS]) == [3, 3, 3]
    assert np.isnan(three.loc["20+", MEAN])
    assert list(lift_rows(*asked, layers=pairs[:2])[LAYERS]) == [0, 0, 0], "two say nothing"
    assert not all_the_same(pairs, METRIC)
    assert all_the_same([pairs[0], pairs[0]], METRIC)


def test_trainings_that_are_alike_leave_the_interval_of_users():
    pair = trainings(1)[0]
    alone, thrice = (
        lift_rows(*pair, segments(["0"] * 60), TARGET_HISTORY, METRIC, layers=layers).iloc[0]
        for layers in ((), [pair] * 3)
    )
    assert (thrice[LOW], thrice[HIGH]) == pytest.approx((alone[LOW], alone[HIGH]), abs=5e-4)


def test_a_twin_that_chance_made_worse_is_no_harm():
    """Untouched twins were called harmed: which of two is the better was taken for the users'."""
    users = 400
    generator = np.random.default_rng(2)
    leans = (-0.05, 0.0, 0.05, -0.05, 0.05)  # of each twin, beside its own noise
    twins = [frame(generator.normal(0.5 + lean, 0.1, users)) for lean in leans]
    *equals, run, twin = twins
    found = noise_floor(run, twin, equals, METRIC)
    assert found.harmed.excess.mean > 0.15
    assert found.harmed.excess.low < 0, "three twins lean as far apart by chance"
    assert found.harmed.chance == found.helped.chance, "who gains one way loses the other"
    calm = noise_floor(run, twin, [twins[0]] * 3, METRIC)  # twins that never differ
    assert calm.harmed.excess.low > 0.5


def test_errors_are_averaged_as_squares_and_all_else_as_it_is():
    frames = [
        pd.DataFrame({USER: [0, 1], "rmse": [3.0, 1.0], "ratings": [4, 2], "ndcg@10": [0.2, 1.0]}),
        pd.DataFrame({USER: [0, 1], "rmse": [4.0, 1.0], "ratings": [4, 2], "ndcg@10": [0.4, 0.0]}),
    ]
    mean = mean_frame(frames)
    assert mean["rmse"].tolist() == pytest.approx([12.5**0.5, 1.0])
    assert mean["ndcg@10"].tolist() == pytest.approx([0.3, 0.5])
    assert mean["ratings"].tolist() == [4, 2]


def test_a_few_users_are_never_sure_and_as_many_as_are_needed_can_be():
    """Of ten users with skewed gains a 95 % interval holds the truth in 90 % of worlds only."""
    for n, sure in ((ENOUGH_TO_BE_SURE - 1, False), (ENOUGH_TO_BE_SURE, True)):
        gains = 0.1 + 0.01 * np.arange(n)
        rows = lift_rows(
            frame(gains), frame(0 * gains), segments(["0"] * n), TARGET_HISTORY, METRIC
        )
        assert rows[LOW].iloc[0] > 0
        assert rows[SURE].iloc[0] == sure


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
    found = noise_floor(run, twin, [twin, twin], METRIC)
    assert floor_sentence(found).endswith("what chance does cannot be told.")
