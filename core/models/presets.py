"""Presets of a model: fast, balanced and thorough, as settings that differ from its own."""

from __future__ import annotations

from core.basics.settings import SettingInfo, Value
from core.models.protocol import ModelCard

FAST, BALANCED, THOROUGH = "fast", "balanced", "thorough"
PRESETS = (FAST, BALANCED, THOROUGH)
_SCALED = ("epochs", "factors")  # what makes any model slower and finer
_TIMES = {FAST: 0.5, THOROUGH: 2.0}


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


def _scaled(info: SettingInfo, times: float) -> int:
    low, high = info.low or 1, info.high or float("inf")
    return int(min(max(round(float(info.default) * times), low), high))
