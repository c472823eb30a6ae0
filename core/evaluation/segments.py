"""Which segment a user is in, what it is called, and in which order to walk through users."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.basics.types import IntArray
from core.data.pair import DomainPair

TARGET_HISTORY, SOURCE_HISTORY, OVERLAP = "target_history", "source_history", "overlap"
BOUNDS = (0, 1, 5, 10, 20)  # a bin starts at each
BINS = ("0", "1–4", "5–9", "10–19", "20+")
FEWEST = 10  # users below which a segment is too small to say anything of
OVERLAPS = ("shared", "target only", "source only", "neither")

SEGMENTS: dict[str, tuple[str, ...]] = {
    TARGET_HISTORY: BINS,
    SOURCE_HISTORY: BINS,
    OVERLAP: OVERLAPS,
}
TITLES = {
    TARGET_HISTORY: "target history",
    SOURCE_HISTORY: "source history",
    OVERLAP: "where the user was seen",
}


def user_segments(train: DomainPair) -> pd.DataFrame:
    """One row per user number with the columns of SEGMENTS, ordered categories.

    Histories are counted in the training data, so a user held out for a cold start has "0".
    """
    source, target = train.source_history, train.target_history
    columns = {
        TARGET_HISTORY: _binned(target),
        SOURCE_HISTORY: _binned(source),
        OVERLAP: _overlap(source > 0, target > 0),
    }
    return pd.DataFrame(columns)


def _binned(history: IntArray) -> pd.Categorical:
    return pd.Categorical.from_codes(
        np.searchsorted(BOUNDS, history, side="right") - 1, categories=list(BINS), ordered=True
    )


def _overlap(in_source: np.ndarray, in_target: np.ndarray) -> pd.Categorical:
    codes = np.select([in_source & in_target, in_target, in_source], [0, 1, 2], default=3)
    return pd.Categorical.from_codes(codes, categories=list(OVERLAPS), ordered=True)
