"""Texts brought into vectors by jobs, with progress: items' texts, and what a person types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.basics.errors import SettingsError
from core.basics.progress import Progress, Report
from core.basics.types import FloatArray
from core.basics.workspace import Workspace
from core.data.pair import DomainPair, ItemFeatures
from core.data.snapshot import read_snapshot
from core.models.text.features import TextSettings, texts_read, uploaded_width, with_uploaded
from core.models.text.vectors import (
    ALONE,
    NOT_USED,
    beside_nothing,
    encoded_vectors,
    kept_vectors,
    text_vectors,
    why_not,
)
from core.models.text.words import plain_text
from core.runs.run_encoder import asked_encoder, kept_words, record_of

LONGEST = 200  # characters a person may type


@dataclass(frozen=True)
class ItemTexts:
    """Vectors of both domains' items as the settings make them, zeros for items without any."""

    source: FloatArray  # (n_source_items, width)
    target: FloatArray


def encode_texts(train: DomainPair, settings: object, report: Report) -> None:
    """Encode what no run has encoded yet and keep it; nothing for a model that reads no texts.

    A model that reads uploaded vectors alone reads none.

    Raises SettingsError where the encoder is not installed.
    """
    if not isinstance(settings, TextSettings) or settings.vectors == ALONE:
        return

    def told(done: int, total: int) -> None:
        report(Progress(done=done, total=total, stage="encoding texts"))

    for features in (train.source_features, train.target_features):
        if features is not None:
            texts = texts_read(features, settings)
            text_vectors(texts, settings.encoder, features.vectors_folder, told)


def read_texts(train: DomainPair, settings: TextSettings) -> ItemTexts | None:
    """What was encoded before, by a job or a training; None where a text is missing.

    With what the settings take of the uploaded vectors; raises SettingsError where they ask for
    vectors that are not there.
    """
    domains = train.source_features, train.target_features
    source, target = (_kept(features, settings) for features in domains)
    if source is None or target is None:
        return None
    of_texts, uploaded = max(source.shape[1], target.shape[1]), uploaded_width(train, settings)
    return ItemTexts(
        *(
            with_uploaded(_of_width(texts, of_texts), features, settings, uploaded)
            for texts, features in zip((source, target), domains, strict=True)
        )
    )


def can_read(train: DomainPair, settings: TextSettings) -> bool:
    """Whether the items have the vectors that the settings ask for."""
    return why_not(train.vector_widths, settings, cross_domain=True) is None


def key_of(settings: TextSettings) -> list[str]:
    """What tells two readings of the same items apart; one without vectors keeps its old names."""
    if settings.vectors == ALONE:
        return [ALONE]
    beside = [] if settings.vectors == NOT_USED else [settings.vectors]
    return [settings.encoder, settings.reads, *beside]


def _of_width(vectors: FloatArray, width: int) -> FloatArray:
    """A domain in which no item has a text has vectors of width 0; they are zeros beside others."""
    return vectors if vectors.shape[1] == width else np.zeros((len(vectors), width), np.float32)


def texts_payload(split_hash: str, settings: TextSettings) -> dict[str, Any]:
    """What a job of kind "texts" is given; equal payloads are one job."""
    told = {"split_hash": split_hash, "encoder": settings.encoder, "reads": settings.reads}
    return told if settings.vectors == NOT_USED else {**told, "vectors": settings.vectors}


def texts_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Encode the texts of a split's items; answers how many items there are."""
    train = read_snapshot(workspace.splits / payload["split_hash"]).train
    encode_texts(train, settings_of(payload), report)
    return {"items": len(train.source_items) + len(train.target_items)}


def settings_of(payload: dict[str, Any]) -> TextSettings:
    """What a payload names; raises SettingsError for others than there are."""
    vectors = payload.get("vectors", NOT_USED)
    return TextSettings(encoder=payload["encoder"], reads=payload["reads"], vectors=vectors)


def asked_payload(words: str, encoder: str) -> dict[str, Any]:
    """What a job of kind "asked" is given; encoder: by name, that of a run among them."""
    return {"words": plain_text(words)[:LONGEST], "encoder": encoder}


def asked_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Encode what a person typed, once for all time."""
    if not payload["words"]:
        raise SettingsError(what="There are no words to read.", hint="Type some letters.")
    report(Progress(done=0, total=1, stage="reading the words"))
    kept_in, kept_as = kept_words(workspace, payload["encoder"])
    encoder = asked_encoder(workspace, payload["encoder"])
    record = record_of(workspace, payload["encoder"])
    encoded_vectors([payload["words"]], encoder, kept_as, kept_in, beside=record)
    return {}


def asked_vector(workspace: Workspace, words: str, encoder: str) -> FloatArray | None:
    """(width,) vector of a person's words; None where no job has encoded them yet.

    All 0 where the encoder finds nothing to read in them, such as words that say nothing.
    """
    text = asked_payload(words, encoder)["words"]
    kept_in, kept_as = kept_words(workspace, encoder)
    found = kept_vectors([text], kept_as, kept_in)
    return None if found is None else found[0]


def _kept(features: ItemFeatures | None, settings: TextSettings) -> FloatArray | None:
    if features is None or features.vectors_folder is None:
        return None
    texts = texts_read(features, settings)
    return kept_vectors(texts, settings.encoder, features.vectors_folder)


def words_as_item(vector: FloatArray, texts: ItemTexts) -> FloatArray:
    """(1, d): a person's words, (width,), as an item with a text and no uploaded vector has it."""
    return beside_nothing(vector[None], texts.target.shape[1])
