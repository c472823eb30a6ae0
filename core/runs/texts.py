"""Texts brought into vectors by jobs, with progress: items' texts, and what a person types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.basics.errors import SettingsError
from core.basics.progress import Progress, Report
from core.basics.scores import FloatArray
from core.basics.workspace import Workspace
from core.data.pair import DomainPair, ItemFeatures
from core.data.snapshot import read_snapshot
from core.models.text.clean import item_texts, plain_text
from core.models.text.features import TextSettings
from core.models.text.vectors import kept_vectors, text_vectors

LONGEST = 200  # characters a person may type
ASKED = "asked"  # folder of their vectors, apart from those of items


@dataclass(frozen=True)
class ItemTexts:
    """Vectors of both domains' texts as the encoder gives them, zeros for items without a text."""

    source: FloatArray  # (n_source_items, width)
    target: FloatArray


def encode_texts(train: DomainPair, settings: object, report: Report) -> None:
    """Encode what no run has encoded yet and keep it; nothing for a model that reads no texts.

    Raises SettingsError where the encoder is not installed.
    """
    if not isinstance(settings, TextSettings):
        return

    def told(done: int, total: int) -> None:
        report(Progress(done=done, total=total, stage="encoding texts"))

    for features in (train.source_features, train.target_features):
        if features is not None:
            texts = item_texts(features, settings.reads)
            text_vectors(texts, settings.encoder, features.vectors_folder, told)


def read_texts(train: DomainPair, settings: TextSettings) -> ItemTexts | None:
    """What was encoded before, by a job or a training; None where a text is missing."""
    source, target = (
        _kept(features, settings) for features in (train.source_features, train.target_features)
    )
    if source is None or target is None:
        return None
    width = max(source.shape[1], target.shape[1])
    return ItemTexts(_of_width(source, width), _of_width(target, width))


def _of_width(vectors: FloatArray, width: int) -> FloatArray:
    """A domain in which no item has a text has vectors of width 0; they are zeros beside others."""
    return vectors if vectors.shape[1] == width else np.zeros((len(vectors), width), np.float32)


def texts_payload(split_hash: str, settings: TextSettings) -> dict[str, Any]:
    """What a job of kind "texts" is given; equal payloads are one job."""
    return {"split_hash": split_hash, "encoder": settings.encoder, "reads": settings.reads}


def texts_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Encode the texts of a split's items; answers how many items there are."""
    train = read_snapshot(workspace.splits / payload["split_hash"]).train
    encode_texts(train, settings_of(payload), report)
    return {"items": len(train.source_items) + len(train.target_items)}


def settings_of(payload: dict[str, Any]) -> TextSettings:
    """Encoder and columns a payload names; raises SettingsError for others than there are."""
    return TextSettings(encoder=payload["encoder"], reads=payload["reads"])


def asked_payload(words: str, encoder: str) -> dict[str, Any]:
    """What a job of kind "asked" is given: a person's words as an encoder reads them."""
    return {"words": plain_text(words)[:LONGEST], "encoder": encoder}


def asked_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Encode what a person typed, once for all time."""
    if not payload["words"]:
        raise SettingsError(what="There are no words to read.", hint="Type some letters.")
    report(Progress(done=0, total=1, stage="reading the words"))
    text_vectors([payload["words"]], payload["encoder"], workspace.texts / ASKED)
    return {}


def asked_vector(workspace: Workspace, words: str, encoder: str) -> FloatArray | None:
    """(width,) vector of a person's words; None where no job has encoded them yet.

    All 0 where the encoder finds nothing to read in them, such as words that say nothing.
    """
    text = asked_payload(words, encoder)["words"]
    found = kept_vectors([text], encoder, workspace.texts / ASKED)
    return None if found is None else found[0]


def _kept(features: ItemFeatures | None, settings: TextSettings) -> FloatArray | None:
    if features is None or features.vectors_folder is None:
        return None
    texts = item_texts(features, settings.reads)
    return kept_vectors(texts, settings.encoder, features.vectors_folder)
