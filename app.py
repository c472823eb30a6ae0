"""Crosswalk in the browser: `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware

from core.ui.head import WithHead

if __name__ == "__main__":  # the script behind every page, run again and again
    from core.ui.frame import enter

    enter().run()
else:  # the server, imported once
    app = st.App(__file__, middleware=[Middleware(WithHead)])
