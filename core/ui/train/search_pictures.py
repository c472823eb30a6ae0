"""Train page: what a search found, as two pictures with a sentence over each."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.basics.formatting import count, number
from core.charts.training import TRIAL_QUALITY, draw_importance, draw_parallel
from core.runs.search.plan import Trial, is_geometric, measured_trials
from core.runs.search.study import Study
from core.store.run_folder import RUN, TWIN
from core.ui.setting_widgets import spoken
from core.ui.shell import show_chart
from core.ui.texts import plain

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
