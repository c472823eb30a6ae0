"""The controls of the Fusion page: recipe, sliders, jumps and the pinned point."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from core.evaluation.segments import TARGET_HISTORY, TITLES
from core.fusion.combine import KINDS, PRODUCT, RECIPROCAL_RANK, SCALES, WEIGHTED_SUM, Z_SCORE
from core.fusion.fused import SHARES, weights_of
from core.metrics.ranking import KS
from core.runs.explain.recommend import scale_of
from core.store.run_folder import Run
from core.ui.fusion.data import Recipe
from core.ui.state import bounded, linked, one_of, set_current
from core.ui.texts import plain

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
    _forget_scale_chosen_elsewhere(run, kind)
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
        alpha = st.slider(
            f":orange[**alpha**, weight of {plain(run.record['source_name'], 40)}]",
            0.0,
            1.0,
            step=STEP,
            **linked("alpha", 1.0, weight),
        )
    with right:
        beta = st.slider(
            f":blue[**beta**, weight of {plain(run.record['target_name'], 40)}]",
            0.0,
            1.0,
            step=STEP,
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


def _forget_scale_chosen_elsewhere(run: Run, kind: str) -> None:
    """A scale chosen for another run, or for a sum, is no choice for this one."""
    owner = run.id, kind == PRODUCT
    if st.session_state.get(_OWNER, owner) != owner:
        set_current(scale=None)
        st.session_state.pop("scale_widget", None)
    st.session_state[_OWNER] = owner
