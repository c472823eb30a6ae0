"""Groups as rows of dots: users by how they fare, items by how often they are shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, USERS
from core.charts.lines import Styles
from core.charts.theme import STRONG, plain, themed

RUN_HEIGHT, GAP = 13, 10  # pixels of one run in a group, and between groups


def draw_group_dots(
    rows: pd.DataFrame, styles: Styles, *, x: str, zero: bool = False, users: bool = True
) -> go.Figure:
    """Every run's mean in every group with its interval, the first group on top.

    rows: RUN, SEGMENT, MEAN, LOW, HIGH, USERS; a group whose MEAN is missing keeps its label.
    zero: draw a line at zero, for figures where it means "the same". users: how many of them a
    group has stands beside its name.
    """
    groups, runs = (list(dict.fromkeys(rows[column])) for column in (SEGMENT, RUN))
    places = dict(zip(groups, range(len(groups)), strict=True))
    figure = go.Figure()
    for name, offset in zip(runs, _offsets(len(runs)), strict=True):
        part, style = rows[rows[RUN] == name], styles[name]
        figure.add_trace(
            go.Scatter(
                name=plain([name], 60)[0],
                x=part[MEAN],
                mode="markers",
                y=[places[group] + offset for group in part[SEGMENT]],
                cliponaxis=False,
                marker={"size": 11, "color": style.colour, "symbol": style.symbol},
                error_x=_whiskers(part),
                customdata=part[[LOW, HIGH, USERS]].to_numpy(),
                hovertemplate="%{x:.4f}<br>interval %{customdata[0]:.4f} to %{customdata[1]:.4f}"
                "<br>%{customdata[2]:,} users",
            )
        )
    labels = list(plain(groups))
    if users:
        counts = rows.groupby(SEGMENT, sort=False)[USERS].max()
        labels = [
            f"{label} · {counts[group]:,} users"
            for label, group in zip(labels, groups, strict=True)
        ]
    if zero:
        figure.add_vline(x=0, line={"color": STRONG, "width": 1.5})
    return _in_rows(figure, labels, len(runs), x)


def draw_shares(
    labels: Sequence[str],
    even: np.ndarray,
    shares: dict[str, np.ndarray],
    styles: Styles,
    *,
    x: str,
) -> go.Figure:
    """Each group's share of all places, a dot per run; a bar marks its share of the catalogue."""
    rows = np.arange(len(labels))
    figure = go.Figure(
        go.Scatter(
            name="share of the catalogue",
            x=even,
            y=rows,
            mode="markers",
            marker={"symbol": "line-ns", "size": 22, "line": {"width": 3, "color": STRONG}},
            hovertemplate="%{x:.1%} of the catalogue",
        )
    )
    for name, offset in zip(shares, _offsets(len(shares)), strict=True):
        figure.add_trace(
            go.Scatter(
                name=plain([name], 60)[0],
                x=shares[name],
                y=rows + offset,
                mode="markers",
                cliponaxis=False,
                marker={"size": 10, "color": styles[name].colour, "symbol": styles[name].symbol},
                hovertemplate="%{x:.1%} of all places",
            )
        )
    return _in_rows(figure, plain(labels, 40), len(shares), x).update_xaxes(
        tickformat=".0%", rangemode="tozero"
    )


def _in_rows(figure: go.Figure, labels: Sequence[str], runs: int, x: str) -> go.Figure:
    return themed(
        figure,
        x=x,
        height=130 + (GAP + RUN_HEIGHT * max(2, runs)) * len(labels),
        xaxis={"showgrid": True, "exponentformat": "none"},
        yaxis={
            "tickvals": list(range(len(labels))),
            "ticktext": list(labels),
            "range": [len(labels) - 0.5, -0.5],
            "showgrid": False,
        },
    )


def _offsets(n: int) -> list[float]:
    return [float(x) for x in np.linspace(-0.3, 0.3, n)] if n > 1 else [0.0]


def _whiskers(part: pd.DataFrame) -> dict:
    return {
        "type": "data",
        "symmetric": False,
        "thickness": 1.5,
        "width": 3,
        "array": part[HIGH] - part[MEAN],
        "arrayminus": part[MEAN] - part[LOW],
    }
