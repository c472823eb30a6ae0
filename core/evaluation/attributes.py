"""Segments by an uploaded attribute: numbers in quartiles, words as they are or the commonest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.basics.errors import DataError
from core.basics.types import FloatArray
from core.evaluation.lift import ALL_USERS

MOST = 12  # segments of one attribute
FEW_NUMBERS = 5  # different numbers that are shown one by one, such as codes
_MISSING = {"nan": "", "<na>": ""}  # as tables write what is not there
ATTRIBUTE = "attribute"  # prefix of a kind of segment, so that no name can be mistaken


def attribute_segments(values: np.ndarray) -> pd.Categorical:
    """The segment of every user, (n_users,) ordered; missing where the value is "" or nan.

    Raises DataError for an attribute that tells nearly every user apart, such as a name.
    """
    values = np.array([_MISSING.get(str(value).lower(), value) for value in values], dtype=object)
    known = values != ""
    different = np.unique(values[known].astype(str))
    if not len(different):
        raise DataError(
            what="No user has a value of this attribute.", hint="Choose another attribute."
        )
    numbers = _numbers(values)
    if numbers is not None and len(different) > FEW_NUMBERS:
        # Four groups of about the same size, named by their smallest and largest number
        codes = pd.qcut(numbers, 4, labels=False, duplicates="drop")
        names = []
        for code in range(int(np.nanmax(codes)) + 1):
            inside = numbers[codes == code]
            ends = (
                [repr(float(end(inside))).removesuffix(".0") for end in (np.min, np.max)]
                if len(inside)
                else []
            )
            names.append(" to ".join(ends) or f"group {code}")
        filled = np.where(np.isnan(codes), -1, codes).astype(int)
        return pd.Categorical.from_codes(filled, categories=names, ordered=True)
    if len(different) > MOST:
        return _commonest(values, known, len(different))
    order = sorted(different, key=_number) if numbers is not None else sorted(different)
    return _named(values, known, order)


def _numbers(values: np.ndarray) -> FloatArray | None:
    """The values as finite numbers, NaN for ""; None where some are words."""
    found = np.full(len(values), np.nan)
    for place, value in enumerate(values):
        if value == "":
            continue
        try:
            found[place] = _number(value)
        except ValueError:
            return None
    return None if not np.isfinite(found[values != ""]).all() else found


def _number(value: str) -> float:
    return float(value.replace(",", ".")) if value.count(",") == 1 else float(value)


def _commonest(values: np.ndarray, known: np.ndarray, different: int) -> pd.Categorical:
    """The commonest values, and one segment for all others."""
    if different > known.sum() / 2:
        raise DataError(
            what=f"This attribute has {different:,} different values for {known.sum():,} users.",
            hint="Choose one that users share, such as a country or an age.",
        )
    counts = pd.Series(values[known]).value_counts()
    kept = list(counts.index[: MOST - 1])
    other = f"{different - len(kept)} other values"
    return _named(np.where(np.isin(values, kept), values, other), known, [*sorted(kept), other])


def _named(values: np.ndarray, known: np.ndarray, order: list[str]) -> pd.Categorical:
    names = [f"{name} (value)" if name == ALL_USERS else name for name in order]
    places = {value: place for place, value in enumerate(order)}
    codes = [places[value] if there else -1 for value, there in zip(values, known, strict=True)]
    return pd.Categorical.from_codes(codes, categories=names, ordered=True)
