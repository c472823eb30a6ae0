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
from core.basics.formatting import count, number
from core.basics.types import Candidates, FloatArray
from core.charts.fusion import draw_best_ratios, draw_fusion_curve
from core.charts.theme import one_line
from core.evaluation.lift import digits_of
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
from core.metrics.catalogue import coverage
from core.metrics.intervals import bootstrap_difference
from core.metrics.ranking import KS
from core.metrics.registry import METRICS, metric_card, metric_title
from core.runs.explain.recommend import scale_of
from core.runs.studies.placebo import placebo_words
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_resource
from core.ui.metrics.figures import placebo_of
from core.ui.state import linked, one_of, recall, set_current, weights
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


# What the tiles say: four figures over the validation users, each beside 1 : 1.

SHOWN = ("ndcg", "recall", "hit_rate")


@dataclass(frozen=True)
class Tile:
    """A figure at one ratio and how far it lies from 1 : 1, with the 95 % interval of that."""

    title: str
    help: str
    value: float
    gain: float
    low: float  # low and high are NaN where there is no interval
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the difference to 1 : 1 is more than chance."""
        return self.low > 0 or self.high < 0


def tiles(board: Board, alpha: float, beta: float) -> list[Tile]:
    """The four figures at these weights, on validation users."""
    lists, now = prepared_per_user(board.prepared, board.relevant, alpha, beta)
    k = board.prepared.k
    columns = [f"{name}@{k}" for name in SHOWN]
    gains = bootstrap_difference(now[columns].to_numpy(), board.equal[columns].to_numpy())
    found = [
        Tile(
            metric_title(column),
            f"{metric_card(column).help} {count(gain.users, 'validation user')}, "
            f"{gain.skipped} skipped.",
            float(now[column].mean()),
            gain.mean,
            gain.low,
            gain.high,
        )
        for column, gain in zip(columns, gains, strict=True)
    ]
    share, before = (
        coverage(shown.items, board.n_rankable) for shown in (lists, board.equal_lists)
    )
    help_text, none = METRICS["coverage"].help, float("nan")
    return [*found, Tile(f"Coverage@{k}", help_text, share, share - before, none, none)]


@kept_resource(max_entries=3)
def tiles_on_the_way(run: Run, recipe: Recipe) -> list[list[Tile]]:
    """The four figures at every share of the curve, for a slider that is being dragged."""
    of = board(run, recipe)
    return [tiles(of, *weights_of(share)) for share in SHARES]


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


def show_beside(run: Run) -> None:
    """The model's own figure on validation, its twin's and its placebo's, where one was made."""
    metric = run.card.task.metric
    figures = placebo_of(run, VALID, metric)
    if figures is None:
        return
    digits = digits_of(metric)
    source = plain(run.record.name_of("source"), 30)
    level = number(figures.run.mean, digits)
    said = f"By itself, at 1 : 1, the model reads {metric_title(metric)} {level}"
    if figures.twin is not None:
        said += f", its twin without {source} {number(figures.twin.mean, digits)}"
    st.caption(f"{said}. {plain(placebo_words(figures, source, metric), 400)}")


# The controls of the Fusion page: recipe, sliders, jumps and the pinned point.

STEP = 0.05  # of a plain slider
DIGITS = 2  # of a weight
PLAIN = "fusion_plain"  # whether the plain controls are asked for
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

    @classmethod
    def of(cls, recipe: Recipe, alpha: float, beta: float) -> Point:
        """These weights of a recipe."""
        return cls(alpha, beta, recipe.kind, recipe.scale, recipe.k)

    @property
    def share(self) -> float | None:
        """alpha / (alpha + beta); None where both are 0."""
        both = self.alpha + self.beta
        return self.alpha / both if both else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def pick_recipe(run: Run) -> tuple[Recipe, str]:
    """Kind, scale, k, and the kind of segments whose lines are drawn; one below the other."""
    kind = st.segmented_control(
        "Fusion", KINDS, required=True, **linked("kind", WEIGHTED_SUM, one_of(KINDS))
    )
    # A scale chosen for another run, or for a sum, is no choice for this one
    owner = run.id, kind == PRODUCT
    if st.session_state.get(_OWNER, owner) != owner:
        set_current(scale=None)
        st.session_state.pop("scale_widget", None)
    st.session_state[_OWNER] = owner
    scale = st.segmented_control(
        "Scale of the parts",
        SCALES,
        required=True,
        disabled=kind == RECIPROCAL_RANK,
        help="Per user, over all unmasked items. A reciprocal rank has no scale.",
        **linked("scale", default_scale(run, kind), one_of(SCALES)),
    )
    k = st.segmented_control("k, list length", KS, required=True, **linked("k", 10, one_of(KS)))
    by = st.selectbox(
        "Lines by",
        list(TITLES),
        format_func=TITLES.__getitem__,
        **linked("by", TARGET_HISTORY, one_of(list(TITLES))),
    )
    return Recipe(kind, scale, k), by


def default_scale(run: Run, kind: str) -> str:
    """z-scores for a product, which needs standardised parts; else what suits the model."""
    return Z_SCORE if kind == PRODUCT else scale_of(run.card)


def weights_here(first: float | None) -> tuple[float, float]:
    """alpha and beta of the address; before anybody moved them, those of the share `first`.

    Other pages stay at 1 and 1 until somebody moves them here.
    """
    if first is None or recall("alpha") is not None or recall("beta") is not None:
        return weights()
    return rounded(first)


def rounded(share: float) -> tuple[float, float]:
    """alpha and beta of a share of source evidence as a person sets them, the larger at 1."""
    alpha, beta = (round(weight, DIGITS) for weight in weights_of(share))
    return alpha, beta


def ratio_text(alpha: float, beta: float) -> str:
    """alpha : beta with 1 for the larger, `0.65 : 1`; of weights that are not both 0."""
    if beta == 0:
        return "source only"
    if alpha == 0:
        return "target only"
    larger = max(alpha, beta)
    return f"{alpha / larger:.2g} : {beta / larger:.2g}"


def pick_weights(run: Run, first: float | None = None) -> tuple[float, float]:
    """The two plain sliders at `weights_here(first)`; every move is answered by the server."""
    places = st.columns(2, gap="large")
    names = run.record.source_name, run.record.target_name
    here = weights_here(first)
    picked = []
    for place, letter, name, colour, at in zip(
        places, ("alpha", "beta"), names, ("orange", "blue"), here, strict=True
    ):
        key = f"{letter}_widget"
        st.session_state[key] = at
        with place:
            st.markdown(f":{colour}[**{letter}**, weight of {plain(name, 40)}]")
            # Its own name is for screen readers, who would read out the marks of the coloured one
            spoken = "".join(mark if mark.isalnum() else " " for mark in name)
            picked.append(
                st.slider(
                    f"{letter}, weight of {one_line(spoken, 40)}",
                    0.0,
                    1.0,
                    step=STEP,
                    key=key,
                    label_visibility="collapsed",
                    on_change=_keep_weights,
                )
            )
    return picked[0], picked[1]


def jump_buttons(run: Run, here: Point, best: float | None) -> None:
    """To the best ratio on validation, back to 1 : 1, and pin where the sliders stand."""
    st.button(
        "Best on validation",
        icon=":material/target:",
        disabled=best is None,
        on_click=_jump,
        args=(best,),
        key="best_on_validation",
    )
    st.button("Equal, 1 : 1", icon=":material/balance:", on_click=_jump, args=(0.5,))
    st.button("Pin this point", icon=":material/keep:", on_click=_pin, args=(run, here))


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
    alpha, beta = rounded(share)
    set_current(alpha=alpha, beta=beta)


def _keep_weights() -> None:
    alpha, beta = (st.session_state[f"{letter}_widget"] for letter in ("alpha", "beta"))
    set_current(alpha=alpha, beta=beta)
