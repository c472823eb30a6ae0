"""The whole command line: its commands, their flags and the words of their help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Container
from pathlib import Path
from typing import Any, NoReturn

from core.cli.flags import add_pair, add_reading, add_split

MOST_DEALS = 100  # placebos of one run
MOST_DIGITS = 12  # of a whole number: Python itself refuses to read one of thousands


class Parser(argparse.ArgumentParser):
    """Says what is wrong in two sentences instead of a usage dump, and takes no half flags."""

    def __init__(self, **about: Any) -> None:
        super().__init__(**about, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the two sentences on stderr and leave with 2."""
        self.exit(2, f"{message[:1].upper()}{message[1:]}. See `{self.prog} --help`.\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(prog="python -m core", description="Crosswalk without a screen.")
    commands = top.add_subparsers(dest="command", required=True, parser_class=Parser)
    models = commands.add_parser("models", help="list the models")
    models.add_argument("--markdown", action="store_true", help="as the table of the README")
    _add_json(models)
    check = commands.add_parser(
        "check", help="say what files are taken for and what looks wrong, and keep nothing"
    )
    _add_data(check)
    check.add_argument("--seed", type=_seed, default=2022)
    check.add_argument("--threads", type=_positive, help="threads of the numeric libraries")
    _add_json(check)
    _add_run(commands)
    _add_search(commands)
    blend = commands.add_parser("blend", help="make one run of two on the same split")
    blend.add_argument("--runs", type=Path, nargs=2, required=True, help="folders of two runs")
    blend.add_argument("--kind", default="sum", help="sum, product or stacking")
    blend.add_argument(
        "--weight", default="auto", help="what the first run counts, 0 to 1; auto: by validation"
    )
    _add_json(blend, full=True)
    _add_route(commands)
    _add_compress(commands)
    _add_evidence(commands)
    upload = commands.add_parser("upload", help="measure lists of another system as a run")
    upload.add_argument("file", type=Path, help="rows of user, item, and a rank or a score")
    upload.add_argument("--name", default="", help="what the run is called")
    _add_data(upload, lists=True)
    upload.add_argument("--seed", type=_seed, default=2022)
    _add_workspace(upload)
    _add_json(upload, full=True)
    _add_recommend(commands)
    _add_report(commands)
    answer = commands.add_parser(
        "answer", help="two files in: whether the source helps, whom, and what to use"
    )
    _add_data(answer)
    answer.add_argument(
        "--minutes",
        type=_positive,
        default=1,
        help="how long more models are tried once the first ones are there, such as 1, 5 or 30",
    )
    answer.add_argument("--threads", type=_positive, help="threads of the numeric libraries")
    _add_workspace(answer)
    _add_json(answer)
    demo = commands.add_parser("demo", help="load the sample pair and train the demo runs")
    _add_workspace(demo)
    _add_json(demo)
    return top


def _add_route(commands: Any) -> None:
    route = commands.add_parser(
        "route", help="make one run that asks the best of several for each group of people"
    )
    route.add_argument("runs", nargs="+", metavar="RUN", help="two or more runs, ids or folders")
    route.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="GROUP=RUN",
        help="the run a group asks, whatever validation says: none, 1-4, 5-9, 10-19 or 20+ target "
        "items known, or 1+ for all from 1; may be repeated",
    )
    route.add_argument("--label", default="", help="what the new run is called")
    _add_workspace(route)
    _add_json(route, full=True)


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", help="train a model and its twin, print the figures")
    _add_data(run)
    _add_model(run)
    run.add_argument("--alpha", type=float, default=1.0, help="weight of the source evidence")
    run.add_argument("--beta", type=float, default=1.0, help="weight of the target evidence")
    run.add_argument("--k", type=_length, default=10, help="length of a list, 1 to 50")
    run.add_argument(
        "--cold-folds",
        type=_folds,
        default=0,
        metavar="N",
        help="test cold users: N folds over all shared users, each once without target history",
    )
    run.add_argument(
        "--folds",
        type=_folds,
        default=0,
        metavar="N",
        help="cross-validation: N folds over the rows of every user, each row tested once, and one "
        "lift over all of them",
    )
    run.add_argument(
        "--placebo",
        type=_deals,
        metavar="N",
        help="also train it N times with the source's histories dealt to other people",
    )
    run.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="also write loss and validation per epoch of run and twin there, for TensorBoard",
    )
    _add_workspace(run)
    _add_json(run, full=True)


def _add_search(commands: Any) -> None:
    search = commands.add_parser(
        "search", help="search settings of a model and of its twin, judged on validation only"
    )
    _add_data(search)
    _add_model(search)
    search.add_argument(
        "--grid",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=V1,V2",
        help="values to try, by default the model's own small grid",
    )
    search.add_argument(
        "--trials",
        type=_positive,
        default=0,
        help="trials of the model, and as many of its twin; by default all combinations",
    )
    search.add_argument("--train", action="store_true", help="train the winner at the end")
    _add_workspace(search)
    _add_json(search)


def _add_data(command: argparse.ArgumentParser, lists: bool = False) -> None:
    command.add_argument("--source", type=Path, help="interactions of the source domain")
    command.add_argument("--target", type=Path, help="interactions of the target domain")
    command.add_argument("--items-source", type=Path, help="titles and categories of source items")
    command.add_argument("--items-target", type=Path, help="titles and categories of target items")
    command.add_argument(
        "--triples", type=Path, help="what items have in common: head, relation, tail"
    )
    command.add_argument(
        "--splits",
        type=Path,
        help="folder with the files source_train, target_train, target_valid and target_test",
    )
    command.add_argument("--swap", action="store_true", help="exchange source and target")
    add_reading(command, lists)
    add_pair(command)
    add_split(command, hashes=lists)
    command.add_argument(
        "--new-items",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="hide so many of the target items, such as 0.2, and rank these alone in the test",
    )


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", required=True, help="name of a model, see `models`")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="a setting of the model; may be repeated",
    )
    command.add_argument("--seed", type=_seed, default=2022)
    command.add_argument(
        "--device", type=_device, default="auto", help="auto, cpu, cuda, cuda:1 or mps"
    )
    command.add_argument("--threads", type=_positive, help="threads of the numeric libraries")


def _add_evidence(commands: Any) -> None:
    for name, words in (
        ("overlap", "quality against the share of shared users that training knows"),
        ("reseed", "noise floor: the twin trained again, with nothing changed but chance"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--run", type=Path, required=True, help="folder of a run")
        _add_json(command)
    placebo = commands.add_parser(
        "placebo", help="the same model with the source's histories dealt to other people"
    )
    placebo.add_argument("run", help="id of a run, or its folder")
    placebo.add_argument(
        "--deals",
        type=_deals,
        metavar="N",
        help="how often they are dealt; by default 5 times, once for a model of gradients",
    )
    _add_workspace(placebo)
    _add_json(placebo, full=True)


def _add_compress(commands: Any) -> None:
    compress = commands.add_parser("compress", help="make a smaller run, beside the original")
    compress.add_argument("--run", type=Path, required=True, help="folder of a run")
    compress.add_argument("--kind", default="int8", help="int8, pruned or student")
    compress.add_argument(
        "--keep", type=float, default=0.1, help="share of the weights that pruning keeps"
    )
    compress.add_argument(
        "--anyway",
        action="store_true",
        help="keep it even if it loses more than a tenth of its validation quality",
    )
    _add_json(compress, full=True)


def _add_recommend(commands: Any) -> None:
    recommend = commands.add_parser("recommend", help="one user's list with both parts")
    recommend.add_argument("--run", type=Path, required=True, help="folder of a run")
    recommend.add_argument("--user", required=True, help="id of a user")
    recommend.add_argument("--k", type=_length, default=10, help="length of a list, 1 to 50")
    recommend.add_argument("--alpha", type=float, default=1.0)
    recommend.add_argument("--beta", type=float, default=1.0)
    recommend.add_argument(
        "--new-items",
        action="store_true",
        help="items of the item table that nobody took may be listed, marked as new",
    )
    recommend.add_argument(
        "--rerank",
        default="none",
        help="order the best 50 by more than their score: mmr (variety), calibrated (the mix of "
        "the history) or none",
    )
    recommend.add_argument(
        "--strength", type=float, default=0.3, help="what that counts, 0 to 1, beside the score"
    )
    _add_json(recommend)


def _add_report(commands: Any) -> None:
    report = commands.add_parser("report", help="write one HTML file that tells a run's story")
    report.add_argument("--run", required=True, help="id of a run, or its folder")
    report.add_argument("--out", type=Path, required=True, help="the HTML file to write")
    report.add_argument("--title", default="", help="by default made from the two domains")
    report.add_argument("--note", default="", help="a few words below the title")
    report.add_argument(
        "--without",
        action="extend",
        nargs="+",
        default=[],
        metavar="SECTION",
        help="sections to leave out, such as people or reproduce",
    )
    report.add_argument("--hide-users", action="store_true", help="letters in place of user ids")
    _add_workspace(report)
    _add_json(report)


def _add_workspace(command: argparse.ArgumentParser) -> None:
    command.add_argument("--workspace", type=Path, help="folder that keeps everything")


def _add_json(command: argparse.ArgumentParser, full: bool = False) -> None:
    command.add_argument(
        "--json", action="store_true", help="one JSON value on the last line, not a summary"
    )
    if full:
        command.add_argument(
            "--full", action="store_true", help="JSON with every cut-off and every segment"
        )


def _seed(text: str) -> int:
    return _whole(text, range(2**32), "a seed is a whole number from 0 to 4,294,967,295")


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError("a device is auto, cpu, cuda, cuda:1 or mps")
    return text


def _deals(text: str) -> int:
    return _whole(text, range(1, MOST_DEALS + 1), f"the source is dealt 1 to {MOST_DEALS} times")


def _length(text: str) -> int:
    return _whole(text, range(1, 51), "a list has 1 to 50 items")


def _folds(text: str) -> int:
    return _whole(text, (0, *range(2, 21)), "there are 2 to 20 folds")


def _positive(text: str) -> int:
    return _whole(text, range(1, 10**MOST_DIGITS), "the number must be at least 1")


def _whole(text: str, allowed: Container[int], refused: str) -> int:
    """The number; refused: what is said where it is none of the allowed ones."""
    if not text.isdecimal() or len(text) > MOST_DIGITS or (number := int(text)) not in allowed:
        raise argparse.ArgumentTypeError(refused)
    return number
