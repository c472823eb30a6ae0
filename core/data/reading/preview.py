"""What a file seems to be before it is imported: its first lines, cells and a guess to change."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from core.basics.columns import ITEM, VECTOR
from core.basics.errors import DataError
from core.data.reading.cells import BETWEEN, ONE_ITEM, cells_of, scores_rise
from core.data.reading.doubts import Doubt, find_doubts, settled
from core.data.reading.encoding import EncodingGuess, guess_encoding
from core.data.reading.head import (
    HEAD_BYTES,
    cells,
    column_names,
    guess_delimiter,
    guess_escape,
    guess_header,
    guess_quote,
    guess_start,
    looks_like_adjacency,
    other_shape,
    pairs_of,
    read_head,
    shape_of_rows,
    shape_of_text,
)
from core.data.reading.kinds import (
    guesses_by_place,
    known_layout,
    refuse_rdf,
    trec_run,
    usual_quote,
)
from core.data.reading.options import (
    ADJACENCY,
    ID_ROLES,
    IGNORE,
    INTERACTIONS,
    JSON_LINES,
    LABELS,
    LISTS,
    OBJECTS,
    PYTHON_LINES,
    TABLE,
    TRIPLES,
    ReadOptions,
    check_style,
)
from core.data.reading.raw import (
    GZIP,
    PARQUET,
    json_rows,
    lacking,
    looks_like_json,
    looks_like_python,
    objects_of,
    opened,
    sort_of,
    text_without,
)
from core.data.reading.roles import RoleGuess, counts_up, guess_roles, has_decimal_comma
from core.data.reading.rows import VectorCounts

SHOWN_LINES, SHOWN_ROWS, SAMPLE_ROWS = 8, 50, 3_000
LATER_BYTES = 32 << 10  # of each look further on in a file
TRIED_ROWS = 10_000
_LINE_LENGTH = 300  # characters of a line that are shown
_PATIENCE = 60.0  # seconds
_ID_NAME = re.compile(r"[^\W\d_]{2,}(([\s_-](id|ID|Id))|Id|ID)s?")  # amazon_id, Netflix Id, asinID


@dataclass(frozen=True)
class Preview:
    """The head of a file and how it is taken; nothing of it is imported.

    raw: first lines as they stand, none for Parquet; head: first rows as texts; options: the
    guess, or what was given; guesses: one per column; warnings: what looks wrong; known: the
    layout's name where many data sets share it, else ""; doubts: what the style leaves open (the
    values of columns: find_doubts of the sample); sample: more rows than are shown, as texts.
    """

    sort: str  # "text", "gzip" or "parquet"
    size: int  # bytes on disk
    raw: list[str]
    head: pd.DataFrame
    options: ReadOptions
    guesses: dict[str, RoleGuess]
    warnings: list[str]
    known: str = ""
    doubts: list[Doubt] = field(default_factory=list)
    other_shape: str = ""  # what it is instead of one row per interaction
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class RejectPreview:
    """What the first rows would become; counts: column, reason, rows, examples; events: rows of
    each event type, the most frequent first."""

    rows: int
    rejected: int
    counts: pd.DataFrame
    vectors: VectorCounts | None = None  # what would become of them, where there are any
    events: dict[str, int] = field(default_factory=dict)


def preview_file(
    path: Path,
    kind: str = INTERACTIONS,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    header: bool | None = None,
    layout: str | None = None,
    skip_lines: int | None = None,
    comment: str | None = None,
    escape: str | None = None,
) -> Preview:
    """The head of a file, with everything guessed that is not given.

    Raises DataError for an empty file, an archive, an image, or what cannot be cut into rows.
    """
    sort, size = sort_of(path), path.stat().st_size
    if sort == PARQUET:
        return _preview_parquet(path, kind, size)
    guess = _encoding_of(path, sort) if encoding is None else EncodingGuess(encoding)
    options = ReadOptions(kind, encoding=guess.encoding)
    text = _head_of(path, options.encoding)
    given = _Given(delimiter, quote, header, layout, skip_lines, comment, escape)
    if kind == TRIPLES:
        refuse_rdf(text)
    rows, options, lack = _cut(text, options, given)
    sample = _frame(rows, options.header)
    rows, head = rows[: SHOWN_ROWS + 1], sample[:SHOWN_ROWS]
    if sort != GZIP and options.layout == TABLE and "16" not in options.encoding:
        later = _later_rows(path, options, len(head.columns))
        sample = pd.concat([sample, _frame([list(head.columns), *later], True)], ignore_index=True)
    known = trec_run(head, options)
    known = known if known.name else known_layout(list(head.columns), options)
    guesses = guesses_by_place(list(head.columns), known) or guess_roles(head, kind)
    joined = options.layout in OBJECTS
    shape = "" if known.roles else _shape_of(head, guesses, kind, joined=joined)
    if not shape and options.layout == TABLE and kind == INTERACTIONS:
        shape = shape_of_text(text) or shape_of_rows(rows)
    if shape:
        guesses = _without_item(guesses)
    roles = {column: guess.role for column, guess in guesses.items()}
    raw = [line[:_LINE_LENGTH] for line in text.split("\n")[:SHOWN_LINES]]
    warnings = _warnings(rows, head, options, guesses)
    if shape:
        warnings = [shape, *warnings]
    if lack:
        warnings.append(
            f"{lack} of the first {len(sample):,} lines lack a key that others have: it is read as "
            "empty, and a line without an id is rejected."
        )
    vectors = [column for column, role in roles.items() if role == VECTOR]
    comma = any(has_decimal_comma(head[column]) for column in vectors)
    options, doubts = _list_cells(head, replace(options, roles=roles, decimal_comma=comma))
    options = settled(sample, options)
    doubts = [*_encoding_doubts(guess), *doubts]
    return Preview(
        sort, size, raw, head, options, guesses, warnings, known.name, doubts, shape, sample
    )


@dataclass(frozen=True)
class _Given:
    """What a person chose of a file's style; None is to be guessed."""

    delimiter: str | None
    quote: str | None
    header: bool | None
    layout: str | None
    skip_lines: int | None
    comment: str | None
    escape: str | None


def _cut(
    text: str, options: ReadOptions, given: _Given
) -> tuple[list[list[str]], ReadOptions, int]:
    """The first rows, names of the columns among them, the style, and lines that lack a key."""
    layout = given.layout
    if layout is None:
        layout = _layout_of(text)
    lack = 0
    if layout in OBJECTS:
        objects = objects_of(text, python=layout == PYTHON_LINES)
        rows, lack = json_rows(objects), lacking(objects)
        if not rows[0]:
            raise DataError(
                what="None of the first lines is a JSON object."
                if layout == JSON_LINES
                else "None of the first lines is a dictionary of Python.",
                hint="Choose table as the layout, or write one object per line.",
            )
        options = replace(options, layout=layout, header=True)
    else:
        options = _style_of(text, replace(options, layout=layout), given)
        check_style(options)
        body, mark = text_without(text, options), options.delimiter
        if given.layout is None and options.kind == INTERACTIONS:
            looks = looks_like_adjacency(body, mark)
            options = replace(options, layout=ADJACENCY if looks else TABLE)
        if options.layout == ADJACENCY:
            options = replace(options, header=True, quote="", escape="")
            return pairs_of(body, mark, SAMPLE_ROWS), options, 0
        rows = cells(body, mark, options.quote, SAMPLE_ROWS + 1, options.escape)
        header = given.header
        header = _has_header(rows, options.kind) if header is None and rows else header
        options = replace(options, header=bool(header))
    if not rows or not rows[0]:
        raise DataError(what="The file has no rows.", hint="Choose the file that holds the rows.")
    return rows, options, lack


def _layout_of(text: str) -> str:
    if looks_like_python(text):
        return PYTHON_LINES
    return JSON_LINES if looks_like_json(text) else TABLE


def _style_of(text: str, options: ReadOptions, given: _Given) -> ReadOptions:
    """What is left out, the delimiter, the quote and the escape, each as given or guessed."""

    def names_columns(row: list[str]) -> bool:
        return _has_header([row], options.kind)

    start = guess_start(text, names_columns)
    skip = start.skip_lines if given.skip_lines is None else given.skip_lines
    comment = start.comment if given.comment is None else given.comment
    left = replace(options, skip_lines=skip, comment=comment)
    body = text_without(text, left)
    quote = guess_quote(body) if given.quote is None else given.quote
    mark = given.delimiter or start.delimiter or guess_delimiter(body, quote)
    if given.quote is None and quote == '"':
        first = cells(body, mark, "", most=1)
        quote = usual_quote(first[0] if first else [], mark, options.layout)
    escape = guess_escape(body, mark, quote) if given.escape is None else given.escape
    return replace(left, delimiter=mark, quote=quote, escape=escape)


def guess_options(path: Path, kind: str = INTERACTIONS) -> ReadOptions:
    """Options for a file nobody looks at first, as on the command line.

    Raises DataError where a needed column is not named plainly: nothing is read on a weak guess.
    """
    preview = preview_file(path, kind)
    if preview.other_shape:
        what, hint = preview.other_shape.split(". ", 1)
        raise DataError(what=f"{path.name[:80]}: {what}.", hint=hint)
    for doubt in (*preview.doubts, *find_doubts(preview.sample, preview.options)):
        raise DataError(what=f"{path.name[:80]}: {doubt.what}", hint=doubt.hint)
    if missing := _unnamed(preview.guesses, kind):
        columns = ", ".join(list(preview.head.columns)[:12])
        raise DataError(
            what=f"{path.name[:80]} has no column that is plainly the {missing[0]}.",
            hint=f"Name one of {columns} after it, or import the file on the Data page.",
        )
    return preview.options


def preview_rejects(path: Path, options: ReadOptions, rows: int = TRIED_ROWS) -> RejectPreview:
    """What import would reject among the first rows, tried out by the import itself in a child.

    A file made to crash its reader takes the child down, not the app. Raises DataError.
    """
    answer = _ask_child("rejects", path, {"options": options.to_dict(), "rows": rows})
    vectors = VectorCounts(**answer["vectors"]) if answer["vectors"] else None
    counts = pd.DataFrame(answer["counts"])
    return RejectPreview(answer["rows"], answer["rejected"], counts, vectors, answer["events"])


def _preview_parquet(path: Path, kind: str, size: int) -> Preview:
    answer = _ask_child("head", path, {"rows": 1_000 if kind == INTERACTIONS else 4 * SHOWN_ROWS})
    sample = pd.DataFrame(answer["rows"], columns=answer["columns"], dtype="str")
    head = sample[:SHOWN_ROWS]
    guesses = guess_roles(head, kind)
    if shape := _shape_of(head, guesses, kind, joined=False):
        guesses = _without_item(guesses)
    roles = {column: guess.role for column, guess in guesses.items()}
    missing = [f"No column looks like the {label}." for label in _unnamed(guesses, kind)]
    options, doubts = _list_cells(head, ReadOptions(kind, roles))
    options = settled(sample, options)
    warnings = [shape, *missing] if shape else missing
    return Preview(PARQUET, size, [], head, options, guesses, warnings, "", doubts, shape, sample)


def _list_cells(head: pd.DataFrame, options: ReadOptions) -> tuple[ReadOptions, list[Doubt]]:
    """Options that say what stands between the items of one cell of lists, and whether to ask."""
    if options.kind != LISTS:
        return options, []
    guess = cells_of(head, options.roles)
    options = replace(options, separator=guess.between)
    if guess.sure:
        return options, []
    column = next(column for column, role in options.roles.items() if role == ITEM)
    return options, [
        Doubt(
            column,
            f"The cells of {column[:60]!r} seem to hold several items: "
            f"{head[column].iloc[0][:60]!r}",
            "Say what stands between them, or that each is one item.",
            "separator",
            {guess.between: BETWEEN[guess.between], ONE_ITEM: BETWEEN[ONE_ITEM]},
        )
    ]


def _encoding_doubts(guess: EncodingGuess) -> list[Doubt]:
    if not guess.doubtful:
        return []
    others = ", ".join(f"{text!r} in {encoding}" for encoding, text in guess.others)
    readings = {guess.encoding: guess.sample, **dict(guess.others)}
    return [
        Doubt(
            "",
            f"The encoding is a guess: {guess.sample!r} in {guess.encoding}"
            + (f" could be {others}." if others else " hardly looks like text."),
            "Choose the encoding in which the names read right, or save the file as UTF-8.",
            "encoding",
            readings,
        )
    ]


def _shape_of(head: pd.DataFrame, guesses: dict[str, RoleGuess], kind: str, *, joined: bool) -> str:
    return other_shape(head, guesses, joined=joined) if kind == INTERACTIONS else ""


def _without_item(guesses: dict[str, RoleGuess]) -> dict[str, RoleGuess]:
    """The guesses where no column is the item, unless a person says so."""
    none = RoleGuess(IGNORE, 0.5, "not one item per row")
    return {column: none if guess.role == ITEM else guess for column, guess in guesses.items()}


def _encoding_of(path: Path, sort: str) -> EncodingGuess:
    if sort != GZIP:
        return guess_encoding(path)
    from core.data.reading.encoding import guess_from

    with opened(path) as file:
        return guess_from(file.read(1 << 20))


def _head_of(path: Path, encoding: str) -> str:
    text, _ = read_head(path, encoding)
    if text.count("\0") or sum(text.count(chr(code)) for code in range(1, 9)) > len(text) / 50:
        raise DataError(
            what="The file is binary, or its encoding is not the one chosen.",
            hint="Choose another encoding, or save the table as CSV.",
        )
    return text


def _has_header(rows: list[list[str]], kind: str) -> bool:
    if any(cell.strip().isdigit() for cell in rows[0]) and not counts_up(rows[0]):
        return False
    if any(_is_numbered_alike(cell, rows[1:], at) for at, cell in enumerate(rows[0])):
        return False
    names = column_names(rows[0], header=True)
    guesses = guess_roles(pd.DataFrame([rows[0]], columns=names, dtype="str"), kind)
    named = [guess for guess in guesses.values() if guess.why == "by its name"]
    # Whether every cell of the first row ends in the word id, as amazon_id, and none below
    below = [cell for row in rows[1:] for cell in row]
    found = [bool(_ID_NAME.fullmatch(cell.strip())) for cell in rows[0]]
    names_ids = (
        len(found) > 1 and all(found) and not any(_ID_NAME.fullmatch(cell) for cell in below)
    )
    if names_ids:
        return True
    return guess_header(rows, known_names=any(guess.role in ID_ROLES[kind] for guess in named))


def _is_numbered_alike(cell: str, body: list[list[str]], at: int) -> bool:
    """Whether a cell is an id like those below it, as film18 over film30: it names no column."""
    alike = re.sub(r"\d+", "0", cell)
    below = (re.sub(r"\d+", "0", row[at]) for row in body if at < len(row))
    return "0" in alike and any(alike == other for other in below)


def _later_rows(path: Path, options: ReadOptions, width: int) -> list[list[str]]:
    """Rows from further on in a file longer than its head: what comes late is doubted too.

    Lines are cut where they may stand within a quoted value, so only rows of the right width count.
    """
    size, found = path.stat().st_size, []
    if size <= HEAD_BYTES:
        return []
    with path.open("rb") as file:
        for place in (0.25, 0.5, 0.75, 1.0):
            file.seek(int(place * (size - LATER_BYTES)))
            text = file.read(LATER_BYTES).decode(options.encoding, "replace").replace("\r", "\n")
            body = text.split("\n", 1)[-1].rpartition("\n")[0]
            with suppress(DataError):
                rows = cells(body, options.delimiter, options.quote, SAMPLE_ROWS, options.escape)
                found += [row for row in rows if len(row) == width]
    return found


def _frame(rows: list[list[str]], header: bool) -> pd.DataFrame:
    """The first rows as texts; a short row is filled up and a long one cut, only to be shown."""
    names = column_names(rows[0], header)
    body = rows[header:]
    wide = [[*row, *[""] * len(names)][: len(names)] for row in body]
    return pd.DataFrame(wide, columns=names, dtype="str")


def _warnings(
    rows: list[list[str]], head: pd.DataFrame, options: ReadOptions, guesses: dict[str, RoleGuess]
) -> list[str]:
    found = []
    if options.skip_lines:
        several = options.skip_lines > 1
        lines = f"{options.skip_lines:,} lines are" if several else "line is"
        found.append(f"The first {lines} skipped: the table begins below.")
    if options.comment:
        found.append(f"Lines that begin with {options.comment} are skipped as comments.")
    if options.layout == TABLE and len(head.columns) == 1:
        found.append("Everything is in one column: the delimiter is probably another one.")
    elif odd := sum(len(row) != len(head.columns) for row in rows):
        found.append(f"{odd} of the first {len(rows)} rows have another number of columns.")
    names = Counter(cell.strip().lower() for cell in rows[0]) if options.header else Counter()
    if repeated := [name for name, times in names.items() if times > 1 and name]:
        found.append(f"Several columns are called {repeated[0][:60]!r}: check which one is meant.")
    if options.kind == LISTS and scores_rise(head, {c: g.role for c, g in guesses.items()}):
        found.append(
            "Scores rise from the first row of a user to the last: if small is better, mark the "
            "column as distance."
        )
    if head.empty:
        found.append("There are no rows below the header.")
    found += [f"No column is plainly the {label}." for label in _unnamed(guesses, options.kind)]
    return found


def _unnamed(guesses: dict[str, RoleGuess], kind: str) -> list[str]:
    sure = {
        guess.role
        for guess in guesses.values()
        if (guess.why == "by its name" or guess.why.startswith("as "))
    }
    return [LABELS[role] for role in ID_ROLES[kind] if role not in sure]


def _ask_child(task: str, path: Path, question: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "core.data.reading.try_head", task, str(path.resolve())]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            cwd=Path(__file__).resolve().parents[3],
            check=False,
        )
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        raise DataError(
            what="The file made its reader stop.",
            hint="Save it again as plain CSV, and check that it is a table.",
        ) from None
    if "what" in answer:
        raise DataError(answer["what"], answer["hint"])
    return answer
