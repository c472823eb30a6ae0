"""The source-to-target ridge against the formula, in both of its forms."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.registry import build
from tests.worlds import pair_of


def fitted(pair, **settings):
    model = build("ridge", settings)
    list(model.fit_epochs(pair, 0))
    return model


def small_pair():
    rng = np.random.default_rng(3)
    source, target = rng.random((30, 7)) < 0.4, rng.random((30, 5)) < 0.4
    target[20:] = 0  # cold users
    source[:5] = 0  # target-only users
    return pair_of(source, target)


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_scores_are_the_ridge_regression_over_shared_users(solver):
    pair = small_pair()
    rows, wanted = (table.toarray()[pair.shared] for table in (pair.source, pair.target))
    weights = np.linalg.solve(rows.T @ rows + 2.5 * np.eye(7), rows.T @ wanted)
    scores = fitted(pair, regularization=2.5, solver=solver).score(np.arange(30))
    np.testing.assert_allclose(scores.source, pair.source @ weights, atol=1e-5)


def test_a_warm_user_gets_the_source_part_and_no_target_part():
    scores = fitted(small_pair()).score(np.arange(30))
    assert scores.source[10].any()
    assert not scores.target.any()
    assert not scores.has_target.any()


def test_a_user_without_source_history_is_ranked_by_popularity():
    pair = small_pair()
    scores = fitted(pair).score(np.arange(30))
    assert not scores.has_evidence[:5].any()
    filled = scores.filled(pair.popularity).own_scores()
    np.testing.assert_array_equal(filled[2], pair.popularity)


def test_primal_and_dual_agree():
    pair = small_pair()
    ours, theirs = (
        fitted(pair, solver=solver).score(np.arange(30)) for solver in ("primal", "dual")
    )
    np.testing.assert_allclose(ours.source, theirs.source, atol=1e-5)
