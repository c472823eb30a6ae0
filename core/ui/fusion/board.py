"""Sliders and everything that moves with them, as a fragment: the rest of the page stays still."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import USER
from core.basics.formatting import count, number, signed, signed_with_interval, with_interval
from core.charts.fusion import mark_weights
from core.evaluation.weightings import fused_per_user, prepared_per_user
from core.fusion.combine import (
    MIN_MAX,
    PRODUCT,
    RAW,
    RECIPROCAL_RANK,
    WEIGHTED_SUM,
    Z_SCORE,
    Fusion,
)
from core.fusion.fused import EQUAL, SHARES
from core.metrics.catalogue import coverage
from core.metrics.intervals import Interval, bootstrap_difference, bootstrap_means
from core.metrics.registry import METRICS, metric_card, metric_title
from core.store.measured import count_look, looks
from core.store.run_folder import Run
from core.ui.fusion import data as fusion_data
from core.ui.fusion.data import (
    CURVE,
    Board,
    Charts,
    Point,
    Recipe,
    jump_buttons,
    jump_to_click,
    pick_weights,
    pinned,
    test_candidates,
)
from core.ui.fusion.data import board as board_of
from core.ui.fusion.user import show_user
from core.ui.keeping import kept_data
from core.ui.shell import figure_config, guarded, safely, show_chart
from core.ui.widgets import plain


@st.fragment
def weigh(run: Run, recipe: Recipe, by: str) -> None:
    """The curve comes right after the sliders, so that it is repainted first."""
    with guarded():
        board = fusion_data.board(run, recipe)
        equation = st.empty()
        here, pin = pick_weights(run, recipe), pinned(run)
        equation.markdown(formula(run, here.kind, here.scale, here.alpha, here.beta))
        charts, best = fusion_data.charts(run, recipe, by), fusion_data.best_share(run, recipe, by)
        left, right = st.columns([2, 1], gap="large")
        with left:
            st.markdown(ratio_words(here.alpha, here.beta))
            show_curve(charts, here, pin)
        with right:
            jump_buttons(run, here, best)
            show_best_ratios(charts)
        show_figures(board, here)
        show_pin(run, pin)
        st.subheader("One user's list as the weights move", anchor=False)
        show_user(run, here)


# The charts and figures that move with the sliders, and test for the pinned point.

SHOWN = ("ndcg", "recall", "hit_rate")
_TESTED = "fusion_tested"


def show_reach(run: Run, recipe: Recipe) -> None:
    """For whom the weights change nothing, loudly where that is everybody."""
    board = board_of(run, recipe)
    if not board.all_users:
        st.info(
            "No user of this split has anything held out for validation, so no weights can be "
            "chosen. Split the pair again with a validation share."
        )
        st.stop()
    words = reach_words(run, len(board.prepared.users), board.both)
    if words:
        (st.caption if board.both else st.info)(words)
    if board.all_users > len(board.prepared.users):
        shown, all_users = len(board.prepared.users), board.all_users
        st.caption(f"The page moves with {shown:,} of {all_users:,} validation users, a sample.")


def show_curve(charts: Charts, here: Point, pin: Point | None) -> None:
    """Quality over the ratio; a click on a point of the green line goes there."""
    words = (
        "How good the lists are at every ratio. Grey: no worse than the best beyond user sampling. "
        "Thin lines: segments of at least 100 users, each with a dot where it is best."
    )
    st.plotly_chart(
        mark_weights(charts.curve, here.share, pin.share if pin else None),
        key=CURVE,
        width="stretch",
        config=figure_config(CURVE),
        alt=words,
        on_select=jump_to_click,
        selection_mode=("points",),
    )
    st.caption(words)


def show_best_ratios(charts: Charts) -> None:
    """Where each segment is best, and how sure that is."""
    st.markdown("**Best ratio by segment**")
    if charts.best is None:
        st.caption("No segment has the 100 validation users a ratio of its own needs.")
        return
    show_chart(
        charts.best,
        "Dot: nearest to 1 : 1 within one standard error of the best. Line: where 95 % of "
        "resampled user groups peak. A line that holds 1 : 1 is no reason to leave it.",
        "fusion_best",
    )
    st.caption("Gain of the dot over 1 : 1, chosen and measured on the same users:")
    st.markdown("  \n".join(f":small[{_gain_words(*row)}]" for row in charts.gains))


def _gain_words(segment: str, share: float, gain: float, low: float, high: float) -> str:
    if share == SHARES[EQUAL]:
        return f"{plain(segment)}: stays at 1 : 1"
    return f"{plain(segment)}: {signed_with_interval(gain, low, high)}"


def show_figures(board: Board, here: Point) -> None:
    """Validation figures where the sliders stand, each beside 1 : 1."""
    lists, now = prepared_per_user(board.prepared, board.relevant, here.alpha, here.beta)
    columns = [f"{name}@{here.k}" for name in SHOWN]
    gains = bootstrap_difference(now[columns].to_numpy(), board.equal[columns].to_numpy())
    places = st.columns(len(columns) + 1)
    for place, column, gain in zip(places, columns, gains, strict=False):
        mean = now[column].mean()
        card = metric_card(column)
        users = f"{count(gain.users, 'validation user')}, {gain.skipped} skipped."
        place.metric(metric_title(column), number(mean, 4), help=f"{card.help} {users}")
        words = f"{signed_with_interval(gain.mean, gain.low, gain.high)} against 1 : 1"
        place.caption(f"**{words}**" if gain.excludes_zero else words)
    share, before = (
        coverage(shown.items, board.n_rankable) for shown in (lists, board.equal_lists)
    )
    places[-1].metric(f"Coverage@{here.k}", number(share, 4), help=METRICS["coverage"].help)
    places[-1].caption(f"{signed(share - before)} against 1 : 1")


def show_pin(run: Run, pin: Point | None) -> None:
    """The pinned point, and its test figures once somebody asks for them."""
    if pin is None:
        st.caption("Pin a point to keep it in the chart and to see what it gives on test.")
        return
    st.markdown(f"**Pinned:** {_words(pin)}")
    st.button(
        "Show test",
        icon=":material/visibility:",
        key="show_test",
        on_click=safely(_look),
        args=(run, pin),
        help="Test is for the point you settled on. Each point looked at is counted.",
    )
    seen = looks(run)
    st.caption(f"Test was looked at for {count(len(seen), 'point')} of this run.")
    if st.session_state.get(_TESTED) == (run.id, pin):
        _show_test(run, pin)


def _look(run: Run, pin: Point) -> None:
    count_look(run, pin.to_dict())
    st.session_state[_TESTED] = (run.id, pin)


def _show_test(run: Run, pin: Point) -> None:
    """Test at the pinned point, at 1 : 1, and the paired difference."""
    at_pin, at_equal = (
        _tested(run, pin.kind, pin.scale, pin.k, *weights)
        for weights in ((pin.alpha, pin.beta), (1.0, 1.0))
    )
    columns = [f"{name}@{pin.k}" for name in SHOWN]
    ours, theirs = at_pin[columns].to_numpy(), at_equal[columns].to_numpy()
    rows = [
        {
            "test": metric_title(column),
            "pinned": _said(mean),
            "1 : 1": _said(equal),
            "difference": signed_with_interval(gain.mean, gain.low, gain.high),
        }
        for column, mean, equal, gain in zip(
            columns,
            bootstrap_means(ours),
            bootstrap_means(theirs),
            bootstrap_difference(ours, theirs),
            strict=True,
        )
    ]
    st.table(pd.DataFrame(rows).set_index("test"))
    st.caption(f"{count(len(at_pin[USER]), 'test user')}, whole catalogue, 95 % over users.")


@kept_data(show_spinner="Ranking for the test users", max_entries=20)
def _tested(run: Run, kind: str, scale: str, k: int, alpha: float, beta: float) -> pd.DataFrame:
    candidates, relevant = test_candidates(run)
    return fused_per_user(candidates, relevant, Fusion(alpha, beta, kind, scale), k)


def _words(point: Point) -> str:
    weights = f"alpha {number(point.alpha, 2)}, beta {number(point.beta, 2)}"
    return plain(f"{weights}, {point.kind}, {point.scale}, k = {point.k}")


def _said(interval: Interval) -> str:
    return with_interval(interval.mean, interval.low, interval.high)


# The formula with its numbers, and what the weights can and cannot change, in words.

KIND_WORDS = {
    WEIGHTED_SUM: "Both parts are scaled, weighed and added.",
    PRODUCT: "Both parts become chances by a sigmoid and are multiplied; the weights are "
    "exponents. A plain product alpha · source × beta · target would only be scaled by "
    "alpha · beta and could not change a single list.",
    RECIPROCAL_RANK: "Only the rank in each part counts, not the distance: 1 / (60 + rank). "
    "No scale is needed.",
}
SCALE_WORDS = {
    RAW: "the parts as the model gives them",
    Z_SCORE: "each user's parts have mean 0 and standard deviation 1 over all unmasked items",
    MIN_MAX: "each user's parts run from 0 to 1 over all unmasked items",
}


def formula(run: Run, kind: str, scale: str, alpha: float, beta: float) -> str:
    """One line of Markdown: the formula in the two domains' names and colours."""
    source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
    a, b = f"{alpha:.2f}", f"{beta:.2f}"
    if kind == RECIPROCAL_RANK:
        parts = f"{a} / (60 + rank in {source})", f"{b} / (60 + rank in {target})"
    elif kind == PRODUCT:
        shapes = {RAW: "σ({})", Z_SCORE: "σ(z({}))", MIN_MAX: "σ(scaled {})"}
        parts = (
            f"{a} · log {shapes[scale].format(source)}",
            f"{b} · log {shapes[scale].format(target)}",
        )
    else:
        shapes = {RAW: "{}", Z_SCORE: "z({})", MIN_MAX: "scaled {}"}
        parts = f"{a} · {shapes[scale].format(source)}", f"{b} · {shapes[scale].format(target)}"
    return f"#### score = :orange[{parts[0]}] + :blue[{parts[1]}]"


def ratio_words(alpha: float, beta: float) -> str:
    """Where the sliders stand, as the only thing that matters for a ranking."""
    if alpha == beta == 0:
        return (
            "With both weights at 0 nothing is ranked: items stand in the order that breaks ties."
        )
    if beta == 0:
        where = "source only"
    elif alpha == 0:
        where = "target only"
    else:
        larger = max(alpha, beta)
        where = f"{alpha / larger:.2g} : {beta / larger:.2g}"
    return f"Only the ratio alpha : beta changes a ranking: you are at **{where}**."


def scale_words(run: Run, kind: str, scale: str) -> str:
    """Which scale the parts have, and why."""
    if kind == RECIPROCAL_RANK:
        return KIND_WORDS[RECIPROCAL_RANK]
    default = RAW if run.card.additive and kind != PRODUCT else Z_SCORE
    if kind == PRODUCT:
        why = "A product needs parts in like units, so z-score is the default."
    elif run.card.additive:
        why = (
            "This model's parts add up to its own score, so raw is the default: 1 : 1 gives the "
            "model's own lists. Scaling each user's parts apart hurts models solved jointly."
        )
    else:
        why = (
            "This model's score is no sum of its parts, so their units differ and z-score is the "
            "default. 1 : 1 is then not the model's own list."
        )
    own = "" if scale == default else f" You chose {scale}: {SCALE_WORDS[scale]}."
    return why + own


def reach_words(run: Run, users: int, both: int) -> str | None:
    """For whom the weights change nothing; None where they count for everybody."""
    source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
    if both == users:
        return None
    if both == 0:
        return (
            "No validation user has evidence from both domains in this run, so no weight changes "
            "any list: whoever has evidence from one domain gets that part alone."
        )
    return (
        f"The weights move the lists of the {both:,} of {users:,} validation users with evidence "
        f"from both domains. Without history in {source} the {target} part stands alone, and the "
        "other way round; without either, popularity."
    )


def limits(run: Run) -> str:
    """The folded text: what the weights can and cannot change."""
    points = [
        plain(run.card.words, 600),
        "The weights act after training: moving a slider never trains anything again.",
        "Doubling both weights changes no list, so quality is a curve over the ratio, not a "
        "surface over alpha and beta.",
        *KIND_WORDS.values(),
        "A missing part is never a silent zero: a user without history in one domain gets the "
        "other part alone, a user without any gets popularity.",
        "Every list here is exact for the whole catalogue: an item is left out only if enough "
        "others stand before it at every weighting.",
        "Weights are chosen on validation users. Test is shown for a pinned point only, and looks "
        "are counted: whoever looks often enough finds a lucky point.",
    ]
    return "\n".join(f"- {point}" for point in points)
