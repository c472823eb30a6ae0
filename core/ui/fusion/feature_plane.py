"""Feature-level fusion: alpha and beta before a network, where more than their ratio counts."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.basics.columns import VALID
from core.basics.formatting import number, signed_with_interval
from core.charts.fusion import draw_rating_plane
from core.evaluation.weightings import FeaturePlane, feature_plane
from core.store.run_folder import Run
from core.ui import cached
from core.ui.fusion.data import Recipe
from core.ui.shell import show_chart
from core.ui.texts import plain


def show_feature_plane(run: Run, recipe: Recipe) -> None:
    """A sentence and the plane of quality over both weights."""
    plane = _plane(str(run.folder), recipe.k, run)
    if plane is None:
        st.caption("Fewer than two validation users have evidence from both domains.")
        return
    names = plain(run.record["source_name"], 30), plain(run.record["target_name"], 30)
    st.markdown(f"**{_sentence(plane, recipe.k)}**")
    show_chart(
        draw_rating_plane(
            plane.steps,
            plane.ndcg,
            plane.near,
            metric=f"nDCG@{recipe.k}",
            lowest=plane.highest,
            here=(1.0, 1.0),
            names=(run.record["source_name"], run.record["target_name"]),
            higher_is_better=True,
        ),
        f"What if the network read less of a history? Here alpha weighs what it reads of "
        f"{names[0]} and beta what it reads of {names[1]}, before its layers, so both count and "
        "not only their ratio. The circle is the model as it was trained; the dotted edge holds "
        f"what is no worse than the star beyond user sampling. {plane.users:,} validation users "
        "with both histories.",
        "feature_plane",
    )


def _sentence(plane: FeaturePlane, k: int) -> str:
    gain = plane.gain
    where = f"alpha {number(plane.highest[0], 2)}, beta {number(plane.highest[1], 2)}"
    words = signed_with_interval(gain.mean, gain.low, gain.high, 4)
    if plane.highest == (1.0, 1.0):
        return (
            f"No weights before the network are better than 1 and 1, as it was trained, nDCG@{k}."
        )
    if not gain.excludes_zero:
        return (
            f"The best weights before the network, {where}, are no better than 1 and 1 beyond user "
            f"sampling: nDCG@{k} {words}."
        )
    return (
        f"The best weights before the network are {where}: nDCG@{k} {words} against 1 and 1, "
        "chosen and measured on the same users."
    )


@st.cache_resource(show_spinner="Asking the network at every pair of weights", max_entries=6)
def _plane(folder: str, k: int, _run: Run) -> FeaturePlane | None:
    model: Any = cached.model(_run)
    return feature_plane(model.score_weighted, cached.split_of(_run), VALID, k)
