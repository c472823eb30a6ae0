"""Texts and cells as HTML that means nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def text(words: object, longest: int = 200) -> str:
    """The words on one line, shortened, with every letter that HTML would act on escaped."""
    line = " ".join(str(words).split())
    if len(line) > longest:
        line = line[: longest - 1].rstrip() + "…"
    return escape(line.replace(" %", "\u00a0%"), quote=True)  # a number keeps its sign


def cells(tag: str, words: Iterable[object]) -> str:
    """One row's cells."""
    return "".join(f"<{tag}>{text(word)}</{tag}>" for word in words)
