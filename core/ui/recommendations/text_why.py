"""Why an item is listed by a model that reads text: what its text shares with the history's."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import number
from core.models.text.encoders import ENCODERS
from core.models.text.features import TextSettings
from core.models.text.vectors import BESIDE
from core.runs.explain.one_user import Reasons
from core.runs.explain.reasons import (
    ReadTexts,
    SharedText,
    reads_of,
    reads_text,
    reads_words,
    shared_texts,
)
from core.runs.making.texts import ItemTexts
from core.ui import cached
from core.ui.recommendations.view import View
from core.ui.tables import show_table
from core.ui.texts import plain

MOST, SAID = 8, 3  # history items in the table, and in the sentence
ALIKE = 0.2  # cosine from which two texts are said to be alike
IN_COMMON = "both texts share"
_BESIDE = ", the uploaded ones beside them"
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
    listed = str(names[TARGET][why.item])
    if not reads_words(model):
        _show_alike(view, shared, names, listed)
        return
    beside, alike = reads_of(model).vectors == BESIDE, _likeness(reads_of(model))
    st.markdown(f"**What the texts share.** {_sentence(shared, names, listed, alike)}")
    show_table(_table(view, shared, names, alike), "text_why", column_config=_LOOKS)
    st.caption(
        "Words in both texts, the rarest in both domains first; words of one in twenty texts or "
        f"more are left out. Cosine of both texts' vectors{_BESIDE if beside else ''}, each from "
        f"the centre of its domain. {_how(view)}"
    )


def _likeness(settings: TextSettings) -> str:
    """What a high cosine says of two items; "" where it says no more than their words do."""
    if settings.vectors == BESIDE:
        return "alike"
    return "alike in meaning" if ENCODERS[settings.encoder].by_meaning else ""


def _show_alike(view: View, shared: list[SharedText], names: dict, listed: str) -> None:
    """Likeness is all there is to tell of vectors that were uploaded."""
    alike = [
        f"*{plain(names[row.domain][row.item], 60)}* (cosine {number(row.cosine, 2)})"
        for row in shared[:SAID]
        if row.cosine is not None and row.cosine >= ALIKE
    ]
    said = f"is alike to {'; '.join(alike)}" if alike else "is unlike what carries it most"
    st.markdown(
        "**How alike the vectors are.** This run reads uploaded vectors and no text, so its "
        f"reasons name no words: *{plain(listed, 60)}* {said}."
    )
    table = _table(view, shared, names, "").drop(columns=IN_COMMON)
    show_table(table, "text_why", column_config=_LOOKS)
    st.caption("Cosine of both items' vectors, each from the centre of its domain.")


def read_texts(view: View) -> ReadTexts:
    """The texts the run's model has read, with their vectors."""
    kept = cached.item_texts(view.split, reads_of(cached.model(view.run)))
    return _read_texts(str(view.run.folder), kept is not None, view, kept)


@st.cache_resource(show_spinner="Counting words", max_entries=2)
def _read_texts(folder: str, encoded: bool, _view: View, _kept: ItemTexts | None) -> ReadTexts:
    return ReadTexts.of(_view.split.train, cached.model(_view.run), _kept)


_LOOKS = {
    "history item": st.column_config.TextColumn(width="medium"),
    IN_COMMON: st.column_config.TextColumn(width="medium"),
    "adds": st.column_config.NumberColumn(format="%.4f", width=80),
    "cosine": st.column_config.NumberColumn(format="%.2f", width=80),
}


def _table(view: View, shared: list[SharedText], names: dict, alike: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "history item": [str(names[row.domain][row.item]) for row in shared],
            "from": [view.run.record[f"{row.domain}_name"] for row in shared],
            IN_COMMON: [_in_common(row, alike) for row in shared],
            "cosine": [row.cosine for row in shared],
            "adds": [row.amount for row in shared],
        }
    )


def _in_common(row: SharedText, alike: str) -> str:
    """Words, else likeness; no more than there is."""
    if row.words:
        return ", ".join(row.words)
    if row.cosine is None:
        return "no word"
    if alike and row.cosine >= ALIKE:
        return f"no word, but {alike}"
    return f"no word, and hardly {alike}" if alike else "no word"


def _sentence(shared: list[SharedText], names: dict, listed: str, alike: str) -> str:
    """`With *A* it shares “war”; *B* is alike in meaning (cosine .43).`"""
    parts = []
    for row in shared[:SAID]:
        name = f"*{plain(names[row.domain][row.item], 60)}*"
        if row.words:
            said = ", ".join(f"“{plain(word, 30)}”" for word in row.words)
            parts.append(f"shares {said} with {name}")
        elif alike and row.cosine is not None and row.cosine >= ALIKE:
            parts.append(f"is {alike} to {name} (cosine {number(row.cosine, 2)})")
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
