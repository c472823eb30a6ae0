"""One history to edit: a box that finds items, and a button for each that takes it in or out."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.basics.columns import ITEM, SOURCE
from core.basics.formatting import count
from core.basics.types import IntArray
from core.data.snapshot import Split, user_history
from core.runs.explain.what_if import Edit, Histories
from core.runs.making.texts import Catalogue
from core.ui import cached
from core.ui.recommendations.edits import EditLog
from core.ui.recommendations.view import View
from core.ui.texts import plain

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
        return plain(self.view.run.record[f"{self.domain}_name"], 40)

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
        return st.session_state.get(key) if adds and self.view.run.card.task == "rating" else None


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
            _show_matches(editor, typed, now)
    long = len(now) + len(start) > SUGGESTED + 2
    with st.container(height=HEIGHT if long else "content", border=False, gap=None):
        _show_history(editor, start, now)
    if not typed and not len(start):
        with st.container(gap=None):
            _suggest(editor, now)


def history_order(view: View, domain: str) -> IntArray:
    """The user's training items of a domain, the newest first."""
    return _history(str(view.split.folder), domain, view.user, view.split)[ITEM].to_numpy()


def catalogue_of(split: Split, domain: str) -> Catalogue:
    """What the items of a domain can be found by, read once."""
    return _catalogue(str(split.folder), domain, split)


@st.cache_resource(show_spinner=False, max_entries=4)
def _catalogue(folder: str, domain: str, _split: Split) -> Catalogue:
    return Catalogue.of(_split.train, domain)


@st.cache_data(show_spinner=False, max_entries=40)
def _history(folder: str, domain: str, user: int, _split: Split) -> pd.DataFrame:
    return user_history(_split, f"{domain}_train", user)


def _pick_rating(editor: Editor) -> None:
    """How what is added was rated, where the run predicts ratings."""
    if editor.view.run.card.task != "rating":
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


def _show_matches(editor: Editor, typed: str, now: set[int]) -> None:
    found = editor.catalogue.find(typed, MATCHES)
    if not len(found):
        st.caption(f"Nothing in {editor.name} has {plain(typed, 40)} in its title or id.")
    for place in found.tolist():
        editor.button(place, place not in now, "match")


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
