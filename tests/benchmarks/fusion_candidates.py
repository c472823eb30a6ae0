"""All-user nDCG@10 after a slider move: `python tests/benchmarks/fusion_candidates.py`.

5,000 users × 10,000 items: from prepared candidates, beside ranking the whole catalogue for every
user. Lists of both are compared for every user at several weightings, with scores rounded so that
many tie. Prints one JSON object; the bar is 40 CPU ms.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core" / "fusion")]

from measuring import measured, report  # noqa: I001

import numpy as np
from fusion_worlds import random_mask, random_scores
from scipy.sparse import csr_matrix

from core.basics.types import Masked
from core.basics.types import DomainScores
from core.evaluation.weightings import prepared_per_user
from core.fusion.candidates import find_candidates, join_candidates
from core.fusion.combine import RAW, WEIGHTED_SUM, Fusion, fuse_scores
from core.fusion.fused import ratio_curve
from core.fusion.fused import held_out, prepare, prepared_top_k
from core.fusion.combine import top_k
from core.metrics.ranking import per_user_metrics

K, CHUNK = 10, 250
WEIGHTS = ((1.0, 1.0), (0.3, 1.0), (1.0, 0.0), (0.0, 1.0), (0.15, 0.9))


def main() -> None:
    """Find candidates, move the slider, and check every list against the whole catalogue."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--users", type=int, default=5000)
    options.add_argument("--items", type=int, default=10_000)
    options.add_argument("--decimals", type=int, default=1, help="scores are rounded to so many")
    asked = options.parse_args()
    chunks = [
        (
            rows,
            random_scores(len(rows), asked.items, seed=int(rows[0]), decimals=asked.decimals),
            random_mask(len(rows), asked.items, 0.005, seed=int(rows[0]) + 1),
        )
        for rows in np.array_split(np.arange(asked.users), max(1, asked.users // CHUNK))
    ]
    candidates, finding = measured(lambda: _found(chunks), repeats=1)
    relevant = _relevant(candidates.users, asked.items)
    prepared, preparing = measured(lambda: prepare(candidates, WEIGHTED_SUM, RAW, K), repeats=3)
    _, ours = measured(lambda: prepared_per_user(prepared, relevant, 0.7, 1.0)[1]["ndcg@10"].mean())
    _, curve = measured(lambda: ratio_curve(prepared, relevant, K), repeats=1)
    _, theirs = measured(lambda: _in_full(chunks, relevant, 0.7, 1.0), repeats=1)
    equal = [
        bool((prepared_top_k(prepared, *weights, K).items == _lists(chunks, *weights)).all())
        for weights in WEIGHTS
    ]
    print(
        json.dumps(
            report(
                "fusion_candidates",
                40.0,
                ours,
                theirs,
                users=asked.users,
                items=asked.items,
                lists_equal_brute_force=all(equal),
                weightings_compared=len(equal),
                candidates_per_user=round(len(candidates.items) / asked.users, 1),
                reach_top_10_per_user=round(float((prepared.items >= 0).sum(1).mean()), 1),
                find_ms_per_user=round(finding["cpu_ms"] / asked.users, 3),
                prepare=preparing,
                curve_of_21_ratios=curve,
            )
        )
    )


Chunks = list[tuple[np.ndarray, DomainScores, Masked]]


def _found(chunks: Chunks):
    return join_candidates(
        [find_candidates(scores, rows, hidden) for rows, scores, hidden in chunks]
    )


def _relevant(users: np.ndarray, n_items: int) -> csr_matrix:
    """Five held-out items a user."""
    items = np.random.default_rng(2).integers(0, n_items, size=(len(users), 5))
    wanted = csr_matrix(
        (np.ones(items.size, np.float32), (np.repeat(users, 5), items.ravel())),
        shape=(len(users), n_items),
    )
    wanted.data[:] = 1
    return wanted


def _lists(chunks: Chunks, alpha: float, beta: float) -> np.ndarray:
    """Every user's top k by ranking every item."""
    return np.concatenate(
        [
            top_k(fuse_scores(scores, hidden, Fusion(alpha, beta)), scores.source, scores.target, K)
            for _, scores, hidden in chunks
        ]
    )


def _in_full(chunks: Chunks, relevant: csr_matrix, alpha: float, beta: float) -> float:
    users = np.concatenate([rows for rows, _, _ in chunks])
    hits = held_out(users, _lists(chunks, alpha, beta), relevant)
    return float(per_user_metrics(hits, np.diff(relevant.indptr), [K])["ndcg@10"].mean())


if __name__ == "__main__":
    main()
