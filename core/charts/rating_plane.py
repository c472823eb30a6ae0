"""Rating error or quality over alpha and beta as a heat map, its best point, where one stands."""

from __future__ import annotations

import plotly.graph_objects as go

from core.basics.types import BoolArray, FloatArray
from core.charts.theme import FUSED_COLOUR, STRONG, TEXT_SIZE, themed

HEIGHT = 520
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
    themed(figure, x=x, y=y, height=HEIGHT, legend=False)
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
