"""What order is worth to SASRec: `python tests/benchmarks/order.py SPLIT [--set name=value]`.

SPLIT is a split's folder in a workspace, best a temporal one. The model is trained on the true
order of every history and on a shuffled one (both domains of a person together), for each seed.
Prints a Markdown table, and one JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from core.basics.columns import TEST, VALID
from core.basics.progress import silent
from core.data.pair import DomainPair
from core.data.snapshot import Split, read_snapshot
from core.evaluation.evaluate import evaluate
from core.models.registry import build
from core.runs.making.fit import fit_best, measured, watcher


def main() -> None:
    options = _options()
    split, rows = read_snapshot(options.split), []
    print("| seed | order | valid | test | epoch | CPU s |\n|" + "---|" * 6, flush=True)
    for seed in options.seeds:
        for order in ("true", "shuffled"):
            train = split.timed if order == "true" else shuffled(split.timed, seed)
            rows.append({"seed": seed, "order": order} | figures(split, train, seed, options.set))
            print("| " + " | ".join(str(value) for value in rows[-1].values()) + " |", flush=True)
    print(json.dumps(rows))


def figures(split: Split, train: DomainPair, seed: int, settings: list[str]) -> dict:
    """nDCG@10 of one fit on validation and test, its best epoch, and what it cost."""
    model = build("sasrec", dict(one.split("=", 1) for one in settings))
    with measured() as cost:
        fit = fit_best(model, train, seed, watcher(split, seed), silent)
    found = {
        part: round(float(evaluate(model.score_own, split, part).per_user["ndcg@10"].mean()), 4)
        for part in (VALID, TEST)
    }
    return found | {"epoch": fit.best_epoch, "CPU s": round(cost.cpu_seconds, 1)}


def shuffled(pair: DomainPair, seed: int) -> DomainPair:
    """The same items of everybody, their places in time dealt anew over both domains."""
    rng, source, target = np.random.default_rng(seed), pair.source.copy(), pair.target.copy()
    for user in range(len(pair.users)):
        ours = slice(*source.indptr[user : user + 2])
        theirs = slice(*target.indptr[user : user + 2])
        places = rng.permutation(np.concatenate([source.data[ours], target.data[theirs]]))
        source.data[ours], target.data[theirs] = np.split(places, [ours.stop - ours.start])
    return replace(pair, source=source, target=target)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--set", action="append", default=[], help="name=value, can be repeated")
    options = parser.parse_args()
    options.split = options.split.resolve()
    return options


if __name__ == "__main__":
    main()
