"""A list of recommendations: each title over the two parts of its score."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.basics.columns import SOURCE, TARGET
from core.charts.theme import (
    CLEAR,
    FUSED_COLOUR,
    QUIET,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TWIN_COLOUR,
    plain,
    themed,
)

ROW = 46  # pixels of one title with its bar
_BAR, _TITLE, _WIDTH = 0.24, -0.17, 0.3  # places and size within a row of height 1


def draw_recommendations(
    titles: list[str],
    source: np.ndarray,
    target: np.ndarray,
    hits: np.ndarray,
    *,
    x: str,
    names: tuple[str, str] = (SOURCE, TARGET),
    chosen: int | None = None,
    marks: list[str] | None = None,
) -> go.Figure:
    """Rows from the best down: rank, title, a check where it is a hit, and a two-colour bar.

    source, target: (n,) amounts as they count in the score; hits: (n,) bool. A click anywhere on
    a row selects the point of the same index. chosen: row to mark. marks: what to say behind each
    title, such as how far it moved.
    """
    rows = np.arange(len(titles))
    low = float(np.minimum(0, np.minimum(source, 0) + np.minimum(target, 0)).min(initial=0))
    high = float((np.maximum(source, 0) + np.maximum(target, 0)).max(initial=0)) or -low or 1.0
    labels = [
        f"{place}  {'<b>' if hit else ''}{title}{'  ✓</b>' if hit else ''}"
        for place, (title, hit) in enumerate(zip(plain(titles, 52), hits, strict=True), start=1)
    ]
    figure = go.Figure()
    for part, name, colour in (
        (source, names[0], SOURCE_COLOUR),
        (target, names[1], TARGET_COLOUR),
    ):
        figure.add_trace(
            go.Bar(
                name=plain([f"from {name}"])[0],
                x=part,
                y=rows + _BAR,
                width=_WIDTH,
                orientation="h",
                marker_color=colour,
                hoverinfo="skip",
                unselected={"marker": {"opacity": 1}},
            )
        )
    if marks is not None:
        labels = [f"{label}{_mark(mark)}" for label, mark in zip(labels, marks, strict=True)]
    figure.add_trace(_labels(labels, rows, low))
    figure.add_trace(_touch(titles, rows, source, target, low, high))
    shapes = _zero_lines(rows) if low < 0 else []
    if chosen is not None and chosen < len(titles):
        shapes.append(_band(chosen))
    return themed(
        figure,
        x=x,
        height=90 + ROW * max(1, len(rows)),
        shapes=shapes,
        barmode="relative",
        clickmode="event+select",
        dragmode=False,
        xaxis={"range": [low, high * 1.02]},
        yaxis={"range": [len(titles) - 0.45, -0.55], "showticklabels": False, "showgrid": False},
    )


def _zero_lines(rows: np.ndarray) -> list[dict[str, Any]]:
    """Zero, beside the bars alone: it would strike the titles out."""
    return [
        {
            "type": "line",
            "x0": 0,
            "x1": 0,
            "y0": bar - _WIDTH,
            "y1": bar + _WIDTH,
            "line": {"color": STRONG, "width": 1},
            "layer": "below",
        }
        for bar in rows + _BAR
    ]


def _band(row: int) -> dict[str, Any]:
    """The mark of one row, as wide as the chart."""
    return {
        "type": "rect",
        "xref": "x domain",
        "x0": 0,
        "x1": 1,
        "y0": row - 0.5,
        "y1": row + 0.5,
        "fillcolor": QUIET,
        "line": {"width": 0},
        "layer": "below",
    }


def _mark(mark: str) -> str:
    """What rose or is new in green, the rest in grey."""
    if not mark:
        return ""
    colour = TWIN_COLOUR if mark.startswith("▼") else FUSED_COLOUR
    return f'  <span style="color:{colour}"><b>{plain([mark])[0]}</b></span>'


def _labels(labels: list[str], rows: np.ndarray, low: float) -> go.Scatter:
    return go.Scatter(
        x=np.full(len(rows), low),
        y=rows + _TITLE,
        text=labels,
        mode="text",
        showlegend=False,
        textposition="middle right",
        hoverinfo="skip",
        cliponaxis=False,
    )


def _touch(
    titles: list[str],
    rows: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    low: float,
    high: float,
) -> go.Scatter:
    """An unseen line of points over each row, so that a click or a hover finds it."""
    return go.Scatter(
        x=np.full(len(rows), (low + high) / 2),
        y=rows + _BAR,
        mode="markers",
        showlegend=False,
        marker={"size": 26, "color": CLEAR, "line": {"width": 0}},
        opacity=0.01,
        customdata=np.column_stack([source, target]),
        text=plain(titles),
        hovertemplate="%{text}<br>source %{customdata[0]:.4f}<br>target %{customdata[1]:.4f}"
        "<extra></extra>",
        hoverlabel={"bordercolor": FUSED_COLOUR},
    )
