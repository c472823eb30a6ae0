"""The noise floor of a run: what training its twin again changes by chance alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, diags_array

from core.basics.columns import TEST, VALID
from core.basics.errors import RunError
from core.basics.files import still_there
from core.basics.formatting import number, percent, signed
from core.basics.progress import Report
from core.basics.types import FloatArray
from core.basics.workspace import Workspace
from core.data.checks.check import alarm_words, checks_of
from core.data.pair import DomainPair
from core.data.snapshot import Split, read_snapshot
from core.evaluation.lift import SAME
from core.evaluation.ratings import paired
from core.evaluation.verdict import Comparison
from core.metrics.intervals import (
    Interval,
    bootstrap_difference,
    bootstrap_means,
    student_quantile,
)
from core.metrics.registry import metric_card
from core.runs.making.train_again import (
    Metrics,
    asked_by_history,
    check_trained,
    is_trained,
    retrain,
    same_but_seed,
    what_it_is,
)
from core.runs.search.plan import measured_trials
from core.runs.search.study import list_studies
from core.store.measured import (
    BY_SEED,
    BY_USERS,
    Reseeded,
    placebo_metrics,
    read_placebos,
    read_reseeded,
    reseeded_metrics,
    write_reseeded,
)
from core.store.run_folder import RECORD, Run, read_run
from core.store.run_folder import RUN as RUN_ROLE

REPEATS = 3  # of a model in closed form, which costs little; one of a model by gradients


def reseed_payload(run_id: str) -> dict[str, Any]:
    """What a job of kind "reseed" is given; equal payloads are one job."""
    return {"run_id": run_id}


def reseed_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Train the twin of the payload's run again and keep its metrics beside the run."""
    run = read_run(workspace.runs / payload["run_id"])
    split = read_snapshot(workspace.splits / run.record.split_hash)
    with still_there(run.folder / RECORD):
        info = measure_noise(run, split, report)
    return {"run": run.id, "how": info.how}


def measure_noise(run: Run, split: Split, report: Report) -> Reseeded:
    """The twin again with other seeds; without a tenth of the users where a seed changes nothing.

    Users and not interactions are left out: every user is asked about with the whole history, so
    only what is learned from others differs. Raises RunError for a run without a twin or a
    training.
    """
    check_trained(run)
    if (twin := run.twin) is None:
        raise RunError(
            what=f"{run.label} has no target-only twin.",
            hint="Choose a run of a model that has one.",
        )
    started, first = time.monotonic(), twin.record.seed + 1
    repeats = 1 if twin.card.gradient else REPEATS
    seeds = list(range(first, first + repeats))
    train = twin.train_of(split)
    found = [retrain(twin, split, train, first, report, "twin again")]
    how = BY_USERS if _the_same(found[0], twin) else BY_SEED
    if how == BY_USERS:
        found = []
    for seed in seeds[len(found) :]:
        stage = f"twin again, {len(found) + 1} of {repeats}"
        if how == BY_SEED:
            found.append(retrain(twin, split, train, seed, report, stage))
        else:
            scorer = asked_by_history(train)
            drawn = without_some(train, seed)
            found.append(retrain(twin, split, drawn, seed, report, stage, scorer))
    info = Reseeded(how, seeds, round(time.monotonic() - started, 1))
    write_reseeded(run, info, {part: [one[part] for one in found] for part in (VALID, TEST)})
    return info


LEFT_OUT = 0.1  # share of users that a twin of a closed form learns without


def without_some(train: DomainPair, seed: int) -> DomainPair:
    """The pair without the rows of a tenth of the users, drawn by the seed.

    Run and twin learn from the same target rows, so chance between them is far less than between
    two samples of users. Users drawn with replacement leave out 37 % and count others twice: such
    twins harmed more people than a run whose lists were halved for half of all people.
    """
    kept = np.random.default_rng(seed).random(len(train.users)) >= LEFT_OUT
    keep = diags_array(kept.astype(np.float32), format="csr")
    source, target = (csr_matrix(keep @ rows) for rows in (train.source, train.target))
    for rows in (source, target):
        rows.eliminate_zeros()
    return replace(train, source=source, target=target)


def reseed_answer(run: Run, info: Reseeded) -> dict[str, Any]:
    """The noise floor on the test users as plain values: nDCG@10, or RMSE."""
    assert run.twin is not None
    metric = run.card.task.metric
    frames = run.metrics(TEST), run.twin.metrics(TEST)
    floor = noise_floor(*frames, equal_twins(run, TEST), metric)
    said = asdict(floor) | {"says": floor_sentence(floor)}
    return {"run": run.id, "metric": metric, **asdict(info), **_without_nan(said)}


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    """The same with None for figures that are not known, ready for JSON."""
    return {
        name: _without_nan(value)
        if isinstance(value, dict)
        else None
        if isinstance(value, float) and np.isnan(value)
        else value
        for name, value in values.items()
    }


def _the_same(found: Metrics, twin: Run) -> bool:
    """Whether another seed gave every user exactly what the twin gave."""
    for part, frame in found.items():
        kept = twin.metrics(part)
        shared = [name for name in frame if name in kept]
        ours, theirs = (one[shared].to_numpy(np.float64) for one in (frame, kept))
        if ours.shape != theirs.shape or not np.allclose(ours, theirs, equal_nan=True):
            return False
    return True


# Share helped and harmed above what training the twin again does to users by chance alone.


@dataclass(frozen=True)
class Moved:
    """One way users move: their share with the run, by chance alone, and the difference."""

    share: Interval  # of users, run against twin
    chance: Interval  # of users, between two twins that differ by chance alone
    excess: Interval  # share - chance, over users and the draw of the twins
    size: float  # mean difference of those the run moved, as a positive number; NaN of nobody
    size_by_chance: float


@dataclass(frozen=True)
class NoiseFloor:
    """Users helped and harmed, each beside its noise floor."""

    helped: Moved
    harmed: Moved
    twins: int  # that differ by chance alone


def noise_floor(
    run: pd.DataFrame, twin: pd.DataFrame, equals: Sequence[pd.DataFrame], metric: str
) -> NoiseFloor:
    """Over the users of all frames, who were all evaluated on one part.

    equals: per-user frames of twins that differ by chance alone, two or more. Two equally good
    models move many users either way, so harm is real only above their share.

    Whoever gains from one twin to the next loses on the way back, so by chance as many are helped
    as harmed. Which of two is the better is chance as well, and not that of users: the interval of
    the excess has it as a layer of its own, from how far the twins lean apart.
    """
    sign = 1.0 if metric_card(metric).higher_is_better else -1.0
    pairs = list(combinations(range(len(equals)), 2))
    every = [(run, twin), *((equals[one], equals[other]) for one, other in pairs)]
    gaps = [_gap(ours, theirs, metric) * sign for ours, theirs in every]
    together = pd.concat(gaps, axis=1, join="inner").to_numpy(np.float64)
    moved, chance = together[:, 0], together[:, 1:].T  # (n_users,), (n_pairs, n_users)
    apart = _lean_apart(chance, pairs, len(equals))
    helped, harmed = (_moved(way * moved, chance, apart) for way in (1, -1))
    return NoiseFloor(helped, harmed, len(equals))


def _lean_apart(chance: FloatArray, pairs: list[tuple[int, int]], twins: int) -> float:
    """Half the width that the draw of two twins adds to a share of users helped or harmed.

    Helped less harmed, halved, is how far one twin leans beyond another. Leans are a twin's own
    deviation less the other's, so the deviations are the row means of their table, and two twins
    differ by the root of two of them. What users alone make of that, which their own interval holds
    already, is taken off; Student's t has a degree of freedom per twin less one.
    """
    of_user = np.zeros((twins, chance.shape[1]))  # what each user says of each twin's deviation
    for (one, other), gaps in zip(pairs, chance, strict=True):
        lean = ((gaps > SAME) * 1.0 - (gaps < -SAME)) / (2 * twins)
        of_user[one] += lean
        of_user[other] -= lean
    drawn = float((of_user.mean(axis=1) ** 2).sum())
    by_users = float(of_user.var(axis=1, ddof=1).sum()) / of_user.shape[1]
    variance = max(drawn - by_users, 0.0) / (twins - 1)
    return student_quantile(twins - 1) * (2 * variance) ** 0.5


def _gap(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> pd.Series:
    ours, theirs = paired(ours, theirs)
    return ours[metric] - theirs[metric]


def floor_sentence(floor: NoiseFloor) -> str:
    """Whether more users are harmed than by chance, in one sentence."""
    excess = floor.harmed.excess
    if floor.helped.chance.mean == floor.harmed.chance.mean == 0:
        return "Every twin gives these users the same lists, so what chance does cannot be told."
    if excess.low > 0:
        return f"{percent(excess.mean)} of users are harmed beyond what chance does."
    return "That more users are harmed than by chance cannot be shown."


def moved_words(word: str, moved: Moved) -> str:
    """A share of users beside the one by chance, their difference, and how far they move."""
    excess = moved.excess
    points = [signed(100 * value, 0) for value in (excess.mean, excess.low, excess.high)]
    return (
        f"{word} {percent(moved.share.mean)}, by chance {percent(moved.chance.mean)}: "
        f"{points[0]} points (95 % {points[1]} to {points[2]}). On average by "
        f"{number(moved.size)}, by chance by {number(moved.size_by_chance)}."
    )


def _moved(gains: FloatArray, chance: FloatArray, apart: float) -> Moved:
    """Of gains (n_users,) and chance (n_pairs, n_users): those above rounding; NaN is skipped."""
    ours = np.where(np.isnan(gains), np.nan, gains > SAME)
    size = np.abs(chance)
    theirs = np.where(np.isnan(chance), np.nan, (size > SAME) / 2).mean(axis=0)
    excess = bootstrap_difference(ours, theirs)[0]
    low, high = (np.hypot(excess.mean - end, apart) for end in (excess.low, excess.high))
    return Moved(
        share=bootstrap_means(ours)[0],
        chance=bootstrap_means(theirs)[0],
        excess=replace(excess, low=float(excess.mean - low), high=float(excess.mean + high)),
        size=_mean(gains[gains > SAME]),
        size_by_chance=_mean(size[size > SAME]),
    )


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")


# All there is to judge a run by: its twin, placebos and floor, other trainings, checks of its data.

Read = Callable[[Run, str], pd.DataFrame]  # a run's metrics per user, by part


def comparison_of(
    run: Run,
    part: str,
    segments: pd.DataFrame,
    runs: Sequence[Run] = (),
    read: Read = Run.metrics,
) -> Comparison:
    """What the verdict and every picture of lifts are made of.

    runs: those of the workspace, among which other seeds of the run are found, and those that it
    was compared with.
    """
    record, workspace = run.record, Workspace(run.folder.parents[1])
    seeds = [run, *same_but_seed(run, runs)]
    # What a lift has to be beyond
    info = read_reseeded(run)
    by_seed = info is not None and info.how == BY_SEED
    checks = checks_of(workspace, record.dataset_hash, record.split_hash)
    return Comparison(
        run=read(run, part),
        twin=read(run.twin, part) if run.twin else None,
        popularity=read(run.floor, part) if run.floor else None,
        segments=segments,
        source_name=record.source_name,
        target_name=record.target_name,
        floor=run.card.task.baseline_words,
        source_speaks=run.card.source_speaks,
        again=reseeded_metrics(run, part) if by_seed else [],
        seeds=[(read(one, part), read(one.twin, part)) for one in seeds if one.twin],
        placebos=placebo_metrics(run, part) if read_placebos(run) is not None else [],
        valid=(read(run, VALID), read(run.twin, VALID)) if run.twin and part == TEST else None,
        candidates=candidates_of(run, runs, workspace),
        by_chance=is_trained(run) and (run.card.gradient or by_seed),
        alarm=alarm_words(checks or []),
    )


def candidates_of(run: Run, runs: Sequence[Run], workspace: Workspace) -> int:
    """How many were tried on these people, the run among them: runs that differ by more than their
    seed, and settings of the searches that came to one of them.
    """
    beside = [
        one
        for one in runs
        if one.id != run.id
        and one.record.split_hash == run.record.split_hash
        and one.card.task == run.card.task
    ]
    kinds = {repr(what_it_is(one)) for one in (run, *beside)}
    ids = {one.id for one in (run, *beside)}
    studies = list_studies(workspace, run.record.split_hash)
    trials = [len(measured_trials(study.of(RUN_ROLE))) for study in studies if study.run in ids]
    return len(kinds) + sum(max(0, n - 1) for n in trials)  # the winner is one of the runs


def equal_twins(run: Run, part: str, read: Read = Run.metrics) -> list[pd.DataFrame]:
    """Twins that differ by chance alone; none where the noise floor was not measured.

    The twin and its other seeds; or, where users were left out, those twins alone: each knows fewer
    users than the twin itself and is worse for it.
    """
    info, again = read_reseeded(run), reseeded_metrics(run, part)
    if info is None or run.twin is None:
        return []
    return [read(run.twin, part), *again] if info.how == BY_SEED else again
