"""Numbers and names as a person reads them; names never act as Markdown or HTML."""

from __future__ import annotations

import re

from core.basics.formatting import (
    count,
    duration,
    interval,
    number,
    signed,
    signed_interval,
    signed_with_interval,
    with_interval,
)

__all__ = [
    "count",
    "duration",
    "interval",
    "number",
    "plain",
    "signed",
    "signed_interval",
    "signed_with_interval",
    "with_interval",
]
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&=^\"'])")
_NO_BREAK = "\u2060"  # word joiner: invisible, keeps `:name:` and `http:` from meaning anything


def plain(text: object, longest: int = 200) -> str:
    """The text with every Markdown, HTML, LaTeX, emoji and link meaning taken away."""
    words = " ".join(str(text).split())
    if len(words) > longest:
        words = words[: longest - 1] + "…"
    return _SPECIAL.sub(r"\\\1", words).replace(":", f":{_NO_BREAK}")
