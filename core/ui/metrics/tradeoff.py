"""Any metric against any other: one cross per run."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import METRIC
from core.charts.metrics_tradeoff import draw_trade_off
from core.metrics.cards import metric_title
from core.ui.metrics.figures import Contender
from core.ui.shell import show_chart


def show_trade_off(lines: list[Contender], figures: pd.DataFrame) -> None:
    """Two boxes for the axes and the chart."""
    metrics = list(dict.fromkeys(figures[METRIC]))
    start = next((place for place, name in enumerate(metrics) if name.startswith("novelty")), 0)
    left, right = st.columns(2)
    x = left.selectbox("Across", metrics, index=start, format_func=metric_title, key="across")
    y = right.selectbox("Up", metrics, format_func=metric_title, key="up")
    across, up = (figures[figures[METRIC] == name].reset_index() for name in (x, y))
    grey = tuple(line.name for line in lines if line.reference)
    show_chart(
        draw_trade_off(across, up, x=metric_title(x), y=metric_title(y), reference=grey),
        "What does a run give up for what it gains? Bars are 95 % intervals over users; "
        "grey runs are there to compare with.",
        "trade_off",
    )
