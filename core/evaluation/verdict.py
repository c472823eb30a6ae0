"""The verdict in one sentence, made from the numbers by rules that a sceptic can check.

Nothing "helps" unless the interval of the difference to the twin lies above zero and the difference
is one that can be read, and for users without target history the difference to popularity as well.
For errors of predicted ratings better means smaller, and the bias model stands in for popularity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import USER
from core.evaluation.rating_error import difference_intervals
from core.evaluation.segments import BINS, BOUNDS, TARGET_HISTORY
from core.metrics.cards import metric_card, metric_title
from core.metrics.intervals import Interval

FEWEST = 20  # users below which a segment is not judged
HELPS, HARMS, OPEN = "helps", "harms", "open"


@dataclass(frozen=True)
class Comparison:
    """A run beside its twin and popularity, per user on one split; None where there is none.

    floor: what stands in the place of popularity, in words.
    """

    run: pd.DataFrame
    twin: pd.DataFrame | None
    popularity: pd.DataFrame | None
    segments: pd.DataFrame  # as user_segments gives them
    source_name: str
    target_name: str
    floor: str = "popularity"


def verdict(comparison: Comparison, metric: str = "ndcg@10") -> str:
    """Whether the source helps, and for whom; one or two sentences in words of the two domains."""
    if comparison.twin is None:
        return _over_popularity(comparison, metric)
    judged = {name: _judge(comparison, metric, [name]) for name in BINS}
    helped = [name for name in BINS if judged[name] == HELPS]
    harmed = [name for name in BINS if judged[name] == HARMS]
    parts = [
        _clause(comparison, metric, bins, verb)
        for bins, verb in ((helped, "helps"), (harmed, "harms"))
        if bins
    ]
    if not parts:
        return _altogether(comparison, metric)
    others = [name for name in BINS if judged[name] == OPEN]
    rest = " For others no difference beyond user sampling (one seed)." if others else ""
    return " ".join(parts) + rest


def difference_words(interval: Interval, metric: str) -> str:
    """A difference with its interval: "+.012 nDCG@10, 95 % .006 to .018"; errors in four digits."""
    digits = _digits(metric)
    mean, low, high = (_short(x, digits) for x in (interval.mean, interval.low, interval.high))
    sign = "+" if interval.mean >= 0 else ""
    return f"{sign}{mean} {metric_title(metric)}, 95 % {low} to {high}"


def bins_words(bins: Sequence[str], target_name: str) -> str:
    """Users of some target-history bins in words: "users with fewer than 5 in films"."""
    places = [BINS.index(name) for name in bins]
    if len(bins) == len(BINS):
        return "all users"
    if places == [0]:
        return f"users with no history in {target_name}"
    if places == list(range(len(places))):
        return f"users with fewer than {BOUNDS[len(places)]} interactions in {target_name}"
    if places == list(range(places[0], len(BINS))):
        return f"users with {BOUNDS[places[0]]} or more interactions in {target_name}"
    if places == list(range(places[0], places[-1] + 1)) and len(places) > 1:
        low, high = BOUNDS[places[0]], BOUNDS[places[-1] + 1] - 1
        return f"users with {low} to {high} interactions in {target_name}"
    return f"users with {' or '.join(bins)} interactions in {target_name}"


def _judge(comparison: Comparison, metric: str, bins: list[str]) -> str | None:
    """HELPS, HARMS or OPEN; None for a segment with nobody in it."""
    interval = _lift(comparison, comparison.twin, metric, bins)
    if interval is None or interval.users == 0:
        return None
    if interval.users < FEWEST or not _shows(interval, metric):
        return OPEN
    if not _is_gain(interval, metric):
        return HARMS
    if bins == [BINS[0]]:
        floor = _lift(comparison, comparison.popularity, metric, bins)
        beaten = floor is not None and _shows(floor, metric) and _is_gain(floor, metric)
        return HELPS if beaten else OPEN
    return HELPS


def _shows(interval: Interval, metric: str) -> bool:
    """Whether the difference is beyond user sampling, and large enough to be read as not 0."""
    return interval.excludes_zero and round(abs(interval.mean), _digits(metric)) > 0


def _digits(metric: str) -> int:
    """Decimals of a difference in words."""
    return 4 if metric_card(metric).task == "rating" else 3


def _is_gain(interval: Interval, metric: str) -> bool:
    return (interval.mean > 0) == metric_card(metric).higher_is_better


def _what(metric: str) -> str:
    """What a metric judges, in words."""
    return "predicted ratings" if metric_card(metric).task == "rating" else "recommendations"


def _clause(comparison: Comparison, metric: str, bins: list[str], verb: str) -> str:
    interval = _lift(comparison, comparison.twin, metric, bins)
    assert interval is not None  # the bins were judged by the same frames
    who = bins_words(bins, comparison.target_name)
    words = difference_words(interval, metric)
    return (
        f"History in {comparison.source_name} {verb} {_what(metric)} in "
        f"{comparison.target_name} for {who} ({words}, {interval.users} users)."
    )


def _altogether(comparison: Comparison, metric: str) -> str:
    """No single segment is beyond user sampling: what can be said over all users."""
    interval = _lift(comparison, comparison.twin, metric, list(BINS))
    about = f"{comparison.source_name} for {_what(metric)} in {comparison.target_name}"
    if interval is None or interval.users < FEWEST:
        return f"Too few users are evaluated to judge {about}."
    words = f"({difference_words(interval, metric)}, {interval.users} users)"
    if _shows(interval, metric):
        verb = "helps" if _is_gain(interval, metric) else "harms"
        return (
            f"Over all users together history in {comparison.source_name} {verb} {_what(metric)} "
            f"in {comparison.target_name} {words}; no single segment shows it beyond user sampling."
        )
    return (
        f"History in {comparison.source_name} makes no difference to {_what(metric)} in "
        f"{comparison.target_name} beyond user sampling (one seed) {words}."
    )


def _over_popularity(comparison: Comparison, metric: str) -> str:
    """For a model without a target-only form: better than popularity, or not."""
    interval = _lift(comparison, comparison.popularity, metric, list(BINS))
    if interval is None:
        return "There is nothing to compare this run with."
    if interval.users < FEWEST:
        return f"Too few users are evaluated to judge this run ({interval.users})."
    words = f"({difference_words(interval, metric)}, {interval.users} users)"
    floor = comparison.floor
    if not _shows(interval, metric):
        return f"This run is no different from {floor} beyond user sampling (one seed) {words}."
    verb = "beats" if _is_gain(interval, metric) else "falls behind"
    return f"This run {verb} {floor} {words}; it has no target-only twin to compare with."


def _lift(
    comparison: Comparison, other: pd.DataFrame | None, metric: str, bins: list[str]
) -> Interval | None:
    if other is None:
        return None
    segment = comparison.segments[TARGET_HISTORY].astype("str").to_numpy()
    ours = comparison.run[np.isin(segment[comparison.run[USER].to_numpy()], bins)]
    return difference_intervals(ours, other, [metric])[0]


def _short(value: float, digits: int = 3) -> str:
    """Some decimals without the leading zero: .012, −.003."""
    text = f"{abs(value):.{digits}f}"
    below = value < 0 and float(text) > 0
    text = text[1:] if text.startswith("0") else text
    return f"−{text}" if below else text
