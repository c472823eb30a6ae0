"""Train page, left: settings of the chosen models, device and seed; the plans they make."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.basics.device import AUTO
from core.basics.settings import SettingInfo, Value
from core.data.snapshot import SplitInfo
from core.models.protocol import ModelCard
from core.runs.plan import RunPlan
from core.ui.train_device import pick_device

SEED = 2022
LARGEST_SEED = 2**31 - 1


def pick_plans(info: SplitInfo, cards: list[ModelCard]) -> list[RunPlan]:
    """One plan per chosen model."""
    seed, device = _pick_seed(), AUTO
    if any(card.gradient for card in cards):  # all others use the CPU
        device = pick_device()
    return [_plan(info, card, _pick_settings(card), seed, device) for card in cards]


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


def spoken(name: str) -> str:
    """A setting's name as a person reads it."""
    return name.replace("_", " ")


def _pick_seed() -> int:
    seed = st.number_input(
        "Seed", min_value=0, max_value=LARGEST_SEED, value=SEED, step=1, key="train_seed",
        help="Where chance starts: the same seed, data and settings give the same run.",
        persist_state="session",
    )  # fmt: skip
    return int(seed)


def _pick_settings(card: ModelCard) -> dict[str, Value]:
    infos = card.settings.infos()
    if not infos:
        return {}
    with st.expander(f"Details of {card.title}", key=f"details_{card.name}"):
        if card.differs:
            st.caption(f"Beside the paper: {card.differs}")
        return {info.name: _ask(card, info) for info in infos}


def _ask(card: ModelCard, info: SettingInfo) -> Value:
    """The widget a setting's own line describes."""
    common: dict[str, Any] = {
        "key": f"setting_{card.name}_{info.name}", "help": info.help, "persist_state": "session",
    }  # fmt: skip
    label = spoken(info.name).capitalize()
    if info.kind is bool:
        return bool(st.toggle(label, value=bool(info.default), **common))
    if info.choices is not None:
        place = info.choices.index(str(info.default))
        return str(st.selectbox(label, info.choices, index=place, **common))
    if info.kind is str:
        return str(st.text_input(label, value=str(info.default), **common))
    return _ask_number(info, label, common)


def _ask_number(info: SettingInfo, label: str, common: dict[str, Any]) -> Value:
    kind = info.kind
    numbers: dict[str, Any] = {
        "value": kind(info.default),
        "min_value": None if info.low is None else kind(info.low),
        "max_value": None if info.high is None else kind(info.high),
        "step": 1 if kind is int else _step(float(info.default)),
        "format": "%d" if kind is int else "%g",
    }
    return kind(st.number_input(label, **numbers, **common))


def _step(default: float) -> float:
    """A step that moves the second digit: 100 by 10, .5 by .05."""
    return float(f"{abs(default) / 10:.0e}") if default else 0.1
