"""What the text of a recommended item and those of a history's items have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.basics.columns import SOURCE, TARGET
from core.basics.types import FloatArray
from core.data.pair import DomainPair
from core.models.kernel.arrays import unit
from core.models.protocol import CrossDomainModel
from core.models.text.features import TextSettings, centre_of, centred, texts_read
from core.models.text.fine_tuned import FineTunedSettings, compared_vectors
from core.models.text.vectors import ALONE
from core.models.text.words import WordCounts
from core.runs.one_user import Reasons
from core.runs.texts import ItemTexts


@dataclass(frozen=True)
class ReadTexts:
    """The texts a model has read, and where known their vectors from each domain's own centre."""

    source: Sequence[str]
    target: Sequence[str]
    counts: WordCounts
    vectors: tuple[FloatArray, FloatArray] | None  # (n_source, d) and (n_target, d)

    @classmethod
    def of(cls, train: DomainPair, model: CrossDomainModel, kept: ItemTexts | None) -> ReadTexts:
        """What a model that reads text has read; kept: vectors that were encoded, if any."""
        settings = reads_of(model)
        source, target = (
            texts_read(features, settings)
            for features in (train.source_features, train.target_features)
        )
        return cls(source, target, WordCounts.of(source, target), _vectors(model, kept))


@dataclass(frozen=True)
class SharedText:
    """One history item beside the recommended one."""

    domain: str
    item: int
    amount: float  # what it adds to the score
    words: Sequence[str]  # in both texts, the rarest first
    cosine: float | None  # of both texts, each from its domain's centre, as the model reads them


def reads_text(model: CrossDomainModel) -> bool:
    """Whether the model reads what is written about items."""
    return isinstance(getattr(model, "settings", None), TextSettings | FineTunedSettings)


def reads_of(model: CrossDomainModel) -> TextSettings:
    """Which encoder reads what, of a model that reads text; the default one where it learned."""
    settings = model.settings
    if isinstance(settings, FineTunedSettings):
        return TextSettings(reads=settings.reads)
    assert isinstance(settings, TextSettings), "ask reads_text first"
    return settings


def reads_words(model: CrossDomainModel) -> bool:
    """Whether it reads texts and not uploaded vectors alone, so that words can be told of it."""
    return reads_text(model) and reads_of(model).vectors != ALONE


def shared_texts(read: ReadTexts, why: Reasons, most: int) -> list[SharedText]:
    """What the strongest history items share with the item, the strongest first."""
    rows = [
        (domain, int(item), float(amount))
        for domain, items, amounts in (
            (SOURCE, why.source_items, why.source_amounts),
            (TARGET, why.target_items, why.target_amounts),
        )
        for item, amount in zip(items, amounts, strict=True)
        if amount > 0
    ]
    rows.sort(key=lambda row: -row[2])
    return [_shared(read, why.item, *row) for row in rows[:most]]


def _shared(read: ReadTexts, wanted: int, domain: str, item: int, amount: float) -> SharedText:
    text = (read.source if domain == SOURCE else read.target)[item]
    words = read.counts.shared(text, read.target[wanted])
    if read.vectors is None:
        return SharedText(domain, item, amount, words, None)
    vectors = read.vectors[domain == TARGET]
    return SharedText(domain, item, amount, words, float(vectors[item] @ read.vectors[1][wanted]))


def _vectors(
    model: CrossDomainModel, kept: ItemTexts | None
) -> tuple[FloatArray, FloatArray] | None:
    """The model's own where it keeps them, else those that were encoded."""
    if isinstance(model.settings, FineTunedSettings):
        ours, theirs = compared_vectors(model.state())
        return unit(ours), unit(theirs)  # a pruned run's are shorter
    own = getattr(model, "source", None), getattr(model, "target", None)
    if isinstance(own[0], np.ndarray) and isinstance(own[1], np.ndarray):
        return own[0], own[1]
    if kept is None:
        return None
    source, target = (centred(part, centre_of(part)) for part in (kept.source, kept.target))
    return source, target
