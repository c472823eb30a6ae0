"""How a file is read that nobody looks at first: by what was said of it, and by plain names.

No role is taken on a weak guess. What a file leaves open and could change the result is refused,
with the flag that answers it; an optional column that is only a guess is left out, and said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from core.basics.columns import DISTANCE, RANK, SCORE, TIME
from core.basics.errors import DataError
from core.basics.formatting import count
from core.cli.flags import ANSWERS, COLUMN_FLAGS, FILES, LIST_FLAGS, NONE, FileChoices
from core.data.reading.doubts import Doubt, find_doubts, said_of_values, settled, unsettled
from core.data.reading.ingest import REJECTS, ImportReport
from core.data.reading.options import ID_ROLES, IGNORE, LABELS, LISTS, TABLE, ReadOptions
from core.data.reading.preview import Preview, preview_file
from core.data.reading.rejects import REASON
from core.data.reading.roles import SURE, RoleGuess

FLAGS = {role: flag for flag, (role, _) in {**COLUMN_FLAGS, **LIST_FLAGS}.items()}
PREVIEWED = (  # what decides a head's cells
    "encoding",
    "delimiter",
    "quote",
    "header",
    "layout",
    "skip_lines",
    "comment",
    "escape",
)
VALUES = ("date_format", "thousands", "separator", "no_rating", "decimal_comma")
ORDERS = (RANK, SCORE, DISTANCE)  # one of these orders lists
NAMED, CHOSEN = "by its name", "as you said"
SHOWN = 12  # columns that an error lists


@dataclass(frozen=True)
class Reading:
    """How a file will be read; nothing of it is imported.

    columns: label of a role -> column. ignored: column -> why. doubts: what is left open and could
    change the result. said: sentences on what is left out.
    """

    path: Path
    options: ReadOptions
    columns: dict[str, str]
    ignored: dict[str, str]
    doubts: list[Doubt] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    head: pd.DataFrame = field(default_factory=pd.DataFrame)


def read_choices(
    path: Path, kind: str, choices: FileChoices, file: str, times_count: bool = False
) -> Reading:
    """How the file will be read: file is one of FILES, to name the flag that would answer.

    times_count: whether the result depends on times, so that a doubtful one may not be left out.
    Raises DataError where it cannot be read, a column that was named is not there, or a needed one
    is not named plainly.
    """
    check_there(path)
    try:
        style = {name: choices.style[name] for name in PREVIEWED if name in choices.style}
        preview = preview_file(path, kind, **style)
        rest = {name: value for name, value in choices.style.items() if name not in PREVIEWED}
        options = replace(preview.options, **rest)
        return _reading(path, replace(preview, options=options), choices, file, times_count)
    except DataError as error:
        raise named(error, path) from error


def check_there(path: Path) -> None:
    """Raises DataError where the path is no file."""
    if path.is_dir():
        raise DataError(what=f"{path} is a folder.", hint="Give the file in it that holds rows.")
    if not path.exists():
        raise DataError(what=f"There is no file {path}.", hint="Check the path.")


def named(error: DataError, path: Path) -> DataError:
    """The same error with the file it is about, unless it names it already."""
    if path.name in error.what or path.name in error.hint:
        return error
    return DataError(what=f"{path.name[:80]}: {error.what}", hint=error.hint)


def refuse_doubts(reading: Reading, file: str) -> None:
    """Raises DataError for the first thing that is left open, with the flag that answers it."""
    for doubt in reading.doubts:
        hint = f"Say which with {answer_to(doubt, file)}."
        if not doubt.option:  # the file is to blame, and no other reading of it helps
            hint = f"{doubt.hint.rstrip('.')}, or take them with {answer_to(doubt, file)}."
        raise DataError(what=f"{reading.path.name[:80]}: {doubt.what.rstrip('.')}.", hint=hint)


def answer_to(doubt: Doubt, file: str) -> str:
    """The flag that answers a doubt about a file, with the values to choose from."""
    flag = FLAGS.get(doubt.option) or ANSWERS.get(doubt.option, "--ids-as-they-are")
    where = "" if file == FILES[-1] else f"{file}="
    if doubt.option == "header":
        return f"--header {file} or --no-header {file}"
    if doubt.option in ("", "decimal_comma"):
        return f"{flag} {file}"
    if doubt.option in ORDERS:
        words = [f"{FLAGS[role]} {where}{_typed(doubt.column)}" for role in ORDERS]
        return " or ".join([*words, f"{flag} {where}{NONE}"])
    shown = [value if value else NONE for value in doubt.choices]
    words = [f"{flag} {where}{_typed(value)}" for value in shown] or [f"{flag} {where}VALUE"]
    if doubt.option == "no_rating":
        words.append(f"{flag} {where}keep")
    return " or ".join(dict.fromkeys(words))


def account_of(reading: Reading, done: ImportReport, file: str) -> dict[str, Any]:
    """What became of a file, ready for JSON: every column, how it was read, every row."""
    options = reading.options
    table = options.layout == TABLE
    reasons = pd.read_parquet(done.folder / REJECTS, columns=[REASON])[REASON].value_counts()
    known = done.to_dict()
    return {
        "file": reading.path.name,
        "part": file,
        "kind": options.kind,
        "dataset": done.hash,
        "columns": reading.columns,
        "ignored": reading.ignored,
        "encoding": options.encoding,
        "layout": options.layout,
        "delimiter": options.delimiter if table else None,
        "header": options.header if table else None,
        "rows": done.rows,
        "kept": done.kept,
        "rejected": done.rejected,
        "rejected_because": {str(reason): int(rows) for reason, rows in reasons.items()},
        "merged": done.merged,
        "skipped_lines": known.get("skipped", 0),
    }


def account_words(account: dict[str, Any]) -> str:
    """`books.csv: user from uid, item from asin; 12 rows = 11 kept + 1 rejected + 0 merged.`"""
    roles = ", ".join(f"{label} from {column}" for label, column in account["columns"].items())
    lines = account["skipped_lines"]
    skipped = f", {count(lines, 'line')} skipped" if lines else ""
    because = "".join(
        f" {rows:,} rejected: {reason}." for reason, rows in account["rejected_because"].items()
    )
    return (
        f"{account['file']}: {roles}; {account['rows']:,} rows = {account['kept']:,} kept + "
        f"{account['rejected']:,} rejected + {account['merged']:,} merged{skipped}.{because}"
    )


def _reading(
    path: Path, preview: Preview, choices: FileChoices, file: str, times_count: bool
) -> Reading:
    options, kind = preview.options, preview.options.kind
    chosen = _chosen(list(preview.head.columns), choices)
    roles: dict[str, str] = {}
    ignored: dict[str, str] = {}
    said: list[str] = []
    doubts: list[Doubt] = []
    for column, guess in preview.guesses.items():
        role = chosen.get(column, guess.role)
        roles[column] = IGNORE
        if column in chosen:
            roles[column] = role
        elif role == IGNORE:
            ignored[column] = guess.why
        elif role in choices.columns:
            ignored[column] = f"another column is the {LABELS[role]}, {CHOSEN}"
            if choices.columns[role] == NONE:
                ignored[column] = f"no column is the {LABELS[role]}, {CHOSEN}"
        elif role in ORDERS and _tells_order(choices):
            ignored[column] = f"another column orders the lists, {CHOSEN}"
        elif is_plain(guess, needed=role in ID_ROLES[kind]):
            roles[column] = role
        else:
            ignored[column] = f"perhaps the {LABELS[role]}, but that is a guess: {guess.why}"
            if kind == LISTS and role in FLAGS and role not in ID_ROLES[kind]:
                doubts.append(_of_order(column, role, guess))
            elif role not in ID_ROLES[kind]:
                said.append(_left_out(path, column, role, guess, file))
    if preview.other_shape and not set(ID_ROLES[kind]) <= set(choices.columns):
        what, hint = preview.other_shape.split(". ", 1)
        raise DataError(what=f"{path.name[:80]}: {what}.", hint=hint)
    _check_ids(path, roles, preview, kind, file)
    given = {name: choices.style[name] for name in VALUES if name in choices.style}
    options = replace(unsettled(options), roles=roles, **given)
    options = replace(settled(preview.sample, options), **given)
    found = [*preview.doubts, *find_doubts(preview.sample, options)]
    said += [f"{path.name}: {sentence}" for sentence in said_of_values(preview.sample, options)]
    for doubt in _open(found, roles, choices, kind):
        if roles.get(doubt.column) == TIME and not times_count:
            roles[doubt.column], ignored[doubt.column] = IGNORE, doubt.what
            said.append(
                f"{path.name}: {doubt.what.rstrip('.')}. The times are left out; say which with "
                f"{answer_to(doubt, file)}."
            )
        else:
            doubts.append(doubt)
    options = replace(options, roles=roles)
    taken = {LABELS.get(role, role): column for role, column in options.columns().items()}
    return Reading(path, options, taken, ignored, doubts, said, preview.head)


def is_plain(guess: RoleGuess, needed: bool) -> bool:
    """Whether a role is named plainly enough to be taken unseen, or goes by a known layout.

    A column that is not needed must be called by the very word: playtime is no time.
    """
    return guess.why.startswith("as ") or (
        guess.why == NAMED and (needed or guess.confidence >= SURE)
    )


def _chosen(columns: list[str], choices: FileChoices) -> dict[str, str]:
    """Column -> role, as said; a number is the place of a column that has no such name."""
    found: dict[str, str] = {}
    for role, told in choices.columns.items():
        if told == NONE:
            continue
        column = told
        if told not in columns and told.isdecimal() and 1 <= int(told) <= len(columns):
            column = columns[int(told) - 1]
        if column not in columns:
            raise DataError(
                what=f"There is no column {told[:60]!r} for the {LABELS.get(role, role)}.",
                hint=f"It has {_listed(columns)}.",
            )
        if column in found:
            flags = f"{FLAGS[found[column]]} and {FLAGS[role]}"
            raise DataError(
                what=f"{flags} both name the column {column[:60]!r}.",
                hint="Name another column, or none.",
            )
        found[column] = role
    return found


def _check_ids(path: Path, roles: dict[str, str], preview: Preview, kind: str, file: str) -> None:
    """Raises DataError where a needed column is neither named plainly nor told."""
    missing = [role for role in ID_ROLES[kind] if role not in roles.values()]
    if not missing:
        return
    columns, role = list(preview.head.columns), missing[0]
    hint = f"Call one of {_listed(columns)} so in the file."
    if role in FLAGS:
        where = "" if file == FILES[-1] else f"{file}="
        numbers = "" if preview.options.header else " or its number, 1 for the first"
        hint = f"Say {FLAGS[role]} {where}COLUMN with one of {_listed(columns)}{numbers}."
    raise DataError(
        what=f"{path.name[:80]} has no column that is plainly the {LABELS[role]}.", hint=hint
    )


def _open(
    doubts: Iterable[Doubt], roles: dict[str, str], choices: FileChoices, kind: str
) -> list[Doubt]:
    """Doubts about the whole file and about columns that are used, without those answered."""
    return [
        doubt
        for doubt in doubts
        if (not doubt.column or roles.get(doubt.column, IGNORE) != IGNORE)
        and doubt.option not in choices.style
        and not (choices.as_they_are and roles.get(doubt.column) in ID_ROLES[kind])
    ]


def _left_out(path: Path, column: str, role: str, guess: RoleGuess, file: str) -> str:
    flag = FLAGS.get(role)
    take = f"Take it with {flag} {file}={column}." if flag else "Rename it to take it."
    return f"{path.name}: {column} may be the {LABELS[role]} ({guess.why}), and is left out. {take}"


def _of_order(column: str, role: str, guess: RoleGuess) -> Doubt:
    """Lists stand in another order without the column, so it may not be left out unasked."""
    what = f"the column {column} may be the {LABELS[role]} ({guess.why})"
    return Doubt(column, what, "", role, {column: "", NONE: ""})


def _typed(value: str) -> str:
    """A value as it is typed in a shell."""
    plain = {"\t": "tab", " ": "space", "\\": "backslash"}.get(value, value)
    return f"'{plain}'" if set(plain) & set(' ;|&<>$`"\\*?#()') else plain


def _listed(columns: list[str]) -> str:
    shown = ", ".join(column[:60] for column in columns[:SHOWN])
    return f"{shown} and {len(columns) - SHOWN:,} more" if len(columns) > SHOWN else shown


def _tells_order(choices: FileChoices) -> bool:
    """Whether it was said which column orders the lists."""
    return any(choices.columns.get(role, NONE) != NONE for role in ORDERS)
