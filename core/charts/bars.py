"""Scores as bars of two colours: what each domain's evidence added."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.basics.columns import SOURCE, TARGET
from core.charts.theme import SOURCE_COLOUR, TARGET_COLOUR, plain, themed, upright

MARK_ROOM = 0.4  # of the bars' width


def draw_two_part_bars(
    labels: list[str],
    source: np.ndarray,
    target: np.ndarray,
    *,
    x: str,
    names: tuple[str, str] = (SOURCE, TARGET),
    title: str = "",
    marks: list[str] | None = None,
) -> go.Figure:
    """Each row's score as an orange (source) and a blue (target) part, the first row on top.

    source, target: (n_rows,) amounts, negative ones to the left of zero. marks: what to write
    behind each row, such as a rank change.
    """
    rows = list(range(len(labels)))
    figure = go.Figure()
    for part, name, colour in (
        (source, names[0], SOURCE_COLOUR), (target, names[1], TARGET_COLOUR),
    ):  # fmt: skip
        figure.add_trace(
            go.Bar(
                name=plain([f"from {name}"])[0], x=part, y=rows, orientation="h",
                marker_color=colour, customdata=plain(labels),
                hovertemplate="%{customdata}<br>%{x:.4f}",
            )
        )  # fmt: skip
    ends = np.maximum(source, 0) + np.maximum(target, 0)
    starts = np.minimum(source, 0) + np.minimum(target, 0)
    if marks is not None:
        figure.add_trace(
            go.Scatter(x=ends, y=rows, text=plain(marks), mode="text", showlegend=False,
                       textposition="middle right", hoverinfo="skip", cliponaxis=False)
        )  # fmt: skip
    across: dict[str, Any] = {}
    if marks is not None:  # room behind the longest bar for what is written there
        low, high = float(starts.min(initial=0)), float(ends.max(initial=0))
        across["range"] = [low * 1.02, high + MARK_ROOM * ((high - low) or 1.0)]
    return themed(
        figure, title=title, x=x, height=120 + 30 * len(rows),
        barmode="relative", shapes=[upright(0)], xaxis=across,
        yaxis={"tickvals": rows, "ticktext": plain(labels, 40), "range": [len(rows) - 0.5, -0.5],
               "showgrid": False},
    )  # fmt: skip
