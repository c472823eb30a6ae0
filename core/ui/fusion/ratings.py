"""The Fusion page of a run of ratings: error over the alpha x beta plane, and where one stands."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import TEST, VALID
from core.basics.formatting import count, number, signed_with_interval, with_interval
from core.charts.fusion import draw_rating_plane
from core.evaluation.ratings import Bounds, difference_intervals, intervals
from core.evaluation.weightings import RatingPlane, rating_plane
from core.fusion.combine import RAW, WEIGHTED_SUM
from core.metrics.ratings import ERRORS, RMSE
from core.metrics.registry import metric_card, metric_title
from core.runs.explain.recommend import weighted_errors
from core.store.measured import count_look, looks
from core.store.run_folder import Run
from core.ui import cached
from core.ui.fusion.data import Point, Recipe, pick_weights, show_beside
from core.ui.keeping import kept_data, kept_resource
from core.ui.navigation import link_to
from core.ui.shell import guarded, safely, show_chart
from core.ui.state import set_current
from core.ui.widgets import plain

RECIPE = Recipe(WEIGHTED_SUM, RAW, 10)
_TESTED = "fusion_rating_tested"


@st.fragment
def weigh_ratings(run: Run) -> None:
    """Sliders, the plane with the point they stand at, and the errors there beside 1 and 1."""
    with guarded():
        plane = _plane(run)
        if plane is None:
            st.info(
                "No user of this split has a rating held out for validation, so no weights can be "
                "chosen. Split the pair again with a validation share."
            )
            return
        if plane.is_flat:
            st.info(_why_flat(run))
            return
        equation = st.empty()
        here = Point.of(RECIPE, *pick_weights(run))
        source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
        formula = (
            f"#### rating = mean and item + :orange[{here.alpha:.2f} · {source}] + "
            f":blue[{here.beta:.2f} · {target}]"
        )
        equation.markdown(formula)
        left, right = st.columns([2, 1], gap="large")
        with left:
            names = plain(run.record.source_name, 30), plain(run.record.target_name, 30)
            figure = draw_rating_plane(
                plane.steps,
                plane.rmse,
                plane.near,
                metric=metric_title(RMSE),
                lowest=plane.lowest,
                here=(here.alpha, here.beta),
                names=names,
            )
            show_chart(
                figure,
                f"How far predicted ratings lie from the held-out ones of {plane.users:,} "
                "validation users at every pair of weights; a lower error is better. Star: the "
                "lowest; ring: where the sliders stand. The dotted edge holds the weights that are "
                "no worse than the lowest beyond user sampling.",
                "fusion_plane",
            )
        with right:
            _show_figures(run, plane, here)
            _show_test(run, here)
        show_beside(run)


def rating_limits(run: Run) -> str:
    """The folded text: what the weights can and cannot change."""
    points = [
        plain(run.card.words, 600),
        "The weights act after training: moving a slider never trains anything again.",
        "A predicted rating is a number of its own, so alpha and beta both count, and not only "
        "their ratio: that is why this is a plane and no curve.",
        "Where a user has evidence from one domain only, its part counts in full at any weights.",
        "Predictions are clipped to the range of the training ratings.",
        "Weights are chosen on validation users. Looks at test are counted: whoever looks often "
        "enough finds a lucky point.",
    ]
    return "\n".join(f"- {point}" for point in points)


@kept_resource(show_spinner="Weighing every pair of weights", max_entries=4)
def _plane(run: Run) -> RatingPlane | None:
    bounds = Bounds.of(cached.split_of(run).rated.train.target)
    return rating_plane(cached.predictions(run, VALID), bounds)


@kept_data(max_entries=50)
def _errors(run: Run, part: str, alpha: float, beta: float) -> pd.DataFrame:
    return weighted_errors(run, cached.split_of(run), part, alpha, beta)


def _why_flat(run: Run) -> str:
    source, target = (plain(run.record.name_of(domain), 40) for domain in ("source", "target"))
    return (
        f"There is nothing to weigh: no validation user of this run has a part from {source} and "
        f"one from {target}, and a part that stands alone counts in full. To see both, choose a "
        "run whose ratings are also made from source histories, such as collective MF of ratings."
    )


def _show_figures(run: Run, plane: RatingPlane, here: Point) -> None:
    """Jumps, and the validation errors where the sliders stand, each beside 1 and 1."""
    with st.container(horizontal=True):
        st.button(
            "Best on validation",
            icon=":material/target:",
            key="plane_best",
            on_click=_jump,
            args=plane.chosen,
            help="The weights nearest to 1 and 1 within one standard error of the lowest error.",
        )
        st.button(
            "Both 1", icon=":material/balance:", key="plane_equal", on_click=_jump, args=(1.0, 1.0)
        )
    now = _errors(run, VALID, here.alpha, here.beta)
    equal = _errors(run, VALID, 1.0, 1.0)
    gaps = difference_intervals(now, equal, ERRORS)
    for metric, level, gap in zip(ERRORS, intervals(now, ERRORS), gaps, strict=True):
        help_text = f"{metric_card(metric).help} {count(level.users, 'validation user')}."
        st.metric(metric_title(metric), number(level.mean, 4), help=help_text)
        words = f"{signed_with_interval(gap.mean, gap.low, gap.high, 4)} against both 1"
        st.caption(f"**{words}**" if gap.excludes_zero else words)
    link_to("recommendations", "What users get at these weights")


def _show_test(run: Run, here: Point) -> None:
    """The test errors where the sliders stand, once somebody asks for them; looks are counted."""
    st.button(
        "Show test here",
        icon=":material/visibility:",
        on_click=safely(_look),
        args=(run, here),
        key="plane_test",
        help="Test is for the weights you settled on. Each look is counted.",
    )
    st.caption(f"Test was looked at for {count(len(looks(run)), 'point')} of this run.")
    if st.session_state.get(_TESTED) != (run.id, here):
        return
    now = _errors(run, TEST, here.alpha, here.beta)
    rows = [
        {"test": metric_title(metric), "here": with_interval(level.mean, level.low, level.high)}
        for metric, level in zip(ERRORS, intervals(now, ERRORS), strict=True)
    ]
    st.table(pd.DataFrame(rows).set_index("test"))


def _look(run: Run, here: Point) -> None:
    count_look(run, here.to_dict())
    st.session_state[_TESTED] = (run.id, here)


def _jump(alpha: float, beta: float) -> None:
    set_current(alpha=alpha, beta=beta)
