"""What taking history items away does: to one recommendation's rank, and to many on average."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import HIGH, LOW, MEAN
from core.charts.theme import FUSED_COLOUR, STRONG, TWIN_COLOUR, themed

STEP, KIND = "step", "kind"
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


def _ticks(worst: float) -> list[int]:
    return [tick for tick in (1, 2, 5, 10, 20, 50, 100, 300, 1000, 3000, 10_000) if tick <= worst]
