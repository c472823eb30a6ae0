"""Lines cut into cells exactly as the reader cuts them: pads, quotes, and quotes in quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Cutter:
    """What separates and encloses the cells of a row.

    Blanks around a quoted cell do not belong to it. A quote within a cell that does not begin with
    one is a letter like any other.
    """

    delimiter: str
    quote: str = '"'
    escape: str = ""  # "" where a quote inside quotes is doubled

    def row(self, text: str, at: int = 0) -> tuple[list[str], int, bool]:
        """The cells of the row that begins at a place, where it ends, and whether it is whole.

        A row whose quotes do not fit is cut at every delimiter of its first line, and not whole.
        """
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        first, start, cells = end, at, []
        if not self.quote or text.find(self.quote, at, end) < 0:
            return text[at:end].split(self.delimiter), end, True
        while True:
            if self._opening.match(text, at):
                found = self._quoted.match(text, at)
                if found is None:
                    return text[start:first].split(self.delimiter), first, False
                cells.append(self._undone(found[1]))
                at = found.end()
                end = text.find("\n", at)
                end = len(text) if end < 0 else end
            else:
                stop = text.find(self.delimiter, at, end)
                stop = end if stop < 0 else stop
                cells.append(text[at:stop])
                at = stop
            if at == end:
                return cells, end, True
            at += len(self.delimiter)

    def ends_open(self, line: str, inside: bool) -> bool:
        """Whether a quote is open at the end of a line; inside: whether one is at its start."""
        if not inside and self._closed.fullmatch(line):
            return False
        at = 0
        while True:
            if inside or self._opening.match(line, at):
                pattern = self._rest if inside else self._quoted
                found = pattern.match(line, at)
                if found is None:
                    unended = self._open_rest if inside else self._open
                    return bool(unended.fullmatch(line, at))
                inside, at = False, found.end()
            stop = line.find(self.delimiter, at)
            if stop < 0:
                return False
            at = stop + len(self.delimiter)

    @property
    def _pad(self) -> str:
        return "" if self.delimiter.startswith(" ") else " *"

    @property
    def _inner(self) -> str:
        """What stands between two quotes; every possible end is tried once, so it is linear."""
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        if not self.escape:
            return f"(?:[^{quote}]++|{quote}{quote})*+"
        return f"(?:[^{quote}{escape}]++|{escape}.)*+"

    @cached_property
    def _opening(self) -> re.Pattern[str]:
        return re.compile(self._pad + re.escape(self.quote))

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        return re.compile(f"{self._opening.pattern}({self._inner}){self._closing}", re.DOTALL)

    @cached_property
    def _closed(self) -> re.Pattern[str]:
        """A line of whole cells, which most are, matched in one go."""
        mark = re.escape(self.delimiter)
        plain = f"(?!{self._opening.pattern})[^{re.escape(self.delimiter[:1])}\\n]*+"
        quoted = f"{self._opening.pattern}{self._inner}{self._closing}"
        cell = f"(?:{quoted}|{plain})"
        return re.compile(f"{cell}(?:{mark}{cell})*+\\r?\\n?", re.DOTALL)

    @cached_property
    def _rest(self) -> re.Pattern[str]:
        return re.compile(f"({self._inner}){self._closing}", re.DOTALL)

    @cached_property
    def _open(self) -> re.Pattern[str]:
        return re.compile(f"{self._opening.pattern}{self._inner}", re.DOTALL)

    @cached_property
    def _open_rest(self) -> re.Pattern[str]:
        return re.compile(self._inner, re.DOTALL)

    @property
    def _closing(self) -> str:
        return f"{re.escape(self.quote)}{self._pad}(?={re.escape(self.delimiter)}|\\r?\\n|\\Z)"

    def _undone(self, inside: str) -> str:
        if self.escape:
            return re.sub(re.escape(self.escape) + "(.)", r"\1", inside, flags=re.DOTALL)
        return inside.replace(self.quote * 2, self.quote)
