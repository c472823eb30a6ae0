"""The board: options, weights and everything that moves with them, one reading of the page."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.basics.columns import USER, VALID
from core.basics.formatting import count, number, signed_with_interval, with_interval
from core.charts.fusion import mark_weights
from core.charts.theme import one_line
from core.evaluation.weightings import fused_per_user
from core.fusion.combine import (
    MIN_MAX,
    PRODUCT,
    RAW,
    RECIPROCAL_RANK,
    WEIGHTED_SUM,
    Z_SCORE,
    Fusion,
)
from core.metrics.intervals import Interval, bootstrap_difference, bootstrap_means
from core.metrics.registry import metric_title
from core.store.measured import count_look, looks
from core.store.run_folder import Run
from core.ui import cached
from core.ui.fusion import data as fusion_data
from core.ui.fusion.beyond import show_beyond
from core.ui.fusion.cockpit import show_cockpit
from core.ui.fusion.data import (
    CURVE,
    PLAIN,
    SHOWN,
    Board,
    Point,
    Recipe,
    jump_buttons,
    jump_to_click,
    pick_recipe,
    pick_weights,
    pinned,
    ratio_text,
    show_beside,
    test_candidates,
    weights_here,
)
from core.ui.fusion.data import board as board_of
from core.ui.fusion.user import OneUser, one_user, pick_user, show_list
from core.ui.keeping import kept_data
from core.ui.shell import figure_config, guarded, safely
from core.ui.widgets import plain

_TESTED = "fusion_tested"


@st.fragment
def weigh(run: Run) -> None:
    """Buttons and drawers, the cockpit, the pinned point, and the questions beyond one ratio."""
    with guarded():
        if why := _why_nothing(run):
            st.info(why)
            return
        bar = st.container(horizontal=True, vertical_alignment="center")
        with bar.popover("User", icon=":material/person:", key="fusion_user", width="content"):
            user = pick_user(run)
        with bar.popover("Options", icon=":material/tune:", key="fusion_options", width="content"):
            recipe, by = _pick_options(run)
        best = fusion_data.best_share(run, recipe, by)
        one = None if user is None else one_user(run, user, recipe)
        if one is None or st.session_state.get(PLAIN):
            here = Point.of(recipe, *_weigh_plainly(run, recipe, by, best, one))
        else:
            here = Point.of(recipe, *weights_here(best))
            show_cockpit(run, recipe, by, here, one, formula(run, recipe, one_line))
        with bar:
            jump_buttons(run, here, best)
        st.caption(reach_words(run, board_of(run, recipe)))
        show_beside(run)
        show_pin(run, pinned(run))
        show_beyond(run, recipe, by)


def _pick_options(run: Run) -> tuple[Recipe, str]:
    """What is seldom changed: the recipe, the segments drawn, and the plain controls."""
    recipe, by = pick_recipe(run)
    st.caption(scale_words(run, recipe.kind, recipe.scale))
    st.toggle(
        "Plain controls",
        key=PLAIN,
        persist_state="session",
        help="Plain sliders and a chart that can be saved as a figure. Every move asks the server.",
    )
    return recipe, by


def _why_nothing(run: Run) -> str:
    """Why no weights can be chosen for this run, and what to do; nothing where they can."""
    candidates = cached.candidates(run, VALID)
    users = candidates.users
    if (candidates.has_source & candidates.has_target).any():
        return ""
    if not len(users):
        return (
            "No user of this split has anything held out for validation, so no weights can be "
            "chosen. Split the pair again with a validation share."
        )
    train = cached.split_of(run).train
    if not ((train.source_history[users] > 0) & (train.target_history[users] > 0)).any():
        return (
            "No validation user has both histories, so no weight changes any list. Choose a run "
            "of another split in the sidebar to weigh its domains."
        )
    return (
        f"{plain(run.card.title)} hears from one domain at most, so no weight changes any list of "
        "a validation user. Choose a run that reads both in the sidebar."
    )


# The plain controls: they stand where the cockpit cannot, and where somebody wants them.


def _weigh_plainly(
    run: Run, recipe: Recipe, by: str, best: float | None, one: OneUser | None
) -> tuple[float, float]:
    """Sliders, figures, chart and list that the server draws anew at every move; the weights."""
    equation = st.empty()
    alpha, beta = pick_weights(run, best)
    here = Point.of(recipe, alpha, beta)
    source, target = formula(run, recipe, plain)
    equation.markdown(f"#### score = :orange[{alpha:.2f}{source}] + :blue[{beta:.2f}{target}]")
    _show_tiles(board_of(run, recipe), here)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_curve(run, recipe, by, here)
    with right:
        if one is None:
            st.caption("Nothing is held out for validation here, so there is no list to follow.")
        else:
            show_list(run, one, here)
    return alpha, beta


def _show_tiles(board: Board, here: Point) -> None:
    """Validation figures where the sliders stand, each beside 1 : 1."""
    found = fusion_data.tiles(board, here.alpha, here.beta)
    for place, tile in zip(st.columns(len(found)), found, strict=True):
        place.metric(f"{tile.title}, validation", number(tile.value, 4), help=tile.help)
        if here.share == 0.5:
            place.caption("at 1 : 1")
        else:
            words = signed_with_interval(tile.gain, tile.low, tile.high)
            words = f"{words} against 1 : 1"
            place.caption(f"**{words}**" if tile.excludes_zero else words)


def _show_curve(run: Run, recipe: Recipe, by: str, here: Point) -> None:
    """Quality over the ratio; a click on a point of the green line goes there."""
    pin = pinned(run)
    st.markdown(f"{ratio_words(here.alpha, here.beta)}")
    st.plotly_chart(
        mark_weights(
            fusion_data.charts(run, recipe, by).curve, here.share, pin.share if pin else None
        ),
        key=CURVE,
        width="stretch",
        config=figure_config(CURVE),
        alt="How good the lists are at every ratio.",
        on_select=jump_to_click,
        selection_mode=("points",),
    )
    st.caption(
        "Grey: no worse than the best beyond user sampling. Lines: segments of at least 100 "
        "users, each with a dot at the ratio to use."
    )


# The pinned point and test.


def show_pin(run: Run, pin: Point | None) -> None:
    """The pinned point, and its test figures once somebody asks for them."""
    if pin is None:
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


def formula(run: Run, recipe: Recipe, name: Callable[[str, int], str]) -> tuple[str, str]:
    """What stands behind each of the two weights in the score.

    name: makes a domain's name fit for where it is shown, at most so many letters long.
    """
    source, target = (name(run.record.name_of(domain), 30) for domain in ("source", "target"))
    if recipe.kind == RECIPROCAL_RANK:
        return f" / (60 + rank in {source})", f" / (60 + rank in {target})"
    before, after = {RAW: ("", ""), Z_SCORE: ("z(", ")"), MIN_MAX: ("scaled ", "")}[recipe.scale]
    if recipe.kind == PRODUCT:
        before, after = f"log σ({before}", f"{after})"
    return f" · {before}{source}{after}", f" · {before}{target}{after}"


def ratio_words(alpha: float, beta: float) -> str:
    """Where the sliders stand, as the only thing that matters for a ranking."""
    if alpha == beta == 0:
        return (
            "With both weights at 0 nothing is ranked: items stand in the order that breaks ties."
        )
    where = ratio_text(alpha, beta)
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


def reach_words(run: Run, board: Board) -> str:
    """Whose figures these are, and for whom the weights change nothing."""
    shown, both = len(board.prepared.users), board.both
    whom = f"all {shown:,} validation users"
    if board.all_users > shown:
        whom = f"a sample of {shown:,} of {board.all_users:,} validation users"
    whom = f"Figures of {whom}, by whom the best ratio was chosen too"
    if both == shown:
        return f"{whom}."
    source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
    return (
        f"{whom}. The weights move the lists of {both:,} with evidence from both domains; without "
        f"{source} the {target} part stands alone, and the other way round."
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
        "Best on validation is the ratio nearest to 1 : 1 that is within one standard error of the "
        "best. The page opens there; other pages stay at 1 : 1 until you move a weight here.",
        "Weights are chosen on validation users. Test is shown for a pinned point only, and looks "
        "are counted: whoever looks often enough finds a lucky point.",
    ]
    return "\n".join(f"- {point}" for point in points)
