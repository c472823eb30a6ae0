"""Closed forms: which one is taken, and the matrix that is filled by blocks of rows."""

import numpy as np
import pytest
from scipy.sparse import random as random_sparse

from core.models.linear import item_weights
from core.models.linear.item_weights import (
    DenseWeights,
    UserMix,
    dense_product,
    ease_dual,
    ease_primal,
    solves_dual,
)


@pytest.mark.parametrize(
    ("users", "items", "targets", "rows", "dual"),
    [
        (2_000, 12_000, 5_500, 160_000, True),  # few users: the dual learns in no time
        (19_000, 20_000, 10_000, 2_000_000, False),  # as many: asking would cost ten times more
        (20_000, 20_000, 10_000, 2_000_000, False),
        (3_300, 58_000, 18_000, 170_000, True),
        (50_000, 36_000, 27_000, 430_000, False),
    ],
)
def test_auto_weighs_asking_against_learning(users, items, targets, rows, dual):
    assert solves_dual("auto", users, items, targets, rows) is dual
    assert solves_dual("dual", users, items, targets, rows)
    assert not solves_dual("primal", users, items, targets, rows)


def test_a_product_filled_by_blocks_is_the_product(monkeypatch):
    monkeypatch.setattr(item_weights, "GRAM_ROWS", 7)
    rows = random_sparse(40, 23, 0.2, "csr", np.float32, 1)
    assert np.array_equal(dense_product(rows.T, rows), (rows.T @ rows).toarray())


def test_both_forms_give_the_same_scores():
    rows = random_sparse(30, 40, 0.3, "csr", np.float32, 2)
    ridge = np.full(40, 5.0, dtype=np.float32)
    primal = DenseWeights(ease_primal(rows, ridge, 15)).scores(rows)
    mix, self_weight = ease_dual(rows, ridge, 15)
    dual = UserMix(rows, mix, ridge, self_weight).scores(rows)
    assert np.allclose(primal, dual, atol=1e-5)
