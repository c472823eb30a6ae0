"""Every model on every given split: `python tests/benchmarks/real_pairs.py DATA [--models a,b]`.

DATA holds one folder per pair, each with `split/` or `split_cold/` of the four files that
`python -m core run --splits` takes. Each run is a process of its own; figures go to stdout as a
Markdown table, and as one JSON object on the last line.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAD = (
    "pair",
    "split",
    "model",
    "valid",
    "test",
    "low",
    "high",
    "twin",
    "lift",
    "popularity",
    "fit CPU s",
    "evaluation CPU s",
    "peak MiB",
)


def main() -> None:
    options = _options()
    rows = []
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    for pair in options.pairs:
        for split in options.splits:
            for model in options.models:
                folder = options.data / pair / split
                if not (folder / "target_train.csv").exists():
                    continue
                row = {"pair": pair, "split": split} | run(folder, model, options)
                rows.append(row)
                print("| " + " | ".join(_cell(row.get(name)) for name in HEAD) + " |", flush=True)
    print(json.dumps(rows))


def run(folder: Path, model: str, options: argparse.Namespace) -> dict:
    """Figures of one model on one split, or what it answered instead."""
    with tempfile.TemporaryDirectory() as workspace:
        command = [
            sys.executable,
            "-m",
            "core",
            "run",
            "--splits",
            str(folder),
            "--model",
            model,
            "--threads",
            str(options.threads),
            "--workspace",
            workspace,
            "--json",
            "--full",
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"model": model, "error": done.stderr.strip().splitlines()[-1]}
    return figures(json.loads(done.stdout.splitlines()[-1]), options.metric)


def figures(answer: dict, metric: str) -> dict:
    """What the table shows of one answer of the command line."""
    test, twin = answer["test"][metric], answer["twin"]
    lift = answer["lift"] and answer["lift"][metric]
    return {
        "model": answer["model"],
        "valid": answer["valid"][metric]["mean"],
        "test": test["mean"],
        "low": test["low"],
        "high": test["high"],
        "users": test["users"],
        "twin": twin and twin["test"][metric]["mean"],
        "lift": lift and _interval(lift),
        "popularity": answer["popularity"] and answer["popularity"]["test"][metric]["mean"],
        "over popularity": answer["lift_over_popularity"]
        and _interval(answer["lift_over_popularity"][metric]),
        "fit CPU s": answer["fit"]["cpu_seconds"],
        "evaluation CPU s": answer["evaluate"]["cpu_seconds"],
        "peak MiB": answer["fit"]["peak_rss_mib"],
    }


def _interval(lift: dict) -> str:
    return f"{lift['mean']:+.4f} ({lift['low']:+.4f} to {lift['high']:+.4f})"


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", type=_names, default=None)
    parser.add_argument("--splits", type=_names, default=["split", "split_cold"])
    parser.add_argument("--models", type=_names, default=None)
    parser.add_argument("--metric", default="ndcg@10")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.pairs = options.pairs or sorted(p.name for p in options.data.iterdir() if p.is_dir())
    options.models = options.models or _every_model()
    return options


def _every_model() -> list[str]:
    command = [sys.executable, "-m", "core", "models", "--json"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [card["name"] for card in json.loads(answer.stdout.splitlines()[-1])]


def _names(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    main()
