"""How often "helps" is said where nothing crosses, and where something does. A benchmark.

`python tests/benchmarks/placebo_worlds.py [--worlds 300] [--deals 5]`. Worlds of 300 users with
tastes for four kinds of films. In a null world the books say nothing of them; in a planted world a
share of the book rows follow the same taste. Three families are fitted small: EASE, ItemKNN and
implicit ALS, each with its twin and its placebos. Prints per family, as JSON, the shares of worlds
of both kinds in which the run "helps" over the twin alone and with the placebo.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "benchmarks")]

import measuring  # noqa: F401, I001

import numpy as np
import pandas as pd
from tests.core.evaluation.evaluation_worlds import split_of

from core.basics.columns import MEAN
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.evaluation.evaluate import evaluate
from core.evaluation.segments import TARGET_HISTORY, user_segments
from core.evaluation.verdict import HELPS, Comparison, altogether, lifts_of
from core.models.registry import build

METRIC = "ndcg@10"
FAMILIES = {
    "ease": {"regularization": 20.0},
    "item_knn": {},
    "cmf_als": {"factors": 8},
}
USERS, FILMS, BOOKS = 300, 80, 60
PLANTED = 0.35  # share of the book rows that follow the taste for films


def main() -> None:
    """Both kinds of worlds for every family."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--worlds", type=int, default=300)
    options.add_argument("--deals", type=int, default=5)
    options.add_argument("--families", nargs="*", default=list(FAMILIES))
    asked = options.parse_args()
    began, answer = time.process_time(), {}
    for family in asked.families:
        for kind, share in (("null", 0.0), ("planted", PLANTED)):
            found = [one_world(family, share, seed, asked.deals) for seed in range(asked.worlds)]
            alone, with_placebo, lifts = (
                np.array(column, float) for column in zip(*found, strict=True)
            )
            answer[f"{family} {kind}"] = {
                "helps over the twin alone": round(float(alone.mean()), 4),
                "helps with the placebo": round(float(with_placebo.mean()), 4),
                "mean lift": round(float(lifts.mean()), 4),
            }
            print(family, kind, answer[f"{family} {kind}"], flush=True)
    cpu = round(time.process_time() - began, 1)
    print(json.dumps({"worlds": asked.worlds, "deals": asked.deals, **answer, "cpu_seconds": cpu}))


def one_world(family: str, share: float, seed: int, deals: int) -> tuple[bool, bool, float]:
    """Whether it "helps" over the twin alone and with the placebo, and the lift of all users."""
    split = world(share, seed)
    train = split.train
    fitted = {"run": train, "twin": train.target_only()}
    fitted |= {f"deal {n}": train.dealt(n) for n in range(deals)}
    frames = {name: metrics(family, pair, split) for name, pair in fitted.items()}
    run, twin = frames["run"], frames["twin"]
    alone = Comparison(
        run["test"],
        twin["test"],
        None,
        user_segments(train),
        "books",
        "films",
        valid=(run["valid"], twin["valid"]),
    )
    placebos = [frames[f"deal {n}"]["test"] for n in range(deals)]
    shown = []
    for comparison in (alone, replace(alone, placebos=placebos)):
        lifts = lifts_of(comparison, METRIC, TARGET_HISTORY)
        shown.append(altogether(lifts, METRIC, TARGET_HISTORY) == HELPS)
    assert lifts.over_twin is not None
    return shown[0], shown[1], float(lifts.over_twin[MEAN].iloc[0])


def metrics(family: str, pair: DomainPair, split: Split) -> dict[str, pd.DataFrame]:
    """Per user on validation and test."""
    model = build(family, FAMILIES[family])
    for _ in model.fit_epochs(pair, 0):
        pass
    parts = ("valid", "test")
    return {part: evaluate(model.score, split, part, ks=(10,)).per_user for part in parts}


def world(share: float, seed: int) -> Split:
    """Everybody likes one of four kinds of films; of the books a share of rows follow that kind."""
    generator = np.random.default_rng(7000 + seed)
    tastes = generator.integers(0, 4, USERS)
    odds = np.where(tastes[:, None] == np.arange(FILMS) % 4, 0.16, 0.03)
    taken = generator.random((USERS, FILMS)) < odds
    part = generator.choice(3, (USERS, FILMS), p=[0.4, 0.3, 0.3])
    level = 0.1 * np.where(tastes[:, None] == np.arange(BOOKS) % 4, 4.0, 0.0)
    books = generator.random((USERS, BOOKS)) < (1 - share) * 0.1 + share * level
    return split_of(books, taken & (part == 0), taken & (part == 1), taken & (part == 2))


if __name__ == "__main__":
    main()
