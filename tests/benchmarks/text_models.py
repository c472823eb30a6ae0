"""Models that read titles, beside those that do not: `python tests/benchmarks/text_models.py PAIR`.

PAIR is a folder with source.csv, target.csv, items_source.csv and items_target.csv. Three parts,
each a table: `new-items` hides 20 % of the target items from training, and whoever has them ranks
them alone (recall@50); `cold` tests every shared user once without target history (nDCG@10);
`unshared` makes the users of the domains disjoint and serves source users with three items or more
(nDCG@10). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
HEAD = ("model", "valid", "test", "over popularity", "over random", "fit CPU s")
TF_IDF = "text_neighbours power=20 word_weight=100"  # words alone: no cosine survives the power
MODELS = {
    "new-items": (
        "text_popularity",
        TF_IDF,
        "text_neighbours",
        "text_profile",
        "text_profile encoder=tf-idf",
    ),
    "cold": ("text_ridge", "ridge", "linear_map", "cmf_als"),
    "unshared": ("text_ridge", "text_profile"),
}
METRIC = {"new-items": "recall@50", "cold": "ndcg@10", "unshared": "ndcg@10"}
FEWEST = 3  # source items of a user who is served without any shared user


def main() -> None:
    options = _options()
    answer = {}
    for part in options.parts:
        print(f"\n{part}, {METRIC[part]}\n| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
        rows = []
        with tempfile.TemporaryDirectory() as folder:
            given = _given(part, options, Path(folder))
            for model in options.models or MODELS[part]:
                rows.append({"model": model} | _figures(model, part, given, options))
                print(
                    "| " + " | ".join(_cell(rows[-1].get(name)) for name in HEAD) + " |", flush=True
                )
        answer[part] = rows
    print(json.dumps(answer))


def _given(part: str, options: argparse.Namespace, folder: Path) -> list[str]:
    """What tells the command line about the data of one part."""
    pair = options.pair
    items = [
        "--items-source",
        str(pair / "items_source.csv"),
        "--items-target",
        str(pair / "items_target.csv"),
    ]
    if part == "unshared":
        _write_unshared(pair, folder, options)
        return ["--splits", str(folder), *items]
    files = ["--source", str(pair / "source.csv"), "--target", str(pair / "target.csv"), *items]
    return files + (["--new-items", "0.2"] if part == "new-items" else ["--cold-folds", "5"])


def _write_unshared(pair: Path, folder: Path, options: argparse.Namespace) -> None:
    """Shared users keep one side each: half their source, to be served; half their target."""
    source, target = (
        pd.read_csv(pair / f"{name}.csv", dtype={"user_id": str, "item_id": str})
        for name in ("source", "target")
    )
    if "rating" in source and source["rating"].nunique() > 1:
        source, target = (table[table["rating"] >= options.liked] for table in (source, target))
    counts = source["user_id"].value_counts()
    shared = np.intersect1d(source["user_id"].unique(), target["user_id"].unique())
    drawn = np.random.default_rng(options.seed).permutation(shared)
    served = drawn[: len(drawn) // 2]
    judged = served[counts[served].to_numpy() >= FEWEST]
    valid, test = judged[: len(judged) // 4], judged[len(judged) // 4 :]
    rest = drawn[len(drawn) // 2 :]
    parts = {
        "source_train": source[~source["user_id"].isin(rest)],
        "target_train": target[~target["user_id"].isin(served)],
        "target_valid": target[target["user_id"].isin(valid)],
        "target_test": target[target["user_id"].isin(test)],
    }
    for name, rows in parts.items():
        rows.to_csv(folder / f"{name}.csv", index=False)


def _figures(model: str, part: str, given: list[str], options: argparse.Namespace) -> dict:
    name, *settings = model.split()
    chosen = [word for setting in settings for word in ("--set", setting)]
    command = [
        sys.executable,
        "-m",
        "core",
        "run",
        *given,
        "--model",
        name,
        *chosen,
        "--seed",
        str(options.seed),
        "--threads",
        "1",
        "--workspace",
        str(options.workspace),
        "--json",
        "--full",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"valid": (done.stderr.strip().splitlines() or ["it was killed"])[-1]}
    answer, metric = json.loads(done.stdout.splitlines()[-1]), METRIC[part]
    found = {
        "valid": answer["valid"][metric]["mean"],
        "test": answer["test"][metric]["mean"],
        "over popularity": _interval((answer["lift_over_popularity"] or {}).get(metric)),
        "fit CPU s": answer["fit"]["cpu_seconds"],
        "popularity": answer["popularity"] and answer["popularity"]["test"][metric]["mean"],
    }
    if beside := answer.get("comparators"):
        found["over random"] = _interval(beside["test"]["random"]["lift"].get(metric))
        found |= {key: one[metric]["mean"] for key, one in beside["test"].items()}
    return found


def _interval(lift: dict | None) -> str | None:
    return lift and f"{lift['mean']:+.4f} ({lift['low']:+.4f} to {lift['high']:+.4f})"


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pair", type=Path)
    parser.add_argument("--parts", type=_names, default=list(MODELS))
    parser.add_argument("--models", type=_names, default=None)
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--liked", type=float, default=3.0, help="ratings from here are likes")
    parser.add_argument("--workspace", type=Path, required=True)
    options = parser.parse_args()
    options.pair, options.workspace = options.pair.resolve(), options.workspace.resolve()
    return options


def _names(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    main()
