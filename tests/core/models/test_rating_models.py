"""Models of ratings against systems written out, and what each of their settings does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.factors.als import ridge_over_rows
from core.models.registry import build
from tests.worlds import pair_of, rated_tastes

WORLD = rated_tastes()
EVERYBODY = np.arange(len(WORLD.pair.users))


def fitted(name: str, train=WORLD.pair, **settings):
    model = build(name, settings)
    list(model.fit_epochs(train, 3))
    return model


def squared_error(model, pair) -> float:
    rows = np.repeat(EVERYBODY, pair.target_history)
    guess = np.broadcast_to(model.score(EVERYBODY).own_scores(), pair.target.shape)
    return float(((guess[rows, pair.target.indices] - pair.target.data) ** 2).mean())


def test_biases_are_the_ridge_regression_on_users_and_items():
    pair, ridge = WORLD.pair, 2.0
    model = fitted("bias", bias_regularization=ridge)
    rows = np.repeat(EVERYBODY, pair.target_history)
    design = np.zeros((pair.target.nnz, len(EVERYBODY) + len(pair.target_items)))
    design[np.arange(len(rows)), rows] = 1
    design[np.arange(len(rows)), len(EVERYBODY) + pair.target.indices] = 1
    wanted = pair.target.data - pair.target.data.mean()
    solved = np.linalg.solve(design.T @ design + ridge * np.eye(design.shape[1]), design.T @ wanted)
    np.testing.assert_allclose(model.items, solved[len(EVERYBODY) :], atol=1e-3)
    scores = model.score(EVERYBODY)
    np.testing.assert_allclose(scores.target[:, 0], solved[: len(EVERYBODY)], atol=1e-3)


def test_a_lenient_user_is_expected_to_rate_higher_and_a_stranger_the_item_as_others_do():
    table = np.array([[5, 5, 0, 0], [1, 1, 0, 0], [3, 3, 3, 3], [0, 0, 0, 0]])
    model = fitted("bias", pair_of(np.ones((4, 1)), table))
    lenient, strict, _, stranger = model.score(np.arange(4)).own_scores()[:, 2]
    assert lenient > stranger > strict


def test_user_vectors_solve_one_system_over_the_weighted_ratings_of_both_domains():
    model = fitted("cmf_rating", factors=3, source_loss_weight=0.4, shared_bias=0.3)
    user, penalty = 4, model.penalty
    rows = WORLD.pair.source[[user]], WORLD.pair.target[[user]]
    history = np.vstack(
        [
            model.source.features(penalty)[rows[0].indices],
            model.target.features(penalty)[rows[1].indices],
        ]
    )
    wanted = np.concatenate(
        [
            (row.data - domain.mean) / domain.deviation - domain.biases[row.indices]
            for domain, row in zip((model.source, model.target), rows, strict=True)
        ]
    )
    weight = np.repeat([0.4, 1.0], [rows[0].nnz, rows[1].nnz])
    left = (history.T * weight) @ history + 15 * np.eye(history.shape[1])
    vector = np.linalg.solve(left, (history.T * weight) @ wanted)
    scores = model.target.features(penalty) @ vector + model.target.biases
    expected = model.target.mean + model.target.deviation * scores
    np.testing.assert_allclose(model.score(np.array([user])).own_scores()[0], expected, atol=1e-4)


def test_the_constants_carry_two_biases_with_the_ridge_and_likeness_asked_for():
    penalty = build(
        "cmf_rating", {"regularization": 12, "bias_regularization": 3, "shared_bias": 0.25}
    ).penalty
    source, target = penalty.bias_features(1), penalty.bias_features(2)
    assert np.isclose(12 / (source @ source), 3)  # ridge of a bias from the vector's own ridge
    assert np.isclose((source @ target) / (source @ source), 0.25)


@pytest.mark.parametrize("normalization", ["mean", "z-score"])
def test_a_users_own_mean_and_deviation_are_in_the_target_part_and_in_its_reasons(normalization):
    model = fitted("cmf_rating", normalization=normalization)
    users, pair = np.array([7, 159]), WORLD.pair
    scores = model.score(users)
    folded = model.fold_in(pair.source[users], pair.target[users])
    np.testing.assert_allclose(scores.own_scores(), folded.own_scores(), atol=1e-5)
    assert not scores.target[1].any()
    why = model.explain(pair.source[[7]], pair.target[[7]], 3)
    assert np.isclose(why.target_amounts.sum(), scores.target[0, 3], atol=1e-4)
    assert np.isclose(why.source_amounts.sum(), scores.source[0, 3], atol=1e-4)


def test_normalising_by_user_makes_users_who_use_the_scale_differently_alike():
    """The same tastes said on half the scale: only z-scores recover the user's own numbers."""
    pair = WORLD.pair
    timid = np.repeat(EVERYBODY, pair.target_history) % 4 < 2
    data = np.where(timid, 3 + (pair.target.data - 3) / 4, pair.target.data)
    target = csr_matrix((data.astype(np.float32), pair.target.indices, pair.target.indptr))
    world = pair_of(pair.source.toarray(), target.toarray())
    small = {"factors": 1, "regularization": 1.0, "bias_regularization": 0.5}
    errors = {
        name: squared_error(fitted("cmf_rating", world, **small, normalization=name), world)
        for name in ("none", "z-score")
    }
    assert errors["z-score"] < 0.9 * errors["none"]


def test_factors_find_tastes_that_biases_cannot():
    biases = squared_error(fitted("bias"), WORLD.pair)
    factors = squared_error(fitted("mf_rating", regularization=2.0), WORLD.pair)
    assert factors < 0.3 * biases


def test_more_rounds_bring_the_loss_down():
    model = build("cmf_rating", {"factors": 4, "regularization": 1.0})
    losses = [step.loss for step in model.fit_epochs(WORLD.pair, 3)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_rating_of_zero_is_a_rating():
    """Users 0 and 1 hated item 0; without the zeros nobody would have rated it."""
    values, columns = np.array([0, 5, 0, 5, 4, 4], dtype=np.float32), [0, 1, 0, 1, 1, 2]
    target = csr_matrix((values, columns, [0, 2, 4, 6]), shape=(3, 3))
    pair = pair_of(np.ones((3, 2)), np.ones((3, 3)))
    from dataclasses import replace

    for name in ("bias", "mf_rating", "cmf_rating"):
        scores = fitted(name, replace(pair, target=target)).score(np.arange(3)).own_scores()
        assert scores[2, 0] < scores[2, 2] - 0.5


def test_by_adam_a_user_is_the_ridge_regression_on_both_domains_ratings():
    model = fitted("cmf_rating_adam", factors=3, regularization=4.0, source_loss_weight=0.4)
    user, weights = 0, model.weights
    blocks = []
    for domain, matrix, weight in (
        ("source", WORLD.pair.source, 0.4),
        ("target", WORLD.pair.target, 1),
    ):
        row = matrix[user]
        base, scale = weights[f"fixed.{domain}.base"], weights[f"fixed.{domain}.deviation"][0]
        left = (row.data - base[row.indices]) / scale
        features = np.column_stack([np.ones(row.nnz), weights[f"{domain}.items"][row.indices]])
        blocks.append((features, left, np.full(row.nnz, weight)))
    features, left, weight = (np.concatenate(part) for part in zip(*blocks, strict=True))
    solved = np.linalg.solve(
        features.T @ (weight[:, None] * features) + 4 * np.eye(4), features.T @ (weight * left)
    )
    found = model.network.users(weights, WORLD.pair.source[[user]], WORLD.pair.target[[user]], None)
    np.testing.assert_allclose(found[0], solved, atol=1e-4)


def test_by_adam_source_ratings_teach_more_than_the_target_alone():
    """Cold users are predicted better with the source than by base ratings, which the twin says."""
    model = fitted("cmf_rating_adam", factors=8)
    twin = fitted("cmf_rating_adam", WORLD.pair.target_only(), factors=8)
    cold = WORLD.pair.cold_users
    ours, theirs = (one.score(cold).own_scores() for one in (model, twin))
    truth = np.where(WORLD.liked[cold], 4.5, 1.5)
    assert ((ours - truth) ** 2).mean() < 0.5 * ((theirs - truth) ** 2).mean()


def test_what_was_rated_draws_a_user_towards_it():
    """SVD++'s implicit part: the ridge on p is one on p - z, with z = |N|^-.5 sum y."""
    model = fitted("cmf_rating", factors=3, chosen_regularization=2.0)
    pair, user, penalty = WORLD.pair, 4, model.penalty
    domains = ((model.source, pair.source), (model.target, pair.target))
    expected_vector = sum(
        domain.chosen[table[[user]].indices].sum(0) / np.sqrt(table[[user]].nnz)
        for domain, table in domains
    )
    history = np.vstack(
        [domain.features(penalty)[table[[user]].indices] for domain, table in domains]
    )
    wanted = np.concatenate(
        [
            (table[[user]].data - domain.mean) / domain.deviation
            - domain.biases[table[[user]].indices]
            for domain, table in domains
        ]
    )
    weight = np.repeat([0.3, 1.0], [table[[user]].nnz for _, table in domains])
    system = (history.T * weight) @ history + 15 * np.eye(history.shape[1])
    right = (history.T * weight) @ wanted + 15 * expected_vector
    scores = model.target.features(penalty) @ np.linalg.solve(system, right) + model.target.biases
    expected = model.target.mean + model.target.deviation * scores
    np.testing.assert_allclose(model.score(np.array([user])).own_scores()[0], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["mf_rating", "cmf_rating"])
def test_what_was_rated_stays_in_exact_parts_reasons_and_files(name):
    model = fitted(name, factors=4, chosen_regularization=2.0)
    pair, user = WORLD.pair, 4
    row = pair.source[[user]], pair.target[[user]]
    scores, why = model.fold_in(*row), model.explain(*row, 3)
    assert why.source_amounts.sum() == pytest.approx(float(scores.source[0, 3]), abs=1e-4)
    assert why.target_amounts.sum() == pytest.approx(float(scores.target[0, 3]), abs=1e-4)
    again = build(name, {"factors": 4, "chosen_regularization": 2.0})
    again.restore(pair, model.state())
    np.testing.assert_allclose(
        again.score(EVERYBODY).own_scores(), model.score(EVERYBODY).own_scores(), atol=1e-5
    )
    plain = fitted(name, factors=4)
    assert np.abs(plain.score(EVERYBODY).target - model.score(EVERYBODY).target).max() > 1e-3


def test_a_ridge_over_rows_is_the_one_written_out():
    rng = np.random.default_rng(0)
    rows = csr_matrix(rng.random((30, 8)) * (rng.random((30, 8)) < 0.3))
    wanted = np.hstack([rng.normal(size=(30, 2)), np.zeros((30, 1))])
    dense = rows.toarray()
    solved = np.linalg.solve(dense.T @ dense + 0.5 * np.eye(8), dense.T @ wanted)
    np.testing.assert_allclose(ridge_over_rows(rows, wanted, 0.5), solved, atol=1e-3)
