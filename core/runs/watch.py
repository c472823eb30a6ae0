"""What is looked at after every epoch: quality on validation users, the same ones every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.columns import OWN, VALID
from core.data.snapshot import Split
from core.evaluation.evaluate import evaluate
from core.evaluation.ratings import Bounds, errors_per_user, intervals, predict_held_out
from core.metrics.ratings import RMSE
from core.models.protocol import CrossDomainModel

WATCHED_USERS = 2_000  # validation users looked at after every epoch
Watch = Callable[[CrossDomainModel], float | None]


def watcher(split: Split, seed: int, task: str = "ranking") -> Watch:
    """nDCG@10, or the RMSE of a model of ratings, over at most WATCHED_USERS; None without any."""
    if task == "rating":
        return _rating_watcher(_watched(split.rated, seed))
    return _ranking_watcher(_watched(split, seed))


def _ranking_watcher(split: Split) -> Watch:
    def watch(model: CrossDomainModel) -> float | None:
        score = getattr(model, "score_own", model.score)  # parts are not looked at here
        found = evaluate(score, split, VALID, ks=(10,)).per_user["ndcg@10"]
        return float(found.mean()) if len(found) else None

    return watch


def _rating_watcher(rated: Split) -> Watch:
    bounds = Bounds.of(rated.train.target)

    def watch(model: CrossDomainModel) -> float | None:
        score = getattr(model, "score_own", model.score)
        predictions = predict_held_out(score, rated, VALID)
        errors = errors_per_user(predictions, predictions[OWN].to_numpy(), bounds)
        return _mean(intervals(errors, [RMSE])[0].mean)

    return watch


def _mean(value: float) -> float | None:
    return None if np.isnan(value) else value


def _watched(split: Split, seed: int) -> Split:
    """The split with the validation rows of the watched users alone."""
    users = split.users(VALID)
    if len(users) <= WATCHED_USERS:
        return split
    chosen = np.random.default_rng(seed).choice(users, WATCHED_USERS, replace=False)
    places = split.valid.tocoo()
    kept = np.isin(places.row, chosen)
    rows = places.data[kept], (places.row[kept], places.col[kept])
    return replace(split, valid=csr_matrix(rows, shape=places.shape))
