"""Ratings: how much of their spread is predicted, and whether a predicted 4 is a 4."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import MEAN, METRIC, RUN, USER
from core.basics.formatting import number, signed
from core.charts.intervals import draw_calibration
from core.evaluation.ratings import CALIBRATION, Bounds, RatingFigures, furthest, rating_figures
from core.metrics.ratings import FITS
from core.ui import cached
from core.ui.metrics.figure_table import show_figures
from core.ui.metrics.figures import Contender
from core.ui.metrics.lists import styles_of, twin_name
from core.ui.metrics.segment import too_few, users_of
from core.ui.metrics.view import View
from core.ui.shell import show_chart
from core.ui.texts import plain


def show_rating_fit(lines: list[Contender], view: View) -> None:
    """MSE, R², explained variance and calibration of every run that predicts ratings."""
    if too_few(lines[0].run, view.part, view.segment):
        return
    rated = [line for line in lines if line.run.card.task == "rating"]
    folders = tuple((line.name, str(line.run.folder)) for line in rated)
    found = _figures(folders, view.part, view.who, rated, view)
    own = rated[0].name
    st.markdown(_words(found, own, "The run" if rated[0] is lines[0] else plain(own, 80)))
    show_figures(found.fits, [*FITS, CALIBRATION], "rating_fit")
    show_chart(
        draw_calibration(
            dict(list(found.curves.groupby(RUN, sort=False))), styles_of(rated, twin_name(rated))
        ),
        "Is a predicted 4 a 4? Each dot is a tenth of the held-out ratings by their prediction, "
        "with the 95 % interval of their mean; on the diagonal both agree.",
        "calibration",
    )


@st.cache_data(show_spinner=False, max_entries=10)
def _figures(
    folders: tuple[tuple[str, str], ...],
    part: str,
    segment: str,
    _lines: list[Contender],
    _view: View,
) -> RatingFigures:
    run = _lines[0].run
    users = users_of(run, _view.segment)
    frames = {line.name: cached.predictions(line.run, part) for line in _lines}
    if users is not None:
        frames = {name: frame[frame[USER].isin(users)] for name, frame in frames.items()}
    return rating_figures(frames, Bounds.of(cached.split_of(run).rated.train.target))


def _words(found: RatingFigures, own: str, called: str) -> str:
    means = found.fits[found.fits[RUN] == own].set_index(METRIC)[MEAN]
    said, given, apart = furthest(found.curves[found.curves[RUN] == own])
    return (
        f"{called} predicts {means['r2']:.0%} of the spread of held-out ratings (R²). Where it "
        f"says {number(said, 2)}, people gave {number(given, 2)} ({signed(apart, 2)}): nowhere is "
        "it further off."
    )
