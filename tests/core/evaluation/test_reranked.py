"""What a re-ranking brings and costs, on a world that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.basics.columns import KIND, LOW, MEAN, METRIC, SHARE
from core.basics.types import DomainScores
from core.evaluation.reranked import CATEGORIES, COST, PEOPLE, likeness, rerank_curve, there
from core.fusion.candidates import find_candidates
from core.fusion.combine import Fusion
from core.fusion.rerank import CALIBRATED, MMR
from tests.core.evaluation.list_worlds import small_world


def curve(categories: bool = True, scores: tuple[int, ...] = (6, 5, 4, 3, 2, 1)):
    world, users = small_world(categories), np.arange(3)
    parts = np.tile(np.array(scores, np.float32), (3, 1))
    known = np.ones(3, dtype=bool)
    given = DomainScores.ranking(np.zeros_like(parts), parts, known, known)
    candidates = find_candidates(given, users, replace(world.masked, rows=world.masked.rows[:3]))
    return rerank_curve(candidates, world, Fusion(), 2, strengths=(0.0, 0.5, 1.0))


def value(rows, kind: str, strength: float, metric: str) -> float:
    found = rows[(rows[KIND] == kind) & (rows[SHARE] == strength) & (rows[METRIC] == metric)]
    return float(found[MEAN].iloc[0])


def test_strength_0_is_the_list_by_score_and_costs_nothing():
    rows = curve()
    at_0 = rows[(rows[SHARE] == 0) & (rows[METRIC] == COST)]
    assert (at_0[[MEAN, LOW]] == 0).all(axis=None)
    assert len(at_0) == 2
    # User 0 gets items 2 (to be found) and 3, user 1 items 1 (to be found) and 3, user 2 item 0
    # (to be found) and 2: every first place is the only or the first hit of one or two
    ideal = 1 + 1 / np.log2(3)
    assert np.isclose(value(rows, MMR, 0.0, "ndcg@2"), (1 / ideal + 1 + 1) / 3)


def test_mmr_brings_variety_and_calibration_the_mix():
    rows = curve(scores=(1, 2, 6, 3, 4, 5))  # items 2 and 5, both of war, stand first
    for kind, metric, better in (
        (MMR, "category_distance@2", 1),
        (CALIBRATED, "calibration@2", -1),
    ):
        before, after = (value(rows, kind, strength, metric) for strength in (0.0, 1.0))
        assert better * (after - before) > 0, metric


def test_without_categories_lists_are_varied_by_who_takes_the_items():
    assert set(curve(categories=False)[KIND]) == {MMR}
    world = small_world(categories=False)
    assert there(world) == [PEOPLE]
    assert (likeness(world) != world.item_vectors).nnz == 0
    assert there(small_world()) == [CATEGORIES, PEOPLE]
