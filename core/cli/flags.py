"""Flags that say how files are read, what becomes of a pair, and how it is split.

Nothing here reads a file or imports NumPy: the number of threads is set after flags are read.
"""

from __future__ import annotations

import argparse
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.basics.columns import (
    COUNT,
    DISTANCE,
    EVENT,
    ITEM,
    RANK,
    RATING,
    SCORE,
    SOURCE,
    TARGET,
    TIME,
    USER,
)
from core.basics.errors import SettingsError

NONE = "none"  # in place of a column or a character: there is no such thing
LISTS_FILE = "lists"
FILES = (SOURCE, TARGET, "items-source", "items-target", "links", "triples", LISTS_FILE)
INTERACTION_FILES = (SOURCE, TARGET)
COLUMN_FLAGS = {
    "--user": (USER, "column of the users"),
    "--item": (ITEM, "column of the items"),
    "--rating": (RATING, "column of the ratings"),
    "--time": (TIME, "column of the times"),
    "--count": (COUNT, "column that counts, such as plays or units"),
    "--event": (EVENT, "column of event types, such as view or purchase"),
}
LIST_FLAGS = {
    "--rank": (RANK, "column of the ranks"),
    "--score": (SCORE, "column of the scores, the largest is best"),
    "--distance": (DISTANCE, "column of distances or losses, the smallest is best"),
}
STYLE_FLAGS = {  # flag -> field of ReadOptions, what it says
    "--encoding": ("encoding", "such as utf-8, gb18030 or cp1252"),
    "--delimiter": ("delimiter", "what stands between columns: a character, tab or space"),
    "--quote": ("quote", "what quotes a cell, or none"),
    "--escape": ("escape", "what stands before a quote inside quotes, such as a backslash"),
    "--comment": ("comment", "lines that begin with it are left out"),
    "--skip-lines": ("skip_lines", "lines before the table, its header not counted"),
    "--thousands": ("thousands", "what stands between groups of three digits, or none"),
    "--separator": ("separator", "what stands between several values in one cell"),
    "--date-format": ("date_format", "form of the times, such as %%d/%%m/%%Y"),
    "--no-rating": ("no_rating", "a rating that means not rated, or keep where all are ratings"),
}
YES, NO = "yes", "no"
YES_OR_NO = (  # flag, field of ReadOptions or of FileChoices, its value, what it says
    ("--header", "header", YES, "the first line names the columns"),
    ("--no-header", "header", NO, "the first line is a row already"),
    ("--decimal-comma", "decimal_comma", YES, "numbers are written like 3,5"),
    ("--no-decimal-comma", "decimal_comma", NO, "commas in numbers are no decimal signs"),
    ("--ids-as-they-are", "ids_as_they_are", YES, "take ids that look rounded or odd"),
)
WORDS_FOR = {"backslash": "\\", "tab": "\t", "space": " ", "\\t": "\t", NONE: "", "keep": ""}
ANSWERS = {name: flag for flag, (name, _) in STYLE_FLAGS.items()} | {
    "header": "--no-header",
    "decimal_comma": "--decimal-comma",
    "events": "--event-weight",
    "": "--ids-as-they-are",
}
SPLITS = {  # as it is typed -> kind of a split
    "random": "random",
    "leave-k-out": "leave-k-out",
    "temporal": "temporal",
    "leave-latest-k": "leave-latest-k",
    "cold-users": "cold-start users",
    "new-items": "new items",
}
PAIR_FLAGS = {  # flag -> settings of a pair that it sets
    "--rating-threshold": ("rating_threshold",),
    "--k-core": ("source_core", "target_core"),
    "--source-core": ("source_core",),
    "--target-core": ("target_core",),
    "--first-day": ("first_day",),
    "--last-day": ("last_day",),
    "--match-users": ("match_users",),
    "--exchanged": ("exchanged_columns",),
    "--drop-cross-listed": ("drop_cross_listed",),
    "--drop-double-users": ("drop_double_users",),
}
DOMAIN_FLAGS = {  # flag -> ending of the setting of a domain
    "--min-user": "fewest",
    "--max-user": "most",
    "--min-item": "item_fewest",
    "--liked-from": "liked_from",
}
SPLIT_FLAGS = {  # flag -> setting of a split, the kinds it belongs to
    "--valid-share": ("valid_share", ("random", "temporal")),
    "--test-share": ("test_share", ("random", "temporal")),
    "--held-out": ("held_out", ("leave-k-out", "leave-latest-k")),
    "--test-from": ("test_from", ("temporal",)),
    "--cold-share": ("cold_share", ("cold-users",)),
}
FOLD_FLAGS = {"cold-folds": "cold-start fold", "folds": "fold of rows"}  # -> kind of a split
FLAG_OF = {  # setting of a pair or a split -> the flag that sets it
    **{name: flag for flag, names in reversed(PAIR_FLAGS.items()) for name in names},
    **{
        f"{domain}_{end}": flag for flag, end in DOMAIN_FLAGS.items() for domain in (SOURCE, TARGET)
    },
    **{name: flag for flag, (name, _) in SPLIT_FLAGS.items()},
    "new_share": "--new-items",
}
_SPLIT_VALUES: dict[str, tuple[type, str]] = {  # of settings that are no share
    "held_out": (int, "N"),
    "test_from": (str, "DAY"),
}


@dataclass(frozen=True)
class FileChoices:
    """What was said about one file.

    columns: role -> column, its number, or NONE. style: fields of ReadOptions. as_they_are: ids may
    stay as they are, whatever looks odd about them.
    """

    columns: dict[str, str] = field(default_factory=dict)
    style: dict[str, Any] = field(default_factory=dict)
    as_they_are: bool = False


def add_reading(command: ArgumentParser, lists: bool = False) -> None:
    """Add the flags that say how files are read; lists: of recommendations, beside others."""
    files = "the lists" if lists else "both files"
    group = command.add_argument_group(
        "how files are read",
        f"A value is for {files}, or for one file where its name stands before it: "
        f"{', '.join(f'{name}=' for name in FILES)}. May be repeated.",
    )
    for flag, (_, words) in {**COLUMN_FLAGS, **(LIST_FLAGS if lists else {})}.items():
        group.add_argument(
            flag,
            action="append",
            default=[],
            type=_for_file,
            metavar="COLUMN",
            help=f"{words}; its number in a file without header; none where there is none",
        )
    for flag, (_, words) in STYLE_FLAGS.items():
        group.add_argument(
            flag, action="append", default=[], type=_for_file, metavar="VALUE", help=words
        )
    for flag, name, value, words in YES_OR_NO:
        group.add_argument(
            flag,
            dest=name,
            action="append",
            nargs="?",
            const=("", value),
            default=[],
            type=_naming(value),
            metavar="FILE",
            help=words,
        )
    group.add_argument(
        "--event-weight",
        action="append",
        default=[],
        metavar="TYPE=WEIGHT",
        help="what a row of this event type counts; 0 leaves its rows out",
    )


def add_pair(command: ArgumentParser) -> None:
    """Add the flags that say which rows of two files become a pair."""
    group = command.add_argument_group("which rows make the pair")
    plain = {
        "--rating-threshold": (
            float,
            "STARS",
            "stars of 5 from which a row is liked, else 3; in a given split every row is, unless "
            "this is asked for",
        ),
        "--k-core": (int, "N", "every user and item of both domains keeps so many rows"),
        "--source-core": (int, "N", "the same in the source alone, by default 0"),
        "--target-core": (int, "N", "the same in the target alone, by default 5"),
        "--first-day": (str, "DAY", "rows before it are left out, such as 2024-05-31"),
        "--last-day": (str, "DAY", "rows after it are left out"),
    }
    for flag, (kind, shown, words) in plain.items():
        group.add_argument(flag, type=kind, metavar=shown, help=words)
    bounds = {
        "--liked-from": "a rating from which a row is liked, as a value of the file",
        "--min-user": "users with fewer interactions are left out",
        "--max-user": "users with more interactions are left out",
        "--min-item": "items with fewer interactions are left out",
    }
    for flag, words in bounds.items():
        group.add_argument(
            flag,
            action="append",
            default=[],
            type=_for_file,
            metavar="N",
            help=f"{words}; source=N or target=N for one of both",
        )
    group.add_argument("--match-users", choices=("exactly", "loosely"), help="how ids are compared")
    group.add_argument(
        "--exchanged",
        choices=(SOURCE, TARGET, "both"),
        help="read users as items and items as users in this file, or in both",
    )
    for flag, words in (
        ("--drop-cross-listed", "leave out source items that the target lists too"),
        ("--drop-double-users", "of user ids with nearly the same history keep one"),
    ):
        group.add_argument(flag, action="store_const", const=True, help=words)
    group.add_argument(
        "--links", type=Path, help="which target user is which source user, where ids differ"
    )


def add_split(command: ArgumentParser, hashes: bool = False) -> None:
    """Add the flags that say which target rows are held out.

    hashes: a split that is in the workspace may be named by its hash as well.
    """
    group = command.add_argument_group("which rows are held out")
    group.add_argument(
        "--split",
        dest="split_kind",
        type=_split_kind_or_hash if hashes else _split_kind,
        metavar="KIND",
        help=f"{', '.join(SPLITS)}; by default random"
        + ("; or the hash of a split in the workspace" if hashes else ""),
    )
    for flag, (name, kinds) in SPLIT_FLAGS.items():
        kind, shown = _SPLIT_VALUES.get(name, (float, "SHARE"))
        words = name.replace("_", " ")
        group.add_argument(
            flag,
            type=kind,
            metavar=shown,
            help=f"{words} of a {' or '.join(kinds)} split",
        )


def choices_of(options: Namespace, file: str) -> FileChoices:
    """What was said about one of FILES; what names the file counts more than what is for all."""
    main = (LISTS_FILE,) if options.command == "upload" else INTERACTION_FILES
    keys = ("", file) if file in main else (file,)

    def last(flag: str) -> str | None:
        """The last word that names the file, else the last for all files."""
        said = getattr(options, _attribute(flag), [])
        found = [value for key in keys for where, value in said if where == key]
        return found[-1] if found else None

    columns = {
        role: value
        for flag, (role, _) in {**COLUMN_FLAGS, **LIST_FLAGS}.items()
        if (value := last(flag)) is not None
    }
    style: dict[str, Any] = {
        name: WORDS_FOR.get(value, value)
        for flag, (name, _) in STYLE_FLAGS.items()
        if (value := last(flag)) is not None
    }
    if "skip_lines" in style:
        style["skip_lines"] = _whole("--skip-lines", style["skip_lines"])
    for name in ("header", "decimal_comma"):
        if (value := last(name)) is not None:
            style[name] = value == YES
    if file in INTERACTION_FILES and getattr(options, "event_weight", None):
        style["events"] = dict(_event_weight(text) for text in options.event_weight)
    return FileChoices(columns, style, last("ids_as_they_are") == YES)


@contextmanager
def named_by_flags() -> Iterator[None]:
    """A setting of the pair or the split that is refused is called by its flag, as it was typed."""
    try:
        yield
    except SettingsError as error:
        name, _, rest = error.what.partition(" ")
        if name not in FLAG_OF:
            raise
        raise SettingsError(f"{FLAG_OF[name]} {rest}", error.hint) from error


def pair_values(options: Namespace) -> dict[str, Any]:
    """Settings of a pair by name, only those that were given."""
    values: dict[str, Any] = {}
    for flag, names in PAIR_FLAGS.items():
        given = getattr(options, _attribute(flag), None)
        values |= {name: given for name in names if given is not None}
    for flag, ending in DOMAIN_FLAGS.items():
        said = getattr(options, _attribute(flag), [])
        for domains in ((SOURCE, TARGET), (SOURCE,), (TARGET,)):
            key = domains[0] if len(domains) == 1 else ""
            values |= {f"{d}_{ending}": value for d in domains for k, value in said if k == key}
    return values


def split_values(options: Namespace) -> dict[str, Any]:
    """Settings of a split by name, only those that were given.

    Raises SettingsError where a flag belongs to another kind of split than the one asked for.
    """
    kind, new = options.split_kind, options.new_items
    kind = kind if kind in SPLITS else None  # else it is the hash of a split
    asked = {
        "--split": kind,
        "--new-items": "new-items" if new else None,
        **{f"--{way}": way if getattr(options, _attribute(way), 0) else None for way in FOLD_FLAGS},
    }
    told = {flag: what for flag, what in asked.items() if what}
    if len(set(told.values())) > 1:
        if not kind:
            raise SettingsError(
                f"A run holds out in one way, and {' and '.join(told)} are several.",
                f"Leave out {' or '.join(told)}.",
            )
        one, other = list(told)[:2]
        raise SettingsError(
            f"--split {kind} and {other} ask for different splits.", f"Leave out {one} or {other}."
        )
    values: dict[str, Any] = {}
    wanted = next(iter(told.values()), "random")
    if told and wanted in SPLITS:  # not folds, which are as many splits
        values["kind"] = SPLITS[wanted]
    if new:
        values["new_share"] = new
    for flag, (name, kinds) in SPLIT_FLAGS.items():
        given = getattr(options, _attribute(flag), None)
        if given is None:
            continue
        if wanted not in kinds:
            raise SettingsError(
                f"{flag} says nothing about a {wanted} split.",
                f"Leave it out, or ask for --split {' or '.join(kinds)}.",
            )
        values[name] = given
    return values


def fold_values(options: Namespace) -> dict[str, Any]:
    """Settings of the folds that were asked for, without the number of one; empty for none."""
    asked = {kind: getattr(options, _attribute(way)) for way, kind in FOLD_FLAGS.items()}
    return next(({"kind": kind, "folds": n} for kind, n in asked.items() if n), {})


def given_flags(options: Namespace) -> list[str]:
    """Flags of pair, links and shares that were given, which a folder of a split has no use for.

    Shares are of use where it is to be split another way, and a threshold always.
    """
    shares = [] if options.split_kind else [*SPLIT_FLAGS]
    flags = [*PAIR_FLAGS, *DOMAIN_FLAGS, "--links", *shares]
    flags.remove("--rating-threshold")
    return [flag for flag in flags if getattr(options, _attribute(flag), None)]


def _attribute(flag: str) -> str:
    """Where argparse keeps a flag."""
    return flag.removeprefix("--").replace("-", "_")


def _for_file(text: str) -> tuple[str, str]:
    """The file a value is for, "" for all, and the value."""
    key, found, value = text.partition("=")
    return (key, value) if found and key in FILES else ("", text)


def _naming(value: str) -> Callable[[str], tuple[str, str]]:
    """What reads the name of a file behind a flag that otherwise stands alone."""

    def named(text: str) -> tuple[str, str]:
        if text not in FILES:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(FILES)}")
        return text, value

    return named


def _split_kind(text: str) -> str:
    kind = text.replace("_", "-").replace(" ", "-")
    kind = {"cold": "cold-users", "cold-start-users": "cold-users"}.get(kind, kind)
    if kind not in SPLITS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(SPLITS)}")
    return kind


def _split_kind_or_hash(text: str) -> str:
    return text if re.fullmatch(r"[0-9a-f]{16}", text) else _split_kind(text)


def _whole(flag: str, text: str) -> int:
    if not text.isdecimal():
        raise SettingsError(f"{flag} cannot be {text!r}.", "Give a whole number, such as 3.")
    return int(text)


def _event_weight(text: str) -> tuple[str, float]:
    event, _, weight = text.rpartition("=")
    try:
        return event, float(weight)
    except ValueError:
        raise SettingsError(
            f"--event-weight {text} has no weight.", "Write it as --event-weight view=0.2."
        ) from None
