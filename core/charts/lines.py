"""Several runs as lines in one picture: exposure, quality over the length, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import HIGH, LOW, MEAN
from core.charts.theme import CATEGORY_COLOURS, FUSED_COLOUR, STRONG, TWIN_COLOUR, plain, themed


@dataclass(frozen=True)
class LineStyle:
    """How one run is drawn wherever several stand in a picture."""

    colour: str
    dash: str = "solid"
    symbol: str = "circle"


OWN = LineStyle(FUSED_COLOUR)  # the run the page is about
TWIN = LineStyle(TWIN_COLOUR, "dash", "square")
FLOORS = (  # popularity, biases: there to compare with
    LineStyle(TWIN_COLOUR, "dot", "diamond"),
    LineStyle(TWIN_COLOUR, "longdashdot", "cross"),
)
OTHERS = tuple(LineStyle(CATEGORY_COLOURS[place]) for place in (1, 3, 5, 2, 0, 4))
Styles = Mapping[str, LineStyle]  # by the name of the run


def draw_lorenz(curves: Mapping[str, pd.DataFrame], styles: Styles, *, k: int) -> go.Figure:
    """Share of the catalogue, least shown first, against its share of all places.

    curves: by run, share and exposure from 0 to 1. The diagonal is an even share for everybody.
    """
    figure = go.Figure(_diagonal([0, 1]))
    for name, curve in curves.items():
        figure.add_trace(_line(name, curve["share"], curve["exposure"], styles[name]))
    themed(
        figure,
        x="share of the catalogue, least shown first",
        y=f"share of all top-{k} places",
        height=420,
    )
    figure.update_xaxes(range=[0, 1.01], tickformat=".0%")
    return figure.update_yaxes(range=[0, 1.02], tickformat=".0%")


def draw_by_length(
    curves: Mapping[str, pd.DataFrame], styles: Styles, *, column: str, title: str, here: int
) -> go.Figure:
    """A figure of the answer yes over the length of the list; a line where the choice stands."""
    figure = go.Figure()
    for name, curve in curves.items():
        figure.add_trace(_line(name, curve["k"], curve[column], styles[name]))
    figure.add_vline(x=here, line={"color": STRONG, "width": 1.5})
    themed(figure, x="k, items of the list that are a yes", y=title, height=380)
    return figure.update_yaxes(rangemode="tozero")


def draw_calibration(curves: Mapping[str, pd.DataFrame], styles: Styles) -> go.Figure:
    """Mean given rating with its interval over the mean predicted one, a dot per tenth.

    curves: by run, columns predicted, MEAN, LOW, HIGH. On the diagonal a predicted 4 is a 4.
    """
    everything = pd.concat(list(curves.values()))
    reach = [
        float(everything[["predicted", MEAN]].min().min()),
        float(everything[["predicted", MEAN]].max().max()),
    ]
    figure = go.Figure(_diagonal(reach))
    for name, curve in curves.items():
        trace = _line(name, curve["predicted"], curve[MEAN], styles[name], "lines+markers")
        above, below = curve[HIGH] - curve[MEAN], curve[MEAN] - curve[LOW]
        error = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
        figure.add_trace(trace.update(error_y=error | {"thickness": 1.5, "width": 3}))
    return themed(
        figure,
        x="predicted rating, mean of a tenth",
        y="given rating, mean of the same",
        height=420,
    )


def _line(
    name: str, x: pd.Series, y: pd.Series, style: LineStyle, mode: str = "lines"
) -> go.Scatter:
    return go.Scatter(
        name=plain([name], 60)[0],
        x=np.asarray(x),
        y=np.asarray(y),
        mode=mode,
        line={"color": style.colour, "dash": style.dash, "width": 2.5},
        marker={"symbol": style.symbol, "size": 9, "color": style.colour},
        hovertemplate="%{x:.3f}, %{y:.3f}",
    )


def _diagonal(reach: list[float]) -> go.Scatter:
    return go.Scatter(
        x=reach,
        y=reach,
        mode="lines",
        line={"color": STRONG, "width": 1},
        showlegend=False,
        hoverinfo="skip",
    )
