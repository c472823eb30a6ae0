"""Maps of points: one to hover and select in, or two linked ones before and after alignment."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.basics.types import FloatArray, IntArray
from core.charts.theme import (
    LEGEND,
    LEGEND_BELOW,
    OTHER_COLOUR,
    SEQUENTIAL_COLOURS,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TEXT_SIZE,
    TITLE_SIZE,
    plain,
    themed,
)

HEIGHT = 650  # pixels
SIZE, OPACITY = 5, 0.7
TURNS = 4  # parts a layer is drawn in


@dataclass(frozen=True)
class Layer:
    """Points drawn alike: in one colour, or coloured by a count on a log scale."""

    name: str
    rows: IntArray  # which of the places
    colour: str = OTHER_COLOUR
    counts: IntArray | None = None  # (n_rows,) colours the points instead
    scale: str = ""  # what the counts are
    symbol: str = "circle"
    in_legend: bool = True


def interleaved(layers: list[Layer]) -> list[Layer]:
    """The same points in more layers, drawn in turns, so that none hides the others by its place.

    Each layer goes in four parts, in their order and back again; layers coloured by counts stay
    whole, because their order says which is largest. Names get the number of points.
    """
    named = [replace(layer, name=f"{layer.name} ({len(layer.rows):,})") for layer in layers]
    if any(layer.counts is not None for layer in named):
        return named
    turns = [
        replace(layer, rows=layer.rows[turn::TURNS], in_legend=turn == 0)
        for turn in range(TURNS)
        for layer in (named if turn % 2 == 0 else named[::-1])
    ]
    return [part for part in turns if len(part.rows)]


def draw_map(
    places: FloatArray, hover: list[str], layers: list[Layer], *, true_to_scale: bool
) -> go.Figure:
    """The map, one trace per layer in their order, without axes: only nearness means anything.

    places: (n, 2); hover: (n,) what a point says, safe for Plotly. true_to_scale: both directions
    at one scale, for PCA; else the map fills the page.
    """
    texts = np.array(hover, dtype=object)
    dots = [
        go.Scattergl(
            name=plain([layer.name])[0],
            legendgroup=layer.name,
            showlegend=layer.in_legend,
            x=places[layer.rows, 0],
            y=places[layer.rows, 1],
            text=texts[layer.rows],
            mode="markers",
            marker=_marker(layer),
            hovertemplate="%{text}<extra></extra>",
        )
        for layer in layers
    ]
    return themed(  # the tools stand above, so the legend stands below
        go.Figure(dots),
        height=HEIGHT,
        dragmode="lasso",
        legend=LEGEND_BELOW,
        margin={"b": LEGEND},
        xaxis={"visible": False},
        yaxis={"visible": False, "scaleanchor": "x" if true_to_scale else None},
    )


def mark_point(
    figure: go.Figure, place: FloatArray | None, name: str, neighbours: FloatArray, colour: str
) -> go.Figure:
    """The same figure with one point starred and named, and rings round its neighbours.

    place: (2,), or None where the point is not drawn; neighbours: (k, 2).
    """
    if len(neighbours):
        figure.add_trace(
            go.Scattergl(
                name="nearest in the original space",
                x=neighbours[:, 0],
                y=neighbours[:, 1],
                mode="markers",
                hoverinfo="skip",
                marker={
                    "size": 14,
                    "symbol": "circle-open",
                    "color": colour,
                    "line": {"width": 2.5},
                },
            )
        )
    if place is not None:
        figure.add_trace(
            go.Scattergl(
                name=plain([name], 40)[0],
                x=[place[0]],
                y=[place[1]],
                mode="markers",
                marker={
                    "size": 18,
                    "symbol": "star",
                    "color": colour,
                    "line": {"width": 1.5, "color": "white"},
                },
                hoverinfo="skip",
            )
        )
    return figure


def _marker(layer: Layer) -> dict:
    looks = {"size": SIZE, "opacity": OPACITY, "symbol": layer.symbol}
    if layer.counts is None:
        return looks | {"color": layer.colour}
    top = int(np.ceil(np.log10(max(10, layer.counts.max(initial=1)))))
    ticks = list(range(top + 1))
    bar = {
        "title": {"text": layer.scale, "side": "right", "font": {"size": TEXT_SIZE}},
        "tickvals": ticks,
        "ticktext": [f"{10**power:,}" for power in ticks],
        "tickfont": {"size": TEXT_SIZE},
        "thickness": 12,
        "len": 0.6,
        "outlinewidth": 0,
    }
    return looks | {
        "color": np.log10(np.maximum(layer.counts, 1)),
        "cmin": 0,
        "cmax": top,
        "colorscale": list(SEQUENTIAL_COLOURS),
        "colorbar": bar,
        "showscale": True,
    }


# Two linked maps of the same users: before and after alignment, in one joint layout.

SMALL_HEIGHT = 520
SMALL_SIZE, SMALL_OPACITY = 5, 0.6
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
                marker={"size": SMALL_SIZE, "opacity": SMALL_OPACITY, "color": colour},
                hovertemplate="%{text}<extra></extra>",
            )
            figure.add_trace(dots, 1, column)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_annotations(font={"size": TITLE_SIZE - 2})
    return themed(  # titles stand above, so the legend stands below
        figure,
        height=SMALL_HEIGHT,
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
