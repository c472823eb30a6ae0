"""From the scores of two runs to everything said of their difference: a benchmark, not a test.

`python tests/benchmarks/lift_of_two_runs.py`. 5,000 users × 10,000 items: every ranking metric of
both runs from a full ranking, intervals by 1,000 bootstrap samples, lifts by three kinds of segment
with effect sizes, tests, Holm's correction and the noise floor, and the verdict. Prints one JSON
object; the bar is 3 CPU s. Making the scores is the models' work and not counted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core" / "evaluation")]

from measuring import measured  # noqa: E402, I001

import numpy as np  # noqa: E402
from evaluation_worlds import split_of  # noqa: E402

from core.basics.scores import DomainScores  # noqa: E402
from core.evaluation.evaluate import evaluate  # noqa: E402
from core.evaluation.noise_floor import noise_floor  # noqa: E402
from core.evaluation.segments import SEGMENTS, user_segments  # noqa: E402
from core.evaluation.summary import lift, summarise  # noqa: E402
from core.evaluation.verdict import Comparison, lifts_of, sentence  # noqa: E402

N_USERS, N_ITEMS = 5_000, 10_000
METRIC, BAR = "ndcg@10", 3_000.0


def main() -> None:
    """Rank, measure and compare; the three parts apart and together."""
    generator = np.random.default_rng(0)
    which = generator.choice(
        np.arange(4, dtype=np.int8), p=[0.997, 0.002, 0.0005, 0.0005], size=(N_USERS, N_ITEMS)
    )
    split = split_of(generator.random((N_USERS, 200)) < 0.05, which == 1, which == 2, which == 3)
    parts = [generator.random((N_USERS, N_ITEMS), dtype=np.float32) for _ in range(2)]
    parts[0] += 0.2 * (which == 3)
    del which
    yes = np.ones(N_USERS, dtype=bool)

    def evaluated(source: np.ndarray, target: np.ndarray):
        return evaluate(
            lambda rows: DomainScores.ranking(source[rows], target[rows], yes[rows], yes[rows]),
            split, "test",
        )  # fmt: skip

    runs, ranking = measured(lambda: [evaluated(*parts), evaluated(parts[1], parts[1])], repeats=1)
    run, twin = (found.per_user for found in runs)
    segments = user_segments(split.train)

    def said() -> list:
        means = [summarise(one.per_user, one.coverage, one.counts["skipped"]) for one in runs]
        return [*means, lift(run, twin)]

    _, intervals = measured(said, repeats=1)

    def compared() -> list[str]:
        world = Comparison(run, twin, twin, segments, "books", "films", again=[twin])
        noise_floor(run, twin, [(run, twin)], METRIC)
        return [sentence(world, lifts_of(world, METRIC, by), METRIC, by) for by in SEGMENTS]

    words, lifts = measured(compared, repeats=1)
    costs = {"ranking": ranking, "intervals": intervals, "lifts": lifts}
    whole = sum(cost["cpu_ms"] for cost in costs.values())
    print(
        json.dumps({
            "name": "lift_of_two_runs", "users": len(run), "items": N_ITEMS, "says": words[0],
            "cpu_ms": {name: cost["cpu_ms"] for name, cost in costs.items()},
            "whole_cpu_ms": round(whole, 1), "bar_cpu_ms": BAR, "kept": whole <= BAR,
        }, ensure_ascii=False)
    )  # fmt: skip


if __name__ == "__main__":
    main()
