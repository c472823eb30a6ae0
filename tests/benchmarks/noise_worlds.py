"""How often untouched twins are called harm, and a run made worse is. A benchmark, not a test.

`python tests/benchmarks/noise_worlds.py [--worlds 200] [--users 90 300] [--twins 3 5]`. Worlds as
in placebo_worlds.py; EASE learns each without a tenth of the users, several times over. Two of the
twins stand as run and twin, the rest are the noise floor's: "harmed beyond chance" is then a false
alarm. Then a run that is its twin but for some people, whose metric is halved: a fifth or a half of
all, who are harmed where there was anything to halve. Prints a line per size, then a JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "benchmarks")]

import measuring  # noqa: F401, I001

import numpy as np
import pandas as pd
import placebo_worlds
from placebo_worlds import METRIC, fitted, world

from core.evaluation.evaluate import evaluate
from core.runs.making.train_again import asked_by_history
from core.runs.studies.noise import noise_floor, without_some

WORSE = (0.2, 0.5)  # share of people whose metric is halved


def main() -> None:
    """Every size and number of twins over the same worlds."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--worlds", type=int, default=200)
    options.add_argument("--users", type=int, nargs="*", default=[90, 300])
    options.add_argument("--twins", type=int, nargs="*", default=[3, 5])
    asked = options.parse_args()
    began, answer = time.process_time(), {}
    for users in asked.users:
        placebo_worlds.USERS = users
        twins = [twins_of(seed, max(asked.twins) + 2) for seed in range(asked.worlds)]
        for n in asked.twins:
            said = [alarms(frames, n, seed) for seed, frames in enumerate(twins)]
            shares = {name: float(np.mean([one[name] for one in said])) for name in said[0]}
            answer[f"{users} users, {n} twins"] = shares
            print(f"{users} users, {n} twins", shares, flush=True)
    cpu = round(time.process_time() - began, 1)
    print(json.dumps({"worlds": asked.worlds, **answer, "cpu_seconds": cpu}))


def twins_of(seed: int, n: int) -> list[pd.DataFrame]:
    """Per user on test, of so many twins of one world that differ by chance alone."""
    split = world(0.0, seed)
    train = split.train.target_only()
    asked = asked_by_history(train)
    frames = []
    for place in range(n):
        model = fitted("ease", without_some(train, place))
        frames.append(evaluate(asked(model), split, "test", ks=(10,)).per_user)
    return frames


def alarms(frames: list[pd.DataFrame], n: int, seed: int) -> dict[str, float]:
    """Whether harm is said of an untouched twin, and of a run that is worse for some people."""
    (run, twin), equals = frames[-2:], frames[:n]
    found = {"untouched": run}
    people = np.random.default_rng(seed).random(len(twin))
    for share in WORSE:
        halved = np.where(people < share, twin[METRIC] / 2, twin[METRIC])
        found[f"{share:.0%} halved"] = twin.assign(**{METRIC: halved})
    floors = {name: noise_floor(one, twin, equals, METRIC) for name, one in found.items()}
    said = {name: float(floor.harmed.excess.low > 0) for name, floor in floors.items()}
    return said | {"untouched, helped": float(floors["untouched"].helped.excess.low > 0)}


if __name__ == "__main__":
    main()
