"""Vectors of item texts as a job, a run's own encoder, and search in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.basics.columns import SOURCE
from core.basics.errors import RunError, SettingsError
from core.basics.progress import Progress, Report
from core.basics.types import FloatArray, IntArray
from core.basics.workspace import Workspace
from core.data.pair import DomainPair, ItemFeatures
from core.data.snapshot import read_snapshot
from core.models.made.compress import decompressed
from core.models.protocol import State
from core.models.text.encoders import DEFAULT, TextEncoder, encoder_of
from core.models.text.features import (
    Student,
    TextSettings,
    texts_read,
    uploaded_width,
    with_uploaded,
)
from core.models.text.fine_tuned import (
    BOTH_STAGES,
    CARD,
    STUDENT_TABLE,
    FineTunedSettings,
    asked_weights,
)
from core.models.text.forward import WIDTH
from core.models.text.tuning import Readable, base_weights
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
from core.store.run_folder import RECORD, is_run_id, read_run

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
            with_uploaded(
                texts
                if texts.shape[1] == of_texts
                else np.zeros((len(texts), of_texts), np.float32),
                features,
                settings,
                uploaded,
            )
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


def texts_payload(split_hash: str, settings: TextSettings) -> dict[str, Any]:
    """What a job of kind "texts" is given; equal payloads are one job."""
    told = {"split_hash": split_hash, "encoder": settings.encoder, "reads": settings.reads}
    return told if settings.vectors == NOT_USED else {**told, "vectors": settings.vectors}


def texts_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Encode the texts of a split's items, and return how many items there are."""
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


# The text encoder of one run, as its training left it, among the encoders by name.

OF_RUN = "run "  # before the id of the run whose encoder it is
ASKED = "asked"  # folder of what people typed: apart from items' texts, or in the run's own folder


class RunEncoder:
    """Encodes texts as a run of the fine-tuned encoder does; the same vectors it compares from."""

    width = WIDTH

    def __init__(self, settings: FineTunedSettings, state: State) -> None:
        """state: what the run keeps, its tables whole."""
        self._theta = asked_weights(base_weights() | state, BOTH_STAGES, settings)
        self._tuned = None if settings.freeze else settings.tuned

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, 512) float32, zeros where there is nothing to read."""
        return Readable(list(texts), self._tuned, None).all_encoded(self._theta)


def name_of(run_id: str) -> str:
    """Under which the encoder of a run is asked for."""
    return OF_RUN + run_id


def asked_encoder(workspace: Workspace, name: str) -> TextEncoder:
    """An encoder by name, that of a run among them.

    Raises SettingsError where there is no such encoder, RunError where the run is gone.
    """
    if not name.startswith(OF_RUN):
        return encoder_of(name)
    run = read_run(_folder_of(workspace, name))
    if run.record.model != CARD.name:
        raise SettingsError(
            what=f"{run.label} has no text encoder of its own.",
            hint="Choose a run of the fine-tuned text encoder.",
        )
    state = decompressed(run.state())
    if STUDENT_TABLE in state:
        return Student(state[STUDENT_TABLE])
    return RunEncoder(FineTunedSettings.of(run.record.settings), state)


def kept_words(workspace: Workspace, name: str) -> tuple[Path, str]:
    """Where the words that an encoder read are kept, and under which encoder's name and version.

    What was typed to a run lies in its folder and goes with it.
    """
    if not name.startswith(OF_RUN):
        return workspace.texts / ASKED, name
    return _folder_of(workspace, name) / ASKED, DEFAULT


def record_of(workspace: Workspace, name: str) -> Path | None:
    """The record of the run that an encoder belongs to, None where it belongs to none."""
    return _folder_of(workspace, name) / RECORD if name.startswith(OF_RUN) else None


def _folder_of(workspace: Workspace, name: str) -> Path:
    run_id = name.removeprefix(OF_RUN)
    if not is_run_id(run_id):
        raise RunError(
            what=f"There is no run {run_id[:80]!r} in this workspace.", hint="Choose another run."
        )
    return workspace.runs / run_id


# Find items of a domain by what a person types: a part of a title, or an id.


@dataclass(frozen=True)
class Catalogue:
    """What an item can be found by, in the order of item numbers."""

    ids: np.ndarray
    names: np.ndarray  # titles, ids where there is none
    lowered: list[str]  # name and id in small letters
    by_popularity: IntArray  # item numbers, the most interacted first

    @classmethod
    def of(cls, train: DomainPair, domain: str) -> Catalogue:
        """The catalogue of the source or the target."""
        source = domain == SOURCE
        items = train.source_items if source else train.target_items
        features = train.source_features if source else train.target_features
        taken = train.source if source else train.target
        names = items.ids if features is None else features.names(items)
        lowered = [f"{name} {id}".lower() for name, id in zip(names, items.ids, strict=True)]
        counts = np.bincount(taken.indices, minlength=len(items))
        return cls(items.ids, names, lowered, np.argsort(-counts, kind="stable"))

    def find(self, text: str, most: int) -> IntArray:
        """Items whose name or id has all words of the text, at most so many.

        The item with just this id stands first, then names that begin with the text, then the
        rest; the most popular first among each. Nothing is found for nothing.
        """
        text = " ".join(text.lower().split())
        if not text:
            return np.empty(0, dtype=np.intp)
        words = text.split()
        found = [i for i in self.by_popularity if all(word in self.lowered[i] for word in words)]
        found.sort(key=lambda i: (str(self.ids[i]).lower() != text, not self._begins(i, text)))
        return np.array(found[:most], dtype=np.intp)

    def _begins(self, item: int, text: str) -> bool:
        return self.lowered[item].startswith(text)
