"""Train a run's model again, on other data or with another seed, for its metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import TEST, VALID
from core.basics.errors import RunError, SettingsError
from core.basics.progress import Progress, Report
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.evaluation.evaluate import Score, evaluate
from core.evaluation.ratings import rate
from core.models.protocol import CrossDomainModel
from core.models.registry import CARDS, build, card_of
from core.runs.making.fit import fit_best, watcher
from core.runs.making.plan import RunPlan
from core.store.record import Record
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
    model, rates = refit(run, split, train, seed, report, stage), run.card.task.rates
    score, found = scorer(model), {}
    for part in (VALID, TEST):
        report(Progress(0, 1, f"{stage}: evaluating on {part}"))
        evaluation = evaluate(score, split, part)
        if rates:
            evaluation = rate(evaluation, score, split.rated, part)
        found[part] = evaluation.per_user
    return found


def refit(
    run: Run, split: Split, train: DomainPair, seed: int, report: Report, stage: str
) -> CrossDomainModel:
    """The run's model with its settings, fitted on `train`, at its best epoch on validation."""
    card = card_of(run.record.model)
    model = build(run.record.model, run.record.settings, run.record.device)
    report(Progress(0, 1, stage))
    fit_best(
        model,
        train,
        seed,
        watcher(split, seed, card.task),
        lambda at: report(replace(at, stage=stage)),
        lower_is_better=card.task.rates,
    )
    return model


def asked_by_history(train: DomainPair) -> Scorer:
    """Ask about every user by their own history in `train`, wherever the model learned."""

    def scorer(model: CrossDomainModel) -> Score:
        def score(users: np.ndarray) -> object:
            source: csr_matrix = train.source[users]
            return model.fold_in(source, train.target[users])

        return score  # type: ignore[return-value]

    return scorer


# The same run with other seeds: finding them, and the plans of two more.

MORE = 2  # seeds that one click adds


def is_trained(run: Run) -> bool:
    """Whether the run was trained from data here, and so can be trained again."""
    record = run.record
    derived = record.members is not None or record.compression is not None
    return record.model in CARDS and not derived


def check_trained(run: Run) -> None:
    """Refuse a run that cannot be trained again; raises RunError."""
    if not is_trained(run):
        raise RunError(
            what=f"{run.label} was made of other runs or lists and cannot be trained again.",
            hint="Choose one of the runs it was made of.",
        )


def same_but_seed(run: Run, runs: Sequence[Run]) -> list[Run]:
    """Whole runs with its model, settings and split and a seed of their own, by seed."""
    if not is_trained(run) or run.twin is None:
        return []
    wanted, found = _identity(run), {run.record.seed: run}
    for other in sorted(runs, key=lambda one: one.record.created):
        is_whole = is_trained(other) and other.complete and other.twin is not None
        if is_whole and _identity(other) == wanted:
            found.setdefault(other.record.seed, other)
    return [found[seed] for seed in sorted(found) if seed != run.record.seed]


def plans_of_more_seeds(run: Run, runs: Sequence[Run]) -> list[RunPlan]:
    """Plans of the same run with the next seeds that are not there yet."""
    check_trained(run)
    record, taken = run.record, {run.record.seed}
    taken |= {other.record.seed for other in same_but_seed(run, runs)}
    free = (seed for seed in range(record.seed + 1, 2**31) if seed not in taken)
    twin = run.twin.record.settings if run.twin else None
    device, own = record.device, twin if twin != record.settings else None
    return [
        RunPlan(
            record.split_hash,
            record.model,
            record.settings,
            seed,
            device,
            twin_settings=own,
        )
        for seed, _ in zip(free, range(MORE), strict=False)
    ]


def what_it_is(run: Run) -> tuple[Any, ...]:
    """Model and settings of a run and its twin; newer settings it lacks stand at their defaults."""
    records = [one.record for one in (run, run.twin) if one]
    return run.record.model, *(_settings(record) for record in records)


def _identity(run: Run) -> tuple[Any, ...]:
    return run.record.split_hash, what_it_is(run)


def _settings(record: Record) -> dict[str, Any]:
    try:
        return card_of(record.model).settings.of(record.settings).to_dict()
    except SettingsError:  # a version that had others
        return dict(record.settings)
