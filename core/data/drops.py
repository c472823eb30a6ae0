"""What is left out of a pair after its filters: cross-listed items and double users."""

from __future__ import annotations

import duckdb
import pandas as pd

from core.basics.columns import ITEM, SOURCE, USER
from core.data.cross_listed import SOURCE_ITEM, find_cross_listed
from core.data.database import name
from core.data.double_users import find_double_users, spare_ids
from core.data.filters import DOMAINS, keep_core
from core.data.pair_folder import as_domain_pair
from core.data.pair_settings import PairSettings
from core.data.splitting import training_rows


def drop_cross_listed(connection: duckdb.DuckDBPyConnection, settings: PairSettings) -> None:
    """Delete source items the target lists too, found on training rows only."""
    source, target = (_rows(connection, domain) for domain in DOMAINS)
    found = find_cross_listed(as_domain_pair(source, training_rows(source, target)))
    _delete(connection, SOURCE, ITEM, found.pairs[SOURCE_ITEM].unique().tolist())
    keep_core(connection, SOURCE, settings.source_core)


def drop_double_users(connection: duckdb.DuckDBPyConnection, settings: PairSettings) -> None:
    """Delete every id but the first of those with nearly the same history, from both domains."""
    pairs = []
    for domain in DOMAINS:
        rows = _rows(connection, domain)
        pair = as_domain_pair(rows, rows.head(0))
        pairs.append(find_double_users(pair.source, pair.users).pairs)
    spare = spare_ids(pd.concat(pairs, ignore_index=True))
    for domain in DOMAINS:
        _delete(connection, domain, USER, spare)
    for domain in DOMAINS:
        keep_core(connection, domain, getattr(settings, f"{domain}_core"))


def _rows(connection: duckdb.DuckDBPyConnection, domain: str) -> pd.DataFrame:
    return connection.execute(f"SELECT {USER}, {ITEM} FROM {name(domain)}").df()


def _delete(
    connection: duckdb.DuckDBPyConnection, domain: str, column: str, values: list[str]
) -> None:
    connection.register("dropped", pd.DataFrame({column: values}, dtype="str"))
    connection.execute(
        f"DELETE FROM {name(domain)} WHERE {column} IN (SELECT {column} FROM dropped)"
    ).fetchall()  # an answer that waits keeps the table from being registered again
    connection.unregister("dropped")
