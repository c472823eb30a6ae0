"""The verdict in one sentence, made from the numbers by rules that a sceptic can check.

The sentence and the picture under it are of the same rows, so that they cannot disagree:
`judge` says what helps. For errors of predicted ratings better means smaller, and
the bias model stands in for popularity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, USER, USERS
from core.evaluation.lift import (
    ENOUGH_SEEDS,
    SURE,
    SeedFrames,
    digits_of,
    is_gain,
    lift_rows,
    seed_rows,
)
from core.evaluation.ratings import difference_intervals
from core.evaluation.segments import ALL_USERS, BINS, FEWEST, OVERLAP, TARGET_HISTORY, who
from core.metrics.intervals import Interval
from core.metrics.registry import metric_card, metric_title


def verdict(comparison: Comparison, metric: str = "ndcg@10", by: str = TARGET_HISTORY) -> str:
    """Whether the source helps, and for whom; one or two sentences in words of the two domains."""
    return sentence(comparison, lifts_of(comparison, metric, by), metric, by)


def sentence(comparison: Comparison, lifts: Lifts, metric: str, by: str) -> str:
    """What the lifts of one kind of segment say."""
    if lifts.over_twin is None:
        return _over_floor(comparison, lifts, metric)
    judged = judge(lifts, metric, by)
    parts = [
        _clause(comparison, metric, by, names, _verb(verb, metric))
        for verb in (HELPS, HARMS)
        if (names := [name for name, answer in judged.items() if answer == verb])
    ]
    not_beaten = unbeaten(lifts, judged, metric)
    if not_beaten:
        users, figures = _pooled(comparison, metric, by, not_beaten)
        unbeaten_clause = (
            f"{users[:1].upper()}{users[1:]} fare better than with the twin {figures}, but no "
            f"better than by {comparison.floor} as far as can be told."
        )
        parts.append(unbeaten_clause)
    if not parts:
        return _altogether(comparison, lifts, metric)
    known = lifts.over_twin.loc[lifts.over_twin[MEAN].notna(), SEGMENT]
    others = {name for name, answer in judged.items() if answer == OPEN} - set(not_beaten)
    rest = f" For others no difference beyond {comparison.beyond}." if others & set(known) else ""
    return " ".join(parts) + rest


def difference_words(interval: Interval, metric: str) -> str:
    """A difference with its interval: "+.012 nDCG@10, 95 % .006 to .018"; errors in four digits."""
    digits = digits_of(metric) if metric_card(metric).kept else _telling_digits(interval)
    mean, low, high = (_short(x, digits) for x in (interval.mean, interval.low, interval.high))
    sign = "+" if interval.mean >= 0 else ""
    return f"{sign}{mean} {metric_title(metric)}, 95 % {low} to {high}"


def _what(metric: str) -> str:
    card = metric_card(metric)
    if card.neutral:
        name = _lower(card.title) if card.title[1:2].islower() else card.title  # not S-recall
        return f"the {name} of recommendations"
    return "predicted ratings" if card.task == "rating" else "recommendations"


def _verb(answer: str, metric: str) -> str:
    """What the source does, HELPS or HARMS; where more is a matter of purpose, which way it goes.

    Figures of variety and popularity are raised or lowered: neither is a gain by itself.
    """
    card = metric_card(metric)
    if not card.neutral:
        return answer
    return "raises" if (answer == HELPS) == card.higher_is_better else "lowers"


def _clause(comparison: Comparison, metric: str, by: str, names: list[str], verb: str) -> str:
    """What is said of the users of some segments together."""
    users, figures = _pooled(comparison, metric, by, names)
    return (
        f"{comparison.subject} {verb} {_what(metric)} in {comparison.target_name} for {users} "
        f"{figures}."
    )


def _pooled(comparison: Comparison, metric: str, by: str, names: list[str]) -> tuple[str, str]:
    """Users of some segments in words, and their difference to the twin in brackets."""
    assert comparison.twin is not None
    segment = comparison.segments[by].astype("str").to_numpy()
    ours = comparison.run[np.isin(segment[comparison.run[USER].to_numpy()], names)]
    interval = difference_intervals(ours, comparison.twin, [metric])[0]
    users = who(by, names, comparison.source_name, comparison.target_name)
    return users, f"({difference_words(interval, metric)}, {interval.users} users)"


def _altogether(comparison: Comparison, lifts: Lifts, metric: str) -> str:
    """No single segment is sure: what can be said over all users."""
    assert lifts.over_twin is not None
    everybody = lifts.over_twin.set_index(SEGMENT).loc[ALL_USERS]
    about = f"{_what(metric)} in {comparison.target_name}"
    if everybody[USERS] < FEWEST:
        return f"Too few users are evaluated to judge {comparison.source_name} for {about}."
    words = _row_words(everybody, metric)
    if lifts.over_seeds is not None:
        over = difference_words(_interval(lifts.over_seeds.iloc[0]), metric)
        words = f"{words[:-1]}; over {len(comparison.seeds)} seeds {over})"
    if everybody[SURE]:
        verb = _verb(HELPS if is_gain(everybody[MEAN], metric) else HARMS, metric)
        return (
            f"Over all users together {_lower(comparison.subject)} {verb} {about} {words}; no "
            f"single segment shows it beyond {comparison.beyond}."
        )
    doubt = ""
    if _interval(everybody).excludes_zero and lifts.over_seeds is None and not comparison.again:
        doubt = "; its interval leaves zero out, but not once all groups shown are allowed for"
    return (
        f"{comparison.subject} makes no difference to {about} beyond {comparison.beyond} "
        f"{words}{doubt}."
    )


def _over_floor(comparison: Comparison, lifts: Lifts, metric: str) -> str:
    """For a model without a target-only form: better than popularity, or not."""
    if lifts.over_floor is None:
        return "There is nothing to compare this run with."
    everybody = lifts.over_floor.set_index(SEGMENT).loc[ALL_USERS]
    if everybody[USERS] < FEWEST:
        return f"Too few users are evaluated to judge this run ({int(everybody[USERS])})."
    words, floor = _row_words(everybody, metric), comparison.floor
    if not everybody[SURE]:
        return f"This run is no different from {floor} beyond user sampling (one seed) {words}."
    gains = is_gain(everybody[MEAN], metric)
    verb = "beats" if gains else "falls behind"
    if metric_card(metric).neutral:
        verb = f"{_verb(HELPS if gains else HARMS, metric)} it against"
    return f"This run {verb} {floor} {words}; it has no target-only twin to compare with."


def _row_words(row: pd.Series, metric: str) -> str:
    return f"({difference_words(_interval(row), metric)}, {int(row[USERS])} users)"


def _interval(row: pd.Series) -> Interval:
    return Interval(row[MEAN], row[LOW], row[HIGH], int(row[USERS]), 0)


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _telling_digits(interval: Interval) -> int:
    """Decimals that leave two digits of the largest of the three numbers, at least 3, at most 6."""
    largest = np.nanmax(np.abs([interval.mean, interval.low, interval.high]))
    return int(np.clip(1 - np.floor(np.log10(largest)), 3, 6)) if largest > 0 else 3


def _short(value: float, digits: int = 3) -> str:
    """Some decimals without the leading zero: .012, −.003."""
    text = f"{abs(value):.{digits}f}"
    below = value < 0 and float(text) > 0
    text = text[1:] if text.startswith("0") else text
    return f"−{text}" if below else text


# What the lifts of a run show, segment by segment and over all users: helps, harms or open.
# Nothing "helps" unless the lift over the twin is sure (core/evaluation/lift.py says when), and
# for users without target history the lift over popularity as well (not of figures of variety or
# popularity, of which more is no gain by itself); where there are several seeds, also the
# interval over seeds must exclude zero.

HELPS, HARMS, OPEN = "helps", "harms", "open"
COLD = {TARGET_HISTORY: BINS[0], OVERLAP: "source only"}  # segments popularity competes for


@dataclass(frozen=True)
class Comparison:
    """A run beside its twin and popularity, per user on one split; None where there is none."""

    run: pd.DataFrame
    twin: pd.DataFrame | None
    popularity: pd.DataFrame | None
    segments: pd.DataFrame  # as user_segments gives them, maybe with attributes beside
    source_name: str
    target_name: str
    floor: str = "popularity"  # what stands in the place of popularity, in words
    source_speaks: bool = True  # False: the source shapes the model, no user's history there
    again: Sequence[pd.DataFrame] = ()  # the twin trained again, for its noise
    seeds: SeedFrames = ()  # run and twin of every seed, this run's own among them

    @property
    def subject(self) -> str:
        """What is to help, in words."""
        return f"{'History in' if self.source_speaks else 'What'} {self.source_name}" + (
            "" if self.source_speaks else " teaches"
        )

    @property
    def beyond(self) -> str:
        """What a difference has to be beyond: noise, where more than one training was looked at."""
        if len(self.seeds) >= ENOUGH_SEEDS:
            return f"noise ({len(self.seeds)} seeds)"
        return "noise (twin trained again)" if self.again else "user sampling (one seed)"


@dataclass(frozen=True)
class Lifts:
    """What a picture of lifts shows; None where there is nothing to compare with."""

    over_twin: pd.DataFrame | None  # see lift_rows
    over_floor: pd.DataFrame | None  # of cold users where there is a twin
    over_seeds: pd.DataFrame | None  # see seed_rows; only with enough seeds


def lifts_of(comparison: Comparison, metric: str, by: str) -> Lifts:
    """Every lift a picture of one kind of segment shows, each sure or not."""
    run, twin, floor = comparison.run, comparison.twin, comparison.popularity
    if twin is None:
        over = None if floor is None else lift_rows(run, floor, comparison.segments, by, metric)
        return Lifts(None, over, None)
    rows = lift_rows(run, twin, comparison.segments, by, metric, comparison.again)
    seeds = None
    if len(comparison.seeds) >= ENOUGH_SEEDS:
        seeds = seed_rows(comparison.seeds, comparison.segments, by, metric)
        # Segments whose interval over seeds lies on the side of zero where the lift over users is
        means = rows.set_index(SEGMENT)[MEAN].reindex(seeds[SEGMENT]).to_numpy()
        above, below = (seeds[LOW] > 0) & (means > 0), (seeds[HIGH] < 0) & (means < 0)
        steady = set(seeds.loc[above | below, SEGMENT])
        rows[SURE] &= rows[SEGMENT].isin(steady)
    cold = [COLD[by]] if by in COLD else []
    over = None
    if floor is not None:
        over = lift_rows(run, floor, comparison.segments, by, metric, only=cold)
    return Lifts(rows, over, seeds)


def judge(lifts: Lifts, metric: str, by: str) -> dict[str, str]:
    """HELPS, HARMS or OPEN by segment, those without users left out."""
    assert lifts.over_twin is not None
    rows = lifts.over_twin.set_index(SEGMENT).drop(index=ALL_USERS)
    floor = lifts.over_floor
    beaten = set()
    if floor is not None:
        gains = floor[floor[SURE] & floor[MEAN].map(lambda mean: is_gain(mean, metric))]
        beaten = set(gains[SEGMENT])
    judged = {}
    for name, row in rows.iterrows():
        answer = OPEN
        if row[SURE]:
            answer = HELPS if is_gain(row[MEAN], metric) else HARMS
        rival = COLD.get(by) == name and not metric_card(metric).neutral
        if answer == HELPS and rival and name not in beaten:
            answer = OPEN
        judged[str(name)] = answer
    return judged


def altogether(lifts: Lifts, metric: str, by: str) -> str:
    """HELPS, HARMS or OPEN over all users, as the sentence bears it out.

    A gain that is cold users' alone, and no larger than popularity's, is OPEN.
    """
    assert lifts.over_twin is not None
    everybody = lifts.over_twin.set_index(SEGMENT).loc[ALL_USERS]
    if not everybody[SURE]:
        return OPEN
    if not is_gain(everybody[MEAN], metric):
        return HARMS
    judged = judge(lifts, metric, by)
    only_cold = HELPS not in judged.values() and bool(unbeaten(lifts, judged, metric))
    return OPEN if only_cold else HELPS


def unbeaten(lifts: Lifts, judged: dict[str, str], metric: str) -> list[str]:
    """Segments that are sure to gain over the twin, only not over what stands for popularity."""
    assert lifts.over_twin is not None
    rows = lifts.over_twin.set_index(SEGMENT)
    return [
        name
        for name, answer in judged.items()
        if answer == OPEN and rows[SURE][name] and is_gain(rows[MEAN][name], metric)
    ]
