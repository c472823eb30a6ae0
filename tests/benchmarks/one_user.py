"""One user's fused top 10 over 50,000 items: `python tests/benchmarks/one_user.py`.

From full scores, as for a user without candidates, beside sorting the whole catalogue. Every kind
and scale is timed; the bar of 2 CPU ms holds for the weighted sum. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core" / "fusion")]

from measuring import measured, report  # noqa: I001

import numpy as np
from fusion_worlds import random_mask, random_scores

from core.fusion.candidates import find_candidates
from core.fusion.combine import KINDS, SCALES, Fusion, fuse_scores
from core.fusion.fused import fused_top_k, one_user_top_k

N_ITEMS, K, REPEATS = 50_000, 10, 31


def main() -> None:
    """Time every kind and scale, and compare the lists."""
    scores, masked = random_scores(1, N_ITEMS, decimals=3), random_mask(1, N_ITEMS, 0.001)
    fusion = Fusion(0.6, 1.0)
    (items, _), ours = measured(lambda: one_user_top_k(scores, masked, fusion, K), REPEATS)

    def sort_everything() -> np.ndarray:
        fused = fuse_scores(scores, masked, fusion)[0]
        return np.lexsort((-scores.target[0], -scores.source[0], -fused))[:K]

    expected, theirs = measured(sort_everything, 5)
    candidates, finding = measured(lambda: find_candidates(scores, np.array([0]), masked), 5)
    kept, from_candidates = measured(lambda: fused_top_k(candidates, fusion, K), REPEATS)
    others = {
        f"{kind}, {scale}": measured(
            lambda kind=kind, scale=scale: one_user_top_k(
                scores, masked, Fusion(0.6, 1.0, kind, scale), K
            ),
            REPEATS,
        )[1]
        for kind in KINDS
        for scale in SCALES
    }
    equal = bool((items == expected).all() and (kept.items[0] == expected).all())
    print(
        json.dumps(
            report(
                "one_user",
                2.0,
                ours,
                theirs,
                items=N_ITEMS,
                lists_equal=equal,
                from_candidates=from_candidates,
                finding_candidates=finding,
                other_fusions=others,
            )
        )
    )


if __name__ == "__main__":
    main()
