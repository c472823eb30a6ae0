"""What is known about users beside their history: uploaded tables of user, attribute, attribute."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from core.basics.columns import USER
from core.basics.errors import DataError
from core.basics.files import (
    as_record,
    delete_folder,
    fingerprint,
    read_json,
    whole_folder,
    write_json,
)
from core.basics.types import IdMap
from core.basics.workspace import Workspace
from core.data.reading.encoding import guess_from

LARGEST = 100 * 1024**2  # bytes of an upload
MOST_COLUMNS = 50
_TABLE, _RECORD = "attributes.parquet", "attributes.json"
_USER_NAMES = ("user_id", "user", "userid", "uid", "customer_id", "customer", "id")
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class AttributeCounts:
    """What came of a file of attributes; users are those of the pair."""

    attributes: list[str]
    rows: int  # in the file, its header apart
    repeated: int  # rows of a user who came again later; the last one counts
    unnamed: int  # rows without a user, or of another length than the header
    unknown: int  # users of the file who are not in the pair
    matched: int  # users of the pair with a row
    missing: int  # users of the pair without one


def read_attributes(data: bytes) -> tuple[pd.DataFrame, int, int, int]:
    """USER and a text column per attribute, one row per user; then rows, repeated and unnamed.

    data: a delimited text file with a header; columns without a name are left out. Raises
    DataError where it is none.
    """
    header, lines = _lines(data)
    user = next((header.index(name) for name in _USER_NAMES if name in header), 0)
    rows = [line for line in lines if len(line) == len(header) and line[user].strip()]
    names = [name if place != user else USER for place, name in enumerate(header)]
    table = pd.DataFrame(rows, columns=names, dtype="str").map(str.strip)
    table = table.loc[:, [name != "" for name in names]]
    kept = table.drop_duplicates(USER, keep="last", ignore_index=True)
    return kept, len(lines), len(table) - len(kept), len(lines) - len(table)


def keep_attributes(
    workspace: Workspace, dataset_hash: str, data: bytes, users: IdMap
) -> AttributeCounts:
    """Check the file against the users of a pair and keep it beside the pair, named by content.

    Raises DataError where none of its users is in the pair, or it is no table.
    """
    table, rows, repeated, unnamed = read_attributes(data)
    known = table[USER].isin(users.ids)
    counts = AttributeCounts(
        [name for name in table if name != USER],
        rows,
        repeated,
        unnamed,
        int((~known).sum()),
        int(known.sum()),
        len(users) - int(known.sum()),
    )
    if not counts.matched:
        given = table[USER].iloc[0] if len(table) else ""
        raise DataError(
            what=f"No user of this file is in the pair: it has {given!r}, "
            f"the pair {users.ids[0]!r}.",
            hint="Ids are text and must match exactly; the user column comes first or is named so.",
        )
    folder = _root(workspace, dataset_hash) / fingerprint(data.decode("latin-1"))
    with whole_folder(folder, anew=is_damaged(folder)) as part:  # or it would keep its place
        table[known].to_parquet(part / _TABLE, index=False)
        write_json(part / _RECORD, asdict(counts))
    return counts


def list_attributes(workspace: Workspace, dataset_hash: str) -> list[Path]:
    """Folders of the kept files of a pair, the oldest first."""
    found = [
        path
        for path in _root(workspace, dataset_hash).glob(f"*/{_RECORD}")
        if path.parent.suffix != ".part"  # not whole yet, or on its way out
    ]
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]


def remove_attributes(workspace: Workspace, dataset_hash: str, name: str) -> None:
    """Forget one kept file of a pair, by the name of its folder; nothing where it is gone."""
    folder = next(
        (one for one in list_attributes(workspace, dataset_hash) if one.name == name), None
    )
    if folder is None:
        return
    delete_folder(folder)


def read_counts(folder: Path) -> AttributeCounts:
    """What came of one kept file; raises DataError where its record is damaged."""
    return as_record(AttributeCounts, read_json(folder / _RECORD))


def is_damaged(folder: Path) -> bool:
    """Whether a kept file cannot be read any more."""
    try:
        read_counts(folder)
        return USER not in pq.read_schema(folder / _TABLE).names
    except (DataError, OSError, ValueError):
        return True


def user_attributes(workspace: Workspace, dataset_hash: str, users: IdMap) -> dict[str, np.ndarray]:
    """Text values by attribute, (n_users,) each, "" where unknown; the newest file counts.

    A file that is damaged is passed over: the page that lists them says so.
    """
    found: dict[str, np.ndarray] = {}
    for folder in list_attributes(workspace, dataset_hash):
        if is_damaged(folder):
            continue
        table = pd.read_parquet(folder / _TABLE).set_index(USER).reindex(users.ids)
        found |= {name: table[name].fillna("").to_numpy(dtype=object) for name in table}
    return found


def _root(workspace: Workspace, dataset_hash: str) -> Path:
    return workspace.attributes / dataset_hash


def _lines(data: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a delimited text."""
    if len(data) > LARGEST:
        raise DataError(
            what=f"This file has {len(data) / 1e6:,.0f} MB.",
            hint=f"A table of attributes may have {LARGEST // 1024**2} MB.",
        )
    text = data.decode(guess_from(data).encoding, errors="replace").lstrip("\ufeff")
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text), delimiter=delimiter) if line]
    except csv.Error as error:
        raise DataError(
            what=f"This file cannot be read as a table ({error}).",
            hint="Save it as CSV with a header: user, then one column per attribute.",
        ) from error
    header = [name.strip().lower() for name in lines[0]] if lines else []
    named = header[:1] + [name for name in header[1:] if name]
    if not 2 <= len(named) <= MOST_COLUMNS or len(set(named)) < len(named) or len(lines) < 2:
        raise DataError(
            what="This file has no header with a user and at least one attribute, and rows below.",
            hint=f"Its first line should read user,attribute; at most {MOST_COLUMNS} columns.",
        )
    return header, lines[1:]
