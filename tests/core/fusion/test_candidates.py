"""Candidates hold every item that can reach a list, and say rightly how many stand before it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.basics.types import DomainScores
from core.fusion import candidates as module
from core.fusion.candidates import find_candidates, join_candidates, pick_users
from core.fusion.combine import Fusion, fuse_scores, part_scale, top_k
from core.fusion.fused import fused_top_k
from tests.core.fusion.fusion_worlds import masked_by, random_mask, random_scores, tied_worlds


def plain_dominators(source, target, items):
    """How many items dominate each item, straight from the definition."""

    def dominates(j, i):
        if source[j] == source[i] and target[j] == target[i]:
            return j < i
        return source[j] >= source[i] and target[j] >= target[i]

    return {i: sum(dominates(j, i) for j in items if j != i) for i in items}


def check_against_definition(scores, masked, depth):
    found = find_candidates(scores, np.arange(len(scores.source)), masked, depth)
    hidden = masked.toarray()
    for row in range(len(hidden)):
        if not (scores.has_source[row] or scores.has_target[row]):
            continue  # ranked by base alone
        items = np.flatnonzero(~hidden[row]).tolist()
        wanted = plain_dominators(scores.source[row], scores.target[row], items)
        part = slice(found.starts[row], found.starts[row + 1])
        got = dict(zip(found.items[part].tolist(), found.dominators[part].tolist(), strict=True))
        assert got == {item: n for item, n in wanted.items() if n < depth}


@given(tied_worlds(), st.integers(1, 8))
def test_candidates_are_the_items_with_fewer_dominators_than_the_depth(world, depth):
    check_against_definition(*world, depth)


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_pruning_a_larger_catalogue_loses_nothing(decimals):
    scores = random_scores(3, 400, decimals=decimals)
    check_against_definition(scores, random_mask(3, 400), depth=5)


def test_parts_that_pull_against_each_other_lose_nothing():
    scores = random_scores(2, 300)
    opposed = DomainScores.ranking(
        scores.source, -scores.source + scores.target * 0.01, scores.has_source, scores.has_target
    )
    check_against_definition(opposed, masked_by(np.zeros((2, 300))), depth=5)


def plain_skyband(source, target, items, depth):
    """The items with fewer dominators than the depth and the number of each, quadratically."""
    numbers = items[:, None] < items  # [j, i]
    ahead, over = source[items][:, None], target[items][:, None]
    as_good = (ahead >= source[items]) & (over >= target[items])
    same = (ahead == source[items]) & (over == target[items])
    dominators = (as_good & (~same | numbers)).sum(axis=0)
    few = dominators < depth
    return dict(zip(items[few].tolist(), dominators[few].tolist(), strict=True))


def large_worlds():
    """Parts of 2,000 items in which little or much ties, pulls apart or is empty."""
    draw = np.random.default_rng(3)
    source, target = draw.normal(size=(2, 5, 2000)).astype(np.float32)
    few = draw.random((2, 5, 2000)) < 0.05
    yield "like each other", source, source + target
    yield "independent", source, target
    yield "opposed", source, -source + target / 50
    yield "rounded", source.round(1), target.round(1)
    yield "stars", source.round(), target.round()
    yield "sparse", np.where(few[0], abs(source), 0), np.where(few[1], abs(target), 0)
    yield "sparse below nothing", np.where(few[0], source, 0), np.where(few[1], -abs(target), 0)
    yield "one part alone", source, np.zeros_like(target)
    yield "signed zeros", np.where(few[0], -0.0, 0.0), target.round(1)


@pytest.mark.parametrize("cells", [4000, 10**6])
@pytest.mark.parametrize("depth", [3, 50, 300])
@pytest.mark.parametrize("world", large_worlds(), ids=lambda world: world[0])
def test_on_a_large_catalogue_they_are_those_of_the_plain_definition(
    world, depth, cells, monkeypatch
):
    monkeypatch.setattr(module, "CELLS", cells)
    _, source, target = world
    yes = np.array([True, True, True, False, True])
    scores = DomainScores.ranking(source, target, yes, yes).filled(np.arange(2000.0))
    hidden = np.random.default_rng(4).random((5, 2000)) < np.array([[0, 0.01, 0.5, 0.5, 0.99]]).T
    masked = masked_by(hidden, np.arange(2000) % 7 == 0)
    found = find_candidates(scores, np.arange(5), masked, depth)
    for row in np.flatnonzero(yes):
        part = slice(found.starts[row], found.starts[row + 1])
        got = dict(zip(found.items[part].tolist(), found.dominators[part].tolist(), strict=True))
        items = np.flatnonzero(~masked.toarray()[row])
        assert got == plain_skyband(source[row], target[row], items, depth)
        assert (found.source[part] == source[row, found.items[part]]).all()
        assert (found.target[part] == target[row, found.items[part]]).all()
    by_popularity = found.items[found.starts[3] : found.starts[4]]
    best = np.flatnonzero(~masked.toarray()[3])[-depth:]
    assert sorted(by_popularity) == best.tolist()


def test_scales_are_to_the_last_digit_those_of_numpy():
    for values in np.random.default_rng(5).normal(3, 100, size=(50, 9001)).astype(np.float32):
        mean, spread = values.mean(dtype=np.float64), values.std(dtype=np.float64)
        expected = np.array([mean, spread, values.min(), values.max()], dtype=np.float32)
        assert part_scale(values).tobytes() == expected.tobytes()


def test_a_crowd_of_items_without_any_score_leaves_the_first_by_number():
    source, target = np.zeros((2, 1, 2000), dtype=np.float32)
    source[0, 1500], target[0, 1600] = 1.0, 1.0
    yes = np.array([True])
    scores = DomainScores.ranking(source, target, yes, yes)
    found = find_candidates(scores, np.array([0]), masked_by(np.zeros((1, 2000))), 10)
    assert found.items.tolist() == [1500, 1600, *range(8)]


def test_entries_stand_by_source_then_target_then_item_number():
    found = find_candidates(random_scores(4, 300, decimals=0), np.arange(4), random_mask(4, 300))
    for row in range(4):
        part = slice(found.starts[row], found.starts[row + 1])
        keys = list(zip(-found.source[part], -found.target[part], found.items[part], strict=True))
        assert keys == sorted(keys)


def test_ranks_and_scales_are_over_every_unmasked_item():
    scores, masked = random_scores(1, 200, decimals=1), random_mask(1, 200, share=0.3)
    found = find_candidates(scores, np.array([0]), masked, 5)
    seen = scores.source[0][~masked.toarray()[0]]
    for value, rank in zip(found.source, found.source_rank, strict=True):
        assert rank == 1 + (seen > value).sum()
    expected = [seen.mean(), seen.std(), seen.min(), seen.max()]
    np.testing.assert_allclose(found.source_scale[0], expected, rtol=1e-5)


def test_groups_of_users_found_apart_join_to_the_whole():
    scores, masked = random_scores(6, 300), random_mask(6, 300)
    whole = find_candidates(scores, np.arange(6), masked)
    halves = [
        find_candidates(
            DomainScores.ranking(
                *(
                    part[rows]
                    for part in (scores.source, scores.target, scores.has_source, scores.has_target)
                )
            ),
            rows,
            masked[rows],
        )
        for rows in (np.arange(3), np.arange(3, 6))
    ]
    joined = join_candidates(halves)
    picked = join_candidates([pick_users(whole, np.array([row])) for row in range(6)])
    for other in (joined, picked):
        for name, value in vars(whole).items():
            np.testing.assert_array_equal(getattr(other, name), value)


@settings(max_examples=20)
@given(st.integers(0, 3))
def test_no_users_give_no_candidates(n_items):
    nobody = np.zeros(0, dtype=bool)
    empty = np.zeros((0, n_items), dtype=np.float32)
    scores = DomainScores.ranking(empty, empty, nobody, nobody)
    found = find_candidates(scores, np.zeros(0, int), masked_by(np.zeros((0, n_items))))
    assert len(found.users) == len(found.items) == 0


def test_where_base_differs_between_items_a_dominator_needs_it_too():
    scores, nothing = random_scores(3, 80, decimals=0), masked_by(np.zeros((3, 80)))
    base = np.random.default_rng(9).integers(0, 3, size=(3, 80)).astype(np.float32)
    scores = replace(scores, base=base)
    candidates = find_candidates(scores, np.arange(3), nothing, 6)
    for alpha, beta in ((1, 1), (0, 1), (1, 0), (0.2, 0.9), (0, 0)):
        fused = fuse_scores(scores, nothing, Fusion(alpha, beta))
        expected = top_k(fused, scores.source, scores.target, 6)
        assert (fused_top_k(candidates, Fusion(alpha, beta), 6).items == expected).all()
