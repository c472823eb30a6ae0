"""Collective factorization by Adam: its three losses, and what the source's loss is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.models.factors.cmf import Cmf, CmfSettings
from core.models.kernel.batches import user_batches
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes

WORLD = twin_tastes()


def loss_of(weights: dict, chance=1, **settings) -> float:
    """Loss of one user with one target item out of two and one source item out of one."""
    network = Cmf(CmfSettings(factors=2, **settings))
    pair = pair_of(np.ones((1, 1)), np.array([[1.0, 0.0]]))
    batch = next(
        user_batches(
            pair,
            None,
            np.random.default_rng(0),
            1,
            size=8,
            interaction_dropout=0.0,
            history_dropout=0.0,
        )
    )
    tensors = {name: torch.tensor(values) for name, values in weights.items()}
    return float(network.loss(tensors, replace(batch, rng=np.random.default_rng(chance))))


WEIGHTS = {
    "users": np.array([[2.0, 0.0]], dtype=np.float32),
    "source.items": np.array([[0.0, 3.0]], dtype=np.float32),
    "target.items": np.array([[1.0, 1.0], [0.0, -5.0]], dtype=np.float32),
}


def test_the_softmax_loss_by_hand():
    cosines = np.array([np.sqrt(0.5), 0.0]) / 0.5
    wanted = -np.log(np.exp(cosines[0]) / np.exp(cosines).sum())
    found = loss_of(WEIGHTS, temperature=0.5, source_loss_weight=0.0)
    assert np.isclose(found, wanted, atol=1e-5)
    # one source item has the whole share: its loss is 0 whatever its weight
    assert np.isclose(loss_of(WEIGHTS, temperature=0.5, source_loss_weight=3.0), wanted, atol=1e-5)


@pytest.mark.parametrize("loss", ["BPR", "cross-entropy"])
def test_pairwise_losses_by_hand(loss):
    liked, other = 2.0, 0.0  # the drawn item is the one that was not taken
    if loss == "BPR":
        expected = np.log1p(np.exp(-(liked - other)))
    else:
        expected = np.log1p(np.exp(-liked)) + np.log1p(np.exp(other))
    for chance in range(5):
        found = loss_of(WEIGHTS, chance, loss=loss, source_loss_weight=0.0)
        assert np.isclose(expected, found, atol=1e-5)


def cold_quality(source_loss_weight: float) -> float:
    values = {"epochs": 30, "factors": 8, "source_loss_weight": source_loss_weight}
    model = build("cmf", values, device="cpu")
    list(model.fit_epochs(WORLD.pair, 3))
    cold = WORLD.pair.cold_users
    top = np.argsort(-model.score(cold).own, axis=1)[:, :5]
    return float(np.take_along_axis(WORLD.liked[cold], top, 1).mean())


def test_cold_users_are_served_through_the_loss_of_the_source_and_not_without_it():
    assert cold_quality(0.5) > 0.95
    assert cold_quality(0.0) < 0.8


@pytest.mark.parametrize("loss", ["BPR", "cross-entropy"])
def test_other_losses_learn_too(loss):
    values = {"epochs": 40, "factors": 8, "loss": loss, "batch_size": 32}
    model = build("cmf", values, device="cpu")
    steps = list(model.fit_epochs(WORLD.pair, 3))
    assert steps[-1].loss < 0.8 * steps[0].loss
    warm = np.flatnonzero(WORLD.pair.target_history)
    top = np.argsort(-model.score(warm).own, axis=1)[:, :5]
    assert np.take_along_axis(WORLD.liked[warm], top, 1).mean() > 0.9
