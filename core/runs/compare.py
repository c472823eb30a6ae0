"""The figures of a run's record: means, lifts over twin and popularity, and segments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.basics.columns import TEST, VALID
from core.data.snapshot import NEW_ITEMS, Split, read_info, read_snapshot
from core.evaluation.evaluate import Evaluation
from core.evaluation.lift import by_segment, lift, summarise
from core.evaluation.new_items import comparator_answer
from core.evaluation.segments import user_segments
from core.store.run_folder import BIAS, POPULARITY, RUN, TWIN, Run

Evaluations = dict[str, dict[str, Evaluation]]  # by contender, then by part


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """{"ndcg@10": {mean, low, high, users, skipped}, …} of one contender on one part."""
    skipped = evaluation.counts["skipped"]
    return summarise(evaluation.per_user, evaluation.coverage, skipped)


def comparison(split: Split, evaluations: Evaluations) -> dict[str, Any]:
    """lift over the twin, over popularity and over biases, and segments, all on the test users.

    A lift is None where there is no such contender; nothing is compared with itself.
    """
    frames = {role: parts[TEST].per_user for role, parts in evaluations.items()}
    run, twin, popularity, bias = (frames.get(role) for role in (RUN, TWIN, POPULARITY, BIAS))
    assert run is not None
    return {
        "lift": None if twin is None else lift(run, twin),
        "lift_over_popularity": None if popularity is None else lift(run, popularity),
        "lift_over_bias": None if bias is None else lift(run, bias),
        "segments": by_segment(run, user_segments(split.train), twin, popularity, bias),
    }


def beside_new_items(run: Run, split_folder: Path) -> dict[str, Any] | None:
    """Random order and the oracle's list beside a run; None where the split is no new items'."""
    if read_info(split_folder).kind != NEW_ITEMS:
        return None
    frames = {part: run.metrics(part) for part in (VALID, TEST)}
    return comparator_answer(read_snapshot(split_folder), frames)
