"""Quality against the share of shared users kept in training, with the twin's level."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, SHARE, USERS
from core.charts.theme import FUSED_COLOUR, SOURCE_COLOUR, STRONG, TWIN_COLOUR, faded, plain, themed

BANDS = (("band_low", LOW), ("band_high", HIGH))
COLOURS = (FUSED_COLOUR, SOURCE_COLOUR)


def draw_overlap_curve(rows: pd.DataFrame, *, y: str) -> go.Figure:
    """One line per SEGMENT with its interval band; a grey level where SHARE is 0, the twin.

    rows: SEGMENT, SHARE from 0 to 1, MEAN, USERS, and what the band is between: BAND_LOW and
    BAND_HIGH where there is a twin, else LOW and HIGH.
    """
    figure = go.Figure()
    for (name, part), colour in zip(rows.groupby(SEGMENT, sort=False), COLOURS, strict=False):
        label, at = plain([name])[0], 100 * part[SHARE]
        low, high = (part.get(band, part[own]) for band, own in BANDS)
        figure.add_trace(
            go.Scatter(
                x=[*at, *at[::-1]],
                y=[*high, *low[::-1]],
                fill="toself",
                mode="lines",
                fillcolor=faded(colour, 0.15),
                line_width=0,
                hoverinfo="skip",
                showlegend=False,
            )
        )
        figure.add_trace(
            go.Scatter(
                x=at,
                y=part[MEAN],
                name=f"{label} · {part[USERS].max():,} users",
                mode="lines+markers",
                line={"color": colour, "width": 3},
                marker={"size": 9},
                customdata=list(zip(low, high, strict=True)),
                hovertemplate="%{x:.0f} %<br>%{y:.4f}, interval %{customdata[0]:.4f} to "
                "%{customdata[1]:.4f}",
            )
        )
        level = part.loc[part[SHARE] == 0, MEAN]
        if len(level):
            figure.add_hline(
                y=float(level.iloc[0]), line={"color": TWIN_COLOUR, "width": 2, "dash": "dash"}
            )
    themed(figure, x="shared users known in training, %", y=y, height=380)
    figure.update_xaxes(tickvals=[0, 25, 50, 75, 100], linecolor=STRONG)
    return figure
