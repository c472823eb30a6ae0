"""LightGCN: its propagation, its two losses, and how it says that it diverges."""

from __future__ import annotations

import numpy as np
import pytest

from core.basics.errors import RunError
from core.models.lightgcn_training import Training, _bpr
from core.models.propagation import joint_graph, multiplier, propagate
from core.models.registry import build, card_of
from tests.worlds import twin_tastes

torch = pytest.importorskip("torch")
WORLD = twin_tastes()
PAIR = WORLD.pair


def fitted(**settings):
    model = build("lightgcn", {"epochs": 4, "factors": 8} | settings, device="cpu")
    return model, list(model.fit_epochs(PAIR, 3))


def test_the_graph_is_symmetric_and_scaled_by_both_degrees():
    graph, degrees = joint_graph(PAIR)
    dense = graph.toarray()
    np.testing.assert_array_equal(dense, dense.T)
    n_users = len(PAIR.users)
    user, item = 3, PAIR.source[[3]].indices[0]
    wanted = 1 / np.sqrt(degrees[user] * degrees[n_users + item])
    assert np.isclose(dense[user, n_users + item], wanted)
    assert not dense[:n_users, :n_users].any()


def test_the_gradient_of_a_propagation_is_right():
    small = twin_tastes(n_users=6, n_source=5, n_target=4, n_cold=1).pair
    graph = joint_graph(small)[0].astype(np.float64)
    multiply = multiplier(graph, "cpu")
    vectors = torch.randn(graph.shape[0], 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: propagate(propagate(v, multiply), multiply), vectors)


def test_propagation_is_the_product_with_the_graph():
    graph, _ = joint_graph(PAIR)
    vectors = torch.randn(graph.shape[0], 3)
    ours = propagate(vectors, multiplier(graph, "cpu"))
    np.testing.assert_allclose(ours.numpy(), graph.toarray() @ vectors.numpy(), atol=1e-5)


def test_final_vectors_are_the_mean_of_the_layers():
    model, _ = fitted(loss="BPR", layers=3)
    graph, _ = joint_graph(PAIR)
    layer = model.checkpoint()["nodes"]
    total = layer.copy()
    for _ in range(3):
        layer = graph @ layer
        total += layer
    np.testing.assert_allclose(model.users, total[: len(PAIR.users)] / 4, atol=1e-5)


def test_a_drawn_user_is_the_trained_one_without_their_own_first_layer():
    model, _ = fitted(loss="BPR")
    everybody = np.arange(len(PAIR.users))
    drawn = model.fold_in(PAIR.source, PAIR.target).own
    own_layer = model.checkpoint()["nodes"][everybody] / 3  # two layers and the first
    missing = own_layer @ model.target_items.T
    np.testing.assert_allclose(drawn + missing, model.score(everybody).own, atol=1e-4)


def test_sampled_softmax_by_hand():
    training = Training(PAIR, card_of("lightgcn").settings(temperature=0.5), 0, "cpu", None)
    user, liked = torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 3.0]])
    others = torch.tensor([[0.0, 1.0], [-5.0, 0.0]])
    wins, rest = np.sqrt(0.5) / 0.5, np.array([0.0, -1.0]) / 0.5  # cosines over temperature
    wanted = -np.log(np.exp(wins) / (np.exp(wins) + np.exp(rest).sum()))
    assert np.isclose(float(training._softmax(user, liked, others)), wanted, atol=1e-6)


def test_bpr_by_hand():
    users, liked, others = (torch.tensor([[value]]) for value in (2.0, 1.5, 1.0))
    assert np.isclose(float(_bpr(users, liked, others)), np.log(1 + np.exp(-1.0)), atol=1e-6)


@pytest.mark.parametrize("loss", ["sampled softmax", "BPR"])
def test_training_brings_the_loss_down_and_serves_cold_users(loss):
    model, steps = fitted(loss=loss, epochs=20, batch_size=512)
    assert steps[-1].loss < 0.8 * steps[0].loss
    cold = PAIR.cold_users
    top = np.argsort(-model.score(cold).own, axis=1)[:, :5]
    assert np.take_along_axis(WORLD.liked[cold], top, 1).mean() > 0.95


def test_a_loss_that_is_no_number_is_refused_with_the_epoch_and_the_setting_to_change():
    model, _ = fitted()
    broken = {key: array.copy() for key, array in model.checkpoint().items()}
    broken["nodes"][5] = np.nan
    broken["epoch"][0] = 2
    model.resume(PAIR, broken)
    with pytest.raises(RunError, match=r"in epoch 3\. Lower learning_rate, which is 0.01"):
        next(model.fit_epochs(PAIR, 3))


def test_gradients_are_shortened_before_a_step():
    model, _ = fitted(max_gradient_norm=0.001, epochs=1)
    assert float(model._training.nodes.grad.norm()) <= 0.00101


def test_another_seed_gives_another_model():
    ours = build("lightgcn", {"epochs": 1, "factors": 8})
    list(ours.fit_epochs(PAIR, 4))
    assert not np.allclose(ours.users, fitted(epochs=1)[0].users)


def test_a_resumed_model_answers_before_its_next_epoch():
    model, _ = fitted()
    again = build("lightgcn", {"epochs": 4, "factors": 8})
    again.resume(PAIR, model.checkpoint())
    np.testing.assert_array_equal(again.score(np.arange(5)).own, model.score(np.arange(5)).own)


def test_reasons_sum_to_each_part():
    for loss in ("sampled softmax", "BPR"):
        model, _ = fitted(loss=loss)
        why = model.explain(PAIR.source[[3]], PAIR.target[[3]], 6)
        scores = model.score(np.array([3]))
        assert np.isclose(why.source_amounts.sum(), scores.source[0, 6], atol=1e-5)
        assert np.isclose(why.target_amounts.sum(), scores.target[0, 6], atol=1e-5)
