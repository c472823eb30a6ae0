"""Which single model validation picks when it is drawn more than once: `picked.py SPLIT`.

`python tests/benchmarks/picked.py SPLIT [--models a,b] [--draws 5]`. One validation set is small,
and its best of many models is partly luck. Here training and validation rows are pooled and
validation is drawn anew, as many rows of each user each time; test rows are left out of everything.
Prints the mean validation nDCG@10 of every model, its standard error over users, and the pick: the
cheapest fit within one standard error of the best. Only then, with --test, the picked model is
trained on the given split and tested once per seed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
METRIC = "ndcg@10"
USER = "user_id"


def main() -> None:
    options = _options()
    found: dict[str, list[dict]] = {name: [] for name in options.models}
    for draw in range(options.draws):
        with tempfile.TemporaryDirectory() as folder:
            _write_draw(options.split, Path(folder), draw)
            for name in options.models:
                answer = _run(name, Path(folder), draw + 1, options)
                found[name].append(answer)
                print(f"draw {draw + 1} {name} {answer['valid'][METRIC]['mean']:.4f}", flush=True)
    rows = [_row(name, answers) for name, answers in found.items()]
    best = max(rows, key=lambda row: row["valid"])
    alike = [row for row in rows if row["valid"] >= best["valid"] - best["standard error"]]
    pick = min(alike, key=lambda row: row["fit CPU s"])
    answer = {"draws": options.draws, "rows": rows, "best": best["model"], "pick": pick["model"]}
    if options.test:
        tested = [_run(pick["model"], options.split, seed, options) for seed in options.seeds]
        answer["test of the pick"] = [one["test"][METRIC] for one in tested]
    print(json.dumps(answer))


def _write_draw(split: Path, folder: Path, draw: int) -> None:
    """The split with validation rows drawn anew from what is not test, as many of each user."""
    read = {"dtype": {USER: str, "item_id": str}}
    train, valid = (
        pd.read_csv(split / f"target_{name}.csv", **read) for name in ("train", "valid")
    )
    pooled = pd.concat([train, valid], ignore_index=True)
    wanted = pooled[USER].map(valid[USER].value_counts()).fillna(0).to_numpy()
    shuffled = pooled.assign(luck=np.random.default_rng(draw).random(len(pooled)))
    held = shuffled.groupby(USER)["luck"].rank(method="first").to_numpy() <= wanted
    pooled[~held].to_csv(folder / "target_train.csv", index=False)
    pooled[held].to_csv(folder / "target_valid.csv", index=False)
    source = pd.read_csv(split / "source_train.csv", **read)
    source.to_csv(folder / "source_train.csv", index=False)
    # Nothing may be learned or told from test rows: validation rows stand in their place.
    pooled[held].head(1).to_csv(folder / "target_test.csv", index=False)


def _run(name: str, split: Path, seed: int, options: argparse.Namespace) -> dict:
    with tempfile.TemporaryDirectory() as workspace:
        command = [
            sys.executable,
            "-m",
            "core",
            "run",
            "--splits",
            str(split),
            "--model",
            name,
            "--seed",
            str(seed),
            "--threads",
            "1",
            "--workspace",
            workspace,
            "--json",
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    answer: dict = json.loads(done.stdout.splitlines()[-1])
    return answer


def _row(name: str, answers: list[dict]) -> dict:
    valid = [one["valid"][METRIC] for one in answers]
    widths = [(one["high"] - one["low"]) / (2 * 1.96) for one in valid]
    return {
        "model": name,
        "valid": mean(one["mean"] for one in valid),
        "of each draw": [round(one["mean"], 4) for one in valid],
        "standard error": mean(widths),  # of one draw: the users are the same in all of them
        "fit CPU s": mean(one["fit"]["cpu_seconds"] for one in answers),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument(
        "--models",
        type=lambda text: text.split(","),
        default=["edlae", "ease", "cmf_als", "mult_vae", "two_tower", "adversarial"],
    )
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seeds", type=lambda text: list(map(int, text.split(","))), default=[1])
    parser.add_argument("--test", action="store_true")
    options = parser.parse_args()
    options.split = options.split.resolve()
    return options


if __name__ == "__main__":
    main()
