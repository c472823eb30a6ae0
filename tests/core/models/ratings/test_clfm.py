"""Cluster-level transfer: patterns learned in one domain serve another without a shared user."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.sparse import csr_matrix

from core.data.snapshot import RatingFacts
from core.models.factors.als import nonnegative_rows
from core.models.protocol import PairSizes
from core.models.readiness import readiness
from core.models.registry import build, card_of
from tests.worlds import pair_of, rated_tastes


def fitted(pair, **settings):
    model = build("clfm", settings)
    losses = [step.loss for step in model.fit_epochs(pair, 2)]
    return model, losses


def test_rows_are_solved_as_scipy_solves_them_one_by_one():
    rng = np.random.default_rng(3)
    table = (rng.random((12, 20)) < 0.4) * rng.normal(0, 2, (12, 20))
    rows, factors, ridge = csr_matrix(table), rng.normal(size=(20, 4)), 0.7
    solved = nonnegative_rows(rows, rows.data, factors, ridge)
    for row in range(12):
        seen = table[row] != 0
        left = np.vstack([factors[seen], np.sqrt(ridge) * np.eye(4)])
        wanted, _ = nnls(left, np.concatenate([table[row, seen], np.zeros(4)]))
        np.testing.assert_allclose(solved[row], wanted, atol=1e-5)


def test_no_membership_is_below_zero_and_every_pattern_has_unit_length():
    model, losses = fitted(rated_tastes().pair, regularization=2.0)
    assert model._memberships(rated_tastes().pair.target).min() == 0.0
    assert losses[-1] < 0.5 * losses[0]


def clustered(seed: int):
    """4 groups of users rate 5 groups of items by one table of ones and fives, in both domains.

    150 users of the source rate half of it, 100 others about 8 of the target's 50 items.
    """
    rng = np.random.default_rng(seed)
    patterns = rng.choice([1.0, 5.0], (4, 5))
    groups = rng.integers(0, 4, 250)
    tables = [patterns[groups][:, rng.integers(0, 5, count)] for count in (60, 50)]
    source, target = (
        np.where(rng.random(table.shape) < share, table + rng.normal(0, 0.3, table.shape), 0)
        for table, share in zip(tables, (0.5, 8 / 50), strict=True)
    )
    source[150:], target[:150] = 0, 0
    return pair_of(source, target), tables[1][150:]


@pytest.mark.parametrize("seed", [2, 5])
def test_patterns_of_a_dense_source_lower_the_error_in_a_sparse_target_of_other_users(seed):
    pair, wanted = clustered(seed)
    assert not pair.shared.any()
    settings = {"user_clusters": 5, "common_clusters": 6, "own_clusters": 0, "regularization": 1.0}
    errors = {}
    for name, train in (("both", pair), ("twin", pair.target_only())):
        model, _ = fitted(train, **settings)
        guess = np.clip(model.score(np.arange(150, 250)).own_scores(), 1, 5)
        hidden = pair.target[150:].toarray() == 0
        errors[name] = float(((guess - wanted)[hidden] ** 2).mean())
    assert errors["both"] < 0.75 * errors["twin"]


def test_it_is_ready_for_a_pair_without_shared_users():
    facts = RatingFacts((1.0, 5.0), (1.0, 5.0), 0.0)
    sizes = PairSizes(100, 50, 50, 1000, 1000)
    assert readiness(card_of("clfm"), sizes, 0, ratings=facts).light == "green"
    assert readiness(card_of("cmf_rating"), sizes, 0, ratings=facts).light == "amber"
