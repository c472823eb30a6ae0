"""How one user's list changes as the weights move: before, after, and both parts of each score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.basics.columns import TARGET, USER, VALID
from core.basics.formatting import count
from core.basics.types import BoolArray, FloatArray, IntArray
from core.charts.recommendations import two_part_rows
from core.data.snapshot import Split
from core.evaluation.segments import ORDER_TITLES, user_order
from core.fusion.fused import Prepared, held_out, prepare, prepared_top_k
from core.store.run_folder import Run
from core.ui import cached
from core.ui.fusion.data import Point, candidates_of
from core.ui.keeping import kept_data
from core.ui.recommendations.view import moved
from core.ui.shell import guarded
from core.ui.state import linked, one_of, recall, set_current
from core.ui.widgets import plain

LISTED = 200  # users offered in the box; any other is found by id
_FIND, _MISSING = "fusion_find", "fusion_missing"


@dataclass(frozen=True)
class OneList:
    """A list at one weighting."""

    items: IntArray  # (n,) best first, as deep as candidates reach
    source: FloatArray  # (n,) what each part adds to the score
    target: FloatArray
    hits: BoolArray


@st.fragment
def show_user(run: Run, here: Point) -> None:
    """Pick a user; their list at 1 : 1 beside their list where the sliders stand."""
    with guarded():
        split = cached.split_of(run)
        user = _pick(run, split)
        candidates = None if user is None else candidates_of(run, user)
        if user is None or candidates is None:
            st.caption("Nothing is held out for validation here, so there is no list to follow.")
            return
        prepared = prepare(candidates, here.kind, here.scale, candidates.depth)
        st.markdown(_sentence(run, split, user, prepared))
        before = _list_at(prepared, split, 1.0, 1.0)
        after = _list_at(prepared, split, here.alpha, here.beta)
        left, right = st.columns(2, gap="large")
        with left:
            _show_list(run, split, before, after, here.k, "At 1 : 1", True)
        with right:
            _show_list(run, split, after, before, here.k, "At your weights", False)


def rank_marks(items: IntArray, others: IntArray, outgoing: bool) -> list[str]:
    """What happened to each item of a list, by its rank in the other list.

    outgoing: items is the list before, so a mark says where the item goes; else where it is from.
    """
    ranks = {int(item): place for place, item in enumerate(others, start=1)}
    marks = []
    for rank, item in enumerate(items, start=1):
        other = ranks.get(int(item))
        rises = other is not None and (other < rank if outgoing else other > rank)
        arrow = "▲" if rises else "▼"
        if other is None:
            marks.append(f"▼ beyond {len(others)}" if outgoing else f"▲ from beyond {len(others)}")
        elif other == rank:
            marks.append("=")
        else:
            marks.append(f"{arrow} {'to' if outgoing else 'from'} {other}")
    return marks


def _pick(run: Run, split: Split) -> int | None:
    """The user of the address bar if they are evaluated, else the first of the order."""
    kind, box, find = st.columns([1.2, 1.4, 1], vertical_alignment="bottom")
    orders = {name: _order(run, name) for name in ORDER_TITLES}
    known = [name for name, order in orders.items() if len(order)]
    if not known:
        return None
    chosen = kind.selectbox(
        "Users",
        known,
        format_func=lambda name: f"{ORDER_TITLES[name]} ({len(orders[name]):,})",
        **linked("order", known[0], one_of(known), forgets=["user"]),
    )
    order, ids = orders[chosen], split.train.users.ids
    names = list(ids[order[:LISTED]])
    wanted = recall("user")
    evaluated = set(ids[_evaluated(run)])
    if wanted in evaluated and wanted not in names:
        names.insert(0, wanted)
    name = box.selectbox(
        f"User (the first {len(names):,})", names, **linked("user", names[0], one_of(names))
    )
    find.text_input(
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


def _list_at(prepared: Prepared, split: Split, alpha: float, beta: float) -> OneList:
    lists = prepared_top_k(prepared, alpha, beta, prepared.k)
    there = lists.items[0] >= 0
    hits = held_out(prepared.users, lists.items, split.held_out(VALID))[0]
    return OneList(
        lists.items[0][there], lists.source_part[0][there], lists.target_part[0][there], hits[there]
    )


def _show_list(
    run: Run, split: Split, one: OneList, other: OneList, k: int, title: str, out: bool
) -> None:
    """The top k of one list with marks of where each item stands in the other."""
    st.markdown(f"**{title}**")
    titles = [str(name) for name in cached.item_names(split, TARGET)[one.items[:k]]]
    st.html(
        two_part_rows(
            titles,
            one.source[:k],
            one.target[:k],
            [bool(hit) for hit in one.hits[:k]],
            rank_marks(one.items[:k], other.items, out),
            (run.record.source_name, run.record.target_name),
        )
    )
    found = int(one.hits[:k].sum())
    st.caption(
        f"{count(found, 'held-out item')} in the top {k}, marked ✓. Bars: the parts of the score, "
        "weighted, on one scale per list."
    )


def _sentence(run: Run, split: Split, user: int, prepared: Prepared) -> str:
    train = split.train
    source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
    words = (
        f"**{plain(train.users.ids[user], 60)}** · {int(train.source_history[user]):,} in "
        f":orange[{source}] · {int(train.target_history[user]):,} in :blue[{target}]"
    )
    has_source, has_target = bool(prepared.has_source[0]), bool(prepared.has_target[0])
    if has_source and has_target:
        return words
    if not has_source and not has_target:
        return f"{words} · nothing is known, so popularity ranks and no weight changes the list"
    only = source if has_source else target
    return f"{words} · only {only} says anything here, so no weight changes the list"
