"""Distillation: its losses by hand, its two phases, and a student who would be lost without it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from core.models.networks.distilled import (
    experts_loss,
    hint_loss,
    ranking_distillation,
    relaxed_ranking,
    softened_divergence,
)
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes

WORLD = twin_tastes()
PAIR = WORLD.pair
SMALL = {"epochs": 20, "teacher_epochs": 8, "factors": 2, "teacher_factors": 16, "batch_size": 64}


def fitted(epochs_seen=None, **settings):
    model = build("distilled", SMALL | settings, device="cpu")
    for step in model.fit_epochs(PAIR, 3):
        if step.done == epochs_seen:
            break
    return model


def shares(logits):
    grown = np.exp(logits - logits.max())
    return grown / grown.sum()


def test_softened_divergence_by_hand():
    teacher, student = np.array([2.0, 0.0, -2.0]), np.array([0.0, 1.0, 0.0])
    ours, wanted = shares(student / 2), shares(teacher / 2)
    by_hand = 2**2 * (wanted * np.log(wanted / ours)).sum()
    told, own = torch.tensor(teacher)[None], torch.tensor(student)[None]
    found = softened_divergence(told, own, 2.0)
    assert np.isclose(float(found), by_hand)
    assert float(softened_divergence(told, told, 2.0)) == 0


def test_ranking_distillation_by_hand():
    """The teacher's first item is known already, so the next two count, exp(-1/2) : exp(-2/2)."""
    teacher, student = np.array([[9.0, 1.0, 5.0, 0.0]]), np.array([[1.0, 2.0, 0.0, 3.0]])
    known = csr_matrix(np.array([[1.0, 0, 0, 0]]))
    weights = np.exp([-1 / 2, -2 / 2])
    weights /= weights.sum()
    by_hand = -(weights * np.log(shares(student[0])[[2, 1]])).sum()
    found = ranking_distillation(torch.tensor(teacher), torch.tensor(student), known, 2)
    assert np.isclose(float(found), by_hand, atol=1e-6)


def test_the_relaxed_ranking_is_the_likelihood_of_the_teachers_order_over_the_rest():
    """Four open items, two of either kind: the first two in order, the last two in none."""
    teacher = torch.tensor([[5.0, 900.0, 4.0, 0.0, 1.0]])  # item 1 is known already
    student = torch.tensor([[1.0, 9.0, 2.0, 0.5, -1.0]])
    known = csr_matrix(np.array([[0.0, 1, 0, 0, 0]]))
    grown = np.exp([1.0, 2.0, -1.0, 0.5])  # in the teacher's order: items 0, 2, 4, 3
    by_hand = -np.log(grown[0] / grown.sum()) - np.log(grown[1] / grown[1:].sum())
    found = {
        round(float(relaxed_ranking(teacher, student, known, 2, np.random.default_rng(seed))), 5)
        for seed in range(40)
    }
    assert round(by_hand / 2, 5) in found  # the likeliest draw
    assert 1 < len(found) <= 6  # further draws of two of four


def test_an_order_that_cannot_be_drawn_is_no_loss():
    everything = csr_matrix(np.ones((1, 3)))
    student = torch.zeros((1, 3), requires_grad=True)
    loss = relaxed_ranking(torch.ones((1, 3)), student, everything, 2, np.random.default_rng(0))
    loss.backward()
    assert float(loss) == 0
    assert bool(student.grad.isfinite().all())


def test_the_chosen_expert_reads_off_the_teachers_vector():
    """Two experts, of which the teacher's vector chooses the second: relu(2 * 3) * .5 = 3."""
    weights = {
        "e.choice": torch.tensor([[-50.0, 50.0]]),
        "e.into": torch.tensor([[[9.0]], [[3.0]]]),
        "e.out": torch.tensor([[[9.0]], [[0.5]]]),
    }
    ours, wise = torch.tensor([[2.0]]), torch.tensor([[5.0]])
    loss = experts_loss(weights, "e", ours, wise, 0.1, np.random.default_rng(0))
    assert float(loss) == pytest.approx((3 - 5) ** 2)


def test_hint_loss_by_hand():
    assert float(hint_loss(np.array([[1.0, 2], [0, 0]]), np.array([[0.0, 0], [3, 4]]))) == 15.0


def test_the_teacher_answers_until_the_student_has_had_an_epoch():
    teacher, student = fitted(epochs_seen=8), fitted(epochs_seen=9)
    widths = [model.state()["target.found"].shape[1] for model in (teacher, student)]
    assert widths == [16, 2]
    assert not any(name.startswith("teacher") for name in student.state())


def test_the_teacher_stands_still_while_the_student_learns():
    before, after = (fitted(epochs_seen=epoch).checkpoint() for epoch in (8, 14))
    names = [name for name in before if name.startswith("teacher.")]
    assert len(names) == 4
    for name in names:
        np.testing.assert_array_equal(before[name], after[name])
    assert not np.allclose(before["student.target.read"], after["student.target.read"])


def test_the_teacher_has_at_most_half_of_the_epochs():
    assert build("distilled", {"epochs": 6, "teacher_epochs": 20}).preparation == 3


def difference(model, teacher) -> float:
    """1 - the mean correlation of both models' scores over all items."""
    ours, theirs = (one.score(np.arange(len(PAIR.users))).own for one in (model, teacher))
    return 1 - float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(ours, theirs, strict=True)]))


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("softened softmax", 0.75),
        ("top of the ranking", 0.75),
        ("relaxed ranking, experts", 0.9),  # it tells an order, and not how far items lie apart
    ],
)
def test_without_the_distillation_term_the_student_is_less_like_the_teacher(kind, most):
    """Both students learn from the same data: the teacher's word is all that differs."""
    settings = {"factors": 8, "distillation": kind, "hint_weight": 0.0, "ranking_length": 10}
    teacher = fitted(epochs_seen=8, **settings)
    told = fitted(distillation_weight=5.0, **settings)
    untold = fitted(distillation_weight=0.0, **settings)
    assert difference(told, teacher) < most * difference(untold, teacher)


def test_experts_learn_to_read_off_users_and_items_alike():
    model = fitted(distillation="relaxed ranking, experts", hint_weight=1.0, factors=8)
    kept, start = model.checkpoint(), model.network.start(PAIR, np.random.default_rng(3))
    for whose in ("users", "items"):
        for part in ("choice", "into", "out"):
            name = f"experts.{whose}.{part}"
            assert not np.allclose(kept[name], start[name]), name
    assert not any(name.startswith("experts") for name in model.state())


def test_without_the_hint_the_teachers_vectors_are_read_off_worse():
    def distance(weight):
        model = fitted(distillation_weight=0.0, hint_weight=weight, factors=8)
        kept = model.checkpoint()
        users = model.network.users(model.weights, PAIR.source, PAIR.target, None)
        teacher = {name.removeprefix("teacher."): kept[name] for name in kept}
        wanted = model.network.users(teacher, PAIR.source, PAIR.target, None)
        return hint_loss(users @ kept["hint"], wanted)

    assert distance(3.0) < 0.8 * distance(0.0)


def test_size_speed_and_fit_of_both_are_told():
    found = {finding.title: finding.value for finding in fitted().findings()}
    items = PAIR.source.shape[1] + 2 * PAIR.target.shape[1]
    assert found["Teacher: parameters"] == 16 * items
    assert found["Student: parameters"] == 2 * items
    assert found["Teacher: training loss"] < np.log(PAIR.target.shape[1])
    assert found["Student: scoring CPU ms"] >= 0


def test_the_training_loss_told_is_the_mean_of_minus_log_shares():
    pair = pair_of(np.ones((1, 1)), np.array([[1, 0, 1]]))
    model = build("distilled", {"epochs": 2, "factors": 2, "temperature": 0.5}, device="cpu")
    list(model.fit_epochs(pair, 1))
    wanted = -np.log(shares(model.score(np.array([0])).own[0] / 0.5))[[0, 2]].mean()
    found = {finding.title: finding.value for finding in model.findings()}
    assert np.isclose(found["Student: training loss"], wanted, atol=1e-5)
