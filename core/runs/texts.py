"""Texts of items brought into vectors before a model that reads them is trained, with progress."""

from __future__ import annotations

from core.basics.progress import Progress, Report
from core.data.pair import DomainPair
from core.models.text.clean import item_texts
from core.models.text.features import TextSettings
from core.models.text.vectors import text_vectors


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
