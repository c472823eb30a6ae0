"""The contract of gradient models on CUDA; chosen with -m gpu, skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.registry import CARDS, build
from tests.worlds import twin_tastes

GRADIENT = [card.name for card in CARDS.values() if card.gradient]
WORLD = twin_tastes()
EVERYBODY = np.arange(len(WORLD.pair.users))

pytestmark = [pytest.mark.gpu, pytest.mark.parametrize("name", GRADIENT)]


@pytest.fixture(autouse=True)
def _cuda():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")


def fitted(name: str, device: str, epochs: int = 20):
    model = build(name, {"epochs": epochs}, device=device)
    losses = [step.loss for step in model.fit_epochs(WORLD.pair, 5)]
    return model, losses


def test_cuda_serves_cold_users_from_plain_arrays(name):
    model, _ = fitted(name, "cuda")
    assert all(isinstance(array, np.ndarray) for array in model.state().values())
    cold = WORLD.pair.cold_users
    top = np.argsort(-model.score(cold).source, axis=1)[:, :5]
    assert np.take_along_axis(WORLD.liked[cold], top, 1).mean() > 0.95


def test_cuda_and_cpu_learn_alike(name):
    ours, theirs = fitted(name, "cuda", 3)[1], fitted(name, "cpu", 3)[1]
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)


def test_a_state_learned_on_cuda_is_restored_without_it(name):
    model, _ = fitted(name, "cuda", 2)
    again = build(name)
    again.restore(WORLD.pair, model.state())
    np.testing.assert_array_equal(again.score(EVERYBODY).own, model.score(EVERYBODY).own)


def test_three_epochs_and_three_after_a_resume_are_close_to_six_on_cuda(name):
    """Sums on CUDA come in any order, so equality is to a tolerance."""
    whole, _ = fitted(name, "cuda", 6)
    first = build(name, {"epochs": 6}, device="cuda")
    steps = first.fit_epochs(WORLD.pair, 5)
    for _ in range(3):
        next(steps)
    second = build(name, {"epochs": 6}, device="cuda")
    second.resume(WORLD.pair, first.checkpoint())
    assert len(list(second.fit_epochs(WORLD.pair, 5))) == 3
    difference = second.score(EVERYBODY).own - whole.score(EVERYBODY).own
    assert np.abs(difference).max() < 1e-2
