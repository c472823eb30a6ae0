"""From which rating on a row counts as liked: a share of the file's scale, or a value told."""

from __future__ import annotations

import math
from dataclasses import dataclass

import duckdb
import numpy as np

from core.basics.columns import RATING
from core.basics.errors import SettingsError
from core.data.database import columns
from core.data.pair_settings import STARS, PairSettings


@dataclass(frozen=True)
class Liked:
    """Rows rated `start` or more are liked; low and high: the file's lowest and highest rating."""

    start: float
    low: float
    high: float

    def words(self) -> str:
        """`liked from 3 on (of 1 to 5)`."""
        return f"liked from {_said(self.start)} on (of {_said(self.low)} to {_said(self.high)})"


def liked_from(
    connection: duckdb.DuckDBPyConnection, rows: str, settings: PairSettings, domain: str
) -> Liked | None:
    """Where a file's liked ratings begin; None where every row counts.

    rows: a relation in SQL. domain: SOURCE or TARGET, whose exact value may be set. Every row
    counts where there are no ratings, where all are equal, and where the threshold is 0.
    """
    if RATING not in columns(connection, rows):
        return None
    bounds = connection.execute(f"SELECT min({RATING}), max({RATING}) FROM {rows}").fetchone()
    low, high = bounds or (None, None)
    if low is None or high is None:
        return None
    told = _told(getattr(settings, f"{domain}_liked_from"), domain)
    if told is not None:
        return Liked(told, low, high)
    if low == high or not settings.rating_threshold:
        return None
    return Liked(_scaled(settings.rating_threshold, low, high), low, high)


def _scaled(stars: float, low: float, high: float) -> float:
    """A threshold of 1 to 5 stars on the scale of a file.

    A scale that starts at 0 or above is read as a share of its highest rating: 3 of 5 stars are 3
    on 1–5, 0.5–5 and 0–5, 6 on 1–10 and 0–10, 60 on 0–100. Below 0 that share means nothing (3 of
    5 would be 1.2 on −2..2, its top step alone), so there one star is the lowest rating and five
    are the highest: 3 of 5 stars are 0 on −2..2 and on −10..10.
    """
    if low >= 0:
        return stars / STARS * high
    return low + (stars - 1) / (STARS - 1) * (high - low)


def _told(value: str, domain: str) -> float | None:
    if not value.strip():
        return None
    try:
        told = float(value)
    except ValueError:
        told = math.nan
    if not math.isfinite(told):
        raise SettingsError(
            what=f"The {domain} cannot be liked from {value!r} on.",
            hint="Write a rating of the file, such as 3.5 or -1, or leave it empty.",
        )
    return float(np.float32(told))  # as ratings are kept, so that 1000.1 reaches 1000.1


def _said(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")
