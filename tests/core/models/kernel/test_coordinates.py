import numpy as np

from core.models.kernel.coordinates import interaction_vectors, normalised
from tests.worlds import pair_of, twin_tastes


def test_items_liked_by_the_same_users_lie_together_across_domains():
    pair = twin_tastes().pair
    vectors = interaction_vectors(pair, factors=1)
    parity = np.concatenate([np.arange(60) % 2, np.arange(40) % 2])
    items = np.concatenate([vectors.source_items, vectors.target_items])
    taken = (items != 0).any(axis=1)
    side = normalised(items)[:, 0] > 0
    assert len(np.unique(side[taken] == parity[taken])) == 1  # one side even, the other odd


def test_directions_are_the_singular_ones_less_what_the_counts_make_likely():
    rng = np.random.default_rng(0)
    source, target = (rng.random((50, n)) < 0.3 for n in (12, 9))
    vectors = interaction_vectors(pair_of(source, target), factors=4)
    joint = np.hstack([source, target]).astype(float)
    balanced = joint / np.sqrt(joint.sum(axis=1, keepdims=True) * joint.sum(axis=0))
    expected = np.linalg.svd(balanced, compute_uv=False)
    items = np.concatenate([vectors.source_items, vectors.target_items])
    np.testing.assert_allclose(np.linalg.norm(items, axis=0), expected[1:5], rtol=1e-3)
    np.testing.assert_allclose(
        vectors.source_users + vectors.target_users, balanced @ items, atol=1e-5
    )


def test_users_without_history_in_a_domain_have_no_vector_there():
    world = twin_tastes()
    vectors = interaction_vectors(world.pair)
    assert not vectors.target_users[world.pair.cold_users].any()
    assert vectors.source_users[world.pair.cold_users].any(axis=1).all()


def test_the_same_interactions_give_the_same_vectors():
    pair = twin_tastes().pair
    first, again = interaction_vectors(pair), interaction_vectors(pair)
    np.testing.assert_array_equal(first.target_items, again.target_items)
