"""One score from zero to its end: what every history item added."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.charts.theme import (
    FUSED_COLOUR,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TWIN_COLOUR,
    plain,
    themed,
    upright,
)

ROW = 30  # pixels of one step
COLOURS = {
    "source": SOURCE_COLOUR,
    "target": TARGET_COLOUR,
    "other": TWIN_COLOUR,
    "score": FUSED_COLOUR,
}


def draw_waterfall(
    names: list[str], amounts: np.ndarray, kinds: list[str], *, total: str, x: str
) -> go.Figure:
    """Steps from the top down, each starting where the one before ended; the last is the sum.

    amounts: (n,) of the steps, negative ones lead back; kinds: a key of COLOURS per step.
    """
    ends = np.cumsum(amounts)
    starts = ends - amounts
    score = float(ends[-1]) if len(ends) else 0.0
    rows = np.arange(len(names) + 1)
    widths = np.append(amounts, score)
    figure = go.Figure(
        go.Bar(
            base=np.append(starts, 0.0),
            x=widths,
            y=rows,
            orientation="h",
            width=0.62,
            marker_color=[COLOURS[kind] for kind in kinds] + [COLOURS["score"]],
            text=[f"{width:+.4f}" for width in amounts] + [f"{score:.4f}"],
            textposition="outside",
            cliponaxis=False,
            customdata=plain([*names, total]),
            hovertemplate="%{customdata}<br>%{x:.4f}<extra></extra>",
        )
    )
    steps = [
        {
            "type": "line",
            "x0": end,
            "x1": end,
            "y0": row,
            "y1": row + 1,
            "line": {"color": STRONG, "width": 1},
        }
        for row, end in zip(rows[:-1], ends, strict=True)
    ]
    return themed(
        figure,
        x=x,
        height=70 + ROW * len(rows),
        legend=False,
        shapes=[*steps, upright(0)],
        xaxis={"range": _reach(starts, ends)},
        yaxis={
            "tickvals": rows,
            "ticktext": plain([*names, total], 44),
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
        },
    )


def _reach(starts: np.ndarray, ends: np.ndarray) -> list[float]:
    """Room for the numbers that stand behind the bars."""
    low = min(0.0, float(np.minimum(starts, ends).min(initial=0)))
    high = max(0.0, float(np.maximum(starts, ends).max(initial=0)))
    room = 0.16 * ((high - low) or 1.0)
    return [low - (room if low < 0 else 0.02 * room), high + room]
