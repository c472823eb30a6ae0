"""One user's list as the weights move: who it is, what can reach the list, and where it stood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.basics.columns import TARGET, USER, VALID
from core.basics.formatting import count
from core.basics.types import BoolArray, IntArray
from core.charts.recommendations import two_part_rows
from core.evaluation.segments import HARMED, HELPED, ORDER_TITLES, user_order
from core.fusion.fused import Prepared, prepare, prepared_top_k, relevant_entries
from core.store.run_folder import Run
from core.ui import cached
from core.ui.fusion.data import Point, Recipe, candidates_of
from core.ui.keeping import kept_data
from core.ui.recommendations.view import moved, repeats
from core.ui.state import linked, one_of, recall, set_current
from core.ui.widgets import plain

LISTED = 200  # users offered in the box; any other is found by id
_FIND, _MISSING = "fusion_find", "fusion_missing"


@dataclass(frozen=True)
class OneUser:
    """A validation user with every item that can reach their list at some weighting."""

    name: str
    in_source: int  # interactions in training
    in_target: int
    prepared: Prepared  # of this user alone, as deep as candidates reach
    titles: list[str]  # of the items of prepared, in its order
    hits: BoolArray  # (n,) held out for validation


def one_user(run: Run, user: int, recipe: Recipe) -> OneUser | None:
    """What the list of a user is made of; None for a user without candidates."""
    candidates = candidates_of(run, user)
    if candidates is None:
        return None
    split = cached.split_of(run)
    train = split.train
    prepared = prepare(candidates, recipe.kind, recipe.scale, candidates.depth)
    return OneUser(
        name=str(train.users.ids[user]),
        in_source=int(train.source_history[user]),
        in_target=int(train.target_history[user]),
        prepared=prepared,
        titles=[str(title) for title in cached.item_names(split, TARGET)[prepared.items[0]]],
        hits=relevant_entries(prepared, split.held_out(VALID))[0],
    )


def why_still(one: OneUser, names: tuple[str, str]) -> str:
    """Why no weight changes the list of this user; nothing where weights do."""
    has_source, has_target = bool(one.prepared.has_source[0]), bool(one.prepared.has_target[0])
    if has_source and has_target:
        return ""
    if not has_source and not has_target:
        return "nothing is known, so popularity ranks and no weight changes the list"
    only = names[0] if has_source else names[1]
    return f"only {only} says anything here, so no weight changes the list"


def show_list(run: Run, one: OneUser, here: Point) -> None:
    """The list at these weights, each item with where it stood at 1 : 1; without the cockpit."""
    source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
    words = (
        f"**{plain(one.name, 60)}** · {one.in_source:,} in :orange[{source}] · "
        f"{one.in_target:,} in :blue[{target}]"
    )
    still = why_still(one, (source, target))
    st.markdown(f"{words} · {still}" if still else words)
    now, equal = (
        prepared_top_k(one.prepared, *weights, one.prepared.k)
        for weights in ((here.alpha, here.beta), (1.0, 1.0))
    )
    items = now.items[0][now.items[0] >= 0]
    first = items[: here.k]
    place_of = {int(item): place for place, item in enumerate(one.prepared.items[0])}
    places = [place_of[int(item)] for item in first]
    hits = [bool(one.hits[place]) for place in places]
    st.html(
        two_part_rows(
            [one.titles[place] for place in places],
            now.source_part[0][: len(first)],
            now.target_part[0][: len(first)],
            hits,
            rank_marks(first, equal.items[0][equal.items[0] >= 0]),
            (run.record.source_name, run.record.target_name),
        )
    )
    st.caption(f"{count(sum(hits), 'held-out item')} in the top {here.k}, marked ✓.")


def rank_marks(items: IntArray, before: IntArray) -> list[str]:
    """Where each item of a list comes from, by its rank in the list before."""
    ranks = {int(item): place for place, item in enumerate(before, start=1)}
    marks = []
    for rank, item in enumerate(items, start=1):
        was = ranks.get(int(item))
        if was is None:
            marks.append(f"▲ from beyond {len(before)}")
        elif was == rank:
            marks.append("=")
        else:
            marks.append(f"{'▲' if was > rank else '▼'} from {was}")
    return marks


def pick_user(run: Run) -> int | None:
    """The user of the address bar if they are evaluated, else the first of the order; None where
    nobody is.
    """
    split = cached.split_of(run)
    orders = {name: _order(run, name) for name in ORDER_TITLES}
    known = [name for name, order in orders.items() if len(order)]
    if not known:
        return None
    chosen = st.selectbox(
        "Users",
        known,
        format_func=lambda name: f"{ORDER_TITLES[name]} ({len(orders[name]):,})",
        **linked("order", known[0], one_of(known), forgets=["user"]),
    )
    if chosen in (HELPED, HARMED) and (words := repeats(run)):
        st.caption(words[0], help=words[1])
    order, ids = orders[chosen], split.train.users.ids
    names = list(ids[order[:LISTED]])
    wanted = recall("user")
    evaluated = set(ids[_evaluated(run)])
    if wanted in evaluated and wanted not in names:
        names.insert(0, wanted)
    name = st.selectbox(
        f"User (the first {len(names):,})", names, **linked("user", names[0], one_of(names))
    )
    st.text_input(
        "Find by id",
        key=_FIND,
        placeholder="any validation user",
        type="search",
        max_chars=200,
        on_change=_search,
        args=(evaluated,),
    )
    if missing := st.session_state.pop(_MISSING, None):
        st.info(f"{plain(missing, 60)} is no validation user of this split.")
    return int(split.train.users.numbers([name])[0])


@kept_data(max_entries=30)
def _order(run: Run, kind: str) -> IntArray:
    evaluated = _evaluated(run)
    order = user_order(kind, cached.split_of(run).train, evaluated, moved(run, VALID))
    return order[np.isin(order, evaluated)]


def _evaluated(run: Run) -> IntArray:
    return cached.per_user(run, VALID)[USER].to_numpy()


def _search(evaluated: set[str]) -> None:
    typed = st.session_state[_FIND].strip()
    st.session_state[_FIND] = ""
    if typed in evaluated:
        set_current(user=typed)
        st.session_state.pop("user_widget", None)
    elif typed:
        st.session_state[_MISSING] = typed
