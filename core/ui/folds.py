"""Folds of one split on the pages: a button that trains all of them, and what they find at once."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import TEST, USER, VALID
from core.basics.formatting import count, number, signed_with_interval
from core.data.snapshot import SplitInfo
from core.evaluation.lift import digits_of, lift, summarise
from core.evaluation.ratings import RATINGS
from core.evaluation.segments import FEWEST
from core.metrics.registry import metric_card, metric_title
from core.runs.making.folds import Family, family_of, pooled_users, runs_of, tested_words
from core.runs.making.plan import RunPlan
from core.store.run_folder import RUN, TWIN, Run
from core.ui import cached
from core.ui.keeping import kept_data
from core.ui.shell import Task, draw_task, workspace

Said = dict[str, float | int | None]


def family(info: SplitInfo) -> Family | None:
    """The folds of the workspace that belong with this split; None for a split of another kind."""
    return family_of(info, [cached.split_info(one) for one in cached.split_hashes()])


def draw_train_folds(info: SplitInfo, plans: list[RunPlan]) -> None:
    """A button that trains the plans on every fold of their split, where that can be done."""
    found = family(info)
    if found is None or not plans:
        return
    if not found.whole and not (workspace().pairs / info.dataset_hash).exists():
        st.caption(f"{len(found.infos)} of {found.folds} folds are here, and their pair is not.")
        return
    draw_task(
        Task(
            "folds",
            tuple(plan.to_dict() for plan in plans),
            f"{plans[0].label if len(plans) == 1 else count(len(plans), 'model')}, every fold",
            f"Train on all {found.folds} folds",
            f"Takes about {found.folds} times as long as one. Folds that were not made yet are "
            "made, those with such a run are left as they are. Metrics pools what they find.",
            icon=":material/view_week:",
        ),
        "train_folds",
    )


def show_folds(run: Run, part: str, metric: str) -> None:
    """What the folds of the run's split find together; nothing for a split of another kind."""
    if run.twin is None or part not in (VALID, TEST) or not metric_card(metric).kept:
        return
    if run.record.split_hash not in cached.split_hashes():
        return
    found = family(cached.split_info(run.record.split_hash))
    if found is None:
        return
    runs = runs_of(found, run, cached.runs())
    if len(runs) < found.folds:
        st.caption(
            f"One of {found.folds} folds, of which {len(runs)} have such a run: Train, Train on "
            "all folds, and one lift over all of them stands here."
        )
        return
    said = _pooled(tuple(runs), part, metric)
    if said is None:
        return
    digits, title = digits_of(metric), metric_title(metric)
    users = count(int(said["users"] or 0), "user")
    if (said["users"] or 0) < FEWEST:
        st.caption(f"All {found.folds} folds together: {users}, too few to say.")
        return
    words = signed_with_interval(said["mean"], said["low"], said["high"], digits)
    st.markdown(
        f"**All {found.folds} folds together: {words}** in {title} over its twin "
        f"({number(said['run'], digits)} against {number(said['twin'], digits)}, {users})."
    )
    st.caption(tested_words(list(found.infos.values())))


@kept_data(max_entries=20)
def _pooled(runs: tuple[Run, ...], part: str, metric: str) -> Said | None:
    """Lift of the pooled users with its interval, and the means of run and twin."""
    ours, theirs = pooled_users(runs, RUN), pooled_users(runs, TWIN)
    if ours is None or theirs is None or metric not in ours[part] or metric not in theirs[part]:
        return None
    kept = [name for name in (USER, RATINGS, metric) if name in ours[part]]
    one, other = ours[part][kept], theirs[part][kept]
    level, beside = summarise(one)[metric], summarise(other)[metric]
    return lift(one, other)[metric] | {"run": level["mean"], "twin": beside["mean"]}
