"""Two imported files become a pair: filtered, matched, counted, and kept under one hash."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import duckdb
import pandas as pd

from core.basics.columns import (
    CATEGORIES,
    COUNT,
    DESCRIPTION,
    ITEM,
    RATING,
    SOURCE,
    TARGET,
    TIME,
    TITLE,
    USER,
    VECTOR,
    attribute_columns,
)
from core.basics.errors import DataError
from core.basics.files import whole_folder, write_json
from core.basics.fingerprint import fingerprint, fingerprint_file
from core.data.database import columns, name, number, text
from core.data.datasets import RECORD as DATASET_RECORD
from core.data.datasets import relation
from core.data.drops import drop_cross_listed, drop_double_users
from core.data.filters import DOMAINS, filter_rows
from core.data.pair_folder import (
    RECORD,
    DomainCounts,
    PairCounts,
    PairInfo,
    items_file,
    rows_file,
)
from core.data.pair_settings import PairInputs, PairSettings, everything
from core.data.shared_ids import why_nothing_is_shared
from core.data.triple_file import with_triples

VERSION = 1  # of the way a pair is built; another one gives other hashes
FEW_SHARED = 50  # below this many shared users a person is warned


def build_pair(
    connection: duckdb.DuckDBPyConnection,
    inputs: PairInputs,
    settings: PairSettings,
    root: Path,
) -> Path:
    """Write the pair as a folder under `root`, named by its dataset hash; answers the folder.

    Works on the app's cursor and on an in-memory database alike. Raises DataError where nobody is
    shared, or one user, one item or nothing is left.
    """
    dataset_hash = pair_hash(inputs, settings)
    folder = root / dataset_hash
    if folder.exists():
        return folder
    before = count_inputs(connection, inputs, settings)
    after = filter_counts(connection, inputs, settings)
    _check_usable(connection, inputs, settings, before, after)
    if settings.drop_double_users:
        drop_double_users(connection, settings)
    if settings.drop_cross_listed:
        drop_cross_listed(connection, settings)
    if settings.drop_double_users or settings.drop_cross_listed:
        after = _counts(connection, name(SOURCE), name(TARGET))
        _check_usable(connection, inputs, settings, before, after)
    names = (inputs.source_name, inputs.target_name)
    added, said = _read_triples(connection, inputs, settings)
    info = PairInfo(
        dataset_hash, *(names[::-1] if settings.swap else names), settings.to_dict(),
        _hashes(inputs), before, after, [*_warnings(connection, inputs, after), *said],
    )  # fmt: skip
    with whole_folder(folder) as part:
        for domain in DOMAINS:
            _write_rows(connection, domain, rows_file(part, domain))
        for domain, table in _item_tables(inputs, settings).items():
            if table is not None:
                query = _items_query(connection, domain, table)
                file = text(str(items_file(part, domain)))
                connection.execute(f"COPY ({query}) TO {file} (FORMAT parquet, COMPRESSION zstd)")
        for domain, frame in added.items():
            frame.to_parquet(items_file(part, domain), index=False)
        write_json(part / RECORD, asdict(info))
    return folder


def pair_hash(inputs: PairInputs, settings: PairSettings) -> str:
    """Hash of the content of every file and of the settings."""
    names = [inputs.source_name, inputs.target_name]
    return fingerprint("pair", VERSION, _hashes(inputs), names, settings.key())


def filter_counts(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> PairCounts:
    """What the filters leave, without writing anything; the rows stay in temporary tables.

    Cross-listed items and double users are not looked for here: that takes longer than a filter.
    """
    filter_rows(connection, inputs, settings)
    return _counts(connection, name(SOURCE), name(TARGET))


def count_inputs(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> PairCounts:
    """Sizes of the files as imported, in the roles that the settings give them."""
    return filter_counts(connection, inputs, everything(settings.to_dict()))


def _counts(connection: duckdb.DuckDBPyConnection, source: str, target: str) -> PairCounts:
    sizes = []
    for rows in (source, target):
        counted = [f"count(DISTINCT {USER})", f"count(DISTINCT {ITEM})", "count(*)"]
        sizes.append([number(connection, f"SELECT {what} FROM {rows}") for what in counted])
    shared = number(
        connection,
        f"SELECT count(*) FROM (SELECT {USER} FROM {source} INTERSECT SELECT {USER} FROM {target})",
    )
    return PairCounts(DomainCounts(*sizes[0]), DomainCounts(*sizes[1]), shared)


def _check_usable(
    connection: duckdb.DuckDBPyConnection,
    inputs: PairInputs,
    settings: PairSettings,
    before: PairCounts,
    after: PairCounts,
) -> None:
    if not before.shared:
        raise DataError(
            what=f"No user of {inputs.source_name} is in {inputs.target_name}.",
            hint=why_nothing_is_shared(connection, inputs, settings),
        )
    if not after.source.rows or not after.target.rows:
        emptied = TARGET if after.source.rows else SOURCE
        raise DataError(
            what=f"The filters leave no rows in the {emptied}.",
            hint="Lower the k-core, the rating threshold or the activity bounds.",
        )
    for what, left in (("user", after.target.users), ("item", after.target.items)):
        if left < 2:
            raise DataError(
                what=f"Only one {what} is left in the target: there is nothing to rank or learn.",
                hint="Loosen the filters, or import a file with more interactions.",
            )
    if not after.shared:
        raise DataError(
            what=f"The filters leave none of the {before.shared:,} shared users.",
            hint="Lower the k-core or the rating threshold.",
        )


def _warnings(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, after: PairCounts
) -> list[str]:
    said = []
    for file, called in ((inputs.source, inputs.source_name), (inputs.target, inputs.target_name)):
        rows = relation(connection, file)
        if RATING in columns(connection, rows) and not number(
            connection, f"SELECT max({RATING}) > min({RATING}) FROM {rows}"
        ):
            said.append(f"Every rating in {called} is equal, so every row counts as liked.")
    if after.shared < FEW_SHARED:
        said.append(f"Only {after.shared:,} users are shared: differences will be hard to see.")
    return said


def _hashes(inputs: PairInputs) -> dict[str, str]:
    files = {
        SOURCE: inputs.source, TARGET: inputs.target, "items_source": inputs.items_source,
        "items_target": inputs.items_target, "links": inputs.links, "triples": inputs.triples,
    }  # fmt: skip
    return {role: _content_hash(file) for role, file in files.items() if file is not None}


def _content_hash(file: Path) -> str:
    """A dataset's folder is named by its content; any other file is read."""
    known = (file.parent / DATASET_RECORD).exists()
    return file.parent.name if known else fingerprint_file(file)


def _write_rows(connection: duckdb.DuckDBPyConnection, domain: str, file: Path) -> None:
    has = columns(connection, name(domain))
    known = (USER, ITEM, RATING, TIME, COUNT)
    kept = ", ".join(name(column) for column in known if column in has)
    query = f"SELECT {kept} FROM {name(domain)} ORDER BY {USER}, {ITEM}"
    connection.execute(f"COPY ({query}) TO {text(str(file))} (FORMAT parquet, COMPRESSION zstd)")


def _item_tables(inputs: PairInputs, settings: PairSettings) -> dict[str, Path | None]:
    """Item tables by the domain they describe."""
    items = (inputs.items_source, inputs.items_target)
    return dict(zip(DOMAINS, items[::-1] if settings.swap else items, strict=True))


def _items_query(connection: duckdb.DuckDBPyConnection, domain: str, table: Path) -> str:
    """What is known about the items that are left in the domain."""
    has = columns(connection, relation(connection, table))
    known = (ITEM, TITLE, CATEGORIES, DESCRIPTION, *attribute_columns(has), VECTOR)
    kept = ", ".join(name(column) for column in known if column in has)
    return (
        f"SELECT {kept} FROM {relation(connection, table)} WHERE {ITEM} IN "
        f"(SELECT {ITEM} FROM {name(domain)}) ORDER BY {ITEM}"
    )


def _read_triples(
    connection: duckdb.DuckDBPyConnection, inputs: PairInputs, settings: PairSettings
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Item tables with what the file of triples adds to them, and what was counted in words."""
    if inputs.triples is None:
        return {}, []
    triples = connection.execute(f"SELECT * FROM {relation(connection, inputs.triples)}").df()
    ids = {
        domain: connection.execute(f"SELECT DISTINCT {ITEM} FROM {name(domain)}").df()[ITEM]
        for domain in DOMAINS
    }
    tables = {
        domain: table and connection.execute(_items_query(connection, domain, table)).df()
        for domain, table in _item_tables(inputs, settings).items()
    }
    added, used = with_triples(triples, ids, tables)
    return added, [used.words()]
