"""Texts as vectors: encoders behind one small interface, and the vectors of items, kept."""
