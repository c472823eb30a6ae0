"""What the command line does: each command answers plain values, ready for JSON.

What one command alone needs is loaded by it: a start takes a second and a half as it is.
"""

from __future__ import annotations

import tempfile
import time
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.basics.columns import SOURCE, TARGET, TEST, VALID
from core.basics.errors import RunError, SettingsError
from core.basics.formatting import duration
from core.basics.workspace import Workspace
from core.cli.event_files import check_can_write, write_curves
from core.cli.flags import (
    FILES,
    LISTS_FILE,
    SPLITS,
    choices_of,
    fold_values,
    given_flags,
    pair_values,
    split_values,
)
from core.cli.from_files import (
    Account,
    PairFiles,
    doubts_of,
    fold_snapshots,
    lights_of,
    made_pair,
    pair_snapshot,
)
from core.cli.reading import read_choices, refuse_doubts
from core.cli.words import lift_words, model_table, say, say_new, shortened, tell
from core.data.reading.options import LISTS
from core.data.snapshot import rating_facts, read_info, read_snapshot
from core.evaluation.segments import user_segments
from core.evaluation.verdict import verdict
from core.fusion.combine import Fusion
from core.fusion.rerank import Rerank
from core.models.kernel.training_settings import counts_words
from core.models.registry import CARDS, card_of
from core.runs.explain.recommend import fused_figures, recommend_user, scale_of
from core.runs.making.estimate import Estimate, cheaper_first, estimate, measured_steps, time_of
from core.runs.making.fit import few_will_choose
from core.runs.making.folds import train_folds
from core.runs.making.make_run import beside_new_items, train_run
from core.runs.making.plan import RunPlan
from core.runs.studies.noise import comparison_of
from core.runs.studies.placebo import check_reads_source, make_placebos, placebo_answer
from core.store.record import few_to_choose_by
from core.store.run_folder import Run, list_runs, read_run

FIGURES = ("fit", "evaluate", "valid", "test", "best_epoch", "ending", "curve", "warnings")
LONG = 60.0  # seconds from which a run says beforehand how long it takes


def models(options: Namespace) -> list[dict[str, Any]] | str:
    """One card per model: what it is, what it needs, and its settings with bounds and help."""
    if options.markdown:
        return model_table()
    return [_card(name) for name in CARDS]


def check(options: Namespace) -> dict[str, Any]:
    """Read files and say what they are taken for and what looks wrong; nothing is kept."""
    files, account = _files(options), Account(tell)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        open_questions = doubts_of(files)
        if open_questions:
            return {"doubts": open_questions, "files": [], "checks": []}
        snapshot = pair_snapshot(files, workspace, options.seed, account)
        counts = read_info(snapshot).counts
    checks = [asdict(check) for check in account.checks]
    return {"doubts": [], **account.to_dict(), "split": counts, "checks": checks}


def run(options: Namespace) -> dict[str, Any]:
    """Train a model, its twin and popularity, and return the figures of all three."""
    workspace = _workspace(options)
    settings = _settings(options.settings)
    card = card_of(options.model)
    card.settings.of(settings)  # refuse a wrong setting or weight before anything is read
    fusion = Fusion(options.alpha, options.beta, scale=scale_of(card))
    folds = fold_values(options)
    if options.placebo and folds:
        raise SettingsError(
            what="A placebo is made of one run, and folds make several.",
            hint="Leave one of the two out, or call `placebo` for each of the runs.",
        )
    if options.placebo:
        check_reads_source(card)
    if options.tensorboard:
        check_can_write(options.tensorboard, options.cold_folds)
    files, account = _files(options), Account(tell)
    if folds:
        folders = fold_snapshots(files, workspace, folds, options.seed, account)
        plans = [
            RunPlan(folder.name, options.model, settings, options.seed, options.device)
            for folder in folders
        ]
        _foretell(plans[0], workspace, times=len(plans))
        answer = train_folds(plans, workspace, say)
        answer["verdict"] = f"{lift_words(answer)} {answer['tested']}"
    else:
        snapshot = pair_snapshot(files, workspace, options.seed, account)
        plan = RunPlan(snapshot.name, options.model, settings, options.seed, options.device)
        _foretell(plan, workspace)
        made = read_run(train_run(plan, workspace, say))
        if options.placebo:
            make_placebos(made, read_snapshot(snapshot), options.placebo, say)
        if options.tensorboard:
            write_curves(made, options.tensorboard)
        answer = _answer(made, fusion, options.k, workspace)
    return _told(answer, options, account)


def answer(options: Namespace) -> dict[str, Any]:
    """Answer a pair of two files: who is helped, by how much, and which model to use for whom."""
    from core.runs.answer.groups import answer_of
    from core.runs.answer.make_answer import Checklist, answer_pair, steps_of, titles_within
    from core.runs.answer.standing import standing
    from core.runs.answer.words import told as told_answer

    begun, workspace, account = time.monotonic(), _workspace(options), Account(tell)
    if options.splits or split_values(options):
        raise SettingsError(
            what="An answer makes its own splits: one of everybody, one that hides people.",
            hint="Give --source and --target alone, or train on your split with `run`.",
        )
    pair = made_pair(_files(options), workspace, account)
    steps = steps_of(pair, options.minutes)
    checklist = Checklist(titles_within(steps), say_new())
    ends = begun + 60 * options.minutes
    made = answer_pair(workspace, pair.name, steps, checklist, ends)
    runs = [run for run in list_runs(workspace) if run.record.dataset_hash == pair.name]
    first = standing(workspace, pair.name, runs)
    found = answer_of(workspace, runs, first.run if first else None)
    told = (told_answer(found) if found else {}) | (placebo_answer(first.run) if first else {})
    checks = [asdict(check) for check in account.checks]
    told["warnings"] = list(dict.fromkeys(w for run in runs for w in run.record.warnings))
    if first and (few := few_to_choose_by(first.run.record.choosers, "the best model")):
        told["warnings"].insert(0, few)
    for warning in told["warnings"]:
        tell(warning)
    return told | made.to_dict() | account.to_dict() | {"checks": checks}


def blend(options: Namespace) -> dict[str, Any]:
    """Make one run of two, and return its figures, how its weights were found, and differences."""
    from core.runs.making.blend import BlendPlan, blend_runs

    workspace, first, second = _runs(options.runs)
    plan = BlendPlan((first.id, second.id), options.kind, options.weight)
    made = read_run(blend_runs(plan, workspace, say))
    kept = made.record.to_dict()
    extra = {name: kept[name] for name in ("label", "blend", "members", "against")}
    return _told(_answer(made, Fusion(), 10, workspace) | extra, options)


def route(options: Namespace) -> dict[str, Any]:
    """Make one run of several that asks per group of people the best one, and return its figures,
    whom each group asks and by what figure, and differences.
    """
    from core.runs.making.route import route_runs

    workspace = _workspace(options)
    if Path(options.runs[0]).is_dir():  # folders tell where they stand
        workspace, *runs = _runs([Path(run) for run in options.runs])
        ids = [run.id for run in runs]
    else:
        ids = options.runs
    if wrong := [pair for pair in options.group if "=" not in pair]:
        raise SettingsError(
            what=f"--group {wrong[0]} names no run.", hint="Write it as --group none=RUN."
        )
    given = {
        group: Path(run).name for group, _, run in (pair.partition("=") for pair in options.group)
    }
    made = read_run(route_runs(workspace, ids, given, options.label, say))
    kept = made.record.to_dict()
    extra = {name: kept[name] for name in ("label", "route", "members", "against")}
    return _told(_answer(made, Fusion(), 10, workspace) | extra, options)


def compress(options: Namespace) -> dict[str, Any]:
    """Make a smaller run, and return its figures with size, speed and quality before and after."""
    from core.runs.making.compress import CompressPlan, compress_run

    workspace, run = _runs([options.run])
    plan = CompressPlan(run.id, options.kind, options.keep, anyway=options.anyway)
    made = read_run(compress_run(plan, workspace, say))
    kept = made.record.to_dict()
    extra = {name: kept[name] for name in ("label", "compression")}
    return _told(_answer(made, Fusion(), 10, workspace) | extra, options)


def upload(options: Namespace) -> dict[str, Any]:
    """Measure lists of another system, and return their figures and what became of every row."""
    from core.runs.making.uploaded import UploadPlan, upload_lists

    workspace, account = _workspace(options), Account(tell)
    reading = read_choices(options.file, LISTS, choices_of(options, LISTS_FILE), LISTS_FILE)
    refuse_doubts(reading, LISTS_FILE)
    split = options.split_kind
    if split in (None, *SPLITS):
        split = pair_snapshot(_files(options), workspace, options.seed, account).name
    plan = UploadPlan(split, options.file.name, options.name)
    made = read_run(upload_lists(options.file, reading.options, plan, workspace, say))
    lists = {
        "file": options.file.name,
        "part": LISTS_FILE,
        "columns": reading.columns,
        "ignored": reading.ignored,
        "encoding": reading.options.encoding,
        "delimiter": reading.options.delimiter,
        "header": reading.options.header,
    }
    account.files.append(lists)
    for sentence in reading.said:
        account.leave_out(sentence)
    kept = made.record.to_dict()
    extra = {name: kept[name] for name in ("label", "upload")}
    return _told(_answer(made, Fusion(), 10, workspace) | extra, options, account)


def overlap(options: Namespace) -> dict[str, Any]:
    """Measure a run's overlap-sensitivity curve, keep it with the run, and return it."""
    from core.runs.studies.overlap import measure_overlap, overlap_answer

    workspace, run = _runs([options.run])
    split = read_snapshot(workspace.splits / run.record.split_hash)
    lights = {"checks": lights_of(workspace, run)}
    return overlap_answer(run, split, measure_overlap(run, split, 0, say)) | lights


def reseed(options: Namespace) -> dict[str, Any]:
    """Measure a run's noise floor and keep it with the run; answers shares helped and harmed."""
    from core.runs.studies.noise import measure_noise, reseed_answer

    workspace, run = _runs([options.run])
    split = read_snapshot(workspace.splits / run.record.split_hash)
    lights = {"checks": lights_of(workspace, run)}
    return reseed_answer(run, measure_noise(run, split, say)) | lights


def placebo(options: Namespace) -> dict[str, Any]:
    """Make a run's placebos and keep them with it; answers the run's figures and theirs."""
    workspace, run = _run_of(options)
    split = read_snapshot(workspace.splits / run.record.split_hash)
    make_placebos(run, split, options.deals, say)
    return _told(_answer(run, Fusion(), 10, workspace), options)


def search(options: Namespace) -> dict[str, Any]:
    """Search settings of a model and of its twin; answers every trial and both winners.

    A search of the same plan goes on where it stopped.
    """
    from core.runs.search.plan import SearchPlan
    from core.runs.search.run import InProcess, train_winner
    from core.runs.search.run import search as find_settings
    from core.runs.search.study import summary as search_summary

    workspace = _workspace(options)
    # `key=v1,v2` texts as values by setting
    if wrong := [pair for pair in options.grid if "=" not in pair]:
        raise SettingsError(
            what=f"--grid {wrong[0]} has no values.", hint="Write it as --grid key=v1,v2."
        )
    grid = {name: text.split(",") for name, text in (pair.split("=", 1) for pair in options.grid)}
    plan = SearchPlan(  # a wrong setting is refused before anything is read
        "",
        options.model,
        grid,
        _settings(options.settings),
        options.trials,
        options.seed,
        options.device,
    )
    account = Account(tell)
    snapshot = pair_snapshot(_files(options), workspace, options.seed, account)
    plan, split = replace(plan, split=snapshot.name), read_snapshot(snapshot)
    if few := few_to_choose_by(len(split.users(VALID)), "the settings"):
        tell(few)
    study = find_settings(
        plan, workspace, InProcess(split, workspace.searches / plan.key, say), say
    )
    if options.train:
        train_winner(study, workspace, say)
    found = search_summary(study) | {"metric": study.metric, "warnings": [few] if few else []}
    return found | account.to_dict() | {"checks": [asdict(check) for check in account.checks]}


def recommend(options: Namespace) -> dict[str, Any]:
    """One user's list with both parts of every score and the history items behind them."""
    run = read_run(options.run.resolve())
    workspace = Workspace(run.folder.parent.parent)
    weights, rule = (options.alpha, options.beta), Rerank(options.rerank, options.strength)
    asked = (options.user, options.k, *weights, options.new_items, rule)
    return recommend_user(workspace, run, *asked)


def report(options: Namespace) -> dict[str, Any]:
    """Write the report of a run, and return the file, its size and the verdict."""
    from core.runs.report.html import report_html  # Plotly, which no other command needs
    from core.runs.report.story import ReportOptions, sections_without, tell_story, write_report

    sections = sections_without(options.without)
    chosen = ReportOptions(options.title, options.note, sections, options.hide_users)
    workspace, run = _run_of(options)
    lights = lights_of(workspace, run)  # first: the story reads what they found
    story = tell_story(workspace, run)
    path = write_report(options.out.resolve(), report_html(story, chosen))
    told = {"file": str(path), "bytes": path.stat().st_size, "verdict": story.verdict}
    return told | {"checks": lights}


def demo(options: Namespace) -> dict[str, Any]:
    """Load the sample pair and train the demo runs."""
    from core.runs.jobs.demo import load_demo

    return load_demo(_workspace(options), say_new()).to_dict()


def _card(name: str) -> dict[str, Any]:
    card = card_of(name)
    settings = [
        {
            "name": info.name,
            "kind": info.kind.__name__,
            "default": info.default,
            "low": info.low,
            "high": info.high,
            "choices": info.choices,
            "help": info.help,
        }
        for info in card.settings.infos()
    ]
    plain = (
        "name",
        "title",
        "family",
        "line",
        "paper",
        "differs",
        "when",
        "words",
        "task",
        "cross_domain",
        "has_twin",
        "additive",
        "fold_in",
        "needs",
        "gradient",
        "new_items",
    )
    counts = {"counts": counts_words(card.settings)}
    return {field: getattr(card, field) for field in plain} | counts | {"settings": settings}


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


def _run_of(options: Namespace) -> tuple[Workspace, Run]:
    """A run by its folder, which tells its workspace, or by its id in the workspace."""
    folder = Path(options.run)
    if folder.is_dir():
        run = read_run(folder.resolve())
        return Workspace(run.folder.parent.parent), run
    workspace = _workspace(options)
    return workspace, read_run(workspace.runs / folder.name)


def _settings(pairs: list[str]) -> dict[str, str]:
    """`key=value` texts as a table; the model's settings class checks names and values."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise SettingsError(
            what=f"--set {wrong[0]} has no value.", hint="Write it as --set key=value."
        )
    return dict(pair.split("=", 1) for pair in pairs)


def _files(options: Namespace) -> PairFiles:
    """What a command reads, by one road for all of them.

    Ratings below the threshold stay in for a model that predicts ratings, whichever command asks.
    """
    pair, split = pair_values(options), split_values(options)
    if options.splits and (useless := given_flags(options)):
        raise SettingsError(
            what=f"A given split is taken as it is: {useless[0]} says nothing about it.",
            hint="Leave it out, or give --source and --target instead of --splits.",
        )
    model = getattr(options, "model", None)
    return PairFiles(
        options.source,
        options.target,
        options.items_source,
        options.items_target,
        options.splits,
        options.links,
        options.triples,
        options.swap,
        rated=model is not None and card_of(model).task.rates,
        choices={file: choices_of(options, file) for file in FILES},
        pair=pair,
        split=split,
    )


def _foretell(plan: RunPlan, workspace: Workspace, times: int = 1) -> None:
    """Say how long a run will take where that is known from earlier ones and not short."""
    infos = {path.name: read_info(path) for path in workspace.splits.glob("*") if not path.suffix}
    runs = list_runs(workspace)
    info, facts = infos[plan.split], rating_facts(workspace.splits / plan.split)

    def cost_of(plan: RunPlan) -> Estimate:
        timed = measured_steps(workspace, plan.model, plan.split, plan.device)
        known = time_of(plan, runs, infos.get, timed)
        return estimate(plan, info, info.counts["users"], known, facts=facts)

    if few := few_will_choose(plan.model, workspace.splits / plan.split / "target_valid.parquet"):
        tell(few)
    timing = time_of(plan, runs, infos.get)
    if timing is not None and timing.seconds * times > LONG:
        tell(f"This takes about {duration(timing.seconds * times)}, judging by earlier runs.")
    known = [(run.record.model, run.record.split_hash) for run in runs]
    if first := cheaper_first([plan], info, known, cost_of):
        tell(first.words)


def _told(
    answer: dict[str, Any], options: Namespace, account: Account | None = None
) -> dict[str, Any]:
    """The answer with what became of the files, short unless everything was asked for."""
    if account is not None:
        answer |= account.to_dict()
        if account.checks and answer.get("checks") is None:
            answer["checks"] = [asdict(check) for check in account.checks]
    if options.json and options.full:
        return answer
    return shortened(answer, getattr(options, "k", 10))


def _answer(run: Run, fusion: Fusion, k: int, workspace: Workspace) -> dict[str, Any]:
    """The run's record with the figures of twin and popularity beside its own."""
    record = run.record
    answer: dict[str, Any] = {
        name: getattr(record, name)
        for name in ("model", "settings", "seed", "dataset_hash", "split_hash")
    }
    answer["checks"] = lights_of(workspace, run)
    answer |= {"run_dir": str(run.folder)} | {name: getattr(record, name) for name in FIGURES}
    beside = {"twin": run.twin, "popularity": run.popularity, "bias": run.bias}
    for name, other in beside.items():
        kept = None if other is None else other.record
        answer[name] = kept and {key: getattr(kept, key) for key in FIGURES}
    answer["findings"], answer["cut_short"] = record.findings, run.cut_short
    lifts = ("lift", "lift_over_popularity", "lift_over_bias", "segments")
    answer |= {name: getattr(record, name) for name in lifts}
    answer |= placebo_answer(run)
    folder = workspace.splits / record.split_hash
    split = read_snapshot(folder)
    answer["split"] = {"kind": split.info.kind, **split.info.counts}
    answer["names"] = {SOURCE: record.source_name, TARGET: record.target_name}
    metric = run.card.task.metric
    segments = user_segments(split.train)
    compared = comparison_of(run, TEST, segments, list_runs(workspace))
    answer["verdict"] = verdict(compared, metric)
    answer["comparators"] = beside_new_items(run, folder)
    if (fusion.alpha, fusion.beta, k) != (1.0, 1.0, 10):
        answer["fused"] = fused_figures(run, split, fusion, k)
    return answer
