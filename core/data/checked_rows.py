"""All rows of a prepared file with ids as numbers, and those that cannot be kept, apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.basics.columns import ATTRIBUTE, CATEGORIES, COUNT, EVENT, TIME, VECTOR
from core.basics.progress import Progress, Report, silent
from core.data.cell_lists import BAR, CAREFUL, bar_joined, is_list
from core.data.conversions import NUMBERS, TOKENS
from core.data.database import in_memory
from core.data.event_types import EventColumn
from core.data.id_codes import IdColumn, trimmed
from core.data.raw_file import TextFacts
from core.data.read_options import ID_ROLES, IGNORE, LISTS, ReadOptions
from core.data.reading import Table, has_header, read_batches, read_broken, refuse_lists
from core.data.rejects import ValueRejects, refuse_all, reject_table

HOPELESS = 2_000_000  # rows without a good one after which reading stops
_LOOKED_AT = 1_000  # rows that show whether ids are lists
MEMORY_LIMIT = "300MB"  # of DuckDB; the rows themselves are held outside it, as numbers


@dataclass(frozen=True)
class CheckedRows:
    """What a file holds: columns of all well-cut rows that can be kept, and the rejects."""

    columns: dict[str, Any]  # role -> (codes, ids) for ids, an array for the rest; VECTOR lists
    rejects: pd.DataFrame
    count: int  # rows that can be kept, duplicates included
    events: dict[str, int] = field(default_factory=dict)  # event type -> rows, rejected ones too
    left_out: dict[str, int] = field(default_factory=dict)  # optional column -> cells not read


def read_rows(
    table: Table, options: ReadOptions, facts: TextFacts | None, work: Path, report: Report = silent
) -> CheckedRows:
    """All rows of a prepared file, ids as numbers, with the rejects apart.

    A column of ratings or times that cannot be read in most rows is left out, and its rows stay.
    Raises DataError where lines are missing between what DuckDB read and what the file has.
    """
    left_out: dict[str, int] = {}
    while True:
        try:
            rows = _read_once(table, options, facts, work, report)
        except _MostlyUnread as unread:
            left_out |= unread.cells
            ignored = dict.fromkeys(unread.cells, IGNORE)
            options = replace(options, roles=options.roles | ignored)
        else:
            return replace(rows, left_out=left_out)


class _MostlyUnread(Exception):
    """Optional columns that cannot be read in most rows, with how many cells of each."""

    def __init__(self, cells: dict[str, int]) -> None:
        self.cells = cells


def _read_once(
    table: Table, options: ReadOptions, facts: TextFacts | None, work: Path, report: Report
) -> CheckedRows:
    skip = header = int(has_header(table, options))
    nul = facts is None or facts.nul or table.objects  # JSON can spell one out
    values, columns = ValueRejects(options, nul), _collectors(options)
    total = facts.lines if facts else pq.read_metadata(table.file).num_rows
    first = 0
    files = [table.file.resolve()]
    with in_memory(work, files=files, memory_limit=MEMORY_LIMIT, threads=2) as connection:
        for batch in read_batches(connection, table, options):
            if not first and options.kind != LISTS:
                _check_single_ids(batch, options)
            first += batch.num_rows
            batch = _trimmed_ids(_bar_joined(batch, options), options)
            body = batch.slice(skip)
            good = values.take(body, first - body.num_rows)
            if isinstance(events := columns.get(EVENT), EventColumn):
                events.see(body.column(EVENT))
            _collect(columns, body if good.all() else body.filter(pa.array(good)))
            skip = max(0, skip - batch.num_rows)
            if first > HOPELESS and values.count >= first - 1:
                if unread := values.mostly_unread(first - header):
                    raise _MostlyUnread(unread)
                refuse_all(values.sorted()[1])
            report(Progress(first, total, "checking rows"))
        broken = read_broken(connection, table)
    if unread := values.mostly_unread(first - header):
        raise _MostlyUnread(unread)
    rejects = reject_table(table, options, facts, values, broken, first)
    finished = {role: _finished(column) for role, column in columns.items()}
    kept = first - header - values.count
    if not isinstance(events := columns.get(EVENT), EventColumn):
        return CheckedRows(finished, rejects, kept)
    weights = finished.pop(EVENT)
    finished[COUNT] = finished[COUNT] * weights if COUNT in finished else weights
    return CheckedRows(finished, rejects, kept, events.most_frequent())


def _collectors(options: ReadOptions) -> dict[str, IdColumn | EventColumn | list]:
    ids = ID_ROLES[options.kind]
    roles = [*options.columns(), *([VECTOR] if options.vector_columns() else [])]
    columns: dict[str, IdColumn | EventColumn | list] = {
        role: IdColumn() if role in ids else [] for role in roles
    }
    return columns | ({EVENT: EventColumn(options)} if EVENT in columns else {})


def _check_single_ids(batch: pa.RecordBatch, options: ReadOptions) -> None:
    """Raises DataError where the cells of a column of ids are lists."""
    for role in ID_ROLES[options.kind]:
        cells = [cell for cell in batch.column(role).slice(1, _LOOKED_AT).to_pylist() if cell]
        lists = [cell for cell in cells if is_list(cell)]
        if len(lists) > len(cells) / 2:
            refuse_lists(options.columns()[role], lists[0])


def _bar_joined(batch: pa.RecordBatch, options: ReadOptions) -> pa.RecordBatch:
    """The batch with several names in one cell apart by bars."""
    for role, column in options.columns().items():
        if not role.startswith((CATEGORIES, ATTRIBUTE)) or column.endswith(TOKENS):
            continue
        careful = role != CATEGORIES and options.separator in CAREFUL
        separator = BAR if careful else options.separator
        at = batch.schema.get_field_index(role)
        batch = batch.set_column(at, role, bar_joined(batch.column(at), separator))
    return batch


def _trimmed_ids(batch: pa.RecordBatch, options: ReadOptions) -> pa.RecordBatch:
    for role in ID_ROLES[options.kind]:
        at = batch.schema.get_field_index(role)
        batch = batch.set_column(at, role, trimmed(batch.column(at)))
    return batch


def _collect(columns: dict[str, IdColumn | EventColumn | list], batch: pa.RecordBatch) -> None:
    """Take copies: one column of a batch that is held on to would keep all its texts in memory."""
    for role, column in columns.items():
        values = batch.column(role)
        if isinstance(column, IdColumn | EventColumn):
            column.add(values)
        elif role in (*NUMBERS, TIME):
            column.append(np.array(values.to_numpy(zero_copy_only=False)))
        else:
            column.append(pa.concat_arrays([values, values.slice(0, 0)]))


def _finished(column: IdColumn | EventColumn | list) -> Any:
    if isinstance(column, IdColumn | EventColumn):
        return column.finish()
    together = np.concatenate(column) if isinstance(column[0], np.ndarray) else None
    result = pa.chunked_array(column) if together is None else together
    column.clear()
    return result
