"""Train page: search settings of a ticked model and of its twin, watch, stop, train the winner."""

from __future__ import annotations

import streamlit as st

from core.basics.errors import CrosswalkError, SettingsError
from core.basics.formatting import count, duration
from core.basics.settings import SettingInfo, Value
from core.data.snapshot import SplitInfo
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import SLOTS, Job, enqueue
from core.models.protocol import ModelCard
from core.models.readiness import around, grid_of
from core.models.registry import card_of
from core.runs.making.estimate import search_seconds
from core.runs.making.plan import RunPlan
from core.runs.search.plan import MOST_TRIALS, SearchPlan, checked_grid, combinations
from core.runs.search.study import Study, list_studies
from core.store.run_folder import RUN, TWIN
from core.ui.press import draw_press
from core.ui.setting_widgets import spoken
from core.ui.shell import show_error, workspace
from core.ui.train.search_watch import draw_starting, draw_study, is_under_way, jobs_by_search
from core.ui.train.settings import asked_about
from core.ui.train.times import expected_time

KIND = "search"
TRIALS = 12  # offered where the grid has more combinations than that
_PREFIX = "search_values"


def draw_search(info: SplitInfo | None, plans: list[RunPlan]) -> None:
    """A form for a new search, and the searches of this split."""
    studies = [] if info is None else list_studies(workspace(), info.split_hash)
    waiting = {} if info is None else _without_record(info.split_hash, studies)
    busy = bool(waiting) or any(is_under_way(study) for study in studies)
    with st.expander("Search settings", expanded=busy, icon=":material/tune:", key="search_box"):
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
        value=", ".join(_as_text(value) for value in values),
        key=f"{_PREFIX}_{card.name}_{info.name}",
        help=f"{info.help} {_range_of(info)}",
    )
    return [word.strip() for word in text.split(",") if word.strip()]


def _as_text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


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
    enqueue(workspace(), KIND, plan.to_dict() | {"train": train}, "training", title)
    ensure_supervisor(workspace())
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
