"""NeuMF of ratings: its equation by hand, where it starts, what it learns from, its parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from core.models.kernel.batches import Batch, user_batches
from core.models.kernel.gradient import Steps
from core.models.ratings.neumf_rating import NeuMFRating, NeuMFRatingSettings, hidden_ratings
from core.models.registry import build
from tests.worlds import pair_of, rated_tastes

WORLD = rated_tastes()
EVERYBODY = np.arange(len(WORLD.pair.users))


def rows(*dense) -> csr_matrix:
    return csr_matrix(np.array(dense, dtype=np.float32))


def by_hand() -> tuple[NeuMFRating, dict[str, np.ndarray]]:
    """d = 1, one layer; means 3 (source) and 2 (target), biases of items 0 but for the second."""
    network = NeuMFRating(
        NeuMFRatingSettings(factors=1, hidden=1, layers=1, bias_regularization=1.0, dropout=0.0)
    )
    weights = network.start(pair_of(np.ones((1, 1)), np.ones((1, 2))), np.random.default_rng(0))
    weights["fixed.source.mean"][:], weights["fixed.target.mean"][:] = 3, 2
    weights["fixed.source.items"][:], weights["fixed.target.items"][:] = 0, [0, 0.5]
    weights["source.read"][:], weights["source.rated"][:] = [[1, 2]], [[0.5, 0]]
    weights["target.read"][:], weights["target.rated"][:] = [[3, 4], [0, 0]], [[0, 0.25], [0, 0]]
    weights["target.found"][:] = [[2, 1], [10, -1]]
    weights["lenience"][:], weights["product"][:] = [1, 0.5, 0.25], [2]
    weights["user.weight"][:], weights["user.bias"][:] = [[1]], [0]
    weights["item.weight"][:], weights["item.bias"][:] = [[3]], [0.5]
    weights["mlp.1.weight"][:], weights["mlp.1.bias"][:] = [[10]], [7]
    return network, weights


# Source rating 5: bias (5 - 3) / (1 + 1) = 1, left 1: (1, 2) + (.5, 0).
# Target rating 4: bias (4 - 2) / (1 + 1) = 1, left 1: (3, 4) + (0, .25). Together (4.5, 6.25).
# User's bias: 1 * 1 + .5 * 1 + .25 * 1 * 1 / (1 + 1) = 1.625.
BOTH = [
    2 + 1.625 + 2 * 4.5 * 2 + 10 * (6.25 + 3.5) + 7,
    2.5 + 1.625 + 2 * 4.5 * 10 + 10 * (6.25 - 2.5) + 7,
]


def test_a_rating_is_biases_product_and_network_worked_by_hand():
    network, weights = by_hand()
    users = network.users(weights, rows([5]), rows([4, 0]), None)
    np.testing.assert_allclose(network.scores(weights, users, None), [BOTH], rtol=1e-6)
    some = network.scores(weights, users, np.array([1]))
    np.testing.assert_allclose(some, [BOTH[1:]], rtol=1e-6)


def test_nobody_is_expected_to_rate_as_the_items_bias_and_the_network_say():
    network, weights = by_hand()
    nobody = network.users(weights, rows([0]), rows([0, 0]), None)
    # The network hears the item alone: relu(3 * 1 + .5) and relu(-3 + .5).
    np.testing.assert_allclose(
        network.scores(weights, nobody, None), [[2 + 35 + 7, 2.5 + 0 + 7]], rtol=1e-6
    )


def test_the_loss_is_the_mean_squared_error_of_hidden_ratings_worked_by_hand():
    network, weights = by_hand()
    tensors = {name: torch.tensor(array) for name, array in weights.items()}
    shown, wanted = rows([4, 0]), rows([4, 1])
    rng = np.random.default_rng(0)
    batch = Batch(np.array([0]), rows([5]), shown, rows([5]), wanted, rng, 1)
    assert float(network.loss(tensors, batch)) == pytest.approx((BOTH[1] - 1) ** 2)


def test_a_hidden_rating_of_zero_is_a_rating():
    wanted = csr_matrix((np.array([0.0, 3.0, 0.0]), [0, 1, 2], [0, 3]), (1, 4))
    shown = csr_matrix((np.array([0.0]), [0], [0, 1]), (1, 4))
    asked, items, ratings = hidden_ratings(shown, wanted)
    assert (asked.tolist(), items.tolist(), ratings.tolist()) == ([0, 0], [1, 2], [3.0, 0.0])
    assert hidden_ratings(wanted, wanted)[2].tolist() == [0.0, 3.0, 0.0]


def test_a_shown_rating_of_zero_stays_where_other_users_are_silenced():
    zeros = pair_of(np.ones((40, 2)), np.ones((40, 2)))
    zeros.target.data[:] = 0
    (batch,) = user_batches(
        zeros,
        None,
        np.random.default_rng(1),
        1,
        size=40,
        interaction_dropout=0.0,
        history_dropout=0.5,
    )
    assert set(np.diff(batch.target_shown.indptr)) == {0, 2}


def test_training_starts_near_the_bias_model_and_halves_its_error():
    network = NeuMFRating(NeuMFRatingSettings())
    weights = network.start(WORLD.pair, np.random.default_rng(3))
    users = network.users(weights, WORLD.pair.source, WORLD.pair.target, None)
    bias, model = build("bias"), build("neumf_rating")
    for one in (bias, model):
        for _ in one.fit_epochs(WORLD.pair, 3):
            pass
    expected = bias.score(EVERYBODY).own_scores()
    assert abs(network.scores(weights, users, None) - expected).mean() < 0.3  # of a scale of 1 to 5
    given = WORLD.pair.target.toarray()
    errors = [
        ((one.score(EVERYBODY).own_scores() - given)[given > 0] ** 2).mean()
        for one in (bias, model)
    ]
    assert errors[1] < 0.5 * errors[0]


def test_mean_and_item_biases_stay_while_the_rest_is_trained():
    network = NeuMFRating(NeuMFRatingSettings())
    start = network.start(WORLD.pair, np.random.default_rng(0))
    steps = Steps(start, network.settings, "cpu")
    (batch, *_) = user_batches(
        WORLD.pair,
        None,
        np.random.default_rng(1),
        1,
        size=160,
        interaction_dropout=0.5,
        history_dropout=0.0,
    )
    steps.step(lambda weights: network.loss(weights, batch))
    moved = {name for name, array in steps.arrays().items() if (array != start[name]).any()}
    assert moved == {name for name in start if not name.startswith("fixed.")}


def test_a_part_is_what_a_history_adds_to_the_answer_to_nobody():
    model = build("neumf_rating", {"epochs": 3})
    for _ in model.fit_epochs(WORLD.pair, 1):
        pass
    cold = WORLD.pair.cold_users[:4]
    scores = model.score(cold)
    nothing = [csr_matrix((1, table.shape[1])) for table in (WORLD.pair.source, WORLD.pair.target)]
    np.testing.assert_allclose(model.fold_in(*nothing).own_scores(), scores.base, atol=1e-6)
    np.testing.assert_allclose(scores.base + scores.source, scores.own_scores(), atol=1e-5)
    assert abs(scores.source).max() > 0.01
