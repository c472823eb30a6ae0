"""The one folder whose files are imported where they stand, for files too large to upload."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.basics.errors import DataError

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
