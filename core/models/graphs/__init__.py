"""Models that pass messages along a graph."""
