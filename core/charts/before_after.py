"""Two linked maps of the same users: before and after alignment, in one joint layout."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.basics.types import FloatArray
from core.charts.theme import (
    LEGEND,
    LEGEND_BELOW,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TITLE_SIZE,
    plain,
    themed,
)

HEIGHT = 520
SIZE, OPACITY = 5, 0.6
Places = tuple[FloatArray, FloatArray]  # source-drawn and target-drawn, (n, 2) each


def draw_before_after(
    before: Places, after: Places, hover: list[str], names: tuple[str, str], joined: np.ndarray
) -> go.Figure:
    """Both maps on the same axes; zooming one zooms the other.

    hover: (n,) what a user says; names: of source and target; joined: numbers of the rows whose
    two places are joined by a line.
    """
    titles = ("Before: each domain on its own, turned onto the other", "After: in this model")
    figure = make_subplots(
        1,
        2,
        shared_xaxes="all",
        shared_yaxes="all",
        subplot_titles=titles,
        horizontal_spacing=0.03,
    )
    texts = np.array(plain(hover), dtype=object)
    for column, places in ((1, before), (2, after)):
        figure.add_trace(_lines(places, joined), 1, column)
        for place, name, colour in zip(
            places, plain(names), (SOURCE_COLOUR, TARGET_COLOUR), strict=True
        ):
            dots = go.Scattergl(
                name=f"users by their {name}",
                legendgroup=name,
                showlegend=column == 1,
                x=place[:, 0],
                y=place[:, 1],
                text=texts,
                mode="markers",
                marker={"size": SIZE, "opacity": OPACITY, "color": colour},
                hovertemplate="%{text}<extra></extra>",
            )
            figure.add_trace(dots, 1, column)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_annotations(font={"size": TITLE_SIZE - 2})
    return themed(  # titles stand above, so the legend stands below
        figure,
        height=HEIGHT,
        legend=LEGEND_BELOW,
        margin={"t": 36, "b": LEGEND},
        dragmode="zoom",
    )


def _lines(places: Places, joined: np.ndarray) -> go.Scattergl:
    """One trace for all lines; a gap parts each from the next."""
    gap = np.full(len(joined), np.nan)
    source, target = (place[joined] for place in places)
    x, y = (np.column_stack([source[:, i], target[:, i], gap]).ravel() for i in (0, 1))
    return go.Scattergl(
        x=x,
        y=y,
        mode="lines",
        line={"color": STRONG, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
