"""What the Embeddings page looks at: which points, their colour, and how they are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.embedding.points import MAP_BOTH, MAP_ITEMS, MAP_USERS
from core.ui.state import linked, one_of, set_current

DOMAIN, CATEGORY, POPULARITY, ACTIVITY = "domain", "category", "popularity", "activity"
LIFT, CLUSTER = "lift", "cluster"
COLOURS = {
    MAP_ITEMS: (DOMAIN, CATEGORY, POPULARITY, CLUSTER),
    MAP_USERS: (DOMAIN, ACTIVITY, LIFT, CLUSTER),
    MAP_BOTH: (DOMAIN, CATEGORY, POPULARITY, ACTIVITY, LIFT, CLUSTER),
}
PCA, UMAP = "PCA", "UMAP"
LONGEST = 100  # characters of a search


@dataclass(frozen=True)
class View:
    """The choices above the map."""

    what: str
    colour: str
    method: str
    search: str


def pick_view() -> View:
    """One row of controls, more where the window is narrow; all but the search can be linked to."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        what = _choice(
            "Show", "what", (MAP_ITEMS, MAP_USERS, MAP_BOTH),
            "Users with history in both domains are two points: as each domain sees them.",
        )  # fmt: skip
        colour = _choice(
            "Colour", "colour", COLOURS[what],
            "Popularity: training interactions of an item. Activity: of a user. Lift: whose lists "
            "the source made better or worse (test nDCG@10 against the twin). Cluster: points that "
            "lie together in the original space.",
        )  # fmt: skip
        method = _choice(
            "Layout", "layout", (PCA, UMAP),
            "PCA keeps large distances and is there at once. UMAP keeps neighbours together and is "
            "computed once, in the background.",
        )  # fmt: skip
        words = st.text_input(
            "Find an item or user", key="map_search", placeholder="Part of a title or an id",
            icon=":material/search:", width=225,
        )  # fmt: skip
    return View(what, colour, method, words.strip()[:LONGEST])


def _choice(label: str, name: str, options: Sequence[str], help: str) -> str:
    key = f"{name}_widget"
    if st.session_state.get(key, options[0]) not in options:  # left from another kind of points
        del st.session_state[key]
        set_current(**{name: None})
    return st.segmented_control(
        label, options, required=True, format_func=_title, help=help,
        **linked(name, options[0], one_of(options)),
    )  # fmt: skip


def _title(option: str) -> str:
    return option if option.isupper() else option.capitalize()
