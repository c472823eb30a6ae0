"""The kernel that networks share: batches, hidden interactions, adversarial and self-training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.basics.types import DomainScores
from core.models.kernel.arrays import (
    graph_product,
    history_sum,
    layer_norm,
    picked,
    scaled_rows,
    sigmoid,
    softmax,
    unit,
)
from core.models.kernel.batches import Batch, drawn_untaken, pseudo_labels, user_batches
from core.models.kernel.gradient import Steps
from core.models.kernel.losses import bpr, contest, cross_entropy, full_softmax, sampled_softmax
from core.models.registry import build, card_of
from tests.worlds import pair_of, twin_tastes

WORLD = twin_tastes()
PAIR = WORLD.pair


def batches(epoch: int = 1, **chosen):
    options = {"size": 50, "interaction_dropout": 0.0, "history_dropout": 0.0} | chosen
    return list(user_batches(PAIR, None, np.random.default_rng([7, epoch]), epoch, **options))


def test_items_drawn_against_taken_ones_are_taken_by_nobody_and_alike():
    """BPR drew what the user had taken: the loss then pulls an item below itself."""
    rng = np.random.default_rng(0)
    taken = csr_matrix((rng.random((6, 9)) < 0.5).astype(np.float32))
    rows = np.repeat(np.arange(6), 4000)
    found = np.zeros(taken.shape)
    np.add.at(found, (rows, drawn_untaken(taken, rows, rng)), 1)
    assert not found[taken.toarray() > 0].any()
    expected = 4000 / (taken.shape[1] - np.diff(taken.indptr))
    untaken = taken.toarray() == 0
    spread = np.abs(found - expected[:, None])[untaken] / np.repeat(expected, untaken.sum(1)) ** 0.5
    assert spread.max() < 4.5
    everything = csr_matrix(np.ones((1, 3), dtype=np.float32))
    assert drawn_untaken(everything, np.zeros(2, dtype=int), rng).tolist() == [2, 2]


def test_every_user_with_a_history_stands_in_one_batch():
    found = np.concatenate([batch.users for batch in batches()])
    assert sorted(found) == list(range(len(PAIR.users)))
    assert [len(batch.users) for batch in batches()] == [50, 50, 50, 10]
    assert not np.array_equal(found, np.concatenate([batch.users for batch in batches(2)]))


def test_hidden_interactions_are_wanted_but_not_shown():
    shown = wanted = 0
    for batch in batches(interaction_dropout=0.5):
        shown, wanted = shown + batch.target_shown.nnz, wanted + batch.target_wanted.nnz
        assert not (batch.target_shown > batch.target_wanted).nnz
    assert wanted == PAIR.target.nnz
    assert 0.4 < shown / wanted < 0.6


def test_silenced_users_are_shown_their_source_alone():
    for batch in batches(history_dropout=0.5):
        silenced = (np.diff(batch.target_shown.indptr) == 0) & PAIR.shared[batch.users]
        assert 0.1 < silenced.mean() < 0.8
        assert (np.diff(batch.source_shown.indptr)[silenced] > 0).all()


@pytest.mark.parametrize("function", [sigmoid, softmax, unit])
def test_arithmetic_is_the_same_for_arrays_and_tensors(function):
    values = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    np.testing.assert_allclose(function(values), function(torch.tensor(values)), atol=1e-6)


def test_a_normed_row_has_mean_zero_and_variance_one():
    weights = {"n.scale": np.ones(6, np.float32), "n.shift": np.zeros(6, np.float32)}
    normed = layer_norm(weights, "n", np.random.default_rng(0).normal(3, 4, (2, 6)))
    np.testing.assert_allclose(normed.mean(1), 0, atol=1e-6)
    np.testing.assert_allclose(normed.var(1), 1, atol=1e-4)


def test_the_gradient_of_a_sum_over_histories_is_right():
    rows = csr_matrix(PAIR.target[:4], dtype=np.float64)
    table = torch.randn(rows.shape[1], 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: history_sum(rows, t), table)
    ours = history_sum(rows, table.detach())
    np.testing.assert_allclose(ours, rows @ table.detach().numpy(), atol=1e-6)


def test_histories_scaled_to_power_one_are_means():
    scaled = scaled_rows(PAIR.target[:3], 1.0)
    np.testing.assert_allclose(scaled.sum(axis=1).ravel(), np.ones((1, 3)), atol=1e-6)


def test_losses_by_hand():
    logits = torch.tensor([[1.0, 2.0, 0.0]])
    share = np.exp(2.0) / np.exp([1.0, 2.0, 0.0]).sum()
    wanted = csr_matrix(np.array([[0.0, 1.0, 0.0]]))
    assert np.isclose(float(full_softmax(logits, wanted)), -np.log(share), atol=1e-6)
    assert float(full_softmax(logits, csr_matrix((1, 3)))) == 0.0
    wins, rest = torch.tensor([2.0]), torch.tensor([[1.0, 0.0]])
    assert np.isclose(float(sampled_softmax(wins, rest)), -np.log(share), atol=1e-6)
    assert np.isclose(float(bpr(torch.tensor([1.0]), torch.tensor([0.0]))), np.log1p(np.exp(-1)))
    assert np.isclose(
        float(cross_entropy(torch.tensor([0.0, 0.0]), torch.tensor([0.0, 1.0]))), np.log(2)
    )


def test_all_items_of_a_small_catalogue_compete():
    wanted = csr_matrix(np.eye(8, dtype=np.float32)[:2])
    asked = contest(wanted, 4, np.random.default_rng(0))
    assert asked.items is None
    logits = torch.randn(2, 8)
    assert torch.equal(asked.loss(logits), full_softmax(logits, wanted))


def test_drawn_items_stand_for_the_rest_of_a_large_catalogue():
    """Three of nine others are drawn, each counting for three; nobody's wanted item is drawn."""
    wanted = csr_matrix(([1.0, 1.0], ([0, 1], [7, 2])), shape=(2, 11), dtype=np.float32)
    asked = contest(wanted, 3, np.random.default_rng(0))
    assert sorted(asked.items[:2]) == [2, 7]
    assert len(asked.items) == len(set(asked.items)) == 5
    np.testing.assert_allclose(np.exp(asked.stands_for), [1, 1, 3, 3, 3], rtol=1e-6)
    flat = asked.loss(torch.zeros(2, 5))  # eleven items alike: each has a share of 1 / 11
    assert np.isclose(float(flat), np.log(11), atol=1e-6)


def test_the_sum_over_drawn_items_expects_the_whole():
    rng, wanted = np.random.default_rng(0), csr_matrix(([1.0], ([0], [3])), shape=(1, 40))
    logits = rng.normal(size=40).astype(np.float32)
    sums = []
    for _ in range(4000):
        asked = contest(wanted, 5, rng)
        sums.append(np.exp(logits[asked.items] + asked.stands_for).sum())
    assert abs(np.mean(sums) / np.exp(logits).sum() - 1) < 0.02


def settings_of(**values):
    return card_of("two_tower").settings(**values)


def test_a_step_looks_again_at_the_worst_weights_nearby():
    """The loss is w . x, so the worst direction is x / |x|, for each row apart."""
    start = {"table": np.array([[3.0, 4.0]], dtype=np.float32)}
    seen = []

    def loss_of(weights):
        seen.append(weights["table"].detach().numpy().copy())
        return (weights["table"] * torch.tensor([[3.0, 4.0]])).sum()

    Steps(start, settings_of(perturbation=0.5), "cpu").step(loss_of)
    np.testing.assert_allclose(seen[1] - seen[0], [[0.3, 0.4]], atol=1e-6)
    seen.clear()
    Steps(start, settings_of(), "cpu").step(loss_of)
    assert len(seen) == 1


def squares(*targets: float):
    """Losses (table - target)^2, a batch each."""
    return [
        lambda weights, target=target: ((weights["table"] - target) ** 2).sum()
        for target in targets
    ]


@pytest.mark.parametrize("reach", [0.0, 0.5])
def test_a_step_over_several_batches_is_the_same_on_one_device_and_on_three(reach):
    """Three batches of (x - t)^2 have the slope 2 (x - mean t), whoever works them out."""
    start = {
        "table": np.array([[1.0, 2.0]], dtype=np.float32),
        "other": np.ones((1, 1), dtype=np.float32),
    }
    settings = settings_of(perturbation=reach, weight_decay=0.0, max_gradient_norm=1e6)
    alone, together = Steps(start, settings, "cpu"), Steps(start, settings, "cpu")
    together.devices = ["cpu", "cpu:0", "cpu:0"]
    losses = squares(0.0, 1.0, 5.0, 6.0)
    assert alone.step(*losses) == pytest.approx(together.step(*losses))
    slope = alone.weights["table"].grad.numpy()
    np.testing.assert_allclose(together.weights["table"].grad.numpy(), slope, atol=1e-6)
    if not reach:
        np.testing.assert_allclose(slope, [[2 * (1 - 3.0), 2 * (2 - 3.0)]], atol=1e-6)
    assert together.weights["other"].grad is None


def test_batches_added_up_are_nearly_one_large_batch():
    """Each is a mean over its interactions, and the step follows the mean of the batches."""
    model = build("two_tower", {"factors": 8, "epochs": 1}, device="cpu")
    list(model.fit_epochs(PAIR, 3))

    def slope(chosen: list[Batch]) -> np.ndarray:
        steps = Steps(model.weights, settings_of(max_gradient_norm=1e6), "cpu")
        steps.step(*(lambda weights, b=batch: model.network.loss(weights, b) for batch in chosen))
        return np.concatenate([table.grad.numpy().ravel() for table in steps.weights.values()])

    first, second = batches(size=50)[:2]
    added, large = slope([first, second]), slope(batches(size=100)[:1])
    np.testing.assert_allclose(added, (slope([first]) + slope([second])) / 2, atol=1e-6)
    assert np.linalg.norm(added - large) < 0.05 * np.linalg.norm(large)
    assert np.linalg.norm(slope([first]) - large) > 0.2 * np.linalg.norm(large)


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 4), (3, 2), (9, 1)])
def test_an_epoch_takes_a_step_for_every_group_of_batches(accumulate, steps):
    """160 users in batches of 50 are four."""
    values = {"factors": 8, "epochs": 1, "batch_size": 50, "accumulate": accumulate}
    model = build("two_tower", values, device="cpu")
    list(model.fit_epochs(PAIR, 3))
    assert model._steps.taken == steps


def test_the_average_of_the_weights_is_asked_and_survives_a_checkpoint():
    """The first step keeps 2/11 of the average, later ones more, at most the chosen share."""
    start = {"table": np.zeros((1, 2), dtype=np.float32)}
    settings = settings_of(weight_average=0.9, learning_rate=0.1, weight_decay=0.0)
    steps, by_hand = Steps(start, settings, "cpu"), np.zeros((1, 2))
    for taken in range(1, 6):
        steps.step(lambda weights: (weights["table"] * torch.tensor([[1.0, -1.0]])).sum())
        kept = min(0.9, (1 + taken) / (10 + taken))
        by_hand = kept * by_hand + (1 - kept) * steps.arrays()["table"]
    np.testing.assert_allclose(steps.averaged()["table"], by_hand, atol=1e-6)
    again = Steps(start, settings, "cpu", steps.checkpoint())
    np.testing.assert_array_equal(again.averaged()["table"], steps.averaged()["table"])
    assert again.taken == 5
    plain = Steps(start, settings_of(weight_average=0.0), "cpu")
    np.testing.assert_array_equal(plain.averaged()["table"], plain.arrays()["table"])


def loss_nearby(perturbation: float, reach: float = 0.5) -> float:
    """What a trained two-tower loses when its vectors are pushed the wrong way."""
    values = {"epochs": 12, "factors": 8, "perturbation": perturbation, "batch_size": 64}
    model = build("two_tower", values | {"interaction_dropout": 0.0}, device="cpu")
    list(model.fit_epochs(PAIR, 3))
    batch = batches(size=200)[0]
    steps = Steps(model.weights, settings_of(perturbation=reach), "cpu")
    before = model.network.loss(steps.weights, batch)
    before.backward()
    return float((model.network.loss(steps._perturbed(reach), batch) - before).detach())


def test_adversarial_training_makes_a_push_the_wrong_way_cost_less():
    assert loss_nearby(perturbation=0.5) < 0.9 * loss_nearby(perturbation=0.0)


def test_pseudo_labels_are_the_items_that_score_like_what_was_taken():
    target = np.zeros((3, 5), dtype=np.float32)
    target[0, 0] = 1  # took item 0, which scores 2
    target[1, :] = [1, 1, 1, 1, 1]  # took all: needs nothing
    pair = pair_of(np.ones((3, 2)), target)
    table = np.array([[2.0, 3.0, 1.0, 2.5, 0.0], [0.0] * 5, [1.9, 2.1, 0.0, 0.0, 5.0]])

    class Model:
        def score(self, users):
            nothing = np.zeros((len(users), 5), dtype=np.float32)
            known = np.ones(len(users), dtype=bool)
            own = table[users].astype(np.float32)
            return DomainScores(own, nothing, nothing, own, known, known)

        score_own = score

    found = pseudo_labels(pair, Model(), 2).toarray()
    np.testing.assert_array_equal(found[0], [0, 1, 0, 1, 0])  # both reach 2
    assert not found[1].any()
    # the shared users' items have source parts 2 and five zeros: the bar is 1/3
    np.testing.assert_array_equal(found[2], [0, 1, 0, 0, 1])


def test_self_training_gives_users_with_few_interactions_more_to_learn_from():
    """Without pseudo-labels a batch wants what was taken, with them it wants more."""
    values = {"epochs": 6, "factors": 8, "batch_size": 64}
    plain, taught = (build("two_tower", values | {"pseudo_labels": n}, "cpu") for n in (0, 3))
    wanted = []
    for model in (plain, taught):
        list(model.fit_epochs(PAIR, 3))
        batch = next(model._batches(3, 5))
        wanted.append(batch.target_wanted.nnz - PAIR.target[batch.users].nnz)
    assert wanted[0] == 0
    assert wanted[1] > 0


def test_a_graph_product_is_symmetric_in_its_gradient():
    graph = csr_matrix(np.array([[0.0, 0.5], [0.5, 0.0]]))
    table = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: graph_product(graph, t), table)


def test_rows_are_picked_by_number_in_any_shape():
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    numbers = np.array([[2, 0], [1, 1]])
    np.testing.assert_array_equal(picked(torch.tensor(table), numbers), table[numbers])


def test_a_diverging_network_is_refused_with_the_epoch_and_the_setting_to_change():
    model = build("two_tower", {"epochs": 3, "factors": 8}, "cpu")
    steps = model.fit_epochs(PAIR, 3)
    next(steps)
    broken = {key: array.copy() for key, array in model.checkpoint().items()}
    broken["target.read"][5] = np.nan
    model.resume(PAIR, broken)
    with pytest.raises(RunError, match=r"in epoch 2\. Lower learning_rate, which is 0.01"):
        next(model.fit_epochs(PAIR, 3))


def test_watching_asks_for_the_own_score_alone():
    model = build("two_tower", {"epochs": 2, "factors": 8}, "cpu")
    list(model.fit_epochs(PAIR, 3))
    users = np.arange(9)
    np.testing.assert_array_equal(model.score_own(users).own, model.score(users).own)


def test_an_explanation_is_what_the_score_loses_without_the_item():
    model = build("two_tower", {"epochs": 2, "factors": 8}, "cpu")
    list(model.fit_epochs(PAIR, 3))
    source, target = PAIR.source[[4]], PAIR.target[[4]]
    why = model.explain(source, target, 7)
    without = target.copy()
    without.data[0] = 0
    without.eliminate_zeros()
    lost = model.fold_in(source, target).own[0, 7] - model.fold_in(source, without).own[0, 7]
    assert why.target_items[0] == target.indices[0]
    assert np.isclose(why.target_amounts[0], lost, atol=1e-6)
