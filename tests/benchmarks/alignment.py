"""What every kind of alignment and every robust setting does: `alignment.py SPLIT [--seeds 1]`.

`python tests/benchmarks/alignment.py SPLIT [--seeds 1,2] [--only kinds]`. SPLIT holds the four
files that `python -m core run --splits` takes. Every row is the adversarial model with one thing
changed, its epoch picked on validation, with the gap of held-out shared users beside that of each
domain's own space turned onto the other. Prints a Markdown table and one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

import measuring  # noqa: F401

from core.basics.columns import TEST, VALID
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.cli.from_files import Account, PairFiles, pair_snapshot
from core.data.snapshot import Split, read_snapshot
from core.evaluation.evaluate import evaluate, evaluate_parts
from core.models.protocol import findings_of
from core.models.registry import build
from core.runs.making.fit import fit_best

METRIC = "ndcg@10"
KINDS = (
    "alignment=none",
    "",  # as it is by default: MMD
    "alignment=CORAL",
    "alignment=gradient reversal,alignment_weight=0.1",
    "alignment=GAN,alignment_weight=0.1",
)
ROBUST = (
    "weight_average=0",
    "interaction_dropout=0",
    "history_dropout=0.2",
    "perturbation=0.1",
    "pseudo_labels=5",
    "alignment_weight=10",
)
FIGURES = ("A-distance", "MMD²", "Retrieval MRR")
HEAD = ("changed", "valid", "test", *FIGURES, "CPU s")


def main() -> None:
    options = _options()
    changes = {"kinds": KINDS, "robust": ROBUST, "all": KINDS + ROBUST}[options.only]
    with tempfile.TemporaryDirectory() as folder:
        files = PairFiles(splits=options.split)
        split = read_snapshot(pair_snapshot(files, Workspace(Path(folder)), 0, Account(print)))
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD), flush=True)
    rows: list[dict[str, Any]] = []
    for change in changes:
        found = [_trained(split, change, seed) for seed in options.seeds]
        if not rows:
            rows.append({"changed": "each domain alone, turned"} | _gap(found, "before"))
            _print(rows[0])
        rows.append({"changed": change or "by default"} | _figures(found))
        _print(rows[-1])
    print(json.dumps({"seeds": options.seeds, "rows": rows}, ensure_ascii=False))


def _figures(found: list[dict]) -> dict:
    names = ("valid", "test", "CPU s")
    return {name: mean(one[name] for one in found) for name in names} | _gap(found, "after")


def _gap(found: list[dict], when: str) -> dict:
    """Mean of each figure of the gap over the seeds."""
    return {
        name: mean(
            finding.value
            for one in found
            for finding in one["findings"]
            if name in finding.title and finding.title.endswith(f"{when} alignment")
        )
        for name in FIGURES
    }


def _trained(split: Split, change: str, seed: int) -> dict[str, Any]:
    """Figures of one fit at its best epoch."""
    told = dict(one.split("=") for one in change.split(",") if one)
    settings = {
        name: value if name == "alignment" else float(value) if "." in value else int(value)
        for name, value in told.items()
    }
    model = build("adversarial", settings, device="cpu")
    began = time.process_time()

    def validate(model: Any) -> float:
        return float(evaluate(model.score_own, split, VALID, (10,)).per_user[METRIC].mean())

    fit_best(model, split.train, seed, validate, silent)
    seconds = time.process_time() - began
    judged = evaluate_parts(model.score_own, split, [VALID, TEST], (10,))
    figures = {part: float(one.per_user[METRIC].mean()) for part, one in judged.items()}
    return figures | {"CPU s": seconds, "findings": findings_of(model)}


def _print(row: dict) -> None:
    cells = [row.get(key, "") for key in HEAD]
    shown = [f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in cells]
    print("| " + " | ".join(shown) + " |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument("--seeds", type=_numbers, default=[1])
    parser.add_argument("--only", choices=("kinds", "robust", "all"), default="all")
    options = parser.parse_args()
    options.split = options.split.resolve()
    return options


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
