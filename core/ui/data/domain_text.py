"""What is known of the texts and vectors of either domain of a pair or a split, kept by hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count
from core.data.pair import ItemFeatures
from core.data.pair_folder import pair_features
from core.data.text_figures import (
    TextFigures,
    VectorFigures,
    column_shares,
    figures_of_items,
    figures_of_pair,
    sample_texts,
    text_figures,
)
from core.models.text.words import LONGEST, READS, item_texts
from core.ui import cached

SAMPLES, SHOWN = 8, 300  # items of a domain, and characters of each that are shown


@dataclass(frozen=True)
class DomainText:
    """What is known of the texts of one domain."""

    name: str
    shares: dict[str, float]  # by column
    figures: dict[str, TextFigures]  # by what is read
    samples: dict[str, pd.DataFrame]  # by what is read
    vectors: VectorFigures  # of what was uploaded beside the texts


def of_pair(folder: str, names: tuple[str, str]) -> dict[str, DomainText]:
    """By domain, of a pair's folder."""
    source, target = (
        _domain_text(
            folder,
            domain,
            name,
            partial(pair_features, Path(folder), domain),
            partial(figures_of_pair, Path(folder), domain),
        )
        for domain, name in zip((SOURCE, TARGET), names, strict=True)
    )
    return {SOURCE: source, TARGET: target}


def of_split(split_hash: str) -> dict[str, DomainText]:
    """By domain, of a split."""
    info = cached.split_info(split_hash)
    source, target = (
        _domain_text(
            split_hash,
            domain,
            name,
            partial(_split_features, split_hash, domain),
            partial(_split_vectors, split_hash, domain),
        )
        for domain, name in ((SOURCE, info.source_name), (TARGET, info.target_name))
    )
    return {SOURCE: source, TARGET: target}


def _split_features(split_hash: str, domain: str) -> ItemFeatures:
    train = cached.split(split_hash).train
    found = train.source_features if domain == SOURCE else train.target_features
    assert found is not None, "a snapshot describes all its items"
    return found


def _split_vectors(split_hash: str, domain: str) -> VectorFigures:
    return figures_of_items(_split_features(split_hash, domain))


@st.cache_data(show_spinner="Reading the texts", max_entries=8)
def _domain_text(
    key: str,
    domain: str,
    name: str,
    _features: Callable[[], ItemFeatures],
    _vectors: Callable[[], VectorFigures],
) -> DomainText:
    features = _features()
    texts = {reads: item_texts(features, reads) for reads in READS}
    return DomainText(
        name,
        column_shares(features),
        {reads: text_figures(found, LONGEST) for reads, found in texts.items()},
        {reads: _samples(features, reads, found) for reads, found in texts.items()},
        _vectors(),
    )


def _samples(features: ItemFeatures, reads: str, texts: list[str]) -> pd.DataFrame:
    raw = [str(title) for title in features.titles]
    items = sample_texts(raw, texts, SAMPLES)
    return pd.DataFrame(
        {
            "title in the file": [raw[item][:SHOWN] for item in items],
            "as models read it": [_cut(texts[item]) for item in items],
        }
    )


def _cut(text: str) -> str:
    """As much as is shown, and how much more there is."""
    more = len(text) - SHOWN
    return f"{text[:SHOWN]} … and {count(more, 'character')} more" if more > 0 else text
