"""How often "helps" is said where nothing crosses, and where something does. A benchmark.

`python tests/benchmarks/placebo_worlds.py [--worlds 300] [--deals 5] [--families ease]`. Worlds of
300 users, some 240 of them with something to find, with tastes for four kinds of films. In a null
world the books say nothing of them; in a planted world a share of the book rows follow the same
taste, as large a share as makes a lift of .02 in that family. Three families are fitted small:
EASE, ItemKNN and implicit ALS, each with its twin and its placebos, as a run is: one candidate,
validation asked too. Prints per family and kind of world, then as one JSON object, in what share of
worlds the run "helps" and "harms" over the twin alone and with the placebo, and how far it leads.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "benchmarks")]

import measuring  # noqa: F401, I001

import numpy as np
import pandas as pd
from tests.core.evaluation.evaluation_worlds import split_of

from core.basics.columns import MEAN
from core.data.pair import DomainPair, deal
from core.data.snapshot import Split
from core.evaluation.evaluate import evaluate
from core.evaluation.segments import TARGET_HISTORY, user_segments
from core.evaluation.verdict import HARMS, HELPS, Comparison, altogether, lifts_of
from core.models.protocol import CrossDomainModel
from core.models.registry import build

METRIC = "ndcg@10"
FAMILIES = {
    "ease": {"regularization": 20.0},
    "item_knn": {},
    "cmf_als": {"factors": 8, "epochs": 5},
}
USERS, FILMS, BOOKS = 300, 80, 60
# Share of the book rows that follow the taste for films: a mean lift of .02, see "mean lift"
PLANTED = {"ease": 0.5, "item_knn": 0.43, "cmf_als": 0.5}


def main() -> None:
    """Both kinds of worlds for every family."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--worlds", type=int, default=300)
    options.add_argument("--deals", type=int, default=5)
    options.add_argument("--families", nargs="*", default=list(FAMILIES))
    asked = options.parse_args()
    began, answer = time.process_time(), {}
    for family in asked.families:
        for kind, share in (("null", 0.0), ("planted", PLANTED[family])):
            found = [one_world(family, share, seed, asked.deals) for seed in range(asked.worlds)]
            figures = {name: np.mean([one[name] for one in found]).round(4) for name in found[0]}
            answer[f"{family} {kind}"] = {name: float(value) for name, value in figures.items()}
            print(family, kind, answer[f"{family} {kind}"], flush=True)
    cpu = round(time.process_time() - began, 1)
    print(json.dumps({"worlds": asked.worlds, "deals": asked.deals, **answer, "cpu_seconds": cpu}))


def one_world(family: str, share: float, seed: int, deals: int) -> dict[str, float]:
    """What is said over the twin alone and with the placebo, and the leads of all users."""
    split = world(share, seed)
    train = split.train
    run, twin = (
        {part: metrics(model, split, part) for part in ("valid", "test")}
        for model in (fitted(family, train), fitted(family, train.target_only()))
    )
    placebos = [metrics(model, split, "test") for model in dealt(family, train, deals)]
    comparison = Comparison(
        run["test"],
        twin["test"],
        None,
        user_segments(train),
        "books",
        "films",
        placebos=placebos,
        valid=(run["valid"], twin["valid"]),
    )
    lifts = lifts_of(comparison, METRIC, TARGET_HISTORY)
    over_twin, over_placebo = lifts.over_twin, lifts.over_placebo
    assert over_twin is not None
    assert over_placebo is not None
    alone = altogether(replace(lifts, over_placebo=None), METRIC, TARGET_HISTORY)
    said = altogether(lifts, METRIC, TARGET_HISTORY)
    return {
        "helps over the twin alone": alone == HELPS,
        "helps with the placebo": said == HELPS,
        "harms": said == HARMS,
        "mean lift": float(over_twin[MEAN].iloc[0]),
        "mean lead over the placebo": float(over_placebo[MEAN].iloc[0]),
    }


def fitted(family: str, pair: DomainPair) -> CrossDomainModel:
    """The family's small model, trained to its end."""
    model = build(family, FAMILIES[family])
    for _ in model.fit_epochs(pair, 0):
        pass
    return model


def dealt(family: str, pair: DomainPair, deals: int) -> Iterator[CrossDomainModel]:
    """Its placebos, sharing what no deal changes where the model can."""
    givers = [deal(pair, seed) for seed in range(1, deals + 1)]
    shared = build(family, FAMILIES[family]).fit_dealt(pair, givers, 0)
    if shared is not None:
        return shared
    return (fitted(family, pair.with_source_of(who)) for who in givers)


def metrics(model: CrossDomainModel, split: Split, part: str) -> pd.DataFrame:
    """Per user of one part."""
    return evaluate(model.score, split, part, ks=(10,)).per_user


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
