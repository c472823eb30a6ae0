"""The Fusion page in pieces."""
