"""What the Fusion page computes once per run, kind, scale and k, and then only blends."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from scipy.sparse import csr_matrix

from core.basics.columns import CHOSEN, SEGMENT, TEST, VALID
from core.basics.types import Candidates, FloatArray
from core.charts.fusion import draw_best_ratios, draw_fusion_curve
from core.evaluation.segments import SEGMENTS, TARGET_HISTORY, TITLES
from core.evaluation.weightings import (
    GAIN,
    GAIN_HIGH,
    GAIN_LOW,
    RatioPicture,
    prepared_per_user,
    ratio_picture,
)
from core.fusion.candidates import pick_users
from core.fusion.combine import KINDS, PRODUCT, RECIPROCAL_RANK, SCALES, WEIGHTED_SUM, Z_SCORE
from core.fusion.fused import SHARES, FusedLists, Prepared, prepare, ratio_curve, weights_of
from core.metrics.ranking import KS
from core.runs.explain.recommend import scale_of
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_resource
from core.ui.state import bounded, linked, one_of, set_current
from core.ui.widgets import plain

MOST_USERS = 5_000  # validation users that move with the slider; beyond it a seeded sample


@dataclass(frozen=True)
class Recipe:
    """How the parts are put together, apart from the weights."""

    kind: str
    scale: str
    k: int


@dataclass(frozen=True)
class Board:
    """Validation users ready for any weights, and the picture over all ratios."""

    prepared: Prepared
    relevant: csr_matrix
    n_rankable: int  # items that may be listed to anybody
    curve: FloatArray  # (n_users, shares) nDCG@k
    equal_lists: FusedLists  # at 1 : 1, with their metrics
    equal: pd.DataFrame
    all_users: int  # validation users in all, of which these may be a sample

    @property
    def both(self) -> int:
        """Users with evidence from both domains, whose lists the weights can change."""
        return int((self.prepared.has_source & self.prepared.has_target).sum())


@kept_resource(show_spinner="Weighing every ratio", max_entries=3)
def board(run: Run, recipe: Recipe) -> Board:
    """Prepared validation candidates with their curve."""
    candidates = cached.candidates(run, VALID)
    n_users = len(candidates.users)
    if n_users > MOST_USERS:
        rows = np.random.default_rng(0).choice(n_users, MOST_USERS, replace=False)
        candidates = pick_users(candidates, np.sort(rows))
    prepared = prepare(candidates, recipe.kind, recipe.scale, recipe.k)
    split = cached.split_of(run)
    relevant, n_rankable = split.held_out(VALID), split.masked(VALID).n_rankable
    equal = prepared_per_user(prepared, relevant, 1.0, 1.0)
    curve = ratio_curve(prepared, relevant, recipe.k)
    return Board(prepared, relevant, n_rankable, curve, *equal, n_users)


@kept_resource(max_entries=6)
def picture(run: Run, recipe: Recipe, by: str) -> RatioPicture:
    """The curve with its intervals, a line per segment of a kind, and the best ratio of each."""
    of = board(run, recipe)
    segment = cached.segments(run.record.split_hash)[by].astype("str").to_numpy()
    return ratio_picture(of.curve, segment[of.prepared.users], SEGMENTS[by])


@dataclass(frozen=True)
class Charts:
    """Charts that stay the same while the sliders move."""

    curve: go.Figure
    best: go.Figure | None  # None where no segment is large enough
    gains: tuple[tuple[str, float, float, float, float], ...]  # segment, share, gain, low, high


@kept_resource(max_entries=6)
def charts(run: Run, recipe: Recipe, by: str) -> Charts:
    """The curve without the sliders' line, and the best ratio of each segment."""
    of = picture(run, recipe, by)
    curve = draw_fusion_curve(of.curve, of.lines, of.best, metric=f"nDCG@{recipe.k}")
    rows = of.best[[SEGMENT, CHOSEN, GAIN, GAIN_LOW, GAIN_HIGH]]
    gains = tuple(rows.itertuples(index=False, name=None))
    return Charts(curve, None if of.best.empty else draw_best_ratios(of.best), gains)


def best_share(run: Run, recipe: Recipe, by: str) -> float | None:
    """The share of source evidence to choose by validation; None without users to choose by."""
    overall = picture(run, recipe, by).overall
    return overall.share if overall else None


def candidates_of(run: Run, user: int) -> Candidates | None:
    """One validation user's candidates; None for a user without any."""
    candidates = cached.candidates(run, VALID)
    place = np.flatnonzero(candidates.users == user)
    return pick_users(candidates, place) if len(place) else None


def test_candidates(run: Run) -> tuple[Candidates, csr_matrix]:
    """Candidates of every test user and what is held out for them."""
    return cached.candidates(run, TEST), cached.split_of(run).held_out(TEST)


# The controls of the Fusion page: recipe, sliders, jumps and the pinned point.

STEP = 0.05
CURVE = "fusion_curve"
_PIN, _OWNER = "fusion_pin", "fusion_scale_of"


@dataclass(frozen=True)
class Point:
    """One position of every control, as it is pinned and as looks at test are counted."""

    alpha: float
    beta: float
    kind: str
    scale: str
    k: int

    @property
    def share(self) -> float | None:
        """alpha / (alpha + beta); None where both are 0."""
        both = self.alpha + self.beta
        return self.alpha / both if both else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def pick_recipe(run: Run) -> tuple[Recipe, str]:
    """Kind, scale, k, and the kind of segments whose lines are drawn; one row of controls."""
    first, second, third, fourth = st.columns([1.9, 1.4, 1.25, 1.05], vertical_alignment="bottom")
    kind = first.segmented_control(
        "Fusion", KINDS, required=True, **linked("kind", WEIGHTED_SUM, one_of(KINDS))
    )
    # A scale chosen for another run, or for a sum, is no choice for this one
    owner = run.id, kind == PRODUCT
    if st.session_state.get(_OWNER, owner) != owner:
        set_current(scale=None)
        st.session_state.pop("scale_widget", None)
    st.session_state[_OWNER] = owner
    scale = second.segmented_control(
        "Scale of the parts",
        SCALES,
        required=True,
        disabled=kind == RECIPROCAL_RANK,
        help="Per user, over all unmasked items. A reciprocal rank has no scale.",
        **linked("scale", default_scale(run, kind), one_of(SCALES)),
    )
    k = third.segmented_control("k, list length", KS, required=True, **linked("k", 10, one_of(KS)))
    by = fourth.selectbox(
        "Lines by",
        list(TITLES),
        format_func=TITLES.__getitem__,
        **linked("by", TARGET_HISTORY, one_of(list(TITLES))),
    )
    return Recipe(kind, scale, k), by


def default_scale(run: Run, kind: str) -> str:
    """z-scores for a product, which needs standardised parts; else what suits the model."""
    return Z_SCORE if kind == PRODUCT else scale_of(run.card)


def pick_weights(run: Run, recipe: Recipe) -> Point:
    """The two sliders."""
    left, right = st.columns(2, gap="large")
    weight = bounded(0.0, 1.0)
    with left:
        st.markdown(f":orange[**alpha**, weight of {plain(run.record.source_name, 40)}]")
        alpha = st.slider(
            f"alpha, weight of {run.record.source_name[:40]}",  # read out letter by letter
            0.0,
            1.0,
            step=STEP,
            label_visibility="collapsed",
            **linked("alpha", 1.0, weight),
        )
    with right:
        st.markdown(f":blue[**beta**, weight of {plain(run.record.target_name, 40)}]")
        beta = st.slider(
            f"beta, weight of {run.record.target_name[:40]}",
            0.0,
            1.0,
            step=STEP,
            label_visibility="collapsed",
            **linked("beta", 1.0, weight),
        )
    return Point(alpha, beta, recipe.kind, recipe.scale, recipe.k)


def jump_buttons(run: Run, here: Point, best: float | None) -> None:
    """To the best ratio on validation, back to 1 : 1, and pin where the sliders stand."""
    with st.container(horizontal=True):
        st.button(
            "Best on validation",
            icon=":material/target:",
            disabled=best is None,
            on_click=_jump,
            args=(best,),
            key="best_on_validation",
            help="The ratio nearest to 1 : 1 that is within one standard error of the best.",
        )
        st.button("Equal, 1 : 1", icon=":material/balance:", on_click=_jump, args=(0.5,))
        st.button(
            "Pin this point",
            icon=":material/keep:",
            on_click=_pin,
            args=(run, here),
            help="Keeps it in the chart and beside the figures, and allows a look at test.",
        )


def jump_to_click() -> None:
    """Take up a click on the curve; the chart calls it before the page is drawn again."""
    points = st.session_state[CURVE]["selection"]["points"]
    if points and points[-1].get("curve_number") == 0:
        _jump(float(SHARES[points[-1]["point_index"]]))


def pinned(run: Run) -> Point | None:
    """The pinned point of this run."""
    point = st.session_state.get(_PIN, {}).get(run.id)
    return Point(**point) if point else None


def _pin(run: Run, point: Point) -> None:
    st.session_state.setdefault(_PIN, {})[run.id] = point.to_dict()


def _jump(share: float) -> None:
    """Move both sliders to a share of source evidence, on their steps."""
    alpha, beta = (round(round(weight / STEP) * STEP, 2) for weight in weights_of(share))
    st.session_state["alpha_widget"], st.session_state["beta_widget"] = alpha, beta
    set_current(alpha=alpha, beta=beta)
