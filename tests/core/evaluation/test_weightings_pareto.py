"""What every ratio gives: the table agrees with the lists, the front with brute force."""

import numpy as np
import pytest

from core.evaluation.weightings import NAMES, on_front, prepared_per_user, ratio_metrics
from core.fusion.fused import EQUAL, SHARES, prepare
from tests.core.evaluation.test_weightings_fused import evaluated


def test_the_row_of_one_to_one_is_the_lists_own_figures(split):
    prepared = prepare(evaluated(split).candidates, "weighted sum", "z-score", 5)
    table = ratio_metrics(prepared, split.test, split.train.popularity, 50, split.test.shape[1])
    assert table["share"].tolist() == SHARES.tolist()
    lists, found = prepared_per_user(prepared, split.test, 1.0, 1.0)
    row = table.iloc[EQUAL]
    assert row["ndcg"] == pytest.approx(found["ndcg@5"].mean())
    assert row["coverage"] == len(np.unique(lists.items)) / 40
    assert table[list(NAMES)].notna().all(axis=None)


def test_the_front_is_who_nobody_beats_in_both():
    points = np.random.default_rng(0).integers(0, 6, (40, 2)).astype(float)
    beaten = [
        any((other >= point).all() and (other > point).any() for other in points)
        for point in points
    ]
    np.testing.assert_array_equal(on_front(*points.T), ~np.array(beaten))
