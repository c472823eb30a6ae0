"""Figures of the report, embedded so that the file needs no other file and no network."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import pandas as pd
import plotly.graph_objects as go
import plotly.io
from plotly.offline import get_plotlyjs

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT
from core.charts.theme import (
    ALARM_COLOUR,
    CATEGORY_COLOURS,
    FUSED_COLOUR,
    STRONG,
    TWIN_COLOUR,
    faded,
    plain,
    themed,
)

WORDS, TONE = "words", "tone"  # columns: what stands behind a row, and its colour
NOISE = "noise"  # column: half width of the band within which differences mean nothing
DETAIL = "detail"  # column: a line of the hover box
GOOD, BAD, OPEN, MOVED = "good", "bad", "open", "moved"
TONES = {GOOD: FUSED_COLOUR, BAD: ALARM_COLOUR, OPEN: TWIN_COLOUR, MOVED: CATEGORY_COLOURS[1]}
ROW = 40  # pixels of a row
_BEHIND = 205  # pixels on the right for what stands behind a row


def draw_lifts(rows: pd.DataFrame, *, x: str) -> go.Figure:
    """Differences as dots with intervals round a zero line, each with its number in letters.

    rows: SEGMENT (label), MEAN, LOW, HIGH, WORDS, TONE, maybe NOISE and DETAIL; the first row on
    top. Green shows help, red harm, violet what is neither by itself, grey nothing. Where MEAN is
    missing the words stand alone.
    """
    figure = go.Figure(_dots(rows, rows[SEGMENT], [TONES[tone] for tone in rows[TONE]]))
    figure.add_vline(x=0, line={"color": STRONG, "width": 1.5})
    # A grey band round zero in every row: how far chance alone reaches, where it is known
    for place, reach in enumerate(rows.get(NOISE, ())):
        if reach == reach:
            figure.add_shape(
                type="rect",
                x0=-reach,
                x1=reach,
                y0=place - 0.42,
                y1=place + 0.42,
                fillcolor=faded(TWIN_COLOUR, 0.22),
                line_width=0,
                layer="below",
            )
    return _with_words(figure, rows, list(plain(rows[SEGMENT], 46)), x)


def draw_levels(rows: pd.DataFrame, *, x: str) -> go.Figure:
    """Means of several runs as dots with intervals, each with its number in letters.

    rows: RUN, MEAN, LOW, HIGH, WORDS, TONE: "good" for the run of the report, else "open".
    """
    figure = go.Figure(_dots(rows, rows[RUN], [TONES[tone] for tone in rows[TONE]]))
    return _with_words(figure, rows, list(plain(rows[RUN], 34)), x)


def draw_moved(helped: int, same: int, harmed: int) -> go.Figure:
    """How many users got a better, an equal and a worse list: one bar to scale."""
    parts = (
        ("better with it", helped, FUSED_COLOUR),
        ("the same", same, faded(TWIN_COLOUR, 0.45)),
        ("worse with it", harmed, ALARM_COLOUR),
    )
    figure = go.Figure(
        [
            go.Bar(
                x=[count],
                y=[""],
                orientation="h",
                name=name,
                marker_color=colour,
                width=0.8,
                text=f"{count:,}",
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                hovertemplate=f"{name}: %{{x:,}} users<extra></extra>",
            )
            for name, count, colour in parts
        ]
    )
    return themed(
        figure,
        x="users",
        height=150,
        barmode="stack",
        legend={"traceorder": "normal"},
        xaxis={"range": [0, max(1, helped + same + harmed)], "tickformat": ","},
        yaxis={"showgrid": False, "showticklabels": False},
    )


def _dots(rows: pd.DataFrame, names: pd.Series, colours: list[str]) -> list[go.Scatter]:
    """One trace per row: its interval can then have the colour of its dot."""
    sure = rows[TONE] != OPEN
    details = rows[DETAIL] if DETAIL in rows else [""] * len(rows)
    return [
        go.Scatter(
            x=[mean],
            y=[place],
            mode="markers",
            showlegend=False,
            name=plain([name])[0],
            marker={
                "size": 13,
                "color": colour,
                "line": {"width": 2, "color": colour},
                "symbol": "circle" if filled else "circle-open",
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - mean],
                "arrayminus": [mean - low],
                "thickness": 2.5,
                "width": 5,
                "color": colour,
            },
            hovertemplate=f"%{{x:.4f}}{f'<br>{detail}' if detail else ''}",
        )
        for place, (name, mean, low, high, colour, filled, detail) in enumerate(
            zip(names, rows[MEAN], rows[LOW], rows[HIGH], colours, sure, details, strict=True)
        )
    ]


def _with_words(figure: go.Figure, rows: pd.DataFrame, labels: list[str], x: str) -> go.Figure:
    """Labels on the left, the numbers in letters on the right, a row each."""
    count = len(rows)
    for place, words in enumerate(plain(rows[WORDS], 60)):
        figure.add_annotation(
            text=words,
            x=1,
            xref="paper",
            y=place,
            xanchor="left",
            showarrow=False,
            xshift=12,
            align="left",
            font={"size": 13},
        )
    return themed(
        figure,
        x=x,
        height=80 + ROW * count,
        legend=False,
        margin={"r": _BEHIND},
        xaxis={"showgrid": True, "nticks": 6},
        yaxis={
            "tickvals": list(range(count)),
            "ticktext": labels,
            "range": [count - 0.5, -0.5],
            "showgrid": False,
        },
    )


# Figures as text that stands in an HTML file without any other file or network.

Drawn: TypeAlias = go.Figure
INK, PAPER = "#1C2530", "#FFFFFF"
FONT = "'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"


def figure_spec(figure: Drawn) -> str:
    """Traces and layout as JSON that can stand inside a script element, on white paper."""
    spec = json.loads(plotly.io.to_json(figure, validate=False))
    layout = spec.setdefault("layout", {})
    layout.pop("template", None)
    size = layout.get("font", {}).get("size", 14)
    layout["font"] = {"family": FONT, "color": INK, "size": size}
    layout["yaxis"] = {"ticklabelstandoff": 7} | layout.get("yaxis", {})
    layout["xaxis"] = {"tickangle": 0} | layout.get("xaxis", {})
    layout["hoverlabel"] = layout.get("hoverlabel", {}) | {"bgcolor": PAPER}
    return safe_json(spec)


def safe_json(value: Any) -> str:
    """JSON in which no text can end the script element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def plotly_script() -> str:
    """Source of plotly.js, some 4.8 MB, without an end of a script element in it."""
    return str(get_plotlyjs()).replace("</script", "<\\/script")
