"""Charts over the weights: quality over the ratio, two metrics against each other, the plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import CHOSEN, HIGH, LOW, MEAN, NEAR, PLACE, RUN, SEGMENT, SHARE, USERS
from core.basics.types import BoolArray, FloatArray
from core.charts.theme import (
    CLEAR,
    FUSED_COLOUR,
    FUSED_TINT,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TEXT_SIZE,
    TWIN_COLOUR,
    TWIN_TINT,
    plain,
    themed,
    upright,
)

TICKS = {0.0: "target<br>only", 0.25: "1 : 3", 0.5: "1 : 1", 0.75: "3 : 1", 1.0: "source<br>only"}
X_TITLE = "alpha : beta, source to target"
HEIGHT = 430
# A colour for every segment of a kind, by its place: 3 : 1 against light and dark pages, apart for
# people with red- or green-blindness, and far from source, target and fused.
SEGMENT_COLOURS = ("#0B738D", "#9513EB", "#C63410", "#F04BF0", "#A289C6")
_LETTER, _APART = 7.5, 0.06  # pixels of a letter; share of the height between two labels


def draw_fusion_curve(
    curve: pd.DataFrame, lines: pd.DataFrame, best: pd.DataFrame, *, metric: str
) -> go.Figure:
    """The metric over the ratio with its band; a line per segment, named at its end, with the ratio
    to use as a dot.

    curve: SHARE, MEAN, LOW, HIGH, NEAR (bool); lines: SEGMENT, PLACE, SHARE, MEAN; best: SEGMENT,
    CHOSEN, MEAN. The points of the first trace are the shares, for clicks. `mark_weights` adds the
    rest.
    """
    # The interval of the mean as an area of its own trace, out of the way of clicks
    there, back = curve, curve[::-1]
    band = go.Scatter(
        x=[*there[SHARE], *back[SHARE]],
        y=[*there[HIGH], *back[LOW]],
        fill="toself",
        fillcolor=FUSED_TINT,
        name="95 % interval",
        mode="lines",
        hoverinfo="skip",
        line={"width": 0, "color": CLEAR},
    )
    mean_line = go.Scatter(
        name="all users",
        x=curve[SHARE],
        y=curve[MEAN],
        mode="lines+markers",
        line={"color": FUSED_COLOUR, "width": 3},
        marker={"size": 7, "color": FUSED_COLOUR},
        selected={"marker": {"color": FUSED_COLOUR}},
        unselected={"marker": {"opacity": 1}},
        customdata=np.column_stack([curve[LOW], curve[HIGH]]),
        hovertemplate=f"{metric} %{{y:.4f}}<br>95 % %{{customdata[0]:.4f}} to "
        "%{customdata[1]:.4f}<br>click to go there<extra></extra>",
    )
    figure = go.Figure([mean_line, band])
    for name, part in lines.groupby(SEGMENT, sort=False):
        dot = best[best[SEGMENT] == name]
        figure.add_traces(_segment(str(name), part, dot, segment_colour(part[PLACE].iloc[0])))
    names = _names_at_ends(lines)
    longest = max((len(name) + 2 for name in plain(lines[SEGMENT].unique(), 24)), default=0)
    return themed(
        figure,
        x=X_TITLE,
        y=f"{metric}, mean over validation users",
        height=HEIGHT,
        shapes=_near(curve),
        annotations=names,
        margin={"t": 66, "r": 22 + int(_LETTER * longest)},
        clickmode="event+select",
        legend={"y": 1.06},
        dragmode=False,
        hovermode="closest",
        xaxis={"tickvals": list(TICKS), "ticktext": list(TICKS.values()), "range": [-0.03, 1.03]},
    )


def mark_weights(drawn: go.Figure, here: float | None, pinned: float | None = None) -> go.Figure:
    """A copy of the curve with a line where the sliders stand, and one at the pinned point.

    here, pinned: shares of source evidence, 0 to 1; None where both weights are 0. Runs at every
    slider move, so the copy is not checked again: that would take longer than all the rest.
    """
    figure = drawn.to_dict()
    shapes, notes = (list(figure["layout"].get(kind, [])) for kind in ("shapes", "annotations"))
    for share, dash, words in ((pinned, "dot", "pinned"), (here, "solid", "you are here")):
        if share is not None:
            shapes.append(_upright(share, dash))
            side = "right" if share > 0.5 else "left"
            bottom = 0.0 if words == "pinned" else 1.0
            note = {
                "text": f" {words} ",
                "x": share,
                "xref": "x",
                "y": bottom,
                "yref": "paper",
                "showarrow": False,
                "xanchor": side,
                "yanchor": "bottom" if bottom == 0 else "top",
            }
            notes.append(note)
    figure["layout"] |= {"shapes": shapes, "annotations": notes}
    return go.Figure(figure, _validate=False)


def draw_best_ratios(best: pd.DataFrame, *, title: str = "") -> go.Figure:
    """The best ratio of each segment as a dot with its interval, segments from the top down.

    best: SEGMENT, PLACE, USERS, CHOSEN, LOW, HIGH as shares of source evidence, 0 to 1.
    """
    rows = list(range(len(best)))
    colours = [segment_colour(place) for place in best[PLACE]]
    labels = [
        f"{name}<br>{users:,} users"
        for name, users in zip(plain(best[SEGMENT]), best[USERS], strict=True)
    ]
    whiskers = [
        {
            "type": "line",
            "x0": low,
            "x1": high,
            "y0": row,
            "y1": row,
            "layer": "below",
            "line": {"width": 3, "color": colours[row]},
        }
        for row, low, high in zip(rows, best[LOW], best[HIGH], strict=True)
    ]
    dots = go.Scatter(
        x=best[CHOSEN],
        y=rows,
        mode="markers",
        showlegend=False,
        marker={"size": 13, "color": colours},
        customdata=np.column_stack([best[LOW], best[HIGH], best[CHOSEN]]) * 100,
        hovertemplate="%{customdata[2]:.0f} % source<br>95 % %{customdata[0]:.0f} to "
        "%{customdata[1]:.0f} %<extra></extra>",
    )
    few = {share: TICKS[share] for share in (0.0, 0.5, 1.0)}
    return themed(
        go.Figure(dots),
        title=title,
        x=X_TITLE,
        legend=False,
        height=max(200, 110 + 52 * len(best)),
        shapes=[upright(0.5, 1.5), *whiskers],
        xaxis={
            "tickvals": list(few),
            "ticktext": list(few.values()),
            "range": [-0.12, 1.12],
            "showgrid": True,
        },
        yaxis={
            "tickvals": rows,
            "ticktext": labels,
            "range": [len(best) - 0.5, -0.5],
            "showgrid": False,
        },
    )


def _segment(name: str, line: pd.DataFrame, dot: pd.DataFrame, colour: str) -> list[go.Scatter]:
    label = plain([name])[0]
    line_of = go.Scatter(
        name=label,
        x=line[SHARE],
        y=line[MEAN],
        mode="lines",
        line={"color": colour, "width": 2.5},
        showlegend=False,
        hovertemplate=f"{label}<br>%{{y:.4f}}<extra></extra>",
    )
    peak = go.Scatter(
        x=dot[CHOSEN],
        y=dot[MEAN],
        mode="markers",
        marker={"size": 10, "color": colour},
        showlegend=False,
        unselected={"marker": {"opacity": 1}},
        hovertemplate=f"the ratio to use for {label}<br>%{{y:.4f}}<extra></extra>",
    )
    return [line_of, peak]


def _names_at_ends(lines: pd.DataFrame) -> list[dict]:
    """A note per segment at the right end of its line, moved apart where lines end close by."""
    ends = lines.groupby(SEGMENT, sort=False).last().sort_values(MEAN)
    heights = lines[MEAN].to_numpy(float)
    apart = _APART * float(np.ptp(heights)) if len(heights) else 0.0
    notes, lowest = [], -np.inf
    for name, height, place in zip(ends.index, ends[MEAN], ends[PLACE], strict=True):
        lowest = max(float(height), lowest + apart)
        note = {
            "text": f'<span style="color:{segment_colour(place)}">■</span> {plain([name], 24)[0]}',
            "x": 1.0,
            "xref": "paper",
            "y": lowest,
            "showarrow": False,
            "xanchor": "left",
            "yanchor": "middle",
        }
        notes.append(note)
    return notes


def _near(curve: pd.DataFrame) -> list[dict]:
    """Grey bands over the shares that are no worse than the best beyond user sampling."""
    shares, near = curve[SHARE].to_numpy(), curve[NEAR].to_numpy()
    half = (shares[1] - shares[0]) / 2 if len(shares) > 1 else 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[0], near.astype(int), [0]])))
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "x0": shares[start] - half,
            "x1": shares[end - 1] + half,
            "fillcolor": TWIN_TINT,
            "line": {"width": 0},
        }
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def _upright(share: float, dash: str) -> dict:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": share,
        "x1": share,
        "y0": 0,
        "y1": 1,
        "line": {"color": STRONG, "width": 2, "dash": dash},
    }


def segment_colour(place: int) -> str:
    """The colour of a segment, the same wherever it is drawn and whoever stands beside it."""
    return SEGMENT_COLOURS[int(place) % len(SEGMENT_COLOURS)]


# Rating error or quality over alpha and beta as a heat map, its best point, where one stands.

PLANE_HEIGHT = 520
_SCALE = [(0.0, FUSED_COLOUR), (0.5, "#9CC7B4"), (1.0, "#E3E6E9")]  # the lower, the stronger
_LIGHT = "#FFFFFF"


def draw_rating_plane(
    steps: FloatArray,
    error: FloatArray,
    near: BoolArray,
    *,
    metric: str,
    lowest: tuple[float, float],
    here: tuple[float, float],
    names: tuple[str, str],
    higher_is_better: bool = False,
) -> go.Figure:
    """The error at every pair of weights; a white edge holds what is no worse than the lowest.

    error, near: (betas, alphas). lowest, here: (alpha, beta). names: of source and target. Where
    higher is better, error is a quality and lowest its highest point.
    """
    word = "highest" if higher_is_better else "lowest"
    figure = go.Figure(
        go.Heatmap(
            x=steps,
            y=steps,
            z=error,
            xgap=1,
            ygap=1,
            colorscale=_SCALE,
            reversescale=higher_is_better,
            colorbar={"title": {"text": metric}, "thickness": 14, "tickfont": {"size": TEXT_SIZE}},
            hovertemplate="alpha %{x:.2f}, beta %{y:.2f}<br>%{z:.4f}<extra></extra>",
        )
    )
    figure.add_trace(_edge(steps, near))
    figure.add_trace(_mark(lowest, word, "star", _LIGHT))
    figure.add_trace(_mark(here, "you are here", "circle-open", _LIGHT))
    x, y = f"alpha, weight of {names[0]}", f"beta, weight of {names[1]}"
    themed(figure, x=x, y=y, height=PLANE_HEIGHT, legend=False)
    figure.update_layout(hovermode="closest", dragmode=False)
    half = (steps[1] - steps[0]) / 2
    figure.update_xaxes(range=[-half, 1 + half], constrain="domain")
    return figure.update_yaxes(range=[-half, 1 + half], showgrid=False)


def _edge(steps: FloatArray, near: BoolArray) -> go.Contour:
    """A line around the cells that are near, and nothing else."""
    return go.Contour(
        x=steps,
        y=steps,
        z=near.astype(float),
        showscale=False,
        hoverinfo="skip",
        contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "lines"},
        colorscale=[[0, _LIGHT], [1, _LIGHT]],
        line={"width": 2, "dash": "dot"},
        name="no worse than the lowest",
        showlegend=False,
    )


def _mark(point: tuple[float, float], name: str, symbol: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[point[0]],
        y=[point[1]],
        mode="markers",
        name=name,
        marker={
            "symbol": symbol,
            "size": 18,
            "color": colour,
            "line": {
                "width": 3 if symbol != "star" else 1,
                "color": colour if symbol != "star" else STRONG,
            },
        },
        hovertemplate=f"{name}<br>alpha %{{x:.2f}}, beta %{{y:.2f}}<extra></extra>",
    )


# What a ratio gives up in one metric for another: every ratio as a dot, the front as a line.

NAMED = {0.0: "target only", 0.25: "1 : 3", 0.5: "1 : 1", 0.75: "3 : 1", 1.0: "source only"}
_COLOURS = {0.0: TARGET_COLOUR, 1.0: SOURCE_COLOUR}


def draw_pareto(
    table: pd.DataFrame, across: str, up: str, front: BoolArray, *, x: str, y: str
) -> go.Figure:
    """table: SHARE and the two metrics; front: which rows no other row beats."""
    best = table[front].sort_values(across)
    shares = table[SHARE].to_numpy()
    colours = np.where(front, FUSED_COLOUR, TWIN_COLOUR)
    words = [
        NAMED.get(share, f"{share:.2f} : {1 - share:.2f}, source to target") for share in shares
    ]
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


# Two metrics against each other: a cross of intervals per run.


def draw_trade_off(
    across: pd.DataFrame,
    up: pd.DataFrame,
    *,
    x: str,
    y: str,
    reference: tuple[str, ...] = (),
    utopia: tuple[float, float] | None = None,
    colours: Sequence[str] | None = None,
) -> go.Figure:
    """Each run as a dot with its intervals as a cross; a star where the best of both would be.

    across, up: RUN, MEAN, LOW, HIGH with the same runs in the same order. colours: of each run's
    dot and name; else reference, such as twins and popularity, are grey and the others green.
    """
    grey = across[RUN].isin(reference)
    painted = colours or [TWIN_COLOUR if g else FUSED_COLOUR for g in grey]
    figure = go.Figure(
        go.Scatter(
            x=across[MEAN],
            y=up[MEAN],
            mode="markers+text",
            text=plain(across[RUN], 40),
            textposition=_sides(across[MEAN], up[MEAN]),
            cliponaxis=False,
            marker={"size": 12, "color": list(painted)},
            textfont={"color": list(painted)},
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
    # From the lowest end of an interval to the highest, with room for names at the right
    low = float(across[LOW].fillna(across[MEAN]).min())
    high = float(across[HIGH].fillna(across[MEAN]).max())
    width = (high - low) or 1.0
    reach = [low - 0.05 * width, high + 0.2 * width]
    return figure.update_xaxes(showgrid=True, exponentformat="none", range=reach)


def _sides(x: pd.Series, y: pd.Series) -> list[str]:
    """Where each name stands: neighbours in height take turns above and below, inside the frame."""
    turns = y.rank(method="first").fillna(0).astype(int) % 2
    right = x > (x.min() + x.max()) / 2
    return [
        f"{'top' if turn else 'bottom'} {'left' if far else 'right'}"
        for turn, far in zip(turns, right, strict=True)
    ]


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
