"""What stands around every page: title, navigation, sidebar, heading and question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner_utils.exceptions import StopException

from core.ui.navigation import pages
from core.ui.press import forget_press
from core.ui.shell import guarded
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


@contextmanager
def page(title: str, question: str) -> Iterator[None]:
    """Heading and question of a page; whatever goes wrong inside becomes two sentences."""
    _enter_by_the_app()
    st.header(title, anchor=False)
    st.caption(question)
    try:
        with guarded(whole_page=True):
            yield
    except StopException:  # drawn to its end: it has nothing more to show
        forget_press()
        raise
    forget_press()


def _enter_by_the_app() -> None:
    """Draw what app.py draws, where Streamlit opened the page's file by itself.

    A new process takes `pages/` for its old kind of navigation until app.py has run once, so the
    first link to a page would open it without sidebar and title.
    """
    if PagesManager.uses_pages_directory:
        enter()
