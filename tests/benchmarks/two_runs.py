"""All metrics, intervals and the lift of two runs: `python tests/benchmarks/two_runs.py`.

5,000 users × 10,000 items. From kept lists and per-user values, as the Metrics page has them, and,
apart from it, the full ranking of both runs from score matrices that comes before. Prints one JSON
object; the bar is 3 CPU s for what the page does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core" / "evaluation")]

from measuring import measured  # noqa: I001

import numpy as np
from evaluation_worlds import split_of

from core.basics.columns import TEST
from core.basics.types import DomainScores, Lists
from core.data.snapshot import Split
from core.evaluation.evaluate import Evaluation, evaluate
from core.evaluation.lift import lift_rows
from core.metrics.card import Seen
from core.evaluation.list_figures import catalogue_figures, list_figures
from core.evaluation.lists import ListWorld, judge
from core.evaluation.segments import SEGMENTS, user_segments
from core.evaluation.side_by_side import side_by_side
from core.evaluation.lift import metric_columns

N_USERS, N_ITEMS, K = 5_000, 10_000, 10
BAR_CPU_MS = 3000.0


def main() -> None:
    """Rank twice, then do what the page does with two runs."""
    split = world()
    runs, ranking = measured(lambda: [ranked(split, seed) for seed in (1, 2)], repeats=1)
    answer, ours = measured(lambda: page(split, runs), repeats=3)
    print(
        json.dumps(
            {
                "name": "two_runs",
                "bar_cpu_ms": BAR_CPU_MS,
                "kept": ours["cpu_ms"] <= BAR_CPU_MS,
                "ours": ours,
                "ranking of both before": ranking,
                "users": len(runs[0].users),
                "figures": answer,
            }
        )
    )


def world() -> Split:
    """Every user with about 20 training, 5 validation and 5 test items."""
    generator = np.random.default_rng(0)
    which = np.zeros((N_USERS, N_ITEMS), dtype=np.int8)
    for user in range(N_USERS):
        items = generator.choice(N_ITEMS, 30, replace=False)
        which[user, items] = np.repeat([1, 2, 3], [20, 5, 5])
    source = generator.random((N_USERS, 200)) < 0.05
    return split_of(source, which == 1, which == 2, which == 3)


def ranked(split: Split, seed: int) -> Evaluation:
    """One run by scores of chance, drawn anew for every chunk of users."""
    yes = np.ones(N_USERS, dtype=bool)

    def score(users: np.ndarray) -> DomainScores:
        generator = np.random.default_rng([seed, int(users[0])])
        parts = generator.random((2, len(users), N_ITEMS), dtype=np.float32)
        return DomainScores.ranking(*parts, yes[users], yes[users])

    return evaluate(score, split, TEST)


def page(split: Split, runs: list[Evaluation]) -> int:
    """Every metric of both with intervals, and the lift by each kind of segment; counts figures."""
    judging = ListWorld.of(split, TEST)
    frames, count = {}, 0
    for name, run in zip(("run", "other"), runs, strict=True):
        judged = judge(Lists(run.users, run.lists), judging)
        frames[name] = run.per_user.merge(list_figures(Seen(judged, judging, K)), on="user_id")
        count += len(catalogue_figures(judged, judging, K))
    metrics = metric_columns(frames["run"])
    table = side_by_side(frames, metrics)
    segments = user_segments(split.train)
    for by in SEGMENTS:
        count += lift_rows(frames["run"], frames["other"], segments, by, "ndcg@10").size
    return count + len(table)


if __name__ == "__main__":
    main()
