"""Recommended lists in one Parquet file: a row per user, its items best first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.basics.columns import ITEM, USER
from core.basics.errors import RunError
from core.basics.files import write_whole
from core.basics.types import Lists


def write_lists(path: Path, lists: Lists) -> Path:
    """Write the lists, whole or not at all."""
    items = np.ascontiguousarray(lists.items, dtype=np.int32)
    columns = {
        USER: pa.array(lists.users.astype(np.int32)),
        ITEM: pa.FixedSizeListArray.from_arrays(pa.array(items.ravel()), items.shape[1]),
    }
    return write_whole(path, lambda part: pq.write_table(pa.table(columns), part))


def read_lists(path: Path) -> Lists:
    """The lists of a file; raises RunError where there are none."""
    try:
        table = pq.read_table(path).combine_chunks()
    except (OSError, pa.ArrowInvalid) as error:
        raise RunError(
            what=f"The lists in {path.parent.name} cannot be read ({type(error).__name__}).",
            hint="Train this run again: runs of older versions kept none.",
        ) from error
    longest = table.schema.field(ITEM).type.list_size
    items = table[ITEM].combine_chunks().flatten().to_numpy()
    return Lists(table[USER].to_numpy(), items.reshape(table.num_rows, longest))
