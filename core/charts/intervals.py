"""Means and differences with their intervals: dots, lines and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, SHARE, SOURCE, TARGET, USERS
from core.charts.theme import (
    CATEGORY_COLOURS,
    FUSED_COLOUR,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TEXT_SIZE,
    TWIN_COLOUR,
    faded,
    plain,
    themed,
)

# Quality against the share of shared users kept in training, with the twin's level.

BANDS = (("band_low", LOW), ("band_high", HIGH))
TWIN_LEVEL = "twin"  # column with the twin's level
COLOURS = (FUSED_COLOUR, SOURCE_COLOUR)


def draw_overlap_curve(rows: pd.DataFrame, *, y: str) -> go.Figure:
    """One line per SEGMENT with its interval band; a grey level where the TWIN_LEVEL is.

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
        if TWIN_LEVEL in part:
            figure.add_hline(
                y=float(part[TWIN_LEVEL].iloc[0]),
                line={"color": TWIN_COLOUR, "width": 2, "dash": "dash"},
            )
    themed(figure, x="shared users known in training, %", y=y, height=380)
    figure.update_xaxes(tickvals=[0, 25, 50, 75, 100], linecolor=STRONG)
    return figure


# Groups as rows of dots: users by how they fare, items by how often they are shown.

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
        thin_whiskers = {
            "type": "data",
            "symmetric": False,
            "thickness": 1.5,
            "width": 3,
            "array": part[HIGH] - part[MEAN],
            "arrayminus": part[MEAN] - part[LOW],
        }
        figure.add_trace(
            go.Scatter(
                name=plain([name], 60)[0],
                x=part[MEAN],
                mode="markers",
                y=[places[group] + offset for group in part[SEGMENT]],
                cliponaxis=False,
                marker={"size": 11, "color": style.colour, "symbol": style.symbol},
                error_x=thin_whiskers,
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


# Several runs as lines in one picture: exposure, quality over the length, calibration.


@dataclass(frozen=True)
class LineStyle:
    """How one run is drawn wherever several stand in a picture."""

    colour: str
    dash: str = "solid"
    symbol: str = "circle"


OWN = LineStyle(FUSED_COLOUR)  # the run the page is about
TWIN = LineStyle(TWIN_COLOUR, "dash", "square")
FLOORS = (  # popularity, biases: there to compare with
    LineStyle(TWIN_COLOUR, "dot", "diamond"),
    LineStyle(TWIN_COLOUR, "longdashdot", "cross"),
)
OTHERS = tuple(LineStyle(CATEGORY_COLOURS[place]) for place in (1, 3, 5, 2, 0, 4))
Styles = Mapping[str, LineStyle]  # by the name of the run


def draw_lorenz(curves: Mapping[str, pd.DataFrame], styles: Styles, *, k: int) -> go.Figure:
    """Share of the catalogue, least shown first, against its share of all places.

    curves: by run, share and exposure from 0 to 1. The diagonal is an even share for everybody.
    """
    figure = go.Figure(_diagonal([0, 1]))
    for name, curve in curves.items():
        figure.add_trace(_line(name, curve["share"], curve["exposure"], styles[name]))
    themed(
        figure,
        x="share of the catalogue, least shown first",
        y=f"share of all top-{k} places",
        height=420,
    )
    figure.update_xaxes(range=[0, 1.01], tickformat=".0%")
    return figure.update_yaxes(range=[0, 1.02], tickformat=".0%")


def draw_by_length(
    curves: Mapping[str, pd.DataFrame], styles: Styles, *, column: str, title: str, here: int
) -> go.Figure:
    """A figure of the answer yes over the length of the list; a line where the choice stands."""
    figure = go.Figure()
    for name, curve in curves.items():
        figure.add_trace(_line(name, curve["k"], curve[column], styles[name]))
    figure.add_vline(x=here, line={"color": STRONG, "width": 1.5})
    themed(figure, x="k, items of the list that are a yes", y=title, height=380)
    return figure.update_yaxes(rangemode="tozero")


def draw_calibration(curves: Mapping[str, pd.DataFrame], styles: Styles) -> go.Figure:
    """Mean given rating with its interval over the mean predicted one, a dot per tenth.

    curves: by run, columns predicted, MEAN, LOW, HIGH. On the diagonal a predicted 4 is a 4.
    """
    everything = pd.concat(list(curves.values()))
    reach = [
        float(everything[["predicted", MEAN]].min().min()),
        float(everything[["predicted", MEAN]].max().max()),
    ]
    figure = go.Figure(_diagonal(reach))
    for name, curve in curves.items():
        trace = _line(name, curve["predicted"], curve[MEAN], styles[name], "lines+markers")
        above, below = curve[HIGH] - curve[MEAN], curve[MEAN] - curve[LOW]
        error = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
        figure.add_trace(trace.update(error_y=error | {"thickness": 1.5, "width": 3}))
    return themed(
        figure,
        x="predicted rating, mean of a tenth",
        y="given rating, mean of the same",
        height=420,
    )


def _line(
    name: str, x: pd.Series, y: pd.Series, style: LineStyle, mode: str = "lines"
) -> go.Scatter:
    return go.Scatter(
        name=plain([name], 60)[0],
        x=np.asarray(x),
        y=np.asarray(y),
        mode=mode,
        line={"color": style.colour, "dash": style.dash, "width": 2.5},
        marker={"symbol": style.symbol, "size": 9, "color": style.colour},
        hovertemplate="%{x:.3f}, %{y:.3f}",
    )


def _diagonal(reach: list[float]) -> go.Scatter:
    return go.Scatter(
        x=reach,
        y=reach,
        mode="lines",
        line={"color": STRONG, "width": 1},
        showlegend=False,
        hoverinfo="skip",
    )


# Shares of both domains side by side, one row of bars per thing that is counted.

ROW, AROUND = 58, 110  # pixels of one row, and of what stands around all of them


def draw_domain_shares(
    rows: Sequence[str],
    shares: Mapping[str, Sequence[float]],
    *,
    x: str,
    names: tuple[str, str] = (SOURCE, TARGET),
) -> go.Figure:
    """Two bars per row, the source above the target; shares: by domain, 0 to 1, in row order."""
    figure = go.Figure()
    for domain, name, colour in (
        (SOURCE, names[0], SOURCE_COLOUR),
        (TARGET, names[1], TARGET_COLOUR),
    ):
        figure.add_trace(
            go.Bar(
                name=plain([name])[0],
                x=list(shares[domain]),
                y=plain(rows),
                orientation="h",
                marker_color=colour,
                text=["< 1 %" if 0 < share < 0.01 else f"{share:.0%}" for share in shares[domain]],
                textposition="outside",
                cliponaxis=False,
                textfont={"size": TEXT_SIZE},
                hovertemplate="%{y}: %{x:.1%}",
            )
        )
    themed(figure, x=x, height=AROUND + ROW * len(rows))
    figure.update_xaxes(range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure.update_yaxes(autorange="reversed", showgrid=False)
