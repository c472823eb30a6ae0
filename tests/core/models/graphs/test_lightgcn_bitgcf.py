"""BiTGCF: what passes between the two graphs, by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy.sparse import csr_matrix

from core.models.graphs.lightgcn import kept_share
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes

WORLD = twin_tastes()
PAIR = WORLD.pair


def fitted(**settings):
    model = build("bitgcf", {"epochs": 3, "factors": 8} | settings, device="cpu")
    list(model.fit_epochs(PAIR, 3))
    return model


def test_a_user_keeps_the_mean_of_the_constant_and_their_share_of_interactions():
    own, other = np.array([3, 0, 3, 0]), np.array([1, 4, 0, 0])
    np.testing.assert_allclose(kept_share(own, other, 0.5), [(0.5 + 3 / 4) / 2, 0, 1, 1])


def test_one_step_and_one_transfer_by_hand():
    """User 0 took the one source item and both target items; user 1 the source item alone."""
    pair = pair_of(np.array([[1], [1]]), np.array([[1, 1], [0, 0]]))
    settings = {"layers": 1, "factors": 2, "loss": "BPR", "target_retention": 0.6}
    model = build("bitgcf", settings, device="cpu")
    next(model.fit_epochs(pair, 1))
    nodes = model.checkpoint()["nodes"]
    by_target, source_item, target_items = nodes[2:4], nodes[4], nodes[5:7]
    from_source = source_item / np.sqrt(1 * 2)
    from_target = target_items.sum(axis=0) / np.sqrt(2 * 1)
    kept = (0.6 + 2 / 3) / 2
    users = np.array(
        [
            (by_target[0] + kept * from_target + (1 - kept) * from_source) / 2,
            from_source / 2,  # cold: all from the source, and no first vector of their own
        ]
    )
    np.testing.assert_allclose(model.state()["users"], users, atol=1e-6)


def test_no_edge_joins_the_two_graphs():
    graph = fitted().network.graph
    n_users, n_source = len(PAIR.users), PAIR.source.shape[1]
    side = np.repeat([0, 1, 0, 1], [n_users, n_users, n_source, PAIR.target.shape[1]])
    edges = graph.adjacency.tocoo()
    assert (side[edges.row] == side[edges.col]).all()


def test_what_a_shared_user_does_not_keep_comes_from_the_other_domain():
    """Where a step passes nothing on, the source history cannot change a shared user's list."""
    source, target = PAIR.source[:5], PAIR.target[:5]
    nothing = csr_matrix(source.shape, dtype=np.float32)

    def difference(model):
        return np.abs(model.fold_in(source, target).own - model.fold_in(nothing, target).own).max()

    giving, keeping = fitted(target_retention=0.0), fitted(target_retention=0.0)
    keep_all = lambda own, other: (np.zeros(5), np.ones(5))  # noqa: E731
    keeping.network.wiring = SimpleNamespace(shares=keep_all)
    assert difference(giving) > 0.05
    assert difference(keeping) < 1e-6


def test_a_drawn_user_is_the_trained_one_without_their_own_first_layer():
    model = fitted(loss="BPR", layers=3)
    everybody, n_users = np.arange(len(PAIR.users)), len(PAIR.users)
    own_layer = model.checkpoint()["nodes"][n_users : 2 * n_users] / 4
    missing = own_layer @ model.state()["target_items"].T
    drawn = model.fold_in(PAIR.source, PAIR.target).own
    np.testing.assert_allclose(drawn + missing, model.score(everybody).own, atol=1e-4)
    assert not own_layer[PAIR.cold_users].any()
