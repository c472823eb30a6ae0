"""Two metrics against each other: a cross of intervals per run."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import HIGH, LOW, MEAN, RUN
from core.charts.theme import FUSED_COLOUR, STRONG, TWIN_COLOUR, plain, themed


def draw_trade_off(
    across: pd.DataFrame,
    up: pd.DataFrame,
    *,
    x: str,
    y: str,
    reference: tuple[str, ...] = (),
    utopia: tuple[float, float] | None = None,
) -> go.Figure:
    """Each run as a dot with its intervals as a cross; a star where the best of both would be.

    across, up: RUN, MEAN, LOW, HIGH with the same runs in the same order. reference: runs to draw
    in grey, such as twins and popularity.
    """
    grey = across[RUN].isin(reference)
    figure = go.Figure(
        go.Scatter(
            x=across[MEAN],
            y=up[MEAN],
            mode="markers+text",
            text=plain(across[RUN], 40),
            textposition=_sides(across[MEAN], up[MEAN]),
            cliponaxis=False,
            marker={"size": 12, "color": [TWIN_COLOUR if g else FUSED_COLOUR for g in grey]},
            error_x=_whiskers(across),
            error_y=_whiskers(up),
            hovertemplate="%{text}<br>%{x:.4f}, %{y:.4f}<extra></extra>",
        )
    )
    if utopia is not None:
        figure.add_scatter(
            x=[utopia[0]],
            y=[utopia[1]],
            mode="markers",
            cliponaxis=False,
            marker={"symbol": "star-open", "size": 18, "color": STRONG, "line": {"width": 2}},
            hovertemplate="best of both<br>%{x:.4f}, %{y:.4f}<extra></extra>",
        )
    themed(figure, x=x, y=y, height=460, legend=False)
    figure.update_yaxes(exponentformat="none")
    return figure.update_xaxes(showgrid=True, exponentformat="none", range=_reach(across))


def _sides(x: pd.Series, y: pd.Series) -> list[str]:
    """Where each name stands: neighbours in height take turns above and below, inside the frame."""
    turns = y.rank(method="first").fillna(0).astype(int) % 2
    right = x > (x.min() + x.max()) / 2
    return [
        f"{'top' if turn else 'bottom'} {'left' if far else 'right'}"
        for turn, far in zip(turns, right, strict=True)
    ]


def _reach(across: pd.DataFrame) -> list[float]:
    """From the lowest end of an interval to the highest, with room for names at the right."""
    low = float(across[LOW].fillna(across[MEAN]).min())
    high = float(across[HIGH].fillna(across[MEAN]).max())
    width = (high - low) or 1.0
    return [low - 0.05 * width, high + 0.2 * width]


def _whiskers(part: pd.DataFrame) -> dict:
    return {
        "type": "data",
        "symmetric": False,
        "thickness": 1.5,
        "width": 3,
        "color": TWIN_COLOUR,
        "array": (part[HIGH] - part[MEAN]).fillna(0),
        "arrayminus": (part[MEAN] - part[LOW]).fillna(0),
    }
