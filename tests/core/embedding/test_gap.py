"""The gap between two domains: by hand, against references, and what collapse does to it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from core.basics.errors import DataError
from core.basics.types import Vectors
from core.embedding.gap import (
    UserVectors,
    chance_agreement,
    content_gap,
    domain_gap,
    jensen_shannon,
    linear_cka,
    mmd_permuted,
    neighbour_agreement,
    rotation,
    separate_vectors,
    turned_onto,
    user_vectors,
)
from core.embedding.maps import normalised
from core.models.networks.adversarial import mmd
from tests.worlds import pair_of, twin_tastes

RNG = np.random.default_rng(0)
USERS = normalised(RNG.normal(size=(80, 6)))


def a_rotation(d: int = 6) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(1).normal(size=(d, d)))[0].astype(np.float32)


def drawn(source: np.ndarray, target: np.ndarray) -> UserVectors:
    return UserVectors(np.arange(len(source)), normalised(source), normalised(target))


def test_the_discrepancy_is_the_unbiased_one_and_apart_beyond_chance():
    far = normalised(USERS + np.array([2.0, 0, 0, 0, 0, 0], dtype=np.float32))
    found, chance = mmd_permuted(USERS, far)
    assert found == pytest.approx(float(mmd(np.float64(USERS), np.float64(far))), abs=1e-6)
    assert chance == pytest.approx(1 / 201)


def test_two_draws_from_one_population_are_apart_by_chance_in_about_one_of_twenty():
    """200 pairs of samples that are alike: p is below .05 about 5 % of the time."""
    below = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        first, second = rng.normal(size=(2, 25, 3)).astype(np.float32)
        below += mmd_permuted(first, second, seed)[1] <= 0.05
    assert 2 <= below <= 20


def test_cka_is_one_for_a_rotated_arrangement_and_small_for_another():
    assert linear_cka(USERS, 3 * USERS @ a_rotation() + 1) == pytest.approx(1, abs=1e-5)
    other = RNG.normal(size=USERS.shape).astype(np.float32)
    assert linear_cka(USERS, other) < 0.3
    assert np.isnan(linear_cka(USERS, np.ones_like(USERS)))


def test_neighbours_in_common_by_hand():
    assert neighbour_agreement(USERS, USERS @ a_rotation()) == 1
    assert chance_agreement(101) == 0.1
    alike = np.tile(USERS[:1], (80, 1))  # collapsed: everybody is as near as anybody
    assert neighbour_agreement(alike, alike) < 0.5
    strangers = normalised(np.random.default_rng(9).normal(size=USERS.shape))
    assert neighbour_agreement(USERS, strangers) == pytest.approx(chance_agreement(80), abs=0.05)


def test_collapse_closes_the_gap_and_retrieval_tells():
    """All users at nearly one place: no distance is left, and nobody is found."""
    near = [
        USERS.mean(axis=0) + 1 + 1e-3 * np.random.default_rng(s).normal(size=USERS.shape)
        for s in (1, 2)
    ]
    collapsed, aligned = domain_gap(drawn(*near)), domain_gap(drawn(USERS, USERS))
    assert collapsed.mmd < 0.2
    assert collapsed.retrieval_mrr < 0.5
    assert aligned.retrieval_mrr == 1
    assert aligned.users == 16  # a fifth, whom no rotation is learned from


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
    turn = a_rotation()
    np.testing.assert_allclose(rotation(USERS, USERS @ turn), turn, atol=1e-4)


def test_separate_spaces_are_brought_together_only_as_far_as_taste_is_shared():
    """Where the same users share taste they are recognised; where ids are shuffled they are not."""
    pair = twin_tastes().pair
    together = domain_gap(separate_vectors(pair, factors=1))
    source = pair.source[np.random.default_rng(0).permutation(len(pair.users))]
    shuffled = domain_gap(separate_vectors(replace(pair, source=source), factors=1))
    assert together.cka > 0.5 > shuffled.cka


def test_the_joint_layout_keeps_all_distances_of_the_separate_space():
    before = drawn(RNG.normal(size=(80, 4)), RNG.normal(size=(80, 4)))
    turned = turned_onto(before, drawn(USERS, USERS))
    for name in ("source", "target"):
        ours, theirs = getattr(turned, name), getattr(before, name)
        np.testing.assert_allclose(ours @ turned.target.T, theirs @ before.target.T, atol=1e-5)


def test_jensen_shannon_agrees_with_scipy():
    first, second = RNG.random((2, 7))
    second[3] = 0
    assert jensen_shannon(first, second) == pytest.approx(jensenshannon(first, second, 2) ** 2)
    assert jensen_shannon(np.array([1.0, 0]), np.array([0, 2.0])) == 1
    assert np.isnan(jensen_shannon(np.zeros(3), np.ones(3)))


def test_domains_without_categories_differ_in_popularity_alone():
    even, one = np.eye(20, dtype=bool), np.zeros((20, 20), dtype=bool)
    one[:, 0] = True
    found = content_gap(pair_of(even, one))
    assert np.isnan(found.categories)
    assert found.popularity > 0.5
    assert content_gap(pair_of(even, even)).popularity == 0
