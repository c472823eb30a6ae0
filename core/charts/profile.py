"""Both domains side by side on shared axes: activity, popularity, ratings, times."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from core.basics.columns import COUNT, DOMAIN, HIGH, LOW, SHARE, SOURCE, TARGET, TIME
from core.charts.theme import SOURCE_COLOUR, TARGET_COLOUR, plain, themed

HEIGHT = 280  # pixels
_COLOURS = {SOURCE: SOURCE_COLOUR, TARGET: TARGET_COLOUR}


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
