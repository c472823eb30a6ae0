"""Crosswalk: what one domain's data does for another domain's recommendations."""

__version__ = "0.1.0"
