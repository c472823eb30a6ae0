"""Are groups of items shown at one rate? Head and tail, and categories where there are any."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray
from core.evaluation.list_world import Judged, ListWorld
from core.metrics.fairness import (
    amounts_by_group,
    head_and_tail,
    item_gains,
    item_mad,
    rates,
    relative_spread,
)
from core.metrics.lists import exposure

GROUP, ITEMS, CATALOGUE, HISTORY, EXPOSURE, RATE, FOUND, WANTED = (
    "group",
    "items",
    "catalogue",
    "history",
    "exposure",
    "rate",
    "found",
    "wanted",
)
HEAD, TAIL = "head", "tail"
FEWEST_ITEMS = 10  # items below which a category is left out


def head_tail_rows(judged: Judged, world: ListWorld, k: int) -> pd.DataFrame:
    """A row for HEAD and one for TAIL: see item_rows."""
    return item_rows(judged, world, k, head_and_tail(world.head), [HEAD, TAIL])


def category_rows(judged: Judged, world: ListWorld, k: int) -> pd.DataFrame:
    """A row per category of at least FEWEST_ITEMS items, the largest first; no rows without any.

    A category that every item is in is left out: it can be compared with nothing.
    """
    if world.categories is None:
        return item_rows(judged, world, k, csr_matrix((world.n_items, 0)), [])
    names, members = world.categories.names, world.categories.members
    sizes, n_rankable = members[world.rankable].getnnz(axis=0), world.masked.n_rankable
    order = np.argsort(-sizes, kind="stable")
    kept = [place for place in order if FEWEST_ITEMS <= sizes[place] < n_rankable]
    return item_rows(judged, world, k, csr_matrix(members[:, kept]), [names[i] for i in kept])


def item_rows(
    judged: Judged, world: ListWorld, k: int, members: csr_matrix, names: list[str]
) -> pd.DataFrame:
    """GROUP, ITEMS, CATALOGUE, HISTORY, EXPOSURE, RATE, FOUND, WANTED of groups of items.

    Shares of the catalogue, of training interactions and of all places in lists; RATE is
    P(recommended | group), places over user and item pairs that were possible; FOUND is
    P(recommended | group, relevant), hits over WANTED items to find.
    """
    lists, hits = judged.items[:, :k], judged.hits[:, :k]
    places = exposure(lists, world.n_items)
    found = np.bincount(lists[hits], minlength=world.n_items)
    asked = np.zeros(world.relevant.shape[0])
    asked[judged.users] = 1.0
    wanted = (world.relevant != 0).astype(np.float64).T @ asked
    hidden = (world.masked.rows != 0).astype(np.float64).T @ asked
    possible = np.where(world.rankable, len(judged.users) - hidden, 0.0)
    catalogue = world.rankable.astype(np.float64)

    def of_group(amounts: FloatArray | IntArray) -> FloatArray:
        return amounts_by_group(amounts, members)

    return pd.DataFrame(
        {
            GROUP: names,
            ITEMS: of_group(catalogue).astype(int),
            CATALOGUE: of_group(catalogue) / max(1.0, float(catalogue.sum())),
            HISTORY: of_group(world.popularity) / max(1.0, float(world.popularity.sum())),
            EXPOSURE: of_group(places) / max(1, int(places.sum())),
            RATE: rates(of_group(places), of_group(possible)),
            FOUND: rates(of_group(found), of_group(wanted)),
            WANTED: of_group(wanted).astype(int),
        }
    )


def category_members(rows: pd.DataFrame, world: ListWorld) -> csr_matrix:
    """(n_items, n_rows) membership in the categories of the rows."""
    if world.categories is None:
        return csr_matrix((world.n_items, 0))
    return world.categories.named([str(name) for name in rows[GROUP]])


def mad_of(judged: Judged, world: ListWorld, k: int, members: csr_matrix) -> float:
    """ItemMAD at k of groups of items; members: (n_items, n_groups) ones."""
    lists, hits = judged.items[:, :k], judged.hits[:, :k]
    return item_mad(item_gains(lists, hits, world.n_items), members)


def extremes(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The groups shown most and least for their share of the catalogue."""
    ratio = (rows[EXPOSURE] / rows[CATALOGUE]).to_numpy()
    return rows.iloc[int(np.argmax(ratio))], rows.iloc[int(np.argmin(ratio))]


def wanted_share(rows: pd.DataFrame, group: str) -> float:
    """Share of all that is to be found in one of the groups."""
    return float(rows.loc[rows[GROUP] == group, WANTED].sum() / max(1, rows[WANTED].sum()))


def parity(rows: pd.DataFrame) -> tuple[float, float]:
    """RSP and REO of the rows' groups: 0 where all are recommended, and found, at one rate."""
    return relative_spread(rows[RATE].to_numpy()), relative_spread(rows[FOUND].to_numpy())
