"""Beside the lifts: who is helped and harmed above the noise floor, cold users, other seeds."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, TARGET, USERS
from core.basics.formatting import count, signed, signed_with_interval
from core.evaluation.lift import ALL_USERS, HARMED, HELPED
from core.evaluation.segments import BINS, FEWEST, TARGET_HISTORY
from core.metrics.registry import metric_card, metric_title
from core.runs.making.train_again import is_trained, plans_of_more_seeds
from core.runs.studies.noise import NoiseFloor, floor_sentence, moved_words, reseed_payload
from core.store.measured import BY_SEED, BY_USERS, read_reseeded, reseeded_is_damaged
from core.store.run_folder import Run
from core.ui import cached
from core.ui.metrics.evidence import floor_of, lifts_of, other_seeds, seeds_of
from core.ui.metrics.figures import floor_name
from core.ui.metrics.view import View
from core.ui.task import Task, draw_task
from core.ui.texts import plain

_WHY = (
    "Two equally good models help and harm many users by chance; only what goes beyond is the "
    "source's doing. The twin is trained again with another seed. A model that knows no chance is "
    "trained on users drawn anew instead, three times: users and not interactions, so that "
    "everybody is asked about with the whole history and only what is learned from others differs."
)
_HOW = {
    BY_SEED: "By chance: the twin with another seed, against the twin.",
    BY_USERS: "By chance: this model knows none, so three twins that learned from users drawn "
    "anew stand against each other. They differ more than a seed would make them.",
}


def show_layers(run: Run, view: View) -> None:
    """Counts first, then the noise floor, cold users and seeds."""
    _show_counts(run, view)
    if run.twin is not None:
        _show_floor(run, view)
    _show_cold(run, view)
    if run.twin is not None and is_trained(run):
        _show_seeds(run, view)


def _show_counts(run: Run, view: View) -> None:
    lifts = lifts_of(run, view.part, view.column, TARGET_HISTORY)
    table = lifts.over_floor if lifts.over_twin is None else lifts.over_twin
    assert table is not None
    everybody = table.set_index(SEGMENT).loc[ALL_USERS]
    against = "its twin" if run.twin else floor_name(run)
    st.markdown(f"**Users, against {against}**")
    if everybody[USERS] < FEWEST:
        st.caption(f"{count(int(everybody[USERS]), 'user')}: too few to say.")
        return
    same = int(everybody[USERS] - everybody[HELPED] - everybody[HARMED])
    better, worse = st.columns(2)
    for place, label, n in zip((better, worse), _ways(view.column), (HELPED, HARMED), strict=True):
        place.metric(label, f"{int(everybody[n]):,}")
    st.caption(
        f"{same:,} the same, by {metric_title(view.column)} of each of the "
        f"{int(everybody[USERS]):,} users."
    )


def _ways(metric: str) -> tuple[str, str]:
    """What becomes of users for the better and the worse; up or down where neither is a gain."""
    card = metric_card(metric)
    if not card.neutral:
        return "helped", "harmed"
    return ("raised", "lowered") if card.higher_is_better else ("lowered", "raised")


def _show_floor(run: Run, view: View) -> None:
    if not metric_card(view.column).kept:
        st.caption(
            "How much of this is chance is measured for metrics that runs keep, such as nDCG; "
            f"{metric_title(view.column)} is made from lists."
        )
        return
    floor = floor_of(run, view.part, view.column)
    if floor is not None:
        _say_floor(run, floor)
    elif is_trained(run):
        if reseeded_is_damaged(run):
            st.warning("The noise floor that was kept cannot be read any more. Measure it again.")
        st.caption("Some of them are harmed by chance alone; how many is not measured yet.")
        task = Task(
            "reseed",
            (reseed_payload(run.id),),
            f"Noise floor of {run.label}",
            "Measure the noise floor",
            _WHY,
        )
        draw_task(task, "measure_noise")


def _say_floor(run: Run, floor: NoiseFloor) -> None:
    info = read_reseeded(run)
    assert info is not None
    st.markdown(f"**{floor_sentence(floor)}**")
    for word, moved in (("Helped", floor.helped), ("Harmed", floor.harmed)):
        st.markdown(moved_words(word, moved))
    st.caption(_HOW[info.how], help=_WHY)


def _show_cold(run: Run, view: View) -> None:
    floor = lifts_of(run, view.part, view.column, TARGET_HISTORY).over_floor
    if floor is None:
        return
    target, rows = plain(run.record[f"{TARGET}_name"]), floor.set_index(SEGMENT)
    if BINS[0] not in rows.index:
        st.caption(f"No evaluated user is without history in {target}: nobody is cold.")
        return
    cold = rows.loc[BINS[0]]
    if cold[USERS] < FEWEST:
        st.caption(f"{count(int(cold[USERS]), 'cold user')}: too few to say.")
        return
    users = f"{int(cold[USERS]):,} cold users"
    st.metric(f"over {floor_name(run)}, {users}", signed(cold[MEAN]))
    st.caption(
        f"{metric_title(view.column)}: {signed_with_interval(cold[MEAN], cold[LOW], cold[HIGH])}. "
        f"Cold users have no history in {target}."
    )


def _show_seeds(run: Run, view: View) -> None:
    """The lift over all users with every seed, or a button that trains more."""
    info, seeds = read_reseeded(run), seeds_of(run, view.part, view.column)
    if seeds.alike or (info is not None and info.how == BY_USERS):
        st.caption("Every seed gives the same model: this one knows no chance.")
        return
    if seeds.over is not None:
        over = seeds.over
        said = signed_with_interval(over[MEAN], over[LOW], over[HIGH])
        st.markdown(f"**{seeds.n} seeds**: {plain(said)}  \n:gray[:small[over seeds, all users]]")
        return
    said = "One seed" if seeds.n <= 1 else f"{seeds.n} seeds, too few for an interval"
    ids = other_seeds(run)
    others = [other for other in cached.runs() if other.id in ids]
    st.caption(f"{said}. Whether another training gives the same is not known.")
    plans = plans_of_more_seeds(run, [run, *others])
    task = Task(
        "train",
        tuple(plan.to_dict() for plan in plans),
        f"More seeds of {run.label}",
        "Train two more seeds",
        "The same model, settings and split; each a run with its twin.",
    )
    draw_task(task, "more_seeds")
