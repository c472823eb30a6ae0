"""Texts as vectors, worked out by jobs: what a person types, asked for at once, and item texts."""

from __future__ import annotations

import streamlit as st

from core.basics.formatting import count, duration
from core.basics.types import FloatArray
from core.data.snapshot import Split
from core.models.text.encoders import ENCODERS
from core.models.text.features import TextSettings
from core.models.text.words import plain_text
from core.runs.making.texts import LONGEST, asked_payload, asked_vector, texts_payload
from core.ui.shell import Task, ask_task, draw_task, workspace
from core.ui.state import linked
from core.ui.widgets import plain

KIND = "asked"


def type_words(label: str, name: str, placeholder: str, help: str) -> str:
    """Draw a box for words, kept in the address bar under a name; return them cleaned."""
    typed = st.text_input(
        label,
        placeholder=placeholder,
        help=help,
        max_chars=LONGEST,
        icon=":material/manage_search:",
        **linked(name, "", str),
    )
    return plain_text(str(typed or ""))[:LONGEST]


def vector_of_words(words: str, encoder: str, key: str) -> FloatArray | None:
    """(width,) of length 1; None while a job works it out, whose progress is drawn.

    The job is asked for once as soon as the words are there; where it failed a button asks again.
    """
    known = _Known.of()
    found = known.vectors.get((words, encoder))
    if found is None and (found := asked_vector(workspace(), words, encoder)) is not None:
        known.keep(words, encoder, found)
    if found is not None:
        if not found.any():
            st.info("The encoder finds nothing to read in these words. Say it in other words.")
            return None
        return found
    task = Task(
        KIND,
        (asked_payload(words, encoder),),
        f"Reading “{words[:40]}”",
        f"Read “{plain(words, 40)}”",
        "",
        lane="short",
    )
    if known.first_time(words, encoder) and not task.jobs:
        ask_task(task)
    draw_task(task, key)
    st.caption(
        "The encoder reads the words in the background, after the short jobs before it; once, in a "
        "few seconds."
    )
    return None


def ask_for_texts(split: Split, settings: TextSettings) -> None:
    """The button that has the texts of a split encoded, or how far that is."""
    info, train = split.info, split.train
    n = len(train.source_items) + len(train.target_items)
    task = Task(
        "texts",
        (texts_payload(info.split_hash, settings),),
        f"Encoding texts of {info.source_name} and {info.target_name}",
        "Encode the texts",
        "",
        lane="short",
        icon=":material/translate:",
    )
    if not task.is_active:
        st.info(
            f"The texts of these {count(n, 'item')} ({settings.reads}) were not encoded yet by "
            f"{plain(ENCODERS[settings.encoder].title)}. That takes about {duration(5 + n / 500)} "
            "in the background, once; nothing is asked of the network."
        )
    draw_task(task, "encode_texts")


class _Known:
    """The vectors of one session, so that a rerun opens no file."""

    def __init__(self) -> None:
        self.vectors: dict[tuple[str, str], FloatArray] = {}
        self.asked: set[tuple[str, str]] = set()

    @classmethod
    def of(cls) -> _Known:
        """Those of this session."""
        known: _Known = st.session_state.setdefault("known_words", cls())
        return known

    def keep(self, words: str, encoder: str, vector: FloatArray) -> FloatArray:
        """Remember a vector, and return it."""
        if len(self.vectors) > 500:
            self.vectors.clear()
        self.vectors[words, encoder] = vector
        return vector

    def first_time(self, words: str, encoder: str) -> bool:
        """Whether these words were not asked for in this session, which they are from now on."""
        new = (words, encoder) not in self.asked
        self.asked.add((words, encoder))
        return new
