"""What a split would hold, counted before it is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, USER
from core.data.splitting import (
    TEMPORAL,
    TEST_ROW,
    TRAIN_ROW,
    VALID_ROW,
    SplitSettings,
    assign_parts,
    rows_on_a_cut,
)


@dataclass(frozen=True)
class SplitCounts:
    """rows: source train, target train, target valid, target test."""

    rows: tuple[int, int, int, int]
    source_left_out: int  # source rows from after the first cut of a temporal split
    train_users: int  # with target rows to train on
    valid_users: int
    test_users: int
    cold_test_users: int  # test users without any target row to train on
    unseen_test_rows: int  # test rows whose item is in no training row: found by no id-based model
    on_a_cut: int  # target rows at one of the two cuts of a temporal split
    new_items: tuple[int, int, int]  # target items of validation and test alone, and of all rows


def split_counts(
    source: pd.DataFrame, target: pd.DataFrame, settings: SplitSettings, seed: int
) -> SplitCounts:
    """Sizes of every part of the split these settings make of the rows of a pair."""
    parts = assign_parts(source, target, settings, seed)
    train, valid, test = (target[parts.target == part] for part in (TRAIN_ROW, VALID_ROW, TEST_ROW))
    trained = pd.Index(train[USER].unique())
    tested = pd.Index(test[USER].unique())
    known = train[ITEM].unique()
    return SplitCounts(
        rows=(int(parts.source.sum()), len(train), len(valid), len(test)),
        source_left_out=int((~parts.source).sum()),
        train_users=len(trained),
        valid_users=valid[USER].nunique(),
        test_users=len(tested),
        cold_test_users=int((~tested.isin(trained)).sum()),
        unseen_test_rows=int((~test[ITEM].isin(known)).sum()),
        on_a_cut=rows_on_a_cut(target, settings) if settings.kind == TEMPORAL else 0,
        new_items=(_beyond(valid, known), _beyond(test, known), target[ITEM].nunique()),
    )


def _beyond(rows: pd.DataFrame, known: np.ndarray) -> int:
    """How many different items of the rows are not among the known ones."""
    return int((~pd.Index(rows[ITEM].unique()).isin(known)).sum())
