"""DTCDR: the three combinations and both tasks by hand; without them nothing crosses over."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.kernel.batches import user_batches
from core.models.networks.dtcdr import DTCDR, DTCDRSettings
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes


def rows(*dense) -> csr_matrix:
    return csr_matrix(np.array(dense, dtype=np.float32))


def by_hand(combination: str) -> tuple[DTCDR, dict[str, np.ndarray]]:
    network = DTCDR(DTCDRSettings(factors=2, combination=combination))
    weights = network.start(pair_of(np.ones((1, 1)), np.ones((1, 4))), np.random.default_rng(0))
    weights["source.read"][:] = [[3, -1]]
    weights["target.read"][:] = [[1, 2]] * 4  # four of them: 4 * (1, 2) / 4^.5 = (2, 4)
    return network, weights


@pytest.mark.parametrize(
    ("combination", "expected"),
    [("max", [3, 4]), ("mean", [2.5, 1.5]), ("concatenation", [3, -1, 2, 4])],
)
def test_vectors_of_a_shared_user_are_combined_as_the_paper_says(combination, expected):
    network, weights = by_hand(combination)
    found = network._combined(weights, rows([1]), rows([1, 1, 1, 1]))
    np.testing.assert_allclose(found, [expected])


@pytest.mark.parametrize("combination", ["max", "mean"])
def test_a_user_of_one_domain_keeps_their_own_vector(combination):
    """The larger of (3, -1) and nothing would otherwise be (3, 0)."""
    network, weights = by_hand(combination)
    alone = network._combined(weights, rows([1]), rows([0, 0, 0, 0]))
    np.testing.assert_allclose(alone, [[3, -1]])


def test_the_score_is_the_cosine_behind_the_network_worked_by_hand():
    network, weights = by_hand("max")
    weights["target.1.weight"][:], weights["target.1.bias"][:] = [[1, 0], [0, -1]], [1, 0]
    weights["target.2.weight"][:], weights["target.2.bias"][:] = np.eye(2), [0, 3]
    weights["target.found"][:] = [[2, 0], [0, 5], [1, 1], [-1, 0]]
    users = network.users(weights, rows([1]), rows([1, 1, 1, 1]), None)
    # (3, 4) -> relu(4, -4) = (4, 0) -> (4, 3) -> (.8, .6)
    scores = network.scores(weights, users, None)
    np.testing.assert_allclose(scores, [[0.8, 0.6, 1.4 / 2**0.5, -0.8]], rtol=1e-6)


def test_the_loss_is_that_of_both_tasks():
    import torch

    world = twin_tastes()
    losses = {}
    for weight in (0.0, 0.5, 1.0):
        network = DTCDR(DTCDRSettings(temperature=2.0, source_loss_weight=weight))
        weights = network.start(world.pair, np.random.default_rng(0))
        tensors = {name: torch.tensor(array) for name, array in weights.items()}
        batch = next(
            user_batches(
                world.pair,
                None,
                np.random.default_rng(1),
                1,
                size=50,
                interaction_dropout=0.5,
                history_dropout=0.0,
            )
        )
        losses[weight] = float(network.loss(tensors, batch))
    source = losses[1.0] - losses[0.0]
    assert losses[0.5] == pytest.approx(losses[0.0] + source / 2, rel=1e-5)
    assert source == pytest.approx(np.log(60), rel=0.05)  # nothing learned: one of 60 items


@pytest.mark.parametrize("combination", ["max", "mean", "concatenation"])
def test_without_the_combination_nothing_crosses_over(combination, monkeypatch):
    world = twin_tastes()
    cold = world.pair.cold_users

    def found() -> float:
        model = build("dtcdr", {"combination": combination, "epochs": 60})
        for _ in model.fit_epochs(world.pair, 1):
            pass
        top = np.argsort(-model.score(cold).own_scores(), axis=1, kind="stable")[:, :5]
        return float(np.take_along_axis(world.liked[cold], top, 1).mean())

    assert found() > 0.95
    whole = DTCDR._combined

    def own_domain_only(self, weights, source, target):
        return whole(self, weights, csr_matrix(source.shape, dtype=np.float32), target)

    monkeypatch.setattr(DTCDR, "_combined", own_domain_only)
    assert found() < 0.8
