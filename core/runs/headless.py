"""What the command line does: each command answers plain values, ready for JSON."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.basics.columns import DISTANCE, ITEM, RANK, SCORE, USER
from core.basics.errors import RunError, SettingsError
from core.basics.progress import Progress
from core.basics.workspace import Workspace
from core.data.list_options import guess_list_options
from core.data.quality import read_checks
from core.data.snapshot import read_snapshot
from core.fusion.combine import Fusion
from core.models.registry import CARDS, card_of
from core.runs.blend import BlendPlan, blend_runs
from core.runs.cold_folds import train_folds
from core.runs.compare import beside_new_items
from core.runs.compress import CompressPlan, compress_run
from core.runs.demo import load_demo
from core.runs.from_files import PairFiles, fold_snapshots, pair_snapshot
from core.runs.model_table import model_table
from core.runs.overlap import measure_overlap, overlap_answer
from core.runs.plan import RunPlan
from core.runs.recommend import fused_figures, recommend_user, scale_of
from core.runs.report.command import report as report
from core.runs.reseed import measure_noise, reseed_answer
from core.runs.search import search as find_settings
from core.runs.search import train_winner
from core.runs.search_plan import SearchPlan
from core.runs.search_runners import InProcess
from core.runs.search_study import summary as search_summary
from core.runs.train import train_run
from core.runs.uploaded import UploadPlan, upload_lists
from core.store.run_folder import Run, read_run

FIGURES = ("fit", "evaluate", "valid", "test")


def models(options: Namespace) -> list[dict[str, Any]] | str:
    """One card per model: what it is, what it needs, and its settings with bounds and help."""
    if options.markdown:
        return model_table()
    return [_card(name) for name in CARDS]


def run(options: Namespace) -> dict[str, Any]:
    """Train a model, its twin and popularity; answers the figures of all three."""
    workspace = _workspace(options)
    settings = _settings(options.settings)
    card = card_of(options.model)
    card.settings.of(settings)  # refuse a wrong setting or weight before anything is read
    fusion = Fusion(options.alpha, options.beta, scale=scale_of(card))
    files = replace(_files(options), rated=card.task == "rating")
    if options.cold_folds and options.new_items:
        raise SettingsError(
            what="A run tests cold users or new items, not both.",
            hint="Leave out --cold-folds or --new-items.",
        )
    if options.cold_folds:
        plans = [
            RunPlan(folder.name, options.model, settings, options.seed, options.device)
            for folder in fold_snapshots(files, workspace, options.cold_folds, options.seed, _tell)
        ]
        return train_folds(plans, workspace, _say)
    snapshot = pair_snapshot(files, workspace, options.seed, _tell)
    plan = RunPlan(snapshot.name, options.model, settings, options.seed, options.device)
    return _answer(read_run(train_run(plan, workspace, _say)), fusion, options.k, workspace)


def blend(options: Namespace) -> dict[str, Any]:
    """Make one run of two; answers its figures, how its weights were found, and differences."""
    workspace, first, second = _runs(options.runs)
    plan = BlendPlan((first.id, second.id), options.kind, options.weight)
    made = read_run(blend_runs(plan, workspace, _say))
    extra = {name: made.record[name] for name in ("label", "blend", "members", "against")}
    return _answer(made, Fusion(), 10, workspace) | extra


def compress(options: Namespace) -> dict[str, Any]:
    """Make a smaller run; answers its figures and size, speed, quality and lists beside before."""
    workspace, run = _runs([options.run])
    made = read_run(compress_run(CompressPlan(run.id, options.kind, options.keep), workspace, _say))
    extra = {name: made.record[name] for name in ("label", "compression")}
    return _answer(made, Fusion(), 10, workspace) | extra


def upload(options: Namespace) -> dict[str, Any]:
    """Measure lists of another system; answers their figures and what became of every row."""
    workspace = _workspace(options)
    told = {USER: getattr(options, "user", None), ITEM: getattr(options, "item", None)}
    told |= {role: getattr(options, role) for role in (RANK, SCORE, DISTANCE)}
    guessed = guess_list_options(options.file, told, options.between)
    split = options.split or pair_snapshot(_files(options), workspace, options.seed, _tell).name
    plan = UploadPlan(split, options.file.name, options.name)
    made = read_run(upload_lists(options.file, guessed, plan, workspace, _say))
    extra = {name: made.record[name] for name in ("label", "upload")}
    return _answer(made, Fusion(), 10, workspace) | extra


def overlap(options: Namespace) -> dict[str, Any]:
    """Measure a run's overlap-sensitivity curve and keep it with the run; answers the curve."""
    workspace, run = _runs([options.run])
    split = read_snapshot(workspace.splits / run.record["split_hash"])
    return overlap_answer(run, split, measure_overlap(run, split, 0, _say))


def reseed(options: Namespace) -> dict[str, Any]:
    """Measure a run's noise floor and keep it with the run; answers shares helped and harmed."""
    workspace, run = _runs([options.run])
    split = read_snapshot(workspace.splits / run.record["split_hash"])
    return reseed_answer(run, measure_noise(run, split, _say))


def search(options: Namespace) -> dict[str, Any]:
    """Search settings of a model and of its twin; answers every trial and both winners.

    A search of the same plan goes on where it stopped.
    """
    workspace = _workspace(options)
    plan = SearchPlan(  # a wrong setting is refused before anything is read
        "", options.model, _grid(options.grid), _settings(options.settings), options.trials,
        options.seed, options.device,
    )  # fmt: skip
    snapshot = pair_snapshot(_files(options), workspace, options.seed, _tell)
    plan = replace(plan, split=snapshot.name)
    study = find_settings(
        plan,
        workspace,
        InProcess(read_snapshot(snapshot), workspace.searches / plan.key, _say),
        _say,
    )
    if options.train:
        train_winner(study, workspace, _say)
    return search_summary(study)


def recommend(options: Namespace) -> dict[str, Any]:
    """One user's list with both parts of every score and the history items behind them."""
    run = read_run(options.run.resolve())
    workspace = Workspace(run.folder.parent.parent)
    return recommend_user(workspace, run, options.user, options.k, options.alpha, options.beta)


def demo(options: Namespace) -> dict[str, Any]:
    """Load the sample pair and train the demo runs."""
    return load_demo(_workspace(options), _say)


def _card(name: str) -> dict[str, Any]:
    card = card_of(name)
    settings = [
        {
            "name": info.name, "kind": info.kind.__name__, "default": info.default,
            "low": info.low, "high": info.high, "choices": info.choices, "help": info.help,
        }
        for info in card.settings.infos()
    ]  # fmt: skip
    plain = (
        "name", "title", "family", "line", "paper", "differs", "when", "words", "task",
        "cross_domain", "has_twin", "additive", "fold_in", "needs", "gradient", "new_items",
    )  # fmt: skip
    return {field: getattr(card, field) for field in plain} | {"settings": settings}


def _workspace(options: Namespace) -> Workspace:
    given = options.workspace
    return Workspace(given.resolve()) if given else Workspace.from_environment()


def _runs(folders: list[Path]) -> tuple[Any, ...]:
    """The workspace the folders stand in, then their runs."""
    runs = [read_run(folder.resolve()) for folder in folders]
    workspaces = {run.folder.parent.parent for run in runs}
    if len(workspaces) > 1:
        raise RunError(
            what="These runs stand in different workspaces.",
            hint="Load one of them into the other's workspace first.",
        )
    return Workspace(workspaces.pop()), *runs


def _settings(pairs: list[str]) -> dict[str, str]:
    """`key=value` texts as a table; the model's settings class checks names and values."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise SettingsError(
            what=f"--set {wrong[0]} has no value.", hint="Write it as --set key=value."
        )
    return dict(pair.split("=", 1) for pair in pairs)


def _grid(pairs: list[str]) -> dict[str, Any]:
    """`key=v1,v2` texts as values by setting."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise SettingsError(
            what=f"--grid {wrong[0]} has no values.", hint="Write it as --grid key=v1,v2."
        )
    return {name: text.split(",") for name, text in (pair.split("=", 1) for pair in pairs)}


def _files(options: Namespace) -> PairFiles:
    return PairFiles(
        options.source, options.target, options.items_source, options.items_target,
        options.splits, options.swap, options.new_items, options.triples,
    )  # fmt: skip


def _answer(run: Run, fusion: Fusion, k: int, workspace: Workspace) -> dict[str, Any]:
    """The run's record with the figures of twin and popularity beside its own."""
    record = run.record
    answer: dict[str, Any] = {
        name: record[name] for name in ("model", "settings", "seed", "dataset_hash", "split_hash")
    }
    checks = read_checks(workspace.pairs / record["dataset_hash"])
    answer["checks"] = None if checks is None else [asdict(check) for check in checks]
    answer |= {"run_dir": str(run.folder)} | {name: record[name] for name in FIGURES}
    beside = {"twin": run.twin, "popularity": run.popularity, "bias": run.bias}
    for name, other in beside.items():
        answer[name] = None if other is None else {key: other.record[key] for key in FIGURES}
    answer["findings"] = record.get("findings", [])
    lifts = ("lift", "lift_over_popularity", "lift_over_bias", "segments")
    answer |= {name: record.get(name) for name in lifts}
    folder = workspace.splits / record["split_hash"]
    answer["comparators"] = beside_new_items(run, folder)
    if (fusion.alpha, fusion.beta, k) != (1.0, 1.0, 10):
        answer["fused"] = fused_figures(run, read_snapshot(folder), fusion, k)
    return answer


def _say(progress: Progress) -> None:
    """Progress goes to stderr, so that the last line of stdout stays the answer."""
    figures = [
        f"{name} {value:.4f}"
        for name, value in (("loss", progress.loss), ("valid", progress.valid))
        if value is not None
    ]
    where = f" {progress.done}/{progress.total}" if progress.total > 1 else ""
    print(f"{progress.stage}{where} {' '.join(figures)}".rstrip(), file=sys.stderr)


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)
