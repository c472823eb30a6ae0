"""The Data page in pieces."""
