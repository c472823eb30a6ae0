"""What is known about the ratings of a split before a rating model is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from core.basics.columns import RATING, SOURCE, TARGET
from core.data.snapshot import read_info
from core.data.times import has_times

Range = tuple[float, float]


@dataclass(frozen=True)
class RatingFacts:
    """Lowest and highest training rating of each domain, None where all are equal or missing."""

    source: Range | None
    target: Range | None
    liked_from: float  # rows below so many of 5 stars were filtered away; 0 where none was
    timed: bool = True  # whether the rows of both domains have times


def rating_facts(folder: Path) -> RatingFacts:
    """Facts of a snapshot folder, from its record and the footers of its files: no row is read."""
    source, target = (_range(folder / f"{domain}_train.parquet") for domain in (SOURCE, TARGET))
    return RatingFacts(source, target, read_info(folder).liked_from, has_times(folder))


def _range(path: Path) -> Range | None:
    file = pq.ParquetFile(path)
    place = file.schema_arrow.get_field_index(RATING)
    groups = range(file.metadata.num_row_groups)
    found = [file.metadata.row_group(group).column(place).statistics for group in groups]
    bounds = [(float(s.min), float(s.max)) for s in found if s is not None and s.has_min_max]
    if not bounds:
        return None
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return (low, high) if low < high else None
