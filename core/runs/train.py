"""Train a plan: the model, its target-only twin and popularity on one split, kept as one folder.

Beside a model of ratings the bias model stands in the place of popularity.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import __version__
from core.basics.columns import TEST, VALID
from core.basics.files import whole_folder
from core.basics.machine import free_memory
from core.basics.progress import Cancelled, Progress, Report, silent
from core.basics.types import Lists
from core.basics.workspace import Workspace
from core.data.profile import rating_facts
from core.data.snapshot import Split, read_snapshot
from core.evaluation.evaluate import Evaluation, evaluate_parts
from core.evaluation.ratings import rate
from core.fusion.candidates import DEPTH
from core.models.kernel.training_settings import counts_of
from core.models.protocol import CrossDomainModel, Finding, ModelCard, State, findings_of
from core.models.readiness import check_readiness
from core.models.registry import build, card_of
from core.runs.compare import comparison, summary
from core.runs.cost import Cost, measured
from core.runs.fit import Checkpoints, Fit, fit_best
from core.runs.plan import RunPlan
from core.runs.texts import encode_texts
from core.runs.watch import watcher
from core.store.run_folder import BIAS, POPULARITY, RUN, TWIN, Contender, write_contender


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
    """Train the plan in the payload; answers the id of the new run."""
    plan = RunPlan.from_dict({key: payload[key] for key in payload if key != "resume"})
    return {"run": train_run(plan, workspace, report).name}


def train_run(plan: RunPlan, workspace: Workspace, report: Report = silent) -> Path:
    """Train, evaluate and keep a run; answers its folder, which appears whole or not at all.

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
    floor = BIAS if card.task == "rating" else POPULARITY
    if plan.model != floor:
        beside = RunPlan(plan.split, floor, seed=plan.seed)
        trained[floor] = _train(beside, card_of(floor), split, floor, silent)
    with suppress(Cancelled):  # everything is there: too late to throw it away
        report(Progress(done=0, total=1, stage="keeping"))
    folder = _keep(workspace.runs / _run_id(plan), plan, split, trained)
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
    prefix, rates = "twin: " if role == TWIN else "", card.task == "rating"
    model = build(plan.model, plan.settings, plan.device)
    train = card.pair_of(split, counts_of(model.settings))
    train = train.target_only() if role == TWIN else train
    report(Progress(done=0, total=1, stage=f"{prefix}training"))
    kept = Checkpoints(checkpoints / role) if checkpoints and card.gradient else None
    with measured() as fit_cost:
        encode_texts(train, model.settings, report)
        watch, seen = watcher(split, plan.seed, card.task), _staged(report, f"{prefix}training")
        fit = fit_best(model, train, plan.seed, watch, seen, kept, lower_is_better=rates)
    report_on = _noting(report, fit) if fit.curve and role == RUN else report
    with measured() as evaluation_cost:
        report_on(Progress(done=0, total=1, stage=f"{prefix}evaluating on {VALID} and {TEST}"))
        depth = DEPTH if role == RUN and not rates else 0  # for the Fusion page
        evaluations = evaluate_parts(model.score, split, (VALID, TEST), depth=depth)
        if rates:
            for part, found in evaluations.items():
                evaluations[part] = rate(found, model.score, split.rated, part)
        findings = findings_of(model)
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


def _keep(folder: Path, plan: RunPlan, split: Split, trained: dict[str, Trained]) -> Path:
    plans = {RUN: plan, TWIN: plan.of_twin()}
    plans |= {floor: RunPlan(plan.split, floor) for floor in (POPULARITY, BIAS)}
    records = {
        role: _record(plans[role], split, role) | _figures(part) for role, part in trained.items()
    }
    evaluations = {role: part.evaluations for role, part in trained.items()}
    records[RUN] |= comparison(split, evaluations)
    with whole_folder(folder) as part_folder:
        for role, part in trained.items():
            inside = part_folder if role == RUN else part_folder / role
            write_contender(inside, contender(records[role], part.model.state(), part.evaluations))
    return folder


def contender(
    record: dict[str, Any], state: State, evaluations: dict[str, Evaluation]
) -> Contender:
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


def _record(plan: RunPlan, split: Split, role: str) -> dict[str, Any]:
    """What the contender is and what it was trained on."""
    card = card_of(plan.model)
    info = split.info
    return {
        "crosswalk": __version__,
        "created": time.time(),
        "role": role,
        "model": plan.model,
        "label": plan.label or f"{card.title} · seed {plan.seed}",
        "settings": card.settings.of(plan.settings).to_dict(),
        "seed": plan.seed,
        "device": plan.device,
        "split_hash": info.split_hash,
        "dataset_hash": info.dataset_hash,
        "source_name": info.source_name,
        "target_name": info.target_name,
    }


def _figures(trained: Trained) -> dict[str, Any]:
    """What training cost and how good it came out."""
    fit = trained.fit
    return {
        "fit": trained.fit_cost.to_dict(),
        "evaluate": trained.evaluation_cost.to_dict(),
        "curve": [asdict(point) for point in fit.curve],
        "best_epoch": fit.best_epoch,
        "cancelled": fit.cancelled,
        "findings": [asdict(finding) for finding in trained.findings],
        **{part: summary(evaluation) for part, evaluation in trained.evaluations.items()},
        "counts": {part: evaluation.counts for part, evaluation in trained.evaluations.items()},
    }
