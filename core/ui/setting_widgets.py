"""A widget for one setting, made from the line that declares it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.basics.settings import SettingInfo, Settings, Value


def spoken(name: str) -> str:
    """A setting's name as a person reads it."""
    return name.replace("_", " ")


def info_of(settings: type[Settings], name: str) -> SettingInfo:
    """What is known about one setting of a class."""
    return next(info for info in settings.infos() if info.name == name)


def ask_setting(info: SettingInfo, key: str, label: str | None = None) -> Value:
    """The widget a setting's own line describes, kept while other pages are open."""
    shown = label or spoken(info.name).capitalize()
    common: dict[str, Any] = {"key": key, "help": info.help, "persist_state": "session"}
    if info.kind is bool:
        return bool(st.toggle(shown, value=bool(info.default), **common))
    if info.choices is not None:
        place = info.choices.index(str(info.default))
        return str(st.selectbox(shown, info.choices, index=place, **common))
    if info.kind is str:
        return str(st.text_input(shown, value=str(info.default), **common))
    return _ask_number(info, shown, common)


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
