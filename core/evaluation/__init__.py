"""One protocol for every figure: full ranking, per-user metrics, segments, lifts and verdicts."""
