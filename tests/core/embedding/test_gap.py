"""The gap between two domains: by hand, against references, and what collapse does to it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from core.embedding.gap import (
    ALIKE,
    APART,
    CKA,
    MMD,
    MRR,
    content_gap,
    debiased_cka,
    domain_gap,
    gap_changes,
    jensen_shannon,
    neighbour_agreement,
    turned_onto,
)
from core.models.kernel.coordinates import normalised
from core.models.kernel.domain_gap import UserVectors, separate_vectors
from tests.worlds import pair_of, twin_tastes

RNG = np.random.default_rng(0)
USERS = normalised(RNG.normal(size=(80, 6)))


def a_rotation(d: int = 6) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(1).normal(size=(d, d)))[0].astype(np.float32)


def drawn(source: np.ndarray, target: np.ndarray) -> UserVectors:
    return UserVectors(np.arange(len(source)), normalised(source), normalised(target))


def song(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased HSIC as it is printed: Song et al. 2012, eq. 4."""
    n = len(first)
    kernels = [part @ part.T for part in (first, second)]
    for kernel in kernels:
        np.fill_diagonal(kernel, 0)
    k, m = kernels
    cells = (k * m).sum() + k.sum() * m.sum() / ((n - 1) * (n - 2))
    return (cells - 2 / (n - 2) * (k.sum(axis=0) @ m.sum(axis=0))) / (n * (n - 3))


def test_cka_is_debiased_as_printed_and_one_for_a_rotated_arrangement():
    first, second = RNG.normal(size=(2, 20, 4))
    second[:, 0] += first[:, 0]
    size = np.sqrt(song(first, first) * song(second, second))
    assert debiased_cka(first, second) == pytest.approx(song(first, second) / size)
    assert debiased_cka(USERS, 3 * USERS @ a_rotation() + 1) == pytest.approx(1, abs=1e-5)
    assert np.isnan(debiased_cka(USERS, np.ones_like(USERS)))


def test_strangers_arrangements_have_nothing_in_common_however_few_they_are():
    """The plain estimator read .32 for random vectors of 134 users and .86 for 13."""
    for n in (13, 134):
        found = [debiased_cka(*np.random.default_rng(s).normal(size=(2, n, 64))) for s in range(20)]
        assert abs(np.mean(found)) < 0.06


def test_figures_stand_beside_what_they_are_by_chance():
    """A shift leaves the chance of the distances alone, a tie that of the likenesses alone."""
    tied = USERS + 0.3 * np.random.default_rng(3).normal(size=USERS.shape)
    everybody = np.arange(0, 80, 2)
    together = domain_gap(drawn(USERS, tied), everybody).figures
    assert all(together[name].p == 0.001 for name in ALIKE)
    assert all(together[name].value > together[name].chance for name in ALIKE)
    assert min(together[name].p for name in APART) > 0.01
    strangers = np.random.default_rng(4).normal(size=USERS.shape) + np.eye(6)[0] * 2
    apart = domain_gap(drawn(USERS, strangers), everybody).figures
    assert apart[MMD].p == 0.001
    assert min(apart[name].p for name in ALIKE) > 0.01


def test_a_change_is_sure_where_there_is_one():
    far = drawn(USERS + np.array([2.0, 0, 0, 0, 0, 0]), USERS)
    near, asked = drawn(USERS, USERS), np.arange(40)
    closed = gap_changes(far, near, asked)
    assert closed[MMD].value < 0
    assert closed[MMD].p < 0.001
    assert closed[MRR].value > 0
    still = gap_changes(near, near, asked)
    assert all((change.value, change.p) == (0, 1) for change in still.values())


def test_neighbours_in_common_by_hand():
    assert neighbour_agreement(USERS, USERS @ a_rotation()) == 1
    alike = np.tile(USERS[:1], (80, 1))  # collapsed: everybody is as near as anybody
    assert neighbour_agreement(alike, alike) < 0.5
    strangers = normalised(np.random.default_rng(9).normal(size=USERS.shape))
    assert neighbour_agreement(USERS, strangers) == pytest.approx(10 / 79, abs=0.05)


def test_collapse_closes_the_gap_and_retrieval_tells():
    """All users at nearly one place: no distance is left, and nobody is found."""
    near = [
        USERS.mean(axis=0) + 1 + 1e-3 * np.random.default_rng(s).normal(size=USERS.shape)
        for s in (1, 2)
    ]
    collapsed, aligned = domain_gap(drawn(*near)), domain_gap(drawn(USERS, USERS))
    assert collapsed.figures[MMD].value < 0.2
    assert collapsed.figures[MRR].value < 0.5
    assert aligned.figures[MRR].value == 1
    assert aligned.users == 16  # a fifth, whom no rotation is learned from


def test_separate_spaces_are_brought_together_only_as_far_as_taste_is_shared():
    """Where the same users share taste they are recognised; where ids are shuffled they are not."""
    pair = twin_tastes().pair
    together = domain_gap(separate_vectors(pair, factors=1))
    source = pair.source[np.random.default_rng(0).permutation(len(pair.users))]
    shuffled = domain_gap(separate_vectors(replace(pair, source=source), factors=1))
    assert together.figures[CKA].value > 0.5 > shuffled.figures[CKA].value
    assert together.figures[CKA].p < 0.01 < shuffled.figures[CKA].p


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
