"""Alignment of two domains: distances by hand, the reversal's sign, and gaps that close."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.models.kernel.arrays import dense_weights
from core.models.kernel.domain_gap import held_out_users, paired_mmd, separate_vectors
from core.models.networks.adversarial import (
    PLAYER,
    SCALES,
    coral,
    discriminator,
    gan_loss,
    mmd,
    moments,
    ramp,
    reversal_loss,
    reversed_gradient,
    train_discriminator,
)
from core.models.registry import build
from tests.worlds import twin_tastes

WORLD = twin_tastes()
PAIR = WORLD.pair
KINDS = {"gradient reversal": 0.1, "GAN": 0.1, "MMD": 1.0, "CORAL": 1.0}


def fitted(alignment, weight, **settings):
    values = {"epochs": 25, "factors": 8, "batch_size": 64} | settings
    values |= {"alignment": alignment, "alignment_weight": weight}
    model = build("adversarial", values, device="cpu")
    list(model.fit_epochs(PAIR, 3))
    return model


def figure(model, title):
    return next(finding.value for finding in model.findings() if finding.title == title)


def test_mmd_by_hand():
    """Points 0, 2 against 1, 3: squares 4, 4 within and 1, 9, 1, 1 across; the median is 2.5."""
    first, second = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    kernel = lambda square: np.mean([np.exp(-square / 2.5 / s) for s in SCALES])  # noqa: E731
    within, across = 2 * kernel(4), (3 * kernel(1) + kernel(9)) / 4
    assert np.isclose(mmd(first, second), within - 2 * across)
    tensors = torch.tensor(first), torch.tensor(second)
    assert np.isclose(float(mmd(*tensors)), within - 2 * across)


def test_mmd_of_samples_from_one_cloud_is_around_zero_and_of_two_clouds_is_not():
    rng = np.random.default_rng(0)
    same = [mmd(*rng.normal(size=(2, 40, 3))) for _ in range(50)]
    assert abs(np.mean(same)) < 0.005
    assert min(same) < 0  # unbiased
    assert mmd(rng.normal(size=(40, 3)), rng.normal(size=(40, 3)) + 1) > 0.1


def test_coral_by_hand():
    """Variances 2 and 8 with covariance 4 against nothing, in two coordinates."""
    first = np.array([[0.0, 0.0], [2.0, 4.0]])
    assert np.isclose(coral(first, np.ones((3, 2))), (2**2 + 8**2 + 2 * 4**2) / (4 * 2**2))


def test_the_reversal_leaves_values_and_turns_gradients_round():
    vectors = torch.tensor([[1.0, -2.0]], requires_grad=True)
    seen = reversed_gradient(vectors, 0.5)
    np.testing.assert_allclose(seen.detach().numpy(), [[1.0, -2.0]])
    (seen * torch.tensor([[3.0, 4.0]])).sum().backward()
    np.testing.assert_allclose(vectors.grad.numpy(), [[-1.5, -2.0]])


def test_covariances_alone_leave_two_clouds_side_by_side_and_means_do_not():
    cloud = np.random.default_rng(0).normal(size=(50, 3))
    assert np.isclose(coral(cloud, cloud + 1), 0)
    assert np.isclose(moments(cloud, cloud + 1), 3)


def test_the_discriminator_is_near_its_best_before_the_encoders_move_and_moves_alone():
    """It lagged behind, one step to one of the encoders, and the gap grew with the alignment."""
    rng = np.random.default_rng(0)
    arrays = dense_weights(f"{PLAYER}.1", 2, 4, rng) | dense_weights(f"{PLAYER}.2", 4, 1, rng)
    weights = {name: torch.tensor(array) for name, array in arrays.items()}
    near = torch.tensor(rng.normal([1.0, 0], 0.3, (50, 2)), dtype=torch.float32, requires_grad=True)
    far = torch.tensor(rng.normal([0, 1.0], 0.3, (50, 2)), dtype=torch.float32, requires_grad=True)
    player = train_discriminator(weights, near, far)
    assert (discriminator(weights, near) > 0).float().mean() > 0.9
    assert (discriminator(weights, far) < 0).float().mean() > 0.9
    assert near.grad is None
    for loss in (gan_loss(player, near, 1.0), reversal_loss(player, near, far, 1.0)):
        near.grad = None
        loss.backward()
        with torch.no_grad():  # a step of the encoder makes its vectors look more like the others
            before = discriminator(weights, near).mean()
            assert discriminator(weights, near - near.grad).mean() < before


def test_the_alignment_comes_to_its_weight_over_ten_epochs():
    assert 0.4 < ramp(1) < 0.5
    assert ramp(10) > 0.999


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_alignment_the_gap_is_larger_and_people_are_still_found(kind):
    apart, together = (fitted(kind, weight) for weight in (0.0, KINDS[kind]))
    gaps = [figure(model, "Domain gap (MMD²) after alignment") for model in (apart, together)]
    assert gaps[1] < 0.8 * gaps[0]
    found = [figure(model, "Retrieval MRR after alignment") for model in (apart, together)]
    assert found[1] > 0.7 * found[0]


def test_before_is_each_domains_own_space_whatever_the_training_did():
    """Before was an early epoch, so that training alone closed a gap."""
    models = fitted("MMD", 0.0, epochs=1), fitted("none", 0.0, epochs=4)
    found = [model.findings() for model in models]
    assert [finding.title.split()[-2] for finding in found[0]] == ["before", "after"] * 3
    assert all("alike close the gap" in finding.help for finding in found[0][:4])
    assert "By chance it is" in found[0][-1].help
    assert [one.value for one in found[0][::2]] == [one.value for one in found[1][::2]]
    alone = separate_vectors(PAIR).of(held_out_users(np.flatnonzero(PAIR.shared))[1])
    assert found[0][2].value == paired_mmd(alone.drawn)


def test_a_twin_has_no_gap():
    model = build("adversarial", {"epochs": 2, "alignment_start": 1})
    list(model.fit_epochs(PAIR.target_only(), 3))
    assert model.findings() == []
