"""How often 95 % intervals hold the truth, over planted worlds. A benchmark, not a test.

`python tests/benchmarks/coverage.py [--worlds 1000]`. Every world draws users whose true figure is
known: nDCG-like gains of which most are zero (planted_lift's), gains of one normal law, and errors
of ratings. Prints a table, then one JSON object: a share per quantity and size with its error.
- lift, and segment lift of few users: the intervals of `lift_rows`, of 30 to 2,000 users;
- RMSE lift: pooled over ratings;
- best ratio: whether the interval of the best share holds the share that is best in truth, which
  need not be a step of the grid; curves that are smooth, and such as lists make, full of steps;
- selected best run: twelve candidates, the best on validation; does the interval of its lift on
  test hold that candidate's own truth? People's gains on both parts correlate at .1;
- trainings: 3, 5 and 10 seeds, with parts of variance as LightGCN has them and larger ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "benchmarks")]

import measuring  # noqa: F401, I001

import numpy as np
import pandas as pd
from planted_lift import PLANTED, both
from tests.core.evaluation.evaluation_worlds import frame

from core.basics.columns import HIGH, LOW, MEAN
from core.evaluation.lift import SURE, allowed_for_choice
from core.evaluation.ratings import difference_intervals
from core.evaluation.side_by_side import gains_repeat
from core.fusion.fused import SHARES, best_ratio
from core.metrics.intervals import layered_interval
from core.metrics.ratings import bootstrap_error_difference

METRIC = "ndcg@10"
LARGE = 200_000
Held = Callable[[np.random.Generator], bool]  # one world: does the interval hold the truth?


def main() -> None:
    """Every quantity, over as many worlds each."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--worlds", type=int, default=1000)
    options.add_argument("--only", default="", help="quantities whose name holds this")
    asked = options.parse_args()
    began, shares = time.process_time(), {}
    for name, held in quantities().items():
        if asked.only not in name:
            continue
        generator = np.random.default_rng(abs(hash_of(name)))
        share = float(np.mean([held(generator) for _ in range(asked.worlds)]))
        shares[name] = round(share, 4)
        error = 1.96 * (share * (1 - share) / asked.worlds) ** 0.5
        print(f"{name:44} {100 * share:5.1f} %  ±{100 * error:.1f}", flush=True)
    cpu = round(time.process_time() - began, 1)
    print(json.dumps({"worlds": asked.worlds, "coverage": shares, "cpu_seconds": cpu}))


def hash_of(name: str) -> int:
    """A seed by the name, the same in every process."""
    return int.from_bytes(name.encode()[-8:], "little")


def quantities() -> dict[str, Held]:
    """A world of each quantity and size."""
    found: dict[str, Held] = {}
    for seeds in (3, 5, 10):
        for apart in (0.0, 0.005, 0.01):
            name = f"{seeds} seeds, a training apart by {apart:.3f}"
            found[name] = seeds_world(seeds, apart)
    found |= {f"selected best run, {n} users": chosen_world(n) for n in (100, 500, 2000)}
    found |= {f"best ratio, smooth, {n} users": ratio_world(n) for n in (100, 500, 2000)}
    found |= {f"best ratio, lists, {n} users": ratio_of_lists(n) for n in (100, 500, 2000)}
    found |= {f"RMSE lift, {n} users": rmse_world(n) for n in (10, 30, 100, 500)}
    for bin_name in ("0", "1–4", "5–9"):
        truth = planted(bin_name)
        for users in (10, 30, 60, 100, 500, 2000):
            kind = "segment lift" if users < 100 else "lift"
            name = f"{kind}, planted {PLANTED[bin_name]:.2f}, {users} users"
            found[name] = lift_world(bin_name, users, truth)
    return found


def lift_world(bin_name: str, users: int, truth: float) -> Held:
    """Users of one segment; the interval is that of `lift_rows`, without the tests beside it."""

    def held(generator: np.random.Generator) -> bool:
        run, twin = both(bin_name, users, PLANTED[bin_name], generator)
        found = difference_intervals(frame(run), frame(twin), [METRIC])[0]
        return found.low <= truth <= found.high

    return held


def planted(bin_name: str) -> float:
    """The truth, as the mean over so many users that its own error does not count."""
    if not PLANTED[bin_name]:
        return 0.0
    run, twin = both(bin_name, LARGE, PLANTED[bin_name], np.random.default_rng(0))
    return float((run - twin).mean())


def rmse_world(users: int) -> Held:
    """Ratings per user 1 to 20; squared errors of both models gamma, ours 5 % smaller."""
    ours, theirs = 0.95, 1.0
    truth = ours**0.5 - theirs**0.5

    def held(generator: np.random.Generator) -> bool:
        counts = generator.integers(1, 21, users)
        shared = generator.gamma(4, 0.25, users)  # a person's own level
        own, other = (shared * generator.gamma(8, level / 8, users) for level in (ours, theirs))
        found = bootstrap_error_difference(own**0.5, other**0.5, counts, "rmse")
        return found.low <= truth <= found.high

    return held


def ratio_world(users: int) -> Held:
    """Everybody's own curve is a parabola around a truth of .15 to .45, with smooth noise."""

    def held(generator: np.random.Generator) -> bool:
        truth = generator.uniform(0.15, 0.45)
        mean = 0.2 - 0.3 * (SHARES - truth) ** 2
        slope, level = generator.normal(0, 0.2, (users, 1)), generator.normal(0, 0.1, (users, 1))
        bend = generator.normal(0, 0.2, (users, 1))
        curve = mean + level + slope * (SHARES - truth) + bend * (SHARES - truth) ** 2
        return _holds(curve, truth)

    return held


def ratio_of_lists(users: int) -> Held:
    """Everybody has a best share of their own, from which their figure falls away in steps.

    Shares that are best for somebody lie evenly about the truth, and so the mean is best there.
    """

    def held(generator: np.random.Generator) -> bool:
        truth = 0.3
        own = np.clip(generator.normal(truth, 0.25, (users, 1)), -0.5, 1.5)
        away = np.abs(SHARES - own)  # (users, shares)
        level = generator.choice([0, 0.3, 0.5, 0.63, 1.0], (users, 1))
        ends = np.sort(generator.exponential(0.5, (users, 3)), axis=1)
        steps = sum((away < ends[:, [n]]) * part for n, part in enumerate((0.3, 0.3, 0.4)))
        return _holds(level * steps, truth)

    return held


def _holds(curve: np.ndarray, truth: float) -> bool:
    found = best_ratio(curve)
    assert found is not None
    return found.low <= truth <= found.high


def chosen_world(users: int) -> Held:
    """Twelve equally good candidates with gains of their own; the best on validation is kept."""
    candidates, apart, correlation = 12, 0.1, 0.1

    def held(generator: np.random.Generator) -> bool:
        person = generator.normal(0, apart * correlation**0.5, (users, candidates))
        rest = apart * (1 - correlation) ** 0.5
        valid, test = (person + generator.normal(0.01, rest, person.shape) for _ in range(2))
        best = int(valid.mean(axis=0).argmax())
        nothing = frame(np.zeros(users))
        on_valid, on_test = ((frame(part[:, best]), nothing) for part in (valid, test))
        found = difference_intervals(*on_test, [METRIC])[0]
        row = {MEAN: found.mean, LOW: found.low, HIGH: found.high, SURE: True}
        rows = pd.DataFrame([row])
        repeat = gains_repeat(on_valid, on_test, METRIC).mean
        row = allowed_for_choice(rows, METRIC, candidates, repeat).iloc[0]
        return bool(row[LOW] <= 0.01 <= row[HIGH])

    return held


def seeds_world(seeds: int, apart: float) -> Held:
    """1,000 users whose gains differ by person, by training, and by both."""
    truth = 0.01

    def held(generator: np.random.Generator) -> bool:
        person = generator.normal(0, 0.1, (1000, 1)) * (generator.random((1000, 1)) < 0.5)
        training = generator.normal(0, apart, (1, seeds))
        both_ways = generator.normal(0, 0.12, (1000, seeds))
        found = layered_interval(truth + person + training + both_ways)
        return found.low <= truth <= found.high

    return held


if __name__ == "__main__":
    main()
