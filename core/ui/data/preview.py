"""Data page, Import: one file before it is imported, and every choice on how to read it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.basics.columns import ATTRIBUTE, EVENT, FURTHER, ITEM, VECTOR
from core.basics.errors import DataError
from core.basics.formatting import count
from core.data.checks.item_match import known_in_head
from core.data.reading.cells import BETWEEN, ONE_ITEM
from core.data.reading.encoding import ENCODING_LABELS, ENCODINGS
from core.data.reading.options import (
    ADJACENCY,
    FIRST,
    ID_ROLES,
    IGNORE,
    INTERACTIONS,
    ITEMS,
    JSON_LINES,
    LABELS,
    LAST,
    LINKS,
    LISTS,
    MOST_SKIPPED,
    OBJECTS,
    OTHER_ROLES,
    PYTHON_LINES,
    SEVERAL,
    TABLE,
    TRIPLES,
    ReadOptions,
    check_options,
)
from core.data.reading.preview import Preview, RejectPreview, preview_file, preview_rejects
from core.data.reading.raw import PARQUET, sort_of
from core.data.reading.roles import SURE, RoleGuess, series_of
from core.ui.data.shared import datasets
from core.ui.data.values import pick_values, pick_weights
from core.ui.keeping import as_json, kept_data, known_by
from core.ui.shell import database
from core.ui.widgets import plain

KEPT_NAMES = 200  # columns nobody uses whose names an import keeps
DELIMITERS = {
    ",": "comma  ,",
    "\t": "tab",
    ";": "semicolon  ;",
    "|": "bar  |",
    "::": "two colons  ::",
    ":": "colon  :",
    " ": "space",
    "\x01": "control-A",
}
LAYOUTS = {
    TABLE: "table",
    JSON_LINES: "JSON lines",
    PYTHON_LINES: "Python dictionaries",
    ADJACENCY: "lists of items",
}
ESCAPES = {"": 'doubled  ""', "\\": 'behind a backslash  \\"'}
QUOTES = {'"': 'double  "', "'": "single  '", "`": "backtick  `", "": "none"}


@dataclass(frozen=True)
class Staged:
    """An upload on disk that waits for its import; `key` names its widgets."""

    path: str
    name: str
    size: int  # bytes
    kind: str
    key: str


def choose_options(staged: Staged) -> ReadOptions | None:
    """Raw head, parsed head, roles, and what would be rejected; None where it cannot be read."""
    if sort_of(Path(staged.path)) == PARQUET:
        preview = preview_of(staged.path, staged.kind)
    else:
        preview = _draw_style(staged, _guess(staged))
        if preview.known:
            st.caption(f":green[:material/check:] It looks like {preview.known}.")
        st.code("\n".join(preview.raw), language=None, height=150)
    st.dataframe(
        preview.head,
        hide_index=True,
        height=180,
        key=f"{staged.key}_head",
        column_config={column: st.column_config.TextColumn() for column in preview.head.columns},
    )
    asked = [f"{doubt.what.rstrip('.')}. {doubt.hint}" for doubt in preview.doubts]
    for sentence in (*asked, *preview.warnings):
        st.warning(plain(sentence, 400), icon=":material/help:")
    roles = pick_roles(staged.key, staged.kind, preview)
    draw_item_match(staged.key, staged.kind, preview.head, roles)
    others = [column for column in preview.head.columns if column not in roles]
    ignored = dict.fromkeys(others[:KEPT_NAMES], IGNORE)  # their names tell what else there was
    options = replace(preview.options, roles=roles | ignored)
    options = _draw_details(staged, options)
    options = pick_values(staged.key, preview.sample, options)
    check_options(options, list(preview.head.columns))
    if column := options.columns().get(EVENT):
        seen = _rejects(staged.path, options)
        events = pick_weights(staged.key, column, seen.events, seen.rows)
        options = replace(options, events=events)
    _draw_rejects(_rejects(staged.path, options))
    return options


def _guess(staged: Staged) -> ReadOptions:
    """How the file seems to be written; plain CSV where that fails, for a person to mend."""
    try:
        return preview_of(staged.path, staged.kind).options
    except DataError:
        return ReadOptions(staged.kind)


def _draw_style(staged: Staged, guess: ReadOptions) -> Preview:
    """Encoding and layout, and how a table is written; the preview they give."""
    encoding, layout, right = st.columns(3, vertical_alignment="bottom", gap="small")
    chosen_encoding = encoding.selectbox(
        "Encoding",
        ENCODINGS,
        index=ENCODINGS.index(guess.encoding),
        format_func=lambda name: ENCODING_LABELS.get(name, name),
        key=f"{staged.key}_encoding",
        persist_state="session",
        help="How letters are written as bytes. Choose another if names look broken.",
    )
    chosen_layout = layout.selectbox(
        "Layout",
        list(LAYOUTS),
        index=list(LAYOUTS).index(guess.layout),
        format_func=LAYOUTS.__getitem__,
        key=f"{staged.key}_layout",
        persist_state="session",
        help="A table has its values in columns; the others have an object on every line.",
    )
    forced = None if chosen_layout == guess.layout else chosen_layout
    # what was guessed is guessed again, so that a doubt is said
    encoding_given = None if chosen_encoding == guess.encoding else chosen_encoding
    if chosen_layout in OBJECTS:
        return preview_of(staged.path, staged.kind, encoding_given, layout=forced)
    chosen = _draw_table_style(staged, guess, right)
    quote, escape = (
        st.session_state.get(f"{staged.key}_{mark}", getattr(guess, mark))
        for mark in ("quote", "escape")
    )
    style = encoding_given, chosen.delimiter, quote, chosen.header, forced
    left_out = chosen.skip_lines, chosen.comment
    return preview_of(staged.path, staged.kind, *style, *left_out, escape)


def _draw_table_style(staged: Staged, guess: ReadOptions, place: DeltaGenerator) -> ReadOptions:
    """The guess with the delimiter, header and lines to leave out that were chosen."""
    known = list(DELIMITERS)
    delimiter = place.selectbox(
        "Delimiter",
        known,
        index=known.index(guess.delimiter),
        accept_new_options=True,
        format_func=lambda mark: DELIMITERS.get(mark, mark),
        key=f"{staged.key}_delimiter",
        help="What stands between two columns; type any other character.",
        persist_state="session",
    )
    skip, comment, header = st.columns(3, vertical_alignment="bottom", gap="small")
    skipped = skip.number_input(
        "Lines before the table",
        min_value=0,
        max_value=MOST_SKIPPED,
        value=guess.skip_lines,
        key=f"{staged.key}_skip",
        persist_state="session",
        help="So many first lines are skipped and counted: a title, a date, `sep=;`.",
    )
    sign = comment.text_input(
        "Comment sign",
        value=guess.comment,
        max_chars=4,
        key=f"{staged.key}_comment",
        persist_state="session",
        help="Lines that begin with it, as # or %, are skipped and counted. Blank: none.",
    )
    named = header.toggle(
        "Header",
        value=guess.header,
        key=f"{staged.key}_header",
        persist_state="session",
        help="Whether the first line of the table names the columns.",
    )
    return replace(
        guess,
        delimiter=delimiter or guess.delimiter,
        skip_lines=int(skipped or 0),
        comment=sign or "",
        header=named,
    )


def _draw_details(staged: Staged, options: ReadOptions) -> ReadOptions:
    lists = staged.kind == LISTS
    if lists:
        options = replace(options, separator=_pick_between(staged, options))
    with st.expander("Quotes, decimal sign" if lists else "Quotes, decimal sign, duplicates"):
        quote = st.selectbox(
            "Quote",
            list(QUOTES),
            index=list(QUOTES).index(options.quote),
            format_func=lambda mark: QUOTES[mark],
            disabled=options.layout in OBJECTS,
            key=f"{staged.key}_quote",
            persist_state="session",
            help="What encloses a value that holds the delimiter or a line break.",
        )
        escape = st.selectbox(
            "A quote inside quotes is",
            list(ESCAPES),
            index=list(ESCAPES).index(options.escape),
            format_func=ESCAPES.__getitem__,
            disabled=options.layout in OBJECTS or not quote,
            key=f"{staged.key}_escape",
            persist_state="session",
        )
        comma = st.toggle(
            "Numbers are written with a decimal comma (3,5)",
            value=options.decimal_comma,
            key=f"{staged.key}_comma",
            persist_state="session",
        )
        which = LAST
        if not lists:  # of an item twice in a list the better place stays
            which = st.segmented_control(
                "Of several rows with the same ids keep the",
                [LAST, FIRST],
                default=LAST,
                key=f"{staged.key}_duplicates",
                persist_state="session",
                required=True,
            )
    return replace(
        options, quote=quote, escape=escape, decimal_comma=comma, duplicates=which or LAST
    )


def _pick_between(staged: Staged, options: ReadOptions) -> str:
    """What stands between the items of one cell, where the file may have several in one."""
    items = {role: column for column, role in options.roles.items()}.get(ITEM, "")
    if options.separator == ONE_ITEM and len(options.columns()) > 2:
        return ONE_ITEM  # a row for each item, with its rank, score or further items
    between = st.selectbox(
        f"Between the items in a cell of {plain(items, 30)}",
        list(BETWEEN),
        index=list(BETWEEN).index(options.separator),
        format_func=BETWEEN.__getitem__,
        key=f"{staged.key}_between",
        persist_state="session",
        help="Where a row is a whole list, its cell is cut here; the first item is the best.",
    )
    if between == options.separator != ONE_ITEM:
        st.caption(":orange[Guessed: most cells hold several]")
    return str(between)


def _draw_rejects(tried: RejectPreview) -> None:
    rows = count(tried.rows, "row")
    if tried.vectors is not None:
        doubtful = tried.vectors.lost or not tried.vectors.width
        mark = ":orange[:material/help:]" if doubtful else ":green[:material/check:]"
        st.caption(f"{mark} Of the first {rows}: {tried.vectors.words()}")
    if not tried.rejected:
        st.caption(f":green[:material/check:] None of the first {rows} would be rejected.")
        return
    if tried.rejected == tried.rows:
        st.error(f"None of the first {rows} could be kept. Check what each column holds.")
    else:
        st.markdown(f"Of the first {rows}, **{tried.rejected:,}** would be rejected:")
    st.dataframe(
        tried.counts,
        hide_index=True,
        key=None,
        column_config={"rows": st.column_config.NumberColumn(format="localized")},
    )


@kept_data(show_spinner="Looking into the file", max_entries=40)
def preview_of(
    path: str,
    kind: str,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    header: bool | None = None,
    layout: str | None = None,
    skip_lines: int | None = None,
    comment: str | None = None,
    escape: str | None = None,
) -> Preview:
    """The head of a file as it stands and as it is read; what is not given is guessed."""
    style = encoding, delimiter, quote, header, layout, skip_lines, comment, escape
    return preview_file(Path(path), kind, *style)


known_by(as_json)(ReadOptions)


@kept_data(show_spinner="Trying the first rows", max_entries=40)
def _rejects(path: str, options: ReadOptions) -> RejectPreview:
    return preview_rejects(Path(path), options)


def size_of(size: int) -> str:
    """`830 bytes`, `93 kB`, `1.6 MB`."""
    if size < 1_000_000:
        return f"{size / 1e3:,.0f} kB" if size >= 10_000 else f"{size:,} bytes"
    return f"{size / 1e6:,.1f} MB"


# Data page, Import: what each column of a file holds, chosen column by column or by role.

_ACROSS = {INTERACTIONS: 4, ITEMS: 3, LINKS: 2, LISTS: 4, TRIPLES: 3}  # role selectors in one row
_ONE_EACH = 8  # columns up to which each has a selector of its own
_NO_COLUMN = "–"


def pick_roles(key: str, kind: str, preview: Preview) -> dict[str, str]:
    """Column -> role, by a selector under each column, or by role where columns are many."""
    columns = list(preview.head.columns)
    if len(columns) > _ONE_EACH:
        return _pick_columns(key, kind, preview)
    roles = [*ID_ROLES[kind], *OTHER_ROLES[kind], IGNORE]
    picked: dict[str, str] = {}
    across = _ACROSS[kind]
    for start in range(0, len(columns), across):
        row = columns[start : start + across]
        for place, column in zip(st.columns(across), row, strict=False):
            guess = preview.guesses[column]
            picked[column] = place.selectbox(
                plain(column, 16),
                roles,
                index=roles.index(guess.role),
                format_func=lambda role: LABELS[role],
                persist_state="session",
                key=f"{key}_role_{len(columns)}_{column}",
            )
            _draw_doubt(place, guess, picked[column])
    return picked


def _pick_columns(key: str, kind: str, preview: Preview) -> dict[str, str]:
    roles = [*ID_ROLES[kind], *OTHER_ROLES[kind]]
    roles = [role for role in roles if role not in SEVERAL]
    columns = [_NO_COLUMN, *preview.head.columns]
    guessed = {guess.role: column for column, guess in preview.guesses.items()}
    picked: dict[str, str] = {}
    for place, role in zip(st.columns(len(roles)), roles, strict=True):
        column = place.selectbox(
            f"Column of the {LABELS[role]}",
            columns,
            persist_state="session",
            index=columns.index(guessed.get(role, _NO_COLUMN)),
            key=f"{key}_column_{len(columns)}_{role}",
        )
        if column != _NO_COLUMN:
            picked[column] = role
            _draw_doubt(place, preview.guesses[column], role)
    if FURTHER in OTHER_ROLES[kind]:
        picked |= _pick_several(key, preview, picked, FURTHER, "Further items", _FURTHER_HELP)
    if ATTRIBUTE in OTHER_ROLES[kind]:
        picked |= _pick_several(key, preview, picked, ATTRIBUTE, "Attributes", _ATTRIBUTES_HELP)
    if VECTOR in OTHER_ROLES[kind]:
        picked |= _pick_vector(key, preview, picked)
    return picked


def _pick_several(
    key: str, preview: Preview, picked: dict[str, str], role: str, label: str, help: str
) -> dict[str, str]:
    """Any number of the columns that are left, all with one role."""
    free = [column for column in preview.head.columns if column not in picked]
    guessed_so = [column for column in free if preview.guesses[column].role == role]
    chosen = st.multiselect(
        label,
        free,
        default=guessed_so,
        persist_state="session",
        key=f"{key}_{label.split()[0].lower()}_{len(preview.head.columns)}_{len(free)}",
        help=help,
    )
    return dict.fromkeys(chosen, role)


_FURTHER_HELP = "Where a row is a whole list: the columns of its second place, its third and so on."
_ATTRIBUTES_HELP = "Columns with what items may have in common: brand, author, series."


def _pick_vector(key: str, preview: Preview, picked: dict[str, str]) -> dict[str, str]:
    """One choice for a whole series of columns: nobody marks 512 one by one."""
    free = [column for column in preview.head.columns if column not in picked]
    groups = {group[0]: group for group in series_of(free)}
    together = {column for group in groups.values() for column in group}
    groups |= {column: [column] for column in free if column not in together}
    guesses = preview.guesses
    guessed_so = [
        first for first, group in groups.items() if all(guesses[c].role == VECTOR for c in group)
    ]
    chosen = st.multiselect(
        "Vector",
        list(groups),
        default=guessed_so,
        persist_state="session",
        format_func=lambda first: _called(groups.get(first, [first])),
        key=f"{key}_vector_{len(preview.head.columns)}_{len(free)}",
        help="Numbers made elsewhere of an item's image, sound or anything: one column of arrays, "
        "or a column for each number. Columns of one series are chosen together.",
    )
    if chosen and chosen == guessed_so and guesses[chosen[0]].confidence < SURE:
        st.caption(f":orange[Guessed: {guesses[chosen[0]].why}]")
    return dict.fromkeys((column for first in chosen for column in groups[first]), VECTOR)


def _called(group: list[str]) -> str:
    """What a person reads of a series of columns, or of one that is none."""
    if len(group) == 1:
        return group[0]
    return f"{group[0]} … {group[-1]} ({count(len(group), 'column')})"


def _draw_doubt(place: DeltaGenerator, guess: RoleGuess, role: str) -> None:
    if guess.confidence < SURE and role == guess.role != IGNORE:
        place.caption(f":orange[Guessed {guess.why}]")


# Data page, Import: whether the column taken for the item holds items that are known already.

_OTHERS = {ITEMS: INTERACTIONS, INTERACTIONS: ITEMS}  # kind -> what its items are looked for in
_HARDLY = 0.5  # where another column knows twice as many items, it is proposed


def draw_item_match(key: str, kind: str, head: pd.DataFrame, roles: dict[str, str]) -> None:
    """Say where another column than the chosen one holds the items of files imported before.

    key: of the file's widgets, as in `pick_roles`. Nothing is said where no such file is there, or
    the chosen column is as good as any.
    """
    files = [str(dataset.file) for dataset in datasets(_OTHERS[kind])] if kind in _OTHERS else []
    chosen = next((column for column, role in roles.items() if role == ITEM), None)
    if not files or chosen is None:
        return
    free = [column for column in head if roles.get(column, IGNORE) in (ITEM, IGNORE, ATTRIBUTE)]
    known = _known_items(tuple(files), f"{key}_{free}_{len(head)}", head[free])
    best = max(known, key=lambda column: known[column])
    if not known[best] or known[chosen] > _HARDLY * known[best]:
        return
    other = "the item tables" if kind == INTERACTIONS else "the interactions"
    st.warning(
        f"In the first {count(len(head), 'row')} {plain(chosen, 40)} has "
        f"{count(known[chosen], 'item')} of {other} imported before, and {plain(best, 40)} has "
        f"{known[best]:,}.",
        icon=":material/help:",
    )
    st.button(
        f"Take {plain(best, 40)} as the item",
        key=f"{key}_take_item",
        icon=":material/build:",
        on_click=_take,
        args=(key, len(head.columns), chosen, best),
    )


def _take(key: str, width: int, chosen: str, best: str) -> None:
    """Set the selectors of `pick_roles`, whichever of its two forms is shown."""
    st.session_state.update(
        {
            f"{key}_role_{width}_{chosen}": IGNORE,
            f"{key}_role_{width}_{best}": ITEM,
            f"{key}_column_{width}_{ITEM}": best,
        }
    )


@kept_data(max_entries=40)
def _known_items(files: tuple[str, ...], key: str, _head: pd.DataFrame) -> dict[str, int]:
    with database() as cursor:
        return known_in_head(cursor, [Path(file) for file in files], _head)
