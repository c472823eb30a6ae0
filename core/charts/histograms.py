"""Histograms: one set of values, or two domains side by side on shared axes."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.basics.columns import SOURCE, TARGET
from core.charts.theme import (
    CLEAR,
    FUSED_COLOUR,
    SOURCE_COLOUR,
    TARGET_COLOUR,
    plain,
    themed,
    upright,
)


def histogram_pair(
    source: np.ndarray, target: np.ndarray, *, bins: int = 30, log: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shared bin edges (bins + 1,), and the share of each domain's values per bin, (bins,) each.

    log: edges grow by a constant factor; values must then be above 0. NaN values are left out.
    """
    both = np.concatenate([source, target]).astype(float)
    both = both[np.isfinite(both)]
    low, high = (both.min(), both.max()) if len(both) else (1.0, 2.0)
    high = high if high > low else low + 1.0
    edges = np.geomspace(low, high, bins + 1) if log else np.linspace(low, high, bins + 1)
    edges[0], edges[-1] = low, high  # geomspace may miss its ends by a rounding error
    shares = [np.histogram(part, edges)[0] / max(1, len(part)) for part in (source, target)]
    return edges, shares[0], shares[1]


def draw_histogram_pair(
    edges: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    *,
    x: str,
    y: str,
    names: tuple[str, str] = (SOURCE, TARGET),
    title: str = "",
    log: bool = False,
    height: int = 300,
) -> go.Figure:
    """Two histograms side by side on the same axes, source left in orange, target right in blue.

    edges: (bins + 1,) numbers or datetime64; source, target: (bins,) heights, say shares.
    """
    figure = make_subplots(
        cols=2, shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=plain(names)
    )
    dates = np.issubdtype(edges.dtype, np.datetime64)
    centres, widths = _bin_places(edges.astype("datetime64[ms]").astype(float) if dates else edges)
    places = centres.astype("datetime64[ms]") if dates else centres
    for column, (heights, colour) in enumerate(
        ((source, SOURCE_COLOUR), (target, TARGET_COLOUR)), start=1
    ):
        bars = go.Bar(
            x=places,
            y=heights,
            width=widths,
            marker_color=colour,
            marker_line={"width": 0.5, "color": CLEAR},
            hovertemplate="%{x}<br>%{y}<extra></extra>",
        )
        figure.add_trace(bars, row=1, col=column)
    themed(figure, title=title, x=x, height=height, legend=False)
    figure.update_layout(bargap=0, margin_t=44 + (34 if title else 0))
    figure.update_xaxes(matches="x", type="log" if log else None)
    figure.update_yaxes(title=None, rangemode="tozero")
    return figure.update_yaxes(title={"text": y, "standoff": 8}, col=1)


def draw_histogram(
    edges: np.ndarray,
    counts: np.ndarray,
    *,
    x: str,
    y: str,
    title: str = "",
    colour: str = FUSED_COLOUR,
    height: int = 300,
) -> go.Figure:
    """One histogram of bin edges (bins + 1,) and counts (bins,), with a line at zero if inside."""
    centres, widths = _bin_places(edges)
    bars = go.Bar(
        x=centres,
        y=counts,
        width=widths,
        marker_color=colour,
        marker_line={"width": 0.5, "color": CLEAR},
        hovertemplate="%{x:.4g}<br>%{y}<extra></extra>",
    )
    zero = [upright(0, 1.5)] if edges[0] < 0 < edges[-1] else []
    return themed(
        go.Figure(bars), title=title, x=x, y=y, height=height, legend=False, bargap=0, shapes=zero
    )


def _bin_places(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges)
