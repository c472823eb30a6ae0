"""A recommended list as bars, one score as a waterfall, and what taking items away does."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.basics.columns import HIGH, KIND, LOW, MEAN, METRIC, SHARE, SOURCE, TARGET
from core.basics.formatting import number, signed
from core.charts.theme import (
    CLEAR,
    FUSED_COLOUR,
    QUIET,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TEXT_SIZE,
    TWIN_COLOUR,
    one_line,
    plain,
    themed,
    upright,
)

ROW = 46  # pixels of one title with its bar
_BAR, _TITLE, _WIDTH = 0.24, -0.17, 0.3  # places and size within a row of height 1


def draw_recommendations(
    titles: list[str],
    source: np.ndarray,
    target: np.ndarray,
    hits: np.ndarray,
    *,
    x: str,
    names: tuple[str, str] = (SOURCE, TARGET),
    chosen: int | None = None,
    marks: list[str] | None = None,
) -> go.Figure:
    """Rows from the best down: rank, title, a check where it is a hit, and a two-colour bar.

    source, target: (n,) amounts as they count in the score; hits: (n,) bool. A click anywhere on
    a row selects the point of the same index. chosen: row to mark. marks: what to say behind each
    title, such as how far it moved.
    """
    rows = np.arange(len(titles))
    low = float(np.minimum(0, np.minimum(source, 0) + np.minimum(target, 0)).min(initial=0))
    high = float((np.maximum(source, 0) + np.maximum(target, 0)).max(initial=0)) or -low or 1.0
    labels = [
        f"{place}  {'<b>' if hit else ''}{title}{'  ✓</b>' if hit else ''}"
        for place, (title, hit) in enumerate(zip(plain(titles, 52), hits, strict=True), start=1)
    ]
    figure = go.Figure()
    for part, name, colour in (
        (source, names[0], SOURCE_COLOUR),
        (target, names[1], TARGET_COLOUR),
    ):
        figure.add_trace(
            go.Bar(
                name=plain([f"from {name}"])[0],
                x=part,
                y=rows + _BAR,
                width=_WIDTH,
                orientation="h",
                marker_color=colour,
                hoverinfo="skip",
                unselected={"marker": {"opacity": 1}},
            )
        )
    if marks is not None:
        labels = [f"{label}{_mark(mark)}" for label, mark in zip(labels, marks, strict=True)]
    figure.add_trace(_labels(labels, rows, low))
    figure.add_trace(_touch(titles, rows, source, target, low, high))
    shapes = _zero_lines(rows) if low < 0 else []
    if chosen is not None and chosen < len(titles):
        shapes.append(_band(chosen))
    return themed(
        figure,
        x=x,
        height=90 + ROW * max(1, len(rows)),
        shapes=shapes,
        barmode="relative",
        clickmode="event+select",
        dragmode=False,
        xaxis={"range": [low, high * 1.02]},
        yaxis={"range": [len(titles) - 0.45, -0.55], "showticklabels": False, "showgrid": False},
    )


def _zero_lines(rows: np.ndarray) -> list[dict[str, Any]]:
    """Zero, beside the bars alone: it would strike the titles out."""
    return [
        {
            "type": "line",
            "x0": 0,
            "x1": 0,
            "y0": bar - _WIDTH,
            "y1": bar + _WIDTH,
            "line": {"color": STRONG, "width": 1},
            "layer": "below",
        }
        for bar in rows + _BAR
    ]


def _band(row: int) -> dict[str, Any]:
    """The mark of one row, as wide as the chart."""
    return {
        "type": "rect",
        "xref": "x domain",
        "x0": 0,
        "x1": 1,
        "y0": row - 0.5,
        "y1": row + 0.5,
        "fillcolor": QUIET,
        "line": {"width": 0},
        "layer": "below",
    }


def _mark(mark: str) -> str:
    """What rose or is new in green, the rest in grey."""
    if not mark:
        return ""
    colour = TWIN_COLOUR if mark.startswith("▼") else FUSED_COLOUR
    return f'  <span style="color:{colour}"><b>{plain([mark])[0]}</b></span>'


def _labels(labels: list[str], rows: np.ndarray, low: float) -> go.Scatter:
    return go.Scatter(
        x=np.full(len(rows), low),
        y=rows + _TITLE,
        text=labels,
        mode="text",
        showlegend=False,
        textposition="middle right",
        hoverinfo="skip",
        cliponaxis=False,
    )


def _touch(
    titles: list[str],
    rows: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    low: float,
    high: float,
) -> go.Scatter:
    """An unseen line of points over each row, so that a click or a hover finds it."""
    return go.Scatter(
        x=np.full(len(rows), (low + high) / 2),
        y=rows + _BAR,
        mode="markers",
        showlegend=False,
        marker={"size": 26, "color": CLEAR, "line": {"width": 0}},
        opacity=0.01,
        customdata=np.column_stack([source, target]),
        text=plain(titles),
        hovertemplate="%{text}<br>source %{customdata[0]:.4f}<br>target %{customdata[1]:.4f}"
        "<extra></extra>",
        hoverlabel={"bordercolor": FUSED_COLOUR},
    )


# One score from zero to its end: what every history item added.

STEP_ROW = 30  # pixels of one step
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
            text=[*(signed(width, 4) for width in amounts), number(score, 4)],
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
        height=70 + STEP_ROW * len(rows),
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


# What taking history items away does: to one recommendation's rank, and to many on average.

STEP = "step"
STRONGEST, RANDOM = "the strongest", "random ones"


def draw_removed_places(
    counts: np.ndarray,
    strongest: np.ndarray,
    random: np.ndarray,
    *,
    place: int,
    k: int,
    x: str,
    colour: str = FUSED_COLOUR,
) -> go.Figure:
    """Rank of an item without its strongest history items and without as many random ones.

    counts: (steps,) items taken away; strongest, random: (steps,) ranks, NaN where not asked.
    place: the rank with the whole history. Ranks grow downwards on a logarithmic scale.
    """
    there = ~np.isnan(strongest)
    labels = ["none", *[str(count) for count in counts[there]]]
    figure = go.Figure()
    for name, ranks, line, dash in (
        (RANDOM, random, TWIN_COLOUR, "dot"),
        (STRONGEST, strongest, colour, "solid"),
    ):
        figure.add_trace(
            go.Scatter(
                name=f"without {name}",
                x=labels,
                y=[place, *ranks[there]],
                mode="lines+markers",
                line={"color": line, "width": 3, "dash": dash},
                marker={"size": 9},
                hovertemplate="%{x} taken away: rank %{y:.0f}<extra></extra>",
            )
        )
    worst = float(np.nanmax(np.concatenate([[place, k], strongest[there], random[there]])))
    end = {
        "type": "line",
        "x0": 0,
        "x1": 1,
        "xref": "x domain",
        "y0": k + 0.5,
        "y1": k + 0.5,
        "line": {"color": STRONG, "width": 1, "dash": "dash"},
    }
    word = {
        "text": f"end of the top {k}",
        "x": 1,
        "xref": "paper",
        "xanchor": "right",
        "showarrow": False,
        "yanchor": "top",
        "y": np.log10(k + 0.5),  # on a logarithmic axis it stands by the exponent
    }
    return themed(
        figure,
        x=x,
        y="rank in the list",
        height=320,
        shapes=[end],
        annotations=[word],
        xaxis={"type": "category"},
        yaxis={
            "type": "log",
            "range": [np.log10(worst * 1.5), np.log10(0.8)],
            "tickvals": _ticks(worst),
            "tickformat": ",d",
        },
    )


def draw_removed_shares(rows: pd.DataFrame, *, x: str, y: str, colour: str) -> go.Figure:
    """Means with intervals over the number of items, strongest beside random.

    rows: STEP, KIND (STRONGEST or RANDOM), MEAN, LOW, HIGH as shares.
    """
    figure = go.Figure()
    for kind, line, dash in ((RANDOM, TWIN_COLOUR, "dot"), (STRONGEST, colour, "solid")):
        part = rows[rows[KIND] == kind]
        figure.add_trace(
            go.Scatter(
                name=kind,
                x=part[STEP].astype("str"),
                y=part[MEAN],
                mode="lines+markers",
                line={"color": line, "width": 3, "dash": dash},
                marker={"size": 9},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": part[HIGH] - part[MEAN],
                    "arrayminus": part[MEAN] - part[LOW],
                    "thickness": 1.5,
                },
                hovertemplate="%{x} items: %{y:.0%}<extra></extra>",
            )
        )
    return themed(
        figure,
        x=x,
        y=y,
        height=320,
        xaxis={"type": "category"},
        yaxis={"tickformat": ".0%", "rangemode": "tozero"},
    )


def draw_rerank_curves(rows: pd.DataFrame, panels: dict[str, str]) -> go.Figure:
    """A panel per figure over the strength of a re-ranking, a line per kind, with intervals.

    rows: KIND, SHARE (the strength), METRIC, MEAN, LOW, HIGH, the last two NaN where there is no
    interval; panels: title of each METRIC that is drawn, in order.
    """
    kinds = list(dict.fromkeys(rows[KIND]))
    looks = dict(zip(kinds, ((TARGET_COLOUR, "solid"), (SOURCE_COLOUR, "dash")), strict=False))
    across = min(3, len(panels))
    figure = make_subplots(
        rows=-(-len(panels) // across),
        cols=across,
        subplot_titles=list(panels.values()),
        vertical_spacing=0.2,
    )
    for place, name in enumerate(panels):
        for kind in kinds:
            part = rows[(rows[KIND] == kind) & (rows[METRIC] == name)]
            colour, dash = looks[kind]
            figure.add_trace(
                go.Scatter(
                    name=kind,
                    legendgroup=kind,
                    showlegend=place == 0,
                    x=part[SHARE],
                    y=part[MEAN],
                    mode="lines+markers",
                    line={"color": colour, "width": 3, "dash": dash},
                    marker={"size": 8},
                    error_y={
                        "type": "data",
                        "symmetric": False,
                        "array": (part[HIGH] - part[MEAN]).fillna(0.0),
                        "arrayminus": (part[MEAN] - part[LOW]).fillna(0.0),
                        "thickness": 1.2,
                    },
                    hovertemplate="strength %{x:g}: %{y:.3f}",
                ),
                row=place // across + 1,
                col=place % across + 1,
            )
    themed(figure, height=290 * (-(-len(panels) // across)) + 60)
    figure.update_xaxes(title_text="strength", gridcolor=QUIET, title_font_size=TEXT_SIZE)
    figure.update_yaxes(gridcolor=QUIET)
    return figure


def _ticks(worst: float) -> list[int]:
    return [tick for tick in (1, 2, 5, 10, 20, 50, 100, 300, 1000, 3000, 10_000) if tick <= worst]


# A list as rows of text, each over a bar of two colours: what each domain's evidence added.
# HTML and no figure: two such lists move with every step of a slider, and a browser shows them in
# a tenth of the time it takes to set up two figures.

_BAR_TITLE, _NAME = 200, 40  # letters of a title and of a domain's name
_SHORT = "overflow:hidden;white-space:nowrap;text-overflow:ellipsis"
_PLACE = "width:1.4rem;text-align:right;opacity:0.65"


def two_part_rows(
    titles: Sequence[str],
    source: np.ndarray,
    target: np.ndarray,
    hits: Sequence[bool],
    marks: Sequence[str],
    names: tuple[str, str] = (SOURCE, TARGET),
) -> str:
    """HTML of a list: rank, title, a check where it is a hit, a mark, and the bar below.

    source, target: (n,) amounts as they count in the score. All bars are on one scale, and the
    better item has the longer one: where a part falls below zero, it is drawn from the lowest of
    the list. marks: (n,) such as a rank change, green where it begins with ▲.
    """
    ours, theirs = (part - part.min(initial=0) for part in (source, target))
    scale = 100 / (float((ours + theirs).max(initial=0)) or 1.0)
    literal = [escape(one_line(title, _BAR_TITLE)) for title in titles]
    amounts_of = _amounts(source, target, names)
    rows = [
        f'<li title="{title}\n{amounts}" style="margin-bottom:0.45rem">'
        f'<div style="display:flex;gap:0.6rem"><span style="{_PLACE}">{rank}</span>'
        f"{_titled(title, hit)}{_bar_mark(mark)}</div>"
        f'<div style="position:relative;height:0.7rem;margin-left:2rem">'
        f"{_bar(float(one), float(other), scale)}</div></li>"
        for rank, (title, one, other, hit, mark, amounts) in enumerate(
            zip(literal, ours, theirs, hits, marks, amounts_of, strict=True),
            start=1,
        )
    ]
    return (
        f'<div style="font-size:{TEXT_SIZE}px;line-height:1.45">{_legend(names)}'
        f'<ol style="list-style:none;margin:0;padding:0">{"".join(rows)}</ol></div>'
    )


def _amounts(source: np.ndarray, target: np.ndarray, names: tuple[str, str]) -> list[str]:
    ours, theirs = (escape(one_line(name, _NAME)) for name in names)
    return [
        f"from {ours} {one:.4f}, from {theirs} {other:.4f}"
        for one, other in zip(source, target, strict=True)
    ]


def _legend(names: tuple[str, str]) -> str:
    keys = [
        f'<span style="color:{colour}">■</span> from {escape(one_line(name, _NAME))}'
        for name, colour in zip(names, (SOURCE_COLOUR, TARGET_COLOUR), strict=True)
    ]
    return f'<div style="margin:0 0 0.5rem 2rem">{" &nbsp; ".join(keys)}</div>'


def _titled(title: str, hit: bool) -> str:
    """The title may be cut short by the row's width; the check behind it stays."""
    words, check = (f"<b>{title}</b>", "<b>✓</b>") if hit else (title, "")
    return f'<span style="{_SHORT}">{words}</span>{check}'


def _bar_mark(mark: str) -> str:
    colour = FUSED_COLOUR if mark.startswith("▲") else TWIN_COLOUR
    looks = f"margin-left:auto;white-space:nowrap;color:{colour};font-weight:600"
    return f'<span style="{looks}">{escape(mark)}</span>'


def _bar(source: float, target: float, scale: float) -> str:
    """Both parts behind each other, each 0 or more."""
    return "".join(
        f'<span style="position:absolute;top:0;bottom:0;background:{colour};'
        f'left:{start * scale:.2f}%;width:{amount * scale:.2f}%"></span>'
        for start, amount, colour in ((0.0, source, SOURCE_COLOUR), (source, target, TARGET_COLOUR))
    )
