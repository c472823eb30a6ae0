"""What a snapshot knows of the items of a domain: titles, categories, descriptions, attributes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.basics.columns import (
    ATTRIBUTE,
    CATEGORIES,
    DESCRIPTION,
    ITEM,
    TITLE,
    attribute_columns,
)
from core.basics.ids import IdMap
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


def read_described(folder: Path, domain: str) -> tuple[IdMap, ItemFeatures]:
    """The items of one domain of a snapshot, and what is known about them."""
    frame = pd.read_parquet(folder / f"items_{domain}.parquet")
    vectors_folder = folder.parent.with_name("texts")  # beside the splits, which share it
    return IdMap(frame[ITEM].to_numpy(dtype=object)), features_of(frame, vectors_folder)


def features_of(frame: pd.DataFrame, vectors_folder: Path | None = None) -> ItemFeatures:
    """The columns of `described` as arrays."""
    titles, categories, descriptions, *others = (
        frame[column].to_numpy(dtype=object)
        for column in (TITLE, CATEGORIES, DESCRIPTION, *attribute_columns(frame))
    )
    names = [column.removeprefix(ATTRIBUTE) for column in attribute_columns(frame)]
    attributes = dict(zip(names, others, strict=True))
    return ItemFeatures(titles, categories, descriptions, attributes, vectors_folder)
