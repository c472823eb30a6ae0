"""How a file is to be read: encoding, delimiter, header, and what each column holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.basics.columns import (
    ATTRIBUTE,
    CATEGORIES,
    COUNT,
    DESCRIPTION,
    DISTANCE,
    EVENT,
    FURTHER,
    HEAD,
    ITEM,
    RANK,
    RATING,
    RELATION,
    SCORE,
    SOURCE,
    TAIL,
    TARGET,
    TIME,
    TITLE,
    USER,
    VECTOR,
)
from core.basics.errors import DataError

INTERACTIONS, ITEMS, LINKS, LISTS = "interactions", "items", "links", "lists"
TRIPLES = "triples"
IGNORE = "ignore"
ID_ROLES = {
    INTERACTIONS: (USER, ITEM),
    ITEMS: (ITEM,),
    LINKS: (SOURCE, TARGET),
    LISTS: (USER, ITEM),
    TRIPLES: (HEAD, RELATION, TAIL),
}
OTHER_ROLES = {
    INTERACTIONS: (RATING, TIME, COUNT, EVENT),
    ITEMS: (TITLE, CATEGORIES, DESCRIPTION, ATTRIBUTE, VECTOR),
    LINKS: (),
    LISTS: (RANK, SCORE, DISTANCE, FURTHER),
    TRIPLES: (),
}
LABELS = {
    USER: "user",
    ITEM: "item",
    RATING: "rating",
    TIME: "time",
    COUNT: "count",
    EVENT: "event type",
    TITLE: "title",
    CATEGORIES: "categories",
    DESCRIPTION: "description",
    SOURCE: "source user",
    TARGET: "target user",
    SCORE: "score",
    RANK: "rank",
    ATTRIBUTE: "attribute",
    HEAD: "head",
    RELATION: "relation",
    TAIL: "tail",
    VECTOR: "vector",
    DISTANCE: "distance, small is better",
    FURTHER: "further item",
    IGNORE: "ignore",
}
LAST, FIRST = "last", "first"  # which of several rows with the same ids stays
TABLE, JSON_LINES = "table", "json lines"  # how the lines of a text hold their values
PYTHON_LINES = "python lines"  # a dictionary on every line, as Python prints it
ADJACENCY = "lists of items"  # a user on every line, and the ids of its items
OBJECTS = (JSON_LINES, PYTHON_LINES)
LONGEST_DELIMITER = 4  # bytes
MOST_SKIPPED = 1_000  # lines before a table
MOST_ATTRIBUTES = 20  # columns of an item table
_ENDS_IN_NUMBER = re.compile(r"(.*?)(\d+)")
SEVERAL = (ATTRIBUTE, VECTOR, FURTHER)  # roles that more than one column may have
_NEWER_CHOICES = (  # fields of ReadOptions that files imported by older versions do not know
    "layout",
    "skip_lines",
    "comment",
    "escape",
    "thousands",
    "date_format",
    "separator",
    "no_rating",
    "events",
)


@dataclass(frozen=True)
class ReadOptions:
    """Everything that decides what a file's rows become; part of the dataset's hash."""

    kind: str = INTERACTIONS
    roles: dict[str, str] = field(default_factory=dict)  # column -> role; others are ignored
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'  # "" where no character quotes
    header: bool = True
    decimal_comma: bool = False
    duplicates: str = LAST
    layout: str = TABLE  # OBJECTS: an object per line, whose keys are the columns
    skip_lines: int = 0  # lines before the table, its header not counted
    comment: str = ""  # lines that begin with it are left out
    escape: str = ""  # "" where a quote inside quotes is doubled, else what stands before it
    thousands: str = ""  # what stands between groups of three digits
    date_format: str = ""  # of times, as strptime has it; "" for those that need no asking
    separator: str = "|"  # between several values in one cell
    no_rating: str = ""  # ratings that mean "not rated", blanks between them
    events: dict[str, float] = field(default_factory=dict)  # event type -> weight; 0 drops it

    @classmethod
    def of(cls, values: dict[str, Any]) -> ReadOptions:
        """Options from plain values, as a job's payload brings them."""
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    def key(self) -> dict[str, Any]:
        """Return what tells two readings of a file apart, for the dataset's hash.

        Ignored columns do not. A choice that a file does not make use of is left out, so that a
        file keeps the hash it had before there was this choice.
        """
        told = {**self.to_dict(), "roles": self.columns()}
        if vector := self.vector_columns():
            told[VECTOR] = vector
        plain = ReadOptions().to_dict()
        unused = {name for name in _NEWER_CHOICES if told[name] == plain[name]}
        return {name: value for name, value in told.items() if name not in unused}

    def columns(self) -> dict[str, str]:
        """Role -> column, ids first, without the ignored ones; attributes by their names, last.

        So are further items of a list. Columns of a vector are not among them: several are one.
        """
        taken = {role: column for column, role in self.roles.items() if role != IGNORE}
        known = ID_ROLES[self.kind] + OTHER_ROLES[self.kind]
        once = {role: taken[role] for role in known if role in taken and role not in SEVERAL}
        attributes = [column for column, role in self.roles.items() if role == ATTRIBUTE]
        further = in_series([column for column, role in self.roles.items() if role == FURTHER])
        once |= {ATTRIBUTE + column: column for column in attributes}
        return once | {FURTHER + column: column for column in further}

    def vector_columns(self) -> list[str]:
        """Columns that hold a vector together, in their order; those of a series by its numbers."""
        return in_series([column for column, role in self.roles.items() if role == VECTOR])

    @property
    def weighed(self) -> bool:
        """Whether rows weigh differently: the checked rows then have a column COUNT."""
        return bool({COUNT, EVENT} & set(self.columns()))

    def weight_of(self, event: str) -> float:
        """What a row of this event type counts; 1 where nobody said otherwise."""
        return float(self.events.get(event, 1.0))


def in_series(columns: Sequence[str]) -> list[str]:
    """The columns by the number each ends in where they differ in nothing else, else as they are.

    So `emb_10` follows `emb_9`, whether or not a file sorted its columns by letters.
    """
    found = {column: _ENDS_IN_NUMBER.fullmatch(column) for column in columns}
    parts = {column: part for column, part in found.items() if part}
    if len(parts) < len(found) or len({part[1] for part in parts.values()}) > 1:
        return list(columns)
    return sorted(columns, key=lambda column: int(parts[column][2]))


def check_options(options: ReadOptions, columns: Sequence[str]) -> None:
    """Raises DataError where the options contradict themselves or the file's columns."""
    _check_plain(options)
    check_style(options)
    check_values(options)
    roles = {column: role for column, role in options.roles.items() if role != IGNORE}
    if unknown := [column for column in roles if column not in columns]:
        label = LABELS[roles[unknown[0]]]
        raise DataError(
            what=f"The file has no column {_listed(unknown)}.",
            hint=f"Choose which of {_listed(columns)} holds the {label}.",
        )
    if list(roles.values()).count(ATTRIBUTE) > MOST_ATTRIBUTES:
        raise DataError(
            what=f"More than {MOST_ATTRIBUTES} columns are marked as attribute.",
            hint="Mark those that say most about an item, and the others as ignore.",
        )
    taken = [role for role in roles.values() if role not in SEVERAL]
    if twice := sorted({role for role in taken if taken.count(role) > 1}):
        raise DataError(
            what=f"Two columns are marked as {LABELS[twice[0]]}.",
            hint="Mark one of them as ignore.",
        )
    if missing := [role for role in ID_ROLES[options.kind] if role not in taken]:
        raise DataError(
            what=f"No column is marked as {LABELS[missing[0]]}.",
            hint=f"Choose which of {_listed(columns)} holds it; if that looks like one column, "
            "change the delimiter.",
        )


def _check_plain(options: ReadOptions) -> None:
    known = ID_ROLES.get(options.kind)
    layouts = (TABLE, ADJACENCY, *OBJECTS)
    if wrong := [event for event, weight in options.events.items() if not _is_weight(weight)]:
        raise DataError(
            what=f"The event type {wrong[0][:60]!r} cannot weigh {options.events[wrong[0]]!r}.",
            hint="Give every type a number from 0 on; 0 leaves its rows out.",
        )
    if known is None or options.duplicates not in (LAST, FIRST) or options.layout not in layouts:
        raise DataError(
            what=f"A {options.layout[:20]!r} cannot be read as {options.kind!r}, keeping the "
            f"{options.duplicates!r}.",
            hint=f"Choose from {_listed(tuple(ID_ROLES))}, keeping the first or the last row.",
        )
    allowed = (*known, *OTHER_ROLES[options.kind], IGNORE)
    if wrong := [role for role in options.roles.values() if role not in allowed]:
        raise DataError(
            what=f"A file of {options.kind} has no {LABELS.get(wrong[0], wrong[0])} column.",
            hint=f"Choose from {_listed([LABELS[role] for role in allowed])}.",
        )


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < float("inf")


def check_style(options: ReadOptions) -> None:
    """Raises DataError for a delimiter, comment sign or escape that cannot be one."""
    if options.layout in OBJECTS:
        return
    size = len(options.delimiter.encode())
    if not 1 <= size <= LONGEST_DELIMITER or set(options.delimiter) & set("\r\n\0" + options.quote):
        raise DataError(
            what=f"{options.delimiter!r} cannot separate columns.",
            hint="Choose one to four characters that are no line break and not the quote.",
        )
    if not 0 <= options.skip_lines <= MOST_SKIPPED or set(options.comment) & set("\r\n\0"):
        raise DataError(
            what=f"{options.skip_lines:,} lines and those that begin with {options.comment!r} "
            "cannot be left out.",
            hint=f"Skip at most {MOST_SKIPPED:,} lines, and give a comment sign without a break.",
        )
    used = set(options.delimiter + options.quote) | set("\r\n\0")
    if options.escape and (len(options.escape.encode()) > 1 or options.escape in used):
        raise DataError(
            what=f"{options.escape!r} cannot mark a quote inside quotes.",
            hint="Choose a backslash, or that a quote is doubled.",
        )


def check_values(options: ReadOptions) -> None:
    """Raises DataError for a form of times, a mark or a separator that cannot be one."""
    from core.data.number_forms import GROUPS
    from core.data.time_forms import check_form  # it asks DuckDB

    check_form(options.date_format)
    if options.thousands and options.thousands not in GROUPS:
        raise DataError(
            what=f"{options.thousands[:20]!r} cannot stand between groups of three digits.",
            hint="Choose a comma, a point, a blank or an apostrophe.",
        )
    if len(options.separator) > LONGEST_DELIMITER or set(options.separator) & set("\r\n\0"):
        raise DataError(
            what=f"{options.separator[:20]!r} cannot separate the values in a cell.",
            hint="Choose one to four characters that are no line break.",
        )


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(name[:60] for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
