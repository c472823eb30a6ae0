"""How a file is to be read, and the imported datasets that remember it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from core.basics.files import delete_folder, read_json
from core.basics.workspace import Workspace
from core.data.database import name, parquet

if TYPE_CHECKING:
    import duckdb

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
    if wrong := [
        event
        for event, weight in options.events.items()
        if not (isinstance(weight, int | float) and 0 <= weight < float("inf"))
    ]:
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
    from core.data.reading.numbers import GROUPS
    from core.data.reading.times import check_form  # it asks DuckDB

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


# Imported datasets: whole folders by content hash, each also a table of the database.

KIND_NAMES = {  # what a person reads of each kind
    INTERACTIONS: "interactions",
    ITEMS: "item table",
    LINKS: "user links",
    TRIPLES: "triples",
}
KINDS = tuple(KIND_NAMES)
RECORD = "dataset.json"


@dataclass(frozen=True)
class Dataset:
    """One imported file; `record` is what its import wrote down."""

    hash: str
    kind: str  # one of KINDS
    name: str
    folder: Path
    record: dict[str, Any]

    @property
    def file(self) -> Path:
        """Its checked rows."""
        return self.folder / f"{self.kind}.parquet"

    @property
    def table(self) -> str:
        """Its name in the database."""
        return f"dataset_{self.hash}"


def list_datasets(workspace: Workspace, kind: str | None = None) -> list[Dataset]:
    """Every whole dataset, of one kind if asked for, the newest first.

    A folder without its record, or with one that cannot be read, is not whole and left out.
    """
    records = workspace.datasets.glob(f"*/{RECORD}")
    newest = sorted(records, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    found = [dataset for path in newest if (dataset := _read(path.parent))]
    return [dataset for dataset in found if kind in (None, dataset.kind)]


def read_dataset(workspace: Workspace, dataset_hash: str) -> Dataset:
    """One dataset; raises DataError where it is not in the workspace."""
    dataset = _read(workspace.datasets / dataset_hash)
    if dataset is None or not dataset_hash:
        raise DataError(
            what=f"The dataset {dataset_hash!r} is not in this workspace.",
            hint="Import its file again.",
        )
    return dataset


def register_datasets(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> list[Dataset]:
    """Make the database hold one table per dataset folder, and no other, and return the datasets.

    Each table is made in one statement, so it is there whole or not at all; one that is there
    already is kept, because its name is the hash of its content.
    """
    datasets = list_datasets(workspace)
    there = set(_tables(connection))
    for dataset in datasets:
        if dataset.table not in there:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {name(dataset.table)} AS "
                f"SELECT * FROM {parquet(dataset.file)}"
            )
    for table in there - {dataset.table for dataset in datasets}:
        connection.execute(f"DROP TABLE IF EXISTS {name(table)}")
    return datasets


def relation(connection: duckdb.DuckDBPyConnection, file: Path) -> str:
    """Where SQL reads the rows of a dataset's file: its table if there is one, else the file."""
    table = f"dataset_{file.parent.name}"
    return name(table) if table in _tables(connection) else parquet(file)


def items_known(connection: duckdb.DuckDBPyConnection, interactions: Path, items: Path) -> float:
    """Share of the items in a file of interactions that an item table describes."""
    known, every = count_known(connection, interactions, items)
    return known / every if every else 0.0


def count_known(
    connection: duckdb.DuckDBPyConnection, interactions: Path, items: Path
) -> tuple[int, int]:
    """How many items of a file of interactions an item table describes, and how many there are."""
    rows, known = relation(connection, interactions), relation(connection, items)
    every = f"SELECT DISTINCT {ITEM} FROM {rows}"
    listed = f"{ITEM} IN (SELECT {ITEM} FROM {known})"
    row = connection.execute(
        f"SELECT count(*) FILTER ({listed}), count(*) FROM ({every})"
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def import_counts(file: Path) -> dict[str, int] | None:
    """What an import counted: rows, kept, rejected, merged; None for a file of another origin."""
    dataset = _read(file.parent)
    counts = dataset.record.get("counts") if dataset else None
    return counts if isinstance(counts, dict) else None


def rows_weighing_nothing(file: Path) -> int:
    """How many rows of an imported file are of event types that were told to weigh 0."""
    dataset = _read(file.parent)
    record = dataset.record if dataset else {}
    weights = record.get("options", {}).get("events", {})
    return sum(
        rows for event, rows in record.get("events", {}).items() if weights.get(event, 1.0) == 0
    )


def import_roles(file: Path) -> dict[str, str]:
    """Column -> role of an imported file, ignored ones too; empty for a file of another origin."""
    dataset = _read(file.parent)
    options = dataset.record.get("options") if dataset else None
    roles = options.get("roles") if isinstance(options, dict) else None
    return roles if isinstance(roles, dict) else {}


def pairs_using(workspace: Workspace, dataset_hash: str) -> list[str]:
    """Names of the pairs that were made from a dataset, "books → films" each."""
    used = []
    for path in workspace.pairs.glob("*/pair.json"):
        with suppress(DataError, KeyError, TypeError, AttributeError):  # of a damaged pair
            pair = read_json(path)
            if dataset_hash in pair["inputs"].values():
                used.append(f"{pair['source_name']} → {pair['target_name']}")
    return sorted(set(used))


def delete_dataset(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, dataset_hash: str
) -> None:
    """Remove the folder and the table; pairs, splits and runs made from it stay as they are."""
    dataset = read_dataset(workspace, dataset_hash)
    delete_folder(dataset.folder)
    connection.execute(f"DROP TABLE IF EXISTS {name(dataset.table)}")


def _read(folder: Path) -> Dataset | None:
    try:
        record = read_json(folder / RECORD)
        dataset = Dataset(folder.name, record["kind"], record["name"], folder, record)
        counts = record.get("counts", {}).values()
        damaged = not all(isinstance(count, int) for count in counts)
    except (DataError, KeyError, TypeError, AttributeError):
        return None
    if damaged or folder.suffix or dataset.kind not in KINDS or not dataset.file.exists():
        return None  # a folder on its way in or out has a suffix
    return dataset


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'dataset\\_%' ESCAPE '\\'"
    ).fetchall()
    return [row[0] for row in rows]
