"""ItemKNN on numbers worked by hand."""

from __future__ import annotations

import numpy as np

from core.models.registry import build
from tests.worlds import pair_of


def fitted(pair, **settings):
    model = build("item_knn", settings)
    list(model.fit_epochs(pair, 0))
    return model


# three users; source items s0, s1; target items t0, t1, t2
PAIR = pair_of(
    np.array([[1, 0], [1, 1], [0, 1]]),
    np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1]]),
)


def test_likeness_is_common_users_over_norms_and_shrinkage():
    table = fitted(PAIR, shrinkage=2.0).form.weights.toarray()
    s0_t0 = 2 / (np.sqrt(2) * np.sqrt(2) + 2)  # users 0 and 1 took both; two users took each
    t1_t2 = 1 / (np.sqrt(2) * np.sqrt(1) + 2)  # user 2 took both
    assert np.isclose(table[0, 0], s0_t0)
    assert np.isclose(table[2 + 1, 2], t1_t2)
    assert table[0, 2] == 0  # nobody took both s0 and t2


def test_no_item_is_its_own_neighbour():
    table = fitted(PAIR).form.weights.toarray()[2:]
    assert not np.diag(table).any()


def test_only_the_nearest_items_of_each_domain_stay():
    rng = np.random.default_rng(0)
    pair = pair_of(rng.random((60, 30)) < 0.3, rng.random((60, 20)) < 0.3)
    full = fitted(pair, neighbours=1000).form.weights.toarray()
    few = fitted(pair, neighbours=4).form.weights.toarray()
    for rows in (slice(0, 30), slice(30, 50)):
        for target in range(20):
            kept = few[rows, target] > 0
            fourth = np.sort(full[rows, target])[-4]
            np.testing.assert_array_equal(kept, full[rows, target] >= fourth)


def test_the_target_part_is_the_score_of_the_twin():
    rng = np.random.default_rng(1)
    pair = pair_of(rng.random((60, 30)) < 0.3, rng.random((60, 20)) < 0.3)
    joint, twin = fitted(pair, neighbours=5), fitted(pair.target_only(), neighbours=5)
    users = np.arange(60)
    np.testing.assert_array_equal(joint.score(users).target, twin.score(users).target)


def test_blocks_of_target_items_change_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    pair = pair_of(rng.random((60, 30)) < 0.3, rng.random((60, 20)) < 0.3)
    whole = fitted(pair).form.weights.toarray()
    monkeypatch.setattr("core.models.linear.item_knn.BLOCK", 7)
    np.testing.assert_array_equal(fitted(pair).form.weights.toarray(), whole)
