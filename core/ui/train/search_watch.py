"""Train page: one search, live while it goes on: progress, best so far, trials, the winner."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.basics.errors import CrosswalkError
from core.basics.formatting import count, number
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import Job, enqueue, list_jobs, read_job, request_cancel
from core.runs.search.plan import RUNNING, STOPPED, SearchPlan, Trial
from core.runs.search.study import RECORD, Study, read_study
from core.ui.setting_widgets import spoken
from core.ui.shell import guarded, workspace
from core.ui.tables import show_table
from core.ui.texts import plain
from core.ui.train.search_pictures import WHO, draw_pictures, settings_words

POLL = 1.0  # seconds between two looks while a search goes on
KIND = "search"
WHO_COLUMN, STATE, ERROR, EPOCHS, SECONDS, NOTE = (
    "Who",
    "State",
    "± standard error",
    "Epochs",
    "CPU s",
    "Note",
)


def jobs_by_search(split: str | None = None) -> dict[str, Job]:
    """Jobs that search now or wait to, of one split or all, by the key of their search."""
    found: dict[str, Job] = {}
    for job in list_jobs(workspace(), kind=KIND, active=True, dismissed=True, limit=1000):
        values = {name: value for name, value in job.payload.items() if name != "train"}
        try:
            plan = SearchPlan.from_dict(values)
        except CrosswalkError:  # of another version
            continue
        if split in (None, plan.split):
            found[plan.key] = job
    return found


def job_of(study: Study) -> Job | None:
    """The job that does this search now, None where nobody does."""
    return jobs_by_search().get(study.plan.key)


def is_under_way(study: Study) -> bool:
    """Whether a job does this search now."""
    return job_of(study) is not None


def draw_starting(key: str, job: Job) -> None:
    """A search whose first trial has not begun; the page is drawn anew once it has."""
    st.fragment(_draw_starting, run_every=POLL)(key, job.id)


def _draw_starting(key: str, job_id: str) -> None:
    with guarded():
        job = read_job(workspace(), job_id)
        if (workspace().searches / key / RECORD).exists() or not job.is_active:
            st.rerun()
        words = "starting" if job.started else "waiting for the jobs before it"
        st.progress(0.0, text=f"{plain(job.title)} · {words}")


def draw_study(study: Study) -> None:
    """Progress, best so far and trials; pictures and the winner once it is over."""
    active = is_under_way(study)
    st.fragment(_draw_live, run_every=POLL if active else None)(study, active)
    if not active:
        draw_pictures(study)


def _draw_live(study: Study, was_active: bool) -> None:
    with guarded():
        study, job = read_study(study.folder), job_of(study)
        if was_active and job is None:
            st.rerun()  # the pictures can be drawn, and the polling can stop
        _draw_head(study, job)
        for role in study.plan.roles:
            if role in study.choices:
                st.markdown(_choice_words(study, role, job is None))
        if job is None:
            _draw_winner(study)
        if failures := study.said_of_failures():
            st.caption(plain(failures, 400))
        show_table(
            trials_table(study),
            key=f"trials_{study.plan.key}",
            height=300,
            download=f"search-{study.plan.model}.csv",
            column_config=_columns(study),
        )


def _draw_head(study: Study, job: Job | None) -> None:
    ended, total = len(study.ended), sum(study.budgets.values())
    line, button = st.columns([3, 1], vertical_alignment="center")
    if job is None:
        words = {STOPPED: "stopped, what it has is kept", RUNNING: "killed; resume it above"}
        line.markdown(
            f"**{plain(study.title)}** · {ended} of {total} trials · "
            f"{words.get(study.status, 'done')}"
        )
        return
    stopping = job.cancel_asked is not None
    stage = "stopping" if stopping else (job.stage or "starting")
    line.progress(min(1.0, ended / total), text=plain(f"{stage} · {ended} of {total} trials"))
    button.button(
        "Stop",
        icon=":material/stop_circle:",
        key=f"search_stop_{job.id}",
        disabled=stopping,
        help="Ends the trials under way and keeps those that are done.",
        on_click=_cancel,
        args=(job.id,),
    )


def _choice_words(study: Study, role: str, over: bool) -> str:
    """`**Model**: regularization 300: nDCG@10 .054 ± .002, …`."""
    choice = study.choices[role]
    taken, best = choice.taken, choice.best
    who = WHO[role].capitalize()
    figure = (
        f"{study.metric} {number(taken.mean, 4)} ± {number(taken.error, 4)} on validation users"
    )
    if not over:
        figure = f"{study.metric} {number(best.mean, 4)} ± {number(best.error, 4)}"
        return f"**{who}**, best so far: {settings_words(best)}, {figure}."
    if choice.tried == 1:
        return f"**{who}**: {settings_words(taken)}, {figure}; nothing stands beside it."
    if taken == best and choice.alike == 1:
        return f"**{who}**: {settings_words(taken)}, {figure}, ahead of all others."
    why = f"the simplest of {count(choice.alike, 'trial')} within one standard error of the best"
    if taken == best:
        return f"**{who}**: {settings_words(taken)}, {figure}; it is the best and {why}."
    return (
        f"**{who}**: {settings_words(taken)}, {figure}; {why} "
        f"({number(best.mean, 4)} with {settings_words(best)})."
    )


def _draw_winner(study: Study) -> None:
    if study.winner is None:
        st.info("No trial gave a figure. Choose other values, or another model.")
        return
    if study.run and (workspace().runs / study.run).exists():
        st.caption("The winner is trained; it stands among the runs below.")
        return
    st.button(
        "Train the winner",
        type="primary",
        icon=":material/play_arrow:",
        key=f"search_winner_{study.plan.key}",
        on_click=_train_winner,
        args=(study,),
        help="An ordinary run with these settings, its twin with the settings found for it.",
    )


def trials_table(study: Study) -> pd.DataFrame:
    """One row per trial, in the order they were asked for."""
    rows = []
    for trial in study.trials:
        row: dict[str, Any] = {WHO_COLUMN: WHO[trial.role]}
        row |= {spoken(name): trial.settings.get(name) for name in study.plan.grid}
        row |= {
            STATE: _state_of(trial),
            _column(study): trial.mean,
            ERROR: trial.error,
            EPOCHS: trial.epochs or None,
            SECONDS: trial.cpu_seconds or None,
            NOTE: trial.what,
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    if len(table) and not table[NOTE].any():
        table = table.drop(columns=NOTE)
    return table


def _column(study: Study) -> str:
    return f"Valid {study.metric}"


def _state_of(trial: Trial) -> str:
    """`done`, or how far it is."""
    if trial.status != RUNNING or not trial.job:
        return trial.status
    job = read_job(workspace(), trial.job)
    if not job.started:
        return "waiting"
    return (
        f"{job.stage or 'starting'} {job.share:.0%}" if job.total > 1 else job.stage or "starting"
    )


def _columns(study: Study) -> dict[str, Any]:
    figure, seconds = (st.column_config.NumberColumn(format=form) for form in ("%.4f", "%.1f"))
    return {_column(study): figure, ERROR: figure, SECONDS: seconds}


def _cancel(job_id: str) -> None:
    with guarded():
        request_cancel(workspace(), job_id)


def _train_winner(study: Study) -> None:
    with guarded():
        if (plan := study.winner) is not None:
            enqueue(workspace(), "train", plan.to_dict(), "training", plan.label)
            ensure_supervisor(workspace())
            st.toast("The winner is being trained; its card shows how far it is.")
