"""Feature-level fusion: both ways to join, by hand, and what the joining is good for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.networks.feature_fusion import FeatureFusion, FeatureFusionSettings
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes


def rows(*dense) -> csr_matrix:
    return csr_matrix(np.array(dense, dtype=np.float32))


def by_hand(join: str) -> tuple[FeatureFusion, dict[str, np.ndarray]]:
    """d = 2; the head hands on what is positive."""
    settings = FeatureFusionSettings(factors=2, hidden=4 if join == "concatenation" else 2)
    network = FeatureFusion(FeatureFusionSettings(**(settings.to_dict() | {"join": join})))
    pair = pair_of(np.ones((1, 1)), np.ones((1, 4)))
    weights = network.start(pair, np.random.default_rng(0))
    weights["source.read"][:] = [[3, -1]]
    weights["target.read"][:] = [[1, 2]] * 4
    weights["target.found"][:] = [[2, 0], [0, 5], [1, 1], [-1, 0]]
    weights["head.1.weight"][:] = np.eye(len(weights["head.1.weight"]))
    weights["head.2.weight"][:] = np.vstack([np.eye(2)] * 2)[: network.settings.hidden]
    return network, weights


def test_features_side_by_side_are_worked_by_hand():
    network, weights = by_hand("concatenation")
    # phi_source = (3, -1); phi_target = 4 * (1, 2) / 4^.5 = (2, 4); relu -> (3, 0, 2, 4).
    users = network.users(weights, rows([1]), rows([1, 1, 1, 1]), None)
    np.testing.assert_allclose(users, [np.array([5, 4]) / 41**0.5], rtol=1e-6)
    scores = network.scores(weights, users, None)[0]
    np.testing.assert_allclose(scores, np.array([5, 4, 9 / 2**0.5, -5]) / 41**0.5, rtol=1e-6)


def test_the_gate_mixes_features_as_worked_by_hand():
    network, weights = by_hand("gate")
    # First feature: gate sigmoid(log 3) = 3/4 where the source's is 3; second: always 1/2.
    weights["gate.weight"][:] = 0
    weights["gate.weight"][0, 0] = np.log(3) / 3
    users = network.users(weights, rows([1]), rows([1, 1, 1, 1]), None)
    mixed = np.array([3 / 4 * 3 + 1 / 4 * 2, 1 / 2 * -1 + 1 / 2 * 4])
    np.testing.assert_allclose(users, [mixed / np.linalg.norm(mixed)], rtol=1e-6)


def test_a_silenced_domain_leaves_the_features_of_the_other():
    network, weights = by_hand("gate")
    weights["gate.weight"][:] = 0
    users = network.users(weights, rows([0]), rows([1, 1, 1, 1]), None)
    np.testing.assert_allclose(users, [np.array([2, 4]) / 20**0.5], rtol=1e-6)


def test_the_head_is_not_a_sum():
    """Before a dot product, fusing features would be the weighted sum of the parts."""
    network, weights = by_hand("concatenation")
    source, target = rows([1]), rows([1, 1, 1, 1])
    nobody = rows([0]), rows([0, 0, 0, 0])
    both = network.users(weights, source, target, None)
    alone = (
        network.users(weights, source, nobody[1], None),
        network.users(weights, nobody[0], target, None),
    )
    assert abs(both - (alone[0] + alone[1])).max() > 0.1


@pytest.mark.parametrize("join", ["gate", "concatenation"])
def test_a_fusion_that_lost_the_source_features_cannot_serve_cold_users(join):
    world = twin_tastes()
    cold = world.pair.cold_users
    model = build("feature_fusion", {"join": join, "epochs": 60})
    for _ in model.fit_epochs(world.pair, 1):
        pass

    def found() -> float:
        top = np.argsort(-model.score(cold).own_scores(), axis=1, kind="stable")[:, :5]
        return float(np.take_along_axis(world.liked[cold], top, 1).mean())

    assert found() > 0.95
    model.weights["source.read"] = model.weights["source.read"] * 0
    assert found() < 0.8


@pytest.mark.parametrize("features", ["pca", "als", "nmf"])
def test_fixed_features_stay_what_their_map_made_of_them(features):
    world = twin_tastes()
    model = build("feature_fusion", {"features": features, "factors": 8, "epochs": 60})
    first = model.network.start(world.pair, np.random.default_rng(1))
    for _ in model.fit_epochs(world.pair, 1):
        pass
    fixed = [name for name in first if "." not in name]
    assert fixed
    for name in fixed:
        np.testing.assert_array_equal(model.weights[name], first[name])
    cold = world.pair.cold_users
    top = np.argsort(-model.score(cold).own_scores(), axis=1, kind="stable")[:, :5]
    assert np.take_along_axis(world.liked[cold], top, 1).mean() > 0.95


def test_the_gate_listens_to_the_source_where_the_target_is_noise():
    """Target histories are drawn at random; only the source says what a user likes."""
    rng = np.random.default_rng(0)
    parity = np.arange(200) % 2
    source = (rng.random((200, 20)) < 0.4) * (parity[:, None] == np.arange(20) % 2)
    target = (rng.random((200, 20)) < 0.2) * (parity[:, None] == np.arange(20) % 2)
    noise = (rng.random((200, 20)) < 0.2).astype(float)
    pair = pair_of(source, np.hstack([target, noise]))
    model = build("feature_fusion", {"join": "gate", "epochs": 60})
    for _ in model.fit_epochs(pair, 1):
        pass
    everybody = np.arange(200)
    scores = model.score(everybody)
    right = parity[:, None] == np.arange(20) % 2

    def lead(part: np.ndarray) -> float:
        return float((part[:, :20] * np.where(right, 1, -1)).mean())

    assert lead(scores.source) > 2 * abs(lead(scores.target)) > 0
