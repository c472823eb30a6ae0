"""Two drawings of the same users: distances by hand, and what pairs do to them."""

import numpy as np
import pytest

from core.basics.errors import DataError
from core.basics.types import Vectors
from core.models.kernel.coordinates import normalised
from core.models.kernel.domain_gap import (
    held_out_users,
    joined_vectors,
    mrr_by_chance,
    paired_mmd,
    proxy_a_distance,
    reciprocal_ranks,
    retrieval_mrr,
    rotation,
    user_vectors,
)
from tests.worlds import pair_of

USERS = normalised(np.random.default_rng(0).normal(size=(80, 6)))


def test_discrepancy_of_pairs_by_hand():
    """Points 0, 2 beside 1, 3: squares 4 and 4 within; across, without a user's own, 9 and 1."""
    kernel = lambda square: np.exp(-square / 2.5)  # noqa: E731
    found = paired_mmd((np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])))
    assert np.isclose(found, 2 * kernel(4) - kernel(9) - kernel(1))


def test_two_drawings_of_one_law_are_around_zero_however_they_are_tied():
    """With users' own pairs among those across, paired samples of one law read -.017."""
    rng = np.random.default_rng(1)
    for tie in (0.0, 0.9):
        found = []
        for _ in range(100):
            first, other = rng.normal(size=(2, 40, 3))
            found.append(paired_mmd((first, tie * first + np.sqrt(1 - tie**2) * other)))
        assert abs(np.mean(found)) < 3 * np.std(found) / 10


def test_a_classifier_tells_clouds_apart_as_far_as_they_are_apart():
    rng = np.random.default_rng(0)
    cloud = lambda centre: rng.normal(centre, 1, (300, 4))  # noqa: E731
    assert proxy_a_distance((cloud(0), cloud(5)), (cloud(0), cloud(5))) == 2.0
    assert proxy_a_distance((cloud(0), cloud(0)), (cloud(0), cloud(0))) < 0.3


def test_retrieval_mrr_by_hand():
    """The first finds itself first, the second second, the third third."""
    found = np.eye(3)
    asked = np.array([[3.0, 1, 0], [2, 1, 0], [2, 1, 0]])
    assert np.isclose(retrieval_mrr(asked, found), (1 + 1 / 2 + 1 / 3) / 3)
    assert np.isclose(retrieval_mrr(np.ones((3, 3)), found), 1 / 2)  # collapsed: all tie


def test_held_out_users_are_the_same_every_time_and_never_learned_from():
    learned, held_out = held_out_users(np.arange(100, 200), 0.2)
    assert len(held_out) == 20
    np.testing.assert_array_equal(np.union1d(learned, held_out), np.arange(100, 200))
    np.testing.assert_array_equal(held_out, held_out_users(np.arange(100, 200), 0.2)[1])


def test_ranks_of_all_agree_with_those_of_oneself():
    ranks = reciprocal_ranks(USERS, np.roll(USERS, 1, axis=1))
    assert np.isclose(np.diagonal(ranks).mean(), retrieval_mrr(USERS, np.roll(USERS, 1, axis=1)))
    assert np.allclose(ranks.mean(axis=1), mrr_by_chance(80))


def test_users_of_one_domain_and_vectors_of_zeros_are_left_out():
    source, target = USERS.copy(), USERS.copy()
    source[0], target[1] = 0, np.nan
    found = user_vectors(Vectors(None, None, source, target))
    assert found.users.tolist() == list(range(2, 80))
    with pytest.raises(DataError, match="no user from either history"):
        user_vectors(Vectors(None, None, source, None))
    with pytest.raises(DataError, match="too few"):
        user_vectors(Vectors(None, None, source[:20], target[:20]))


def test_a_hidden_rotation_is_found():
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0].astype(np.float32)
    np.testing.assert_allclose(rotation(USERS, USERS @ turn), turn, atol=1e-4)


def test_domains_without_a_taste_are_not_drawn_apart_by_their_sizes_alone():
    """Both joined, interactions at random were told apart always, A-distance 2."""
    rng = np.random.default_rng(5)
    odds = rng.gamma(0.7, 1.0, 60) * 0.1
    pair = pair_of(rng.random((200, 60)) < odds, rng.random((200, 60)) < 0.3 * odds + 0.1)
    learned, held_out = held_out_users(np.arange(200))
    drawn = user_vectors(joined_vectors(pair, learned))
    apart = proxy_a_distance(drawn.of(learned).drawn, drawn.of(held_out).drawn)
    assert apart < 0.8
