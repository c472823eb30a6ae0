"""Placebos of a run: the same model, with the histories of the source dealt to other people.

A model with a source has more rows, steps and neighbours than its twin, and some of that helps
although no taste crosses. What is worth something is what the true source adds over such a deal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, SKIPPED, TEST, USERS, VALID
from core.basics.errors import RunError
from core.basics.files import still_there
from core.basics.formatting import count, number, signed_with_interval
from core.basics.machine import free_memory
from core.basics.progress import Progress, Report, silent
from core.basics.types import IntArray
from core.basics.workspace import Workspace
from core.data.pair import DomainPair, deal
from core.data.snapshot import Split, read_snapshot
from core.data.time_order import in_time_order
from core.evaluation.lift import SURE, digits_of, lift, mean_frame, summarise
from core.evaluation.ratings import intervals
from core.evaluation.segments import ALL_USERS, FEWEST
from core.evaluation.verdict import Lifts
from core.metrics.intervals import Interval
from core.metrics.registry import metric_title
from core.models.made.recorded import BLEND, N_MEMBERS, reads_order
from core.models.made.route import Routed, RouteSettings
from core.models.protocol import TIMESTAMPS, CrossDomainModel, ModelCard, PairSizes
from core.models.registry import build
from core.runs.making.blend import blended_again
from core.runs.making.fit import Cost, measured
from core.runs.making.make_run import evaluated
from core.runs.making.train_again import check_trained, refit
from core.store.measured import Placebos, placebo_metrics, read_placebos, write_placebos
from core.store.run_folder import RECORD, Run, read_run

DEALS, DEALS_BY_GRADIENTS = 5, 1  # by default: where a fit is cheap, and where it is not
PLACEBO = "placebo"  # role of the model beside the run and its twin
SHARED_MEMORY = 3  # times the memory of a fit that shared work may take: blocks are kept beside it


def placebo_payload(run: Run, deals: int | None = None) -> dict[str, Any]:
    """What a job of kind "placebo" is given; equal payloads are one job."""
    return {"run_id": run.id, "deals": deals or default_deals(run)}


def placebo_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Make the placebos of the payload's run and keep their metrics beside the run."""
    run = read_run(workspace.runs / payload["run_id"])
    split = read_snapshot(workspace.splits / run.record.split_hash)
    with still_there(run.folder / RECORD):
        info = make_placebos(run, split, payload["deals"], report)
    return {"run": run.id, "deals": len(info.deals)}


def default_deals(run: Run) -> int:
    """How many deals are made where nobody says: several of a closed form."""
    return DEALS_BY_GRADIENTS if by_gradients(run) else DEALS


def by_gradients(run: Run) -> bool:
    """Whether a placebo takes epochs: of what is made of runs, where one of these does."""
    return run.card.gradient or any(
        by_gradients(member) for member in _members(run) if is_dealable(member)
    )


def seconds_foretold(run: Run) -> float:
    """Wall seconds that the placebos take at most, from what the run itself took.

    Its CPU seconds where they are fewer: of a busy machine a run has waited for others.
    """
    costs = (run.record.fit, run.record.evaluate or {})
    clocks = ("wall_seconds", "cpu_seconds")
    members = [one for one in _members(run) if is_dealable(one)]
    took = [[float(cost[clock]) for clock in clocks if clock in cost] for cost in costs]
    again = [seconds_foretold(one) / default_deals(one) for one in members]
    own = sum(min(seconds, default=0.0) for seconds in took)
    return default_deals(run) * (own + sum(again))


def check_dealable(run: Run) -> None:
    """Refuse a run that has no placebo; raises RunError.

    A blend and a routed run have one where the runs they were made of are there and have theirs; a
    member that reads nobody's source history stands for itself.
    """
    if run.record.model in N_MEMBERS and run.record.compression is None:
        members = _members(run)
        for member in members:
            if reads_source(member.card):
                check_dealable(member)
        if len(members) < len(run.record.members or []):
            raise RunError(
                what=f"A run that {run.label} was made of is gone, so it has no placebo.",
                hint="Choose a run that was trained here.",
            )
    else:
        check_trained(run)
    check_reads_source(run.card, run.label)
    if not run.complete:
        raise RunError(
            what=f"{run.label} was cancelled, so it has no whole twin to stand a placebo beside.",
            hint="Train it to its end first.",
        )


def check_reads_source(card: ModelCard, label: str = "") -> None:
    """Refuse a model to which nothing changes when the source is dealt; raises RunError."""
    if not reads_source(card):
        raise RunError(
            what=f"{label or card.title} does not read who has which history in the source, so "
            "there is nothing to deal.",
            hint="Choose a cross-domain model that reads a person's source history.",
        )


def reads_source(card: ModelCard) -> bool:
    """Whether anything changes when the histories of the source are dealt."""
    return card.cross_domain and card.source_speaks


def _members(run: Run) -> list[Run]:
    """The runs that a blend or a routed run was made of, as far as they are there; else none."""
    found = []
    for about in run.record.members or []:
        with suppress(RunError):
            found.append(read_run(run.folder.parent / about["run"]))
    return found


def is_dealable(run: Run) -> bool:
    """Whether the run can have a placebo."""
    try:
        check_dealable(run)
    except RunError:
        return False
    return True


def make_placebos(
    run: Run, split: Split, deals: int | None = None, report: Report = silent
) -> Placebos:
    """Fit the run's model on its source dealt to other people, evaluate it and keep the metrics.

    Settings, seed and budget are the run's; every deal has a seed of its own. The dealt histories
    are what the model learns from and what it is asked by. Raises RunError for a run that has no
    placebo, DataError for a pair with nobody to deal to.
    """
    check_dealable(run)
    started, seed = time.monotonic(), _first_seed(run)
    seeds = [seed + 1 + n for n in range(deals or default_deals(run))]
    fits, evaluations = 0.0, 0.0
    found: dict[str, list[pd.DataFrame]] = {VALID: [], TEST: []}
    for place, (model, cost) in enumerate(_fitted(run, split, seeds, report), 1):
        fits += cost.cpu_seconds
        stage = f"placebo {place} of {len(seeds)}: evaluating"
        report(Progress(place - 1, len(seeds), stage))
        parts, cost = evaluated(model, split, PLACEBO, silent, run.card.task)
        evaluations += cost.cpu_seconds
        for part, evaluation in parts.items():
            found[part].append(evaluation.per_user)
    seconds = round(time.monotonic() - started, 1)
    info = Placebos(seeds, seconds, round(fits, 3), round(evaluations, 3))
    write_placebos(run, info, found)
    return info


def _fitted(
    run: Run, split: Split, seeds: Sequence[int], report: Report
) -> Iterator[tuple[CrossDomainModel, Cost]]:
    """A fitted model per deal and what its fit cost; work that all share is the first one's."""
    if run.record.model in N_MEMBERS:
        yield from _made_of(run, split, seeds, report)
        return
    train = run.train_of(split)
    givers = [deal(train, seed) for seed in seeds]
    shared = _sharing(run, train, givers)
    for place, (seed, who) in enumerate(zip(seeds, givers, strict=True), 1):
        stage = f"placebo {place} of {len(seeds)}: deal {seed}"
        report(Progress(place - 1, len(seeds), stage))
        with measured() as cost:
            if shared is not None:
                model = next(shared)
            else:
                dealt = _dealt(run, split, train, who)
                model = refit(run, split, dealt, run.record.seed, report, stage)
        yield model, cost


def _made_of(
    run: Run, split: Split, seeds: Sequence[int], report: Report
) -> Iterator[tuple[CrossDomainModel, Cost]]:
    """The same of a blend or a routed run: its members', all on the same deal.

    Weights are found as the run's own were; a routed run's groups keep whom they ask.
    """
    members = _members(run)
    each = [
        _fitted(one, split, seeds, report)
        if reads_source(one.card)
        else ((one.model(split), Cost()) for _ in seeds)
        for one in members
    ]
    for together in zip(*each, strict=True):
        models = [model for model, _ in together]
        with measured() as cost:
            if run.record.model == BLEND:
                model: CrossDomainModel = blended_again(run, members, models, split)
            else:
                settings = RouteSettings.of(run.record.settings)
                ordered = [reads_order(one.card) for one in members]
                known = members[0].train_of(split).target_history
                model = Routed(settings, models, ordered, known)
        cost.cpu_seconds += sum(fit.cpu_seconds for _, fit in together)
        yield model, cost


def _first_seed(run: Run) -> int:
    """What the deals' seeds begin behind; of a run that is made of others the first one's."""
    dealt = [one for one in _members(run) if reads_source(one.card)]
    return _first_seed(dealt[0]) if dealt else run.record.seed


def _sharing(
    run: Run, train: DomainPair, givers: Sequence[IntArray]
) -> Iterator[CrossDomainModel] | None:
    """The fits of all deals where the model can share their work and memory allows it."""
    record = run.record
    model = build(record.model, record.settings, record.device)
    size = run.card.memory(PairSizes.of(train), model.settings)
    if SHARED_MEMORY * size > free_memory():
        return None
    return model.fit_dealt(train, givers, record.seed)


def _dealt(run: Run, split: Split, train: DomainPair, givers: IntArray) -> DomainPair:
    """The pair in which each user has another's source row, with the row's own times."""
    if TIMESTAMPS in run.card.needs:  # places in time are worked out with the new owner's target
        return in_time_order(split.train.with_source_of(givers), split.folder, givers)
    return train.with_source_of(givers)


# What is said of placebos: their figures, on average over the deals, beside those of the run.


def placebo_frame(run: Run, part: str) -> pd.DataFrame | None:
    """Per user the mean over the deals that were kept; None where there are none."""
    frames = placebo_metrics(run, part)
    return mean_frame(frames) if frames else None


@dataclass(frozen=True)
class PlaceboFigures:
    """One metric of one part: levels, and what the run has over either, as the verdict reads it."""

    run: Interval
    twin: Interval | None  # None for a model without a target-only form
    placebo: Interval  # per user the mean over the deals
    over_twin: Interval | None
    over_placebo: Interval  # over users, and deals where there are enough
    sure_over_twin: bool
    sure_over_placebo: bool
    by_deal: tuple[float, ...]  # the level of every deal


def placebo_figures(
    run: Run, part: str, metric: str, lifts: Lifts, read: Callable[[Run, str], pd.DataFrame]
) -> PlaceboFigures | None:
    """Run, twin and placebo side by side; None where none was made or it has not the metric.

    lifts: of the run in the metric, by any kind of segment: both differences are their rows of
    everybody, so that figures, picture and sentence are one.
    """
    deals = placebo_metrics(run, part)
    if lifts.over_placebo is None or not deals or metric not in deals[0]:
        return None
    over, sure = _everybody(lifts.over_placebo)
    over_twin, sure_twin = _everybody(lifts.over_twin) if run.twin else (None, False)
    twin = read(run.twin, part) if run.twin else None
    return PlaceboFigures(
        intervals(read(run, part), [metric])[0],
        None if twin is None else intervals(twin, [metric])[0],
        intervals(mean_frame(deals), [metric])[0],
        over_twin,
        over,
        sure_twin,
        sure,
        tuple(intervals(one, [metric])[0].mean for one in deals),
    )


def _everybody(rows: pd.DataFrame | None) -> tuple[Interval, bool]:
    """The difference over all users, and whether it is sure."""
    assert rows is not None
    row = rows.set_index(SEGMENT).loc[ALL_USERS]
    gap = Interval(row[MEAN], row[LOW], row[HIGH], int(row[USERS]), int(row[SKIPPED]))
    return gap, bool(row[SURE])


def placebo_words(figures: PlaceboFigures, source: str, metric: str) -> str:
    """What the placebo is, its level, and what the run has over it, in one sentence.

    source: name of the domain, fit for where it is shown.
    """
    digits, over = digits_of(metric), figures.over_placebo
    if over.users < FEWEST:
        return f"Of the placebo nothing can be said: {count(over.users, 'user')} are too few."
    level = number(figures.placebo.mean, digits)
    return (
        f"The placebo, the same model with the histories of {source} dealt to other people, reads "
        f"{metric_title(metric)} {level} ({deals_words(figures, digits)}); this run has "
        f"{signed_with_interval(over.mean, over.low, over.high, digits)} over it"
        f"{'' if figures.sure_over_placebo else ', which may be chance'}."
    )


def deals_words(figures: PlaceboFigures, digits: int = 3) -> str:
    """`5 deals, .230 to .234`: how far chance alone moves the placebo."""
    levels = figures.by_deal
    if len(levels) == 1:
        return "one deal"
    return f"{len(levels)} deals, {number(min(levels), digits)} to {number(max(levels), digits)}"


def cold_words(target: str) -> str:
    """What a placebo can be for people without target history."""
    return (
        f"For people without history in {target} a placebo is popularity plus noise: somebody "
        "else's history says nothing of them."
    )


def placebo_answer(run: Run) -> dict[str, Any]:
    """The placebo as a record has its twin, and the run's lift over it; None of both without one.

    {"placebo": {deals, seconds, fit, evaluate, valid, test, by_deal}, "lift_over_placebo": {…}}:
    by_deal has the mean of the headline metric on the test users for every deal.
    """
    info, test = read_placebos(run), placebo_frame(run, TEST)
    valid = placebo_frame(run, VALID)
    if info is None or test is None or valid is None:
        return {PLACEBO: None, "lift_over_placebo": None}
    metric, ours, deals = run.card.task.metric, run.metrics(TEST), placebo_metrics(run, TEST)
    said = {
        "deals": info.deals,
        "seconds": info.seconds,
        "fit": {"cpu_seconds": info.cpu_seconds},
        "evaluate": {"cpu_seconds": info.evaluation_cpu_seconds},
        VALID: summarise(valid),
        TEST: summarise(test),
        "by_deal": [summarise(one)[metric]["mean"] for one in deals],
    }
    over = lift(ours, test, [(ours, one) for one in deals])
    return {PLACEBO: said, "lift_over_placebo": over}
