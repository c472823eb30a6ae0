"""Why an item is listed by a model that reads text: what its text shares with the history's."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.models.text.encoders import ENCODERS
from core.runs.one_user import Reasons
from core.runs.text_reasons import (
    ReadTexts,
    SharedText,
    reads_of,
    reads_text,
    shared_texts,
)
from core.runs.texts import ItemTexts
from core.ui import cached
from core.ui.recommendations.view import View
from core.ui.tables import show_table
from core.ui.texts import number, plain

MOST, SAID = 8, 3  # history items in the table, and in the sentence
ALIKE = 0.2  # cosine from which two texts are said to be alike
LEARNED = "text_ridge"
WITH_IDS = ("text_tower", "text_fusion")


def show_text_why(view: View, why: Reasons | None) -> None:
    """A sentence and a table; nothing for models that read no text, or without history items."""
    model = cached.model(view.run)
    if why is None or not reads_text(model):
        return
    read = read_texts(view)
    shared = shared_texts(read, why, MOST)
    if not shared:
        return
    names = {domain: cached.item_names(view.split, domain) for domain in (SOURCE, TARGET)}
    by_meaning = ENCODERS[reads_of(model).encoder].by_meaning
    listed = str(names[TARGET][why.item])
    st.markdown(f"**What the texts share.** {_sentence(shared, names, listed, by_meaning)}")
    show_table(_table(view, shared, names, by_meaning), "text_why", column_config=_LOOKS)
    st.caption(
        "Words in both texts, the rarest in both domains first; words of one in twenty texts or "
        "more are left out. Cosine of both texts' vectors, each from the centre of "
        f"its domain. {_how(view)}"
    )


def read_texts(view: View) -> ReadTexts:
    """The texts the run's model has read, with their vectors."""
    kept = cached.item_texts(view.split, reads_of(cached.model(view.run)))
    return _read_texts(str(view.run.folder), kept is not None, view, kept)


@st.cache_resource(show_spinner="Counting words", max_entries=2)
def _read_texts(folder: str, encoded: bool, _view: View, _kept: ItemTexts | None) -> ReadTexts:
    return ReadTexts.of(_view.split.train, cached.model(_view.run), _kept)


_LOOKS = {
    "history item": st.column_config.TextColumn(width="medium"),
    "both texts share": st.column_config.TextColumn(width="medium"),
    "adds": st.column_config.NumberColumn(format="%.4f", width=80),
    "cosine": st.column_config.NumberColumn(format="%.2f", width=80),
}


def _table(view: View, shared: list[SharedText], names: dict, by_meaning: bool) -> pd.DataFrame:
    return pd.DataFrame({
        "history item": [str(names[row.domain][row.item]) for row in shared],
        "from": [view.run.record[f"{row.domain}_name"] for row in shared],
        "both texts share": [_in_common(row, by_meaning) for row in shared],
        "cosine": [row.cosine for row in shared],
        "adds": [row.amount for row in shared],
    })  # fmt: skip


def _in_common(row: SharedText, by_meaning: bool) -> str:
    """Words, else likeness; no more than there is."""
    if row.words:
        return ", ".join(row.words)
    if row.cosine is None:
        return "no word"
    if by_meaning and row.cosine >= ALIKE:
        return "no word, but alike in meaning"
    return "no word, and little meaning" if by_meaning else "no word"


def _sentence(shared: list[SharedText], names: dict, listed: str, by_meaning: bool) -> str:
    """`With *A* it shares “war”; *B* is alike in meaning (cosine .43).`"""
    parts = []
    for row in shared[:SAID]:
        name = f"*{plain(names[row.domain][row.item], 60)}*"
        if row.words:
            said = ", ".join(f"“{plain(word, 30)}”" for word in row.words)
            parts.append(f"shares {said} with {name}")
        elif by_meaning and row.cosine is not None and row.cosine >= ALIKE:
            parts.append(f"is alike in meaning to {name} (cosine {number(row.cosine, 2)})")
    if not parts:
        return f"*{plain(listed, 60)}* shares no telling word with what carries it most."
    return f"*{plain(listed, 60)}* {'; '.join(parts)}."


def _how(view: View) -> str:
    if view.run.card.name == LEARNED:
        return (
            "This model learned from other users what a text in a history says of an item, so an "
            "item can be carried by texts unlike its own."
        )
    if view.run.card.name in WITH_IDS:
        return (
            "This model learned how to read texts, and ids count beside them, so an item can be "
            "carried by texts unlike its own."
        )
    return "What a history item adds grows with how alike the texts are."
