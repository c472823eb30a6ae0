"""Curves of a training that is going on, and what a search over settings found."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.charts.theme import FUSED_COLOUR, TEXT_SIZE, TWIN_COLOUR, themed

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
                line = _line(rows, measure, name, colour, in_legend=column == 1)
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


def _line(
    rows: pd.DataFrame, measure: str, name: str, colour: str, *, in_legend: bool
) -> go.Scatter:
    return go.Scatter(
        x=rows[EPOCH],
        y=rows[measure],
        name=name,
        legendgroup=name,
        showlegend=in_legend,
        mode="lines+markers" if len(rows) < 3 else "lines",
        line={"color": colour, "width": 2.5},
        hovertemplate="epoch %{x}: %{y:.4f}",
    )


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
