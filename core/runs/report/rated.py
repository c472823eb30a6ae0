"""Predicted ratings of one user beside the given ones."""

from __future__ import annotations

import numpy as np

from core.basics.columns import ITEM, OWN, RATING, TEST, USER
from core.basics.errors import RunError
from core.basics.formatting import number
from core.evaluation.ratings import Bounds
from core.runs.report.blocks import Grid
from core.runs.report.evidence import Evidence
from core.store.run_folder import Run

MOST = 8  # ratings of one user


def rated_grid(evidence: Evidence, user: int, names: np.ndarray) -> Grid | None:
    """Title, given rating, predicted rating and the twin's; None for a run of rankings."""
    if not evidence.rates:
        return None
    bounds = None if evidence.split is None else Bounds.of(evidence.split.rated.train.target)
    ours = _of_user(evidence.run, user, bounds)
    if ours is None:
        return None
    theirs = None if evidence.other is None else _of_user(evidence.other, user, bounds)
    head = ["", "gave", "predicted"] + ([] if theirs is None else [evidence.without])
    rows = []
    for item in list(ours)[:MOST]:
        given, guess = ours[item]
        cells = [str(names[item]), number(given, 1), number(guess, 2)]
        cells += [] if theirs is None else [number(theirs.get(item, (0, float("nan")))[1], 2)]
        rows.append(tuple(cells))
    return Grid(tuple(head), tuple(rows))


def _of_user(run: Run, user: int, bounds: Bounds | None) -> dict[int, tuple[float, float]] | None:
    """Given and predicted rating by item number; None where none were kept."""
    try:
        table = run.predictions(TEST)
    except RunError:
        return None
    rows = table[table[USER] == user]
    guesses = rows[OWN].to_numpy() if bounds is None else bounds.clipped(rows[OWN].to_numpy())
    return {
        int(item): (float(given), float(guess))
        for item, given, guess in zip(rows[ITEM], rows[RATING], guesses, strict=True)
    }
