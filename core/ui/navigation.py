"""Which pages there are, in which group, and how to link to one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).resolve().parents[2] / "pages"
GROUPS = {
    "Prepare": [("start", ":material/home:"), ("data", ":material/table:")],
    "Build": [("train", ":material/model_training:")],
    "Understand": [
        ("fusion", ":material/tune:"),
        ("metrics", ":material/query_stats:"),
        ("embeddings", ":material/scatter_plot:"),
        ("recommendations", ":material/recommend:"),
    ],
    "Share": [("report", ":material/summarize:")],
}


def pages() -> dict[str, list]:
    """Pages by group, for st.navigation; the first of them opens at `/`."""
    return {
        group: [
            st.Page(file, title=name.capitalize(), icon=icon, default=name == "start")
            for name, icon in entries
            if (file := PAGES / f"{name}.py").exists()
        ]
        for group, entries in GROUPS.items()
        if any((PAGES / f"{name}.py").exists() for name, _ in entries)
    }


def link_to(name: str, label: str, **address: str) -> None:
    """A link to one of the pages, `name` as its file is called, with values for its address."""
    icons = {entry: icon for entries in GROUPS.values() for entry, icon in entries}
    if (file := PAGES / f"{name}.py").exists():
        st.page_link(str(file), label=label, icon=icons[name], query_params=address or None)


def draw_links() -> None:
    """The pages by group, as links that stand in the sidebar of every page."""
    with st.container(key="pages", gap=None):
        for group, entries in GROUPS.items():
            st.caption(group)
            for name, _ in entries:
                link_to(name, name.capitalize())
