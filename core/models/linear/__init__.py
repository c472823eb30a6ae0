"""Closed forms over item weights, and popularity."""
