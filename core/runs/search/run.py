"""Search settings of a model and of its twin, with an equal budget, judged on validation only."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.basics.columns import VALID
from core.basics.errors import CrosswalkError, RunError
from core.basics.progress import Cancelled, Progress, Report, silent
from core.basics.settings import Value
from core.basics.workspace import Workspace
from core.data.snapshot import Split, read_snapshot
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import CANCELLED as JOB_CANCELLED
from core.jobs.table import DONE as JOB_DONE
from core.jobs.table import SLOTS, dismiss, enqueue, read_job, request_cancel
from core.models.registry import card_of
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.search.plan import (
    DONE,
    FAILED,
    RUNNING,
    STOPPED,
    Grid,
    SearchPlan,
    Trial,
    is_geometric,
    is_number,
    measured_trials,
)
from core.runs.search.study import Study, keep_values, measure, read_values, standard_error
from core.store.run_folder import TWIN

if TYPE_CHECKING:
    import optuna


TRAIN, RESUME = "train", "resume"  # keys of the payload beside the plan


def search_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Do the search in the payload, and return its key, and the run of the winner if asked for.

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
        # Ask the trials under way to stop, and wait until they have
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


def _progress(study: Study) -> Progress:
    ended = len(study.trials) - len(study.running)
    return Progress(ended, sum(study.budgets.values()), "trying settings")


def _plan_of(study: Study, trial: Trial) -> RunPlan:
    plan = study.plan
    return RunPlan(plan.split, plan.model, plan.settings | trial.settings, plan.seed, plan.device)


# Where the trials of a search are done: as jobs side by side, or one by one in this process.

PAUSE = 0.3  # seconds between two looks at the trials


class Runner(Protocol):
    """Where trials are done."""

    places: int  # trials under way at once

    def start(self, trial: Trial, plan: RunPlan) -> Trial:
        """Set a trial going."""
        ...

    def ended(self, trial: Trial) -> Trial | None:
        """The trial with its figures, None while it is under way."""
        ...

    def stop(self, trial: Trial) -> None:
        """Ask a trial to stop."""
        ...


class Children:
    """Trials as jobs of their own, in a lane where several run side by side."""

    def __init__(self, workspace: Workspace, search: str) -> None:
        self.workspace = workspace
        self.search = search  # its key
        self.places = SLOTS["trials"] + 1  # one waits, so that no place is idle

    def start(self, trial: Trial, plan: RunPlan) -> Trial:
        """Queue the trial; one that is under way or done already is only watched."""
        if trial.job and _is_useful(self.workspace, trial.job):
            return trial
        payload: dict[str, Any] = {"search": self.search, "plan": plan.to_dict()}
        payload |= {"role": trial.role, "number": trial.number}
        # `EASE twin, trial 3: regularization 30`
        model = plan.model
        chosen = [
            f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in trial.settings.items()
        ]
        who = f"{card_of(model).title}{' twin' if trial.role == TWIN else ''}"
        title = f"{who}, trial {trial.number + 1}: {', '.join(chosen) or 'its own settings'}"
        job = enqueue(self.workspace, "trial", payload, "trials", title)
        ensure_supervisor(self.workspace)
        return replace(trial, job=job)

    def ended(self, trial: Trial) -> Trial | None:
        """The trial with the result of its job; the job's row leaves the list."""
        job = read_job(self.workspace, trial.job)
        if job.is_active:
            time.sleep(PAUSE / self.places)
            return None
        dismiss(self.workspace, job.id)
        if job.status == JOB_DONE:
            return replace(trial, status=DONE, **job.result)
        return replace(
            trial,
            status=STOPPED if job.status == JOB_CANCELLED else FAILED,
            what=f"{job.what} {job.hint}",
            wall_seconds=round(job.seconds(time.time()), 3),
        )

    def stop(self, trial: Trial) -> None:
        """Cancel the trial's job."""
        if trial.job:
            request_cancel(self.workspace, trial.job)


class InProcess:
    """Trials one after the other in this process, for the command line."""

    places = 1

    def __init__(self, split: Split, folder: Path, report: Report) -> None:
        self.split = split
        self.folder = folder  # of the search
        self.report = report
        self._plans: dict[tuple[str, int], RunPlan] = {}

    def start(self, trial: Trial, plan: RunPlan) -> Trial:
        """Remember what to do."""
        self._plans[trial.role, trial.number] = plan
        return trial

    def ended(self, trial: Trial) -> Trial | None:
        """Do the trial now."""
        plan = self._plans[trial.role, trial.number]
        try:
            found = measure(plan, trial.role, self.split, self.report)
        except CrosswalkError as error:
            return replace(trial, status=FAILED, what=str(error))
        keep_values(self.folder, trial.role, trial.number, found.values)
        return replace(trial, status=DONE, **found.figures)

    def stop(self, trial: Trial) -> None:
        """Nothing is under way between two trials."""


def _is_useful(workspace: Workspace, job_id: str) -> bool:
    """Whether the job is under way or has brought its result."""
    job = read_job(workspace, job_id)
    return job.is_active or job.status == JOB_DONE


# Optuna's part of a search: what to try next, and which setting mattered. Imported by jobs only.
# Where the trials suffice for every combination of the grid, all of them are queued in order.
# Else a tree-structured Parzen estimator (Bergstra et al. 2011) draws between the lowest and the
# highest value of each setting, the model's own settings first.

JOURNAL = "optuna.log"
FEWEST_RANDOM = 4  # trials drawn at random before the estimator learns from them


class Sampler:
    """One Optuna study per role, in a journal beside the search's record."""

    def __init__(self, plan: SearchPlan, folder: Path) -> None:
        import optuna
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        folder.mkdir(parents=True, exist_ok=True)
        self.plan = plan
        self._distributions = {role: _distributions(plan.grid_of(role)) for role in plan.roles}
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
        first = max(FEWEST_RANDOM, plan.trials // 3)
        self._studies: dict[str, optuna.Study] = {
            role: optuna.create_study(
                storage=storage,
                study_name=role,
                load_if_exists=True,
                direction="minimize" if plan.rates else "maximize",
                sampler=optuna.samplers.TPESampler(seed=plan.seed, n_startup_trials=first),
            )
            for role in plan.roles
        }
        for role in plan.roles:
            self._queue_first(role)

    def ask(self, role: str) -> Trial:
        """The next trial of a role."""
        asked = self._studies[role].ask(self._distributions[role])
        return Trial(role, asked.number, self._tidy(role, asked.params))

    def tell(self, trial: Trial) -> None:
        """How a trial ended; one that is told already stays as it is."""
        import optuna

        failed = trial.status != DONE
        self._studies[trial.role].tell(
            trial.number,
            None if failed else trial.mean,
            skip_if_finished=True,
            state=optuna.trial.TrialState.FAIL if failed else None,
        )

    def try_again(self, trial: Trial) -> None:
        """Queue the settings of a trial that was stopped."""
        self._studies[trial.role].enqueue_trial(dict(trial.settings))

    def unfinished(self, role: str) -> list[Trial]:
        """Trials that were asked for and never told."""
        import optuna

        found = self._studies[role].get_trials(states=(optuna.trial.TrialState.RUNNING,))
        return [Trial(role, entry.number, self._tidy(role, entry.params)) for entry in found]

    def importance(self, role: str) -> dict[str, float]:
        """Share of the variance of validation quality that each setting explains, by fANOVA.

        Hutter, Hoos, Leyton-Brown: An efficient approach for assessing hyperparameter importance,
        ICML 2014. Empty where there are fewer than three measured trials or all are equal.
        """
        import optuna

        study = self._studies[role]
        done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        if len(done) < 3 or len({entry.value for entry in done}) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self.plan.seed)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
        return {name: round(float(share), 4) for name, share in found.items()}

    def _queue_first(self, role: str) -> None:
        """Queue what is tried in a fixed order; nothing is queued twice."""
        study, grid = self._studies[role], self.plan.grid_of(role)
        if study.get_trials(deepcopy=False):
            return
        if self.plan.tries_all:
            for settings in self.plan.combinations_of(role):
                study.enqueue_trial(dict(settings))
        else:
            card = card_of(self.plan.model)
            own = card.settings.of(self.plan.settings).to_dict()
            study.enqueue_trial({name: own[name] for name in grid if _holds(grid[name], own[name])})

    def _tidy(self, role: str, params: dict[str, Any]) -> dict[str, Value]:
        """Drawn numbers with three digits, within their range."""
        grid, tidy = self.plan.grid_of(role), {}
        for name, value in params.items():
            tidy[name] = value
            if isinstance(value, float) and value not in grid[name]:
                numbers = [float(entry) for entry in grid[name]]
                tidy[name] = min(max(float(f"{value:.3g}"), min(numbers)), max(numbers))
        return tidy


def _distributions(grid: Grid) -> dict[str, Any]:
    from optuna import distributions

    found: dict[str, Any] = {}
    for name, values in grid.items():
        if not all(is_number(value) for value in values):
            found[name] = distributions.CategoricalDistribution(list(values))
            continue
        whole = all(isinstance(value, int) for value in values)
        kind = distributions.IntDistribution if whole else distributions.FloatDistribution
        low, high = min(values), max(values)  # type: ignore[type-var]
        found[name] = kind(low, high, log=is_geometric(values))  # type: ignore[arg-type]
    return found


def _holds(values: tuple[Value, ...], value: Value) -> bool:
    """Whether the value lies in what the search may draw."""
    if not all(is_number(entry) for entry in (*values, value)):
        return value in values
    numbers = [float(entry) for entry in values]
    return min(numbers) <= float(value) <= max(numbers)
