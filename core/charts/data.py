"""Charts of the Data page: histograms, overlap, both domains side by side, what a split holds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.basics.columns import COUNT, DECILE, DOMAIN, HIGH, LOW, SHARE, SOURCE, TARGET, TIME
from core.charts.theme import (
    ALARM_COLOUR,
    CLEAR,
    FUSED_COLOUR,
    SOURCE_COLOUR,
    TARGET_COLOUR,
    TWIN_COLOUR,
    faded,
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


# How much two domains share: two bars drawn to scale, and shared users by activity.

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


# Both domains side by side on shared axes: activity, popularity, ratings, times.

HEIGHT = 280  # pixels


def draw_bins(
    bins: pd.DataFrame,
    *,
    x: str,
    y: str,
    names: tuple[str, str] = (SOURCE, TARGET),
    title: str = "",
) -> go.Figure:
    """Share of each domain in every bin, the two domains beside each other.

    bins: DOMAIN, LOW, HIGH, COUNT, SHARE; a bin is named by where it starts.
    """
    figure = go.Figure()
    bounds = bins[[LOW, HIGH]].drop_duplicates().sort_values(LOW)
    order = [_label(low, high) for low, high in bounds.itertuples(index=False)]
    starts = [_short(low) for low in bounds[LOW]]
    for domain, name in zip((SOURCE, TARGET), names, strict=True):
        part = bins[bins[DOMAIN] == domain]
        figure.add_trace(
            go.Bar(
                x=[_label(low, high) for low, high in zip(part[LOW], part[HIGH], strict=True)],
                y=part[SHARE],
                name=plain([name])[0],
                marker_color=_COLOURS[domain],
                customdata=part[COUNT],
                hovertemplate="%{x}: %{y:.1%} (%{customdata:,})",
            )
        )
    themed(figure, title=title, x=x, y=y, height=HEIGHT)
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=order,
        tickvals=order,
        ticktext=starts,
        tickangle=0,
    )
    return figure.update_yaxes(tickformat=".0%", rangemode="tozero")


def draw_times(
    times: pd.DataFrame,
    step: str,
    *,
    names: tuple[str, str] = (SOURCE, TARGET),
    title: str = "",
) -> go.Figure:
    """Share of each domain's interactions per step of time ("month", "year", ...), as two lines.

    times: DOMAIN, TIME (start of the step), COUNT, SHARE.
    """
    figure = go.Figure()
    for domain, name in zip((SOURCE, TARGET), names, strict=True):
        part = times[times[DOMAIN] == domain]
        figure.add_trace(
            go.Scatter(
                x=part[TIME],
                y=part[SHARE],
                name=plain([name])[0],
                mode="lines",
                line={"color": _COLOURS[domain], "width": 2, "shape": "hvh"},
                customdata=part[COUNT],
                hovertemplate="%{x|%Y-%m-%d}: %{y:.1%} (%{customdata:,})",
            )
        )
    themed(figure, title=title, x=f"{step} (UTC)", y="share of interactions", height=HEIGHT)
    return figure.update_yaxes(tickformat=".0%", rangemode="tozero")


def _label(low: float, high: float) -> str:
    """`1`, `2–3`, `4.5`; bounds of 1,024 and more as `1k`."""
    return _short(low) if low == high else f"{_short(low)}–{_short(high)}"


def _short(value: float) -> str:
    return f"{value / 1000:.2g}k" if value >= 1000 else f"{value:.3g}"


# What train, validation and test contain, as strips drawn to scale.

_PARTS = (
    ("train", TARGET_COLOUR),
    ("validation", faded(TARGET_COLOUR, 0.6)),
    ("test", faded(TARGET_COLOUR, 0.3)),
)


def draw_split_strip(
    rows: tuple[int, int, int, int],
    *,
    left_out: int = 0,
    names: tuple[str, str] = (SOURCE, TARGET),
) -> go.Figure:
    """Interactions of the source and the target by what becomes of them.

    rows: source train, target train, target validation, target test. left_out: source rows that
    no part holds.
    """
    figure = go.Figure()
    places = plain(names, 30)
    strips = [(places[0], f"{places[0]}: train", rows[0], SOURCE_COLOUR)]
    if left_out:
        strips.append((places[0], f"{places[0]}: left out", left_out, TWIN_COLOUR))
    strips += [
        (places[1], f"{places[1]}: {name}", count, colour)
        for (name, colour), count in zip(_PARTS, rows[1:], strict=True)
    ]
    for place, name, count, colour in strips:
        figure.add_trace(
            go.Bar(
                x=[count],
                y=[place],
                orientation="h",
                name=name,
                width=0.6,
                marker_color=colour,
                hovertemplate=f"{name}: %{{x:,}} interactions<extra></extra>",
            )
        )
    themed(figure, x="interactions", height=210)
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    figure.update_xaxes(tickformat=",")
    return figure.update_yaxes(autorange="reversed", showgrid=False)


# What became of a file's rows, as one bar: kept, rejected, merged.

COLOURS = {"kept": FUSED_COLOUR, "rejected": ALARM_COLOUR, "merged": TWIN_COLOUR}


def draw_import_bar(counts: Mapping[str, int]) -> go.Figure:
    """One stacked bar over all rows of a file.

    counts: `kept`, `rejected` and `merged`; each part is named with its count and share.
    """
    rows = max(1, sum(counts[part] for part in COLOURS))
    figure = go.Figure()
    for part, colour in COLOURS.items():
        count = counts[part]
        share = f"{count / rows:.1%}" if 0.001 <= count / rows <= 0.999 or not count else ""
        name = f"{part} {count:,}" + (f" ({share})" if share and count else "")
        figure.add_trace(
            go.Bar(
                name=name,
                x=[count],
                y=[""],
                orientation="h",
                marker_color=colour,
                marker_line_width=0,
                hovertemplate=f"{name}<extra></extra>",
            )
        )
    return themed(
        figure,
        x="rows of the file",
        height=170,
        barmode="stack",
        bargap=0.1,
        legend={"traceorder": "normal"},
        xaxis={"range": [0, rows], "tickformat": ",d", "nticks": 5, "gridcolor": CLEAR},
        yaxis={"showticklabels": False, "showgrid": False},
    )
