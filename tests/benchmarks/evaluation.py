"""All ranking metrics with intervals, from a score matrix: `python tests/benchmarks/evaluation.py`.

1,138 users × 5,369 items, four values of k, beside a plain loop over users with one argsort each,
and a bootstrap that draws users sample by sample. Prints one JSON object; the bar is 0.5 CPU s.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core" / "evaluation")]

from measuring import measured, report  # noqa: I001

import numpy as np
from evaluation_worlds import split_of

from core.basics.types import DomainScores
from core.evaluation.evaluate import Evaluation, evaluate
from core.evaluation.lift import summarise
from core.metrics.intervals import SAMPLES
from core.metrics.ranking import KS

N_USERS, N_ITEMS = 1138, 5369


def main() -> None:
    """Evaluate both ways and compare the figures too."""
    generator = np.random.default_rng(0)
    which = generator.choice([0, 1, 2, 3], p=[0.99, 0.007, 0.001, 0.002], size=(N_USERS, N_ITEMS))
    source_rows = generator.random((N_USERS, 100)) < 0.1
    split = split_of(source_rows, which == 1, which == 2, which == 3)
    source, target = (
        generator.normal(size=(N_USERS, N_ITEMS)).astype(np.float32) for _ in range(2)
    )
    yes = np.ones(N_USERS, dtype=bool)

    def ours() -> tuple[Evaluation, dict]:
        evaluation = evaluate(
            lambda rows: DomainScores.ranking(source[rows], target[rows], yes[rows], yes[rows]),
            split,
            "test",
        )
        said = summarise(evaluation.per_user, evaluation.coverage, evaluation.counts["skipped"])
        return evaluation, said

    hidden, wanted = split.masked("test").toarray(), split.test.toarray() > 0
    (evaluation, said), our_times = measured(ours)
    means, their_times = measured(lambda: loop(source + target, hidden, wanted), repeats=1)
    differences = [abs(said[name]["mean"] - mean) for name, mean in means.items()]
    print(
        json.dumps(
            report(
                "evaluation",
                500.0,
                our_times,
                their_times,
                users=len(evaluation.users),
                items=N_ITEMS,
                metrics=len(said),
                largest_difference=max(differences),
            )
        )
    )


def loop(scores: np.ndarray, hidden: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Means of nDCG and recall user by user; the bootstrap one sample after the other."""
    rows: list[list[float]] = []
    for user in np.flatnonzero(wanted.any(axis=1)):
        order = np.argsort(-np.where(hidden[user], -np.inf, scores[user]), kind="stable")[: max(KS)]
        hits, n_relevant = wanted[user, order], wanted[user].sum()
        discount = 1 / np.log2(np.arange(2, max(KS) + 2))
        ideal = [discount[: min(k, n_relevant)].sum() for k in KS]
        gains = [(hits * discount)[:k].sum() / best for k, best in zip(KS, ideal, strict=True)]
        rows.append(gains + [hits[:k].sum() / n_relevant for k in KS])
    values = np.array(rows)
    generator = np.random.default_rng(0)
    for _ in range(SAMPLES):
        values[generator.integers(0, len(values), len(values))].mean(axis=0)
    names = [f"{name}@{k}" for name in ("ndcg", "recall") for k in KS]
    return dict(zip(names, values.mean(axis=0).tolist(), strict=True))


if __name__ == "__main__":
    main()
