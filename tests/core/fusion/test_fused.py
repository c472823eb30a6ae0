"""Exactness: lists from candidates equal ranking everything, for every user, ties included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from core.basics.types import DomainScores
from core.fusion.candidates import find_candidates
from core.fusion.combine import KINDS, SCALES, Fusion, fuse_scores, top_k
from core.fusion.fused import fused_top_k, one_user_top_k, prepare, ranks_of, relevant_entries
from tests.core.fusion.fusion_worlds import (
    FUSIONS,
    masked_by,
    plain_order,
    random_mask,
    random_scores,
    tied_worlds,
)


def brute_force(scores, masked, fusion, k):
    """Every user's list by ranking every item in plain Python."""
    fused = fuse_scores(scores, masked, fusion)
    orders = [
        plain_order(fused[row], scores.source[row], scores.target[row]) for row in range(len(fused))
    ]
    return np.array([(order + [-1] * k)[:k] for order in orders])


@settings(max_examples=400)
@given(tied_worlds(), FUSIONS, st.integers(1, 8), st.data())
def test_lists_from_candidates_equal_brute_force(world, fusion, depth, data):
    scores, masked = world
    k = data.draw(st.integers(1, depth))
    candidates = find_candidates(scores, np.arange(len(scores.source)), masked, depth)
    got = fused_top_k(candidates, fusion, k)
    assert got.items.tolist() == brute_force(scores, masked, fusion, k).tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("decimals", [None, 0])
def test_a_larger_catalogue_is_exact_too(kind, scale, decimals):
    scores, masked = random_scores(8, 3000, decimals=decimals), random_mask(8, 3000)
    candidates = find_candidates(scores, np.arange(8), masked)
    for alpha, beta in ((1, 1), (0, 1), (1, 0), (0.3, 1), (0, 0)):
        fusion = Fusion(alpha, beta, kind, scale)
        got = fused_top_k(candidates, fusion, 50)
        fused = fuse_scores(scores, masked, fusion)
        assert (got.items == top_k(fused, scores.source, scores.target, 50)).all()
        np.testing.assert_array_equal(got.fused, np.take_along_axis(fused, got.items, axis=1))


@given(tied_worlds(), FUSIONS)
def test_one_users_list_from_full_scores_is_the_same(world, fusion):
    scores, masked = world
    one = DomainScores.ranking(
        scores.source[:1], scores.target[:1], scores.has_source[:1], scores.has_target[:1]
    )
    items, fused = one_user_top_k(one, masked[:1], fusion, 5)
    expected = brute_force(one, masked[:1], fusion, 5)[0]
    assert items.tolist() == expected[expected >= 0].tolist()
    assert (np.diff(fused) <= 0).all()


@given(tied_worlds(), FUSIONS)
def test_ranks_of_entries_are_their_places_in_the_list(world, fusion):
    scores, masked = world
    candidates = find_candidates(scores, np.arange(len(scores.source)), masked, 8)
    prepared = prepare(candidates, fusion.kind, fusion.scale, 8)
    rows, places = np.nonzero(prepared.items >= 0)
    ranks = ranks_of(prepared.fused(fusion.alpha, fusion.beta), rows, places)
    lists = fused_top_k(candidates, fusion, 8).items
    for row, place, rank in zip(rows, places, ranks, strict=True):
        if rank <= 8:
            assert lists[row, rank - 1] == prepared.items[row, place]
    assert (ranks <= 8).sum() == (lists >= 0).sum()


@given(tied_worlds(), FUSIONS)
def test_base_and_both_parts_of_a_list_add_up_to_its_scores(world, fusion):
    scores, masked = world
    lists = fused_top_k(find_candidates(scores, np.arange(masked.rows.shape[0]), masked), fusion, 9)
    total = lists.base + lists.source_part + lists.target_part
    np.testing.assert_allclose(total, lists.fused, rtol=1e-4, atol=1e-5)


def test_held_out_entries_are_found_by_user_number():
    scores = random_scores(2, 30)
    nothing = masked_by(np.zeros((2, 30)))
    prepared = prepare(find_candidates(scores, np.array([4, 1]), nothing), "weighted sum", "raw", 5)
    relevant = np.zeros((6, 30), dtype=np.float32)
    relevant[4, prepared.items[0, 2]] = relevant[1, prepared.items[1, 0]] = 1
    relevant[0] = 1  # somebody else
    assert np.argwhere(relevant_entries(prepared, csr_matrix(relevant))).tolist() == [
        [0, 2],
        [1, 0],
    ]


def test_lists_longer_than_the_candidates_are_deep_are_refused():
    candidates = find_candidates(random_scores(1, 30), np.array([0]), random_mask(1, 30), 5)
    with pytest.raises(ValueError, match="depth"):
        fused_top_k(candidates, Fusion(), 6)
