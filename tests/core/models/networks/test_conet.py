"""CoNet: two networks and their cross connections by hand; without them nothing crosses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.kernel.batches import user_batches
from core.models.networks.conet import CoNet, CoNetSettings
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes


def rows(*dense) -> csr_matrix:
    return csr_matrix(np.array(dense, dtype=np.float32))


def by_hand() -> tuple[CoNet, dict[str, np.ndarray]]:
    """d = 1, widths 2 -> 1 -> 1; one source item, four target items."""
    network = CoNet(CoNetSettings(factors=1, hidden=1, layers=2))
    weights = network.start(pair_of(np.ones((1, 1)), np.ones((1, 4))), np.random.default_rng(0))
    values = {
        "source.read": 3,
        "source.found": 2,
        "target.read": 1,
        "target.found": [[5], [0], [-9], [5]],
        "target.popular": [0, 0, 0, 0.25],
        "target.1.weight": [[1], [2]],
        "target.1.bias": -4,
        "source.1.weight": [[2], [1]],
        "source.1.bias": 1,
        "cross.1": [[0.5], [-1]],
        "target.2.weight": 3,
        "target.2.bias": 1,
        "source.2.weight": 7,
        "source.2.bias": 0,
        "cross.2": 10,
        "target.out.weight": 2,
        "target.out.bias": 0.5,
    }
    for name, value in values.items():
        weights[name][:] = value
    return network, weights


def test_the_score_is_both_networks_worked_by_hand():
    network, weights = by_hand()
    # Target layer 0: u = 4 * 1 / 4^.5 = 2 beside v = 5; source layer 0: u = 3 beside mean item 2.
    # Layer 1: target relu(2*1 + 5*2 - 4 + 3*.5 + 2*-1) = 7.5;
    #          source relu(3*2 + 2*1 + 1 + 2*.5 + 5*-1) = 5.
    # Layer 2: target relu(7.5*3 + 1 + 5*10) = 73.5; answer 2 * 73.5 + .5.
    users = network.users(weights, rows([1]), rows([1, 1, 1, 1]), None)
    scores = network.scores(weights, users, None)
    np.testing.assert_allclose(scores[0, 0], 147.5)
    np.testing.assert_allclose(scores[0, 3], 147.75)
    # v = 0: target relu(2 - 4 - .5) = 0, source relu(9 + 1) = 10; relu(1 + 100) = 101.
    np.testing.assert_allclose(scores[0, 1], 202.5)


def test_some_items_score_as_they_do_among_all():
    network, weights = by_hand()
    users = network.users(weights, rows([1]), rows([1, 0, 0, 0]), None)
    every = network.scores(weights, users, None)
    np.testing.assert_allclose(
        network.scores(weights, users, np.array([3, 1])), every[:, [3, 1]], rtol=1e-6
    )


def test_without_cross_connections_the_target_hears_nothing_of_the_source():
    network, weights = by_hand()
    weights |= {name: weights[name] * 0 for name in ("cross.1", "cross.2")}
    for target in (rows([1, 1, 1, 1]), rows([0, 0, 0, 0])):
        known, unknown = (
            network.scores(weights, network.users(weights, source, target, None), None)
            for source in (rows([1]), rows([0]))
        )
        np.testing.assert_array_equal(known, unknown)


def test_cold_users_are_served_through_the_cross_connections_alone():
    world = twin_tastes()
    cold = world.pair.cold_users
    model = build("conet", {"epochs": 40, "batch_size": 32})
    for _ in model.fit_epochs(world.pair, 1):
        pass

    def found() -> float:
        top = np.argsort(-model.score(cold).own_scores(), axis=1, kind="stable")[:, :5]
        return float(np.take_along_axis(world.liked[cold], top, 1).mean())

    assert found() > 0.95
    for name in ("cross.1", "cross.2"):
        model.weights[name] = model.weights[name] * 0
    assert found() < 0.8


def loss_of(**settings) -> float:
    import torch

    world = twin_tastes()
    network = CoNet(CoNetSettings(factors=4, **settings))
    weights = network.start(world.pair, np.random.default_rng(0))
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
    return float(network.loss({key: torch.tensor(table) for key, table in weights.items()}, batch))


def test_after_a_step_every_cross_connection_is_softly_thresholded():
    import torch

    network = CoNet(CoNetSettings(learning_rate=0.1, sparsity=0.5))
    weights = {"cross.1": torch.tensor([[0.2, -0.04], [-0.3, 0.05]]), "rest": torch.ones(1) * 0.01}
    network.after_step(weights)
    np.testing.assert_allclose(weights["cross.1"], [[0.15, 0], [-0.25, 0]], atol=1e-7)
    assert weights["rest"] == pytest.approx(0.01)


def test_the_loss_is_that_of_both_domains():
    alone, half, whole = (loss_of(source_loss_weight=weight) for weight in (0.0, 0.5, 1.0))
    assert half == pytest.approx((alone + whole) / 2, rel=1e-4)
    assert whole - alone == pytest.approx(np.log(2), rel=0.1)  # nothing learned: a coin


def test_cross_connections_are_sparse_and_said_to_be():
    """By a gradient of |H| none of 1,152 was zero, whatever the pull (movielens)."""
    world = twin_tastes()
    shares = {}
    for sparsity in (0.0, 0.3):
        model = build("conet", {"epochs": 8, "batch_size": 32, "sparsity": sparsity})
        for _ in model.fit_epochs(world.pair, 1):
            pass
        crossing = np.concatenate([model.weights[f"cross.{layer}"].ravel() for layer in (1, 2)])
        (finding,) = model.findings()
        assert finding.value == pytest.approx((crossing == 0).mean())
        assert "1,152" in finding.help
        shares[sparsity] = finding.value
    assert shares[0.0] == 0
    assert 0.2 < shares[0.3] < 1
