"""Crosswalk without a screen: `python -m core models | run | report | blend | …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in two sentences instead of a usage dump."""

    def error(self, message: str) -> NoReturn:
        print(f"{message[:1].upper()}{message[1:]}. See `{self.prog} --help`.", file=sys.stderr)
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(prog="python -m core", description="Crosswalk without a screen.")
    commands = top.add_subparsers(dest="command", required=True, parser_class=_Parser)
    _add_models(commands)
    _add_run(commands)
    _add_search(commands)
    _add_blend(commands)
    _add_compress(commands)
    _add_evidence(commands)
    _add_upload(commands)
    _add_recommend(commands)
    _add_report(commands)
    _add_demo(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it is done, 2 with two sentences on stderr when it cannot be."""
    options = parser().parse_args(arguments)
    if getattr(options, "threads", None):
        for variable in THREAD_VARIABLES:  # before NumPy is imported, which reads them once
            os.environ[variable] = str(options.threads)
    from core.basics.errors import CrosswalkError
    from core.runs import headless

    try:
        answer = getattr(headless, options.command)(options)
    except CrosswalkError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, MemoryError) as error:
        print(f"{error or 'Memory ran out'}. Check the paths and the disk.", file=sys.stderr)
        return 2
    try:
        _show(answer, options.json)
    except BrokenPipeError:  # whoever read had enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _show(answer: Any, as_json: bool) -> None:
    """One JSON object on the last line, or the same thing readable; a text as it is."""
    if isinstance(answer, str):
        print(answer, flush=True)
        return
    print(json.dumps(answer, ensure_ascii=False, indent=None if as_json else 1), flush=True)


def _add_models(commands: Any) -> None:
    models = commands.add_parser("models", help="list the models")
    models.add_argument("--markdown", action="store_true", help="as the table of the README")
    _add_json(models)


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", help="train a model and its twin, print the figures")
    _add_data(run)
    _add_model(run)
    run.add_argument("--alpha", type=float, default=1.0, help="weight of the source evidence")
    run.add_argument("--beta", type=float, default=1.0, help="weight of the target evidence")
    run.add_argument("--k", type=_length, default=10, help="length of a list, 1 to 50")
    run.add_argument(
        "--cold-folds", type=int, default=0, metavar="N",
        help="test cold users: N folds over all shared users, each once without target history",
    )  # fmt: skip
    _add_workspace(run)
    _add_json(run)


def _add_search(commands: Any) -> None:
    search = commands.add_parser(
        "search", help="search settings of a model and of its twin, judged on validation only"
    )
    _add_data(search)
    _add_model(search)
    search.add_argument(
        "--grid", action="extend", nargs="+", default=[], metavar="KEY=V1,V2",
        help="values to try, by default the model's own small grid",
    )  # fmt: skip
    search.add_argument(
        "--trials", type=_positive, default=0,
        help="trials of the model, and as many of its twin; by default all combinations",
    )  # fmt: skip
    search.add_argument("--train", action="store_true", help="train the winner at the end")
    _add_workspace(search)
    _add_json(search)


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", type=Path, help="interactions of the source domain")
    command.add_argument("--target", type=Path, help="interactions of the target domain")
    command.add_argument("--items-source", type=Path, help="titles and categories of source items")
    command.add_argument("--items-target", type=Path, help="titles and categories of target items")
    command.add_argument(
        "--triples", type=Path, help="what items have in common: head, relation, tail"
    )
    command.add_argument(
        "--splits", type=Path,
        help="folder with source_train, target_train, target_valid and target_test .csv",
    )  # fmt: skip
    command.add_argument("--swap", action="store_true", help="exchange source and target")
    command.add_argument(
        "--new-items", type=float, default=0.0, metavar="SHARE",
        help="hide so many of the target items, such as 0.2, and rank these alone in the test",
    )  # fmt: skip


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", required=True, help="name of a model, see `models`")
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="settings",
        help="a setting of the model; may be repeated",
    )  # fmt: skip
    command.add_argument("--seed", type=int, default=2022)
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    command.add_argument("--threads", type=_positive, help="threads of the numeric libraries")


def _add_blend(commands: Any) -> None:
    blend = commands.add_parser("blend", help="make one run of two on the same split")
    blend.add_argument("--runs", type=Path, nargs=2, required=True, help="folders of two runs")
    blend.add_argument("--kind", default="sum", help="sum, product or stacking")
    blend.add_argument(
        "--weight", default="auto", help="what the first run counts, 0 to 1; auto: by validation"
    )
    _add_json(blend)


def _add_compress(commands: Any) -> None:
    compress = commands.add_parser("compress", help="make a smaller run, beside the original")
    compress.add_argument("--run", type=Path, required=True, help="folder of a run")
    compress.add_argument("--kind", default="int8", help="int8, pruned or student")
    compress.add_argument(
        "--keep", type=float, default=0.1, help="share of the weights that pruning keeps"
    )
    _add_json(compress)


def _add_upload(commands: Any) -> None:
    upload = commands.add_parser("upload", help="measure lists of another system as a run")
    upload.add_argument("file", type=Path, help="rows of user, item, and a rank or a score")
    upload.add_argument("--split", help="hash of a split in the workspace")
    upload.add_argument("--name", default="", help="what the run is called")
    upload.add_argument("--rank", metavar="COLUMN", help="orders a list, 1 is best")
    upload.add_argument("--score", metavar="COLUMN", help="orders a list, the largest is best")
    upload.add_argument("--distance", metavar="COLUMN", help="orders a list, the smallest is best")
    upload.add_argument(
        "--between", metavar="MARK",
        help="what stands between several items in one cell, such as ' ' or '[ ]'",
    )  # fmt: skip
    _add_data(upload)
    upload.add_argument("--seed", type=int, default=2022)
    _add_workspace(upload)
    _add_json(upload)


def _add_evidence(commands: Any) -> None:
    for name, words in (
        ("overlap", "quality against the share of shared users that training knows"),
        ("reseed", "noise floor: the twin trained again, with nothing changed but chance"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--run", type=Path, required=True, help="folder of a run")
        _add_json(command)


def _add_recommend(commands: Any) -> None:
    recommend = commands.add_parser("recommend", help="one user's list with both parts")
    recommend.add_argument("--run", type=Path, required=True, help="folder of a run")
    recommend.add_argument("--user", required=True, help="id of a user")
    recommend.add_argument("--k", type=int, default=10)
    recommend.add_argument("--alpha", type=float, default=1.0)
    recommend.add_argument("--beta", type=float, default=1.0)
    _add_json(recommend)


def _add_report(commands: Any) -> None:
    report = commands.add_parser("report", help="write one HTML file that tells a run's story")
    report.add_argument("--run", required=True, help="id of a run, or its folder")
    report.add_argument("--out", type=Path, required=True, help="the HTML file to write")
    report.add_argument("--title", default="", help="by default made from the two domains")
    report.add_argument("--note", default="", help="a few words below the title")
    report.add_argument(
        "--without", action="extend", nargs="+", default=[], metavar="SECTION",
        help="sections to leave out, such as people or reproduce",
    )  # fmt: skip
    report.add_argument("--hide-users", action="store_true", help="letters in place of user ids")
    _add_workspace(report)
    _add_json(report)


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser("demo", help="load the sample pair and train the demo runs")
    _add_workspace(demo)
    _add_json(demo)


def _add_workspace(command: argparse.ArgumentParser) -> None:
    command.add_argument("--workspace", type=Path, help="folder that keeps everything")


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="one JSON value on the last line")


def _length(text: str) -> int:
    if not 1 <= (number := int(text)) <= 50:
        raise argparse.ArgumentTypeError("a list has 1 to 50 items")
    return number


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("the number must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
