"""Crosswalk in the browser: `streamlit run app.py`."""

from core.ui.frame import enter

enter().run()
