"""Who is helped: a row per group of people, over all splits and models of a pair.

Each group is answered by the model that validation chose for it, on the split that tests most of
it: people without target history by a split that hides it, all others by a split of everybody.

Everybody together are one question that is tested alone. The groups are a family: they come from
several runs and splits, and their p-values are corrected over all groups of the answer, whatever
run or split each comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, SOURCE, TARGET, TEST, USER, USERS, VALID
from core.basics.errors import CrosswalkError
from core.basics.formatting import signed
from core.basics.workspace import Workspace
from core.charts.report import BAD, GOOD, MOVED, TONE, WORDS
from core.charts.report import OPEN as TONE_OPEN
from core.data.snapshot import NEW_ITEMS, read_info, read_snapshot
from core.evaluation.lift import P_VALUE, SIGNIFICANT
from core.evaluation.ratings import difference_intervals
from core.evaluation.segments import (
    ALL_USERS,
    BINS,
    FEWEST,
    TARGET_HISTORY,
    user_segments,
)
from core.evaluation.verdict import (
    HARMS,
    HELPS,
    MODEL,
    OPEN,
    altogether,
    judge,
    lifts_of,
    outcome,
)
from core.metrics.intervals import Interval, holm
from core.metrics.registry import metric_card
from core.store.run_folder import Run

HIT_RATE = "hit_rate@10"
NEW = "new items"  # the group of a split whose target items are new

Read = Callable[[Run, str], pd.DataFrame]  # metrics per user of a part
Segments = Callable[[str], pd.DataFrame]  # of a split, by its hash


@dataclass(frozen=True)
class Group:
    """People of one kind, and what the source does for them.

    lift: run minus twin in the metric, over the group's test users; all NaN where they are too few
    to say. hits: the same in users who find a held-out item among ten, None for ratings.
    """

    name: str  # one of BINS, ALL_USERS or NEW
    run: Run  # the best for them on validation
    metric: str
    users: int
    lift: Interval
    answer: str  # as `altogether` of everybody, as `judge` of a group
    hits: Interval | None = None
    found: float | None = None  # share of users who find one, with the source
    found_without: float | None = None  # by the twin
    p: float = float("nan")  # of the lift over the twin, before the correction over groups
    alarm: str = ""  # what a failed check says of the data
    placebo: bool = False  # whether the lift was held against a source of the wrong people

    @property
    def known(self) -> bool:
        """Whether there are enough people to say anything."""
        return self.lift.mean == self.lift.mean

    @property
    def gain(self) -> float:
        """How far the source helps, larger being better."""
        figure = self.hits or self.lift
        better = self.hits is not None or metric_card(self.metric).higher_is_better
        return figure.mean if better else -figure.mean

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN is None."""
        return {
            "group": self.name,
            "run": self.run.id,
            "model": self.run.record.model,
            "metric": self.metric,
            "users": self.users,
            "answer": self.answer,
            "lift": _plain(self.lift) if self.known else None,
            "hits": _plain(self.hits) if self.hits else None,
            "found": self.found,
            "found_without": self.found_without,
            "p": None if self.p != self.p else self.p,
            "alarm": self.alarm,
            "placebo": self.placebo,
        }


def group_of(told: dict[str, Any], runs: Sequence[Run]) -> Group:
    """The group that `Group.to_dict` told; raises LookupError or TypeError for anything else."""
    run = {run.id: run for run in runs}[told["run"]]
    users, lift, hits = int(told["users"]), told["lift"], told["hits"]
    nothing = dict.fromkeys((MEAN, LOW, HIGH), float("nan"))
    return Group(
        str(told["group"]),
        run,
        str(told["metric"]),
        users,
        Interval(**(lift or nothing), users=users, skipped=0),
        str(told["answer"]),
        Interval(**hits, users=users, skipped=0) if hits else None,
        told["found"],
        told["found_without"],
        float("nan") if told["p"] is None else float(told["p"]),
        str(told["alarm"]),
        bool(told["placebo"]),
    )


@dataclass(frozen=True)
class Answer:
    """What is known of a pair: everybody together, then group by group, new items last."""

    source: str
    target: str
    everybody: Group
    groups: list[Group]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "names": {SOURCE: self.source, TARGET: self.target},
            "everybody": self.everybody.to_dict(),
            "groups": [group.to_dict() for group in self.groups],
        }


def answer_of(
    workspace: Workspace,
    runs: Sequence[Run],
    first: Run | None = None,
    read: Read = Run.metrics,
    segments: Segments | None = None,
) -> Answer | None:
    """The answer of the runs of one pair; None where none with a twin is there yet.

    first: the run that stands for the pair; it is kept wherever validation shows no better one.
    All of them rank, or predict ratings where that one does. A model that only bridges to the
    target has no twin: it may answer for people without target history, of whom a twin knows as
    little as popularity, which then stands in the twin's place.
    """
    able = [run for run in runs if run.complete and (run.twin or run.card.cross_domain)]
    rates = first is not None and first.card.task.rates
    alike = [run for run in able if run.card.task.rates == rates] or able
    segments = segments or (
        lambda split: user_segments(read_snapshot(workspace.splits / split).train)
    )
    by_split: dict[str, list[Run]] = {}
    for run in sorted(alike, key=lambda run: run.record.created):
        by_split.setdefault(run.record.split_hash, []).append(run)
    groups: dict[str, Group] = {}
    everybody: dict[str, Group] = {}  # by split
    for split_hash, mine in by_split.items():
        try:
            info, frame = read_info(workspace.splits / split_hash), segments(split_hash)
        except CrosswalkError:  # its data are not in this workspace
            continue
        names = (NEW,) if info.kind == NEW_ITEMS else (ALL_USERS, *BINS)
        twinned = [run for run in mine if run.twin is not None]
        for name in names:
            if not (rivals := mine if name == BINS[0] else twinned):
                continue
            run = _best_for(name, rivals, frame, first, read)
            group = _group(name, run, frame, mine, read)
            if name == ALL_USERS:
                everybody[split_hash] = group
            elif group.users and (name not in groups or group.users > groups[name].users):
                groups[name] = group
    if not everybody:
        return None
    # The split of everybody: the standing run's own, else the one with the most kinds of people
    main = first.record.split_hash if first else ""
    whole = everybody.get(main) or max(everybody.values(), key=lambda group: group.users)
    record = whole.run.record
    ordered = [groups[name] for name in (*BINS, NEW) if name in groups]
    return Answer(record.source_name, record.target_name, whole, _one_family(ordered))


def _one_family(groups: list[Group]) -> list[Group]:
    """The groups, open again where Holm's correction over all runs and splits does not reject."""
    corrected = holm(np.array([group.p for group in groups]))
    return [
        group if not p >= SIGNIFICANT else replace(group, answer=OPEN)
        for group, p in zip(groups, corrected, strict=True)
    ]


def _best_for(
    name: str, runs: Sequence[Run], segments: pd.DataFrame, first: Run | None, read: Read
) -> Run:
    """The best run of a split for a group on validation users, within one standard error.

    Of those the one that stands for the pair, else one whose score has parts, else the oldest.
    Where the group has fewer than FEWEST validation users, all of them choose.
    """
    values = {run.id: _values(run, name, segments, read) for run in runs}
    means = {id: float(np.mean(found)) for id, found in values.items()}
    best = max(means, key=lambda id: means[id])
    error = float(np.std(values[best], ddof=1) / np.sqrt(len(values[best])))
    near = [run for run in runs if means[run.id] >= means[best] - error]
    return min(
        near,
        key=lambda run: (first is None or run.id != first.id, not run.card.additive),
    )


def _values(run: Run, name: str, segments: pd.DataFrame, read: Read) -> np.ndarray:
    """The metric of the group's validation users, larger being better; of all where it is small."""
    frame, metric = read(run, VALID), run.card.task.metric
    values = frame[metric].to_numpy(float)
    if not metric_card(metric).higher_is_better:
        values = -values
    if name in BINS:
        within = (segments[TARGET_HISTORY].astype("str").to_numpy() == name)[frame[USER].to_numpy()]
        if within.sum() >= FEWEST:
            values = values[within]
    values = values[~np.isnan(values)]
    return values if len(values) > 1 else np.zeros(2)


def _group(name: str, run: Run, segments: pd.DataFrame, runs: Sequence[Run], read: Read) -> Group:
    """What the run shows of a group on its test users."""
    metric, segment = run.card.task.metric, ALL_USERS if name == NEW else name
    from core.runs.studies.noise import comparison_of  # what trains is not needed before this

    compared = comparison_of(run, TEST, segments, runs, read)
    lifts = lifts_of(compared, metric, TARGET_HISTORY)
    other = compared.popularity if compared.twin is None else compared.twin
    over = lifts.over_floor if lifts.over_twin is None else lifts.over_twin
    assert other is not None
    assert over is not None
    rows = over.set_index(SEGMENT)
    nothing = Interval(float("nan"), float("nan"), float("nan"), 0, 0)
    if segment not in rows.index:
        return Group(name, run, metric, 0, nothing, OPEN)
    row = rows.loc[segment]
    users = int(row[USERS])
    if row[MEAN] != row[MEAN]:
        return Group(name, run, metric, users, nothing, OPEN)
    lift = Interval(float(row[MEAN]), float(row[LOW]), float(row[HIGH]), users, 0)
    told = float(row[P_VALUE]), lifts.alarm, lifts.over_placebo is not None
    everybody = segment == ALL_USERS
    if lifts.over_twin is None:
        answer = outcome(lifts, segment, row, metric)
    elif everybody:
        answer = altogether(lifts, metric, TARGET_HISTORY)
    else:
        answer = judge(lifts, metric, TARGET_HISTORY)[segment]
    if run.card.task.rates or HIT_RATE not in compared.run:
        return Group(name, run, metric, users, lift, answer, None, None, None, *told)
    within = np.ones(len(segments), bool)
    if not everybody:
        within = segments[TARGET_HISTORY].astype("str").to_numpy() == segment
    ours, theirs = (frame[within[frame[USER].to_numpy()]] for frame in (compared.run, other))
    hits = difference_intervals(ours, theirs, [HIT_RATE])[0]
    found, without = (float(frame[HIT_RATE].mean()) for frame in (ours, theirs))
    return Group(name, run, metric, users, lift, answer, hits, found, without, *told)


def _plain(interval: Interval) -> dict[str, float]:
    return {MEAN: interval.mean, LOW: interval.low, HIGH: interval.high}


TONES = {HELPS: GOOD, HARMS: BAD, MODEL: MOVED}  # what pictures draw of an answer, else open


def group_rows(answer: Answer) -> pd.DataFrame:
    """What `draw_lifts` draws of an answer: a row per group with its people and its figures.

    SEGMENT, MEAN, LOW, HIGH, WORDS and TONE; groups nobody was tested of are left out.
    """
    return pd.DataFrame(
        [
            {
                SEGMENT: f"{_called(group.name, answer.target)} · {group.users:,}",
                MEAN: group.lift.mean,
                LOW: group.lift.low,
                HIGH: group.lift.high,
                WORDS: _figure_of(group),
                TONE: TONES.get(group.answer, TONE_OPEN),
            }
            for group in answer.groups
            if group.users
        ]
    )


def _called(name: str, target: str) -> str:
    short = target if len(target) <= 18 else f"{target[:17]}…"
    if name == NEW:
        return f"new items of {short}"
    if name == BINS[0]:
        return f"nothing yet in {short}"
    return f"{name.removesuffix('+') + ' or more' if name.endswith('+') else name} in {short}"


def _figure_of(group: Group) -> str:
    """`+21 of 100 · +.234`, of people as the headline rounds them; else why there is nothing."""
    if not group.known:
        return "too few to say"
    lift = signed(group.lift.mean, group.run.card.task.digits)
    if group.found is None or group.found_without is None:
        return lift
    people = round(100 * group.found) - round(100 * group.found_without)
    return f"{signed(float(people), 0)} of 100 · {lift}"
