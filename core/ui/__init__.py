"""The only room that knows Streamlit: what pages share, and the widgets of each page."""
