"""UserKNN on numbers worked by hand, and what it says of people nobody is like."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.models.registry import build
from tests.worlds import pair_of

# four users; source items s0, s1; target items t0, t1, t2; the last has no target history
PAIR = pair_of(
    np.array([[1, 0], [1, 1], [0, 1], [1, 0]]),
    np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]]),
)


def fitted(pair, **settings):
    model = build("user_knn", {"shrinkage": 1.0, "source_weight": 0.5} | settings)
    list(model.fit_epochs(pair, 0))
    return model


def likeness(ours: tuple, theirs: tuple) -> float:
    """Cosine of [source / 2, target] with 1 added below."""
    one, other = (np.concatenate([np.array(s) / 2, t]) for s, t in (ours, theirs))
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other) + 1))


def test_a_score_is_the_share_of_the_neighbours_likeness_that_took_the_item():
    asked = ([1, 0], [0, 1, 0])
    rows = [csr_matrix(np.array([part], dtype=np.float32)) for part in asked]
    alike = [
        likeness(asked, other)
        for other in (([1, 0], [1, 0, 0]), ([1, 1], [1, 1, 0]), ([0, 1], [0, 0, 1]))
    ]
    assert alike[2] == 0  # nothing in common
    scores = fitted(PAIR).fold_in(*rows)
    expected = np.array([alike[0] + alike[1], alike[1], 0]) / sum(alike)
    np.testing.assert_allclose(scores.own_scores()[0], expected, rtol=1e-5)
    # user 1 shares s0, which weighs a quarter, and t1; user 0 shares s0 alone
    both = 0.25 / 1.25 * alike[1]
    np.testing.assert_allclose(
        scores.source[0], np.array([alike[0] + both, both, 0]) / sum(alike), rtol=1e-5
    )


def test_only_the_nearest_who_have_a_target_history_are_asked():
    one = fitted(PAIR, neighbours=1).score(np.array([3]))
    np.testing.assert_allclose(one.own_scores()[0], [1, 0, 0], atol=1e-6)  # user 0, not 3 itself
    more = fitted(PAIR, neighbours=3).score(np.array([3]))
    assert 0 < more.own_scores()[0, 1] < 1


def test_somebody_like_nobody_gets_zeros_and_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    source, target = rng.random((60, 30)) < 0.2, rng.random((60, 20)) < 0.2
    source[0] = target[0] = False
    source[1:, 0], source[0, 0] = False, True  # an item nobody else has
    pair = pair_of(source, target)
    whole = fitted(pair, neighbours=5).score(np.arange(60))
    assert not whole.own_scores()[0].any()
    monkeypatch.setattr("core.models.linear.user_knn.CELLS", 100)
    np.testing.assert_array_equal(
        fitted(pair, neighbours=5).score(np.arange(60)).source, whole.source
    )


def test_without_shared_people_the_source_says_nothing():
    rng = np.random.default_rng(3)
    source, target = rng.random((40, 10)) < 0.5, rng.random((40, 10)) < 0.5
    source[20:], target[:20] = False, False
    assert not fitted(pair_of(source, target)).score(np.arange(40)).source.any()
