"""What stands around every page: the window's title, the navigation and the sidebar."""

from __future__ import annotations

import streamlit as st

from core.ui.navigation import pages
from core.ui.sidebar import draw_sidebar


def enter() -> st.Page:
    """Draw all of it; answers the page that was asked for, which the caller runs."""
    # An emoji, because the browser would fetch a Material icon from a font server.
    st.set_page_config(page_title="Crosswalk", page_icon="🔀", layout="wide")
    chosen = st.navigation(pages())
    draw_sidebar()
    return chosen
