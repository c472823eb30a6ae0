"""Multi-task learning: weights of the tasks by hand, both directions, and what is kept out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.kernel.batches import user_batches
from core.models.networks.multi_task import (
    NOISE,
    MultiTask,
    MultiTaskSettings,
    held_out,
    held_out_ndcg,
    uncertain,
    without,
)
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes

WORLD = twin_tastes()


def rows(*dense) -> csr_matrix:
    return csr_matrix(np.array(dense, dtype=np.float32))


def fitted(pair=WORLD.pair, **settings):
    model = build("multi_task", {"epochs": 60} | settings)
    for _ in model.fit_epochs(pair, 1):
        pass
    return model


def test_both_towers_stand_on_one_shared_layer_worked_by_hand():
    network = MultiTask(MultiTaskSettings(factors=2))
    weights = network.start(pair_of(np.ones((1, 2)), np.ones((1, 4))), np.random.default_rng(0))
    weights["source.read"][:], weights["target.read"][:] = [[3, -1], [0, 0]], [[1, 2]] * 4
    weights["shared.weight"][:], weights["shared.bias"][:] = [[1, 0], [0, -1]], [-1, 6]
    weights["target.tower.weight"][:] = np.eye(2)
    weights["source.tower.weight"][:] = [[0, 1], [1, 0]]
    weights["target.found"][:] = [[2, 0], [0, 5], [1, 1], [-1, 0]]
    weights["source.found"][:] = [[7, 0], [0, 7]]
    histories = rows([1, 0]), rows([1, 1, 1, 1])
    # Read (3, -1) + (2, 4) = (5, 3); shared relu(5 - 1, -3 + 6) = (4, 3).
    users = network.users(weights, *histories, None)
    scores = network.scores(weights, users, None)
    np.testing.assert_allclose(scores, [[0.8, 0.6, 1.4 / 2**0.5, -0.8]], rtol=1e-6)
    np.testing.assert_allclose(network.source_scores(weights, *histories), [[0.6, 0.8]], rtol=1e-6)


def test_learned_weights_are_those_of_kendall_worked_by_hand():
    import torch

    spread = torch.tensor([np.log(2.0), np.log(4.0)])
    loss = uncertain(spread, torch.tensor(6.0), torch.tensor(8.0))
    assert float(loss) == pytest.approx(6 / 2 + 8 / 4 + (np.log(2) + np.log(4)) / 2)
    assert float(uncertain(spread, None, torch.tensor(8.0))) == pytest.approx(2 + np.log(4) / 2)


def test_an_uncertain_task_learns_to_count_less():
    """Source items are drawn at random here, so finding them stays a matter of luck."""
    rng = np.random.default_rng(0)
    noise = (rng.random((160, 60)) < 0.15).astype(float)
    pair = pair_of(noise, WORLD.pair.target.toarray())
    spread = fitted(pair, weighting="learned").weights[NOISE]
    assert spread[0] > spread[1] > 0


def test_fixed_weights_learn_no_variance_and_weigh_the_source():
    import torch

    losses = {}
    for weight in (0.0, 0.5, 1.0):
        network = MultiTask(MultiTaskSettings(source_loss_weight=weight))
        weights = network.start(WORLD.pair, np.random.default_rng(0))
        assert NOISE not in weights
        batch = next(
            user_batches(
                WORLD.pair,
                None,
                np.random.default_rng(1),
                1,
                size=50,
                interaction_dropout=0.5,
                history_dropout=0.0,
            )
        )
        tensors = {name: torch.tensor(array) for name, array in weights.items()}
        losses[weight] = float(network.loss(tensors, batch))
    assert losses[0.5] == pytest.approx((losses[0.0] + losses[1.0]) / 2, rel=1e-5)
    assert losses[1.0] > losses[0.0] + 1


def test_the_model_finds_source_items_too():
    model = fitted()
    source = model.score_source(np.arange(160))
    assert source.shape == (160, 60)
    parity = (np.arange(160)[:, None] % 2) == (np.arange(60) % 2)
    top = np.argsort(-source, axis=1)[:, :10]
    assert np.take_along_axis(parity, top, 1).mean() > 0.95


def test_a_source_task_that_counts_nothing_finds_nothing():
    idle = fitted(source_loss_weight=0.0)
    ours, popular = (finding.value for finding in idle.findings())
    trained = fitted().findings()[0].value
    assert trained > 1.5 * popular
    assert ours < trained / 1.5


def test_what_is_kept_out_is_neither_read_nor_asked_for():
    """Every source item has one user here: where it is kept out, nothing moves its vector."""
    pair = pair_of(np.kron(np.eye(20), np.ones((1, 10))), np.ones((20, 4)))
    hidden = held_out(pair.source, 0.5)
    settings = {"source_held_out": 0.5, "weight_decay": 0.0, "interaction_dropout": 0.0}
    network = MultiTask(MultiTaskSettings.of(settings))
    first = network.start(pair, np.random.default_rng(1))["source.read"]
    moved = abs(fitted(pair, epochs=3, **settings).weights["source.read"] - first).sum(1) > 0
    np.testing.assert_array_equal(moved, without(pair.source, hidden).sum(0).A1 > 0)
    assert moved.sum() == 100


def test_a_tenth_of_long_histories_is_kept_out_and_nothing_of_short_ones():
    source = rows([1] * 30, [1] * 10 + [0] * 20, [1] * 4 + [0] * 26, [0] * 30)
    hidden = held_out(source, 0.1)
    assert np.diff(hidden.indptr).tolist() == [3, 1, 0, 0]
    assert (source - hidden).min() >= 0
    assert (held_out(source, 0.1) != hidden).nnz == 0
    left = without(source, hidden)
    assert left.nnz == source.nnz - hidden.nnz
    assert left.multiply(hidden).nnz == 0


def test_held_out_ndcg_is_worked_by_hand_and_ties_find_nothing():
    known, hidden = (
        rows([1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]),
        rows([0, 1, 0, 0], [1, 0, 0, 1], [0] * 4),
    )
    scores = np.array([[9.0, 1, 5, 0], [3, 9, 2, 1], [0, 0, 0, 0]])
    # User 0: item 1 stands second behind item 2. User 1: items 0 and 3 stand first and third.
    ideal = 1 + 1 / np.log2(3)
    expected = (1 / np.log2(3) + (1 + 1 / np.log2(4)) / ideal) / 2
    assert held_out_ndcg(lambda users: scores[users], known, hidden) == pytest.approx(expected)
    flat = np.zeros((3, 40))
    wide = rows([0, 1] + [0] * 38, [0] * 40, [0] * 40)
    assert held_out_ndcg(lambda users: flat[users], wide * 0, wide) == 0


def test_nothing_is_reported_where_nothing_was_kept_out():
    assert fitted(epochs=1, source_held_out=0.0).findings() == []
    assert fitted(WORLD.pair.target_only(), epochs=1).findings() == []
