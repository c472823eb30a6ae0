"""NeuMF: its equation by hand, both of its halves, its pairs and its dropout."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.kernel.pair_network import drawn_pairs, dropout, halved, over_all_items, tower
from core.models.networks.neumf import NeuMF, NeuMFSettings
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes


def rows(*dense) -> csr_matrix:
    return csr_matrix(np.array(dense, dtype=np.float32))


def by_hand() -> tuple[NeuMF, dict[str, np.ndarray]]:
    """d = 2 and one layer; items have [product half, network half] of [1 | 1]."""
    network = NeuMF(NeuMFSettings(factors=2, hidden=2, layers=1))
    pair = pair_of(np.ones((1, 1)), np.ones((1, 4)))
    weights = network.start(pair, np.random.default_rng(0))
    weights["source.read"][:] = [[3, 0, 0, 3]]
    weights["target.read"][:] = [[0, 2, 2, 0]] * 4
    weights["target.found"][:] = [[3, 1, 1, 2]] * 3 + [[0, 0, 0, 0]]
    weights["target.bias"][:] = [0, 0.5, 0, 0]
    weights["product"][:] = [1, 2]
    weights["user.weight"][:], weights["user.bias"][:] = np.eye(2), [0, -3]
    weights["item.weight"][:], weights["item.bias"][:] = np.eye(2), [0, 0]
    weights["mlp.1.weight"][:], weights["mlp.1.bias"][:] = [[10], [100]], [7]
    return network, weights


def test_the_score_is_the_product_and_the_network_worked_by_hand():
    network, weights = by_hand()
    # Read: source (3, 0 | 0, 3), four target items 4 * (0, 2 | 2, 0) / 4^.5 = (0, 4 | 4, 0);
    # together (3, 4 | 4, 3), at their lengths (.6, .8 | 1.6, 1.2).
    users = network.users(weights, rows([1]), rows([1, 1, 1, 1]), None)
    scores = network.scores(weights, users, None)
    # Product: 1*.6*3 + 2*.8*1 = 3.4; network: relu(1.6 + 1, 1.2 - 3 + 2) -> 26 + 20 + 7.
    np.testing.assert_allclose(scores[0, :3], [56.4, 56.9, 56.4], rtol=1e-6)
    # An item of zeros: product 0, network relu(1.6, -1.8) -> 16 + 7.
    np.testing.assert_allclose(scores[0, 3], 23, rtol=1e-6)


def test_a_longer_history_makes_no_bolder_scores():
    network, weights = by_hand()
    weights["user.bias"][:] = 0
    short = network.users(weights, rows([0]), rows([1, 0, 0, 0]), None)
    long = network.users(weights, rows([0]), rows([1, 1, 1, 1]), None)
    np.testing.assert_allclose(short, long, rtol=1e-6)


def test_some_items_score_as_they_do_among_all():
    network, weights = by_hand()
    users = network.users(weights, rows([1]), rows([1, 0, 0, 0]), None)
    every = network.scores(weights, users, None)
    np.testing.assert_allclose(
        network.scores(weights, users, np.array([3, 1])), every[:, [3, 1]], rtol=1e-6
    )


@pytest.mark.parametrize("silenced", ["product", "mlp.1.weight"])
def test_without_either_half_the_score_is_another(silenced):
    network, weights = by_hand()
    users = network.users(weights, rows([1]), rows([1, 1, 1, 1]), None)
    whole = network.scores(weights, users, None)
    weights[silenced] = weights[silenced] * 0
    users = network.users(weights, rows([1]), rows([1, 1, 1, 1]), None)
    left = network.scores(weights, users, None)
    assert left[0, 0] == pytest.approx(whole[0, 0] - {"product": 3.4, "mlp.1.weight": 46}[silenced])


def test_the_product_learns_what_the_network_starts_without():
    """Training moves both halves: each, silenced afterwards, changes what is recommended."""
    world = twin_tastes()
    model = build("neumf", {"epochs": 5, "batch_size": 32})
    for _ in model.fit_epochs(world.pair, 1):
        pass
    before = model.score(np.arange(20)).own_scores()
    for name in ("product", "mlp.1.weight"):
        kept = model.weights[name]
        model.weights[name] = kept * 0
        assert abs(model.score(np.arange(20)).own_scores() - before).max() > 0.1
        model.weights[name] = kept


def test_pairs_ask_for_hidden_items_and_seldom_draw_taken_ones():
    shown = rows([1, 0, 0, 0] + [0] * 96, [0, 0, 0, 0] + [0] * 96)
    wanted = rows([1, 1, 0, 1] + [0] * 96, [0, 0, 1, 0] + [0] * 96)
    pairs = drawn_pairs(shown, wanted, 50, np.random.default_rng(1))
    assert list(zip(pairs.rows, pairs.items[:, 0], strict=True)) == [(0, 1), (0, 3), (1, 2)]
    taken = wanted.toarray()[pairs.rows[:, None], pairs.items[:, 1:]]
    assert pairs.items.shape == (3, 51)
    assert taken.mean() < 0.01


def test_pairs_ask_for_everything_where_nothing_is_hidden():
    wanted = rows([1, 1, 0, 1])
    assert drawn_pairs(wanted, wanted, 2, np.random.default_rng(1)).items[:, 0].tolist() == [
        0,
        1,
        3,
    ]


def test_cross_entropy_of_pairs_is_worked_by_hand():
    import torch

    pairs = drawn_pairs(rows([0, 0]), rows([1, 0]), 1, np.random.default_rng(1))
    loss = pairs.loss(torch.tensor([[np.log(3.0), 0.0]]), "cross-entropy")
    assert float(loss) == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)
    loss = pairs.loss(torch.tensor([[np.log(3.0), 0.0]]), "softmax")
    assert float(loss) == pytest.approx(np.log(4 / 3))


def test_dropout_leaves_a_share_out_and_keeps_the_sum():
    import torch

    dropped = dropout(0.25, np.random.default_rng(1))(torch.ones(1000, 10)).numpy()
    assert set(np.unique(dropped)) == {0.0, np.float32(4 / 3)}
    assert dropped.mean() == pytest.approx(1.0, abs=0.05)
    assert dropout(0.0, np.random.default_rng(1))("anything") == "anything"


def test_a_tower_is_relu_and_a_layer_each():
    weights = {
        "t.1.weight": np.array([[2.0], [1.0]]),
        "t.1.bias": np.array([-5.0]),
        "t.2.weight": np.array([[4.0]]),
        "t.2.bias": np.array([1.0]),
    }
    values = tower(weights, "t", np.array([[3.0, -1.0], [2.0, 0.0]]))
    np.testing.assert_allclose(values, [[4 * 1 + 1], [1]])  # 2*3 - 5 = 1; 2*2 - 5 < 0
    assert halved(32, 3) == (32, 16, 8)


def test_all_items_are_asked_in_pieces_of_any_size(monkeypatch):
    users, items = np.arange(5.0)[:, None], np.arange(3.0)[:, None]

    def head(some, beside):
        return (some * 10 + beside)[..., 0]

    whole = over_all_items(head, users, items)
    monkeypatch.setattr("core.models.kernel.pair_network.CELLS", 6)
    np.testing.assert_array_equal(over_all_items(head, users, items), whole)
    assert whole[4].tolist() == [40, 41, 42]
