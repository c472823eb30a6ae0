"""A search as a folder: every trial, who won, what mattered. Read without Optuna."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.basics.columns import OWN, VALID
from core.basics.errors import CrosswalkError, RunError
from core.basics.files import read_json, write_json, write_whole
from core.basics.machine import free_memory
from core.basics.progress import Cancelled, Progress, Report
from core.basics.types import FloatArray
from core.basics.workspace import Workspace
from core.data.snapshot import Split, rating_facts, read_snapshot
from core.evaluation.evaluate import evaluate
from core.evaluation.ratings import RATINGS, Bounds, errors_per_user, predict_held_out
from core.metrics.ratings import RMSE
from core.models.linear.data_steps import training_pair
from core.models.protocol import CrossDomainModel
from core.models.readiness import check_readiness
from core.models.registry import build, card_of
from core.runs.making.fit import fit_best, measured, watcher
from core.runs.making.plan import RunPlan
from core.runs.search.plan import (
    DONE,
    FAILED,
    RUNNING,
    Choice,
    SearchPlan,
    Trial,
    choose,
    edges,
    equal_shares,
)
from core.store.run_folder import RUN, TWIN

RECORD = "search.json"


@dataclass
class Study:
    """All that is known about one search; saved whole after every change."""

    folder: Path
    plan: SearchPlan
    created: float
    status: str = RUNNING  # or "done", "stopped"
    trials: list[Trial] = field(default_factory=list)
    importance: dict[str, dict[str, float]] = field(default_factory=dict)  # by role and setting
    run: str | None = None  # id of the run the winner was trained as

    @classmethod
    def opened(cls, workspace: Workspace, plan: SearchPlan) -> Study:
        """The search of this plan as far as it ever came, or a new one."""
        folder = workspace.searches / plan.key
        if (folder / RECORD).exists():
            return read_study(folder)
        return cls(folder, plan, time.time())

    def save(self) -> None:
        """Write it down, whole or not at all."""
        values = {
            "plan": self.plan.to_dict(),
            "created": self.created,
            "status": self.status,
            "trials": [trial.to_dict() for trial in self.trials],
            "importance": self.importance,
            "run": self.run,
        }
        write_json(self.folder / RECORD, values)

    def put(self, trial: Trial, *, save: bool = True) -> None:
        """Take up a new trial, or the newer state of one that is here."""
        for place, known in enumerate(self.trials):
            if (known.role, known.number) == (trial.role, trial.number):
                self.trials[place] = trial
                break
        else:
            self.trials.append(trial)
        if save:
            self.save()

    def of(self, role: str) -> list[Trial]:
        """Trials of a role, in the order they were asked for."""
        return [trial for trial in self.trials if trial.role == role]

    @property
    def running(self) -> list[Trial]:
        """Trials under way."""
        return [trial for trial in self.trials if trial.status == RUNNING]

    @property
    def ended(self) -> list[Trial]:
        """Trials that are over; one that was stopped on its way is still to be done."""
        return [trial for trial in self.trials if trial.status in (DONE, FAILED)]

    @property
    def budgets(self) -> dict[str, int]:
        """Trials in all, by role."""
        return {role: self.plan.budget(role) for role in self.plan.roles}

    @property
    def choices(self) -> dict[str, Choice]:
        """Best and taken trial of every role that has one, from equal shares of the budget.

        The model takes the simplest trial that is as good as its best, the twin its best: a twin
        that took a simpler and worse setting where the model kept its best would make a lift.
        """
        shares = equal_shares(self.trials, self.budgets)
        if self.status == RUNNING:  # best so far: whatever is measured
            shares = {role: self.of(role) for role in self.plan.roles}
        lower = self.plan.rates
        found = {
            role: choose(each, lower_is_better=lower, simplest=role == RUN)
            for role, each in shares.items()
        }
        return {role: choice for role, choice in found.items() if choice is not None}

    @property
    def winner(self) -> RunPlan | None:
        """The run to train: taken settings of the model, and of the twin; None without any."""
        found = {role: choice.taken.settings for role, choice in self.choices.items()}
        return self.plan.run_plan(found) if RUN in found else None

    @property
    def metric(self) -> str:
        """What trials are judged by, as a person reads it."""
        return "RMSE" if self.plan.rates else "nDCG@10"

    def counts(self) -> dict[str, int]:
        """How many trials are "done", "failed", "stopped", "running"."""
        return dict(Counter(trial.status for trial in self.trials))

    @property
    def title(self) -> str:
        """What a list of searches calls it."""
        budgets = " + ".join(str(count) for count in self.budgets.values())
        return f"{card_of(self.plan.model).title} · {budgets} trials · seed {self.plan.seed}"

    @property
    def edges(self) -> dict[str, dict[str, str]]:
        """By role the settings in which its best trial stands at an end of what was tried."""
        model = self.plan.model
        return {
            role: edges(choice.best, model, self.plan.grid_of(role))
            for role, choice in self.choices.items()
        }

    def said_of_edges(self) -> str:
        """One sentence on what ended at an edge of the grid, "" where nothing did."""
        if self.status == RUNNING:
            return ""
        found: dict[str, list[str]] = {}
        for role, ends in self.edges.items():
            for name, end in ends.items():
                value, tried = self.choices[role].best.settings[name], self.plan.grid[name]
                range_ = f"{min(tried):g} to {max(tried):g}"  # type: ignore[type-var]
                words = f"{name.replace('_', ' ')} {value:g}, the {end} end of {range_}"
                found.setdefault(words, []).append("model" if role == RUN else "twin")
        if not found:
            return ""
        listed = "; ".join(f"{words} ({' and '.join(who)})" for words, who in found.items())
        return f"The best trial stands at an edge: {listed}. Search on beyond it."

    def said_of_failures(self) -> str:
        """One sentence on trials that could not be measured, "" where there is none."""
        failed = [trial for trial in self.trials if trial.status == FAILED]
        if not failed:
            return ""
        words = Counter(trial.what for trial in failed).most_common(1)[0][0]
        return f"{len(failed)} of {len(self.trials)} trials gave no figure: {words}"


def read_study(folder: Path) -> Study:
    """The search a folder holds; raises RunError where its record is damaged."""
    try:
        values: dict[str, Any] = read_json(folder / RECORD)
        trials = [Trial.from_dict(trial) for trial in values.pop("trials")]
        plan = SearchPlan.from_dict(values.pop("plan"))
        return Study(folder=folder, plan=plan, trials=trials, **values)
    except (CrosswalkError, TypeError, KeyError, AttributeError) as error:
        raise RunError(
            what=f"The record of search {folder.name} cannot be read.",
            hint=f"Delete {folder.name} in {folder.parent.name} and start the search again.",
        ) from error


def list_studies(workspace: Workspace, split: str | None = None) -> list[Study]:
    """Every search, or those of one split, newest first; damaged ones are left out."""
    studies = []
    for record in workspace.searches.glob(f"*/{RECORD}"):
        try:
            study = read_study(record.parent)
        except RunError:
            continue
        if split in (None, study.plan.split):
            studies.append(study)
    return sorted(studies, key=lambda study: study.created, reverse=True)


def summary(study: Study) -> dict[str, Any]:
    """The search as the command line answers it: trials, best and taken settings of both."""
    return {
        "model": study.plan.model,
        "split_hash": study.plan.split,
        "status": study.status,
        "grid": {name: list(values) for name, values in study.plan.grid.items()},
        "budget": study.budgets,
        "counts": study.counts(),
        "failures": study.said_of_failures(),
        "edges": study.said_of_edges(),
        "trials": [
            {name: value for name, value in trial.to_dict().items() if name != "job"}
            for trial in study.trials
        ],
        "winners": {
            role: {
                "settings": study.plan.settings | choice.taken.settings,
                "mean": choice.taken.mean,
                "error": choice.taken.error,
                "best_settings": study.plan.settings | choice.best.settings,
                "best_mean": choice.best.mean,
                "within_one_standard_error": choice.alike,
                "at_edge": study.edges[role],
            }
            for role, choice in study.choices.items()
        },
        "importance": study.importance,
        "cpu_seconds": round(sum(t.cpu_seconds for t in study.trials if t.status == DONE), 3),
        "run": study.run,
        "search_dir": str(study.folder),
    }


# One trial of a search: fit on the training rows, measure on validation users, keep nothing.


@dataclass(frozen=True)
class Measured:
    """What a trial came to; values: (n_validation_users,) one figure per user, in their order."""

    figures: dict[str, Any]  # fields of a Trial
    values: FloatArray


def trial_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Do the trial in the payload: a plan, the role it is tried for, and where its values go."""
    split = read_snapshot(workspace.splits / payload["plan"]["split"])
    found = measure(RunPlan.from_dict(payload["plan"]), payload["role"], split, report)
    folder = workspace.searches / payload["search"]
    keep_values(folder, payload["role"], payload["number"], found.values)
    return found.figures


def measure(plan: RunPlan, role: str, split: Split, report: Report) -> Measured:
    """Validation nDCG@10 (RMSE of a model of ratings), its standard error, and what the fit cost.

    Test rows are never looked at. Raises RunError where the pair, the memory or the settings do not
    allow it, and Cancelled where it was stopped: a shorter fit would not be comparable.
    """
    card = card_of(plan.model)
    train = training_pair(card, split, card.settings.of(plan.settings).to_dict())
    if role == TWIN:
        train = train.target_only()
    else:
        settings, ratings = card.settings.of(plan.settings), rating_facts(split.folder)
        check_readiness(card, train, settings, free_memory(), ratings)
    model = build(plan.model, plan.settings, plan.device)
    rates = card.task.rates
    report(Progress(done=0, total=1, stage="training"))
    with measured() as cost:
        watch = watcher(split, plan.seed, card.task)
        fit = fit_best(model, train, plan.seed, watch, _staged(report), lower_is_better=rates)
    if fit.cancelled:
        raise Cancelled
    report(Progress(done=0, total=1, stage="evaluating on validation"))
    values = _squared_errors(model, split) if rates else _ndcg(model, split)
    mean, error = mean_and_error(values, rates)
    costs = {name: round(getattr(cost, name), 3) for name in ("cpu_seconds", "wall_seconds")}
    return Measured({"mean": mean, "error": error, "epochs": fit.best_epoch} | costs, values)


def mean_and_error(values: FloatArray, rates: bool) -> tuple[float, float]:
    """The figure of these users and its standard error; of a root by the delta method."""
    mean, error = float(values.mean()), standard_error(values)
    if not rates:
        return mean, error
    return mean**0.5, error / max(2 * mean**0.5, 1e-12)


def standard_error(values: FloatArray) -> float:
    """Of the mean over users."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0


def keep_values(folder: Path, role: str, number: int, values: FloatArray) -> None:
    """Write down every user's figure, so that trials can be compared user by user."""
    path = _values_path(folder, role, number)
    write_whole(path, lambda part: part.write_bytes(values.astype("<f4").tobytes()))


def read_values(folder: Path, role: str, number: int) -> FloatArray | None:
    """Every user's figure of a trial; None where they are gone."""
    path = _values_path(folder, role, number)
    return np.frombuffer(path.read_bytes(), "<f4").astype(float) if path.exists() else None


def _values_path(folder: Path, role: str, number: int) -> Path:
    return folder / "users" / f"{role}-{number}.f32"


def _ndcg(model: CrossDomainModel, split: Split) -> FloatArray:
    found = evaluate(model.score, split, VALID, ks=(10,)).per_user["ndcg@10"].dropna()
    if not len(found):
        raise RunError(
            what="No validation user has anything to find.",
            hint="Choose a split with more validation rows.",
        )
    return found.to_numpy(float)


def _squared_errors(model: CrossDomainModel, split: Split) -> FloatArray:
    """(n_users,) such that their mean is the squared error pooled over all ratings."""
    predictions = predict_held_out(model.score, split.rated, VALID)
    bounds = Bounds.of(split.rated.train.target)
    errors = errors_per_user(predictions, predictions[OWN].to_numpy(), bounds)
    counts = errors[RATINGS].to_numpy(float)
    return errors[RMSE].to_numpy(float) ** 2 * counts / counts.mean()


def _staged(report: Report) -> Report:
    return lambda progress: report(replace(progress, stage="training"))
