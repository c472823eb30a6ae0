"""The half step of ALS against dense systems written out, and the loss it brings down."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.factors.als import Penalty, solve_rows
from core.models.registry import build
from tests.worlds import twin_tastes

RNG = np.random.default_rng(7)
LENGTHS = np.array([0, 1, 2, 5, 5, 6, 9, 30, 41])  # below, at and above the 6 factors


def some_rows() -> csr_matrix:
    table = np.zeros((len(LENGTHS), 50), dtype=np.float32)
    for row, length in enumerate(LENGTHS):
        table[row, RNG.choice(50, length, replace=False)] = RNG.uniform(0.2, 2.0, length)
    return csr_matrix(table)


def dense_solution(row, factors, gram, ridge) -> np.ndarray:
    left = gram + ridge * np.eye(len(gram)) + (factors.T * row) @ factors
    return np.linalg.solve(left, factors.T @ row)


def test_every_row_solves_its_own_dense_system():
    rows, factors = some_rows(), RNG.normal(size=(50, 6)).astype(np.float32)
    gram, ridge = 0.3 * factors.T @ factors, RNG.uniform(0.1, 2.0, len(LENGTHS))
    solved = solve_rows(rows, factors, gram, ridge)[:, 0]
    for row in range(len(LENGTHS)):
        wanted = dense_solution(rows[row].toarray().ravel(), factors, gram, ridge[row])
        np.testing.assert_allclose(solved[row], wanted, atol=2e-5)


def test_parts_of_the_right_hand_side_sum_to_the_solution():
    rows, factors = some_rows(), RNG.normal(size=(50, 6)).astype(np.float32)
    gram, ridge = 0.3 * factors.T @ factors, np.ones(len(LENGTHS))
    whole = solve_rows(rows, factors, gram, ridge)
    parts = solve_rows(rows, factors, gram, ridge, (0, 20))
    assert parts.shape == (len(LENGTHS), 2, 6)
    np.testing.assert_allclose(parts.sum(axis=1), whole[:, 0], atol=2e-5)
    row = rows[8].toarray().ravel()
    left = gram + np.eye(6) + (factors.T * row) @ factors
    first = np.linalg.solve(left, factors[:20].T @ row[:20])
    np.testing.assert_allclose(parts[8, 0], first, atol=2e-5)


def test_small_batches_change_nothing(monkeypatch):
    rows, factors = some_rows(), RNG.normal(size=(50, 6)).astype(np.float32)
    whole = solve_rows(rows, factors, np.eye(6), np.ones(len(LENGTHS)))
    monkeypatch.setattr("core.models.factors.als.CELLS", 8)
    small = solve_rows(rows, factors, np.eye(6), np.ones(len(LENGTHS)))
    np.testing.assert_allclose(small, whole, atol=1e-5)


def test_the_ridge_grows_with_history_and_with_silence():
    penalty = Penalty(cell_weight=0.5, regularization=0.1)
    np.testing.assert_allclose(penalty.ridge(np.array([0, 4]), 10), [0.5, 0.9])


def whole_loss(model, pair, users) -> float:
    """Rendle et al. 2021, eq. 1-3, cell by cell, summed over the domains."""
    settings, total = model.settings, 0.0
    domains = (
        (settings.source_loss_weight, pair.source.toarray(), model.source_items),
        (1.0, pair.target.toarray(), model.target_items),
    )
    for weight, seen, items in domains:
        present = seen.any(axis=1)
        seen, here = seen[present], users[present].astype(float)
        guess = here @ items.T
        cell = settings.unobserved_weight * seen.mean()  # of the users who are here
        fit = (seen * (1 - guess) ** 2).sum() + cell * (guess**2).sum()
        silent_users, silent_items = cell * len(items), cell * len(here)
        small = ((seen.sum(1) + silent_users) * (here**2).sum(1)).sum()
        small += ((seen.sum(0) + silent_items) * (items.astype(float) ** 2).sum(1)).sum()
        total += weight * (fit + settings.regularization * small)
    return total


def test_the_reported_loss_is_the_loss_of_the_paper_and_never_rises():
    pair = twin_tastes().pair
    model = build("cmf_als", {"factors": 8, "epochs": 6, "source_loss_weight": 0.4})
    losses = []
    parts = None
    steps = model.fit_epochs(pair, 3)
    for step in steps:
        losses.append(step.loss)
        if parts is not None:
            by_hand = whole_loss(model, pair, parts.sum(axis=1))
            rows = 0.4 * pair.source.nnz + pair.target.nnz
            assert np.isclose(step.loss, by_hand / rows, rtol=1e-4)
        parts = model._user_parts(pair.source, pair.target)  # the users the next step will use
    assert (np.diff(losses) <= 1e-6).all()


def test_a_user_absent_from_the_target_is_not_pulled_towards_zero_by_its_silence():
    """Cold users are solved as if the target did not exist: its item vectors change nothing."""
    pair = twin_tastes().pair
    model = build("cmf_als", {"factors": 8})
    list(model.fit_epochs(pair, 0))
    cold = pair.cold_users[:3]
    before = model._user_parts(pair.source[cold], pair.target[cold])
    model.target_items = model.target_items * 100
    after = model._user_parts(pair.source[cold], pair.target[cold])
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", ["cmf_als"])
def test_vectors_of_a_user_sum_to_the_vector_that_scores(name):
    pair = twin_tastes().pair
    model = build(name, {"factors": 8})
    list(model.fit_epochs(pair, 0))
    vectors = model.vectors()
    own = (vectors.source_users + vectors.target_users) @ vectors.target_items.T
    scores = model.score(np.arange(len(pair.users))).own_scores()
    np.testing.assert_allclose(own, scores, atol=1e-5)
