"""What the Recommendations page looks at: which user of which run, k, and the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.basics.columns import TEST, USER, VALID
from core.basics.formatting import signed
from core.basics.types import IntArray
from core.data.snapshot import Split
from core.evaluation.lift import SAME
from core.evaluation.segments import HARMED, HELPED, ORDER_TITLES, RANDOM, user_order
from core.evaluation.side_by_side import gains_repeat, moved_users, repeat_in_short, repeat_words
from core.fusion.combine import KINDS, SCALES, WEIGHTED_SUM, Fusion
from core.fusion.rerank import BY_SCORE, NONE, Rerank
from core.fusion.rerank import KINDS as RERANKS
from core.metrics.ranking import ndcg
from core.metrics.registry import metric_card, metric_title
from core.runs.explain.one_user import UserList
from core.runs.explain.recommend import scale_of
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_data, known_by
from core.ui.metrics.figures import floor_name
from core.ui.metrics.view import KS, PARTS, USUAL_K
from core.ui.state import bounded, linked, one_of, recall, recalled, set_current, weights
from core.ui.widgets import plain

ID_BOX = "user_search"
NDCG = "ndcg@10"
SUGGESTED = 6


@known_by(lambda view: (view.run, view.part, view.k, view.fusion, view.user, view.rule))
@dataclass(frozen=True)
class View:
    """Everything a list depends on."""

    run: Run
    split: Split
    part: str
    k: int
    fusion: Fusion
    user: int
    rule: Rerank = BY_SCORE  # the order of the list

    @property
    def user_id(self) -> str:
        """The user as the files name them."""
        return str(self.split.train.users.ids[self.user])


def pick_view(run: Run, of_nobody: bool = False) -> View:
    """One row to find a user, and the length of the list; of_nobody: the latter alone."""
    split = cached.split_of(run)
    kind, find, back, on, k, part = st.columns(
        [1.5, 1.4, 0.35, 0.35, 1.3, 1.3], vertical_alignment="bottom"
    )
    if of_nobody:
        length = kind.segmented_control("k", KS, required=True, **linked("k", 10, one_of(KS)))
        held_out = recalled("part", TEST, one_of(list(PARTS)))
        order = _order(run, held_out, recalled("order", HELPED, one_of(list(ORDER_TITLES))))
        user = _current_user(split, order if len(order) else _order(run, held_out, RANDOM))
        return View(run, split, held_out, length or 10, fusion_of(run), user, rule_of())
    held_out = part.segmented_control(
        "Held-out part",
        list(PARTS),
        format_func=PARTS.__getitem__,
        required=True,
        help="Whose hits are marked; training items never stand in a list.",
        **linked("part", TEST, one_of(list(PARTS))),
    )
    length = k.segmented_control("k", KS, required=True, **linked("k", 10, one_of(KS))) or 10
    orders = {name: _order(run, held_out, name) for name in ORDER_TITLES}
    known = [name for name, order in orders.items() if len(order)]
    chosen = kind.selectbox(
        "Users",
        known,
        format_func=ORDER_TITLES.__getitem__,
        help="  \n".join(f"{ORDER_TITLES[name]}: {len(orders[name]):,}" for name in known),
        **linked("order", known[0], one_of(known), forgets=["user"]),
    )
    if chosen in (HELPED, HARMED) and (words := repeats(run)):
        st.caption(words[0], help=words[1])
    user = _current_user(split, orders[chosen])
    find.text_input(
        "Find by id",
        key=ID_BOX,
        placeholder=split.train.users.ids[user],
        type="search",
        max_chars=200,
        on_change=_search,
        args=(run,),
    )
    _steps(back, on, orders[chosen], user, split)
    return View(run, split, held_out, length, fusion_of(run), user, rule_of())


def rule_of() -> Rerank:
    """The order of the list as the address has it; its widgets stand over the list."""
    kind = recalled("rerank", NONE, one_of(RERANKS))
    return Rerank(kind, recalled("strength", BY_SCORE.strength, bounded(0.0, 1.0)))


def fusion_of(run: Run) -> Fusion:
    """The fusion as the Fusion page has it; the scale of the parts goes by the model at first.

    Parts of a predicted rating are points of its scale, so they are added as they are.
    """
    alpha, beta = weights()
    if run.card.task.rates:
        return Fusion(alpha, beta)
    return Fusion(
        alpha,
        beta,
        kind=recalled("kind", WEIGHTED_SUM, one_of(KINDS)),
        scale=recalled("scale", scale_of(run.card), one_of(SCALES)),
    )


@kept_data(max_entries=20)
def repeats(run: Run) -> tuple[str, str] | None:
    """Whether the people who gain on validation gain on test too, in short and in full.

    None without a twin.
    """
    if run.twin is None:
        return None
    valid, test = (
        (cached.per_user(run, part), cached.per_user(run.twin, part)) for part in (VALID, TEST)
    )
    found = gains_repeat(valid, test, run.card.task.metric)
    return repeat_in_short(found), repeat_words(found)


@kept_data(max_entries=20)
def moved(run: Run, part: str) -> pd.DataFrame | None:
    """USER, `run`, `other` and `difference` against the twin, else popularity or biases.

    In nDCG@10, or in the RMSE of a run of ratings, turned so that above 0 is help.
    """
    other = run.twin or run.floor
    if other is None:
        return None
    metric = run.card.task.metric
    table = moved_users(cached.per_user(run, part), cached.per_user(other, part), metric, {})
    if metric_card(metric).higher_is_better:
        return table
    return table.assign(difference=-table["difference"])


def show_header(view: View, listed: UserList | None = None) -> None:
    """The user as a sentence, and what the search found; listed: the list that stands below."""
    for message in st.session_state.pop("user_notices", []):
        st.info(message)
    train, record = view.split.train, view.run.record
    source, target = plain(record.source_name, 30), plain(record.target_name, 30)
    words = [
        f"**{plain(view.user_id, 60)}**",
        f"{int(train.source_history[view.user]):,} in :orange[{source}]",
        f"{int(train.target_history[view.user]):,} in :blue[{target}]",
        _moved_words(view, listed),
    ]
    st.markdown("#### " + " · ".join(words))


def _moved_words(view: View, listed: UserList | None) -> str:
    """What the list below does for the user, against the other model's own list."""
    table = moved(view.run, view.part)
    row = table[table[USER] == view.user] if table is not None else None
    if row is None or row.empty:
        return "nothing held out to measure by"
    value = float(row["difference"].iloc[0])
    if listed is not None and view.run.card.task.metric == NDCG:
        # Of the list that stands below: weights and scales may have changed it
        value = _ndcg(listed) - float(row["other"].iloc[0])
        value = 0.0 if abs(value) < SAME else value
    against = "the twin" if view.run.twin else floor_name(view.run)
    verb = "helped" if value > 0 else "harmed" if value < 0 else "no difference"
    metric = view.run.card.task.metric
    title = metric_title(metric)
    value = value if metric_card(metric).higher_is_better else -value
    if value == 0:
        return verb
    return f"{verb}: {signed(value)} {title} against {against}"


def _ndcg(listed: UserList) -> float:
    """nDCG@10 of the list as it is shown."""
    ranks = listed.held_out_ranks
    return float(ndcg(ranks, np.zeros(len(ranks), int), np.array([len(ranks)]), USUAL_K)[0])


@kept_data(max_entries=60)
def _order(run: Run, part: str, kind: str) -> IntArray:
    evaluated = cached.per_user(run, part)[USER].to_numpy()
    return user_order(kind, cached.split_of(run).train, evaluated, moved(run, part))


def _current_user(split: Split, order: IntArray) -> int:
    """The user of the address bar, else the first of the order."""
    users, wanted = split.train.users, recall("user")
    if wanted is not None and wanted in users:
        return int(users.numbers([wanted])[0])
    first = int(order[0]) if len(order) else 0
    if wanted is not None:
        _say(f"There is no user {plain(wanted, 60)} in this split. Here is another one.")
    set_current(user=users.ids[first])
    return first


def _steps(
    back: DeltaGenerator, on: DeltaGenerator, order: IntArray, user: int, split: Split
) -> None:
    """Buttons to the user before and after in the order."""
    place = np.flatnonzero(order == user)
    here = int(place[0]) if len(place) else -1
    ids = split.train.users.ids
    before = ids[order[here - 1]] if here > 0 else None
    after = ids[order[here + 1]] if here + 1 < len(order) else None
    for column, icon, label, target in (
        (back, ":material/chevron_left:", "Previous user", before),
        (on, ":material/chevron_right:", "Next user", after),
    ):
        column.button(
            "",
            icon=icon,
            help=label,
            key=label,
            disabled=target is None,
            width="stretch",
            on_click=lambda target=target: set_current(user=target),
        )


def _search(run: Run) -> None:
    """Go to the user typed in; a part of an id goes nowhere but says who is near."""
    typed = st.session_state[ID_BOX].strip()
    st.session_state[ID_BOX] = ""
    users = cached.split_of(run).train.users
    if not typed or typed in users:
        set_current(user=typed or recall("user"))
        return
    near = [str(name) for name in users.ids if typed.lower() in str(name).lower()][:SUGGESTED]
    words = f"There is no user {plain(typed, 60)}. "
    _say(words + (f"Near it: {', '.join(map(plain, near))}." if near else "Ids must match."))


def _say(message: str) -> None:
    st.session_state.setdefault("user_notices", []).append(message)
