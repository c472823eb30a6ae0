"""Segments in words: "users with fewer than 5 interactions in films"."""

from __future__ import annotations

from collections.abc import Sequence

from core.evaluation.segments import BINS, BOUNDS, OVERLAP, SOURCE_HISTORY, TARGET_HISTORY


def who(by: str, names: Sequence[str], source_name: str, target_name: str) -> str:
    """Users of some segments of one kind in words; an attribute is named by its column."""
    if by == TARGET_HISTORY:
        return bins_words(names, target_name)
    if by == SOURCE_HISTORY:
        return bins_words(names, source_name)
    if by == OVERLAP:
        seen = {
            "shared": "in both domains",
            "target only": f"in {target_name} only",
            "source only": f"in {source_name} only",
            "neither": "in neither domain",
        }
        return f"users seen {' or '.join(seen[name] for name in names)}"
    return f"users whose {by.partition(':')[2]} is {' or '.join(names)}"


def bins_words(bins: Sequence[str], domain_name: str) -> str:
    """Users of some bins of history in words: "users with fewer than 5 in films"."""
    places = [BINS.index(name) for name in bins]
    if len(bins) == len(BINS):
        return "all users"
    if places == [0]:
        return f"users with no history in {domain_name}"
    if places == list(range(len(places))):
        return f"users with fewer than {BOUNDS[len(places)]} interactions in {domain_name}"
    if places == list(range(places[0], len(BINS))):
        return f"users with {BOUNDS[places[0]]} or more interactions in {domain_name}"
    if places == list(range(places[0], places[-1] + 1)) and len(places) > 1:
        low, high = BOUNDS[places[0]], BOUNDS[places[-1] + 1] - 1
        return f"users with {low} to {high} interactions in {domain_name}"
    return f"users with {' or '.join(bins)} interactions in {domain_name}"
