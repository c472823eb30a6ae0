"""A child that looks at the head of a file for a preview: `python -m core.data.reading.try_head`.

It reads a question as JSON from its standard input and prints the answer as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.basics.columns import VECTOR
from core.basics.errors import CrosswalkError
from core.basics.machine import limit_for

if TYPE_CHECKING:
    import pandas as pd

    from core.data.reading.prepare import CheckedRows


_LINE_BYTES = 200  # enough for most lines


def rejects_of_head(path: Path, options: dict[str, Any], rows: int) -> dict[str, Any]:
    """How many of the first rows would be rejected, and why, with examples."""
    from core.data.reading.options import ReadOptions
    from core.data.reading.prepare import prepare, read_rows
    from core.data.reading.rejects import example_counts

    wanted = ReadOptions.of(options)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        head, whole = _cut(path, wanted.encoding, rows + 1 + wanted.skip_lines, work)
        wanted = replace(wanted, encoding="utf-8")
        table, facts = prepare(head, wanted, work)
        checked = read_rows(table, wanted, facts, work)
    rejects = checked.rejects if whole else _without_cut_row(checked.rejects)
    counts = example_counts(rejects).to_dict("list")
    return {
        "rows": checked.count + len(rejects),
        "rejected": len(rejects),
        "counts": counts,
        "vectors": _vectors_of(checked),
        "events": checked.events,
    }


def _vectors_of(checked: CheckedRows) -> dict[str, int] | None:
    import numpy as np

    from core.data.reading.rows import checked_vectors

    if VECTOR not in checked.columns:
        return None
    rows = np.ones(checked.count, dtype=bool)
    return asdict(checked_vectors(checked.columns[VECTOR], rows)[1])


def head_of_parquet(path: Path, rows: int) -> dict[str, Any]:
    """Names of the columns and the first rows as texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from core.data.reading.prepare import exact_below, parquet_columns

    columns = list(parquet_columns(path))
    batch = next(pq.ParquetFile(path).iter_batches(batch_size=rows), None)
    table = pa.Table.from_batches([batch]) if batch is not None else pa.table({})
    texts = [
        [_as_read(value, exact_below(column.type)) for value in column.to_pylist()]
        for column in table.columns
    ]
    return {"columns": columns, "rows": list(zip(*texts, strict=True))}


def _as_read(value: Any, exact: int) -> str:
    """The text of a value, whole numbers of a float column without .0, as ids of it are read.

    Beyond what the column tells apart they are written with an exponent, so that they are doubted.
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) if abs(value) < exact else f"{value:.6E}"
    return "" if value is None else str(value)


def _cut(path: Path, encoding: str, lines: int, work: Path) -> tuple[Path, bool]:
    """The first lines as a file of their own, and whether these are all there are.

    A cut text is UTF-8; Parquet is cut by rows.
    """
    from core.data.reading.head import read_head
    from core.data.reading.raw import PARQUET, sort_of

    if sort_of(path) == PARQUET:
        return _cut_parquet(path, lines, work / "head.parquet"), True
    escaped = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    text, whole = read_head(path, encoding, lines * _LINE_BYTES, escaped)
    parts = text.split("\n", lines)
    whole = whole and len(parts) <= lines
    (work / "head").write_bytes("\n".join(parts[:lines]).encode(errors=escaped))
    return work / "head", whole


def _without_cut_row(rejects: pd.DataFrame) -> pd.DataFrame:
    """A quoted value that reaches beyond the head looks unclosed and is none."""
    from core.data.reading.rejects import SWALLOWED
    from core.data.reading.rows import UNCLOSED

    end = len(rejects)
    while end and rejects["reason"].iloc[end - 1].startswith(SWALLOWED):
        end -= 1
    cut = end and rejects["reason"].iloc[end - 1] == UNCLOSED
    return rejects.iloc[: end - 1] if cut else rejects


def _cut_parquet(path: Path, rows: int, to: Path) -> Path:
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(path)
    with pq.ParquetWriter(to, parquet.schema_arrow) as writer:
        for batch in parquet.iter_batches(batch_size=rows):
            writer.write_batch(batch)
            break
    return to


def main(task: str, path: Path) -> None:
    """Answer one question on the last line of standard output."""
    question = json.load(sys.stdin)
    try:
        limit_for(path)
        if task == "rejects":
            answer = rejects_of_head(path, **question)
        else:
            answer = head_of_parquet(path, **question)
    except CrosswalkError as error:
        answer = {"what": error.what, "hint": error.hint}
    except MemoryError:
        answer = {
            "what": "The file needs more memory than there is.",
            "hint": "Check that it is a table, or split it.",
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
