"""The Start page in pieces."""
