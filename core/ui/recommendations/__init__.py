"""The Recommendations page in pieces."""
