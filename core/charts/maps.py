"""Maps of points: one to hover and select in, or two linked ones before and after alignment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.basics.types import FloatArray, IntArray
from core.charts.theme import (
    ALARM_COLOUR,
    AXIS_SIZE,
    CATEGORY_COLOURS,
    FUSED_COLOUR,
    HALO,
    LEGEND,
    LEGEND_BELOW,
    OTHER_COLOUR,
    PAGE_TEXT,
    SEQUENTIAL_COLOURS,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TEXT_SIZE,
    TWIN_COLOUR,
    plain,
    themed,
)

HEIGHT = 650  # pixels
OPACITY, FADED = 0.7, 0.1  # faded: all but the points that are selected
SMALLEST, LARGEST = 3.5, 12.0  # pixels of a dot
TURNS = 4  # parts a layer is drawn in
Area = tuple[float, float, float, float]  # left, right, bottom, top of what is shown of a map


def dot_size(points: int) -> float:
    """Pixels of a dot where so many are shown: a few can be large, thousands must not hide all."""
    return float(np.clip(300 / np.sqrt(max(points, 1)), SMALLEST, LARGEST))


@dataclass(frozen=True)
class Layer:
    """Points drawn alike: in one colour, or coloured by a count on a log scale.

    Layers of one name share an entry of the legend, which shows and hides them together.
    """

    name: str
    rows: IntArray  # which of the places
    colour: str = OTHER_COLOUR
    counts: IntArray | None = None  # (n_rows,) colours the points instead
    scale: str = ""  # what the counts are
    symbol: str = "circle"
    in_legend: bool = True


def interleaved(layers: list[Layer]) -> list[Layer]:
    """The same points in more layers, drawn in turns, so that none hides the others by its place.

    Each layer goes in four parts, in their order and back again; layers coloured by counts stay
    whole, because their order says which is largest. Names get the number of points.
    """
    points: Counter[str] = Counter()
    for layer in layers:
        points[layer.name] += len(layer.rows)
    if any(layer.counts is not None for layer in layers):
        parts = layers
    else:
        parts = [
            replace(layer, rows=layer.rows[turn::TURNS])
            for turn in range(TURNS)
            for layer in (layers if turn % 2 == 0 else layers[::-1])
        ]
        parts = [part for part in parts if len(part.rows)]
    first = {part.name: place for place, part in reversed(list(enumerate(parts)))}
    return [
        replace(
            part,
            name=f"{part.name} ({points[part.name]:,})",
            in_legend=part.in_legend and first[part.name] == place,
        )
        for place, part in enumerate(parts)
    ]


def draw_map(
    places: FloatArray,
    hover: list[str],
    layers: list[Layer],
    *,
    true_to_scale: bool,
    labels: Sequence[Label] = (),
    said: str = "",
    area: Area | None = None,
) -> go.Figure:
    """The map, one trace per layer in their order, without axes: only nearness means anything.

    places: (n, 2); hover: (n,) what a point says, safe for Plotly. true_to_scale: both directions
    at one scale, for PCA; else the map fills the page. labels: what is written on it. said: in its
    upper corner. area: the part that is shown, with dots as large as the points in it allow.
    """
    texts = np.array(hover, dtype=object)
    shown = len(places) if area is None else int(inside(places, area).sum())
    dots = [
        go.Scattergl(
            name=plain([layer.name])[0],
            legendgroup=layer.name,
            showlegend=layer.in_legend,
            x=places[layer.rows, 0],
            y=places[layer.rows, 1],
            text=texts[layer.rows],
            mode="markers",
            marker=_marker(layer, dot_size(shown)),
            unselected={"marker": {"opacity": FADED}},
            hovertemplate="%{text}<extra></extra>",
        )
        for layer in layers
    ]
    across, up = (None, None) if area is None else (area[:2], area[2:])
    written = [_written(label) for label in labels]
    if said:
        corner = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left"}
        written.append(_text(plain([said])[0]) | corner | {"yanchor": "top"})
    return themed(  # the tools stand above, so the legend stands below
        go.Figure(dots),
        height=HEIGHT,
        dragmode="lasso",
        legend=LEGEND_BELOW,
        margin={"b": LEGEND},
        annotations=written,
        xaxis={"visible": False, "range": across},
        yaxis={"visible": False, "range": up, "scaleanchor": "x" if true_to_scale else None},
    )


def inside(places: FloatArray, area: Area) -> np.ndarray:
    """Which of the places, (n, 2), lie in the area, (n,)."""
    left, right, bottom, top = area
    x, y = places[:, 0], places[:, 1]
    return (x >= left) & (x <= right) & (y >= bottom) & (y <= top)


def mark_point(
    figure: go.Figure, place: FloatArray | None, name: str, neighbours: FloatArray, colour: str
) -> go.Figure:
    """The same figure with one point starred and named, and rings round its neighbours.

    place: (2,), or None where the point is not drawn; neighbours: (k, 2).
    """
    if len(neighbours):
        figure.add_trace(
            go.Scattergl(
                name="nearest in the original space",
                x=neighbours[:, 0],
                y=neighbours[:, 1],
                mode="markers",
                hoverinfo="skip",
                marker={
                    "size": 14,
                    "symbol": "circle-open",
                    "color": colour,
                    "line": {"width": 2.5},
                },
            )
        )
    if place is not None:
        figure.add_trace(
            go.Scattergl(
                name=plain([name], 40)[0],
                x=[place[0]],
                y=[place[1]],
                mode="markers",
                marker={
                    "size": 18,
                    "symbol": "star",
                    "color": colour,
                    "line": {"width": 1.5, "color": "white"},
                },
                hoverinfo="skip",
            )
        )
    return figure


def _marker(layer: Layer, size: float) -> dict[str, Any]:
    looks = {"size": size, "opacity": OPACITY, "symbol": layer.symbol}
    if layer.counts is None:
        return looks | {"color": layer.colour}
    top = int(np.ceil(np.log10(max(10, layer.counts.max(initial=1)))))
    ticks = list(range(top + 1))
    return looks | {
        "color": np.log10(np.maximum(layer.counts, 1)),
        "cmin": 0,
        "cmax": top,
        "colorscale": list(SEQUENTIAL_COLOURS),
        "colorbar": _bar(layer.scale)
        | {"tickvals": ticks, "ticktext": [f"{10**power:,}" for power in ticks]},
        "showscale": True,
    }


def _bar(title: str) -> dict[str, Any]:
    """A colour bar beside the map; what its colours are stands along it."""
    font = {"size": TEXT_SIZE, "color": PAGE_TEXT}
    return {
        "title": {"text": title, "side": "right", "font": font},
        "tickfont": font,
        "thickness": 12,
        "len": 0.6,
        "outlinewidth": 0,
    }


# What groups of points are called, written where they lie thickest.

LETTER, LINE = 8.2, 22  # pixels of a letter and of a line of a label
DRAWN = (680, 560)  # pixels of a map on a small screen, so that labels part on larger ones
STEPS = (0, 1, -1, 2, -2, 3, -3)  # lines by which a label is moved out of another's way
ABOVE = 0.9  # lines from a small group to its label
LOOKED_AT = 400  # points of a group


@dataclass(frozen=True)
class Label:
    """Words on a map: where they belong, and how many pixels above that they stand."""

    text: str
    x: float
    y: float
    shift: int = 0


def place_labels(
    places: FloatArray,
    groups: IntArray,
    names: Sequence[str],
    *,
    true_to_scale: bool,
    islands: bool = False,
    area: Area | None = None,
) -> list[Label]:
    """A label for each named group at its thickest part, the largest group first.

    places: (n, 2); groups: (n,) number of a point's group, negative for none; names: "" for a group
    without a label. islands: groups are small, so that labels stand above them, not on them. Labels
    move up or down until they lie on no other, or least on others; of many groups those that find
    no room in view go without.
    """
    in_view = np.ones(len(places), dtype=bool) if area is None else inside(places, area)
    if not in_view.any():
        return []
    low, high = places[in_view].min(axis=0), places[in_view].max(axis=0)
    if area is not None:
        low, high = np.array(area[::2]), np.array(area[1::2])
    scale = np.array(DRAWN) / np.maximum(high - low, 1e-9)  # pixels per unit
    scale = np.full(2, scale.min()) if true_to_scale else scale
    sizes = np.bincount(groups[in_view & (groups >= 0)], minlength=len(names))
    many = len(names) > len(CATEGORY_COLOURS)
    steps = (ABOVE, -ABOVE, 1 + ABOVE, -1 - ABOVE) if islands else STEPS
    labels: list[Label] = []
    boxes: list[tuple[float, float, float]] = []  # middle and half width, in pixels
    for number in np.argsort(-sizes, kind="stable"):
        if not names[number] or not sizes[number]:
            continue
        spot = _thickest(places[in_view & (groups == number)])
        x, y = (spot - low) * scale
        half = LETTER * len(names[number]) / 2
        overlaps = [
            sum(
                max(0.0, half + other_half - abs(x - other_x))
                * max(0.0, LINE - abs(y + step * LINE - other_y))
                for other_x, other_y, other_half in boxes
            )
            for step in steps
        ]
        if many and min(overlaps) > 0:
            continue
        step = steps[int(np.argmin(overlaps))]
        boxes.append((x, y + step * LINE, half))
        labels.append(Label(names[number], float(spot[0]), float(spot[1]), round(step * LINE)))
    return labels


def _thickest(places: FloatArray) -> FloatArray:
    """The place, (2,), of the point nearest to a quarter of the others, (n, 2)."""
    some = places[:: -(-len(places) // LOOKED_AT)].astype(np.float64)
    apart = ((some[:, None] - some[None]) ** 2).sum(axis=2)
    quarter = np.sort(apart, axis=1)[:, len(some) // 4]
    return np.asarray(some[int(quarter.argmin())])


def _written(label: Label) -> dict[str, Any]:
    return _text(f"<b>{plain([label.text], 40)[0]}</b>") | {
        "x": label.x,
        "y": label.y,
        "yshift": label.shift,
    }


def _text(words: str) -> dict[str, Any]:
    """Words on dots: in the page's colour, with a halo of its ground."""
    font = {"size": AXIS_SIZE, "color": PAGE_TEXT, "shadow": HALO}
    return {"text": words, "showarrow": False, "font": font}


# Two linked maps of the same users: before and after alignment, in one joint layout.

SMALL_HEIGHT = 520
Places = tuple[FloatArray, FloatArray]  # source-drawn and target-drawn, (n, 2) each
SIGNED_COLOURS = (ALARM_COLOUR, TWIN_COLOUR, FUSED_COLOUR)
SYMBOLS = ("circle", "diamond")  # of the two domains, where colours say something else


@dataclass(frozen=True)
class Shade:
    """Colours that say the same on both maps: a value per user before and after, on one scale."""

    title: str
    before: FloatArray  # (n,); who has no value is not drawn
    after: FloatArray
    signed: bool = False  # good above zero, bad below


def draw_before_after(
    before: Places,
    after: Places,
    hover: list[str],
    names: tuple[str, str],
    joined: np.ndarray,
    *,
    title: str,
    chosen: np.ndarray | None = None,
    shade: Shade | None = None,
) -> go.Figure:
    """Both maps on the same axes; zooming one zooms the other, and points carry their user's row.

    hover: (n,) what a user says; names: of source and target; joined: numbers of the rows whose
    two places are joined by a line; title: of the map after. chosen: (n,) who stands out on both
    maps; None for everybody. shade: colours points by a value; None for their domain.
    """
    figure = make_subplots(
        1,
        2,
        shared_xaxes="all",
        shared_yaxes="all",
        subplot_titles=("Before: each domain alone", title),
        horizontal_spacing=0.03,
    )
    texts = np.array(plain(hover), dtype=object)
    rows = np.arange(len(texts))
    if shade is not None:
        rows = np.flatnonzero(np.isfinite(shade.before) & np.isfinite(shade.after))
    parts = [(rows, 0.6)]
    if chosen is not None and chosen.any():
        parts = [(rows[~chosen[rows]], FADED), (rows[chosen[rows]], 0.95)]
    for column, places in ((1, before), (2, after)):
        figure.add_trace(_lines(places, joined), 1, column)
        for side, place in enumerate(places):
            for part, (some, opacity) in enumerate(parts):
                dots = go.Scattergl(
                    name=f"users by their {plain(names)[side]}",
                    legendgroup=names[side],
                    showlegend=shade is None and column == 1 and part == len(parts) - 1,
                    x=place[some, 0],
                    y=place[some, 1],
                    text=texts[some],
                    customdata=some,
                    mode="markers",
                    marker=_looks(side, len(texts), shade, column, some) | {"opacity": opacity},
                    unselected={"marker": {"opacity": opacity}},  # the server draws who is chosen
                    hovertemplate="%{text}<extra></extra>",
                )
                figure.add_trace(dots, 1, column)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_annotations(font={"size": AXIS_SIZE, "color": PAGE_TEXT})
    scale: dict[str, Any] = {} if shade is None else {"coloraxis": _shared_scale(shade)}
    return themed(  # tools and titles stand above, so the legend stands below
        figure,
        height=SMALL_HEIGHT,
        legend=LEGEND_BELOW,
        margin={"t": 64, "b": LEGEND},
        dragmode="lasso",
        **scale,
    )


def _looks(
    side: int, points: int, shade: Shade | None, column: int, rows: IntArray
) -> dict[str, Any]:
    size = dot_size(4 * points)
    if shade is None:
        return {"size": size, "color": (SOURCE_COLOUR, TARGET_COLOUR)[side]}
    values = shade.before if column == 1 else shade.after
    return {
        "size": size,
        "symbol": SYMBOLS[side],
        "color": values[rows],
        "coloraxis": "coloraxis",
    }


def _shared_scale(shade: Shade) -> dict[str, Any]:
    both = np.concatenate([shade.before, shade.after])
    both = both[np.isfinite(both)]
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 0.0)
    most = max(high, -low)
    return {
        "cmin": -most if shade.signed else low,
        "cmax": most if shade.signed else high,
        "colorscale": list(SIGNED_COLOURS if shade.signed else SEQUENTIAL_COLOURS),
        "colorbar": _bar(shade.title),
    }


def _lines(places: Places, joined: np.ndarray) -> go.Scattergl:
    """One trace for all lines; a gap parts each from the next."""
    gap = np.full(len(joined), np.nan)
    source, target = (place[joined] for place in places)
    x, y = (np.column_stack([source[:, i], target[:, i], gap]).ravel() for i in (0, 1))
    return go.Scattergl(
        x=x,
        y=y,
        mode="lines",
        line={"color": STRONG, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
