"""How much two domains share: two bars drawn to scale, and shared users by activity."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import COUNT, DECILE, DOMAIN, SHARE, SOURCE, TARGET
from core.charts.theme import FUSED_COLOUR, SOURCE_COLOUR, TARGET_COLOUR, plain, themed

_COLOURS = {SOURCE: SOURCE_COLOUR, TARGET: TARGET_COLOUR}


def draw_overlap(
    source_users: int, target_users: int, shared: int, *, names: tuple[str, str] = (SOURCE, TARGET)
) -> go.Figure:
    """Users of both domains as two bars to scale; where they lie over each other they are shared.

    The source bar starts at the left, the target bar where its shared users begin.
    """
    figure = go.Figure()
    start = source_users - shared
    bars = ((SOURCE, names[0], 0, source_users), (TARGET, names[1], start, target_users))
    for place, (domain, name, left, users) in enumerate(bars):
        figure.add_trace(
            go.Bar(
                x=[users],
                base=[left],
                y=[place],
                orientation="h",
                width=0.92,
                marker_color=_COLOURS[domain],
                showlegend=False,
                customdata=plain([name]),
                hovertemplate=f"%{{customdata}}: {users:,} users<extra></extra>",
            )
        )
    labels = [f"{plain([name], 24)[0]}<br>{users:,}" for _, name, _, users in bars]
    themed(
        figure,
        x="users",
        height=190,
        legend=False,
        xaxis={"range": [0, max(source_users, start + target_users)], "tickformat": ","},
        yaxis={
            "tickvals": [0, 1],
            "ticktext": labels,
            "range": [1.55, -0.55],
            "showgrid": False,
            "fixedrange": True,
        },
    )
    if shared:
        _frame_shared(figure, start, source_users, shared)
    return figure


def _frame_shared(figure: go.Figure, left: int, right: int, shared: int) -> None:
    """A green frame round what both bars cover, with the number over it."""
    figure.add_shape(
        type="rect", x0=left, x1=right, y0=-0.5, y1=1.5, line={"color": FUSED_COLOUR, "width": 3}
    )
    figure.add_annotation(
        x=(left + right) / 2,
        y=-0.5,
        text=f"{shared:,} shared",
        showarrow=False,
        yanchor="bottom",
        font={"color": FUSED_COLOUR},
    )
    figure.update_layout(margin_t=34)


def draw_deciles(deciles: pd.DataFrame, *, names: tuple[str, str] = (SOURCE, TARGET)) -> go.Figure:
    """Share of shared users in each tenth of a domain's users, from the least to the most active.

    deciles: DOMAIN, DECILE, COUNT, SHARE, "fewest" and "most" interactions of its users.
    """
    figure = go.Figure()
    for domain, name in zip((SOURCE, TARGET), names, strict=True):
        part = deciles[deciles[DOMAIN] == domain]
        figure.add_trace(
            go.Bar(
                x=part[DECILE],
                y=part[SHARE],
                name=plain([name])[0],
                marker_color=_COLOURS[domain],
                customdata=part[[COUNT, "fewest", "most"]],
                hovertemplate="%{y:.0%} of %{customdata[0]:,} users with %{customdata[1]:,} to "
                "%{customdata[2]:,} interactions",
            )
        )
    themed(
        figure,
        x="tenth of the domain's users, 10 is the most active",
        y="share of them that is shared",
        height=280,
    )
    figure.update_xaxes(dtick=1)
    return figure.update_yaxes(range=[0, 1], tickformat=".0%")
