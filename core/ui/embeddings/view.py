"""What the Embeddings page looks at: which points, their colour, and how they are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.embedding.distinct import ACTIVITY, CATEGORY, DOMAIN, LIFT, POPULARITY
from core.embedding.maps import MAP_BOTH, MAP_ITEMS, MAP_TEXTS, MAP_USERS
from core.models.text.encoders import DEFAULT, ENCODERS
from core.models.text.features import TextSettings
from core.models.text.vectors import ALONE, NOT_USED
from core.models.text.words import READS, TITLES
from core.ui.state import linked, one_of, recall, set_current
from core.ui.text_vectors import type_words

CLUSTER = "cluster"
COLOURS = {
    MAP_ITEMS: (DOMAIN, CATEGORY, POPULARITY, CLUSTER),
    MAP_USERS: (DOMAIN, ACTIVITY, LIFT, CLUSTER),
    MAP_BOTH: (DOMAIN, CATEGORY, POPULARITY, ACTIVITY, LIFT, CLUSTER),
    MAP_TEXTS: (DOMAIN, CATEGORY, POPULARITY, CLUSTER),
}
PCA, UMAP = "PCA", "UMAP"
LONGEST = 100  # characters of a search


@dataclass(frozen=True)
class View:
    """The choices above the map."""

    what: str
    colour: str
    search: str
    texts: TextSettings = field(default_factory=TextSettings)  # of the map of texts
    meaning: str = ""  # words to search the texts by


def pick_view(has_model: bool, readings: Sequence[str]) -> tuple[View, DeltaGenerator]:
    """One row of controls, more where the window is narrow, and the place for one of layouts.

    Without a model there are the texts alone. readings: what the items' uploaded vectors may be
    beside them, of VECTORS.
    """
    shown = (MAP_ITEMS, MAP_USERS, MAP_BOTH, MAP_TEXTS) if has_model else (MAP_TEXTS,)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        what = _choice(
            "Show",
            "what",
            shown,
            "Items, users or both by what the run learned; users with history in both domains are "
            "two points: as each domain sees them. Texts: items by what is written about them "
            "or by uploaded vectors, whatever the run.",
        )
        colour = _choice(
            "Colour",
            "colour",
            COLOURS[what],
            "Popularity: training interactions of an item. Activity: of a user. Lift: whose lists "
            "the source made better or worse (test nDCG@10 against the twin). Cluster: points that "
            "lie together: islands of UMAP, else neighbours in the original space. Names on the "
            "map say what a group has more of than the rest.",
        )
        layouts = st.container(width="content")
        words = st.text_input(
            "Find",
            **linked("find", "", str, key="find"),
            max_chars=LONGEST,
            placeholder="Part of a title or an id",
            icon=":material/search:",
            width=210,
        )
    view = View(what, colour, words.strip()[:LONGEST])
    return (_with_texts(view, readings) if what == MAP_TEXTS else view), layouts


def pick_method(place: DeltaGenerator, best: str) -> str:
    """How points are laid out: the best there is until a person chooses."""
    if recall("layout") is None:
        st.session_state["layout_widget"] = best
    with place:
        return _choice(
            "Layout",
            "layout",
            (PCA, UMAP),
            "PCA keeps large distances and is there at once. UMAP keeps neighbours together: "
            "choose it, and it is drawn once, in the background. Trustworthiness is 1 where "
            "neighbours on the map are neighbours in the original space, .5 by chance.",
            best,
        )


def _with_texts(view: View, readings: Sequence[str]) -> View:
    """A second row: which encoder reads what beside which vectors, and words to search by."""
    use = readings[0] if readings else NOT_USED
    if len(readings) > 1:
        use = _choice(
            "Uploaded vectors",
            "vectors",
            readings,
            "Vectors of images, sounds or anything, uploaded with the items: beside the text each "
            "counts half; alone no text is read.",
        )
    if use == ALONE:
        return replace(view, texts=TextSettings(vectors=ALONE))
    here = [card.name for card in ENCODERS.values() if card.installed]
    first = DEFAULT if DEFAULT in here else here[0]
    encoder, reads, words = st.columns([1.35, 1.5, 1.35], vertical_alignment="bottom")
    with encoder:
        chosen = st.selectbox(
            "Encoder",
            here,
            format_func=lambda name: ENCODERS[name].title,
            help="  \n".join(f"{ENCODERS[name].title}: {ENCODERS[name].line}" for name in here),
            **linked("encoder", first, one_of(here)),
        )
    with reads:
        columns = _choice("Reads", "reads", READS, "Columns of the item tables.", TITLES)
    with words:
        meaning = type_words(
            "Search by meaning",
            "meaning",
            "slow-burning family saga",
            "In words of your own, in any language the encoder knows: the items of both domains "
            "whose text comes nearest.",
        )
    return replace(
        view, texts=TextSettings(encoder=chosen, reads=columns, vectors=use), meaning=meaning
    )


def _choice(
    label: str, name: str, options: Sequence[str], help: str, first: str | None = None
) -> str:
    key, first = f"{name}_widget", first or options[0]
    if st.session_state.get(key, first) not in options:  # left from another kind of points
        del st.session_state[key]
        set_current(**{name: None})
    return st.segmented_control(
        label,
        options,
        required=True,
        format_func=_title,
        help=help,
        **linked(name, first, one_of(options)),
    )


def _title(option: str) -> str:
    return option if option.isupper() else option.capitalize()
