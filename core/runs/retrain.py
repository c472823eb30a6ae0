"""Train a run's model again on other data or with another seed, for its metrics alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import TEST, VALID
from core.basics.progress import Progress, Report
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.evaluation.evaluate import Score, evaluate
from core.evaluation.ratings import rate
from core.models.protocol import CrossDomainModel
from core.models.registry import build, card_of
from core.runs.fit import fit_best
from core.runs.watch import watcher
from core.store.run_folder import Run

Metrics = dict[str, pd.DataFrame]  # by part, one row per user
Scorer = Callable[[CrossDomainModel], Score]


def retrain(
    run: Run,
    split: Split,
    train: DomainPair,
    seed: int,
    report: Report,
    stage: str = "training",
    scorer: Scorer = lambda model: model.score,
) -> Metrics:
    """Metrics per user of the run's model with its settings, fitted on `train`, by part.

    run: a run or a twin. scorer: how the fitted model is asked about the split's users.
    """
    card = card_of(run.record["model"])
    rates = card.task == "rating"
    model = build(run.record["model"], run.record["settings"], run.record.get("device", "auto"))
    report(Progress(0, 1, stage))
    watch = watcher(split, seed, card.task)
    fit_best(
        model,
        train,
        seed,
        watch,
        lambda at: report(replace(at, stage=stage)),
        lower_is_better=rates,
    )
    score, found = scorer(model), {}
    for part in (VALID, TEST):
        report(Progress(0, 1, f"{stage}: evaluating on {part}"))
        evaluation = evaluate(score, split, part)
        if rates:
            evaluation = rate(evaluation, score, split.rated, part)
        found[part] = evaluation.per_user
    return found


def drawn_anew(train: DomainPair, seed: int) -> DomainPair:
    """The pair with as many users drawn with replacement, histories whole (Efron 1979)."""
    rows = np.random.default_rng(seed).integers(0, len(train.users), len(train.users))
    return replace(train, source=train.source[rows], target=train.target[rows])


def asked_by_history(train: DomainPair) -> Scorer:
    """Ask about every user by their own history in `train`, wherever the model learned."""

    def scorer(model: CrossDomainModel) -> Score:
        def score(users: np.ndarray) -> object:
            source: csr_matrix = train.source[users]
            return model.fold_in(source, train.target[users])

        return score  # type: ignore[return-value]

    return scorer
