"""Import a file: from as it came to checked Parquet, every row kept, rejected or merged."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.basics.columns import COUNT, TIME, VECTOR
from core.basics.errors import DataError
from core.basics.files import (
    fingerprint,
    fingerprint_file,
    is_left_behind,
    read_json,
    remove,
    whole_folder,
    write_json,
)
from core.basics.formatting import count
from core.basics.progress import Progress, Report, silent
from core.data.reading.options import ID_ROLES, LAST, LISTS, ReadOptions
from core.data.reading.prepare import CheckedRows, kept_rows, prepare, read_rows, summed
from core.data.reading.rejects import refuse_all
from core.data.reading.rows import VectorCounts, checked_vectors
from core.data.reading.times import FIRST_SECOND, FIRST_YEAR, latest_second

COUNTS = ("rows", "kept", "rejected", "merged")
_GROUP_ROWS, _DICTIONARY_BYTES = 2_500_000, 64 << 20  # so that most ids are written as numbers
_ENDINGS = (
    ".gz",
    ".csv",
    ".tsv",
    ".txt",
    ".dat",
    ".parquet",
    ".jsonl",
    ".ndjson",
    ".json",
    ".inter",
    ".item",
)
RECORD, REJECTS = "dataset.json", "rejects.parquet"


@dataclass(frozen=True)
class ImportReport:
    """What became of a file; rows = kept + rejected + merged, and skipped lines beside them."""

    hash: str
    name: str
    kind: str
    rows: int
    kept: int
    rejected: int
    merged: int
    folder: Path
    already_there: bool = False
    vectors: VectorCounts | None = None  # of an item table that has any
    skipped: int = 0  # lines before the table and comments, which are no rows
    left_out: dict[str, int] = field(default_factory=dict)  # optional column -> cells not read
    odd_times: int = 0  # kept rows whose time lies before 1960 or after next year

    def notes(self) -> list[str]:
        """What else became of the file, one sentence each; none where all is well."""
        return notes_of({"left_out": self.left_out, "odd_times": self.odd_times})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "folder": str(self.folder)}


def import_file(
    path: Path, options: ReadOptions, out_root: Path, report: Report = silent, name: str = ""
) -> ImportReport:
    """Check every row of a file and write what can be kept under `out_root`, by content hash.

    The folder holds the rows as `interactions.parquet`, `items.parquet` or `links.parquet`, the
    rejected ones as `rejects.parquet` and the counts as `dataset.json`. Ids are text, trimmed;
    rows with the same ids are merged into the last one, and their counts added up; those of lists
    are all kept. A file that was imported with the same options is left as it is. Raises DataError
    where the file cannot be read as asked, or no row can be kept.
    """
    out_root.mkdir(parents=True, exist_ok=True)
    folder = out_root / fingerprint(fingerprint_file(path), options.key())
    if (folder / RECORD).exists():
        record = read_json(folder / RECORD)
        done = _counted(
            folder, record["name"], record["kind"], record["counts"], vector_counts(record)
        )
        noted = {key: record[key] for key in ("skipped", "left_out", "odd_times") if key in record}
        report_of = replace(done, **noted)
        return replace(report_of, already_there=True)
    with _work_folder(out_root) as work:
        table, facts = prepare(path, options, work, report)
        rows = read_rows(table, options, facts, work, report)
        skipped = facts.skipped if facts else 0
        clean = clean_name(name or path.name)
        return _write_dataset(folder, rows, options, clean, skipped, report)


def clean_name(name: str) -> str:
    """What to call a dataset: the last part of a file's name, printable and short."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    for ending in _ENDINGS:
        last = last[: -len(ending)] if last.lower().endswith(ending) else last
    printable = "".join(letter if letter.isprintable() else " " for letter in last)
    return " ".join(printable.split()).strip(".")[:60] or "unnamed"


def notes_of(record: dict[str, Any]) -> list[str]:
    """What else became of a dataset's file, one sentence each; none where all is well."""
    left_out, odd = record.get("left_out", {}), record.get("odd_times", 0)
    said = [
        f"The column {column} was left out: {count(cells, 'cell')} of it could not be read."
        for column, cells in left_out.items()
    ]
    if odd:
        rows = count(odd, "row lies", "rows lie")
        said.append(f"{rows} before {FIRST_YEAR} or after next year: check the times.")
    return said


def skipped_lines(record: dict[str, Any]) -> int:
    """How many lines of a dataset's file were no rows: those before its table, and comments."""
    return record.get("skipped", 0)


def vector_counts(record: dict[str, Any]) -> VectorCounts | None:
    """What a dataset's record says of its vectors; None where it was imported without."""
    return VectorCounts(**record["vectors"]) if record.get("vectors") else None


def _counted(
    folder: Path, name: str, kind: str, counts: dict[str, int], vectors: VectorCounts | None
) -> ImportReport:
    rows, kept, rejected, merged = (counts[count] for count in COUNTS)
    return ImportReport(
        folder.name, name, kind, rows, kept, rejected, merged, folder, vectors=vectors
    )


@contextmanager
def _work_folder(out_root: Path) -> Iterator[Path]:
    """A folder on the same disk that is gone afterwards; those of killed imports go too."""
    for old in out_root.glob("*"):
        if is_left_behind(old):
            remove(old)
    with tempfile.TemporaryDirectory(prefix=f"import.{os.getpid()}.", dir=out_root) as work:
        yield Path(work)


def _write_dataset(
    folder: Path, rows: CheckedRows, options: ReadOptions, name: str, skipped: int, report: Report
) -> ImportReport:
    ids = [rows.columns[role] for role in ID_ROLES[options.kind]]
    if not rows.count:
        refuse_all(rows.rejects)
    report(Progress(0, 0, "merging duplicates"))
    sizes = [len(names) for _, names in ids]
    if options.kind == LISTS:  # which of several rows stays, their places decide, not the file
        kept = np.ones(rows.count, dtype=bool)
    else:
        kept = kept_rows([codes for codes, _ in ids], sizes, options.duplicates == LAST)
    counts = {
        "rows": rows.count + len(rows.rejects),
        "kept": int(kept.sum()),
        "rejected": len(rows.rejects),
        "merged": int(rows.count - kept.sum()),
    }
    if COUNT in rows.columns and counts["merged"]:
        codes = [column for column, _ in ids]
        rows.columns[COUNT] = summed(codes, sizes[1], rows.columns[COUNT])
    vectors = _check_vectors(rows.columns, kept)
    noted: dict[str, Any] = {"skipped": skipped, "left_out": rows.left_out}
    noted["odd_times"] = _odd_times(rows.columns, kept)
    report(Progress(0, 0, "writing"))
    with whole_folder(folder) as part:
        _write_rows(part / f"{options.kind}.parquet", rows.columns, kept)
        rows.rejects.to_parquet(part / REJECTS, index=False)
        record: dict[str, Any] = {"name": name, "kind": options.kind, "options": options.to_dict()}
        record |= {"vectors": asdict(vectors)} if vectors else {}
        record |= {"events": rows.events} if rows.events else {}
        record |= {key: value for key, value in noted.items() if value}
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write_json(part / RECORD, {**record, "counts": counts, "imported_at": moment})
    return replace(_counted(folder, name, options.kind, counts, vectors), **noted)


def _odd_times(columns: dict[str, Any], kept: np.ndarray) -> int:
    """How many kept rows have a time that no interaction can have."""
    if TIME not in columns:
        return 0
    seconds = columns[TIME][kept]
    return int(((seconds < FIRST_SECOND) | (seconds > latest_second())).sum())


def _check_vectors(columns: dict[str, Any], kept: np.ndarray) -> VectorCounts | None:
    """Leave vectors that can be used, or no such column where none can; what was counted."""
    if VECTOR not in columns:
        return None
    checked, counts = checked_vectors(columns.pop(VECTOR), kept)
    if counts.width:
        columns[VECTOR] = checked
    return counts


def _write_rows(file: Path, columns: dict[str, Any], kept: np.ndarray) -> None:
    """Ids go in as codes and names, so that no text is copied per row."""
    arrays = {}
    for role in list(columns):
        column = columns.pop(role)
        if isinstance(column, tuple):
            codes, names = column
            arrays[role] = pa.DictionaryArray.from_arrays(pa.array(codes[kept]), names)
        elif isinstance(column, np.ndarray):
            arrays[role] = pa.array(column[kept])
        else:
            arrays[role] = column.filter(pa.array(kept))
    pq.write_table(
        pa.table(arrays),
        file,
        compression="zstd",
        store_schema=False,
        row_group_size=_GROUP_ROWS,
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
        use_dictionary=[role for role in arrays if role not in (TIME, VECTOR)],
    )


# The one folder whose files are imported where they stand, for files too large to upload.

VARIABLE = "CROSSWALK_IMPORT_FOLDER"
MOST_FILES = 500  # that are listed


@dataclass(frozen=True)
class FolderFile:
    """A file of the import folder: its path from there on, and its size."""

    name: str
    size: int  # bytes


def import_folder() -> Path | None:
    """The folder named by CROSSWALK_IMPORT_FOLDER; None where none is set.

    Raises DataError where it is set to something that is no folder.
    """
    value = os.environ.get(VARIABLE, "").strip()
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise DataError(
            what=f"{VARIABLE} names no folder: {value[:200]!r}.",
            hint="Set it to a folder that is there and start Crosswalk again, or unset it.",
        )
    return folder.resolve()


def list_files() -> list[FolderFile]:
    """Files of the import folder and its subfolders by name, at most MOST_FILES; links left out."""
    folder = import_folder()
    if folder is None:
        return []
    found = islice(_files(folder), MOST_FILES)
    return [FolderFile(path.relative_to(folder).as_posix(), path.stat().st_size) for path in found]


def file_in_folder(name: str) -> Path:
    """The file of that name; raises DataError for one outside the folder, a link or no file."""
    folder = import_folder()
    path = folder / name if folder is not None else None
    if folder is None or path is None or not _is_inside(path, folder) or not path.is_file():
        raise DataError(
            what=f"There is no file {name[:200]!r} in the import folder.",
            hint="Choose one of the files listed on the Import tab.",
        )
    return path


def is_in_folder(path: Path) -> bool:
    """Whether a file stands in the import folder and is no way out of it."""
    folder = import_folder()
    return folder is not None and path.is_file() and _is_inside(path, folder)


def _files(folder: Path) -> Iterator[Path]:
    """Folder by folder in the order of names; what is hidden or a link is not looked at."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def _is_inside(path: Path, folder: Path) -> bool:
    """No link on the way and no step up: the path is its own resolved self, under the folder."""
    return path.resolve() == path and path.is_relative_to(folder)
