"""What if: both histories to edit, and the list that follows with what entered, left and moved."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.basics.columns import ITEM, SOURCE, TARGET
from core.basics.formatting import count, number
from core.basics.types import FloatArray, IntArray
from core.data.snapshot import Split, user_history
from core.models.protocol import TIMESTAMPS
from core.runs.explain.one_user import NOTHING, UserList
from core.runs.explain.what_if import (
    Edit,
    Histories,
    Moves,
    WhatIf,
    edited_histories,
    moves,
    read_edits,
    what_if,
    write_edits,
)
from core.runs.making.texts import Catalogue
from core.ui import cached
from core.ui.keeping import kept_data, kept_resource
from core.ui.recommendations.list import COLUMNS, bars_of
from core.ui.recommendations.view import View
from core.ui.recommendations.wish import Wish, pick_wish, show_wish
from core.ui.shell import guarded, show_chart
from core.ui.state import fits, linked, one_of, recall, set_current
from core.ui.widgets import plain, show_table

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
            required=True,
            label_visibility="collapsed",
            **linked("against", OWN, one_of((OWN, LAST)), key="what_if_against"),
        )
        before = asked(view, view.user, [] if against == OWN else edits[:-1])
        start = {
            domain: history_order(view.split, domain, view.user) for domain in (SOURCE, TARGET)
        }
        _show(view, log, edits, asked(view, view.user, edits), before, start)


@st.fragment
def show_visitor(view: View) -> None:
    """Nothing to begin with: what somebody new would get."""
    with guarded():
        log = EditLog(VISITOR)
        edits = log.edits()
        known = edited_histories(view.run.train_of(view.split), view.run.card, None, edits).target
        wish = pick_wish(view, known.nnz)
        words = None if wish is None else wish.target
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
    names = sorted({edit.item for edit in after.histories.unknown})
    if names:
        shown = ", ".join(plain(name, 40) for name in names[:LEFT_SHOWN])
        st.warning(f"Not in this run's data, so left out: {shown}. Reset to forget them.")
    left, middle, right = st.columns([1.2, 1.25, 1.2], gap="medium")
    for column, domain in ((left, SOURCE), (right, TARGET)):
        with column:
            catalogue = catalogue_of(view.split, domain)
            editor = Editor(view, domain, log, edits, after.histories, catalogue)
            show_editor(editor, start[domain])
    with middle:
        _show_list(view, log, after, changed if edits else None)


def _show_list(view: View, log: EditLog, after: WhatIf, changed: Moves | None) -> None:
    listed = after.listed
    titles = [str(title) for title in cached.item_names(view.split, TARGET)[listed.items]]
    if listed.source_weighted.any() or listed.target_weighted.any():
        show_chart(
            bars_of(
                titles, listed, view, marks=None if changed is None else marks(listed, changed)
            ),
            _caption(view, after),
            f"{log.name}_list",
        )
    else:  # bars of nothing would say nothing
        table = pd.DataFrame({"rank": range(1, len(titles) + 1), "title": titles})
        show_table(table, f"{log.name}_list_bare", column_config=COLUMNS)
        st.caption(_caption(view, after))
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


def _caption(view: View, after: WhatIf) -> str:
    """What the list is made of."""
    listed, histories = after.listed, after.histories
    source, target = (plain(view.run.record.name_of(name), 30) for name in (SOURCE, TARGET))
    held = " ✓ is held out." if listed.hits.any() else ""
    if not (listed.has_source or listed.has_target):
        if not histories.source.nnz and not histories.target.nnz:
            return f"Both histories are empty: the most popular items.{held}"
        return f"This model takes nothing from these histories: the same items for all.{held}"
    if not (listed.has_source and listed.has_target):
        speaks = source if listed.has_source else target
        return f"From {speaks} alone, whatever the weights.{held}"
    alpha, beta = number(view.fusion.alpha, 2), number(view.fusion.beta, 2)
    if view.run.card.task.rates:
        return (
            "Ordered by predicted rating: mean and bias of the item, and what the bars add at "
            f"alpha {alpha}, beta {beta}.{held}"
        )
    return f"How much each domain carries at alpha {alpha}, beta {beta}.{held}"


def limits(view: View) -> str:
    """What this kind of model cannot be asked, in one sentence; nothing where there is no limit."""
    card, source = view.run.card, plain(view.run.record.source_name, 30)
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


# The log of edits behind a tab: kept in the address bar, undone one by one, or all forgotten.

EDITS, VISITOR = "edits", "visitor"  # names in the address bar
_FULL = "edits_full"


@dataclass(frozen=True)
class EditLog:
    """Edits in their order, under a name of the address bar.

    owner: the user whose histories are edited; somebody else's edits do not count. A visitor has
    none.
    """

    name: str
    owner: str = ""

    def edits(self) -> list[Edit]:
        """What was done so far; nothing where the address makes no sense."""
        text = recall(self.name) or ""
        if self._start and not text.startswith(self._start):
            return []
        try:
            return read_edits(text.removeprefix(self._start))
        except ValueError:
            return []

    def add(self, edit: Edit) -> None:
        """Do one more; an address that is full says so instead."""
        self._keep([*self.edits(), edit])

    def undo(self) -> None:
        """Take the last one back."""
        self._keep(self.edits()[:-1])

    def reset(self) -> None:
        """Forget all of them."""
        self._keep([])

    def _keep(self, edits: list[Edit]) -> None:
        text = self._start + write_edits(edits)
        if not fits(self.name, text):
            st.session_state[_FULL] = True
            return
        set_current(**{self.name: text if edits else None})

    @property
    def _start(self) -> str:
        return f"{quote(self.owner, safe='')}!" if self.owner else ""


def show_log_buttons(
    log: EditLog, edits: list[Edit], undo: DeltaGenerator, reset: DeltaGenerator
) -> None:
    """Undo and reset in their columns, and a word where the address holds no more."""
    undo.button(
        "Undo",
        icon=":material/undo:",
        key=f"{log.name}_undo",
        disabled=not edits,
        on_click=log.undo,
        width="stretch",
    )
    reset.button(
        "Reset",
        icon=":material/restart_alt:",
        key=f"{log.name}_reset",
        disabled=not edits,
        on_click=log.reset,
        width="stretch",
    )
    if st.session_state.pop(_FULL, False):
        st.warning("The address bar holds no more edits. Undo some, or reset and start again.")


# One history to edit: a box that finds items, and a button for each that takes it in or out.

MATCHES, SHOWN, SUGGESTED = 8, 25, 8
HEIGHT = 480
LONGEST = 36  # letters of a title, so that a button stays on one line
COLOURS = {True: "orange", False: "blue"}


@dataclass(frozen=True)
class Editor:
    """One domain's column of a tab."""

    view: View
    domain: str
    log: EditLog
    edits: list[Edit]
    histories: Histories
    catalogue: Catalogue

    @property
    def name(self) -> str:
        """What the domain is called."""
        return plain(self.view.run.record.name_of(self.domain), 40)

    @property
    def items(self) -> IntArray:
        """The history as it stands now."""
        return self.histories.of(self.domain).indices

    def button(self, number: int, adds: bool, place: str, words: str = "") -> None:
        """A button that adds an item, or takes it out."""
        title = self.catalogue.names[number]
        name = plain(title, LONGEST - (10 if words else 0))
        edit = Edit(self.domain, str(self.catalogue.ids[number]), adds, self._rating(adds))
        st.button(
            words.format(name) if words else name,
            icon=":material/add:" if adds else ":material/close:",
            key=f"{self.log.name}_{place}_{self.domain}_{number}",
            type="tertiary",
            help=f"{'Add' if adds else 'Remove'} {plain(title)} ({plain(edit.item, 60)})",
            on_click=self.log.add,
            args=(edit,),
        )

    def _rating(self, adds: bool) -> float | None:
        key = f"{self.log.name}_{self.domain}_rating"
        return st.session_state.get(key) if adds and self.view.run.card.task.rates else None


def show_editor(editor: Editor, start: IntArray) -> None:
    """Heading, box, what it found, and the history; start: items of it before any edit."""
    now = set(editor.items.tolist())
    colour = COLOURS[editor.domain == SOURCE]
    st.markdown(f"**:{colour}[{editor.name}]** · {count(len(now), 'item')}")
    typed = st.text_input(
        f"Find in {editor.name}",
        key=f"{editor.log.name}_{editor.domain}_search",
        type="search",
        placeholder="Add or remove: a title or an id",
        label_visibility="collapsed",
        max_chars=100,
    )
    _pick_rating(editor)
    if typed:
        with st.container(border=True, gap=None):
            found = editor.catalogue.find(typed, MATCHES)
            if not len(found):
                st.caption(f"Nothing in {editor.name} has {plain(typed, 40)} in its title or id.")
            for place in found.tolist():
                editor.button(place, place not in now, "match")
    long = len(now) + len(start) > SUGGESTED + 2
    with st.container(height=HEIGHT if long else "content", border=False, gap=None):
        _show_history(editor, start, now)
    if not typed and not len(start):
        with st.container(gap=None):
            _suggest(editor, now)


@kept_data(max_entries=40)
def history_order(split: Split, domain: str, user: int) -> IntArray:
    """A user's training items of a domain, the newest first."""
    return user_history(split, f"{domain}_train", user)[ITEM].to_numpy()


@kept_resource(max_entries=4)
def catalogue_of(split: Split, domain: str) -> Catalogue:
    """What the items of a domain can be found by, read once."""
    return Catalogue.of(split.train, domain)


def _pick_rating(editor: Editor) -> None:
    """How what is added was rated, where the run predicts ratings."""
    if not editor.view.run.card.task.rates:
        return
    facts = cached.rating_facts(editor.view.split.info.split_hash)
    bounds = facts.source if editor.domain == SOURCE else facts.target
    if bounds is not None:
        st.slider(
            "Rating of what you add",
            *bounds,
            value=bounds[1],
            step=0.5,
            key=f"{editor.log.name}_{editor.domain}_rating",
        )


def _suggest(editor: Editor, now: set[int]) -> None:
    """Popular items, for who does not know what there is."""
    st.caption("Type above, or begin with something popular:")
    popular = editor.catalogue.by_popularity[: SUGGESTED + len(now)].tolist()
    for place in [place for place in popular if place not in now][:SUGGESTED]:
        editor.button(place, True, "popular")


def _show_history(editor: Editor, start: IntArray, now: set[int]) -> None:
    """What was added and what was taken out first, then the rest, the newest first."""
    began = set(start.tolist())
    added = [place for place in reversed(_touched(editor)) if place in now - began]
    gone = [place for place in start.tolist() if place not in now]
    rest = [place for place in start.tolist() if place in now]
    for place in added:
        editor.button(place, False, "added", ":green[**{}**] · new")
    for place in gone:
        editor.button(place, True, "gone", "~~{}~~ · removed")
    for place in rest[:SHOWN]:
        editor.button(place, False, "had")
    if len(rest) > SHOWN:
        st.caption(f"{len(rest) - SHOWN:,} more: find them by the box above.")


def _touched(editor: Editor) -> list[int]:
    """Items of the domain in the order they were edited."""
    ids = dict.fromkeys(edit.item for edit in editor.edits if edit.domain == editor.domain)
    if not ids:
        return []
    known = dict(zip(editor.catalogue.ids[editor.items], editor.items.tolist(), strict=True))
    return [known[id] for id in ids if id in known]
