"""Distillation: its losses by hand, its two phases, and a student who would be lost without it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from core.models.networks.distilled import hint_loss, ranking_distillation, softened_divergence
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


@pytest.mark.parametrize("kind", ["softened softmax", "top of the ranking"])
def test_without_the_distillation_term_the_student_is_less_like_the_teacher(kind):
    """Both students learn from the same data: the teacher's word is all that differs."""
    settings = {"factors": 8, "distillation": kind, "hint_weight": 0.0, "ranking_length": 10}
    teacher = fitted(epochs_seen=8, **settings)
    told = fitted(distillation_weight=5.0, **settings)
    untold = fitted(distillation_weight=0.0, **settings)
    assert difference(told, teacher) < 0.75 * difference(untold, teacher)


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
