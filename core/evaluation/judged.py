"""What the lifts of a run show, segment by segment and over all users: helps, harms or open.

Nothing "helps" unless the lift over the twin is sure (core/evaluation/lift.py says when), and for
users without target history the lift over popularity as well (not of figures of variety or
popularity, of which more is no gain by itself); where there are several seeds, also
the interval over seeds must exclude zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT
from core.evaluation.lift import ALL_USERS, SURE, is_gain, lift_rows
from core.evaluation.seeds import ENOUGH_SEEDS, SeedFrames, seed_rows
from core.evaluation.segments import BINS, OVERLAP, TARGET_HISTORY
from core.metrics.registry import metric_card

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
        rows[SURE] &= rows[SEGMENT].isin(_steady(seeds, rows))
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


def _steady(seeds: pd.DataFrame, rows: pd.DataFrame) -> set[str]:
    """Segments whose interval over seeds lies on the side of zero where the lift over users is."""
    means = rows.set_index(SEGMENT)[MEAN].reindex(seeds[SEGMENT]).to_numpy()
    above, below = (seeds[LOW] > 0) & (means > 0), (seeds[HIGH] < 0) & (means < 0)
    return set(seeds.loc[above | below, SEGMENT])
