"""Which columns of an item table hold vectors: arrays in one, or a number in each of many."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pandas as pd

from core.data.read_options import in_series

_NAMES = (
    "vector vectors vec vecs embedding embeddings embed emb embs feature features feat feats "
    "latent dim 向量 嵌入"
)
_WORDS = frozenset(_NAMES.split())
_NUMBERED = re.compile(r"(.*?)(\d+)")
_BETWEEN = re.compile(r"[\s,;|]+")
_BRACKETS = str.maketrans("[](){}", "      ")
MANY = 8  # numbers from which nameless ones are taken for a vector
MOST_CELLS = 0.5  # share of the filled cells of a head that must look so


def series_of(columns: Sequence[str]) -> list[list[str]]:
    """Columns called alike but for the number they end in, such as emb_0 and emb_1, by it."""
    alike: dict[str, list[str]] = {}
    for column in columns:
        if found := _NUMBERED.fullmatch(column):
            alike.setdefault(found[1], []).append(column)
    return [in_series(group) for group in alike.values() if len(group) > 1]


def named_vectors(head: pd.DataFrame) -> list[str]:
    """Columns that are called after vectors and hold arrays of numbers, or a number each."""
    arrays = [c for c in head.columns if _is_named(c) and holds_arrays(head[c])]
    if arrays:
        return arrays[:1]  # vectors of two kinds are not joined unasked
    named = [group for group in series_of(list(head.columns)) if _is_named(group[0])]
    return next((group for group in named if _holds_numbers(head, group)), [])


def nameless_vectors(head: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Of these columns the one with arrays of many numbers, or a long series of numbers."""
    for column in columns:
        if holds_arrays(head[column], fewest=MANY):
            return [column]
    long = [group for group in series_of(columns) if len(group) >= MANY]
    return next((group for group in long if _holds_numbers(head, group)), [])


def holds_arrays(values: pd.Series, fewest: int = 2) -> bool:
    """Whether most filled cells are several numbers, as [0.1, 0.2] or 0.1 0.2."""
    filled = values[values.str.strip() != ""]
    arrays = sum(_count_numbers(value) >= fewest for value in filled)
    return arrays > MOST_CELLS * len(filled)


def counts_up(cells: Sequence[str]) -> bool:
    """Whether the cells that are whole numbers are 0, 1, 2 and so on, as names of columns are."""
    numbers = [int(cell) for cell in map(str.strip, cells) if cell.isdecimal()]
    return len(numbers) >= MANY and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _is_named(column: str) -> bool:
    spelled = re.sub(r"([a-z])([A-Z])", r"\1 \2", column.split(":")[0])
    words = re.split(r"[\W_\d]+", spelled.lower())
    return any(word in _WORDS for word in words)


def _holds_numbers(head: pd.DataFrame, columns: Sequence[str]) -> bool:
    return all(_are_numbers(head[column]) for column in columns)


def _are_numbers(values: pd.Series) -> bool:
    """Whether most filled cells are one number, a decimal comma allowed."""
    filled = values[values.str.strip() != ""].str.replace(",", ".")
    numbers = pd.to_numeric(filled, errors="coerce")
    return bool(numbers.notna().sum() > MOST_CELLS * len(filled))


def _count_numbers(cell: str) -> int:
    """How many numbers a cell holds, 0 where something else is among them."""
    parts = [part for part in _BETWEEN.split(cell.translate(_BRACKETS)) if part]
    try:
        return len(parts) if all(math.isfinite(float(part)) for part in parts) else 0
    except ValueError:
        return 0
