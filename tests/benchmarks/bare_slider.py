"""The least a Streamlit page with a slider and a chart can be; slider_repaint.py serves it."""

import os
from pathlib import Path

import pandas as pd
import streamlit as st

from core.charts.fusion import draw_fusion_curve, mark_weights

NAMES = ("curve", "lines", "best")


@st.cache_resource
def drawn():
    """The chart without the slider's line."""
    folder = Path(os.environ["BARE_SLIDER_FRAMES"])
    frames = [pd.read_parquet(folder / f"{name}.parquet") for name in NAMES]
    return draw_fusion_curve(*frames, metric="nDCG@10")


st.set_page_config(layout="wide")
alpha = st.slider("alpha", 0.0, 1.0, 1.0, step=0.05)
st.plotly_chart(mark_weights(drawn(), alpha / (alpha + 1)), key="fusion_curve")
