"""Data page, Text: what models that read text would read of either domain's items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count
from core.charts.intervals import draw_domain_shares
from core.data.pair import ItemFeatures
from core.data.pair_folder import pair_features
from core.data.text_figures import (
    SCRIPTS,
    TextFigures,
    VectorFigures,
    column_shares,
    figures_of_items,
    figures_of_pair,
    sample_texts,
    text_figures,
    vector_words,
)
from core.models.text.words import LONGEST, READS, TITLES, item_texts
from core.ui import cached
from core.ui.data.shared import folder_of, names_of, pick_pair
from core.ui.keeping import kept_data
from core.ui.shell import show_chart
from core.ui.state import current_split_hash, linked, one_of
from core.ui.widgets import plain, show_rows

COLOURS = {SOURCE: "orange", TARGET: "blue"}


def show_text_tab() -> None:
    """Columns and scripts, what each choice of columns gives, and samples."""
    pair = pick_pair("pair_of_text_tab")
    split_hash = current_split_hash()
    if pair is not None:
        domains = of_pair(str(folder_of(pair)), names_of(pair))
    elif split_hash is not None:
        domains = of_split(split_hash)
        st.caption("There is no pair here; these are the items of the split that models train on.")
    else:
        st.info("There is no pair yet. Make one under Pair, then what its items say stands here.")
        return
    # Who has no text, and what to do about it
    without = [
        f":{COLOURS[domain]}[{plain(found.name, 40)}]"
        for domain, found in domains.items()
        if not found.figures[READS[-1]].with_text
    ]
    if without:
        st.info(
            f"No item of {' and '.join(without)} has any text. Import an item table with titles "
            "under Import and choose it under Pair, “Titles and categories”. Models that read "
            "text need one for the target, or vectors for both."
        )
    _say_vectors(domains)
    reads = st.segmented_control(
        "What models read of an item",
        READS,
        required=True,
        **linked("text_reads", TITLES, one_of(READS), key="text_reads"),
        format_func=str.capitalize,
        help="The same choice as “reads” in the settings of models that read text.",
    )
    left, right = st.columns(2, gap="large")
    with left:
        _draw_columns(domains)
    with right:
        _draw_scripts(domains, reads)
    _show_choices(domains)
    _show_samples(domains, reads)


def _say_vectors(domains: dict[str, DomainText]) -> None:
    """Who has uploaded vectors, of which width; nothing where nobody has."""
    named = {
        f":{COLOURS[domain]}[{plain(found.name, 40)}]": found for domain, found in domains.items()
    }
    items = {name: found.figures[TITLES].items for name, found in named.items()}
    said = vector_words({name: found.vectors for name, found in named.items()}, items)
    if not said:
        return
    st.markdown(said)
    widths = {found.vectors.width for found in domains.values()}
    if 0 in widths:
        st.caption("Models can read them beside the text, where those of one domain are zeros.")
    elif len(widths) > 1:
        st.warning("Vectors of two widths cannot be compared: bring those of one model for both.")


def _draw_columns(domains: dict[str, DomainText]) -> None:
    rows = list(domains[TARGET].shares)
    shares = {domain: list(found.shares.values()) for domain, found in domains.items()}
    show_chart(
        draw_domain_shares(
            [row.capitalize() for row in rows],
            shares,
            x="share of the items",
            names=_names(domains),
        ),
        f"Which columns of the item tables are filled? "
        f"{_counted(domains, SOURCE)}, {_counted(domains, TARGET)}.",
        "text_columns",
    )


def _counted(domains: dict[str, DomainText], domain: str) -> str:
    found = domains[domain]
    return f"{count(found.figures[TITLES].items, 'item')} of {plain(found.name, 40)}"


def _draw_scripts(domains: dict[str, DomainText], reads: str) -> None:
    """The mix of scripts, the most frequent first."""
    figures = {domain: found.figures[reads] for domain, found in domains.items()}
    there = [name for name in SCRIPTS if any(name in f.scripts for f in figures.values())]
    if not there:
        st.caption("No item has a text to tell a script by.")
        return
    there.sort(key=lambda name: -max(_share(f, name) for f in figures.values()))
    shares = {domain: [_share(f, name) for name in there] for domain, f in figures.items()}
    mixed = " and ".join(
        f"{f.mixed:,} of {plain(domains[domain].name, 40)}" for domain, f in figures.items()
    )
    show_chart(
        draw_domain_shares(there, shares, x="share of the texts", names=_names(domains)),
        "In which script are the texts? Each counts for the script with most of its letters; "
        f"texts with a fifth or more in a second script: {mixed}.",
        "text_scripts",
    )


def _share(figures: TextFigures, script: str) -> float:
    return figures.scripts.get(script, 0) / max(1, figures.with_text)


def _names(domains: dict[str, DomainText]) -> tuple[str, str]:
    return domains[SOURCE].name, domains[TARGET].name


def _show_choices(domains: dict[str, DomainText]) -> None:
    """A row per choice and domain: how many items have a text, and of what kind."""
    st.markdown("**What each choice gives**")
    rows = [
        {
            "Read": reads.capitalize(),
            "Domain": found.name,
            "With text": f"{figures.with_text / max(1, figures.items):.0%}",
            "Without": figures.empty,
            "Repeated": figures.repeated,
            "Median characters": round(figures.median) if figures.with_text else None,
            "Longest": figures.longest,
            f"Cut at {LONGEST:,}": figures.cut,
        }
        for reads in READS
        for found in domains.values()
        for figures in (found.figures[reads],)
    ]
    show_rows(
        pd.DataFrame(rows),
        "text_choices",
        "How many items have a text, and of what kind, by what is read.",
        {
            "Without": "items with no text: their vector is zero, so a model that reads text alone "
            "never tells them apart.",
            "Repeated": "items whose text is, letter by letter, that of another of the domain.",
            f"Cut at {LONGEST:,}": "markup and invisible characters are taken away first. Of what "
            "is left the universal encoder takes up the first 256 pieces of words, about 1,000 "
            "letters of English.",
        },
    )


def _show_samples(domains: dict[str, DomainText], reads: str) -> None:
    """Some items of either domain as they stand and as they are read, titles whole."""
    samples = pd.concat(
        [found.samples[reads] for found in domains.values()],
        keys=[found.name for found in domains.values()],
        names=["Domain", None],
    ).reset_index("Domain")
    if samples.empty:
        st.caption("No item has a text of this kind.")
        return
    st.markdown("**Some items, as models read them**")
    if (samples[IN_FILE] == samples[AS_READ]).all():
        samples = samples.drop(columns=AS_READ)
    show_rows(samples, "text_samples", "Titles of some items, and what models read of them.")


# What is known of the texts and vectors of either domain of a pair or a split, kept by hash.

SAMPLES, SHOWN = 8, 300  # items of a domain, and characters of each that are shown
IN_FILE, AS_READ = "Title in the file", "As models read it"


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


@kept_data(show_spinner="Reading the texts", max_entries=8)
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
            IN_FILE: [raw[item][:SHOWN] for item in items],
            AS_READ: [_cut(texts[item]) for item in items],
        }
    )


def _cut(text: str) -> str:
    """As much as is shown, and how much more there is."""
    more = len(text) - SHOWN
    return f"{text[:SHOWN]} … and {count(more, 'character')} more" if more > 0 else text
