"""The Metrics page in pieces."""
