"""What is known about a split's rows and texts before a model is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from core.basics.columns import CATEGORIES, COUNT, DESCRIPTION, RATING, SOURCE, TARGET, TITLE
from core.data.item_tables import vectors_file
from core.data.snapshot import read_info
from core.data.times import has_times

Range = tuple[float, float]
Filled = frozenset[str]  # columns of an item table that any item has
EVERY_TEXT: Filled = frozenset((TITLE, CATEGORIES, DESCRIPTION))


@dataclass(frozen=True)
class RatingFacts:
    """Lowest and highest training rating of each domain, None where all are equal or missing."""

    source: Range | None
    target: Range | None
    liked_from: float  # rows below so many of 5 stars were filtered away; 0 where none was
    timed: bool = True  # whether the rows of both domains have times
    texts: tuple[Filled, Filled] = (EVERY_TEXT, EVERY_TEXT)  # of source and of target items
    vectors: tuple[int, int] = (0, 0)  # numbers of their uploaded vectors, 0 for none
    counted: bool = False  # whether the rows of a domain have counts


def rating_facts(folder: Path) -> RatingFacts:
    """Facts of a snapshot folder, from its record and the footers of its files: no row is read."""
    source, target = (_range(folder / f"{domain}_train.parquet") for domain in (SOURCE, TARGET))
    texts = _filled(folder / "items_source.parquet"), _filled(folder / "items_target.parquet")
    vectors = _width(vectors_file(folder, SOURCE)), _width(vectors_file(folder, TARGET))
    liked_from = read_info(folder).liked_from
    counted = any(
        COUNT in pq.read_schema(folder / f"{domain}_train.parquet").names
        for domain in (SOURCE, TARGET)
    )
    return RatingFacts(source, target, liked_from, has_times(folder), texts, vectors, counted)


def _width(path: Path) -> int:
    """Of the array in a file, from its header."""
    return int(np.load(path, mmap_mode="r").shape[1]) if path.exists() else 0


def _filled(path: Path) -> Filled:
    """Which columns of an item table say anything; footers leave out values that are long."""
    return frozenset(column for column in EVERY_TEXT if _says_anything(path, column))


def _says_anything(path: Path, column: str) -> bool:
    groups = pq.ParquetFile(path).metadata.num_row_groups
    bounds = _bounds(path, column)
    if any(highest for _, highest in bounds) or len(bounds) == groups:
        return any(highest for _, highest in bounds)
    return any(pq.read_table(path, columns=[column]).column(column).to_pylist())


def _range(path: Path) -> Range | None:
    bounds = _bounds(path, RATING)
    if not bounds:
        return None
    low, high = min(float(low) for low, _ in bounds), max(float(high) for _, high in bounds)
    return (low, high) if low < high else None


def _bounds(path: Path, column: str) -> list[tuple[Any, Any]]:
    """Lowest and highest value of a column in each group of rows that has any."""
    file = pq.ParquetFile(path)
    place = file.schema_arrow.get_field_index(column)
    groups = range(file.metadata.num_row_groups)
    found = [file.metadata.row_group(group).column(place).statistics for group in groups]
    return [(one.min, one.max) for one in found if one is not None and one.has_min_max]
