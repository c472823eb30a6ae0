"""Train page, left: settings of the chosen models, device and seed; the plans they make."""

from __future__ import annotations

import streamlit as st

from core.basics.machine import AUTO
from core.basics.settings import SettingInfo, Value
from core.data.snapshot import SplitInfo
from core.models.kernel.training_settings import SETTING as COUNTS
from core.models.protocol import ModelCard
from core.models.text.features import TextSettings
from core.models.text.vectors import ALONE
from core.runs.making.plan import RunPlan
from core.ui import cached
from core.ui.encoders import pick_encoder
from core.ui.setting_widgets import ask_setting, spoken
from core.ui.train.device import pick_device
from core.ui.train.presets import setting_key

SEED = 2022
VECTORS = "vectors"  # the setting about uploaded ones
OF_TEXTS = ("encoder", "reads", "word_weight")
ENCODER = "encoder"  # the setting that is picked by what is known of each encoder
LARGEST_SEED = 2**31 - 1


def pick_plans(info: SplitInfo, cards: list[ModelCard]) -> list[RunPlan]:
    """One plan per chosen model."""
    seed, device = _pick_seed(), AUTO
    if any(card.gradient for card in cards):  # all others use the CPU
        device = pick_device()
    return [
        _plan(info, card, _pick_settings(card, info.split_hash), seed, device) for card in cards
    ]


def _plan(
    info: SplitInfo, card: ModelCard, settings: dict[str, Value], seed: int, device: str
) -> RunPlan:
    return RunPlan(
        info.split_hash, card.name, settings, seed, device, label_of(card, settings, seed)
    )


def label_of(card: ModelCard, settings: dict[str, Value], seed: int) -> str:
    """What the run is called: its model, and the settings that are not the model's own."""
    own = card.settings().to_dict()
    changed = [
        f"{spoken(name)} {value:g}" if isinstance(value, float) else f"{spoken(name)} {value}"
        for name, value in settings.items()
        if value != own[name]
    ]
    return " · ".join([card.title, *changed, f"seed {seed}"])


def _pick_seed() -> int:
    seed = st.number_input(
        "Seed",
        min_value=0,
        max_value=LARGEST_SEED,
        value=SEED,
        step=1,
        key="train_seed",
        help="Where chance starts: the same seed, data and settings give the same run.",
        persist_state="session",
    )
    return int(seed)


def _pick_settings(card: ModelCard, split_hash: str) -> dict[str, Value]:
    infos = asked_about(card, split_hash)
    if not infos:
        return {}
    with st.expander(f"Details of {card.title}", key=f"details_{card.name}"):
        if card.differs:
            st.caption(f"Beside the paper: {card.differs}")
        return {info.name: _ask(card, info) for info in infos}


def asked_about(card: ModelCard, split_hash: str) -> list[SettingInfo]:
    """The settings that do something on a split.

    Where no row has a count, nothing is asked about counts. Without uploaded vectors there is
    nothing to ask of them; where they are read alone, the settings of texts do nothing.
    """
    facts = cached.rating_facts(split_hash)
    infos = [info for info in card.settings.infos() if info.name != COUNTS or facts.counted]
    if not any(facts.vectors):
        return [info for info in infos if info.name != VECTORS]
    alone = st.session_state.get(setting_key(card, VECTORS)) == ALONE
    idle = OF_TEXTS if alone and issubclass(card.settings, TextSettings) else ()
    first = [info for info in infos if info.name == VECTORS]  # what is below depends on it
    return first + [info for info in infos if info.name not in (VECTORS, *idle)]


def _ask(card: ModelCard, info: SettingInfo) -> Value:
    key = setting_key(card, info.name)
    if info.name == ENCODER and issubclass(card.settings, TextSettings):
        return pick_encoder(key, info.help)
    return ask_setting(info, key=key)
