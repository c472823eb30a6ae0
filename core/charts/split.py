"""What train, validation and test contain, as strips drawn to scale."""

from __future__ import annotations

import plotly.graph_objects as go

from core.basics.columns import SOURCE, TARGET
from core.charts.theme import SOURCE_COLOUR, TARGET_COLOUR, TWIN_COLOUR, faded, plain, themed

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
