"""Train page: search settings of a ticked model and of its twin, watch, stop, train the winner."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.basics.errors import CrosswalkError, SettingsError
from core.basics.formatting import count, duration, number
from core.basics.settings import SettingInfo
from core.charts.training import TRIAL_QUALITY, draw_importance, draw_parallel
from core.data.snapshot import SplitInfo
from core.jobs.table import SLOTS, Job, list_jobs, read_job, request_cancel
from core.models.protocol import ModelCard
from core.models.readiness import around, grid_of
from core.models.registry import card_of
from core.runs.making.estimate import search_seconds
from core.runs.making.plan import RunPlan
from core.runs.search.plan import (
    MOST_TRIALS,
    RUNNING,
    STOPPED,
    SearchPlan,
    Trial,
    checked_grid,
    combinations,
    is_geometric,
    measured_trials,
)
from core.runs.search.study import RECORD, Study, list_studies, read_study
from core.store.run_folder import RUN, TWIN
from core.ui.shell import ask_job, draw_press, guarded, show_chart, show_error, workspace
from core.ui.train.choose import asked_about
from core.ui.train.start import expected_time, warn_of_few
from core.ui.widgets import plain, show_table, spoken

KIND = "search"
TRIALS = 12  # offered where the grid has more combinations than that
_PREFIX = "search_values"


def draw_search(info: SplitInfo | None, plans: list[RunPlan]) -> None:
    """A form for a new search, and the searches of this split."""
    studies = [] if info is None else list_studies(workspace(), info.split_hash)
    waiting = {} if info is None else _without_record(info.split_hash, studies)
    busy = bool(waiting) or any(is_under_way(study) for study in studies)
    drawer = st.expander(
        "Search settings",
        expanded=busy,
        icon=":material/tune:",
        key="search_box",
        on_change="rerun",
    )
    if not drawer.open:
        return
    with drawer:
        if info is None:
            st.info("There is nothing to search on yet. Import two files and split them first.")
            return
        form, found = st.columns([1, 2], gap="large")
        with form:
            _draw_form(plans)
        with found:
            _draw_found(studies, waiting)


def _without_record(split_hash: str, studies: list[Study]) -> dict[str, Job]:
    """Searches that were asked for and have written nothing yet, by key."""
    known = {study.plan.key for study in studies}
    jobs = jobs_by_search(split_hash)
    return {key: job for key, job in jobs.items() if key not in known}


def _draw_form(plans: list[RunPlan]) -> None:
    by_name = {plan.model: plan for plan in plans if asked_about(card_of(plan.model), plan.split)}
    if not by_name:
        st.info("Tick a model with settings above. Its settings can then be searched.")
        return
    st.caption(
        "Tries settings of a model and, as often, of its target-only twin. Validation users "
        "decide, test users are never looked at; other settings stay as in the forms above."
    )
    name = st.selectbox(
        "Model to search",
        list(by_name),
        format_func=lambda name: card_of(name).title,
        key="search_model",
    )
    grid = _ask_grid(card_of(name), by_name[name].split)
    try:
        plan = _asked_plan(by_name[name], grid)
    except CrosswalkError as error:
        show_error(error)
        return
    train = st.toggle(
        "Train the winner at the end",
        value=True,
        key="search_train",
        help="An ordinary run with the settings found; its twin has the settings found for it.",
    )
    st.caption(_cost_words(plan))
    draw_press(
        "Start search",
        _start,
        (plan, train),
        type="primary",
        icon=":material/search:",
        key="search_start",
    )


def _ask_grid(card: ModelCard, split_hash: str) -> dict[str, list[str]]:
    """Values to try, as text, by setting."""
    infos = {info.name: info for info in asked_about(card, split_hash)}
    names = st.multiselect(
        "Settings to try",
        list(infos),
        default=list(grid_of(card)),
        format_func=spoken,
        key=f"search_names_{card.name}",
        placeholder="Choose settings",
    )
    return {name: _ask_values(card, infos[name]) for name in names}


def _ask_values(card: ModelCard, info: SettingInfo) -> list[str]:
    values = grid_of(card).get(info.name) or around(info)
    text = st.text_input(
        f"{spoken(info.name).capitalize()}: values, with commas",
        value=", ".join(
            f"{value:g}" if isinstance(value, float) else str(value) for value in values
        ),
        key=f"{_PREFIX}_{card.name}_{info.name}",
        help=f"{info.help} {_range_of(info)}",
    )
    return [word.strip() for word in text.split(",") if word.strip()]


def _range_of(info: SettingInfo) -> str:
    if info.choices is not None:
        return f"One of {', '.join(info.choices)}."
    return "" if info.low is None or info.high is None else f"From {info.low:g} to {info.high:g}."


def _asked_plan(plan: RunPlan, grid: dict[str, list[str]]) -> SearchPlan:
    """The search the form asks for; raises SettingsError for values the model does not take."""
    if not grid:
        raise SettingsError(what="No setting is chosen.", hint="Choose at least one to try.")
    values = checked_grid(plan.model, grid)
    space = combinations(values)
    trials = st.number_input(
        "Trials of the model",
        1,
        MOST_TRIALS,
        min(space, TRIALS),
        1,
        key=f"search_trials_{plan.model}_{space}",
        help="Its twin gets as many. Enough for every combination tries them all; fewer are drawn "
        "between the lowest and the highest value by what the earlier ones taught (TPE).",
    )
    return SearchPlan(
        plan.split, plan.model, values, plan.settings, int(trials), plan.seed, plan.device
    )


def _cost_words(plan: SearchPlan) -> str:
    """How many trials, by which way, and how long they take."""
    space = combinations(plan.grid)
    how = (
        f"{count(space, 'combination')}, every one is tried."
        if plan.tries_all
        else f"{count(space, 'combination')} and {count(plan.trials, 'trial')}: "
        "they are drawn between the lowest and the highest value."
    )
    twin = ""
    if TWIN in plan.roles:
        twin = f" The twin gets {count(plan.budget(TWIN), 'trial')}."
    timing = expected_time(RunPlan(plan.split, plan.model, plan.settings, plan.seed, plan.device))
    if timing is None:
        return f"{how}{twin} The time of one trial is not known yet."
    seconds = search_seconds(timing, plan.budget(RUN), SLOTS["trials"])
    side = f", {SLOTS['trials']} side by side" if SLOTS["trials"] > 1 else ""
    return f"{how}{twin} About {duration(seconds)} in all{side}."


def _start(plan: SearchPlan, train: bool) -> None:
    title = f"Search: {card_of(plan.model).title}"
    ask_job(KIND, plan.to_dict() | {"train": train}, title, "training")
    st.session_state["search_shown"] = plan.key


def _draw_found(studies: list[Study], waiting: dict[str, Job]) -> None:
    titles = {key: f"{job.title} · starting" for key, job in waiting.items()}
    titles |= {study.plan.key: study.title for study in studies}
    if not titles:
        st.info(
            "Nothing was searched on this split yet. A search shows its trials here, live, then "
            "which settings mattered."
        )
        return
    if st.session_state.get("search_shown") not in titles:
        st.session_state["search_shown"] = next(iter(titles))
    shown = next(iter(titles))
    if len(titles) > 1:
        shown = st.selectbox(
            "Search", list(titles), format_func=lambda key: titles.get(key, key), key="search_shown"
        )
    if shown in waiting:
        draw_starting(shown, waiting[shown])
    else:
        draw_study(next(study for study in studies if study.plan.key == shown))


# Train page: one search, live while it goes on: progress, best so far, trials, the winner.

POLL = 1.0  # seconds between two looks while a search goes on
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
        for said in filter(None, (study.said_of_edges(), study.said_of_failures())):
            st.caption(plain(said, 400))
        warn_of_few(study.plan.split)
        figure, seconds = (st.column_config.NumberColumn(format=form) for form in ("%.4f", "%.1f"))
        columns = {_column(study): figure, ERROR: figure, SECONDS: seconds}
        show_table(
            trials_table(study),
            key=f"trials_{study.plan.key}",
            height=300,
            download=f"search-{study.plan.model}.csv",
            column_config=columns,
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
    if role == TWIN:  # as strong as validation knows it: no lift comes from a simpler twin
        return f"**{who}**: {settings_words(taken)}, {figure}, its best."
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
        st.caption("The winner is trained; it stands among the runs above.")
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


def _cancel(job_id: str) -> None:
    with guarded():
        request_cancel(workspace(), job_id)


def _train_winner(study: Study) -> None:
    with guarded():
        if (plan := study.winner) is not None:
            ask_job("train", plan.to_dict(), plan.label, "training")
            st.toast("The winner is being trained; its card shows how far it is.")


# Train page: what a search found, as two pictures with a sentence over each.

WHO = {RUN: "model", TWIN: "twin"}


def draw_pictures(study: Study) -> None:
    """Both pictures, where there is enough to see."""
    roles = [role for role in study.plan.roles if len(_measured(study, role)) > 1]
    if not roles:
        return
    role = roles[0]
    if len(roles) > 1:
        role = st.segmented_control(
            "Trials of",
            roles,
            default=RUN,
            required=True,
            format_func=lambda role: WHO[role],
            key=f"search_role_{study.plan.key}",
        )
    _draw_lines(study, str(role))
    if shares := {role: study.importance.get(role, {}) for role in roles}:
        _draw_shares(study, shares)


def _draw_lines(study: Study, role: str) -> None:
    trials = _measured(study, role)
    frame = pd.DataFrame([trial.settings for trial in trials])
    frame[TRIAL_QUALITY] = [trial.mean for trial in trials]
    names = [name for name in frame.columns if name != TRIAL_QUALITY and frame[name].nunique() > 1]
    if not names:
        return
    grown = [name for name in names if is_geometric(list(study.plan.grid[name]))]
    best, worst = frame[TRIAL_QUALITY].max(), frame[TRIAL_QUALITY].min()
    if study.plan.rates:
        best, worst = worst, best
    where = settings_words(next(trial for trial in trials if trial.mean == best))
    st.markdown(
        f"{count(len(trials), 'trial')} of the {WHO[role]} span "
        f"{study.metric} {number(worst, 4)} to {number(best, 4)}; the best has {where}."
    )
    show_chart(
        draw_parallel(
            frame[[*names, TRIAL_QUALITY]],
            quality=study.metric,
            logarithmic=grown,
            lower_is_better=study.plan.rates,
        ),
        "Which values go with good trials? A line is a trial; red is best on validation users.",
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
    return measured_trials(study.of(role))


def settings_words(trial: Trial) -> str:
    """`regularization 300, source weight 0.5` as Markdown."""
    words = [f"{spoken(name)} {_shown(value)}" for name, value in trial.settings.items()]
    return plain(", ".join(words) or "its own settings", 300)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
