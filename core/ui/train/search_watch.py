"""Train page: one search, live while it goes on, with its pictures when it is over."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.basics.errors import CrosswalkError
from core.charts.search import QUALITY, draw_importance, draw_parallel
from core.jobs.job import Job
from core.jobs.lock import ensure_supervisor
from core.jobs.table import enqueue, list_jobs, read_job, request_cancel
from core.runs.search_plan import SearchPlan, is_geometric
from core.runs.search_rule import DONE, RUNNING, STOPPED, Trial
from core.runs.search_study import Study, read_study
from core.store.run_folder import RUN, TWIN
from core.ui.setting_widgets import spoken
from core.ui.shell import guarded, show_chart, workspace
from core.ui.tables import show_table
from core.ui.texts import count, number, plain

POLL = 1.0  # seconds between two looks while a search goes on
KIND = "search"
WHO = {RUN: "model", TWIN: "twin"}
WHO_COLUMN, STATE, ERROR, EPOCHS, SECONDS, NOTE = (
    "Who", "State", "± standard error", "Epochs", "CPU s", "Note",
)  # fmt: skip


def job_of(study: Study) -> Job | None:
    """The job that does this search now, None where nobody does."""
    for job in list_jobs(workspace(), kind=KIND, active=True, dismissed=True, limit=1000):
        values = {name: value for name, value in job.payload.items() if name != "train"}
        try:
            if SearchPlan.from_dict(values).key == study.plan.key:
                return job
        except CrosswalkError:  # of another version
            continue
    return None


def is_under_way(study: Study) -> bool:
    """Whether a job does this search now."""
    return job_of(study) is not None


def draw_study(study: Study) -> None:
    """Progress, best so far and trials; pictures and the winner once it is over."""
    active = is_under_way(study)
    st.fragment(_draw_live, run_every=POLL if active else None)(study, active)
    if not active:
        _draw_pictures(study)


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
            trials_table(study), key=f"trials_{study.plan.key}", height=300,
            download=f"search-{study.plan.model}.csv", column_config=_columns(study),
        )  # fmt: skip


def _draw_head(study: Study, job: Job | None) -> None:
    ended = len(study.trials) - len(study.running)
    total = sum(study.budgets.values())
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
        "Stop", icon=":material/stop_circle:", key=f"search_stop_{job.id}", disabled=stopping,
        help="Ends the trials under way and keeps those that are done.",
        on_click=_cancel, args=(job.id,),
    )  # fmt: skip


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
    if taken == best and choice.alike == 1:
        return f"**{who}**: {settings_words(taken)}, {figure}, ahead of all others."
    why = f"the simplest of {count(choice.alike, 'trial')} within one standard error of the best"
    if taken == best:
        return f"**{who}**: {settings_words(taken)}, {figure}; it is the best and {why}."
    return (
        f"**{who}**: {settings_words(taken)}, {figure}; {why} "
        f"({number(best.mean, 4)} with {settings_words(best)})."
    )


def settings_words(trial: Trial) -> str:
    """`regularization 300, source weight 0.5` as Markdown."""
    words = [f"{spoken(name)} {_shown(value)}" for name, value in trial.settings.items()]
    return plain(", ".join(words) or "its own settings", 300)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _draw_winner(study: Study) -> None:
    if study.winner is None:
        st.info("No trial gave a figure. Choose other values, or another model.")
        return
    if study.run and (workspace().runs / study.run).exists():
        st.caption("The winner is trained; it stands among the runs below.")
        return
    st.button(
        "Train the winner", type="primary", icon=":material/play_arrow:",
        key=f"search_winner_{study.plan.key}", on_click=_train_winner, args=(study,),
        help="An ordinary run with these settings, its twin with the settings found for it.",
    )  # fmt: skip


def trials_table(study: Study) -> pd.DataFrame:
    """One row per trial, in the order they were asked for."""
    rows = []
    for trial in study.trials:
        row: dict[str, Any] = {WHO_COLUMN: WHO[trial.role]}
        row |= {spoken(name): trial.settings.get(name) for name in study.plan.grid}
        row |= {
            STATE: _state_of(trial), _column(study): trial.mean, ERROR: trial.error,
            EPOCHS: trial.epochs or None, SECONDS: trial.cpu_seconds or None, NOTE: trial.what,
        }  # fmt: skip
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


def _draw_pictures(study: Study) -> None:
    """Both pictures, where there is enough to see."""
    roles = [role for role in study.plan.roles if len(_measured(study, role)) > 1]
    if not roles:
        return
    role = roles[0]
    if len(roles) > 1:
        role = st.segmented_control(
            "Trials of", roles, default=RUN, required=True, format_func=lambda role: WHO[role],
            key=f"search_role_{study.plan.key}",
        )  # fmt: skip
    _draw_lines(study, str(role))
    if shares := {role: study.importance.get(role, {}) for role in roles}:
        _draw_shares(study, shares)


def _draw_lines(study: Study, role: str) -> None:
    trials = _measured(study, role)
    frame = pd.DataFrame([trial.settings for trial in trials])
    frame[QUALITY] = [trial.mean for trial in trials]
    names = [name for name in frame.columns if name != QUALITY and frame[name].nunique() > 1]
    if not names:
        return
    grown = [name for name in names if is_geometric(list(study.plan.grid[name]))]
    best, worst = frame[QUALITY].max(), frame[QUALITY].min()
    if study.plan.rates:
        best, worst = worst, best
    where = settings_words(next(trial for trial in trials if trial.mean == best))
    st.markdown(
        f"{count(len(trials), 'trial')} of the {WHO[role]} span "
        f"{study.metric} {number(worst, 4)} to {number(best, 4)}; the best has {where}."
    )
    show_chart(
        draw_parallel(
            frame[[*names, QUALITY]],
            quality=study.metric,
            logarithmic=grown,
            lower_is_better=study.plan.rates,
        ),
        "Which values go with good trials? A line is a trial, red is best on validation users; "
        "drag along an axis to keep only its lines.",
        key=f"search_lines_{study.plan.key}_{role}",
    )


def _draw_shares(study: Study, shares: dict[str, dict[str, float]]) -> None:
    known = {role: values for role, values in shares.items() if values}
    if not known:
        return
    frame = pd.DataFrame({WHO[role]: pd.Series(values) for role, values in known.items()})
    first = next(iter(known))
    top = max(known[first], key=lambda name: known[first][name])
    st.markdown(
        f"For the {WHO[first]}, **{plain(spoken(top))}** explains {known[first][top]:.0%} of the "
        "differences between its trials."
    )
    show_chart(
        draw_importance(frame, list(frame.columns), quality=study.metric),
        "Which setting is worth another look? Shares by fANOVA over the trials; with few trials "
        "they are rough.",
        key="search_importance",
    )


def _measured(study: Study, role: str) -> list[Trial]:
    return [trial for trial in study.of(role) if trial.status == DONE]


def _cancel(job_id: str) -> None:
    with guarded():
        request_cancel(workspace(), job_id)


def _train_winner(study: Study) -> None:
    with guarded():
        if (plan := study.winner) is not None:
            enqueue(workspace(), "train", plan.to_dict(), "training", plan.label)
            ensure_supervisor(workspace())
            st.toast("The winner is being trained; its card shows how far it is.")
