"""What a search found: trials as lines across their settings, and which setting mattered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.theme import (
    FUSED_COLOUR,
    SEQUENTIAL_COLOURS,
    TEXT_SIZE,
    TWIN_COLOUR,
    plain,
    themed,
)

QUALITY = "quality"
MOST_TICKS = 9  # marks on an axis; more values than that get a scale instead ...
CLOSEST = 0.07  # ... and so do values closer than this share of the axis


def draw_parallel(
    trials: pd.DataFrame,
    *,
    quality: str,
    logarithmic: Collection[str] = (),
    lower_is_better: bool = False,
) -> go.Figure:
    """A line per trial across an axis per setting, coloured by what validation said.

    trials: a column per setting, and QUALITY. logarithmic: settings whose axis grows by factors.
    quality: title of the last axis. The best trials are red.
    """
    settings = [name for name in trials.columns if name != QUALITY]
    axes = [_axis(name, trials[name], name in logarithmic) for name in settings]
    last = {"label": quality, "values": trials[QUALITY], "tickformat": ".4f"}
    steps = np.linspace(0, 1, len(SEQUENTIAL_COLOURS))
    figure = go.Figure(
        go.Parcoords(
            dimensions=[*axes, last],
            line={"color": trials[QUALITY],
                  "colorscale": list(zip(steps, SEQUENTIAL_COLOURS, strict=True)),
                  "reversescale": lower_is_better},
            labelfont={"size": TEXT_SIZE}, tickfont={"size": TEXT_SIZE},
            rangefont={"size": 1, "color": "rgba(0, 0, 0, 0)"}, labelside="top",
        )
    )  # fmt: skip
    themed(figure, height=360, legend=False)
    return figure.update_layout(margin={"l": 70, "r": 70, "t": 56, "b": 24})


def draw_importance(shares: pd.DataFrame, names: Sequence[str], *, quality: str) -> go.Figure:
    """A bar per setting, the model green and its twin grey.

    shares: index setting, a column per name in `names`, 0 to 1; NaN where a setting was not
    searched for. The most telling setting of the first name stands on top.
    """
    ordered = shares.sort_values(names[0], ascending=True, na_position="first")
    figure = go.Figure()
    for name, colour in zip(names, (FUSED_COLOUR, TWIN_COLOUR), strict=False):
        figure.add_trace(
            go.Bar(
                name=plain([name])[0], y=plain(_spoken(row) for row in ordered.index),
                x=ordered[name], orientation="h", marker_color=colour,
                hovertemplate="%{y}: %{x:.0%}",
            )
        )  # fmt: skip
    themed(figure, x=f"share of the differences in validation {quality}",
           height=130 + 24 * len(ordered) * len(names), legend=len(names) > 1)  # fmt: skip
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(showgrid=False)
    return figure.update_layout(barmode="group", legend_traceorder="normal")


def _axis(name: str, values: pd.Series, logarithmic: bool) -> dict[str, Any]:
    label = plain([_spoken(name)], 28)[0]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        kinds = sorted(values.astype(str).unique())
        places = values.astype(str).map(kinds.index)
        return {"label": label, "values": places, "tickvals": list(range(len(kinds))),
                "ticktext": plain(kinds, 20), "range": [-0.2, len(kinds) - 0.8]}  # fmt: skip
    numbers = values.astype(float)
    place = np.log10 if logarithmic else np.asarray
    marks = np.unique(numbers)
    low, high = place(marks[0]), place(marks[-1])
    crowded = len(marks) > 1 and np.diff(place(marks)).min() < CLOSEST * (high - low)
    if crowded or len(marks) > MOST_TICKS:
        spread = np.linspace(low, high, 5)
        marks = np.power(10.0, spread) if logarithmic else spread
    return {"label": label, "values": place(numbers), "tickvals": place(marks),
            "ticktext": [f"{mark:.3g}" for mark in marks]}  # fmt: skip


def _spoken(name: Any) -> str:
    return str(name).replace("_", " ")
