"""A list as rows of text, each over a bar of two colours: what each domain's evidence added.

HTML and no figure: two such lists move with every step of a slider, and a browser shows them in a
tenth of the time it takes to set up two figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from core.basics.columns import SOURCE, TARGET
from core.charts.theme import (
    FUSED_COLOUR,
    SOURCE_COLOUR,
    STRONG,
    TARGET_COLOUR,
    TEXT_SIZE,
    TWIN_COLOUR,
    one_line,
)

_TITLE, _NAME = 200, 40  # letters of a title and of a domain's name
_SHORT = "overflow:hidden;white-space:nowrap;text-overflow:ellipsis"
_PLACE = "width:1.4rem;text-align:right;opacity:0.65"


def two_part_rows(
    titles: Sequence[str],
    source: np.ndarray,
    target: np.ndarray,
    hits: Sequence[bool],
    marks: Sequence[str],
    names: tuple[str, str] = (SOURCE, TARGET),
) -> str:
    """HTML of a list: rank, title, a check where it is a hit, a mark, and the bar below.

    source, target: (n,) amounts as they count in the score; negative ones go to the left of zero.
    All bars are on one scale. marks: (n,) such as a rank change, green where it begins with ▲.
    """
    low = float((np.minimum(source, 0) + np.minimum(target, 0)).min(initial=0))
    high = float((np.maximum(source, 0) + np.maximum(target, 0)).max(initial=0))
    scale = 100 / ((high - low) or 1.0)
    literal = [escape(one_line(title, _TITLE)) for title in titles]
    amounts_of = _amounts(source, target, names)
    rows = [
        f'<li title="{title}\n{amounts}" style="margin-bottom:0.45rem">'
        f'<div style="display:flex;gap:0.6rem"><span style="{_PLACE}">{rank}</span>'
        f"{_titled(title, hit)}{_mark(mark)}</div>"
        f'<div style="position:relative;height:0.7rem;margin-left:2rem">'
        f"{_bar(float(ours), float(theirs), low, scale)}</div></li>"
        for rank, (title, ours, theirs, hit, mark, amounts) in enumerate(
            zip(literal, source, target, hits, marks, amounts_of, strict=True),
            start=1,
        )
    ]
    return (
        f'<div style="font-size:{TEXT_SIZE}px;line-height:1.45">{_legend(names)}'
        f'<ol style="list-style:none;margin:0;padding:0">{"".join(rows)}</ol></div>'
    )


def _amounts(source: np.ndarray, target: np.ndarray, names: tuple[str, str]) -> list[str]:
    ours, theirs = (escape(one_line(name, _NAME)) for name in names)
    return [
        f"from {ours} {one:.4f}, from {theirs} {other:.4f}"
        for one, other in zip(source, target, strict=True)
    ]


def _legend(names: tuple[str, str]) -> str:
    keys = [
        f'<span style="color:{colour}">■</span> from {escape(one_line(name, _NAME))}'
        for name, colour in zip(names, (SOURCE_COLOUR, TARGET_COLOUR), strict=True)
    ]
    return f'<div style="margin:0 0 0.5rem 2rem">{" &nbsp; ".join(keys)}</div>'


def _titled(title: str, hit: bool) -> str:
    """The title may be cut short by the row's width; the check behind it stays."""
    words, check = (f"<b>{title}</b>", "<b>✓</b>") if hit else (title, "")
    return f'<span style="{_SHORT}">{words}</span>{check}'


def _mark(mark: str) -> str:
    colour = FUSED_COLOUR if mark.startswith("▲") else TWIN_COLOUR
    looks = f"margin-left:auto;white-space:nowrap;color:{colour};font-weight:600"
    return f'<span style="{looks}">{escape(mark)}</span>'


def _bar(source: float, target: float, low: float, scale: float) -> str:
    """Both parts from zero on: positive amounts pile up to the right, negative ones to the left.

    Where anything in the list is negative, a line shows where zero is.
    """
    pieces, ends = [], {True: 0.0, False: 0.0}
    for amount, colour in ((source, SOURCE_COLOUR), (target, TARGET_COLOUR)):
        start = ends[amount >= 0]
        ends[amount >= 0] = start + amount
        left = (min(start, start + amount) - low) * scale
        pieces.append(
            f'<span style="position:absolute;top:0;bottom:0;background:{colour};'
            f'left:{left:.2f}%;width:{abs(amount) * scale:.2f}%"></span>'
        )
    if low < 0:
        look = f"width:2px;margin-left:-1px;background:{STRONG};left:{-low * scale:.2f}%"
        pieces.append(f'<span style="position:absolute;top:-20%;bottom:-20%;{look}"></span>')
    return "".join(pieces)
