"""Rating error of every model of ratings: `python tests/benchmarks/ratings.py DATA`.

DATA holds one folder per pair with `source.csv` and `target.csv`. Every rating is kept, the target
is split at random 8:1:1 per user, and each model is tuned on validation RMSE over a grid of six
settings; test is looked at once, for the winner of each grid. Differences are paired over users,
95 % by resampling them. Figures go to stdout as a Markdown table, and as JSON on the last line.

With `--chosen 0,1,3`, instead, MF and collective MF of ratings at their defaults with the implicit
part of SVD++ at each ridge (0: without it), on splits of three seeds: validation and test RMSE.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path

from measuring import measured  # first: sets the threads before NumPy is loaded

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from core.basics.columns import OWN, TEST, VALID
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.cli.from_files import Account, PairFiles, pair_snapshot
from core.data.snapshot import Split, read_snapshot
from core.evaluation.ratings import (
    Bounds,
    difference_intervals,
    errors_per_user,
    intervals,
    predict_held_out,
)
from core.metrics.intervals import Interval
from core.metrics.ratings import MAE, RMSE
from core.models.registry import build, card_of
from core.runs.making.fit import fit_best, watcher

SEED = 2022
GRIDS: dict[str, dict[str, tuple]] = {
    "bias": {"bias_regularization": (1.0, 2.0, 3.0, 4.0, 6.0, 10.0)},
    "mf_rating": {"regularization": (12.0, 15.0, 20.0), "bias_regularization": (2.0, 3.0)},
    "cmf_rating": {"regularization": (15.0, 20.0), "source_loss_weight": (0.1, 0.3, 1.0)},
    "cmf_rating_adam": {"weight_decay": (1e-4, 3e-4, 1e-3), "source_loss_weight": (0.1, 0.3)},
    "clfm": {"regularization": (10.0, 15.0, 20.0), "source_loss_weight": (0.3, 1.0)},
    "neumf_rating": {"weight_decay": (3e-4, 1e-3, 3e-3), "interaction_dropout": (0.2, 0.4)},
}
HEAD = ("model", "settings", "valid", "test RMSE", "test MAE", "RMSE - bias", "RMSE - MF", "CPU s")


def main() -> None:
    options = _options()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        files = PairFiles(
            options.data / options.pair / "source.csv",
            options.data / options.pair / "target.csv",
            rated=True,
        )
        if options.chosen:
            show_chosen(files, Workspace(Path(folder)), options.chosen)
            return
        split = read_snapshot(pair_snapshot(files, Workspace(Path(folder)), SEED, Account(print)))
        frames: dict[str, pd.DataFrame] = {}
        print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
        for name in options.models:
            row, frames[name] = best_of(name, split)
            row |= {f"over {other}": _gap(frames, name, other) for other in ("bias", "mf_rating")}
            figures.append(row)
            print("| " + " | ".join(_cells(row)) + " |", flush=True)
    print(json.dumps(figures))


def show_chosen(files: PairFiles, workspace: Workspace, ridges: list[float]) -> None:
    """A line per seed and model: `validation/test` mean RMSE of users at every ridge."""
    print("| seed | model | " + " | ".join(f"{ridge:g}" for ridge in ridges) + " |")
    print("|---|---|" + "---|" * len(ridges))
    for seed in (1, 2, 3):
        split = read_snapshot(pair_snapshot(files, workspace, seed, Account(lambda said: None)))
        bounds = Bounds.of(split.rated.train.target)
        for name in ("mf_rating", "cmf_rating"):
            cells = []
            for ridge in ridges:
                model = build(name, {"chosen_regularization": ridge})
                for _ in model.fit_epochs(split.rated.train, seed):
                    pass
                errors = []
                for part in (VALID, TEST):
                    found = predict_held_out(model.score, split.rated, part)
                    errors.append(errors_per_user(found, found[OWN].to_numpy(), bounds)[RMSE])
                cells.append("/".join(f"{one.mean():.4f}" for one in errors))
            print(f"| {seed} | {name} | " + " | ".join(cells) + " |", flush=True)


def best_of(name: str, split: Split) -> tuple[dict, pd.DataFrame]:
    """Figures of the settings with the smallest validation RMSE, and their errors on test."""
    tried = []
    for values in itertools.product(*GRIDS[name].values()):
        settings = dict(zip(GRIDS[name], values, strict=True))
        (model, valid), cost = measured(lambda settings=settings: fitted(name, settings, split), 1)
        tried.append((valid, settings, model, cost["cpu_ms"] / 1000))
    valid, settings, model, seconds = min(tried, key=lambda entry: entry[0])
    predictions = predict_held_out(model.score, split.rated, TEST)
    bounds = Bounds.of(split.rated.train.target)
    errors = errors_per_user(predictions, predictions[OWN].to_numpy(), bounds)
    rmse, mae = intervals(errors, [RMSE, MAE])
    row = {"model": name, "settings": settings, "valid": valid, "fit CPU s": round(seconds, 1)}
    return row | {"rmse": _plain(rmse), "mae": _plain(mae)}, errors


def fitted(name: str, settings: dict, split: Split) -> tuple:
    """The model at its best epoch and its validation RMSE."""
    card, model = card_of(name), build(name, settings)
    watch = watcher(split, SEED, card.task)
    fit_best(model, card.pair_of(split), SEED, watch, silent, lower_is_better=True)
    return model, watch(model)


def _gap(frames: dict[str, pd.DataFrame], name: str, other: str) -> dict | None:
    if name == other or other not in frames:
        return None
    return _plain(difference_intervals(frames[name], frames[other], [RMSE])[0])


def _plain(interval: Interval) -> dict:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _cells(row: dict) -> list[str]:
    settings = ", ".join(f"{name} {value:g}" for name, value in row["settings"].items())
    gaps = [_said(row[f"over {other}"], "+.4f") for other in ("bias", "mf_rating")]
    return [
        row["model"],
        settings,
        f"{row['valid']:.4f}",
        _said(row["rmse"]),
        _said(row["mae"]),
        *gaps,
        f"{row['fit CPU s']}",
    ]


def _said(found: dict | None, form: str = ".4f") -> str:
    if found is None:
        return ""
    return f"{found['mean']:{form}} ({found['low']:{form}} to {found['high']:{form}})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pair", default="douban-book-music")
    parser.add_argument(
        "--chosen", type=lambda text: [float(one) for one in text.split(",")], default=[]
    )
    parser.add_argument("--models", type=lambda text: text.split(","), default=list(GRIDS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
