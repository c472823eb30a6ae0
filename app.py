"""Crosswalk in the browser: `streamlit run app.py`."""

import streamlit as st

from core.ui.navigation import pages
from core.ui.sidebar import draw_sidebar

st.set_page_config(page_title="Crosswalk", page_icon="🔀", layout="wide")
chosen = st.navigation(pages())
draw_sidebar()
chosen.run()
