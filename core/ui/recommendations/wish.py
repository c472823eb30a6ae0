"""A new visitor in words: what they like as one more text of their history, and what is near it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count
from core.basics.types import FloatArray
from core.data.pair import bin_places
from core.embedding.neighbours import nearest_to
from core.models.made.compress import PRUNED
from core.models.made.recorded import answering
from core.models.protocol import CrossDomainModel
from core.models.registry import CARDS
from core.models.text.encoders import ENCODERS
from core.models.text.features import HearsWords, centre_of, centred
from core.models.text.fine_tuned import STUDENT_TABLE, FineTunedSettings, HearingModel
from core.models.text.vectors import BESIDE
from core.runs.explain.reasons import reads_of, reads_text, reads_words
from core.runs.making.texts import name_of, words_as_item
from core.store.run_folder import Run
from core.ui import cached
from core.ui.recommendations.view import View
from core.ui.recommendations.why import read_texts
from core.ui.text_vectors import ask_for_texts, type_words, vector_of_words
from core.ui.widgets import plain, show_table

NAME = "wish"  # in the address bar
NEAREST = 8  # items per domain


@dataclass(frozen=True)
class Wish:
    """What a visitor said, and its directions from both domains' centres."""

    words: str
    source: FloatArray  # (width,)
    target: FloatArray
    known: int  # target items the visitor has: who answers in a routed run goes by them


def pick_wish(view: View, known: int) -> Wish | None:
    """The box and what was typed into it; None where it is empty, or not read yet.

    known: target items the visitor has so far; a routed run passes words on to the model that
    answers people with so many.
    """
    model, about = _hearing(view.run, known)
    if not isinstance(model, HearsWords) or not reads_text(model):
        if model is not cached.model(view.run):
            title = plain(CARDS[about["model"]].title if about["model"] in CARDS else "a blend")
            st.caption(
                f"{title} answers people with {count(known, 'item')} in "
                f"{plain(view.run.record.target_name, 40)} here, and hears no words."
            )
            return None
        st.caption(
            "A run of Text profile, Text ridge or the Fine-tuned text encoder can also be asked in "
            "words: “a quiet film about a family in winter”."
        )
        return None
    if not reads_words(model):
        st.caption(
            "This run reads uploaded vectors and no text, so it cannot be asked in words; what is "
            "added below is all it goes by."
        )
        return None
    if isinstance(model, HearingModel) and not model.hears:
        st.caption("Train this run again to ask it in words: it is of an older version.")
        return None
    words = type_words(
        "What do they like, in words?",
        NAME,
        "a quiet film about a family in winter",
        "In any language the encoder of this run knows. The words count as one more item of the "
        "target history, beside whatever is added below.",
    )
    if not words:
        return None
    if isinstance(model, HearingModel):
        directions = _heard_by_run(str(about.get("run", view.run.id)), model, words)
    else:
        directions = _heard(view, model, words)
    return None if directions is None else Wish(words, *directions, known)


def _hearing(run: Run, known: int) -> tuple[CrossDomainModel, Mapping[str, Any]]:
    """The model that answers a visitor with so many target items, and what describes it."""
    return answering(run.record.untrained, cached.model(run), known)


def _heard(view: View, model: CrossDomainModel, words: str) -> tuple[FloatArray, FloatArray] | None:
    """The words from the centre of either domain's texts; None where a job must read them first."""
    settings = reads_of(model)
    texts = cached.item_texts(view.split, settings)
    if texts is None:
        ask_for_texts(view.split, settings)
        return None
    vector = vector_of_words(words, settings.encoder, "read_wish")
    if vector is None:
        return None
    source, target = (
        centred(words_as_item(vector, texts), centre_of(part))[0]
        for part in (texts.source, texts.target)
    )
    return source, target


def _heard_by_run(
    run_id: str, model: HearingModel, words: str
) -> tuple[FloatArray, FloatArray] | None:
    """The same by the encoder that a run itself tuned, or by its student.

    run_id: of the run, or of the one that a routed run has the model of.
    """
    if run_id not in {run.id for run in cached.runs()}:
        st.caption("The run whose encoder would read words was deleted; train it again to ask so.")
        return None
    vector = vector_of_words(words, name_of(run_id), "read_wish")
    if vector is None:
        return None
    source, target = model.words_as_items(vector[None])
    return source[0], target[0]


def show_wish(view: View, wish: Wish) -> None:
    """What was done with the words, and the items of both domains nearest to them."""
    target = plain(view.run.record.target_name, 40)
    model, about = _hearing(view.run, wish.known)
    st.markdown(f"**Nearest to “{plain(wish.words)}”**")
    for column, (domain, colour) in zip(
        st.columns(2, gap="large"), ((SOURCE, "orange"), (TARGET, "blue")), strict=True
    ):
        with column:
            st.markdown(f":{colour}[**{plain(view.run.record.name_of(domain), 40)}**]")
            _show_near(view, wish, domain)
    st.caption(
        f"What happened: {_reading(model, view.run)}. For the list above the "
        f"words count as one more item of the history in {target}, so their share is blue; "
        f"{_then(str(about['model']))} The tables compare the words with each item's text "
        "alone, by cosine."
    )


def _reading(model: CrossDomainModel, run: Run) -> str:
    """Who read the words, and how they came where the items are."""
    settings = reads_of(model)
    of_items = f"read the words as the texts of all items ({settings.reads})"
    centre = "the centre of a domain's texts was taken away, as from every text"
    if not isinstance(model, HearingModel):
        own = f"the encoder ({plain(ENCODERS[settings.encoder].title)})"
        beside = ", with zeros where items have their uploaded vectors, which words have none of"
        return f"{own} {of_items}{beside if settings.vectors == BESIDE else ''}; {centre}"
    if STUDENT_TABLE in model.weights:
        return (
            f"the student of this run's encoder {of_items}; it knows the words, and pieces of "
            "words, that stood in them, and others by chance alone"
        )
    return f"{_own_encoder(model.settings)} {of_items}; {centre}{_compressed(run)}"


def _own_encoder(settings: FineTunedSettings) -> str:
    if not settings.share:
        return "the encoder as it came, with the layer above it as it began,"
    if settings.freeze:
        return "the encoder as it came, with the layer that this run learned above it,"
    return "the encoder as this run tuned it, with the layer above it,"


def _compressed(run: Run) -> str:
    """What a pruned encoder is worth."""
    if (run.record.compression or {}).get("kind") != PRUNED:
        return ""
    return "; it was pruned, and so were the items, so words find what is near them less surely"


def _then(model: str) -> str:
    if model == "text_ridge":
        return "what other users with such texts in their history took scores high."
    return "items whose text is alike score high, less what all titles have in common."


def _show_near(view: View, wish: Wish, domain: str) -> None:
    routed = _hearing(view.run, wish.known)[0] is not cached.model(view.run)
    group = int(bin_places(np.array([wish.known]))[0]) if routed else 0
    read = read_texts(view.run, group)
    texts = read.source if domain == SOURCE else read.target
    vectors = None if read.vectors is None else read.vectors[domain == TARGET]
    if vectors is None or not len(vectors):
        st.caption("No item has a text.")
        return
    wanted = wish.source if domain == SOURCE else wish.target
    items, cosines = nearest_to(vectors, wanted, NEAREST, np.arange(len(vectors)))
    names = cached.item_names(view.split, domain)
    table = pd.DataFrame(
        {
            "title": names[items],
            "cosine": cosines,
            "words in common": [
                ", ".join(read.counts.shared(wish.words, texts[item])) for item in items.tolist()
            ],
        }
    )
    looks = {
        "title": st.column_config.TextColumn(width=270),
        "cosine": st.column_config.NumberColumn(format="%.2f", width=70),
    }
    show_table(table, f"wish_{domain}", column_config=looks)
