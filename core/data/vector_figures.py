"""How many items have an uploaded vector, and of what width, without holding the vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from core.basics.columns import VECTOR
from core.data.pair import ItemFeatures
from core.data.pair_folder import items_file

_ROWS = 10_000  # looked at together


@dataclass(frozen=True)
class VectorFigures:
    """Of the items of one domain."""

    with_vector: int
    width: int  # numbers of each, 0 where there are none


def figures_of_pair(folder: Path, domain: str) -> VectorFigures:
    """Of the item table of a pair's domain, which holds its items alone."""
    file = items_file(folder, domain)
    if not file.exists() or VECTOR not in pq.read_schema(file).names:
        return VectorFigures(0, 0)
    found, width = 0, 0
    for batch in pq.ParquetFile(file).iter_batches(_ROWS, columns=[VECTOR]):
        lengths = batch.column(0).value_lengths().drop_null()
        found += len(lengths)
        width = width or (int(lengths[0].as_py()) if len(lengths) else 0)
    return VectorFigures(found, width)


def figures_of_items(features: ItemFeatures) -> VectorFigures:
    """Of items whose vectors are at hand, or mapped from a file."""
    if features.vectors is None:
        return VectorFigures(0, 0)
    starts = range(0, len(features.vectors), _ROWS)
    found = sum(int(features.vectors[at : at + _ROWS].any(axis=1).sum()) for at in starts)
    return VectorFigures(found, features.vectors.shape[1])


def vector_words(figures: dict[str, VectorFigures], items: dict[str, int]) -> str:
    """A sentence per named domain; "" where none of them has any vectors."""
    if not any(found.width for found in figures.values()):
        return ""
    parts = [
        f"{found.with_vector:,} of {items[name]:,} items of {name} "
        f"({found.with_vector / max(1, items[name]):.0%}), {found.width:,} numbers each"
        if found.width
        else f"none of {name}"
        for name, found in figures.items()
    ]
    return f"Uploaded vectors: {'; '.join(parts)}."
