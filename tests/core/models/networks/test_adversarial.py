"""Alignment of two domains: distances by hand, the reversal's sign, and gaps that close."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.models.networks.adversarial import (
    coral,
    discriminator,
    gan_loss,
    held_out_users,
    mmd,
    proxy_a_distance,
    retrieval_mrr,
    reversed_gradient,
)
from core.models.registry import build
from tests.worlds import twin_tastes

WORLD = twin_tastes()
PAIR = WORLD.pair
KINDS = {"gradient reversal": 0.02, "GAN": 0.03, "MMD": 3.0, "CORAL": 1.0}


def fitted(alignment, weight, **settings):
    values = {"epochs": 25, "factors": 8, "batch_size": 64, "alignment_start": 4} | settings
    values |= {"alignment": alignment, "alignment_weight": weight}
    model = build("adversarial", values, device="cpu")
    list(model.fit_epochs(PAIR, 3))
    return model


def figure(model, title):
    return next(finding.value for finding in model.findings() if finding.title == title)


def test_mmd_by_hand():
    """Points 0, 2 against 1, 3: squares 4, 4 within and 1, 9, 1, 1 across; the median is 2.5."""
    first, second = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    kernel = lambda square: np.exp(-square / 2.5)  # noqa: E731
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


def test_each_player_of_a_gan_moves_only_its_own_weights():
    torch.manual_seed(0)
    shapes = {"1.weight": (2, 4), "1.bias": (4,), "2.weight": (4, 1), "2.bias": (1,)}
    weights = {
        f"discriminator.{name}": torch.randn(shape, requires_grad=True)
        for name, shape in shapes.items()
    }
    generated, target = torch.randn(5, 2, requires_grad=True), torch.randn(5, 2, requires_grad=True)
    gan_loss(weights, generated, target, 0.0).backward()
    assert weights["discriminator.1.weight"].grad.abs().sum() > 0
    assert not generated.grad.any()
    assert target.grad is None
    gan_loss(weights, generated, target, 1.0).backward()
    with torch.no_grad():  # a step of the generator makes its vectors look more like the target's
        before = discriminator(weights, generated).mean()
        assert discriminator(weights, generated - 0.1 * generated.grad).mean() < before


def test_a_classifier_tells_clouds_apart_as_far_as_they_are_apart():
    rng = np.random.default_rng(0)
    cloud = lambda centre: rng.normal(centre, 1, (300, 4))  # noqa: E731
    assert proxy_a_distance((cloud(0), cloud(5)), (cloud(0), cloud(5))) == 2.0
    assert proxy_a_distance((cloud(0), cloud(0)), (cloud(0), cloud(0))) < 0.3


def test_retrieval_mrr_by_hand():
    """The first finds itself first, the second second, the third third."""
    found = np.eye(3)
    asked = np.array([[3.0, 1, 0], [2, 1, 0], [2, 1, 0]])
    assert np.isclose(retrieval_mrr(asked, found), (1 + 1 / 2 + 1 / 3) / 3)
    assert np.isclose(retrieval_mrr(np.ones((3, 3)), found), 1 / 2)  # collapsed: all tie


def test_held_out_users_are_the_same_every_time_and_never_learned_from():
    learned, held_out = held_out_users(np.arange(100, 200), 0.2)
    assert len(held_out) == 20
    np.testing.assert_array_equal(np.union1d(learned, held_out), np.arange(100, 200))
    np.testing.assert_array_equal(held_out, held_out_users(np.arange(100, 200), 0.2)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_alignment_the_gap_is_larger(kind):
    title = "Domain gap (MMD²) after alignment"
    apart, together = (figure(fitted(kind, weight), title) for weight in (0.0, KINDS[kind]))
    assert together < 0.8 * apart


def test_the_gap_is_told_before_and_after_with_its_caveat():
    model = fitted("MMD", 0.0, epochs=5)
    found = model.findings()
    assert [finding.title.split()[-2] for finding in found] == ["before", "after"] * 3
    assert all("alike close the gap" in finding.help for finding in found[:4])
    kept = model.state()["gap.before"]
    np.testing.assert_allclose([finding.value for finding in found[::2]], kept[1:])


def test_a_gap_that_was_never_measured_before_is_not_told():
    model = fitted("MMD", 1.0, epochs=2)
    assert [finding.title for finding in model.findings()] == [
        "Domain gap (proxy A-distance) after alignment",
        "Domain gap (MMD²) after alignment",
        "Retrieval MRR after alignment",
    ]


def test_a_twin_has_no_gap():
    model = build("adversarial", {"epochs": 2, "alignment_start": 1})
    list(model.fit_epochs(PAIR.target_only(), 3))
    assert model.findings() == []
