"""Questions beyond one ratio: weights by activity, what a ratio gives up, weights in a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import VALID
from core.basics.formatting import number, signed_with_interval
from core.charts.fusion import draw_pareto, draw_rating_plane
from core.evaluation.weightings import NAMES, FeaturePlane, feature_plane, on_front, ratio_metrics
from core.fusion.fused import EQUAL, SHARES, Gate, fit_gate, weights_of
from core.metrics.registry import METRICS
from core.store.run_folder import Run
from core.ui import cached
from core.ui.fusion import data as fusion_data
from core.ui.fusion.data import Charts, Recipe
from core.ui.keeping import kept_data, kept_resource
from core.ui.shell import guarded, show_chart
from core.ui.state import linked, one_of
from core.ui.widgets import plain

ACTIVITY, SEGMENTS, TRADE_OFF, FEATURES = (
    "Weights by activity",
    "Best ratio by segment",
    "Trade-off of two metrics",
    "Weights before the network",
)


def show_beyond(run: Run, recipe: Recipe, by: str) -> None:
    """Each as a tab, computed where it is opened; by: the kind of segments that are drawn."""
    shown: dict[str, Callable[[Run, Recipe], None]] = {
        ACTIVITY: _show_gate,
        SEGMENTS: lambda run, recipe: _show_best_ratios(fusion_data.charts(run, recipe, by)),
        TRADE_OFF: _show_trade_off,
    }
    if cached.model(run).weighs_features:
        shown[FEATURES] = show_feature_plane
    names = list(shown)
    tabs = st.tabs(names, **linked("fusion_tab", names[0], one_of(names), key="fusion_tab"))
    for tab, show in zip(tabs, shown.values(), strict=True):
        if tab.open:
            with tab, guarded():
                show(run, recipe)


def _show_gate(run: Run, recipe: Recipe) -> None:
    gate = _gate(run, recipe)
    if gate is None:
        st.caption("Fewer than ten validation users have both histories: nothing can be fitted.")
        return
    source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
    st.markdown(f"**{_sentence(gate, recipe.k)}**")
    alpha, beta = weights_of(gate.share)
    pair_words = f"alpha {number(alpha, 2)}, beta {number(beta, 2)}"
    found = gate.difference
    title = f"nDCG@{recipe.k}, validation"
    rows = [
        ("by activity", _turn_words(gate, target), number(gate.gated, 4)),
        ("one pair for everybody", pair_words, number(gate.plain, 4)),
    ]
    gaps = signed_with_interval(found.mean, found.low, found.high, 4), "–"
    table = pd.DataFrame(rows, columns=["weights", "at", title]).assign(difference=gaps)
    st.table(table, border="horizontal", hide_index=True)
    st.caption(
        f"The gate has one parameter, t: a user with n interactions in {target} weighs {source} "
        f"by t / (t + n) and {target} by n / (t + n). All figures are over the "
        f"{found.users:,} validation users with both histories, each judged by weights that were "
        "fitted on others (five folds)."
    )


def _show_best_ratios(charts: Charts) -> None:
    """Where each segment is best, how sure that is, and what it gains."""
    if charts.best is None:
        st.caption("No segment has the 100 validation users a ratio of its own needs.")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        show_chart(
            charts.best,
            "Dot: nearest to 1 : 1 within one standard error of the best. Line: where 95 % of "
            "resampled user groups peak. A line that holds 1 : 1 is no reason to leave it.",
            "fusion_best",
        )
    with right:
        st.markdown("Gain over 1 : 1, chosen and measured on the same users:")
        st.markdown("  \n".join(_gain_words(*row) for row in charts.gains))


def _gain_words(segment: str, share: float, gain: float, low: float, high: float) -> str:
    if share == SHARES[EQUAL]:
        return f"{plain(segment)}: stays at 1 : 1"
    return f"{plain(segment)}: {signed_with_interval(gain, low, high)}"


def _sentence(gate: Gate, k: int) -> str:
    found = gate.difference
    words = signed_with_interval(found.mean, found.low, found.high, 4)
    if not found.excludes_zero:
        return (
            f"Weighing by activity shows no gain beyond user sampling: nDCG@{k} {words} on "
            "users it was not fitted on. One pair of weights for everybody is enough."
        )
    verb = "gains" if found.mean > 0 else "loses"
    return f"Weighing by activity {verb} against one pair for everybody: nDCG@{k} {words}."


def _turn_words(gate: Gate, target: str) -> str:
    if np.isinf(gate.turn):
        return "source only, whatever the history"
    if gate.turn == 0:
        return "target only, wherever there is history"
    return f"1 : 1 at {gate.turn:g} interactions in {target}"


def _show_trade_off(run: Run, recipe: Recipe) -> None:
    table = _metrics(run, recipe)
    left, right = st.columns(2)
    titles = {name: METRICS[name].titled(str(recipe.k)) for name in NAMES}
    across = left.selectbox(
        "Across",
        NAMES,
        index=NAMES.index("coverage"),
        format_func=titles.__getitem__,
        key="pareto_across",
    )
    up = right.selectbox("Up", NAMES, format_func=titles.__getitem__, key="pareto_up")
    front = on_front(table[across].to_numpy(), table[up].to_numpy())
    st.markdown(f"**{_front_words(table, front, across, up, titles)}**")
    show_chart(
        draw_pareto(table, across, up, front, x=titles[across], y=titles[up]),
        "What does a ratio give up in one metric for the other? Every dot is a ratio alpha : beta "
        "on validation users; on the green line no other ratio is better in both. Orange: source "
        "only; blue: target only.",
        "pareto",
    )


def _front_words(
    table: pd.DataFrame, front: np.ndarray, across: str, up: str, titles: dict[str, str]
) -> str:
    if across == up:
        return "Choose two different metrics to see what one costs in the other."
    if front.sum() == 1:
        alpha, beta = weights_of(float(table["share"][front].iloc[0]))
        return (
            f"Nothing has to be given up: alpha {number(alpha, 2)}, beta {number(beta, 2)} is best "
            f"in both {titles[across]} and {titles[up]}."
        )
    best = table[front].sort_values(across)
    if len(best.drop_duplicates([across, up])) == 1:
        return (
            f"Nothing has to be given up: {int(front.sum())} ratios give the same {titles[across]} "
            f"and {titles[up]}, and no other is better in either."
        )
    first, last = best.iloc[0], best.iloc[-1]
    return (
        f"From {titles[across]} {number(first[across])} to {number(last[across])} costs "
        f"{titles[up]} {number(first[up], 4)} → {number(last[up], 4)}, over {int(front.sum())} "
        "ratios that none other beats."
    )


@kept_data(show_spinner="Fitting the gate", max_entries=10)
def _gate(run: Run, recipe: Recipe) -> Gate | None:
    board = fusion_data.board(run, recipe)
    both = board.prepared.has_source & board.prepared.has_target
    history = cached.split_of(run).train.target_history[board.prepared.users]
    return fit_gate(board.curve[both], history[both])


@kept_data(show_spinner="Ranking at every ratio", max_entries=10)
def _metrics(run: Run, recipe: Recipe) -> pd.DataFrame:
    board = fusion_data.board(run, recipe)
    split = cached.split_of(run)
    train, relevant = split.train, split.held_out(VALID)
    n_known = int((train.target_history > 0).sum())
    n_rankable = split.masked(VALID).n_rankable
    return ratio_metrics(board.prepared, relevant, train.popularity, n_known, n_rankable)


# Feature-level fusion: alpha and beta before a network, where more than their ratio counts.


def show_feature_plane(run: Run, recipe: Recipe) -> None:
    """A sentence and the plane of quality over both weights."""
    plane = _plane(run, recipe.k)
    if plane is None:
        st.caption("Fewer than two validation users have evidence from both domains.")
        return
    names = plain(run.record.source_name, 30), plain(run.record.target_name, 30)
    st.markdown(f"**{_plane_sentence(plane, recipe.k)}**")
    show_chart(
        draw_rating_plane(
            plane.steps,
            plane.ndcg,
            plane.near,
            metric=f"nDCG@{recipe.k}",
            lowest=plane.highest,
            here=(1.0, 1.0),
            names=(run.record.source_name, run.record.target_name),
            higher_is_better=True,
        ),
        f"What if the network read less of a history? Here alpha weighs what it reads of "
        f"{names[0]} and beta what it reads of {names[1]}, before its layers, so both count and "
        "not only their ratio. The circle is the model as it was trained; the dotted edge holds "
        f"what is no worse than the star beyond user sampling. {plane.users:,} validation users "
        "with both histories.",
        "feature_plane",
    )


def _plane_sentence(plane: FeaturePlane, k: int) -> str:
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


@kept_resource(show_spinner="Asking the network at every pair of weights", max_entries=6)
def _plane(run: Run, k: int) -> FeaturePlane | None:
    model: Any = cached.model(run)
    return feature_plane(model.score_weighted, cached.split_of(run), VALID, k)
