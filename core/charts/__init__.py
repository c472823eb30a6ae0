"""Figures: every function takes tidy tables or arrays and returns a Plotly figure."""
