"""What a ratio gives up in one metric for another: every ratio as a dot, the front as a line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import SHARE
from core.basics.types import BoolArray
from core.charts.theme import FUSED_COLOUR, SOURCE_COLOUR, TARGET_COLOUR, TWIN_COLOUR, themed

HEIGHT = 430
NAMED = {0.0: "target only", 0.25: "1 : 3", 0.5: "1 : 1", 0.75: "3 : 1", 1.0: "source only"}
_COLOURS = {0.0: TARGET_COLOUR, 1.0: SOURCE_COLOUR}


def draw_pareto(
    table: pd.DataFrame, across: str, up: str, front: BoolArray, *, x: str, y: str
) -> go.Figure:
    """table: SHARE and the two metrics; front: which rows no other row beats."""
    best = table[front].sort_values(across)
    shares = table[SHARE].to_numpy()
    colours = np.where(front, FUSED_COLOUR, TWIN_COLOUR)
    words = [_ratio(share) for share in shares]
    right = table[across] > (table[across].min() + table[across].max()) / 2
    sides = np.where(right, "top left", "top right")
    figure = go.Figure(
        [
            go.Scatter(
                x=best[across],
                y=best[up],
                mode="lines",
                name="no ratio is better in both",
                line={"color": FUSED_COLOUR, "width": 2},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=table[across],
                y=table[up],
                mode="markers+text",
                cliponaxis=False,
                showlegend=False,
                text=[NAMED.get(share, "") for share in shares],
                textposition=sides,
                customdata=words,
                hovertemplate="%{customdata}<br>%{x:.4f}, %{y:.4f}<extra></extra>",
                marker={
                    "size": np.where(np.isin(shares, list(NAMED)), 13, 8),
                    "color": [_COLOURS.get(s, c) for s, c in zip(shares, colours, strict=True)],
                },
            ),
        ]
    )
    themed(figure, x=x, y=y, height=HEIGHT)
    return figure.update_xaxes(showgrid=True)


def _ratio(share: float) -> str:
    return NAMED.get(share, f"{share:.2f} : {1 - share:.2f}, source to target")
