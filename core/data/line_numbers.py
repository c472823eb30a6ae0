"""On which line of a text file each row begins."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.basics.sorted_sets import among
from core.basics.types import IntArray
from core.data.cut_cells import Cutter

_CHUNK = 8 << 20  # bytes


def lines_at(file: Path, offsets: IntArray) -> IntArray:
    """Line numbers, from 1, of places in a file; offsets: (n,) bytes, ascending."""
    found = np.zeros(len(offsets), dtype=np.int64)
    for start, ends, before in _line_ends(file):
        size = _CHUNK
        here = slice(*np.searchsorted(offsets, [start, start + size]))
        found[here] = 1 + before + np.searchsorted(ends, offsets[here] - start)
    return found


def lines_of_rows(file: Path, rows: IntArray, broken: dict[int, int]) -> IntArray:
    """Line numbers of the rows, (n,) ascending from 0, where each row is one line.

    broken: first line and number of lines of the places that are no rows; blank lines are none.
    """
    found, counted = np.zeros(len(rows), dtype=np.int64), 0
    taken = np.array([a + b for a, n in sorted(broken.items()) for b in range(n)], dtype=np.int64)
    for lines in _filled_lines(file):
        lines = lines[~among(lines, taken)] if len(taken) else lines
        here = slice(*np.searchsorted(rows, [counted, counted + len(lines)]))
        found[here] = lines[rows[here] - counted]
        counted += len(lines)
    return found


def lines_of_quoted_rows(file: Path, broken: dict[int, int], cutter: Cutter) -> IntArray:
    """First line of every row, (n_rows,), where quoted values may hold line breaks.

    Looks at every line in Python, so it is much slower than reading them; an unclosed quote at the
    end of the file makes a last row here. The cutter's marks are bytes, a letter each.
    """
    lines = array("q")
    with file.open(encoding="latin-1", newline="") as opened:
        pieces = _Lines(opened, broken)
        while not pieces.ended:
            for line in pieces:
                if not line.strip("\r\n"):
                    continue
                lines.append(pieces.number)
                inside = cutter.quote in line and cutter.ends_open(line, inside=False)
                while inside and (more := next(pieces, None)) is not None:
                    inside = cutter.ends_open(more, inside=True)
            pieces.skip()
    return np.frombuffer(lines, dtype=np.int64) if lines else np.zeros(0, dtype=np.int64)


def text_from(file: Path, line: int, most: int) -> tuple[int, str]:
    """Where a line starts, in bytes, and the text from there on, at most so many bytes."""
    with file.open("rb") as opened:
        for _ in range(line - 1):
            opened.readline()
        return opened.tell(), opened.read(most).decode(errors="replace")


def _line_ends(file: Path) -> Iterator[tuple[int, IntArray, int]]:
    """Per chunk: where it starts, where in it lines end, and how many ended before it."""
    start = before = 0
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            ends = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == ord("\n"))
            yield start, ends, before
            start += len(chunk)
            before += len(ends)


def _filled_lines(file: Path) -> Iterator[IntArray]:
    """Numbers of the lines that are not blank, chunk by chunk."""
    number = 1
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            chunk += opened.readline()  # whole lines only
            text = np.frombuffer(chunk.removesuffix(b"\n") + b"\n", dtype=np.uint8)
            ends = np.flatnonzero(text == ord("\n"))
            starts = np.concatenate([[0], ends[:-1] + 1])
            bare = (ends == starts) | ((ends == starts + 1) & (text[starts] == ord("\r")))
            yield number + np.flatnonzero(~bare)
            number += len(ends)


class _Lines:
    """Lines up to the next broken place; `skip` goes behind it."""

    def __init__(self, lines: Iterator[str], broken: dict[int, int]) -> None:
        self.lines, self.broken = lines, broken
        self.number = 0  # of the last line given out
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.number + 1 in self.broken:
            raise StopIteration
        line = next(self.lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.number += 1
        return line

    def skip(self) -> None:
        """Leave out the lines of the broken place that comes next."""
        for _ in range(self.broken.get(self.number + 1, 0)):
            self.ended = next(self.lines, None) is None
            self.number += 1
