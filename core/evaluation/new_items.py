"""What a run on new items is measured against: a random order, and an oracle's one list for all.

On such a split an id-based model cannot tell the ranked items apart, so its own twin and popularity
say little. These two need no model: the split alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import TEST, USER, VALID
from core.basics.types import DomainScores, FloatArray, IntArray
from core.data.snapshot import Split
from core.evaluation.evaluate import evaluate, findable
from core.evaluation.lift import lift, summarise
from core.evaluation.ratings import difference_intervals
from core.metrics.ranking import KS
from core.metrics.registry import metric_title

RANDOM, ORACLE = "random", "oracle_popularity"
TITLES = {RANDOM: "Random order, expected", ORACLE: "Oracle: most held-out interactions first"}
COMPARED = ("recall@50", "ndcg@10")
FEW_LISTED = 2  # times as many items as a list holds, from which recall still tells runs apart
_NAMES = ("recall", "ndcg")

Comparators = dict[str, pd.DataFrame]  # by name: USER and recall and nDCG at every k


def comparators(split: Split, part: str) -> Comparators:
    """Per user what a random order is expected to find, and what the oracle's list finds.

    The oracle orders new items by their held-out interactions, which nothing but the test knows:
    about the best that any one list for everybody can do.
    """
    masked = split.masked(part)
    wanted = np.diff(findable(split.held_out(part), masked).indptr)
    users = np.flatnonzero(wanted)
    n_wanted, n_free = wanted[users], masked.n_free[users]
    columns = {f"recall@{k}": np.minimum(k, n_free) / n_free for k in KS}
    for k in KS:
        gains = _gain(np.minimum(k, n_free)) * n_wanted / n_free
        columns[f"ndcg@{k}"] = gains / _gain(np.minimum(k, n_wanted))
    random = pd.DataFrame({USER: users.astype(np.int32)} | columns)
    return {RANDOM: random, ORACLE: _oracle(split, part)}


def comparator_answer(split: Split, frames: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Plain figures by part and name, each with the lift of the run over it, paired over users.

    frames: the run's metrics per user by part.
    """
    return {
        part: {
            name: summarise(frame) | {"lift": lift(frames[part], frame)}
            for name, frame in comparators(split, part).items()
        }
        for part in (VALID, TEST)
    }


def beaten(run: pd.DataFrame, found: Comparators, metric: str = COMPARED[0]) -> list[str]:
    """Names of the comparators that the run's interval of the paired difference lies above."""
    gaps = {name: difference_intervals(run, frame, [metric])[0] for name, frame in found.items()}
    return [name for name, gap in gaps.items() if gap.low > 0]


def deciding(n_rankable: int) -> str:
    """The metric a run is judged by: recall@50, where lists of 50 are few of what may be listed."""
    return COMPARED[0] if n_rankable >= FEW_LISTED * 50 else COMPARED[1]


def new_items_sentence(run: pd.DataFrame, found: Comparators, knows: bool, metric: str) -> str:
    """What the comparison by a metric comes to; knows: whether the model tells new items apart.

    An arbitrary order is one draw for all users, so resampling them says nothing about its luck.
    """
    if not knows:
        return (
            "The model knows items by their interactions alone, and these have none: its order of "
            "them is arbitrary, and what it finds beside a random order's is luck."
        )
    better, by = beaten(run, found, metric), f"By {metric_title(metric)}"
    if ORACLE in better:
        return f"{by} the run beats even the oracle's one list for everybody."
    if RANDOM in better:
        return f"{by} the run beats a random order, not the oracle's one list for everybody."
    return f"{by} the run is not shown to beat a random order."


def _gain(hits: IntArray) -> FloatArray:
    """Discounted gain of hits at the ranks 1, 2, …, as many as given, (users,)."""
    ranks = np.arange(1, int(hits.max(initial=0)) + 1)
    return np.concatenate([[0.0], np.cumsum(1 / np.log2(ranks + 1))])[hits]


def _oracle(split: Split, part: str) -> pd.DataFrame:
    counts = np.bincount(split.held_out(part).indices, minlength=split.test.shape[1])
    base = counts[None, :].astype(np.float32)

    def score(users: IntArray) -> DomainScores:
        nothing = np.zeros((len(users), len(counts)), dtype=np.float32)
        nobody = np.zeros(len(users), dtype=bool)
        return DomainScores(nothing, nothing, base, None, nobody, nobody)

    per_user = evaluate(score, split, part).per_user
    return per_user[[USER, *(f"{name}@{k}" for name in _NAMES for k in KS)]]
