"""A search as a folder: every trial, who won, what mattered. Read without Optuna."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.basics.errors import CrosswalkError, RunError
from core.basics.files import read_json, write_json
from core.basics.workspace import Workspace
from core.models.registry import card_of
from core.runs.making.plan import RunPlan
from core.runs.search.plan import (
    DONE,
    FAILED,
    RUNNING,
    Choice,
    SearchPlan,
    Trial,
    choose,
    equal_shares,
)
from core.store.run_folder import RUN

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
        """Best and taken trial of every role that has one, from equal shares of the budget."""
        shares = equal_shares(self.trials, self.budgets)
        if self.status == RUNNING:  # best so far: whatever is measured
            shares = {role: self.of(role) for role in self.plan.roles}
        lower = self.plan.rates
        found = {role: choose(each, lower_is_better=lower) for role, each in shares.items()}
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
            }
            for role, choice in study.choices.items()
        },
        "importance": study.importance,
        "cpu_seconds": round(sum(t.cpu_seconds for t in study.trials if t.status == DONE), 3),
        "run": study.run,
        "search_dir": str(study.folder),
    }
