"""Imported datasets: whole folders by content hash, each also a table of the database."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core.basics.columns import ITEM
from core.basics.errors import DataError
from core.basics.files import delete_folder, read_json
from core.basics.workspace import Workspace
from core.data.database import name, parquet
from core.data.read_options import INTERACTIONS, ITEMS, LINKS, TRIPLES

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
    """Make the database hold one table per dataset folder, and no other; answers the datasets.

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
