"""EASE and EDLAE against the formula written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.basics.errors import RunError
from core.models.linear.item_weights import inverted
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes


def fitted(name, pair, **settings):
    model = build(name, settings)
    list(model.fit_epochs(pair, 0))
    return model


def small_pair():
    rng = np.random.default_rng(3)
    return pair_of(rng.random((30, 7)) < 0.4, rng.random((30, 5)) < 0.4)


def by_hand(pair, weight: float, ridge: float, dropout: float) -> np.ndarray:
    """Weights of eq. 8 of Steck 2019, one column at a time, without its own item."""
    rows = np.hstack([weight * pair.source.toarray(), pair.target.toarray()]).astype(float)
    gram = rows.T @ rows
    gram += np.diag(ridge + dropout / (1 - dropout) * np.diag(gram))
    n_items, n_source = rows.shape[1], pair.source.shape[1]
    weights = np.zeros((n_items, pair.target.shape[1]))
    for target in range(pair.target.shape[1]):
        others = np.delete(np.arange(n_items), n_source + target)  # an item may not predict itself
        right = rows[:, others].T @ rows[:, n_source + target]
        weights[others, target] = np.linalg.solve(gram[np.ix_(others, others)], right)
    return rows @ weights


@pytest.mark.parametrize("solver", ["primal", "dual"])
@pytest.mark.parametrize(("name", "dropout"), [("ease", 0.0), ("edlae", 0.3)])
def test_scores_are_those_of_the_regression_solved_item_by_item(name, dropout, solver):
    pair = small_pair()
    more = {"dropout": dropout} if name == "edlae" else {}
    model = fitted(name, pair, regularization=4.0, source_weight=0.7, solver=solver, **more)
    wanted = by_hand(pair, 0.7, 4.0, dropout)
    np.testing.assert_allclose(model.score(np.arange(30)).own_scores(), wanted, atol=2e-5)


@pytest.mark.parametrize("name", ["ease", "edlae"])
def test_primal_and_dual_agree_in_scores_and_reasons(name):
    pair = twin_tastes().pair
    primal, dual = (fitted(name, pair, solver=solver) for solver in ("primal", "dual"))
    users = np.arange(len(pair.users))
    ours, theirs = primal.score(users), dual.score(users)
    np.testing.assert_allclose(ours.source, theirs.source, atol=1e-4)
    np.testing.assert_allclose(ours.target, theirs.target, atol=1e-4)
    why = [model.explain(pair.source[[3]], pair.target[[3]], 5) for model in (primal, dual)]
    np.testing.assert_allclose(why[0].source_amounts, why[1].source_amounts, atol=1e-4)
    np.testing.assert_allclose(why[0].target_amounts, why[1].target_amounts, atol=1e-4)


def test_a_history_item_adds_nothing_to_itself():
    pair = small_pair()
    user = 4
    own = pair.target[[user]].indices[0]
    for solver in ("primal", "dual"):
        why = fitted("ease", pair, solver=solver).explain(
            pair.source[[user]], pair.target[[user]], own
        )
        assert why.target_amounts[why.target_items == own] == 0


def test_the_inverse_is_mirrored_across_blocks(monkeypatch):
    monkeypatch.setattr("core.models.linear.item_weights.BLOCK", 3)
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(8, 8))
    matrix = factor @ factor.T + np.eye(8)
    np.testing.assert_allclose(inverted(matrix.copy()) @ matrix, np.eye(8), atol=1e-9)


def test_a_matrix_without_inverse_is_refused_with_what_to_change():
    with pytest.raises(RunError, match="Raise regularization"):
        inverted(np.array([[1.0, 2.0], [2.0, 1.0]]))
