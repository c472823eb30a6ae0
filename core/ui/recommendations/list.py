"""Three columns: history in the source, the list in the target, history in the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.basics.columns import ITEM, PART, RATING, SOURCE, TARGET, TIME, VALID
from core.basics.formatting import count, number, signed
from core.charts.recommendations import draw_recommendations
from core.charts.theme import SOURCE_COLOUR, TARGET_COLOUR, faded
from core.data.snapshot import DISLIKED, user_history
from core.fusion.rerank import BY_SCORE, CALIBRATED, MMR, NONE
from core.runs.explain.new_items import Wider, why_no_new_items, with_new_items
from core.runs.explain.one_user import Reasons, ShortList, UserList, kept_list, user_list
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_resource
from core.ui.metrics.view import comparable, world_of
from core.ui.recommendations.view import View
from core.ui.recommendations.why import list_of_run
from core.ui.shell import show_chart
from core.ui.state import bounded, linked, one_of, run_names, runs_of_pair
from core.ui.widgets import plain, show_table

if TYPE_CHECKING:
    import plotly.graph_objects as go

WHY_BOX, CHART = "why_item", "recommended"
HEIGHT = 520
DISLIKED_SHOWN = 12
COLUMNS = {
    "adds": st.column_config.NumberColumn(
        "Adds", width=66, help="What this adds to the score of the item in the middle."
    ),
    "title": st.column_config.TextColumn("Title", width=250),
    "rating": st.column_config.NumberColumn("Rating", format="%.1f", width=60),
    "when": st.column_config.DateColumn("When", width=90),
    "rank": st.column_config.NumberColumn("Rank", width=48),
    "hit": st.column_config.TextColumn("Hit", width=40),
    "moved": st.column_config.TextColumn("Moved", width=80),
    "held out, to be found": st.column_config.TextColumn("Held out, to be found", width=230),
}


def bars_of(titles: list[str], listed: UserList, view: View, **looks: Any) -> go.Figure:
    """A list as bars of its two parts; looks: what of it stands out, as `draw_recommendations`."""
    record = view.run.record
    return draw_recommendations(
        titles,
        listed.source_weighted,
        listed.target_weighted,
        listed.hits,
        x="part of the score, weighted",
        names=(record.source_name, record.target_name),
        **looks,
    )


def show_list(view: View, listed: UserList, column: DeltaGenerator) -> int:
    """The list with both parts, and return the place that was chosen to be explained."""
    titles = [str(title) for title in cached.item_names(view.split, TARGET)[listed.items]]
    record = view.run.record
    with column:
        st.markdown(f"**For this user in :blue[{plain(record.target_name, 40)}]**")
        if not titles:
            st.caption("Every item of the target is in this user's training data: nothing is left.")
            return 0
        _pick_order(view)
        chosen = min(st.session_state.get(WHY_BOX) or 0, len(titles) - 1)
        st.session_state[WHY_BOX] = chosen
        show_chart(
            bars_of(titles, listed, view, chosen=chosen),
            _caption(view, listed) + _order_words(view),
            CHART,
            on_select=_take_click,
            selection_mode=("points",),
        )
        return st.selectbox(
            "Why this one?",
            range(len(titles)),
            key=WHY_BOX,
            format_func=lambda place: f"{place + 1}  {titles[min(place, len(titles) - 1)]}",
        )


ORDERS = {
    NONE: "By score",
    MMR: "Varied (MMR)",
    CALIBRATED: "In the mix of the history (calibrated)",
}


def _pick_order(view: View) -> None:
    """A drawer with another order than by score, kept in the address."""
    with st.popover("Order of the list", icon=":material/sort:", key="order_box"):
        mixed = world_of(view.run, view.part).categories is not None
        kinds = [kind for kind in ORDERS if mixed or kind != CALIBRATED]
        kind = st.radio(
            "Chosen from the best 50 by score",
            kinds,
            format_func=ORDERS.__getitem__,
            help="Varied: an item that is like one above it stands lower (by categories, else by "
            "who takes both). Calibrated: categories stand in the shares that the history has. "
            "What if, New visitor and the CSV file stay by score.",
            **linked("rerank", NONE, one_of(kinds)),
        )
        if kind != NONE:
            st.slider(
                "What that counts beside the score",
                0.0,
                1.0,
                step=0.05,
                help="0 is the score alone. Metrics, Beyond accuracy, Re-ranked shows what each "
                "strength brings and costs.",
                **linked("strength", BY_SCORE.strength, bounded(0.0, 1.0)),
            )


def _order_words(view: View) -> str:
    if not view.rule.acts:
        return ""
    return (
        f" Order: {ORDERS[view.rule.kind].lower()} at strength {number(view.rule.strength, 2)}, "
        "from the best 50; no score is changed."
    )


def show_history(
    view: View, listed: UserList, domain: str, why: Reasons | None, column: DeltaGenerator
) -> None:
    """What the user had in a domain, newest first; what carried the chosen item is coloured."""
    rows = user_history(view.split, f"{domain}_train", view.user)
    name = plain(view.run.record.name_of(domain), 40)
    with column:
        st.markdown(f"**History in :{'orange' if domain == SOURCE else 'blue'}[{name}]**")
        if rows.empty:
            st.caption(_nothing(listed, domain))
        else:
            table = _history_table(view, domain, rows, why)
            show_table(
                _coloured(table, domain),
                f"history_{domain}",
                column_config=COLUMNS,
                height=min(HEIGHT, 40 + 35 * len(rows)),
            )
            st.caption(f"{count(len(rows), 'item')} in training.")
        if domain == TARGET:
            _show_disliked(view)
            _show_held_out(view, listed)


def show_training(view: View, domain: str, column: DeltaGenerator) -> None:
    """The history alone, of a run that gives no reasons."""
    rows = user_history(view.split, f"{domain}_train", view.user)
    name = plain(view.run.record.name_of(domain), 40)
    with column:
        st.markdown(f"**History in :{'orange' if domain == SOURCE else 'blue'}[{name}]**")
        if rows.empty:
            st.caption("None in the training data.")
            return
        show_table(
            _history_table(view, domain, rows, None),
            f"history_{domain}",
            column_config=COLUMNS,
            height=min(HEIGHT, 40 + 35 * len(rows)),
        )
        st.caption(f"{count(len(rows), 'item')} in training.")
        if domain == TARGET:
            _show_disliked(view)


def _show_disliked(view: View) -> None:
    """What the user rated low and a list of this part knows of: muted, the lowest first."""
    rows = user_history(view.split, DISLIKED, view.user)
    rows = rows[rows[PART] < (1 if view.part == VALID else 2)].sort_values(RATING, kind="stable")
    if rows.empty:
        return
    titles = cached.item_names(view.split, TARGET)[rows[ITEM].to_numpy(dtype=int)]
    named = zip(titles[:DISLIKED_SHOWN], rows[RATING], strict=False)
    shown = ", ".join(f"{plain(title, 60)} ({number(rating, 1)})" for title, rating in named)
    more = len(rows) - DISLIKED_SHOWN
    others = f" and {more:,} more" if more > 0 else ""
    st.caption(
        f"**Seen, not liked** (rating): {shown}{others}. Known, so never listed; no model learns "
        "from them, so they are no reasons."
    )


def _show_held_out(view: View, listed: UserList) -> None:
    """What was kept from the model, and where the list has it."""
    if not len(listed.held_out):
        st.caption("Nothing of this user is held out here.")
        return
    titles = cached.item_names(view.split, TARGET)[listed.held_out]
    order = np.argsort(listed.held_out_ranks)
    ranks = listed.held_out_ranks[order]
    table = pd.DataFrame(
        {
            "rank": ranks,
            "hit": np.where(ranks <= view.k, "✓", ""),
            "held out, to be found": titles[order],
        }
    )
    show_table(table, "held_out", column_config=COLUMNS, height=min(300, 40 + 35 * len(table)))
    found = int((ranks <= view.k).sum())
    st.caption(f"{found} of {len(ranks)} found in the top {view.k}; the model never saw them.")


def _history_table(
    view: View, domain: str, rows: pd.DataFrame, why: Reasons | None
) -> pd.DataFrame:
    table = pd.DataFrame({"title": cached.item_names(view.split, domain)[rows[ITEM]]})
    if why is not None:
        source = domain == SOURCE
        items = why.source_items if source else why.target_items
        amounts = why.source_amounts if source else why.target_amounts
        by_item = pd.Series(amounts, index=items).reindex(rows[ITEM]).fillna(0.0)
        table.insert(0, "adds", by_item.to_numpy())
    if RATING in rows and rows[RATING].nunique() > 1:
        table["rating"] = rows[RATING].round(1).to_numpy()
    if rows[TIME].notna().any():
        table["when"] = rows[TIME].dt.date.to_numpy()
    return table


def _coloured(table: pd.DataFrame, domain: str) -> Any:
    """Rows tinted by how much they add, in the colour of their domain."""
    if "adds" not in table:
        return table
    if not (most := table["adds"].abs().max()):
        return table.style.format({"adds": _amount})
    colour = SOURCE_COLOUR if domain == SOURCE else TARGET_COLOUR
    tints = [
        f"background-color: {faded(colour, round(0.45 * amount / most, 2))}" if amount > 0 else ""
        for amount in table["adds"]
    ]
    style = table.style.apply(lambda _: tints, subset=["title"])
    return style.apply(lambda _: tints, subset=["adds"]).format({"adds": _amount})


def _amount(value: float) -> str:
    return signed(value, 4)


def _caption(view: View, listed: UserList) -> str:
    if not (listed.has_source and listed.has_target):
        # Which domain says nothing, and whether for lack of history or because of the model
        source, target = (plain(view.run.record.name_of(name), 30) for name in (SOURCE, TARGET))
        train, user = view.split.train, view.user
        rates = view.run.card.task.rates
        if not listed.has_source and not listed.has_target:
            best = "the items rated best by all" if rates else "the most popular items"
            if train.source_history[user] or train.target_history[user]:
                return f"This model does not look at this user's history: {best}."
            return f"Nothing is known about this user: {best}."
        silent, speaks = (target, source) if listed.has_source else (source, target)
        history = train.target_history if listed.has_source else train.source_history
        why = (
            "This model takes nothing from the history" if history[user] else "There is no history"
        )
        order = "Ordered by predicted rating. " if rates else ""
        return (
            f"{order}{why} in {silent}: the list comes from {speaks} alone, whatever the weights."
        )
    fusion = view.fusion
    if view.run.card.task.rates:
        # What the order is by where a run predicts ratings
        low, high = (number(value, 1) for value in (listed.fused.min(), listed.fused.max()))
        return (
            f"Ordered by predicted rating, {low} to {high} here before it is cut to the scale: "
            "mean and bias of the item, plus what each domain adds at alpha "
            f"{number(view.fusion.alpha, 2)}, beta {number(view.fusion.beta, 2)}. ✓ is held out; "
            "click a row for why."
        )
    weights = f"alpha {number(fusion.alpha, 2)}, beta {number(fusion.beta, 2)}"
    return (
        f"How much each domain carries at {weights} ({fusion.kind}, {fusion.scale} parts). ✓ is a "
        "held-out hit; click a row for why."
    )


def _nothing(listed: UserList, domain: str) -> str:
    if domain == SOURCE:
        return "None: the source says nothing about this user."
    return "None: this user is cold. What stands in the list comes from the source."


def _take_click() -> None:
    """A click on a row chooses it; the box below may choose another one later."""
    points = st.session_state[CHART]["selection"]["points"]
    if points:
        st.session_state[WHY_BOX] = points[-1]["point_index"]


# Lists that also hold items of the item table nobody took, where the run's model can place them.


@kept_resource(max_entries=2, show_spinner="Reading what is written about new items…")
def _wider(run: Run) -> Wider:
    return with_new_items(run, cached.split_of(run))


def show_new_items(view: View) -> None:
    """The list with new items in a drawer; nothing where the run can list none."""
    if why_no_new_items(view.run, view.split):
        return
    drawer = st.expander(
        "With new items", icon=":material/new_releases:", key="with_new_items", on_change="rerun"
    )
    if not drawer.open:
        return
    with drawer:
        wider = _wider(view.run)
        listed = user_list(wider.model, wider.split, view.part, view.user, view.fusion, view.k)
        train = wider.split.train
        names = train.target_items.ids
        if train.target_features is not None:
            names = train.target_features.names(train.target_items)
        new = wider.is_new(listed.items)
        show_chart(
            bars_of(
                [str(title) for title in names[listed.items]],
                listed,
                view,
                marks=["new" if one else "" for one in new],
            ),
            f"{int(new.sum())} of {len(new)} here are new. {wider.words()} No figure is measured "
            "with them: nobody could have taken them.",
            "with_new_items_list",
        )


# Two runs side by side for one user, with arrows for what moved.

TWIN = "its twin, target only"


def show_two_runs(view: View, listed: UserList | ShortList) -> None:
    """Pick the other run; its list stands at the right with ranks and arrows."""
    others = _others(view.run)
    if not others:
        st.caption("There is no other run on this split, and this one has no twin.")
        return
    names = list(others)
    name = st.selectbox(
        "Compare with",
        names,
        **linked("beside", names[0], one_of(names), key="compare_user_with"),
    )
    theirs = _list_of(view, others[name])
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{plain(view.run.label, 60)}**")
        show_table(
            _table(view, listed, theirs), "list_ours", column_config=COLUMNS, height=_height(listed)
        )
    with right:
        st.markdown(f"**{plain(name, 60)}**")
        show_table(
            _table(view, theirs, listed),
            "list_theirs",
            column_config=COLUMNS,
            height=_height(theirs),
        )
    shared = len(np.intersect1d(listed.items, theirs.items))
    st.caption(
        f"{count(shared, 'item')} of {len(listed.items)} in both lists. ▲ higher and ▼ lower than "
        "in the other list, in places; ✓ is a held-out hit."
    )


def _others(run: Run) -> dict[str, Run]:
    """The twin first, then every run on the same split, by a name that differs."""
    others: dict[str, Run] = {TWIN: run.twin} if run.twin else {}
    fits = comparable(run, runs_of_pair())[0]
    names = run_names(fits)
    return others | {names[other.id]: other for other in fits if other.id != run.id}


def _list_of(view: View, other: Run) -> UserList | ShortList:
    """The same user's list of another run, as its folder has it where there is no model."""
    if not other.has_model:
        return kept_list(other, view.split, view.part, view.user, view.k)
    return list_of_run(view, other)


def _table(view: View, ours: UserList | ShortList, theirs: UserList | ShortList) -> pd.DataFrame:
    titles = cached.item_names(view.split, TARGET)
    places = {int(item): place for place, item in enumerate(theirs.items, start=1)}
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(ours.items) + 1),
            "title": titles[ours.items],
            "hit": np.where(ours.hits, "✓", ""),
            "moved": [
                _arrow(place, places.get(int(item)))
                for place, item in enumerate(ours.items, start=1)
            ],
        }
    )


def _arrow(here: int, there: int | None) -> str:
    if there is None:
        return "only here"
    return "=" if here == there else f"▲ {there - here}" if here < there else f"▼ {here - there}"


def _height(listed: UserList | ShortList) -> int:
    return min(760, 40 + 35 * max(1, len(listed.items)))


# A run that is only lists: what another system recommends to this user, without reasons.


def show_uploaded(view: View) -> None:
    """The kept list between both histories, beside another run's, and why no more can be asked."""
    st.info(
        "This run is lists that another system made. There is no model here to ask, so there are "
        "no reasons, no weights and no what-if."
    )
    listed = kept_list(view.run, view.split, view.part, view.user, view.k)
    names = ["List", "Compare two runs"]
    one, two = st.tabs(names, **linked("lists_tab", names[0], one_of(names), key="lists_tab"))
    if one.open:
        with one:
            left, middle, right = st.columns([1, 1.35, 1], gap="medium")
            show_training(view, SOURCE, left)
            show_training(view, TARGET, right)
            with middle:
                _show_list(view, listed)
    if two.open:
        with two:
            show_two_runs(view, listed)


def _show_list(view: View, listed: ShortList) -> None:
    st.markdown(f"**For this user in :blue[{plain(view.run.record.target_name, 40)}]**")
    if not len(listed.items):
        st.caption("The lists have nothing for this user here.")
        return
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(listed.items) + 1),
            "hit": np.where(listed.hits, "✓", ""),
            "title": cached.item_names(view.split, TARGET)[listed.items],
        }
    )
    show_table(table, "uploaded_list", column_config=COLUMNS, height=min(760, 40 + 35 * len(table)))
    held_out = view.split.held_out(view.part)[[view.user]].nnz
    st.caption(f"{int(listed.hits.sum())} of {count(held_out, 'held-out item')} found (✓).")
