"""Training rows left out as noise, or filled in: `python tests/benchmarks/data_steps.py DATA`.

DATA holds one folder per pair with `split/` of the four files that `python -m core run --splits`
takes. A row per pair, model and steps: run and twin on the test, run − twin, and the run − the same
model without any step, over the same users; intervals are of 95 %. A Markdown table, and JSON on
the last line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from core.basics.columns import HIGH, LOW, MEAN, TEST
from core.basics.formatting import number, signed_with_interval
from core.basics.workspace import Workspace
from core.cli.from_files import Account, PairFiles, pair_snapshot
from core.evaluation.lift import lift
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import Run, read_run

METRIC = "ndcg@10"
PAIRS = ("movielens-small-comedy-drama", "douban-book-music")
MODELS = ("ease",)
STEPS = (
    {},
    {"denoise": 0.05},
    {"denoise": 0.2},
    {"fill": 10},
    {"fill": 50},
    {"denoise": 0.05, "fill": 10},
)
HEAD = ("pair", "model", "steps", "rows", "valid", "run", "twin", "run − twin", "run − without")


def main() -> None:
    options, rows = _options(), []
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    for pair in options.pairs:
        with tempfile.TemporaryDirectory() as folder:
            workspace = Workspace(Path(folder))
            files = PairFiles(splits=options.data / pair / "split")
            split = pair_snapshot(files, workspace, 2022, Account(lambda _: None)).name
            for model in options.models:
                plain = None
                for steps in STEPS:
                    run = read_run(train_run(RunPlan(split, model, dict(steps)), workspace))
                    plain = plain or run
                    row = {"pair": pair, "model": model, "steps": steps} | _figures(run, plain)
                    rows.append(row)
                    print("| " + " | ".join(_cell(row[name]) for name in HEAD) + " |", flush=True)
    print(json.dumps(rows))


def _figures(run: Run, plain: Run) -> dict:
    over_twin = run.record.lift[METRIC]
    over_plain = lift(run.metrics(TEST), plain.metrics(TEST))[METRIC]
    words = [f"{one['value']:+,d}" for one in _signed(run)]
    return {
        "rows": " ".join(words) or "–",
        "valid": run.record.valid[METRIC][MEAN],
        "run": run.record.test[METRIC][MEAN],
        "twin": run.twin.record.test[METRIC][MEAN],
        "run − twin": {name: over_twin[name] for name in (MEAN, LOW, HIGH)},
        "run − without": {name: over_plain[name] for name in (MEAN, LOW, HIGH)},
    }


def _signed(run: Run) -> list[dict]:
    return [
        one | {"value": int(one["value"]) * (-1 if "left out" in one["title"] else 1)}
        for one in run.record.findings
        if one["title"].startswith("Rows of the")
    ]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return number(value, 4)
    if isinstance(value, dict) and MEAN in value:
        return signed_with_interval(value[MEAN], value[LOW], value[HIGH], 4)
    if isinstance(value, dict):
        return ", ".join(f"{name} {given:g}" for name, given in value.items()) or "none"
    return str(value)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path)
    options.add_argument("--pairs", nargs="+", default=PAIRS)
    options.add_argument("--models", nargs="+", default=MODELS)
    return options.parse_args()


if __name__ == "__main__":
    main()
