"""Data page, Pair: how much both domains share, and how they look side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import DOMAIN, SOURCE, TARGET
from core.charts.data import draw_bins, draw_deciles, draw_overlap, draw_times
from core.data.build_pair import known_in_words
from core.data.pair_folder import PairInfo, steps_that_tell
from core.ui.data.shared import folder_of, names_of, overlap_of, profile_of
from core.ui.shell import show_chart
from core.ui.texts import plain


def draw_overlap_of(pair: PairInfo) -> None:
    """Two bars to scale, and which users are shared."""
    st.subheader("Who is shared", anchor=False)
    found, names = overlap_of(str(folder_of(pair))), names_of(pair)
    source, target = (plain(name, 60) for name in names)
    bars, deciles = st.columns(2, gap="large")
    with bars:
        show_chart(
            draw_overlap(found.source_users, found.target_users, found.shared, names=names),
            f"How many users do both domains share? {found.shared:,}: {found.share_of(SOURCE):.0%} "
            f"of {source} and {found.share_of(TARGET):.0%} of {target}. They carry "
            f"{found.carried(SOURCE):.0%} of the {source} interactions and "
            f"{found.carried(TARGET):.0%} of the {target} ones.",
            key="pair_overlap",
        )
    with deciles:
        show_chart(
            draw_deciles(found.deciles, names=names),
            "Are the shared users the active ones? Each domain's users in tenths by activity.",
            key="pair_deciles",
        )


def draw_steps_of(pair: PairInfo) -> None:
    """How many rows of each domain every filter left; nothing for a pair of an older version."""
    if not pair.steps:
        return
    called = dict(zip((SOURCE, TARGET), names_of(pair), strict=True))
    told = [
        {"Rows": step, **{called[domain]: left.get(domain) for domain in called}}
        for step, left in steps_that_tell(pair.steps).items()
    ]
    st.subheader("What the filters left", anchor=False)
    localized = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        pd.DataFrame(told),
        hide_index=True,
        width="content",
        key="pair_steps",
        column_config=dict.fromkeys(called.values(), localized),
    )
    for domain, known in pair.items_known.items():
        st.caption(plain(known_in_words(known, called[domain]), 200))


def draw_profile_of(pair: PairInfo) -> None:
    """Activity, popularity, ratings and times of both domains on shared axes."""
    st.subheader("Both domains side by side", anchor=False)
    found, names = profile_of(str(folder_of(pair))), names_of(pair)
    for domain, called in zip((SOURCE, TARGET), names, strict=True):
        if domain in found.counts:
            st.caption(f"{plain(called, 60)} · counts: {found.counts[domain].words()}")
    left, right = st.columns(2, gap="large")
    with left:
        show_chart(
            draw_bins(
                found.activity, names=names, x="interactions of a user, from", y="share of users"
            ),
            f"How long are histories? Their medians are {_medians(found.sizes, 'user')}.",
            key="pair_activity",
        )
        if not found.ratings.empty:
            show_chart(
                draw_bins(found.ratings, names=names, x="rating", y="share of interactions"),
                "Which ratings are left after the threshold?",
                key="pair_ratings",
            )
    with right:
        show_chart(
            draw_bins(
                found.popularity, names=names, x="users of an item, from", y="share of items"
            ),
            f"How popular are items? Their medians are {_medians(found.sizes, 'item')} users.",
            key="pair_popularity",
        )
        if not found.times.empty:
            show_chart(
                draw_times(found.times, found.time_step, names=names),
                "Do both domains cover the same time?",
                key="pair_times",
            )


def _medians(sizes: pd.DataFrame, what: str) -> str:
    values = sizes.set_index(DOMAIN)[f"median_{what}"]
    return f"{values[SOURCE]:g} and {values[TARGET]:g}"
