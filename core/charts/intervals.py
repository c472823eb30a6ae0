"""Means and differences with their intervals: forest plots, dots, lines and bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, USERS
from core.charts.theme import CATEGORY_COLOURS, FUSED_COLOUR, TWIN_TINT, plain, themed, upright

ROW_HEIGHT = 38  # pixels of one row of dots
SURE, NOISE, DETAIL = "sure", "noise", "detail"
RUN_COLOURS = (FUSED_COLOUR, *(CATEGORY_COLOURS[place] for place in (1, 0, 4, 5, 2)))


def draw_forest(
    rows: pd.DataFrame,
    *,
    x: str,
    title: str = "",
    noise: float | None = None,
    colours: dict[str, str] | None = None,
) -> go.Figure:
    """Lifts as dots with intervals around a zero line, the first row on top, users in the labels.

    rows: SEGMENT, MEAN, LOW, HIGH, USERS and maybe RUN (one colour and a small offset each), SURE
    (which dots are filled; else where the interval excludes 0), NOISE (half width of a grey band
    in each row) and DETAIL (a line of the hover box).
    noise: half width of one grey band within which differences mean nothing; None draws none.
    Rows whose MEAN is missing keep their label, which says that there are too few users.
    """
    segments = list(dict.fromkeys(rows[SEGMENT]))
    groups = list(rows.groupby(RUN, sort=False)) if RUN in rows else [("", rows)]
    figure = go.Figure()
    offsets = np.linspace(-0.18, 0.18, len(groups)) if len(groups) > 1 else [0.0]
    for (name, part), offset, colour in zip(
        groups, offsets, _colours(groups, colours), strict=True
    ):
        figure.add_trace(_dots(part, segments, float(offset), str(name), colour))
    several = len(groups) > 1
    return themed(
        figure,
        title=title,
        x=x,
        legend=several,
        height=110 + ROW_HEIGHT * len(segments) + (30 if several else 0),
        shapes=[upright(0, 1.5), *_bands(rows, segments, noise)],
        xaxis={"showgrid": True, "exponentformat": "none"},  # .00005, not 50µ
        yaxis={
            "tickvals": list(range(len(segments))),
            "range": [len(segments) - 0.5, -0.5],
            "ticktext": _segment_labels(rows, segments),
            "showgrid": False,
        },
    )


def draw_interval_bars(
    rows: pd.DataFrame, *, y: str, title: str = "", colours: dict[str, str] | None = None
) -> go.Figure:
    """Means as bars from zero with their intervals, grouped by SEGMENT, one colour per RUN.

    rows: RUN, MEAN, LOW, HIGH and maybe SEGMENT and USERS.
    """
    figure = go.Figure()
    groups = list(rows.groupby(RUN, sort=False))
    for (name, part), colour in zip(groups, _colours(groups, colours), strict=True):
        labels = plain(part[SEGMENT]) if SEGMENT in part else [""] * len(part)
        figure.add_trace(
            go.Bar(
                name=plain([name])[0],
                x=labels,
                y=part[MEAN],
                marker_color=colour,
                error_y=_whiskers(part),
                customdata=_hover_columns(part),
                hovertemplate=f"%{{x}}<br>{_HOVER.replace('VALUE', 'y')}",
            )
        )
    return themed(
        figure,
        title=title,
        y=y,
        height=360,
        legend=len(groups) > 1,
        barmode="group",
        yaxis={"rangemode": "tozero"},
    )


_HOVER = (
    "%{VALUE:.4f}<br>interval %{customdata[0]:.4f} to %{customdata[1]:.4f}"
    "<br>%{customdata[2]:,} users%{customdata[3]}"
)


def _bands(rows: pd.DataFrame, segments: list[str], noise: float | None) -> list[dict]:
    """A grey band around zero over all rows, and one in every row whose own noise is known."""
    look = {"type": "rect", "fillcolor": TWIN_TINT, "line": {"width": 0}, "layer": "below"}
    bands = []
    if noise:
        whole = {"xref": "x", "y0": 0, "y1": 1, "yref": "y domain"}
        bands.append(look | whole | {"x0": -noise, "x1": noise})
    if NOISE not in rows:
        return bands
    for segment, reach in rows.groupby(SEGMENT, sort=False)[NOISE].max().dropna().items():
        place = segments.index(str(segment))
        bands.append(look | {"x0": -reach, "x1": reach, "y0": place - 0.45, "y1": place + 0.45})
    return bands


def _dots(
    part: pd.DataFrame, segments: list[str], offset: float, name: str, colour: str
) -> go.Scatter:
    beyond_zero = (part[LOW] > 0) | (part[HIGH] < 0)
    sure = part.get(SURE, beyond_zero)
    return go.Scatter(
        name=plain([name])[0],
        x=part[MEAN],
        y=[segments.index(segment) + offset for segment in part[SEGMENT]],
        mode="markers",
        marker={
            "size": 12,
            "color": colour,
            "line": {"width": 2, "color": colour},
            "symbol": ["circle" if filled else "circle-open" for filled in sure],
        },
        error_x=_whiskers(part),
        customdata=_hover_columns(part),
        hovertemplate=_HOVER.replace("VALUE", "x"),
    )


def _whiskers(part: pd.DataFrame) -> dict:
    return {
        "type": "data",
        "symmetric": False,
        "array": part[HIGH] - part[MEAN],
        "arrayminus": part[MEAN] - part[LOW],
        "thickness": 2,
        "width": 4,
    }


def _hover_columns(part: pd.DataFrame) -> np.ndarray:
    users = part[USERS] if USERS in part else np.zeros(len(part))
    detail = part[DETAIL] if DETAIL in part else np.full(len(part), "")
    lines = [f"<br>{line}" if line else "" for line in detail]
    return np.array([*zip(part[LOW], part[HIGH], users, lines, strict=True)], dtype=object)


def _segment_labels(rows: pd.DataFrame, segments: list[str]) -> list[str]:
    if USERS not in rows:
        return plain(segments)
    groups = rows.groupby(SEGMENT, sort=False)
    users, silent = groups[USERS].max(), groups[MEAN].count() == 0
    names = zip(plain(segments), segments, strict=True)
    return [
        f"{label} · {users[segment]:,.0f} users{', too few to say' if silent[segment] else ''}"
        for label, segment in names
    ]


def _colours(groups: list, chosen: dict[str, str] | None) -> list[str]:
    chosen = chosen or {}
    return [
        chosen.get(str(name), RUN_COLOURS[place % len(RUN_COLOURS)])
        for place, (name, _) in enumerate(groups)
    ]
