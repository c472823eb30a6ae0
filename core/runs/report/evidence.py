"""Everything a report reads, once: the run, its data where they are left, and runs beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, SKIPPED, TEST, USERS
from core.basics.errors import CrosswalkError, DataError, RunError
from core.basics.formatting import signed, signed_interval
from core.basics.workspace import Workspace
from core.data.checks.check import Check, checks_of
from core.data.pair_folder import PairInfo, read_pair_info
from core.data.snapshot import Split, read_snapshot
from core.evaluation.lift import SURE, digits_of, is_gain
from core.evaluation.ratings import difference_intervals, intervals
from core.evaluation.segments import ALL_USERS, TARGET_HISTORY, user_segments
from core.evaluation.verdict import HARMS, HELPS, Comparison, Lifts, altogether, lifts_of, sentence
from core.metrics.intervals import Interval
from core.metrics.registry import metric_title
from core.models.task import Task
from core.runs.answer.groups import Answer, answer_of
from core.runs.studies.noise import comparison_of
from core.runs.studies.placebo import PlaceboFigures, placebo_figures
from core.store.record import Record
from core.store.run_folder import Run, list_runs

MOST_RUNS = 6  # side by side, the run itself among them
HIT_RATE = "hit_rate@10"
LONGEST_NAME = 40  # characters of a domain's name
NAN = float("nan")


@dataclass(frozen=True)
class Evidence:
    """What a report stands on; what is None is gone, and the report says so."""

    workspace: Workspace
    run: Run
    split: Split | None
    pair: PairInfo | None
    checks: list[Check] | None
    runs: tuple[Run, ...]  # every run of the workspace, among them other seeds of this one
    rivals: tuple[Run, ...]  # other runs of the split, the newest first
    left_out: int  # further runs of the split that no longer fit beside them

    @property
    def record(self) -> Record:
        """What the run wrote down."""
        return self.run.record

    @property
    def source(self) -> str:
        """Name of the source domain, as long as a sentence bears."""
        return _bearable(self.record.source_name)

    @property
    def target(self) -> str:
        """Name of the target domain, as long as a sentence bears."""
        return _bearable(self.record.target_name)

    @property
    def task(self) -> Task:
        """What the run's model is asked for."""
        return self.run.card.task

    @property
    def rates(self) -> bool:
        """Whether the run predicts ratings."""
        return self.task.rates

    @property
    def metric(self) -> str:
        """The metric of the headline."""
        return self.task.metric

    @property
    def floor_name(self) -> str:
        """What any run of its task must beat, in words."""
        return self.task.baseline_words

    @property
    def other(self) -> Run | None:
        """What the run is compared with: its twin, else popularity or averages."""
        return self.run.twin or self.run.floor

    @property
    def without(self) -> str:
        """What the run is compared with, in words."""
        return f"without {self.source}" if self.run.twin else self.floor_name

    @cached_property
    def segments(self) -> pd.DataFrame | None:
        """Which segments each user is in; None where the data are gone."""
        return None if self.split is None else user_segments(self.split.train)

    def frame(self, run: Run) -> pd.DataFrame | None:
        """Metrics of every test user; None where they cannot be read."""
        try:
            return self._read(run, TEST)
        except RunError:
            return None

    def _read(self, run: Run, part: str) -> pd.DataFrame:
        key = f"{run.folder} {part}"
        if key not in self._known_frames:
            self._known_frames[key] = run.metrics(part)
        return self._known_frames[key]

    @cached_property
    def _known_frames(self) -> dict[str, pd.DataFrame]:
        return {}

    @cached_property
    def comparison(self) -> Comparison | None:
        """The run with its twin, floor, other seeds and noise; None where users are gone."""
        if self.segments is None:
            return None
        try:
            found = comparison_of(self.run, TEST, self.segments, self.runs, self._read)
        except RunError:
            return None
        return replace(found, source_name=self.source, target_name=self.target)

    @cached_property
    def lifts(self) -> Lifts | None:
        """The lifts by target history that the verdict and the picture are both made of."""
        if self.comparison is None:
            return None
        return lifts_of(self.comparison, self.metric, TARGET_HISTORY)

    @cached_property
    def whole(self) -> Answer | None:
        """The answer over all splits and models of the pair; None where only this run can tell.

        That is for a run without a twin, or where the runs of the pair are judged by another
        metric than this one.
        """
        if self.run.twin is None or self.segments is None:
            return None
        beside = [run for run in self.runs if run.record.dataset_hash == self.record.dataset_hash]
        try:
            found = answer_of(self.workspace, beside, self.run, self._read)
        except CrosswalkError:  # a run beside it cannot be read any more
            return None
        if found is None or not any(group.known for group in found.groups):
            return None
        return found if found.everybody.metric == self.metric else None

    def level(self, run: Run, metric: str) -> Interval:
        """Mean of a run on the test users, as its record says it, else from its users."""
        said = said_interval(run.record.test.get(metric))
        frame = None if said.users else self.frame(run)
        return said if frame is None or metric not in frame else intervals(frame, [metric])[0]

    def difference(self, other: Run | None, metric: str, run: Run | None = None) -> Interval | None:
        """The run minus another, paired by user; None where there is nothing to pair."""
        ours = self.frame(run or self.run)
        theirs = None if other is None else self.frame(other)
        if ours is None or theirs is None or metric not in ours or metric not in theirs:
            return None
        return difference_intervals(ours, theirs, [metric])[0]

    @cached_property
    def placebo(self) -> PlaceboFigures | None:
        """Run, twin and placebo in the metric of the headline; None where none was made."""
        return self.placebo_in(self.metric)

    def placebo_in(self, metric: str) -> PlaceboFigures | None:
        """The same in another metric that runs keep."""
        if self.comparison is None or not self.comparison.placebos:
            return None
        lifts = self.lifts
        if metric != self.metric or lifts is None:
            lifts = lifts_of(self.comparison, metric, TARGET_HISTORY)
        return placebo_figures(self.run, TEST, metric, lifts, self._read)

    @cached_property
    def verdict(self) -> str:
        """Whether the source helps, and for whom, by the rules of every page."""
        if self.comparison is None or self.lifts is None:
            # The sentence over all users that the record alone allows
            gap, against = recorded_gap(self)
            if not gap.users:
                return "There is nothing to compare this run with."
            words = {"good": "does better than", "bad": "does worse than"}
            verb = words.get(tone_of(gap, self.metric), "is not shown to differ from")
            digits = digits_of(self.metric)
            between = signed_interval(gap.low, gap.high, digits)
            return (
                f"Over all users this run {verb} {against} ({signed(gap.mean, digits)} "
                f"{metric_title(self.metric)}, 95 % {between}, {gap.users:,} users)."
            )
        return sentence(self.comparison, self.lifts, self.metric, TARGET_HISTORY)

    @cached_property
    def tone(self) -> str:
        """ "good", "bad" or "open": what the difference over all users shows."""
        known = self.lifts
        if known is not None and known.over_twin is not None:
            shown = altogether(known, self.metric, TARGET_HISTORY)
            return {HELPS: "good", HARMS: "bad"}.get(shown, "open")
        rows = None if known is None else known.over_floor
        if rows is not None and (rows[SEGMENT] == ALL_USERS).any():
            everybody = rows.set_index(SEGMENT).loc[ALL_USERS]
            return tone_of(said_interval(dict(everybody)), self.metric, bool(everybody[SURE]))
        gap, _ = recorded_gap(self)
        return tone_of(gap, self.metric)


def gather(workspace: Workspace, run: Run) -> Evidence:
    """Read what there is; a snapshot, a pair or checks that are gone stay None."""
    try:
        split = read_snapshot(workspace.splits / run.record.split_hash)
    except DataError:
        split = None
    folder = workspace.pairs / run.record.dataset_hash
    try:
        pair = read_pair_info(folder)
    except DataError:
        pair = None
    runs = list_runs(workspace)
    beside = [other for other in runs if _comparable(run, other)]
    beside.sort(
        key=lambda other: other.card.task != run.card.task
    )  # its own first, none pushed out
    shown = tuple(beside[: MOST_RUNS - 1])
    return Evidence(
        workspace,
        run,
        split,
        pair,
        checks_of(workspace, run.record.dataset_hash, run.record.split_hash),
        tuple(runs),
        shown,
        left_out=len(beside) - len(shown),
    )


def said_interval(said: dict[str, Any] | None) -> Interval:
    """A figure of a record as an interval; NaN where there is none."""
    said = said or {}
    mean, low, high = (NAN if said.get(k) is None else said[k] for k in (MEAN, LOW, HIGH))
    return Interval(mean, low, high, said.get(USERS, 0), said.get(SKIPPED, 0))


def tone_of(gap: Interval, metric: str, sure: bool | None = None) -> str:
    """ "good" or "bad" where a difference is sure, else "open".

    sure: where nothing is said, whether the interval leaves zero out.
    """
    if not (gap.excludes_zero if sure is None else sure):
        return "open"
    return "good" if is_gain(gap.mean, metric) else "bad"


def _bearable(name: object) -> str:
    words = " ".join(str(name).split())
    return words if len(words) <= LONGEST_NAME else words[: LONGEST_NAME - 1].rstrip() + "…"


def _comparable(run: Run, other: Run) -> bool:
    """Another run whose users are those of this one, of whatever task."""
    ours, theirs = run.record, other.record
    same = (ours.dataset_hash, ours.split_hash) == (theirs.dataset_hash, theirs.split_hash)
    return same and other.id != run.id


def recorded_gap(evidence: Evidence) -> tuple[Interval, str]:
    """The difference over all users that the record alone knows, and to what; NaN without one."""
    record = evidence.record
    for lifts, against in (
        (record.lift, f"the same model without {evidence.source}"),
        (record.lift_over_popularity, Task.RANKING.baseline_words),
        (record.lift_over_bias, Task.RATING.baseline_words),
    ):
        gap = said_interval((lifts or {}).get(evidence.metric))
        if gap.users:
            return gap, against
    return said_interval(None), ""
