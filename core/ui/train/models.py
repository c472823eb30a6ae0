"""Train page, left: the few models to look at first on this pair, and all others in a drawer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.basics.formatting import duration
from core.basics.machine import AUTO, free_memory
from core.data.snapshot import NEW_ITEMS, SplitInfo
from core.models.kernel.training_settings import counts_words
from core.models.protocol import ModelCard
from core.models.readiness import Readiness, proposals, readiness
from core.models.registry import CARDS
from core.runs.making.estimate import sizes_of
from core.runs.making.plan import RunPlan
from core.ui import cached
from core.ui.state import linked, linked_ticks
from core.ui.train.choose import SEED
from core.ui.train.start import expected_time
from core.ui.widgets import plain

LIGHTS = {
    "green": ":green[:material/check_circle:]",
    "amber": ":yellow[:material/warning:]",
    "red": ":red[:material/block:]",
}
DRAWER = "train_all_models"  # key of the drawer: open or not
LIST_HEIGHT = 420  # pixels


def lights_of(info: SplitInfo) -> dict[str, Readiness]:
    """Whether each model can be trained on a split, by its name, in the order of the registry."""
    ratings = cached.rating_facts(info.split_hash)
    sizes, free = sizes_of(info, ratings), free_memory()
    shared, new = cached.shared_users(info.split_hash), info.kind == NEW_ITEMS
    joined = bool(cached.knowledge(info.split_hash).names)
    return {
        name: readiness(card, sizes, shared, None, free, ratings, new, joined)
        for name, card in CARDS.items()
    }


def pick_models(info: SplitInfo, first: DeltaGenerator, others: DeltaGenerator) -> list[ModelCard]:
    """The models that are ticked, in the order of the registry.

    first: where the proposals stand, and what else is ticked; others: where the drawer does. While
    the drawer is open everything beyond the proposals stands in it alone.
    """
    lights, ratings = lights_of(info), cached.rating_facts(info.split_hash)
    whys = proposals(
        lights,
        target=plain(info.target_name, 40),
        of_new_items=info.kind == NEW_ITEMS,
        low_ratings=ratings.target is not None and not ratings.liked_from,
    )
    beyond = [card for card in CARDS.values() if card.name not in whys]
    # A box that is closed says what it said last; one that cannot be ticked says nothing
    able = {name: _key(card) for name, card in CARDS.items() if lights[name].light != "red"}
    keep = linked_ticks("models", able, list(whys)[:1])
    with first:
        st.markdown("**For this pair**")
        with st.container(gap="xxsmall", key="train_proposals"):
            for name, why in whys.items():
                _tick(info, CARDS[name], lights[name], keep, why)
            if not st.session_state.get(DRAWER):
                for card in beyond:
                    if st.session_state.get(_key(card)):
                        _tick(info, card, lights[card.name], keep)
    with others:
        drawer = st.expander(
            f"All {len(CARDS)} models", key=DRAWER, on_change="rerun", icon=":material/list:"
        )
        if drawer.open:
            with drawer:
                _draw_all(info, beyond, lights, keep, ratings.counted)
    return [
        card
        for card in CARDS.values()
        if lights[card.name].light != "red" and st.session_state.get(_key(card))
    ]


def _draw_all(
    info: SplitInfo,
    beyond: list[ModelCard],
    lights: Mapping[str, Readiness],
    keep: Callable[[], None],
    counted: bool,
) -> None:
    """Models by family that hold every word that is searched, and what they do where asked for."""
    words = st.text_input(
        "Search models",
        **linked("models_search", "", str, key="train_search_models"),
        placeholder="name, or what it is for",
        icon=":material/search:",
        label_visibility="collapsed",
    )
    telling = st.toggle("Say what each does", key="train_tell", persist_state="session")
    found = [card for card in beyond if _holds(card, words)]
    if not found:
        st.caption("No other model says so. Try fewer words.")
        return
    with st.container(height=LIST_HEIGHT, key="train_models"):
        for family, cards in groupby(found, key=lambda card: card.family):
            with st.container(gap="xxsmall"):
                st.markdown(f"**{family}**")
                for card in cards:
                    _tick(info, card, lights[card.name], keep)
                    if telling:
                        counts = f" It reads {counts_words(card.settings)}." if counted else ""
                        st.caption(f"{card.line} {card.when}{counts} *{card.paper}*")


def _holds(card: ModelCard, words: str) -> bool:
    text = " ".join((card.title, card.family, card.line, card.when, *card.needs)).lower()
    return all(word in text for word in words.lower().split())


def _tick(
    info: SplitInfo, card: ModelCard, ready: Readiness, keep: Callable[[], None], why: str = ""
) -> None:
    """A check box with the title, why it is proposed and how long it takes; the doubt below it."""
    timing = expected_time(RunPlan(info.split_hash, card.name, {}, SEED, AUTO))
    about = "" if timing is None else f"about {duration(max(1, timing.seconds))}"
    light = "" if ready.light == "green" else f"{LIGHTS[ready.light]} "
    told = "".join(f" · {word}" for word in (why, about) if word)
    st.checkbox(
        f"{light}{card.title}:small[{told}]",
        key=_key(card),
        on_change=keep,
        disabled=ready.light == "red",
        persist_state="session",
    )
    if ready.light != "green":
        st.caption(ready.reason)


def _key(card: ModelCard) -> str:
    return f"train_{card.name}"
