"""Presets of a model, as settings that differ from its own, and the values a small search tries."""

from __future__ import annotations

from core.basics.settings import SettingInfo, Value
from core.models.protocol import ModelCard

FAST, BALANCED, THOROUGH = "fast", "balanced", "thorough"
PRESETS = (FAST, BALANCED, THOROUGH)
_SCALED = ("epochs", "factors")  # what makes any model slower and finer
_TIMES = {FAST: 0.5, THOROUGH: 2.0}
_TELLING = ("learning_rate", "regularization", "weight_decay", "dropout", "temperature")


def preset_of(card: ModelCard, preset: str) -> dict[str, Value]:
    """Settings the preset changes, by name; balanced is the model's own settings.

    A card without presets gets half or double the epochs and factors it has, within their bounds.
    """
    if preset == BALANCED:
        return {}
    if card.presets:
        return dict(card.presets.get(preset, {}))
    infos = [info for info in card.settings.infos() if info.name in _SCALED]
    return {info.name: _scaled(info, _TIMES[preset]) for info in infos}


def grid_of(card: ModelCard) -> dict[str, tuple[Value, ...]]:
    """Values by setting for a small search: the card's own, else two telling settings around it."""
    if card.grid:
        return dict(card.grid)
    infos = {info.name: info for info in card.settings.infos()}
    return {name: around(infos[name]) for name in [n for n in _TELLING if n in infos][:2]}


def around(info: SettingInfo) -> tuple[Value, ...]:
    """All choices of a setting, or its own value with a third and three times as much."""
    if info.choices is not None:
        return info.choices
    if info.kind is bool:
        return (True, False)
    if info.kind is str:
        return (info.default,)
    own = float(info.default)
    low = own / 3 if info.low is None else max(own / 3, info.low)
    high = own * 3 if info.high is None else min(own * 3, info.high)
    ends = [float(f"{value:.2g}") for value in (low, high)]
    return tuple(dict.fromkeys(info.kind(value) for value in (ends[0], own, ends[1])))


def _scaled(info: SettingInfo, times: float) -> int:
    low, high = info.low or 1, info.high or float("inf")
    return int(min(max(round(float(info.default) * times), low), high))
