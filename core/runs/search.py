"""Search settings of a model and of its twin, with an equal budget, judged on validation only."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from core.basics.columns import VALID
from core.basics.errors import RunError
from core.basics.progress import Cancelled, Progress, Report, silent
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot
from core.runs.plan import RunPlan
from core.runs.search_plan import SearchPlan
from core.runs.search_rule import DONE, RUNNING, STOPPED, Trial, measured_trials
from core.runs.search_runners import Children, Runner
from core.runs.search_sampler import Sampler
from core.runs.search_study import Study
from core.runs.search_trial import read_values, standard_error
from core.runs.train import train_run

TRAIN, RESUME = "train", "resume"  # keys of the payload beside the plan


def search_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Do the search in the payload; answers its key, and the run of the winner if asked for.

    Stopped, it keeps what it has; killed, it goes on with the trials that are left.
    """
    values = {name: payload[name] for name in payload if name not in (TRAIN, RESUME)}
    plan = SearchPlan.from_dict(values)
    study = search(plan, workspace, Children(workspace, plan.key), report)
    if payload.get(TRAIN) and study.status == DONE:
        with suppress(Cancelled):  # the search itself is kept
            train_winner(study, workspace, report)
    return {"search": study.plan.key, "run": study.run}


def search(
    plan: SearchPlan, workspace: Workspace, runner: Runner, report: Report = silent
) -> Study:
    """Try settings until the budget of every role is used up, or somebody stops it.

    Raises RunError where the split has no validation users.
    """
    if not len(read_snapshot(workspace.splits / plan.split).users(VALID)):
        raise RunError(
            what="This split has no validation users to choose settings by.",
            hint="Make a split with a validation part on the Data page.",
        )
    study = Study.opened(workspace, plan)
    sampler = Sampler(plan, study.folder)
    _take_up(study, sampler, runner)
    study.status = RUNNING
    try:
        while _step(study, sampler, runner):
            report(_progress(study))
        study.status = DONE
    except Cancelled:
        _stop(study, sampler, runner, report)
        study.status = STOPPED
    _compare(study)
    study.importance = {role: sampler.importance(role) for role in plan.roles}
    study.save()
    return study


def train_winner(study: Study, workspace: Workspace, report: Report = silent) -> None:
    """Train the chosen settings as an ordinary run, the twin with its own; the search knows it."""
    if study.winner is not None:
        study.run = train_run(study.winner, workspace, report).name
        study.save()


def _compare(study: Study) -> None:
    """How far every trial's difference to the best one of its role may be chance."""
    rates = study.plan.rates
    for role, choice in study.choices.items():
        best = read_values(study.folder, role, choice.best.number)
        root = 2 * (choice.best.mean or 0.0) if rates else 1.0  # delta method, as in a trial
        for trial in measured_trials(study.of(role)):
            values = read_values(study.folder, role, trial.number)
            if best is not None and values is not None and len(values) == len(best):
                gap = standard_error(best - values) / max(root, 1e-12)
                study.put(replace(trial, gap_error=gap), save=False)


def _take_up(study: Study, sampler: Sampler, runner: Runner) -> None:
    """Make record and journal agree after a kill, and set going what was under way."""
    for trial in study.trials:
        if trial.status != RUNNING:
            sampler.tell(trial)
        if trial.status == STOPPED:
            sampler.try_again(trial)
    known = {(trial.role, trial.number): trial for trial in study.running}
    study.trials = [trial for trial in study.trials if trial.status not in (STOPPED, RUNNING)]
    for role in study.plan.roles:
        for trial in sampler.unfinished(role):
            trial = known.get((role, trial.number), trial)
            study.put(runner.start(trial, _plan_of(study, trial)))


def _step(study: Study, sampler: Sampler, runner: Runner) -> bool:
    """Start what there is room for and take in what has ended; whether anything is left to do."""
    while len(study.running) < runner.places and (role := _next_role(study)):
        trial = sampler.ask(role)
        study.put(runner.start(trial, _plan_of(study, trial)))
    for trial in study.running:
        if (ended := runner.ended(trial)) is not None:
            study.put(ended)
            sampler.tell(ended)
    return bool(study.running) or _next_role(study) is not None


def _next_role(study: Study) -> str | None:
    """The role with the fewest trials so far, None where all budgets are used up."""
    budgets = study.budgets
    left = [role for role in budgets if len(study.of(role)) < budgets[role]]
    return min(left, key=lambda role: len(study.of(role)), default=None)


def _stop(study: Study, sampler: Sampler, runner: Runner, report: Report) -> None:
    """Ask the trials under way to stop, and wait until they have."""
    for trial in study.running:
        runner.stop(trial)
    while waiting := study.running:
        for trial in waiting:
            ended = replace(trial, status=STOPPED) if not trial.job else runner.ended(trial)
            if ended is not None:
                study.put(ended)
                sampler.tell(ended)
        with suppress(Cancelled):  # heard already
            report(replace(_progress(study), stage="stopping the trials under way"))


def _progress(study: Study) -> Progress:
    ended = len(study.trials) - len(study.running)
    return Progress(ended, sum(study.budgets.values()), "trying settings")


def _plan_of(study: Study, trial: Trial) -> RunPlan:
    plan = study.plan
    return RunPlan(plan.split, plan.model, plan.settings | trial.settings, plan.seed, plan.device)
