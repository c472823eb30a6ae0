"""Make a run: train, evaluate, compare with twin and baseline, record and keep.

Beside a model of ratings the bias model stands in the place of popularity.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import __version__
from core.basics.columns import TEST, USER, VALID
from core.basics.errors import RunError
from core.basics.files import fingerprint, whole_folder
from core.basics.machine import free_memory
from core.basics.progress import Cancelled, Progress, Report, silent
from core.basics.types import Lists
from core.basics.workspace import Workspace
from core.data.snapshot import NEW_ITEMS, Split, rating_facts, read_info, read_snapshot
from core.evaluation.evaluate import Evaluation, evaluate_parts
from core.evaluation.lift import by_segment, lift, summarise
from core.evaluation.new_items import comparator_answer
from core.evaluation.ratings import RATINGS, rate
from core.evaluation.segments import user_segments
from core.fusion.candidates import DEPTH
from core.models.kernel.training_settings import ONES, SETTING
from core.models.linear.data_steps import Steps, findings_of_steps, training_pair
from core.models.protocol import CrossDomainModel, Finding, ModelCard, State, findings_of
from core.models.readiness import check_readiness
from core.models.registry import build, card_of
from core.models.task import Task
from core.runs.making.fit import Checkpoints, Cost, Fit, fit_best, measured, watcher
from core.runs.making.plan import RunPlan
from core.runs.making.texts import encode_texts
from core.store.record import Record
from core.store.run_folder import BIAS, POPULARITY, RUN, TWIN, Contender, Run, write_contender


@dataclass(frozen=True)
class Trained:
    """A fitted and evaluated contender with what it cost."""

    model: CrossDomainModel
    fit: Fit
    evaluations: dict[str, Evaluation]
    fit_cost: Cost
    evaluation_cost: Cost
    findings: list[Finding] = field(default_factory=list)


def train_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Train the plan in the payload, and return the id of the new run."""
    plan = RunPlan.from_dict({key: payload[key] for key in payload if key != "resume"})
    return {"run": train_run(plan, workspace, report).name}


def train_run(plan: RunPlan, workspace: Workspace, report: Report = silent) -> Path:
    """Train, evaluate and keep a run, and return its folder, which appears whole or not at all.

    A cancelled model keeps its best epoch, without a twin; one solved at once raises Cancelled.
    Raises RunError where the pair or the free memory does not allow it.
    """
    split = read_snapshot(workspace.splits / plan.split)
    card = card_of(plan.model)
    settings, ratings = card.settings.of(plan.settings), rating_facts(split.folder)
    check_readiness(card, split.train, settings, free_memory(), ratings)
    checkpoints = workspace.checkpoints / plan.key
    main = _train(plan, card, split, RUN, report, checkpoints)
    trained = {RUN: main}
    if not main.fit.cancelled:
        trained |= _twin(plan, card, split, report, checkpoints)
    floor = card.task.baseline
    if plan.model != floor:
        beside = RunPlan(plan.split, floor, seed=plan.seed)
        trained[floor] = _train(beside, card_of(floor), split, floor, silent)
    with suppress(Cancelled):  # everything is there: too late to throw it away
        report(Progress(done=0, total=1, stage="keeping"))
    folder = workspace.runs / _run_id(plan)
    plans = {RUN: plan, TWIN: plan.of_twin()}
    plans |= {floor: RunPlan(plan.split, floor) for floor in (POPULARITY, BIAS)}
    records = {role: _record(plans[role], split, role, part) for role, part in trained.items()}
    evaluations = {role: part.evaluations for role, part in trained.items()}
    records[RUN] = replace(records[RUN], **comparison(split, evaluations))
    with whole_folder(folder) as part_folder:
        for role, part in trained.items():
            inside = part_folder if role == RUN else part_folder / role
            write_contender(inside, contender(records[role], part.model.state(), part.evaluations))
    shutil.rmtree(checkpoints, ignore_errors=True)
    return folder


def _twin(
    plan: RunPlan, card: ModelCard, split: Split, report: Report, checkpoints: Path
) -> dict[str, Trained]:
    """The target-only twin where the model has one; none if it was cancelled on the way.

    A twin trained for fewer epochs than the run would make the run look better than it is.
    """
    if not card.has_twin:
        return {}
    try:
        twin = _train(plan.of_twin(), card, split, TWIN, report, checkpoints)
    except Cancelled:
        return {}
    return {} if twin.fit.cancelled else {TWIN: twin}


def _train(
    plan: RunPlan,
    card: ModelCard,
    split: Split,
    role: str,
    report: Report,
    checkpoints: Path | None = None,
) -> Trained:
    """Fit on the training part and evaluate on both held-out parts."""
    prefix = "twin: " if role == TWIN else ""
    model = build(plan.model, plan.settings, plan.device)
    train = training_pair(card, split, model.settings.to_dict())
    train = train.target_only() if role == TWIN else train
    report(Progress(done=0, total=1, stage=f"{prefix}training"))
    kept = Checkpoints(checkpoints / role) if checkpoints and card.gradient else None
    with measured() as fit_cost:
        encode_texts(train, model.settings, report)
        watch, seen = watcher(split, plan.seed, card.task), _staged(report, f"{prefix}training")
        lower_is_better = card.task.lower_is_better
        fit = fit_best(model, train, plan.seed, watch, seen, kept, lower_is_better=lower_is_better)
    report_on = _noting(report, fit) if fit.curve and role == RUN else report
    evaluations, evaluation_cost = evaluated(model, split, role, report_on, card.task)
    findings = findings_of(model)
    if Steps.of(model.settings.to_dict()).any:
        plain = split.train.target_only() if role == TWIN else split.train
        findings += findings_of_steps(plain, train)
    return Trained(model, fit, evaluations, fit_cost, evaluation_cost, findings)


def _noting(report: Report, fit: Fit) -> Report:
    """A Report for the time after a fit by epochs: a cancel is noted, the fit is kept."""

    def note(progress: Progress) -> None:
        try:
            report(progress)
        except Cancelled:
            fit.cancelled = True

    return note


def _staged(report: Report, stage: str) -> Report:
    return lambda progress: report(replace(progress, stage=stage))


def _run_id(plan: RunPlan) -> str:
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")  # two runs may end in one second
    return f"{plan.model}-{moment}-{plan.key[:6]}"


def contender(record: Record, state: State, evaluations: dict[str, Evaluation]) -> Contender:
    """What is written of one model: its record, its state and its evaluation on every part."""
    return Contender(
        record=record,
        state=state,
        metrics={part: evaluation.per_user for part, evaluation in evaluations.items()},
        candidates={
            part: evaluation.candidates
            for part, evaluation in evaluations.items()
            if evaluation.candidates is not None
        },
        predictions={
            part: evaluation.predictions
            for part, evaluation in evaluations.items()
            if evaluation.predictions is not None
        },
        lists={
            part: Lists(evaluation.users, evaluation.lists)
            for part, evaluation in evaluations.items()
        },
    )


def new_record(
    role: str, evaluations: dict[str, Evaluation], cancelled: bool = False, **about: Any
) -> Record:
    """The record of what was made just now; about: the fields that its figures do not tell."""
    return Record(
        role=role,
        crosswalk=__version__,
        created=time.time(),
        cancelled=cancelled,
        valid=summary(evaluations[VALID]),
        test=summary(evaluations[TEST]),
        counts={part: evaluation.counts for part, evaluation in evaluations.items()},
        **about,
    )


def names_of(split: Split) -> dict[str, Any]:
    """What a record says of the data: both hashes, and what the domains are called."""
    info = split.info
    return {
        "split_hash": info.split_hash,
        "dataset_hash": info.dataset_hash,
        "source_name": info.source_name,
        "target_name": info.target_name,
    }


def _record(plan: RunPlan, split: Split, role: str, trained: Trained) -> Record:
    """What the contender is, what it was trained on, what that cost and how good it came out."""
    card, fit = card_of(plan.model), trained.fit
    return new_record(
        role,
        trained.evaluations,
        cancelled=fit.cancelled,
        model=plan.model,
        label=plan.label or f"{card.title} · seed {plan.seed}",
        settings=card.settings.of(plan.settings).to_dict(),
        seed=plan.seed,
        device=plan.device,
        **names_of(split),
        fit=trained.fit_cost.to_dict(),
        evaluate=trained.evaluation_cost.to_dict(),
        curve=[asdict(point) for point in fit.curve],
        best_epoch=fit.best_epoch,
        cut_short=fit.cut_short or None,
        findings=[asdict(finding) for finding in trained.findings],
    )


# What runs made from other runs share: how they are evaluated, recorded and kept.

PARTS = (VALID, TEST)


@dataclass(frozen=True)
class Derived:
    """A model made from runs: what its record says of it, what it keeps, how it came out."""

    about: dict[str, Any]  # "model", "settings", "label" and what is special about it
    state: State
    made_of: tuple[Run, ...]
    cost: Cost  # of making it, its runs apart
    evaluations: dict[str, Evaluation]
    evaluation_cost: Cost


def metric_of(run: Run) -> str:
    """What a run made from this one is compared by: nDCG@10, or RMSE where it predicts ratings."""
    return run.card.task.metric


def evaluated(
    model: CrossDomainModel, split: Split, role: str, report: Report, task: Task = Task.RANKING
) -> tuple[dict[str, Evaluation], Cost]:
    """The model on both held-out parts; fusion candidates for a run itself that ranks alone."""
    prefix = "twin: " if role == TWIN else ""
    with measured() as cost:
        report(Progress(done=0, total=1, stage=f"{prefix}evaluating on {' and '.join(PARTS)}"))
        depth = DEPTH if role == RUN and not task.rates else 0  # for the Fusion page
        evaluations = evaluate_parts(model.score, split, PARTS, depth=depth)
        if task.rates:
            for part, found in evaluations.items():
                evaluations[part] = rate(found, model.score, split.rated, part)
    return evaluations, cost


def keep(workspace: Workspace, kind: str, split: Split, made: Mapping[str, Derived]) -> Path:
    """Write the run with its twin, if there is one, and its floor, and return its folder.

    made: by role; popularity, or the biases beside ratings, come from a run it is made of.
    """
    records = {role: _derived_record(part, role) for role, part in made.items()}
    # What stands beside the run: popularity, or the biases where ratings are predicted
    made_of = made[RUN].made_of
    name = made_of[0].card.task.baseline
    found = [run if run.record.model == name else run.floor for run in made_of]
    floor, beside = name, next((run for run in found if run is not None), None)
    compared = {role: part.evaluations for role, part in made.items()}
    if beside is not None:
        own = made[RUN].evaluations
        compared[floor] = {part: _as_evaluation(beside, part, own[part]) for part in PARTS}
    records[RUN] = replace(records[RUN], **comparison(split, compared))
    run = made[RUN]
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    key = fingerprint(kind, [member.id for member in run.made_of], run.about["settings"])
    derived_id = f"{kind}-{moment}-{key[:6]}"
    folder = workspace.runs / derived_id
    with whole_folder(folder) as part_folder:
        for role, part in made.items():
            inside = part_folder if role == RUN else part_folder / role
            write_contender(inside, contender(records[role], part.state, part.evaluations))
        if beside is not None:
            record = replace(beside.record, role=floor)
            frames = {part: beside.metrics(part) for part in PARTS}
            lists = {part: beside.lists(part) for part in PARTS if beside.has_lists}
            kept = Contender(record, beside.state(), frames, {}, lists=lists)
            write_contender(part_folder / floor, kept)
    return folder


def difference(made: Derived, other: Run, metric: str) -> dict[str, Any]:
    """{"valid": {mean, low, high, users, helped, harmed}, "test": …}: the metric less the other's.

    Paired over the users both were evaluated on.
    """
    found = {}
    for part in PARTS:
        frame = made.evaluations[part].per_user
        columns = [name for name in (USER, RATINGS, metric) if name in frame]
        found[part] = lift(frame[columns], other.metrics(part)[columns])[metric]
    return found


def differences_to(made: Derived, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Paired differences in the headline metric to each of the runs and to each one's twin."""
    found = []
    for run in runs:
        found.append({"name": run.label, "run": run.id} | difference(made, run, metric_of(run)))
        if run.twin is not None:
            beside = difference(made, run.twin, metric_of(run))
            found.append({"name": f"{run.label}: its twin", "run": run.id} | beside)
    return found


def member_record(run: Run) -> dict[str, Any]:
    """All that is needed to build the run's model again, and what it was called."""
    record = run.record
    return record.untrained | {"run": run.id, "label": run.label, "fit": record.fit}


def check_reads_ones(run: Run, what: str) -> None:
    """Refuse a run that learned from counts; what: "a blend", which reads ones alone."""
    if run.record.settings.get(SETTING, ONES) != ONES:
        raise RunError(
            what=f"{run.label} learned from counts, and {what} reads ones.",
            hint="Train it with counts as ones, and take that run.",
        )
    if Steps.of(run.record.settings).any:
        raise RunError(
            what=f"{run.label} learned from rows that were denoised or filled, and {what} reads "
            "them as they are.",
            hint="Train it with denoise and fill at 0, and take that run.",
        )


def check_same_split(runs: tuple[Run, ...]) -> None:
    """Refuse runs whose users and items differ; raises RunError with the hashes."""
    for name, word in (("dataset_hash", "data"), ("split_hash", "splits")):
        found = list(dict.fromkeys(getattr(run.record, name) for run in runs))
        if len(found) > 1:
            raise RunError(
                what=f"These runs stand on different {word} ({' and '.join(found)}).",
                hint="Choose runs of one split, or train both on the same one.",
            )


def check_ranks(run: Run) -> None:
    """Refuse a run that predicts ratings: standard scores are no ratings."""
    if run.card.task.rates:
        raise RunError(
            what=f"{run.label} predicts ratings, and a blend ranks.",
            hint="Choose a run that ranks.",
        )


def check_has_model(run: Run) -> None:
    """Refuse a run that has only lists: there is no model to ask or to change."""
    if not run.has_model:
        raise RunError(
            what=f"{run.label} has only lists: its model stands in another system.",
            hint="Choose a run that was trained here.",
        )


def _as_evaluation(run: Run, part: str, like: Evaluation) -> Evaluation:
    """What was kept of an evaluation of the same users."""
    return Evaluation(like.users, run.metrics(part), like.lists[:0], {}, run.record.counts[part])


def _derived_record(made: Derived, role: str) -> Record:
    """What the contender is, where it comes from, what it cost, and how good it came out."""
    first = made.made_of[0].record
    same = ("split_hash", "dataset_hash", "source_name", "target_name", "seed", "device")
    # What it takes to have the run: training all it is made of, and making it
    costs = [made.cost.to_dict(), *(run.record.fit for run in made.made_of)]
    whole = {name: round(sum(cost[name] for cost in costs), 3) for name in costs[0]}
    return new_record(
        role,
        made.evaluations,
        **{name: getattr(first, name) for name in same},
        **made.about,
        fit=whole | {"peak_rss_mib": max(cost["peak_rss_mib"] for cost in costs)},
        making=made.cost.to_dict(),
        evaluate=made.evaluation_cost.to_dict(),
        curve=[],
        best_epoch=1,
    )


# The figures of a run's record: means, lifts over twin and popularity, and segments.

Evaluations = dict[str, dict[str, Evaluation]]  # by contender, then by part


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """{"ndcg@10": {mean, low, high, users, skipped}, …} of one contender on one part."""
    skipped = evaluation.counts["skipped"]
    return summarise(evaluation.per_user, evaluation.coverage, skipped)


def comparison(split: Split, evaluations: Evaluations) -> dict[str, Any]:
    """lift over the twin, over popularity and over biases, and segments, all on the test users.

    A lift is None where there is no such contender; nothing is compared with itself.
    """
    frames = {role: parts[TEST].per_user for role, parts in evaluations.items()}
    run, twin, popularity, bias = (frames.get(role) for role in (RUN, TWIN, POPULARITY, BIAS))
    assert run is not None
    return {
        "lift": None if twin is None else lift(run, twin),
        "lift_over_popularity": None if popularity is None else lift(run, popularity),
        "lift_over_bias": None if bias is None else lift(run, bias),
        "segments": by_segment(run, user_segments(split.train), twin, popularity, bias),
    }


def beside_new_items(run: Run, split_folder: Path) -> dict[str, Any] | None:
    """Random order and the oracle's list beside a run; None where the split is no new items'."""
    if read_info(split_folder).kind != NEW_ITEMS:
        return None
    frames = {part: run.metrics(part) for part in (VALID, TEST)}
    return comparator_answer(read_snapshot(split_folder), frames)
