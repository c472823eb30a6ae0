"""LightGCN: its propagation, its losses, and how it says that it diverges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.basics.errors import RunError
from core.models.graphs.lightgcn import Joint
from core.models.kernel.arrays import graph_product
from core.models.kernel.batches import user_batches
from core.models.registry import build
from tests.worlds import twin_tastes

WORLD = twin_tastes()
PAIR = WORLD.pair
EVERYBODY = np.arange(len(PAIR.users))
LOSSES = ["softmax", "sampled softmax", "BPR", "cross-entropy"]


def fitted(**settings):
    model = build("lightgcn", {"epochs": 4, "factors": 8} | settings, device="cpu")
    return model, list(model.fit_epochs(PAIR, 3))


def test_the_graph_is_symmetric_and_scaled_by_both_degrees():
    graph = Joint().graph(PAIR)
    dense = graph.adjacency.toarray()
    np.testing.assert_array_equal(dense, dense.T)
    n_users = len(PAIR.users)
    user, item = 3, PAIR.source[[3]].indices[0]
    wanted = 1 / np.sqrt(graph.degrees[user] * graph.degrees[n_users + item])
    assert np.isclose(dense[user, n_users + item], wanted)
    assert not dense[:n_users, :n_users].any()


def test_an_edge_is_hidden_in_both_directions_and_no_other_is():
    graph = Joint().graph(PAIR)
    kept = np.ones(graph.n_edges)
    edge = PAIR.source.nnz + 7  # the eighth target interaction
    kept[edge] = 0
    missing = (graph.adjacency - graph.with_edges(kept)).tocoo()
    missing.eliminate_zeros()
    user = graph.target_edge_users[edge]
    item = len(PAIR.users) + PAIR.source.shape[1] + PAIR.target.indices[7]
    assert set(zip(missing.row, missing.col, strict=True)) == {(user, item), (item, user)}


def test_the_gradient_of_a_propagation_is_right():
    small = twin_tastes(n_users=6, n_source=5, n_target=4, n_cold=1).pair
    graph = Joint().graph(small).adjacency.astype(np.float64)
    vectors = torch.randn(graph.shape[0], 3, dtype=torch.float64, requires_grad=True)
    twice = lambda v: graph_product(graph, graph_product(graph, v))  # noqa: E731
    assert torch.autograd.gradcheck(twice, vectors)


def test_propagation_is_the_product_with_the_graph():
    graph = Joint().graph(PAIR).adjacency
    vectors = torch.randn(graph.shape[0], 3)
    wanted = graph.toarray() @ vectors.numpy()
    np.testing.assert_allclose(graph_product(graph, vectors).numpy(), wanted, atol=1e-5)
    np.testing.assert_allclose(graph_product(graph, vectors.numpy()), wanted, atol=1e-5)


def test_final_vectors_are_the_mean_of_the_layers():
    model, _ = fitted(loss="BPR", layers=3)
    graph = Joint().graph(PAIR).adjacency
    layer = model.checkpoint()["nodes"]
    total = layer.copy()
    for _ in range(3):
        layer = graph @ layer
        total += layer
    users = model.state()["users"]
    np.testing.assert_allclose(users, total[: len(PAIR.users)] / 4, atol=1e-5)


@pytest.mark.parametrize("combination", ["mean", "side by side"])
def test_a_drawn_user_is_the_trained_one_without_their_own_first_layer(combination):
    model, _ = fitted(loss="BPR", combination=combination)
    drawn = model.fold_in(PAIR.source, PAIR.target).own
    own_layer = model.checkpoint()["nodes"][EVERYBODY]
    items = model.state()["target_items"]
    share = own_layer / 3 if combination == "mean" else own_layer  # two layers and the first
    missing = share @ items[:, : share.shape[1]].T
    np.testing.assert_allclose(drawn + missing, model.score(EVERYBODY).own, atol=1e-4)


def test_users_shown_by_their_source_alone_lose_their_target_edges():
    model, _ = fitted(history_dropout=0.9, interaction_dropout=0.0)
    batches = user_batches(
        PAIR,
        None,
        np.random.default_rng(1),
        1,
        size=500,
        interaction_dropout=0.0,
        history_dropout=0.9,
    )
    batch = next(batches)
    graph = model.network._thinned(batch)
    items = len(PAIR.users) + PAIR.source.shape[1]
    left = np.asarray(graph[: len(PAIR.users), items:].sum(axis=1))[batch.users, 0]
    np.testing.assert_array_equal(left > 0, np.diff(batch.target_shown.indptr) > 0)


@pytest.mark.parametrize("loss", LOSSES)
def test_training_brings_the_loss_down_and_serves_cold_users(loss):
    model, steps = fitted(loss=loss, epochs=40, batch_size=64, weight_decay=0.0)
    assert steps[-1].loss < 0.9 * steps[0].loss
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
    assert float(model._steps.weights["nodes"].grad.norm()) <= 0.00101


def test_another_seed_gives_another_model():
    ours = build("lightgcn", {"epochs": 1, "factors": 8})
    list(ours.fit_epochs(PAIR, 4))
    assert not np.allclose(ours.state()["users"], fitted(epochs=1)[0].state()["users"])


def test_a_resumed_model_answers_before_its_next_epoch():
    model, _ = fitted()
    again = build("lightgcn", {"epochs": 4, "factors": 8})
    again.resume(PAIR, model.checkpoint())
    np.testing.assert_array_equal(again.score(np.arange(5)).own, model.score(np.arange(5)).own)


@pytest.mark.parametrize("loss", LOSSES)
def test_reasons_sum_to_each_part(loss):
    model, _ = fitted(loss=loss)
    why = model.explain(PAIR.source[[3]], PAIR.target[[3]], 6)
    scores = model.score(np.array([3]))
    assert np.isclose(why.source_amounts.sum(), scores.source[0, 6], atol=1e-5)
    assert np.isclose(why.target_amounts.sum(), scores.target[0, 6], atol=1e-5)


def test_settings_and_state_of_a_run_kept_by_version_0_1_are_taken_up():
    """Sampled softmax by interactions was the way then; the arrays have kept their names."""
    settings = {
        "factors": 8,
        "layers": 2,
        "epochs": 40,
        "patience": 5,
        "loss": "sampled softmax",
        "temperature": 0.2,
        "negatives": 512,
        "learning_rate": 0.01,
        "regularization": 1e-4,
        "batch_size": 8192,
        "source_loss_weight": 0.2,
        "max_gradient_norm": 1.0,
    }
    rng = np.random.default_rng(0)
    sizes = {
        "users": len(PAIR.users),
        "source_items": PAIR.source.shape[1],
        "target_items": PAIR.target.shape[1],
        "source_history": PAIR.source.shape[1],
        "target_history": PAIR.target.shape[1],
    }
    state = {name: rng.normal(size=(size, 8)).astype(np.float32) for name, size in sizes.items()}
    model = build("lightgcn", settings)
    model.restore(PAIR, state)
    scores = model.score(np.array([2]))
    np.testing.assert_allclose(scores.own[0], state["target_items"] @ state["users"][2], rtol=1e-5)
    drawn = PAIR.source[[2]] @ state["source_history"]
    part = state["target_items"] @ (drawn / np.linalg.norm(drawn))[0]
    np.testing.assert_allclose(scores.source[0], part, rtol=1e-4, atol=1e-5)
