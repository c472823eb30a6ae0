"""LogLoss of "will like it": predicted ratings turned into chances on validation, told on test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, OWN, RATING, RUN, USER, USERS
from core.basics.types import FloatArray
from core.evaluation.rating_error import Bounds
from core.metrics.intervals import bootstrap_of_sums
from core.metrics.ratings import fit_platt, log_losses, probabilities

LOG_LOSS, ALWAYS = "log_loss", "always the share of validation"
GAP_LOW, GAP_HIGH = "gap_low", "gap_high"  # of the run minus the constant chance
COLUMNS = [RUN, METRIC, MEAN, LOW, HIGH, USERS, GAP_LOW, GAP_HIGH]
Pairs = Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]  # predictions on validation and test


def log_loss_rows(predictions: Pairs, bounds: Bounds, liked_from: float) -> pd.DataFrame:
    """A row of COLUMNS per run, and one of a constant chance, which any run should beat.

    A rating is liked from `liked_from` on. The curve of each run is fitted on its validation
    predictions alone; no rows where validation or test has ratings of one kind only.
    """
    rows = []
    for name, (valid, test) in predictions.items():
        learn, truth = (part[RATING].to_numpy(np.float64) >= liked_from for part in (valid, test))
        if min(learn.sum(), (~learn).sum(), truth.sum(), (~truth).sum()) == 0:
            return pd.DataFrame(columns=COLUMNS)
        curve = fit_platt(bounds.clipped(valid[OWN].to_numpy()), learn)
        losses = log_losses(probabilities(bounds.clipped(test[OWN].to_numpy()), curve), truth)
        constant = log_losses(np.full(len(truth), learn.mean()), truth)
        rows.append(_row(name, losses, constant, test))
    if rows:
        rows.append(_row(ALWAYS, constant, constant, test))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(name: str, losses: FloatArray, constant: FloatArray, test: pd.DataFrame) -> tuple:
    """Pooled over ratings, users resampled with all of theirs; the gap is paired."""
    owners = np.unique(test[USER].to_numpy(), return_inverse=True)[1]
    columns = [np.bincount(owners, part) for part in (losses, losses - constant)]
    sums = np.column_stack([*columns, np.bincount(owners)])
    found, gap = bootstrap_of_sums(sums, lambda three: three[..., :2] / three[..., 2:])
    ends = (found.mean, found.low, found.high, found.users, gap.low, gap.high)
    return name, LOG_LOSS, *ends
