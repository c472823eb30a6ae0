"""Several seeds as a second layer: the lift of every seed, and its mean and interval over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, USERS
from core.evaluation.lift import Question
from core.evaluation.rating_error import difference_intervals, paired
from core.evaluation.segments import FEWEST
from core.metrics.intervals import student_interval

SEEDS = "seeds"
ENOUGH_SEEDS = 3  # below, an interval over seeds says nothing
SeedFrames = Sequence[tuple[pd.DataFrame, pd.DataFrame]]  # run and twin of each seed, per user


def seed_rows(pairs: SeedFrames, segments: pd.DataFrame, by: str, metric: str) -> pd.DataFrame:
    """SEGMENT, MEAN, LOW, HIGH (Student's t over seeds), SEEDS and USERS, all users first.

    Segments without users are left out, those of fewer than FEWEST users have no figure.
    """
    rows = []
    for name, mask in Question(segments, by, metric).masks.items():
        lifts, users = _lifts(pairs, mask, metric)
        if not users:
            continue
        over = student_interval(lifts if users >= FEWEST else lifts * np.nan)
        rows.append(
            {
                SEGMENT: name,
                MEAN: over.mean,
                LOW: over.low,
                HIGH: over.high,
                SEEDS: len(pairs),
                USERS: users,
            }
        )
    return pd.DataFrame(rows)


def all_the_same(pairs: SeedFrames, metric: str) -> bool:
    """Whether every seed gave every user the same: the model knows no chance."""
    first, *others = ([run[metric].to_numpy(), twin[metric].to_numpy()] for run, twin in pairs)
    return all(
        len(here) == len(there) and np.array_equal(here, there, equal_nan=True)
        for other in others
        for here, there in zip(first, other, strict=True)
    )


def _lifts(pairs: SeedFrames, mask: np.ndarray, metric: str) -> tuple[np.ndarray, int]:
    """(n_seeds,) mean lift over the chosen users, and how many they are."""
    means, users = [], 0
    for run, twin in pairs:
        ours, theirs = paired(run, twin)
        chosen = mask[ours.index]
        frames = ours[chosen].reset_index(), theirs[chosen].reset_index()
        interval = difference_intervals(*frames, [metric])[0]
        means.append(interval.mean)
        users = max(users, interval.users)
    return np.array(means), users
