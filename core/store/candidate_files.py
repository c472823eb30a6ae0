"""Candidates in one Parquet file: a row per user, a list column per kind of entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.basics.columns import USER
from core.basics.errors import RunError
from core.basics.files import write_whole
from core.basics.types import Candidates, FloatArray

ENTRIES = ("items", "source", "target", "base", "source_rank", "target_rank", "dominators")
SCALES = ("source_scale", "target_scale")
_DEPTH = b"depth"


def write_candidates(path: Path, candidates: Candidates) -> Path:
    """Write the candidates, whole or not at all."""
    starts = pa.array(candidates.starts.astype(np.int32))
    columns = {USER: pa.array(candidates.users)}
    for name in ENTRIES:
        columns[name] = pa.ListArray.from_arrays(starts, pa.array(getattr(candidates, name)))
    for name in SCALES:
        scale = np.ascontiguousarray(getattr(candidates, name))
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(scale.ravel()), scale.shape[1])
    columns["has_source"] = pa.array(candidates.has_source)
    columns["has_target"] = pa.array(candidates.has_target)
    table = pa.table(columns).replace_schema_metadata({_DEPTH: str(candidates.depth).encode()})
    return write_whole(path, lambda part: pq.write_table(table, part, compression="zstd"))


def read_candidates(path: Path) -> Candidates:
    """The candidates of a file; raises RunError where there is none."""
    try:
        table = pq.read_table(path).combine_chunks()
    except (OSError, pa.ArrowInvalid) as error:
        raise RunError(
            what=f"The candidates in {path.parent.name} cannot be read ({error}).",
            hint="Delete this run and train it again.",
        ) from error
    lists = {name: _only(table[name]) for name in ENTRIES}
    scales: dict[str, Any] = {name: _rows(_only(table[name])) for name in SCALES}
    return Candidates(
        users=_only(table[USER]).to_numpy(),
        starts=lists["items"].offsets.to_numpy(),
        **{name: column.values.to_numpy() for name, column in lists.items()},
        has_source=_only(table["has_source"]).to_numpy(zero_copy_only=False),
        has_target=_only(table["has_target"]).to_numpy(zero_copy_only=False),
        **scales,
        depth=int(table.schema.metadata[_DEPTH]),
    )


def _only(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _rows(column: pa.FixedSizeListArray) -> FloatArray:
    return column.values.to_numpy().reshape(len(column), column.type.list_size)
