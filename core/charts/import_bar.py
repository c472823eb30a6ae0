"""What became of a file's rows, as one bar: kept, rejected, merged."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from core.charts.theme import ALARM_COLOUR, CLEAR, FUSED_COLOUR, TWIN_COLOUR, themed

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
