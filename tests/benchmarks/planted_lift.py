"""Do the intervals hold the truth, and is nothing said where nothing is? A benchmark, not a test.

`python tests/benchmarks/planted_lift.py [--worlds 200]`. Worlds of users with lists whose expected
lift is known per segment: planted as the chance that an item to find is near the top, so that
metrics, intervals, tests and the verdict are the page's own. Truth is the mean over two million
users of each segment. Prints one JSON object:
- coverage: share of worlds whose 95 % interval holds the truth, by segment, with its binomial
  error, beside the plain percentile bootstrap;
- silent: with no transfer planted, share of worlds whose page says "no difference" and fills no
  dot; alone: some interval excludes zero, which is what a page without Holm would show;
- trained_on_a_source_of_noise: the same where EASE made the lists, from a source that knows nothing
  of the target. Joint weights then only add noise, so "helps" is what must not be said.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "core" / "evaluation")]

import measuring  # noqa: F401, I001

import numpy as np
import pandas as pd
from evaluation_worlds import segments as segments_of, split_of

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, USER
from core.evaluation.evaluate import evaluate
from core.evaluation.segments import ALL_USERS
from core.evaluation.lift import SURE
from core.evaluation.segments import BINS, TARGET_HISTORY, user_segments
from core.evaluation.verdict import Comparison, lifts_of
from core.evaluation.verdict import sentence
from core.metrics.intervals import bootstrap_means
from core.metrics.ranking import per_user_metrics
from core.models.registry import build

METRIC = "ndcg@10"
SIZES = dict(zip(BINS, (60, 240, 120, 40, 14), strict=True))  # few users with long histories
PLANTED = dict(zip(BINS, (0.30, 0.10, 0.03, 0.0, 0.0), strict=True))
NOTHING = dict.fromkeys(BINS, 0.0)
SKILL = dict(zip(BINS, (0.05, 0.12, 0.18, 0.22, 0.25), strict=True))
KEPT = 0.5  # share of users whose list the source does not touch
LENGTH, LARGE = 50, 2_000_000


def main() -> None:
    """Both planted worlds, then trained ones."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--worlds", type=int, default=200)
    worlds = options.parse_args().worlds
    began = time.process_time()
    truth = {name: planted_truth(name) for name in BINS}
    share = np.array([SIZES[name] for name in BINS]) / sum(SIZES.values())
    truth[ALL_USERS] = float(np.dot(share, [truth[name] for name in BINS]))
    answer = {
        "worlds": worlds,
        "truth": {name: round(value, 4) for name, value in truth.items()},
        "coverage": coverage(worlds, truth),
        "silent": silence(worlds, lambda seed: planted(NOTHING, seed)),
        "trained_on_a_source_of_noise": silence(worlds, trained),
        "cpu_seconds": round(time.process_time() - began, 1),
    }
    print(json.dumps(answer, ensure_ascii=False))


def lists(users: int, found: np.ndarray, skill: np.ndarray, generator) -> np.ndarray:
    """Hits (users, LENGTH): an item to find stands in the first 15 by skill, else anywhere."""
    hits = np.zeros((users, LENGTH), dtype=bool)
    for item in range(found.max()):
        near = generator.random(users) < skill
        rank = np.where(near, generator.integers(0, 15, users), generator.integers(0, 5000, users))
        there = np.flatnonzero((item < found) & (rank < LENGTH))
        hits[there, rank[there]] = True
    return hits


def both(name: str, users: int, lift: float, generator) -> tuple[np.ndarray, np.ndarray]:
    """nDCG@10 of run and twin for users of one segment."""
    found = generator.integers(1, 6, users)
    skill = np.clip(generator.beta(1, 6, users) * 7 * SKILL[name], 0, 1)
    twin = per_user_metrics(lists(users, found, skill, generator), found, (10,))[METRIC]
    better = np.clip(skill + lift, 0, 1)
    run = per_user_metrics(lists(users, found, better, generator), found, (10,))[METRIC]
    return np.where(generator.random(users) < KEPT, twin, run), twin


def planted_truth(name: str) -> float:
    """Expected lift of a segment: exactly 0 where nothing is planted."""
    if not PLANTED[name]:
        return 0.0
    run, twin = both(name, LARGE, PLANTED[name], np.random.default_rng(0))
    return float((run - twin).mean())


def planted(lifts: dict[str, float], seed: int) -> Comparison:
    """One world: run, twin, and a popularity that is far behind."""
    generator = np.random.default_rng(1000 + seed)
    pairs = [both(name, SIZES[name], lifts[name], generator) for name in BINS]
    run, twin = (np.concatenate(values) for values in zip(*pairs, strict=True))
    bins = [name for name in BINS for _ in range(SIZES[name])]
    users = np.arange(len(run))
    run_frame, twin_frame, floor = (
        pd.DataFrame({USER: users, METRIC: values}) for values in (run, twin, run * 0.2)
    )
    return Comparison(run_frame, twin_frame, floor, segments_of(bins), "books", "films")


def trained(seed: int) -> Comparison:
    """EASE and its twin on 300 users whose books say nothing of their films."""
    generator = np.random.default_rng(5000 + seed)
    users, items = 300, 80
    tastes = generator.integers(0, 4, users)
    odds = np.where(tastes[:, None] == np.arange(items) % 4, 0.16, 0.03)
    taken = generator.random((users, items)) < odds
    part = generator.choice(3, (users, items), p=[0.6, 0.1, 0.3])
    cold = np.arange(users) < 40
    split = split_of(
        generator.random((users, 60)) < 0.1,
        taken & (part == 0) & ~cold[:, None],
        taken & (part == 1),
        taken & (part == 2),
    )
    frames = []
    for train in (split.train, split.train.target_only()):
        model = build("ease", {"regularization": 20.0})
        for _ in model.fit_epochs(train, 0):
            pass
        frames.append(evaluate(model.score, split, "test", ks=(10,)).per_user)
    return Comparison(*frames, None, user_segments(split.train), "books", "films")


def coverage(worlds: int, truth: dict[str, float]) -> dict[str, dict[str, float]]:
    """Share of worlds whose interval holds the truth, ours and plain percentiles, by segment."""
    held = {name: np.zeros((worlds, 2), dtype=bool) for name in truth}
    for seed in range(worlds):
        world = planted(PLANTED, seed)
        rows = lifts_of(world, METRIC, TARGET_HISTORY).over_twin.set_index(SEGMENT)
        for name, value in truth.items():
            row = rows.loc[name]
            low, high = percentiles(world, name)
            held[name][seed] = row[LOW] <= value <= row[HIGH], low <= value <= high
    shares = {name: cells.mean(axis=0) for name, cells in held.items()}
    return {
        name: {
            "users": SIZES.get(name, sum(SIZES.values())),
            "holds": round(float(share[0]), 3),
            "error": round(float(1.96 * np.sqrt(share[0] * (1 - share[0]) / worlds)), 3),
            "percentiles_alone": round(float(share[1]), 3),
        }
        for name, share in shares.items()
    }


def percentiles(world: Comparison, name: str) -> tuple[float, float]:
    """The plain percentile bootstrap of one segment."""
    of_user = world.segments[TARGET_HISTORY].astype("str").to_numpy()
    chosen = np.ones(len(of_user), dtype=bool) if name == ALL_USERS else of_user == name
    interval = bootstrap_means((world.run[METRIC] - world.twin[METRIC]).to_numpy()[chosen])[0]
    return interval.low, interval.high


def silence(worlds: int, make) -> dict[str, float]:
    """Shares of worlds whose page says no difference, helps, harms, and fills a dot."""
    said = {"no difference": 0, "helps": 0, "harms": 0, "a filled dot": 0, "alone": 0}
    for seed in range(worlds):
        world = make(seed)
        lifts = lifts_of(world, METRIC, TARGET_HISTORY)
        words, rows = sentence(world, lifts, METRIC, TARGET_HISTORY), lifts.over_twin
        said["no difference"] += "No difference is shown: " in words
        said["helps"] += " helps " in words
        said["harms"] += " harms " in words
        said["a filled dot"] += bool(rows[SURE].any())
        said["alone"] += bool(((rows[LOW] > 0) | (rows[HIGH] < 0))[rows[MEAN].notna()].any())
    shares = {name: round(count / worlds, 3) for name, count in said.items()}
    return shares | {"error at .95": round(1.96 * np.sqrt(0.95 * 0.05 / worlds), 3)}


if __name__ == "__main__":
    main()
