"""Quality against the share of shared users that training knew, for all users and cold ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, SHARE, USER, USERS
from core.evaluation.lift import ALL_USERS
from core.evaluation.ratings import difference_intervals, intervals
from core.evaluation.segments import BINS, FEWEST, TARGET_HISTORY
from core.metrics.registry import metric_card, metric_title

COLD_USERS = "cold users"
LIFT = "lift"  # columns of what a share has over none
LIFT_LOW, LIFT_HIGH = "lift_low", "lift_high"
BAND_LOW, BAND_HIGH = "band_low", "band_high"  # lift and its interval on top of the twin's level


def overlap_rows(
    frames: Mapping[float, pd.DataFrame], segments: pd.DataFrame, metric: str
) -> pd.DataFrame:
    """SEGMENT, SHARE, MEAN, LOW, HIGH, USERS, and LIFT over share 0 with its interval.

    Where there is a twin, BAND_LOW and BAND_HIGH are the lift's interval around the level.

    frames: per-user metrics by share, 0 (the twin) first where there is one. Groups of fewer than
    FEWEST users are left out.
    """
    cold = (segments[TARGET_HISTORY].astype("str") == BINS[0]).to_numpy()
    masks = {ALL_USERS: np.ones(len(cold), dtype=bool), COLD_USERS: cold}
    rows = []
    for name, mask in masks.items():
        chosen = {share: frame[mask[frame[USER]]] for share, frame in frames.items()}
        if len(chosen[1.0]) < FEWEST or (
            name == COLD_USERS and len(chosen[1.0]) == len(frames[1.0])
        ):
            continue
        rows += [
            _row(name, share, frame, chosen.get(0.0), metric) for share, frame in chosen.items()
        ]
    return pd.DataFrame(rows, columns=None if rows else [SEGMENT, SHARE, MEAN, LOW, HIGH, USERS])


def overlap_sentence(rows: pd.DataFrame, metric: str) -> str:
    """How much of the lift a quarter of the shared users carries, in one sentence."""
    everybody = rows[rows[SEGMENT] == ALL_USERS].set_index(SHARE)
    if everybody.empty:
        return f"Fewer than {FEWEST} users are evaluated: too few to say."
    if 0.0 not in everybody.index:
        return "This model has no target-only twin: there is no level without shared users."
    sign = 1 if metric_card(metric).higher_is_better else -1
    whole, quarter = everybody.loc[1.0], everybody.loc[0.25]
    better, worse = (LIFT_LOW, LIFT_HIGH) if sign > 0 else (LIFT_HIGH, LIFT_LOW)
    if sign * whole[better] > 0:
        if sign * quarter[better] > 0:
            return (
                f"A quarter of the shared users already lifts {metric_title(metric)} over the twin."
            )
        return f"{metric_title(metric)} needs more than a quarter of the shared users to rise."
    if sign * whole[worse] < 0:
        return f"The more shared users training knows, the worse {metric_title(metric)} gets."
    return f"No share of the shared users moves {metric_title(metric)} beyond user sampling."


def _row(
    name: str, share: float, frame: pd.DataFrame, nobody: pd.DataFrame | None, metric: str
) -> dict[str, float | int | str]:
    level = intervals(frame, [metric])[0]
    row: dict[str, float | int | str] = {
        SEGMENT: name,
        SHARE: share,
        MEAN: level.mean,
        LOW: level.low,
        HIGH: level.high,
        USERS: level.users,
    }
    if nobody is not None:
        gap = difference_intervals(frame, nobody, [metric])[0]
        row |= {LIFT: gap.mean, LIFT_LOW: gap.low, LIFT_HIGH: gap.high}
        row |= {
            BAND_LOW: level.mean - gap.mean + gap.low,
            BAND_HIGH: level.mean - gap.mean + gap.high,
        }
    return row
