"""What the weights can and cannot change, and the formulas worked by hand."""

import numpy as np
import pytest
from hypothesis import given

from core.basics.errors import SettingsError
from core.basics.types import DomainScores
from core.fusion.combine import Fusion, competition_ranks, fuse_scores
from tests.core.fusion.fusion_worlds import (
    FUSIONS,
    masked_by,
    plain_order,
    random_scores,
    tied_worlds,
)

SOURCE = np.array([[4.0, 2.0, 0.0, 9.0]], dtype=np.float32)
TARGET = np.array([[1.0, 3.0, 3.0, 9.0]], dtype=np.float32)
LAST_HIDDEN = masked_by([[0, 0, 0, 1]])
YES, NO = np.array([True]), np.array([False])


def fused(fusion, has_source=YES, has_target=YES):
    scores = DomainScores.ranking(SOURCE, TARGET, has_source, has_target)
    return fuse_scores(scores, LAST_HIDDEN, fusion)[0]


def test_the_weighted_sum_of_raw_parts_by_hand():
    np.testing.assert_allclose(fused(Fusion(0.5, 0.25))[:3], [2.25, 1.75, 0.75])


def test_equal_weights_on_raw_parts_give_the_models_own_score_to_the_bit():
    scores = random_scores(3, 500)
    nothing = masked_by(np.zeros((3, 500)))
    assert (fuse_scores(scores, nothing, Fusion()) == scores.own_scores()).all()


def test_a_stranger_gets_popularity_where_a_model_ranks_and_its_base_where_it_predicts_ratings():
    """A rating run once could have told an unknown user that an item is worth 900 stars."""
    popularity = np.array([900.0, 20.0, 3.0, 1.0], dtype=np.float32)
    nothing = np.zeros((1, 4), dtype=np.float32)
    ranked = DomainScores.ranking(nothing, nothing, NO, NO).filled(popularity)
    np.testing.assert_array_equal(ranked.own_scores()[0], popularity)
    base = np.array([[3.5, 4.0, 2.5, 3.0]], dtype=np.float32)  # mean and item biases
    rated = DomainScores(nothing, nothing, base, base, NO, NO).filled(popularity)
    np.testing.assert_array_equal(rated.own_scores(), base)


def test_z_scores_leave_masked_items_out():
    spread = np.sqrt(8 / 3)  # of 4, 2, 0
    expected = np.array([2, 0, -2]) / spread
    np.testing.assert_allclose(fused(Fusion(1, 0, scale="z-score"))[:3], expected, rtol=1e-6)


def test_min_max_runs_from_zero_to_one_over_unmasked_items():
    np.testing.assert_allclose(fused(Fusion(1, 0, scale="min-max"))[:3], [1, 0.5, 0])


def test_a_part_that_is_the_same_for_every_item_counts_zero():
    same = DomainScores.ranking(SOURCE * 0 + 0.1, TARGET, YES, YES)
    for scale in ("z-score", "min-max"):
        assert (fuse_scores(same, LAST_HIDDEN, Fusion(1, 0, scale=scale))[0, :3] == 0).all()


def test_the_product_is_a_product_of_sigmoids():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    got = fused(Fusion(0.5, 1, kind="product"))[:3]
    expected = np.log(sigmoid(SOURCE) ** 0.5 * sigmoid(TARGET))[0, :3]
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_reciprocal_ranks_share_the_best_rank_among_ties():
    got = fused(Fusion(1, 0.5, kind="reciprocal rank"))[:3]
    np.testing.assert_allclose(
        got, [1 / 61 + 0.5 / 63, 1 / 62 + 0.5 / 61, 1 / 63 + 0.5 / 61], rtol=1e-6
    )
    assert competition_ranks(np.array([5, 7, 7, 1]), np.array([7, 5, 1])).tolist() == [1, 3, 4]


def test_a_user_without_source_history_gets_the_target_part_alone_whatever_the_weights():
    got = fused(Fusion(1, 0), has_source=NO)
    assert got[:3].tolist() == TARGET[0, :3].tolist()


def test_a_cold_user_gets_the_source_part_alone_whatever_the_weights():
    assert fused(Fusion(0, 1), has_target=NO)[:3].tolist() == SOURCE[0, :3].tolist()


def test_a_user_nobody_knows_gets_popularity():
    scores = DomainScores.ranking(SOURCE * 0, TARGET * 0, NO, NO)
    popularity = np.array([5.0, 1.0, 8.0, 9.0], dtype=np.float32)
    got = fuse_scores(scores.filled(popularity), LAST_HIDDEN, Fusion(0.2, 0.9))
    assert got[0].tolist() == [5.0, 1.0, 8.0, -np.inf]


@given(tied_worlds(), FUSIONS)
def test_doubled_weights_change_no_list(world, fusion):
    scores, masked = world
    half = Fusion(fusion.alpha / 2, fusion.beta / 2, fusion.kind, fusion.scale)
    once, twice = (fuse_scores(scores, masked, weights) for weights in (half, fusion))
    for row in range(len(once)):
        parts = scores.source[row], scores.target[row]
        assert plain_order(once[row], *parts) == plain_order(twice[row], *parts)


@pytest.mark.parametrize("bad", [{"alpha": 1.2}, {"beta": -0.1}, {"beta": float("nan")}])
def test_weights_out_of_range_are_refused(bad):
    with pytest.raises(SettingsError, match="outside its range"):
        Fusion(**bad)


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(SettingsError, match="weighted sum, product"):
        Fusion(kind="plain product")


def test_only_the_ratio_is_a_share():
    assert Fusion(0.2, 0.6).share == Fusion(0.25, 0.75).share == 0.25
    assert Fusion(0, 0).share is None
