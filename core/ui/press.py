"""A button that acts on what the page's choices say now, not on what they said at its drawing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.ui.shell import guarded, told_later

_WAITING, _HEARD = "press_waiting", "press_heard"
_PLAIN = (bool, int, float, str, list, tuple, dict, type(None))  # what choices are made of


def draw_press(
    label: str, work: Callable[..., object], args: tuple[Any, ...], *, key: str, **looks: Any
) -> None:
    """A button that does `work(*args)` once when it is pressed; `looks` are those of `st.button`.

    Streamlit hands the work of a button the values of the last time the button was drawn. Who is
    faster than the page (two clicks in a row, a number typed and the button pressed at once)
    would start what stood there before. The work is done at once where no choice differs from
    that drawing, and otherwise when the page is drawn as far as the button again. So is a press of
    a button that was last drawn as disabled, of which Streamlit tells no callback.
    """
    pressed = st.button(
        label, key=key, on_click=_press, args=(key, _choices(key), work, args), **looks
    )
    unheard = st.session_state.pop(_HEARD, None) != key and pressed
    if unheard or st.session_state.get(_WAITING) == key:
        forget_press()
        if not looks.get("disabled"):
            with told_later(), guarded():
                work(*args)
            st.rerun()  # what stands above the button can show what was begun, or why it was not


def forget_press() -> None:
    """A press that a whole page was drawn without is not made up for on a later day."""
    st.session_state.pop(_WAITING, None)


def _press(
    key: str, seen: dict[str, Any], work: Callable[..., object], args: tuple[Any, ...]
) -> None:
    st.session_state[_HEARD] = key
    with guarded():
        now = _choices(key)
        if all(now.get(name, value) == value for name, value in seen.items()):
            work(*args)
        else:
            st.session_state[_WAITING] = key


def _choices(but: str) -> dict[str, Any]:
    state = st.session_state.to_dict()
    return {
        str(name): value
        for name, value in state.items()
        if name not in (but, _WAITING, _HEARD) and isinstance(value, _PLAIN)
    }
