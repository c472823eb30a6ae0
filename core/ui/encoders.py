"""A choice among text encoders: what each is good for, its licence and size, and if it is here."""

from __future__ import annotations

import streamlit as st

from core.models.text.encoders import DEFAULT, ENCODERS, EncoderCard
from core.ui.texts import plain


def pick_encoder(key: str, help: str) -> str:
    """Name of the chosen encoder; one that is not installed is shown with what to install."""
    here = [card.name for card in ENCODERS.values() if card.installed]
    if st.session_state.get(key, here[0]) not in here:  # chosen while it was installed
        del st.session_state[key]
    chosen = st.radio(
        "Text encoder",
        here,
        index=here.index(DEFAULT) if DEFAULT in here else 0,
        key=key,
        format_func=lambda name: ENCODERS[name].title,
        help=help,
        persist_state="session",
        captions=[_about(ENCODERS[name]) for name in here],
    )
    for card in ENCODERS.values():
        if not card.installed:
            st.checkbox(
                f"{plain(card.title)}: not installed", disabled=True, key=f"{key}_{card.name}"
            )
            st.caption(f"{_about(card)}  \nInstall it with `pip install {card.packages}`.")
    return str(chosen)


def _about(card: EncoderCard) -> str:
    licence = f"{plain(card.licence)} · {card.megabytes:,} MB"
    needed = licence if card.megabytes else "no weights, no licence"
    here = " · installed" if card.installed else ""
    return f"{plain(card.line)}  \n{needed}{here}"
