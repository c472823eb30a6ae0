"""What stands around every page: the window's title, the navigation and the sidebar."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core.ui.navigation import pages
from core.ui.sidebar import draw_sidebar


def enter() -> st.Page:
    """Draw all of it; answers the page that was asked for, which the caller runs.

    The first run of a process starts again at once: until `st.navigation` is called, Streamlit
    takes the pages folder for an app of its old kind, and widgets drawn so lose their first click.
    """
    # An emoji, because the browser would fetch a Material icon from a font server.
    st.set_page_config(page_title="Crosswalk", page_icon="🔀", layout="wide")
    drawn_as_old_kind = PagesManager.uses_pages_directory
    chosen = st.navigation(pages())
    if drawn_as_old_kind:
        st.rerun()
    draw_sidebar()
    return chosen
