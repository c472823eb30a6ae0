"""One question with its light and answer, as the Data and Metrics pages show it."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.checks.check import Check
from core.data.checks.quality import find_time_leak, time_check
from core.data.pair_folder import PairInfo
from core.ui import cached
from core.ui.navigation import link_to
from core.ui.shell import workspace
from core.ui.state import current_split_hash
from core.ui.texts import plain

LIGHTS = {
    "green": ":green[:material/check_circle:]",
    "amber": ":orange[:material/error:]",
    "red": ":red[:material/dangerous:]",
    "grey": ":gray[:material/help:]",
}


def draw_light(check: Check) -> DeltaGenerator:
    """Light, question and answer; the place on the right where it is fixed."""
    light, words, action = st.columns([1, 14, 5], vertical_alignment="center")
    light.markdown(f"## {LIGHTS[check.light]}")
    answer = plain(check.answer, 600)
    said = f":red[{answer}]" if check.light == "red" else answer
    words.markdown(f"**{check.question}**  \n{said}")
    return action


def draw_time_leak(pair: PairInfo) -> None:
    """Whether training knows what came after the test, in the current or newest split of a pair."""
    split_hash = _split_of(pair)
    if split_hash is None:
        return
    check = time_leak_of(split_hash)
    with st.container(border=True, key=f"check_{check.key}"), draw_light(check):
        st.caption(f"Split: {plain(cached.split_info(split_hash).kind)} · {split_hash[:8]}")
        if check.light in ("amber", "red"):
            link_to("data", "Split by time", tab="Split")


def _split_of(pair: PairInfo) -> str | None:
    current = current_split_hash()
    hashes = [current, *cached.split_hashes()] if current else []
    known = (h for h in hashes if cached.split_info(h).dataset_hash == pair.dataset_hash)
    return next(known, None)


def draw_time_note(split_hash: str) -> None:
    """The same beside results: one quiet line, red where a temporal split breaks its promise."""
    if split_hash not in cached.split_hashes():
        return
    check = time_leak_of(split_hash)
    said = plain(f"{check.question} {check.answer}", 700)
    if check.light == "red":
        st.error(said, icon=":material/dangerous:")
    elif check.light in ("amber", "green"):
        st.caption(f"{LIGHTS[check.light]} {said}")


@st.cache_data(show_spinner=False, max_entries=50)
def _time_leak(folder: str, split_hash: str) -> Check:
    return time_check(
        cached.split_info(split_hash), find_time_leak(workspace().splits / split_hash)
    )


def time_leak_of(split_hash: str) -> Check:
    """The check of a split, kept by its hash."""
    return _time_leak(str(workspace().root), split_hash)
