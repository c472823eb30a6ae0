"""The sequence model: its order, its masks, its two encoders and what the order is worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.data.snapshot import RatingFacts
from core.models.networks.sasrec import SasRec, SasRecSettings, joint_sequences
from core.models.readiness import check_readiness
from core.models.registry import build, card_of
from tests.worlds import pair_of, twin_tastes


def rows(*histories: dict[int, float], n_items: int = 5) -> csr_matrix:
    """One row per history: item -> place in time."""
    table = np.zeros((len(histories), n_items), dtype=np.float32)
    for row, history in enumerate(histories):
        for item, place in history.items():
            table[row, item] = place
    return csr_matrix(table)


def test_a_joint_sequence_stands_in_time_order_and_keeps_the_latest():
    source, target = rows({0: 1, 4: 3}, {}), rows({2: 2, 1: 4}, {3: 1})
    found = joint_sequences(source, target, 3)
    # source items are 1..5, target items 6..10; the first of four is cut away
    np.testing.assert_array_equal(found, [[8, 5, 7], [0, 0, 9]])


def test_interactions_of_one_moment_stand_source_first_then_by_item():
    source, target = rows({3: 1, 1: 1}), rows({0: 1})
    np.testing.assert_array_equal(joint_sequences(source, target, 4), [[0, 2, 4, 6]])


@pytest.mark.parametrize("encoder", ["attention", "convolution"])
def test_a_place_knows_nothing_of_what_comes_after_it(encoder):
    network = SasRec(SasRecSettings(factors=8, length=6, encoder=encoder))
    pair = pair_of(np.ones((2, 5)), np.ones((2, 5)))
    weights = network.start(pair, np.random.default_rng(0))
    short, long = np.array([[0, 1, 7, 3, 8, 2]]), np.array([[0, 1, 7, 3, 5, 9]])
    ours, theirs = network._encoded(weights, short), network._encoded(weights, long)
    np.testing.assert_allclose(ours[:, :4], theirs[:, :4], atol=1e-6)
    assert np.abs(ours[:, 4:] - theirs[:, 4:]).max() > 1e-3


@pytest.mark.parametrize("encoder", ["attention", "convolution"])
def test_padding_says_nothing(encoder):
    network = SasRec(SasRecSettings(factors=8, length=6, encoder=encoder))
    weights = network.start(pair_of(np.ones((2, 5)), np.ones((2, 5))), np.random.default_rng(0))
    read = np.array([[0, 0, 0, 1, 7, 3]])
    before = network._encoded(weights, read)
    assert not before[:, :3].any()
    weights["places"] = weights["places"].copy()
    weights["places"][:3] += 5.0
    np.testing.assert_allclose(network._encoded(weights, read), before, atol=1e-6)


def test_attention_by_hand_on_two_places():
    network = SasRec(SasRecSettings(factors=2, length=2, layers=1))
    pair = pair_of(np.ones((1, 2)), np.ones((1, 2)))
    weights = network.start(pair, np.random.default_rng(1))
    states = np.array([[[1.0, 0.0], [0.5, 2.0]]], dtype=np.float32)
    query, key, value = (
        states[0] @ weights[f"layer0.{role}.weight"] for role in ("query", "key", "value")
    )
    logits = query[1] @ key.T / np.sqrt(2)
    shares = np.exp(logits) / np.exp(logits).sum()
    found = network._attended(weights, "layer0", states, np.ones((1, 2), dtype=bool))
    np.testing.assert_allclose(found[0, 0], value[0], atol=1e-5)
    np.testing.assert_allclose(found[0, 1], shares @ value, atol=1e-5)


def ordered_world(seed: int = 0, n_users: int = 128) -> tuple:
    """Everybody takes every item of a ring, starting anywhere: only the order tells what is next.

    Answers the pair, with places for values, and the next item of every user.
    """
    rng = np.random.default_rng(seed)
    n_items, length = 12, 6
    start = rng.integers(0, n_items, n_users)
    target = np.zeros((n_users, n_items), dtype=np.float32)
    for place in range(length):
        target[np.arange(n_users), (start + place) % n_items] = place + 1
    return pair_of(np.zeros((n_users, 2)), target), (start + length) % n_items


def share_of_next_items(encoder: str, shuffled: bool, **more) -> float:
    pair, following = ordered_world()
    rows_read = pair.target
    if shuffled:
        rows_read = pair.target.copy()
        rng = np.random.default_rng(1)
        for user in range(rows_read.shape[0]):
            part = slice(rows_read.indptr[user], rows_read.indptr[user + 1])
            rows_read.data[part] = rng.permutation(rows_read.data[part])
    settings = {
        "factors": 16,
        "length": 6,
        "epochs": 20,
        "batch_size": 16,
        "negatives": 24,
        "interaction_dropout": 0.0,
        "whole_history_weight": 0.0,
        "encoder": encoder,
        "learning_rate": 0.01,
    }
    model = build("sasrec", settings | more, device="cpu")
    train = pair_of(pair.source.toarray(), rows_read.toarray())
    list(model.fit_epochs(train, 3))
    scores = model.score(np.arange(len(following))).own
    scores[pair.target.nonzero()] = -np.inf
    return float((scores.argmax(axis=1) == following).mean())


@pytest.mark.parametrize("encoder", ["attention", "convolution"])
def test_order_tells_the_next_item(encoder):
    assert share_of_next_items(encoder, shuffled=False) > 0.8


def test_order_tells_the_next_item_with_the_weights_that_are_the_default():
    """Next items weighed .1 : 1 beside whole histories, and a shuffled source did as well."""
    own = SasRecSettings().to_dict()
    names = ("interaction_dropout", "next_item_weight", "whole_history_weight")
    default = {name: own[name] for name in names}
    assert share_of_next_items("attention", shuffled=False, **default) > 0.7
    old = {"interaction_dropout": 0.5, "next_item_weight": 0.1, "whole_history_weight": 1.0}
    assert share_of_next_items("attention", shuffled=False, **old) < 0.5


def test_shuffled_order_does_not():
    assert share_of_next_items("attention", shuffled=True) < 0.6


def test_rows_without_times_are_refused_with_the_reason():
    pair = twin_tastes().pair
    facts = RatingFacts(None, None, 0.0, timed=False)
    with pytest.raises(RunError, match=r"no times\. Import both files with their time columns"):
        check_readiness(card_of("sasrec"), pair, SasRecSettings(), ratings=facts)
