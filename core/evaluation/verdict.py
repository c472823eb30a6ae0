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
    HOLM,
    NOISE,
    SIGNIFICANT,
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
    rows = lifts.over_twin[lifts.over_twin[MEAN].notna()]
    still = [name for name, answer in judged.items() if answer == OPEN and name not in not_beaten]
    return " ".join(parts) + _not_shown(comparison, rows[rows[SEGMENT].isin(still)], metric, by)


def difference_words(interval: Interval, metric: str) -> str:
    """A difference with its interval: "+.012 nDCG@10, 95 % .006 to .018"; errors in four digits."""
    digits = digits_of(metric) if metric_card(metric).kept else _telling_digits(interval)
    return (
        f"{_signed(interval.mean, digits)} {metric_title(metric)}, 95 % {_range(interval, digits)}"
    )


def people_words(hits: float) -> str:
    """A difference in the share of users who find something, of a hundred: `3 more of 100`."""
    n = 100 * abs(hits)
    if round(n, 1) == 0:
        return "none of 100"
    return f"{n:.{0 if n >= 0.95 else 1}f} {'more' if hits > 0 else 'fewer'} of 100"


def could_be_words(hits: Interval) -> str:
    """What the difference of a hundred users could be: `1 fewer to 4 more of 100`."""
    low, high = people_words(hits.low), people_words(hits.high)
    return f"{low.removesuffix(' of 100')} to {high}"


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
        f"{comparison.subject} {verb} {_what(metric)} in {comparison.target_name} for {users}"
        f"{_people(_hits(comparison, by, names), verb)} {figures}."
    )


def _not_shown(comparison: Comparison, rows: pd.DataFrame, metric: str, by: str) -> str:
    """Of whom nothing is shown beside those of whom something is, and what it could be."""
    if rows.empty:
        return ""
    names = [str(name) for name in rows[SEGMENT]]
    users = who(by, names, comparison.source_name, comparison.target_name)
    ends = Interval(float("nan"), float(rows[LOW].min()), float(rows[HIGH].max()), 0, 0)
    each = "" if len(names) == 1 else " in each group"
    beside = rows[(rows[LOW] > 0) | (rows[HIGH] < 0)]
    doubt = "" if beside.empty else _doubt(beside.iloc[0], comparison, metric)
    digits = digits_of(metric) if metric_card(metric).kept else _telling_digits(ends)
    could_be = f"it could be {_range(ends, digits)} {metric_title(metric)}{each}"
    return f" No difference is shown for {users} ({could_be}){doubt}."


def _hits(comparison: Comparison, by: str = "", names: list[str] | None = None) -> Interval | None:
    """Run minus twin in users who find something among ten; None where that is not known."""
    run, twin = comparison.run, comparison.twin
    if twin is None or HIT_RATE not in run or HIT_RATE not in twin:
        return None
    if names is not None:
        segment = comparison.segments[by].astype("str").to_numpy()
        run = run[np.isin(segment[run[USER].to_numpy()], names)]
    return difference_intervals(run, twin, [HIT_RATE])[0]


def _people(hits: Interval | None, verb: str) -> str:
    """`: 3 more of 100 find something they like`; nothing where hits do not tell."""
    if hits is None or verb not in (HELPS, HARMS) or round(1000 * abs(hits.mean)) < 1:
        return ""
    words = f"{people_words(hits.mean)} find something they like"
    return f": {words}" if (hits.mean > 0) == (verb == HELPS) else f", though {words}"


def _pooled(comparison: Comparison, metric: str, by: str, names: list[str]) -> tuple[str, str]:
    """Users of some segments in words, and their difference to the twin in brackets."""
    assert comparison.twin is not None
    segment = comparison.segments[by].astype("str").to_numpy()
    ours = comparison.run[np.isin(segment[comparison.run[USER].to_numpy()], names)]
    interval = difference_intervals(ours, comparison.twin, [metric])[0]
    users = who(by, names, comparison.source_name, comparison.target_name)
    return users, f"({difference_words(interval, metric)}, {interval.users:,} users)"


def _altogether(comparison: Comparison, lifts: Lifts, metric: str) -> str:
    """No single segment is sure: what can be said over all users."""
    assert lifts.over_twin is not None
    everybody = lifts.over_twin.set_index(SEGMENT).loc[ALL_USERS]
    about = f"{_what(metric)} in {comparison.target_name}"
    if everybody[USERS] < FEWEST:
        return f"Too few users are evaluated to judge {comparison.source_name} for {about}."
    words, hits = _row_words(everybody, metric), _hits(comparison)
    if lifts.over_seeds is not None:
        over = difference_words(_interval(lifts.over_seeds.iloc[0]), metric)
        words = f"{words[:-1]}; over {len(comparison.seeds)} seeds {over})"
    if everybody[SURE]:
        verb = _verb(HELPS if is_gain(everybody[MEAN], metric) else HARMS, metric)
        return (
            f"Over all users together {_lower(comparison.subject)} {verb} {about}"
            f"{_people(hits, verb)} {words}; no group shows it by itself."
        )
    does = f"does {'to' if metric_card(metric).neutral else 'for'}"
    could_be = "" if hits is None else f"; it could be {could_be_words(hits)}"
    return (
        f"No difference is shown: with these {int(everybody[USERS]):,} users it is too close to "
        f"tell what {_lower(comparison.subject)} {does} {about}{could_be} {words}"
        f"{_doubt(everybody, comparison, metric)}."
    )


def _doubt(row: pd.Series, comparison: Comparison, metric: str) -> str:
    """Why a difference whose interval leaves zero out does not count all the same; else nothing."""
    if not _interval(row).excludes_zero:
        return ""
    if row[HOLM] >= SIGNIFICANT:
        why = "several groups were looked at, and one of several shows such a range by chance"
    elif row[NOISE] == row[NOISE] and abs(row[MEAN]) <= row[NOISE]:
        why = "the twin, trained again, comes as far from itself"
    elif round(abs(row[MEAN]), digits_of(metric)) == 0:
        why = "a difference that small is none to anybody"
    else:
        why = f"the {len(comparison.seeds)} seeds do not bear it out"
    return f"; the range leaves zero out, but {why}"


def _over_floor(comparison: Comparison, lifts: Lifts, metric: str) -> str:
    """For a model without a target-only form: better than popularity, or not."""
    if lifts.over_floor is None:
        return "There is nothing to compare this run with."
    everybody = lifts.over_floor.set_index(SEGMENT).loc[ALL_USERS]
    if everybody[USERS] < FEWEST:
        return f"Too few users are evaluated to judge this run ({int(everybody[USERS])})."
    words, floor = _row_words(everybody, metric), comparison.floor
    if not everybody[SURE]:
        return (
            f"No difference is shown between this run and {floor}: with these "
            f"{int(everybody[USERS]):,} users it is too close to tell {words}."
        )
    gains = is_gain(everybody[MEAN], metric)
    verb = "beats" if gains else "falls behind"
    if metric_card(metric).neutral:
        verb = f"{_verb(HELPS if gains else HARMS, metric)} it against"
    return f"This run {verb} {floor} {words}; it has no target-only twin to compare with."


def _row_words(row: pd.Series, metric: str) -> str:
    return f"({difference_words(_interval(row), metric)}, {int(row[USERS]):,} users)"


def _interval(row: pd.Series) -> Interval:
    return Interval(row[MEAN], row[LOW], row[HIGH], int(row[USERS]), 0)


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _telling_digits(interval: Interval) -> int:
    """Decimals that leave two digits of the largest of the three numbers, at least 3, at most 6."""
    largest = np.nanmax(np.abs([interval.mean, interval.low, interval.high]))
    return int(np.clip(1 - np.floor(np.log10(largest)), 3, 6)) if largest > 0 else 3


def _range(interval: Interval, digits: int) -> str:
    return f"{_signed(interval.low, digits)} to {_signed(interval.high, digits)}"


def _signed(value: float, digits: int) -> str:
    """Some decimals with a sign and without the leading zero: +.012, −.003, .000."""
    text = f"{abs(value):.{digits}f}"
    sign = "" if float(text) == 0 else "+" if value > 0 else "−"
    return sign + (text[1:] if text.startswith("0") else text)


# What the lifts of a run show, segment by segment and over all users: helps, harms or open.
# Nothing "helps" unless the lift over the twin is sure (core/evaluation/lift.py says when), and
# for users without target history the lift over popularity as well (not of figures of variety or
# popularity, of which more is no gain by itself); where there are several seeds, also the
# interval over seeds must exclude zero.

HELPS, HARMS, OPEN = "helps", "harms", "open"
HIT_RATE = "hit_rate@10"  # what is said of people out of a hundred
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
