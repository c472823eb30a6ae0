"""Curves of a training that is going on, and what a search over settings found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from core.charts.theme import (
    EDGE,
    FUSED_COLOUR,
    LABELS,
    SEQUENTIAL_COLOURS,
    STRONG,
    TEXT_SIZE,
    TWIN_COLOUR,
    plain,
    themed,
)

EPOCH, LOSS, VALID, TWIN = "epoch", "loss", "valid", "twin"
QUALITY = "validation nDCG@10"
LOSS_TITLE = "training loss"
HEIGHT = 260  # pixels


def draw_learning_curve(
    points: pd.DataFrame, quality: str = QUALITY, lower_is_better: bool = False
) -> go.Figure:
    """Validation quality with its best epoch marked, beside the loss; the twin in grey.

    points: one row per epoch with EPOCH, LOSS, VALID (either may be missing) and TWIN, whether it
    was an epoch of the twin. quality: what VALID is, as the axis says it.
    """
    panels = {VALID: quality, LOSS: LOSS_TITLE}
    figure = make_subplots(cols=2, horizontal_spacing=0.12)
    twin = points[TWIN].astype(bool)
    for column, measure in enumerate(panels, start=1):
        for rows, name, colour in (
            (points[twin], "twin (target only)", TWIN_COLOUR),
            (points[~twin], "model", FUSED_COLOUR),
        ):
            if rows[measure].notna().any():
                line = go.Scatter(
                    x=rows[EPOCH],
                    y=rows[measure],
                    name=name,
                    legendgroup=name,
                    showlegend=(column == 1),
                    mode="lines+markers" if len(rows) < 3 else "lines",
                    line={"color": colour, "width": 2.5},
                    hovertemplate="epoch %{x}: %{y:.4f}",
                )
                figure.add_trace(line, row=1, col=column)
    themed(figure, x="epoch", height=HEIGHT, legend=bool(twin.any()))
    for column, title in enumerate(panels.values(), start=1):
        figure.update_yaxes(title={"text": title}, row=1, col=column)
        figure.update_xaxes(rangemode="tozero", row=1, col=column)
    return _with_best(figure, points, best_epoch(points, lower_is_better))


def best_epoch(points: pd.DataFrame, lower_is_better: bool = False) -> tuple[int, float] | None:
    """The model's epoch with the best validation quality, and that quality; None without any."""
    rows = points[~points[TWIN].astype(bool)].dropna(subset=[VALID])
    if rows.empty:
        return None
    valid = rows[VALID].astype(float)
    best = rows.loc[valid.idxmin() if lower_is_better else valid.idxmax()]
    return int(best[EPOCH]), float(best[VALID])


def _with_best(
    figure: go.Figure, points: pd.DataFrame, best: tuple[int, float] | None
) -> go.Figure:
    if best is None:
        return figure
    epoch, quality = best
    figure.add_trace(
        go.Scatter(
            x=[epoch],
            y=[quality],
            mode="markers",
            showlegend=False,
            name="best epoch",
            marker={"color": FUSED_COLOUR, "size": 11, "line": {"color": "white", "width": 2}},
            hovertemplate="best epoch %{x}: %{y:.4f}",
        ),
        row=1,
        col=1,
    )
    valid = points[VALID].astype(float)
    low, high = valid.min(), valid.max()
    room = 0.25 * (high - low or abs(high) or 1.0)  # for the label, clear of the line
    figure.update_yaxes(range=[low - room / 3, high + room], row=1, col=1)
    figure.add_annotation(
        x=epoch,
        y=quality,
        text=f"best: epoch {epoch}",
        showarrow=False,
        yshift=18,
        xanchor="right" if epoch > points[EPOCH].max() / 2 else "left",
        font={"size": TEXT_SIZE, "color": FUSED_COLOUR},
        row=1,
        col=1,
    )
    return figure


# What a search found: trials as lines across their settings, and which setting mattered.

TRIAL_QUALITY = "quality"
MOST_MARKS = 9  # marks on an axis; more values than that get a scale instead ...
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
    quality: title of the last axis. The best trials are red and lie on top.
    """
    axes = [
        _axis(name, trials[name], name in logarithmic)
        for name in trials.columns
        if name != TRIAL_QUALITY
    ]
    axes.append(_axis(quality, trials[TRIAL_QUALITY], False, form=".4f"))
    heights = np.stack([axis.heights for axis in axes], axis=1)  # (trials, axes) 0 to 1
    goodness = 1 - heights[:, -1] if lower_is_better else heights[:, -1]
    figure = go.Figure()
    for row in np.argsort(goodness, kind="stable"):
        words = [f"{axis.label} {axis.words[row]}" for axis in axes]
        figure.add_trace(_trial_line(heights[row], float(goodness[row]), "<br>".join(words)))
    for place, axis in enumerate(axes):
        figure.add_vline(x=place, line={"color": STRONG, "width": 1.5})
        for height, word in axis.marks:
            figure.add_annotation(
                x=place,
                y=height,
                text=word,
                showarrow=False,
                xanchor="right",
                xshift=-6,
                font={"size": TEXT_SIZE},
            )
    return themed(
        figure,
        height=380,
        legend=False,
        margin={"t": LABELS, "b": EDGE},
        xaxis={
            "tickvals": list(range(len(axes))),
            "ticktext": [axis.label for axis in axes],
            "side": "top",
            "range": [-0.45, len(axes) - 0.8],
        },
        yaxis={"visible": False, "range": [-0.06, 1.06]},
    )


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
                name=plain([name])[0],
                y=plain(_spoken(row) for row in ordered.index),
                x=ordered[name],
                orientation="h",
                marker_color=colour,
                hovertemplate="%{y}: %{x:.0%}",
            )
        )
    themed(
        figure,
        x=f"share of the differences in validation {quality}",
        height=130 + 24 * len(ordered) * len(names),
        legend=len(names) > 1,
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(showgrid=False)
    return figure.update_layout(barmode="group", legend_traceorder="normal")


@dataclass(frozen=True)
class _Axis:
    """One axis, from 0 at its foot to 1 at its top."""

    label: str
    heights: np.ndarray  # (trials,) where each line crosses it
    words: list[str]  # what each trial has there
    marks: list[tuple[float, str]]


def _axis(name: str, values: pd.Series, logarithmic: bool, form: str = ".3g") -> _Axis:
    label = plain([_spoken(name)], 28)[0]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        kinds = sorted(values.astype(str).unique())
        places = values.astype(str).map(kinds.index).to_numpy(float)
        foot, top, words = 0.0, float(len(kinds) - 1), plain(values.astype(str), 20)
        marks = [(float(place), word) for place, word in enumerate(plain(kinds, 20))]
    else:
        numbers = np.log10(values.to_numpy(float)) if logarithmic else values.to_numpy(float)
        places, words = numbers, [f"{value:{form}}" for value in values]
        foot, top = float(places.min()), float(places.max())
        marks = [
            (place, f"{10**place if logarithmic else place:{form}}") for place in _marks(places)
        ]
    room = (top - foot) or 1.0
    lift = 0.5 if top == foot else 0.0  # a single value stands in the middle
    scaled = [((place - foot) / room + lift, word) for place, word in marks]
    return _Axis(label, (places - foot) / room + lift, words, scaled)


def _marks(places: np.ndarray) -> list[float]:
    """The values themselves where they leave room for their words, else five along the axis."""
    marks = np.unique(places)
    if len(marks) == 1:
        return [float(marks[0])]
    crowded = np.diff(marks).min() < CLOSEST * (marks[-1] - marks[0])
    if crowded or len(marks) > MOST_MARKS:
        marks = np.linspace(marks[0], marks[-1], 5)
    return [float(mark) for mark in marks]


def _trial_line(heights: np.ndarray, goodness: float, words: str) -> go.Scatter:
    colour = sample_colorscale(list(SEQUENTIAL_COLOURS), [goodness])[0]
    return go.Scatter(
        x=np.arange(len(heights)),
        y=heights,
        mode="lines+markers",
        showlegend=False,
        line={"color": colour, "width": 3.5 if goodness == 1 else 2},
        marker={"size": 7},
        hovertemplate=f"{words}<extra></extra>",
    )


def _spoken(name: Any) -> str:
    return str(name).replace("_", " ")
