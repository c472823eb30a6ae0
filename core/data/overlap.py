"""How much two domains share: users, the interactions they carry, and how active they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from core.basics.columns import COUNT, DECILE, DOMAIN, SHARE, SOURCE, TARGET, USER
from core.data.database import number
from core.data.datasets import relation


@dataclass(frozen=True)
class Overlap:
    """deciles: DOMAIN, DECILE (1: the least active tenth of its users), COUNT users, SHARE of
    them that are shared, and what each has "fewest" and "most" interactions."""

    source_users: int
    target_users: int
    shared: int
    source_rows: int
    target_rows: int
    source_rows_shared: int  # rows carried by shared users
    target_rows_shared: int
    deciles: pd.DataFrame

    def share_of(self, domain: str) -> float:
        """Share of the domain's users who are in the other one too."""
        users = self.source_users if domain == SOURCE else self.target_users
        return self.shared / users if users else 0.0

    def carried(self, domain: str) -> float:
        """Share of the domain's interactions that shared users made."""
        rows = self.source_rows if domain == SOURCE else self.target_rows
        carried = self.source_rows_shared if domain == SOURCE else self.target_rows_shared
        return carried / rows if rows else 0.0


def overlap(connection: duckdb.DuckDBPyConnection, source: Path, target: Path) -> Overlap:
    """Overlap of two files of interactions, matched by equal user ids."""
    files = {SOURCE: relation(connection, source), TARGET: relation(connection, target)}
    for domain, interactions in files.items():
        other = files[TARGET if domain == SOURCE else SOURCE]
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {domain}_activity AS "
            f"SELECT {USER}, count(*) AS n, {USER} IN (SELECT {USER} FROM {other}) AS shared "
            f"FROM {interactions} GROUP BY {USER}"
        )
    return Overlap(
        source_users=_ask(connection, SOURCE, "count(*)"),
        target_users=_ask(connection, TARGET, "count(*)"),
        shared=number(connection, f"SELECT count(*) FROM {SOURCE}_activity WHERE shared"),
        source_rows=_ask(connection, SOURCE, "sum(n)"),
        target_rows=_ask(connection, TARGET, "sum(n)"),
        source_rows_shared=_ask(connection, SOURCE, "sum(n) FILTER (WHERE shared)"),
        target_rows_shared=_ask(connection, TARGET, "sum(n) FILTER (WHERE shared)"),
        deciles=pd.concat([_deciles(connection, domain) for domain in files], ignore_index=True),
    )


def _ask(connection: duckdb.DuckDBPyConnection, domain: str, what: str) -> int:
    return number(connection, f"SELECT {what} FROM {domain}_activity")


def _deciles(connection: duckdb.DuckDBPyConnection, domain: str) -> pd.DataFrame:
    return connection.execute(
        f"SELECT '{domain}' AS {DOMAIN}, {DECILE}, count(*) AS {COUNT}, "
        f"avg(shared::INT) AS {SHARE}, min(n) AS fewest, max(n) AS most "
        f"FROM (SELECT *, ntile(10) OVER (ORDER BY n, {USER}) AS {DECILE} FROM {domain}_activity) "
        f"GROUP BY {DECILE} ORDER BY {DECILE}"
    ).df()
