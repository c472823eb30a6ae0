"""Crosswalk in the browser: `streamlit run app.py`."""

from core.ui.entrance import enter

enter().run()
