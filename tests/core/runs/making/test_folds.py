"""What folds find together: every user once, by figures worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import USER
from core.data.snapshot import SplitInfo
from core.runs.making.folds import family_of, pooled


def test_a_user_of_several_folds_counts_once_by_the_mean_and_errors_are_pooled_over_ratings():
    first = pd.DataFrame(
        {
            USER: [0, 1],
            "ndcg@10": [1.0, 0.5],
            "rmse": [2.0, 1.0],
            "mae": [2.0, 1.0],
            "ratings": [1, 4],
        }
    )
    second = pd.DataFrame(
        {
            USER: [2, 0],
            "ndcg@10": [np.nan, 0.5],
            "rmse": [np.nan, 1.0],
            "mae": [np.nan, 1.0],
            "ratings": [0, 3],
        }
    )
    found = pooled([first, second]).set_index(USER)
    assert found["ndcg@10"].iloc[:2].tolist() == [0.75, 0.5]
    assert found["rmse"].iloc[:2].tolist() == pytest.approx([(7 / 4) ** 0.5, 1])  # (4 + 3) of 4
    assert found["mae"].iloc[:2].tolist() == pytest.approx([5 / 4, 1])
    assert found["ratings"].tolist() == [4, 4, 0]
    assert found.loc[2, ["ndcg@10", "rmse", "mae"]].isna().all()  # nothing to find, no 0


def fold(kind: str, number: int, seed: int = 1) -> SplitInfo:
    settings = {"kind": kind, "folds": 3, "fold": number}
    return SplitInfo("a", "b", kind, seed, settings, "d", f"{kind}{number}{seed}", {})


def test_folds_of_one_draw_belong_together_and_others_do_not():
    rows = [fold("fold of rows", number) for number in (3, 1)]
    others = [fold("fold of rows", 2, seed=2), fold("cold-start fold", 2), fold("random", 2)]
    family = family_of(rows[0], [*rows, *others])
    assert list(family.infos) == [1, 3]
    assert not family.whole
    assert family_of(rows[0], [*rows, fold("fold of rows", 2)]).whole
    assert family_of(others[2], rows) is None
