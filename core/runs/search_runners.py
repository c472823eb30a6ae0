"""Where the trials of a search are done: as jobs side by side, or one by one in this process."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from core.basics.errors import CrosswalkError
from core.basics.progress import Report
from core.basics.workspace import Workspace
from core.data.snapshot import Split
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import CANCELLED as JOB_CANCELLED
from core.jobs.table import DONE as JOB_DONE
from core.jobs.table import SLOTS, dismiss, enqueue, read_job, request_cancel
from core.models.registry import card_of
from core.runs.plan import RunPlan
from core.runs.search_rule import DONE, FAILED, STOPPED, Trial
from core.runs.search_trial import keep_values, measure
from core.store.run_folder import TWIN

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
        job = enqueue(self.workspace, "trial", payload, "trials", _title(trial, plan.model))
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


def _title(trial: Trial, model: str) -> str:
    """`EASE twin, trial 3: regularization 30`."""
    chosen = [
        f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in trial.settings.items()
    ]
    who = f"{card_of(model).title}{' twin' if trial.role == TWIN else ''}"
    return f"{who}, trial {trial.number + 1}: {', '.join(chosen) or 'its own settings'}"
