"""Train page, left: which split, and which models, each with a light that says whether it suits."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from core.basics.machine import free_memory
from core.data.snapshot import NEW_ITEMS, SplitInfo
from core.models.kernel.training_settings import counts_words
from core.models.protocol import ModelCard
from core.models.readiness import Readiness, readiness
from core.models.registry import CARDS
from core.runs.making.estimate import sizes_of
from core.ui import cached
from core.ui.state import current_split_hash, set_current
from core.ui.texts import plain
from core.ui.train.presets import pick_preset

LIGHTS = {
    "green": ":green[:material/check_circle:]",
    "amber": ":yellow[:material/warning:]",
    "red": ":red[:material/block:]",
}
LIST_HEIGHT = 480  # pixels: Start stays in sight
FIRST = "ease"  # ticked on the first visit


def pick_split() -> SplitInfo | None:
    """What is trained on; a box to change it where the workspace has several splits."""
    hashes, chosen = cached.split_hashes(), current_split_hash()
    if chosen is None:
        return None
    if len(hashes) > 1:
        st.session_state["train_split"] = chosen
        st.selectbox(
            "Split",
            hashes,
            format_func=_split_name,
            key="train_split",
            on_change=_keep_split,
            help="What models train on and are judged by; made on the Data page.",
        )
    return cached.split_info(chosen)


def pick_models(info: SplitInfo) -> list[ModelCard]:
    """The models that are ticked, in the order of the registry; above them the preset."""
    pick_preset()
    ratings, new = cached.rating_facts(info.split_hash), info.kind == NEW_ITEMS
    sizes, free = sizes_of(info, ratings), free_memory()
    shared = cached.shared_users(info.split_hash)
    joined = bool(cached.knowledge(info.split_hash).names)
    chosen: list[ModelCard] = []
    with st.container(height=LIST_HEIGHT, key="train_models"):
        for family, cards in groupby(CARDS.values(), key=lambda card: card.family):
            with st.container(gap=None):
                st.caption(family.upper())
                chosen += [
                    card
                    for card in cards
                    if _tick(
                        card,
                        readiness(card, sizes, shared, None, free, ratings, new, joined),
                        ratings.counted,
                    )
                ]
    return chosen


def _tick(card: ModelCard, ready: Readiness, counted: bool) -> bool:
    counts = f"  \nIt reads {counts_words(card.settings)}." if counted else ""
    red = ready.light == "red"
    ticked = st.checkbox(
        f"{LIGHTS[ready.light]} {card.title}",
        value=card.name == FIRST,
        key=f"train_{card.name}",
        disabled=red,
        persist_state="session",
        help=f"{card.line}  \n{card.when}  \n{ready.reason}{counts}  \n*{card.paper}*",
    )
    needs = f" Needs {', '.join(card.needs)}." if card.needs else ""
    if ready.light != "green":
        st.caption(f"**{ready.reason}**")
    elif ticked:  # many models: a line each would hide the list
        st.caption(f"{card.line}{needs}")
    return ticked and not red


def _split_name(split_hash: str) -> str:
    info = cached.split_info(split_hash)
    names = f"{info.source_name} → {info.target_name}"
    return f"{names} · {info.kind} · seed {info.seed} · {split_hash[:6]}"


def _keep_split() -> None:
    set_current(split=st.session_state["train_split"])


def split_line(info: SplitInfo) -> str:
    """One line of Markdown on what is trained on."""
    counts = info.counts
    return (
        f":orange[**{plain(info.source_name, 40)}**] → :blue[**{plain(info.target_name, 40)}**] · "
        f"{plain(info.kind)} · {counts['users']:,} users · "
        f"{counts['source_items']:,} + {counts['target_items']:,} items"
    )
