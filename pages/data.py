"""Data: are these files what I think they are, and do they share users?"""

import streamlit as st

from core.ui.data.checks import show_quality_tab
from core.ui.data.pair import show_pair_tab
from core.ui.data.shared import TAB
from core.ui.data.split import show_split_tab
from core.ui.data.text import show_text_tab
from core.ui.data.upload import show_import_tab
from core.ui.frame import page
from core.ui.shell import guarded
from core.ui.state import linked, one_of

TABS = {
    "Import": show_import_tab,
    "Pair": show_pair_tab,
    "Quality": show_quality_tab,
    "Text": show_text_tab,
    "Split": show_split_tab,
}

with page("Data", "Are these files what I think they are, and do they share users?"):
    tabs = st.tabs(list(TABS), **linked(TAB, "Import", one_of(list(TABS)), key=TAB))
    for tab, show in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                show()
