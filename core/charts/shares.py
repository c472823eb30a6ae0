"""Shares of both domains side by side, one row of bars per thing that is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.basics.columns import SOURCE, TARGET
from core.charts.theme import SOURCE_COLOUR, TARGET_COLOUR, TEXT_SIZE, plain, themed

ROW, AROUND = 58, 110  # pixels of one row, and of what stands around all of them


def draw_domain_shares(
    rows: Sequence[str],
    shares: Mapping[str, Sequence[float]],
    *,
    x: str,
    names: tuple[str, str] = (SOURCE, TARGET),
) -> go.Figure:
    """Two bars per row, the source above the target; shares: by domain, 0 to 1, in row order."""
    figure = go.Figure()
    for domain, name, colour in (
        (SOURCE, names[0], SOURCE_COLOUR),
        (TARGET, names[1], TARGET_COLOUR),
    ):
        figure.add_trace(
            go.Bar(
                name=plain([name])[0],
                x=list(shares[domain]),
                y=plain(rows),
                orientation="h",
                marker_color=colour,
                text=[_words(share) for share in shares[domain]],
                textposition="outside",
                cliponaxis=False,
                textfont={"size": TEXT_SIZE},
                hovertemplate="%{y}: %{x:.1%}",
            )
        )
    themed(figure, x=x, height=AROUND + ROW * len(rows))
    figure.update_xaxes(range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def _words(share: float) -> str:
    """`43 %`; what is there and rounds to nothing is said so."""
    return "< 1 %" if 0 < share < 0.01 else f"{share:.0%}"
