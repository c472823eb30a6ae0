"""Run, twin and placebo of every cross-domain model: `python tests/benchmarks/placebo.py DATA`.

DATA holds one folder per pair, each with `split/` (warm) or `split_cold/` of the four files that
`python -m core run --splits` takes. Per pair, split and model: the run, its twin and the mean of
its placebos, run − twin and run − placebo with 95 % intervals, and CPU seconds of the fits. Closed
forms are dealt five times, models of gradients once. A Markdown table, and JSON on the last line.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from real_pairs import ROOT, _cell, _interval, _names

HEAD = (
    "pair",
    "split",
    "model",
    "deals",
    "run",
    "twin",
    "placebo",
    "run − twin",
    "run − placebo",
    "fit CPU s",
    "twin CPU s",
    "placebo CPU s",
    "times both",
    "evaluation CPU s",
)
ITEMS = ("source", "target")


def main() -> None:
    options, rows = _options(), []
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    for pair in options.pairs:
        for split in options.splits:
            folder = options.data / pair / split
            if not (folder / "target_train.csv").exists():
                continue
            for model, deals in options.models.items():
                row = {"pair": pair, "split": split, "model": model, "deals": deals}
                rows.append(row | run(folder, model, deals, options))
                print("| " + " | ".join(_cell(rows[-1].get(name)) for name in HEAD) + " |")
                print(rows[-1].get("error", ""), end="", file=sys.stderr, flush=True)
    print(json.dumps(rows))


def run(folder: Path, model: str, deals: int, options: argparse.Namespace) -> dict:
    """Figures of one model on one split, or what it answered instead."""
    tables = {side: folder.parent / f"items_{side}.csv" for side in ITEMS}
    given = [[f"--items-{side}", str(path)] for side, path in tables.items() if path.exists()]
    with tempfile.TemporaryDirectory() as workspace:
        command = [
            *(sys.executable, "-m", "core", "run", "--splits", str(folder), "--model", model),
            *(flag for pair in given for flag in pair),
            *("--placebo", str(deals), "--threads", "1", "--seed", str(options.seed)),
            *("--workspace", workspace, "--json", "--full"),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": f"{model}: {done.stderr.strip().splitlines()[-1]}\n"}
    return figures(json.loads(done.stdout.splitlines()[-1]))


def figures(answer: dict) -> dict:
    """What the table shows of one answer of the command line; nDCG@10, or RMSE."""
    twin, placebo = answer["twin"], answer["placebo"]
    metric = "rmse" if "rmse" in answer["test"] else "ndcg@10"
    costs = [side["fit"]["cpu_seconds"] for side in (answer, twin, placebo) if side]
    return {
        "metric": metric,
        "users": answer["test"][metric]["users"],
        "run": answer["test"][metric]["mean"],
        "twin": twin and twin["test"][metric]["mean"],
        "placebo": placebo["test"][metric]["mean"],
        "by deal": placebo["by_deal"],
        "run − twin": answer["lift"] and _interval(answer["lift"][metric]),
        "run − placebo": _interval(answer["lift_over_placebo"][metric]),
        "fit CPU s": answer["fit"]["cpu_seconds"],
        "twin CPU s": twin and twin["fit"]["cpu_seconds"],
        "placebo CPU s": placebo["fit"]["cpu_seconds"],
        "times both": placebo["fit"]["cpu_seconds"] / max(sum(costs[:-1]), 1e-3),
        "evaluation CPU s": placebo["evaluate"]["cpu_seconds"],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", type=_names, default=None)
    parser.add_argument("--splits", type=_names, default=["split", "split_cold"])
    parser.add_argument("--models", type=_names, default=None)
    parser.add_argument("--deals", type=int, default=5, help="of a closed form")
    parser.add_argument("--seed", type=int, default=2022)
    options = parser.parse_args()
    options.pairs = options.pairs or sorted(p.name for p in options.data.iterdir() if p.is_dir())
    command = [sys.executable, "-m", "core", "models", "--json"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    cards = [card for card in json.loads(answer.stdout.splitlines()[-1]) if card["cross_domain"]]
    options.models = {
        card["name"]: 1 if card["gradient"] else options.deals
        for card in cards
        if options.models is None or card["name"] in options.models
    }
    return options


if __name__ == "__main__":
    main()
