"""Lines that are no rows: those before the table, and comments between them.

A line that is left out becomes a blank one, which no reader takes for a row, so that every other
line keeps its number.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.data.cut_cells import Cutter
from core.data.read_options import ReadOptions


def bytewise_cutter(options: ReadOptions) -> Cutter:
    """A cutter of UTF-8 text that is read as latin-1, where every byte is a letter."""
    marks = (options.delimiter, options.quote, options.escape)
    return Cutter(*(_as_letters(mark) for mark in marks))


def _as_letters(mark: str) -> str:
    return mark.encode().decode("latin-1")


def leaves_lines_out(options: ReadOptions) -> bool:
    """Whether these options leave any line out."""
    return bool(options.skip_lines or options.comment)


def text_without(text: str, options: ReadOptions) -> str:
    """A text, its lines ended by LF, with blank lines for those that the options leave out."""
    if not leaves_lines_out(options):
        return text
    lines = [line + "\n" for line in text.split("\n")]
    cutter = Cutter(options.delimiter, options.quote, options.escape)
    return "".join(_blanked(lines, options.skip_lines, options.comment, cutter))[:-1]


def write_without(path: Path, options: ReadOptions, to: Path) -> None:
    """A copy of a UTF-8 file with blank lines for those that the options leave out."""
    cutter, comment = bytewise_cutter(options), _as_letters(options.comment)
    with (
        path.open(encoding="latin-1", newline="\n") as file,
        to.open("w", encoding="latin-1", newline="") as out,
    ):
        if comment:
            out.writelines(_blanked(file, options.skip_lines, comment, cutter))
            return
        for _ in range(options.skip_lines):
            out.write(_end_of(file.readline()))
        shutil.copyfileobj(file, out, 1 << 20)


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _blanked(lines: Iterable[str], skip: int, comment: str, cutter: Cutter) -> Iterator[str]:
    """A line within a quoted value is no comment, whatever it begins with."""
    inside = False
    for number, line in enumerate(lines):
        if number < skip or (comment and not inside and line.startswith(comment)):
            yield _end_of(line)
            continue
        yield line
        if inside or (cutter.quote and cutter.quote in line):
            inside = cutter.ends_open(line, inside)
