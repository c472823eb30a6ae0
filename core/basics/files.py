"""Files and folders that appear whole or not at all, their hashes, and disks that are full."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.basics.errors import CrosswalkError, DataError, RunError
from core.basics.progress import Cancelled

if TYPE_CHECKING:
    import pandas as pd


def write_whole(path: Path, write: Callable[[Path], object], beside: Path | None = None) -> Path:
    """Let `write` fill a temporary neighbour, sync it and rename it into place.

    beside: the record of the run, pair or dataset that the file goes into (`run.json`, say). Where
    that was deleted, DataError is raised and no folder comes back.
    """
    with still_there(beside):
        _make_folders(path.parent, beside)
        part = _part(path)
        try:
            write(part)
            _sync(part)
            _check_there(beside)
            return part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, beside: Path | None = None, *, anew: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes `path` when the block ends well, and vanishes when not.

    Where `path` exists already the newer folder is dropped: content-named folders are equal. With
    `anew` it takes the place of the older one. beside: as of `write_whole`.
    """
    with still_there(beside):
        _make_folders(path.parent, beside)
        part = _part(path)
        part.mkdir()
        try:
            yield part
            for file in part.rglob("*"):
                if file.is_file():
                    _sync(file)
            _check_there(beside)
            if anew:
                _move_away(path)
            if not path.exists():
                part.rename(path)
                _sync(path.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def write_json(path: Path, value: Any, beside: Path | None = None) -> Path:
    """Write plain values as readable JSON, whole or not at all; beside: as of `write_whole`."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(path, lambda part: part.write_text(text, encoding="utf-8"), beside)


def delete_folder(folder: Path) -> None:
    """Remove a folder: out of sight in one step, then from the disk; nothing where it is gone."""
    with suppress(FileNotFoundError):  # another browser may have been faster
        _move_away(folder)


def read_json(path: Path) -> Any:
    """Plain values of a JSON file; raises DataError where it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            what=f"{path.name} in {path.parent.name} cannot be read ({error}).",
            hint="Delete this entry and make it again.",
        ) from error


def _refuse(constant: str) -> None:
    """JSON has no NaN and no Infinity; nobody who writes here leaves one."""
    raise ValueError(f"it holds {constant}")


def _move_away(folder: Path) -> None:
    """The folder loses its name first, so that a kill in between leaves nothing half there."""
    gone = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.deleted.part")
    if folder.exists():
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def still_there(record: Path | None) -> Iterator[None]:
    """For work on a run, pair or dataset: what fails because it was deleted meanwhile says so.

    record: the file without which its folder is nothing; None for work on nothing of the kind.
    Raises DataError.
    """
    _check_there(record)
    try:
        yield
    except Cancelled:
        raise
    except Exception:  # a file is missing, in the words of whoever read or wrote it
        _check_there(record)
        raise


def _check_there(record: Path | None) -> None:
    if record is None or record.exists():
        return
    kind = record.stem  # run, pair, dataset, split
    raise DataError(
        what=f"The {kind} {record.parent.name[:80]} was deleted meanwhile, so nothing was kept.",
        hint=f"Choose another {kind}, or make this one again.",
    )


def _make_folders(folder: Path, beside: Path | None) -> None:
    """Make a folder; inside that of a record without its parents, which may be deleted by now."""
    if beside is None or not folder.is_relative_to(beside.parent):
        folder.mkdir(parents=True, exist_ok=True)
    elif folder != beside.parent:
        _make_folders(folder.parent, beside)
        folder.mkdir(exist_ok=True)


def _part(path: Path) -> Path:
    """A name nobody else writes to, not even another thread; it tells whose process made it."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.{os.getpid()}.part")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Content hashes: the same data and settings give the same short name, anything else another.

LENGTH = 16  # hexadecimal digits kept: 64 bits


def fingerprint(*parts: Any) -> str:
    """Hash of arrays, texts and plain values, in their order.

    Plain values go in as JSON with sorted keys; arrays with dtype, shape and bytes.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_bytes(part))
        digest.update(b"\x1f")
    return digest.hexdigest()[:LENGTH]


def fingerprint_file(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:LENGTH]


def _bytes(part: Any) -> bytes:
    numpy = sys.modules.get("numpy")  # not loaded for this: children that do without stay small
    if numpy is not None and isinstance(part, numpy.ndarray):
        if part.dtype == object:
            return "\x1e".join(map(str, part)).encode()
        return f"{part.dtype}{part.shape}".encode() + numpy.ascontiguousarray(part).tobytes()
    return json.dumps(part, sort_keys=True, ensure_ascii=False, default=str).encode()


# CSV that a spreadsheet opens without running anything.

_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a `'` before every text, and every heading, that would be a formula."""
    import pandas as pd  # processes that only keep files do without it

    safe = frame.copy()
    for position, dtype in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            safe.isetitem(position, safe.iloc[:, position].map(_escape_cell))
    safe.columns = pd.Index([_escape_cell(str(name)) for name in safe.columns])
    return safe


def to_csv(frame: pd.DataFrame) -> bytes:
    """The escaped frame as UTF-8 CSV, with the mark that makes Excel read it as UTF-8."""
    return escaped(frame).to_csv(index=False).encode("utf-8-sig")


def unescaped(text: str) -> str:
    """The text without the `'` that `escaped` put before it; any other text as it is."""
    inside = text[1:]
    return inside if text[:1] == "'" and _escape_cell(inside) == text else text


def _escape_cell(value: object) -> object:
    """A number stays as it is, with its sign: no spreadsheet runs it, and ids may look so."""
    runs = isinstance(value, str) and value.startswith(_STARTS) and not _NUMBER.fullmatch(value)
    return f"'{value}" if runs else value


# A disk that is full: recognised in what any library raises, said in two sentences, outlived.

SPARE = 64 << 20  # bytes below which a workspace's disk counts as nearly full
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Libraries that write from C++ or Rust tell the reason as text: DuckDB (also of what it spills),
# SQLite, Arrow, safetensors; NumPy counts what it could not write.
_WORDS = "The disk is full"
_LARGE = "File too large"
_SAID = (
    _WORDS.lower(),
    "no space left on device",
    "database or disk is full",
    "disk quota exceeded",
    _LARGE.lower(),
    "(os error 28)",
    "max_temp_directory_size",
)
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")
RESERVE = 256 << 10  # bytes that a reserve sets aside: the rows that say why a job failed
HINT = "Free some space and do it again: what was there before is still there."


def is_disk_full(error: BaseException | None) -> bool:
    """Whether this error, or one it came from, says that a file found no room."""
    for one in _origins(error):
        if isinstance(one, OSError) and one.errno in _FULL:
            return True
        text = str(one).lower()
        if any(said in text for said in _SAID) or _CUT_SHORT.search(text):
            return True
    return False


def _origins(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it came from, and so on; each once, for such chains may run in a circle."""
    seen: list[BaseException] = []
    while error is not None and not any(error is one for one in seen):
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def disk_full(what: str = "") -> CrosswalkError:
    """The two sentences; what: what could not be done, said after the first words."""
    return RunError(what=f"{_WORDS}{what and ', so '}{what}.", hint=HINT)


def said_of_full(error: BaseException, what: str) -> CrosswalkError | None:
    """The two sentences where an error comes from a full disk, its own if it says so; else None."""
    if isinstance(error, CrosswalkError) and error.what.startswith(_WORDS):
        return error
    if not is_disk_full(error):
        return None
    return (
        _too_large(what)
        if (
            any(
                (isinstance(one, OSError) and one.errno == errno.EFBIG) or _LARGE in str(one)
                for one in _origins(error)
            )
        )
        else disk_full(what)
    )


def _too_large(what: str) -> CrosswalkError:
    hint = "Bring a smaller file, or raise the limit on the size of files (`ulimit -f`)."
    return RunError(what=f"A file became larger than this process may write, so {what}.", hint=hint)


def keep_reserve(file: Path) -> None:
    """Set a little room aside in a file; where the disk has none left, the file gives it back.

    So a job that failed because the disk is full can still say so. Costs two looks at the disk.
    """
    free = free_space(file.parent)
    with suppress(OSError):
        if free is not None and free < RESERVE:
            file.unlink(missing_ok=True)
        elif free is not None and free > SPARE and not file.exists():
            file.write_bytes(os.urandom(RESERVE))  # zeros would take no room on some disks


def free_space(folder: Path) -> int | None:
    """Bytes that can still be written where the folder is or will be; None where nobody says."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), None)
    try:
        return None if there is None else shutil.disk_usage(there).free
    except OSError:
        return None


# What a process that died left half-written: recognised by the process in its name, and by age.

SECONDS = 2.0  # by which the clocks of a file and of a process may differ
_DELETED = ".deleted.part"
# `name.token.PID.part`, `import.PID.token`, `lists.PID.token`, `spill.PID`
_WRITER = re.compile(r"\.(\d+)\.part$|^(?:import|lists|spill)\.(\d+)(?:\.|$)")


def is_left_behind(path: Path) -> bool:
    """Whether the file or folder was being written, or deleted, by a process that is gone.

    A number of a process comes back, in a container at every start: one that began after the last
    change of the file is another one.
    """
    if path.name.endswith(_DELETED):
        return True
    found = _WRITER.search(path.name)
    return found is not None and not writer_lives(path, int(found.group(1) or found.group(2)))


def writer_lives(path: Path, pid: int) -> bool:
    """Whether the process that made the file still runs."""
    import psutil

    try:
        began = psutil.Process(pid).create_time()
        return bool(began <= path.stat().st_mtime + SECONDS)
    except (psutil.NoSuchProcess, OverflowError, ValueError, FileNotFoundError):
        return False
    except psutil.Error:  # somebody else's process: it is there
        return True


def remove(path: Path) -> None:
    """Take a file or folder away, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def left_behind(root: Path) -> list[Path]:
    """Everything under a folder that a process left behind, outermost first and once."""
    found = []
    for place, folders, files in os.walk(root):
        doomed = [name for name in (*folders, *files) if is_left_behind(Path(place, name))]
        found += [Path(place, name) for name in doomed]
        folders[:] = [name for name in folders if name not in doomed]
    return found


# Dataclasses from JSON that may be damaged: whole and of the right kinds, or refused.

T = TypeVar("T")


def as_record(kind: type[T], values: Any) -> T:
    """A dataclass of plain values; raises DataError for a wrong, missing or unknown member."""
    hints = typing.get_type_hints(kind)
    if not isinstance(values, dict):
        raise _damaged(kind, "it is no object")
    if unknown := sorted(set(values) - set(hints)):
        raise _damaged(kind, f"nobody knows its {', '.join(map(str, unknown))[:80]}")
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        there = field.name in values
        required = field.default is field.default_factory is dataclasses.MISSING
        if (required and not there) or (there and not _fits(values[field.name], hints[field.name])):
            raise _damaged(kind, f"{field.name} is {'wrong' if there else 'missing'}")
    return kind(**{name: _made(value, hints[name]) for name, value in values.items()})


def read_record(path: Path, kind: type[T]) -> T | None:
    """What a side file holds; None where it is not there or damaged, for it can be made anew."""
    if not path.exists():
        return None
    try:
        return as_record(kind, read_json(path))
    except DataError:
        return None


def _damaged(kind: type, reason: str) -> DataError:
    return DataError(
        what=f"A kept {kind.__name__} cannot be read: {reason}.", hint="Make it again."
    )


def _made(value: Any, hint: Any) -> Any:
    return as_record(hint, value) if _is_class(hint) else value


def _is_class(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is of the kind that a type hint asks for."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or _is_class(hint):  # the latter is looked at when it is made
        return True
    if origin is typing.Literal:
        return value in inner
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if hint is None or hint is types.NoneType:
        return value is None
    if origin in (list, tuple):
        return isinstance(value, list) and all(_fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(one, inner[1]) for one in value.values())
    if hint in (int, float):
        whole = hint is float or isinstance(value, int)
        return isinstance(value, (int, float)) and not isinstance(value, bool) and whole
    return isinstance(value, hint)
