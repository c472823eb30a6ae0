"""Tidy frames of quality over the ratio: everybody, each segment, and the best ratio of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import CHOSEN, HIGH, LOW, MEAN, NEAR, SEGMENT, SHARE, TOP, USERS
from core.basics.types import FloatArray
from core.fusion.fused import FEWEST, SHARES, BestRatio, bands, best_ratio, within_noise

GAIN, GAIN_LOW, GAIN_HIGH = "gain", "gain_low", "gain_high"


@dataclass(frozen=True)
class RatioPicture:
    """What the Fusion page draws for one kind, scale and k."""

    curve: pd.DataFrame  # one row per share: SHARE, MEAN, LOW, HIGH, NEAR (no worse than the best)
    lines: pd.DataFrame  # one row per segment and share: SEGMENT, SHARE, MEAN
    # one row per segment: SEGMENT, USERS, CHOSEN, TOP, LOW, HIGH, MEAN at TOP, and what CHOSEN
    # gains over 1 : 1: GAIN with GAIN_LOW and GAIN_HIGH
    best: pd.DataFrame
    overall: BestRatio | None
    users: int


def ratio_picture(curve: FloatArray, segment: np.ndarray, names: tuple[str, ...]) -> RatioPicture:
    """curve: (n_users, shares) as `ratio_curve` gives it; segment: (n_users,) name of each user's.

    Segments with fewer than FEWEST users are left out: their best ratio would be chance.
    """
    lines, best = [], []
    for name in names:
        within = curve[segment == name]
        found = best_ratio(within) if len(within) >= FEWEST else None
        if found is not None:
            means = within.mean(axis=0)
            lines.append(pd.DataFrame({SEGMENT: name, SHARE: SHARES, MEAN: means}))
            best.append({SEGMENT: name, USERS: len(within)} | _best_row(found, means))
    columns = [SEGMENT, USERS, CHOSEN, TOP, LOW, HIGH, MEAN, GAIN, GAIN_LOW, GAIN_HIGH]
    return RatioPicture(
        curve=_curve_frame(curve),
        lines=pd.concat(lines) if lines else pd.DataFrame(columns=[SEGMENT, SHARE, MEAN]),
        best=pd.DataFrame(best, columns=columns),
        overall=best_ratio(curve),
        users=len(curve),
    )


def _best_row(found: BestRatio, means: FloatArray) -> dict[str, float]:
    return {
        CHOSEN: found.share,
        TOP: found.top,
        LOW: found.low,
        HIGH: found.high,
        MEAN: float(means[np.flatnonzero(found.top == SHARES)[0]]),
        GAIN: found.gain.mean,
        GAIN_LOW: found.gain.low,
        GAIN_HIGH: found.gain.high,
    }


def _curve_frame(curve: FloatArray) -> pd.DataFrame:
    intervals = bands(curve)
    return pd.DataFrame(
        {
            SHARE: SHARES,
            MEAN: [interval.mean for interval in intervals],
            LOW: [interval.low for interval in intervals],
            HIGH: [interval.high for interval in intervals],
            NEAR: within_noise(curve),
        }
    )
