"""Train page, left: fast, balanced or thorough, which fills in the settings of every model."""

from __future__ import annotations

import streamlit as st

from core.models.protocol import ModelCard
from core.models.readiness import BALANCED, PRESETS, preset_of
from core.models.registry import CARDS

_KEY, _BEFORE = "train_preset", "train_preset_before"
_HELP = (
    "Fast takes fewer epochs and shorter vectors, thorough takes more; balanced is each model's "
    "own settings. A setting you changed yourself stays as it is."
)


def pick_preset() -> None:
    """A choice that fills the forms below."""
    st.segmented_control(
        "Preset",
        PRESETS,
        default=BALANCED,
        required=True,
        key=_KEY,
        format_func=str.capitalize,
        on_change=_fill,
        help=_HELP,
        persist_state="session",
    )


def setting_key(card: ModelCard, name: str) -> str:
    """Key of the widget of one setting."""
    return f"setting_{card.name}_{name}"


def _fill() -> None:
    """Every setting that still has the old preset's value takes the new one's."""
    state = st.session_state
    before, now = state.get(_BEFORE, BALANCED), state[_KEY]
    state[_BEFORE] = now
    for card in CARDS.values():
        own = card.settings().to_dict()
        old, new = own | preset_of(card, before), own | preset_of(card, now)
        for name in own:
            key = setting_key(card, name)
            if old[name] != new[name] and state.get(key, old[name]) == old[name]:
                state[key] = new[name]
