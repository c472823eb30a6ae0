"""The Train page in pieces."""
