"""What a snapshot knows of the items of a domain: what is written about them, and vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.columns import (
    ATTRIBUTE,
    CATEGORIES,
    DESCRIPTION,
    ITEM,
    TITLE,
    VECTOR,
    attribute_columns,
)
from core.basics.types import FloatArray, IdMap
from core.data.pair import ItemFeatures


def described(items: IdMap, table: pd.DataFrame | None) -> pd.DataFrame:
    """ITEM, TITLE, CATEGORIES, DESCRIPTION and attributes of the items, in order; "" if none."""
    attributes = [] if table is None else attribute_columns(table)
    columns = [TITLE, CATEGORIES, DESCRIPTION, *attributes]
    frame = pd.DataFrame({ITEM: items.ids})
    if table is not None:
        known = table.astype({ITEM: "str"}).drop_duplicates(ITEM).set_index(ITEM)
        frame = frame.join(known[[c for c in columns if c in known]], on=ITEM)
    for column in columns:
        frame[column] = frame[column].fillna("").astype("str") if column in frame else ""
    return frame[[ITEM, *columns]]


def uploaded_vectors(items: IdMap, table: pd.DataFrame | None) -> FloatArray | None:
    """(n_items, width) float32 in the order of the items, zeros for those without; None if none."""
    if table is None or VECTOR not in table:
        return None
    known = table[table[VECTOR].notna()].astype({ITEM: "str"}).drop_duplicates(ITEM)
    known = known[known[ITEM].isin(items.ids)]
    if known.empty:
        return None
    rows = [np.asarray(row, dtype=np.float32) for row in known[VECTOR]]
    vectors = np.zeros((len(items), len(rows[0])), dtype=np.float32)
    vectors[items.numbers(known[ITEM])] = rows
    return vectors


def vectors_file(folder: Path, domain: str) -> Path:
    """The uploaded vectors of a snapshot's domain, beside its texts; absent where there are none.

    An array of its own is mapped and not read: pages open snapshots all the time and need none.
    """
    return folder / f"vectors_{domain}.npy"


def read_described(folder: Path, domain: str) -> tuple[IdMap, ItemFeatures]:
    """The items of one domain of a snapshot, and what is known about them."""
    frame = pd.read_parquet(folder / f"items_{domain}.parquet")
    vectors_folder = folder.parent.with_name("texts")  # beside the splits, which share it
    file = vectors_file(folder, domain)
    vectors = np.load(file, mmap_mode="r") if file.exists() else None
    features = replace(features_of(frame, vectors_folder), vectors=vectors)
    return IdMap(frame[ITEM].to_numpy(dtype=object)), features


def features_of(frame: pd.DataFrame, vectors_folder: Path | None = None) -> ItemFeatures:
    """The columns of `described` as arrays; vectors are kept apart."""
    titles, categories, descriptions, *others = (
        frame[column].to_numpy(dtype=object)
        for column in (TITLE, CATEGORIES, DESCRIPTION, *attribute_columns(frame))
    )
    names = [column.removeprefix(ATTRIBUTE) for column in attribute_columns(frame)]
    attributes = dict(zip(names, others, strict=True))
    return ItemFeatures(titles, categories, descriptions, attributes, vectors_folder)
