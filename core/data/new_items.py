"""Splits of new items: whole target items are held out, and lists hold nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, TEST, VALID
from core.basics.errors import DataError
from core.basics.types import BoolArray, IdMap

NEW_ITEMS = "new items"  # the kind of split


def hold_out_items(
    target: pd.DataFrame, shares: tuple[float, float], fewest: int, seed: int
) -> tuple[BoolArray, BoolArray]:
    """Which rows have an item of validation, and which one of the test, (n_rows,) each.

    shares: of the items with `fewest` rows or more, for validation and the test. Row order and
    users do not matter. Raises DataError where a part gets no item.
    """
    items, names = pd.factorize(target[ITEM], sort=True)
    enough = np.flatnonzero(np.bincount(items) >= fewest)
    drawn = np.random.default_rng(seed).permutation(enough)
    n_valid, n_test = (int(share * len(drawn)) for share in shares)
    if not n_test or not n_valid:
        raise DataError(
            what=f"{len(drawn):,} target items with {fewest} interactions or more are too few for "
            "a split of new items.",
            hint="Hide a larger share, ask for fewer interactions, or choose another kind.",
        )
    held_out = np.zeros((2, len(names)), dtype=bool)
    held_out[1, drawn[:n_test]] = True
    held_out[0, drawn[n_test : n_test + n_valid]] = True
    return held_out[0][items], held_out[1][items]


def drawn_order(items: IdMap, seed: int) -> IdMap:
    """The items numbered by a draw: equal scores stand by item number, so in a random order."""
    return IdMap(np.random.default_rng(seed).permutation(items.ids))


def new_items_of(folder: Path, n_items: int) -> dict[str, BoolArray]:
    """Items that validation, and the test, of a snapshot hold rows of, (n_items,) each."""
    found = {}
    for part in (VALID, TEST):
        rows = pd.read_parquet(folder / f"target_{part}.parquet", columns=[ITEM])
        found[part] = np.isin(np.arange(n_items), rows[ITEM])
    return found
