"""What if: both histories to edit, and the list that follows with what entered, left and moved."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count, number
from core.basics.types import FloatArray, IntArray
from core.charts.recommendations import draw_recommendations
from core.models.protocol import TIMESTAMPS
from core.runs.explain.one_user import NOTHING, UserList
from core.runs.explain.what_if import Edit, Moves, WhatIf, moves, what_if
from core.ui import cached
from core.ui.recommendations.editor import Editor, catalogue_of, history_order, show_editor
from core.ui.recommendations.edits import EDITS, VISITOR, EditLog, show_log_buttons
from core.ui.recommendations.view import View
from core.ui.recommendations.wish import Wish, pick_wish, show_wish
from core.ui.shell import guarded, show_chart
from core.ui.texts import plain

OWN, LAST = "against their own list", "against the list before the last edit"
LEFT_SHOWN = 5


@st.fragment
def show_what_if(view: View) -> None:
    """The user's own histories to begin with; an edit draws this tab again and nothing else."""
    with guarded():
        log = EditLog(EDITS, view.user_id)
        edits = log.edits()
        against = st.segmented_control(
            "Marks compare with",
            (OWN, LAST),
            default=OWN,
            required=True,
            key="what_if_against",
            label_visibility="collapsed",
        )
        before = asked(view, view.user, [] if against == OWN else edits[:-1])
        start = {domain: history_order(view, domain) for domain in (SOURCE, TARGET)}
        _show(view, log, edits, asked(view, view.user, edits), before, start)


@st.fragment
def show_visitor(view: View) -> None:
    """Nothing to begin with: what somebody new would get."""
    with guarded():
        wish = pick_wish(view)
        words = None if wish is None else wish.target
        log = EditLog(VISITOR)
        edits = log.edits()
        start: dict[str, IntArray] = {SOURCE: NOTHING, TARGET: NOTHING}
        before = asked(view, None, edits[:-1], words if edits else None)
        _show(view, log, edits, asked(view, None, edits, words), before, start, wish)
        if wish is not None:
            show_wish(view, wish)


def asked(
    view: View, user: int | None, edits: list[Edit], words: FloatArray | None = None
) -> WhatIf:
    """The model's answer to the histories after these edits, at alpha and beta as they stand."""
    model = cached.model(view.run)
    return what_if(view.run, model, view.split, view.part, user, edits, view.fusion, view.k, words)


def _show(
    view: View,
    log: EditLog,
    edits: list[Edit],
    after: WhatIf,
    before: WhatIf,
    start: dict[str, IntArray],
    wish: Wish | None = None,
) -> None:
    changed = moves(before.listed, after.listed)
    words, undo, reset = st.columns([4, 0.8, 0.8], vertical_alignment="center")
    words.markdown(_sentence(log, edits, changed) if edits or wish is None else _heard(after))
    show_log_buttons(log, edits, undo, reset)
    _say_unknown(after)
    left, middle, right = st.columns([1, 1.35, 1], gap="medium")
    for column, domain in ((left, SOURCE), (right, TARGET)):
        with column:
            catalogue = catalogue_of(view.split, domain)
            editor = Editor(view, domain, log, edits, after.histories, catalogue)
            show_editor(editor, start[domain])
    with middle:
        _show_list(view, log, after, changed if edits else None)


def _show_list(view: View, log: EditLog, after: WhatIf, changed: Moves | None) -> None:
    listed, record = after.listed, view.run.record
    titles = [str(title) for title in cached.item_names(view.split, TARGET)[listed.items]]
    show_chart(
        draw_recommendations(
            titles,
            listed.source_weighted,
            listed.target_weighted,
            listed.hits,
            x="part of the score, weighted",
            names=(record["source_name"], record["target_name"]),
            marks=None if changed is None else marks(listed, changed),
        ),
        _caption(view, after),
        f"{log.name}_list",
    )
    if changed is not None and len(changed.left):
        st.caption(_left(view, changed))
    if words := limits(view):
        st.caption(words)


def marks(listed: UserList, changed: Moves) -> list[str]:
    """Behind each title: new and where from, up, down, or nothing."""
    was = zip(listed.items, changed.places_before, strict=True)
    return [_mark(here, int(there), len(listed.items)) for here, (_, there) in enumerate(was, 1)]


def _mark(here: int, there: int, length: int) -> str:
    if there == 0:
        return "new, was in the history"
    if there > length:
        return f"new, was {there:,}"
    return "" if here == there else f"▲ {there - here}" if here < there else f"▼ {here - there}"


def _sentence(log: EditLog, edits: list[Edit], changed: Moves) -> str:
    """What was done and what became of the list, in one sentence."""
    if not edits:
        return (
            "Nobody is known yet: these are the most popular items. Add what the visitor likes."
            if log.name == VISITOR
            else "Remove or add items in either history; the list follows at once."
        )
    return moved_words(changed)


def _heard(after: WhatIf) -> str:
    """What words alone brought."""
    if after.listed.has_target:
        return "These follow from the words alone; add items to say more."
    return (
        "No item is like these words, so these are the most popular ones. Say it in other words, "
        "or add items."
    )


def moved_words(changed: Moves) -> str:
    """How many items entered, left and moved."""
    counted = [
        (n, one if n == 1 else many)
        for n, one, many in (
            (changed.entered, "enters", "enter"),
            (len(changed.left), "leaves", "leave"),
            (changed.moved, "moves", "move"),
        )
        if n
    ]
    if not counted:
        return "The list is the same."
    (n, verb), *others = counted
    words = [f"{count(n, 'item')} {verb}", *[f"{n:,} {verb}" for n, verb in others]]
    return f"**{', '.join(words)}.**"


def _left(view: View, changed: Moves) -> str:
    titles = cached.item_names(view.split, TARGET)[changed.left]
    words = [
        f"{plain(title, 50)} ({f'now {place:,}' if place else 'now in the history'})"
        for title, place in zip(titles, changed.left_places.tolist(), strict=True)
    ]
    more = f" and {len(words) - LEFT_SHOWN} more" if len(words) > LEFT_SHOWN else ""
    return f"Left: {', '.join(words[:LEFT_SHOWN])}{more}."


def _say_unknown(after: WhatIf) -> None:
    names = sorted({edit.item for edit in after.histories.unknown})
    if names:
        shown = ", ".join(plain(name, 40) for name in names[:LEFT_SHOWN])
        st.warning(f"Not in this run's data, so left out: {shown}. Reset to forget them.")


def _caption(view: View, after: WhatIf) -> str:
    """What the list is made of."""
    listed, histories = after.listed, after.histories
    source, target = (plain(view.run.record[f"{name}_name"], 30) for name in (SOURCE, TARGET))
    held = " ✓ is held out." if listed.hits.any() else ""
    if not (listed.has_source or listed.has_target):
        if not histories.source.nnz and not histories.target.nnz:
            return f"Both histories are empty: the most popular items.{held}"
        return f"This model takes nothing from these histories: the same items for all.{held}"
    if not (listed.has_source and listed.has_target):
        speaks = source if listed.has_source else target
        return f"From {speaks} alone, whatever the weights.{held}"
    alpha, beta = number(view.fusion.alpha, 2), number(view.fusion.beta, 2)
    if view.run.card.task == "rating":
        return (
            "Ordered by predicted rating: mean and bias of the item, and what the bars add at "
            f"alpha {alpha}, beta {beta}.{held}"
        )
    return f"How much each domain carries at alpha {alpha}, beta {beta}.{held}"


def limits(view: View) -> str:
    """What this kind of model cannot be asked, in one sentence; nothing where there is no limit."""
    card, source = view.run.card, plain(view.run.record["source_name"], 30)
    if card.name == "popularity":
        return "Popularity looks at no history, so no edit changes its list."
    if not card.cross_domain or not card.source_speaks:
        return f"This model takes nothing from a history in {source}: edits there change nothing."
    if TIMESTAMPS in card.needs:
        return "This model reads histories in time order: what you add counts as the newest."
    if card.fold_in == "approximate":
        return (
            "This model answers edited histories approximately: with no edit the list can differ "
            "a little from the one in the List tab; both sides of the marks are made alike."
        )
    return ""
