"""Tables, widgets of settings and encoders, and numbers and names as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.basics.files import fingerprint, to_csv
from core.basics.formatting import (
    count,
    duration,
    interval,
    number,
    signed,
    signed_interval,
    signed_with_interval,
    with_interval,
)
from core.basics.settings import SettingInfo, Settings, Value
from core.models.text.encoders import DEFAULT, ENCODERS, EncoderCard

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


def show_table(
    frame: pd.DataFrame,
    key: str,
    download: str | None = None,
    column_config: dict[str, Any] | None = None,
    selection: str | None = None,
    height: int | None = None,
    names: Sequence[str] | None = None,
    look: Callable[[pd.DataFrame], Styler] | None = None,
) -> list[int]:
    """Draw the table, and return the positions of the selected rows.

    download: name of the CSV file, without one there is no button. selection: "single-row" or
    "multi-row". names: what the rows are; where they change, nothing is selected any more, so
    that a tick never slips to another row. look: how cells are written and tinted; sorting goes by
    the values below. Headings sort, the glass in the tool bar searches.
    """
    looks: dict[str, Any] = {
        "hide_index": True,
        "column_config": column_config,
        "placeholder": "–",
        "height": height or "auto",
    }
    if selection:
        looks |= {"on_select": "rerun", "selection_mode": selection}
    widget = key if names is None else table_key(key, names)
    answer: Any = st.dataframe(look(frame) if look else frame, key=widget, **looks)
    if download:
        download_button(frame, download, f"{key}_download")
    return list(answer.selection.rows) if selection else []


def show_rows(frame: pd.DataFrame, key: str, alt: str, helps: dict[str, str] | None = None) -> None:
    """A few rows to read: nothing to sort, nothing cut, long words wrap.

    The grid that `show_table` draws costs a fresh tab more than a CPU second; this is text. helps:
    by column, what it means, said under the table where it has to be known. Cells are plain text.
    """
    written = pd.DataFrame({plain(name): frame[name].map(_cell) for name in frame})
    with st.container(key=key):
        st.table(written, border="horizontal", hide_index=True, alt=alt)
        if helps:
            told = "  \n".join(f"{plain(name)}: {said}" for name, said in helps.items())
            st.caption("What the columns mean", help=told)


def _cell(value: Any) -> str:
    """A cell as text: whole numbers with their thousands apart, a dash where there is none."""
    if isinstance(value, str):
        return plain(value, 400)
    if value is None or value != value:
        return "–"
    return f"{value:,.0f}" if value == int(value) else plain(number(value))


def table_key(key: str, names: Sequence[str]) -> str:
    """Key of the table's widget while its rows are these."""
    return f"{key}_{fingerprint(list(names))}"


def download_button(frame: pd.DataFrame, file_name: str, key: str, label: str = "CSV") -> None:
    """A button that makes the CSV when it is pressed; cells that look like formulas are quoted."""
    st.download_button(
        label,
        data=lambda: to_csv(frame),
        file_name=file_name,
        mime="text/csv",
        key=key,
        help="Made for reading: cells that a spreadsheet would run as a formula begin with a quote "
        "mark, ids too.",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


# Numbers and names as a person reads them; names never act as Markdown or HTML.

__all__ = [
    "count",
    "duration",
    "interval",
    "number",
    "plain",
    "signed",
    "signed_interval",
    "signed_with_interval",
    "with_interval",
]
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&=^\"'])")
_NO_BREAK = "\u2060"  # word joiner: invisible, keeps `:name:` and `http:` from meaning anything


def plain(text: object, longest: int = 200) -> str:
    """The text with every Markdown, HTML, LaTeX, emoji and link meaning taken away."""
    words = " ".join(str(text).split())
    if len(words) > longest:
        words = words[: longest - 1] + "…"
    return _SPECIAL.sub(r"\\\1", words).replace(":", f":{_NO_BREAK}")


# A widget for one setting, made from the line that declares it.


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
    kind = info.kind
    numbers: dict[str, Any] = {
        "value": kind(info.default),
        "min_value": None if info.low is None else kind(info.low),
        "max_value": None if info.high is None else kind(info.high),
        "step": 1 if kind is int else _step(float(info.default)),
        "format": "%d" if kind is int else "%g",
    }
    return kind(st.number_input(shown, **numbers, **common))


def _step(default: float) -> float:
    """A step that moves the second digit: 100 by 10, .5 by .05."""
    return float(f"{abs(default) / 10:.0e}") if default else 0.1


# A choice among text encoders: what each is good for, its licence and size, and if it is here.


def pick_encoder(key: str, help: str) -> str:
    """Name of the chosen encoder; one that is not installed is shown with what to install."""
    here = [card.name for card in ENCODERS.values() if card.installed]
    if st.session_state.get(key, here[0]) not in here:  # chosen while it was installed
        del st.session_state[key]
    chosen = st.radio(
        "Text encoder",
        here,
        index=here.index(usable_encoder(DEFAULT)),
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


def usable_encoder(name: str) -> str:
    """The encoder of that name; where it is not installed the usual one, or else the first."""
    here = [card.name for card in ENCODERS.values() if card.installed]
    return next(one for one in (name, DEFAULT, *here) if one in here)


def _about(card: EncoderCard) -> str:
    licence = f"{plain(card.licence)} · {card.megabytes:,} MB"
    needed = licence if card.megabytes else "no weights, no licence"
    here = " · installed" if card.installed else ""
    return f"{plain(card.line)}  \n{needed}{here}"
