"""Which segment a user is in, what it is called, and in which order to walk through users."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.basics.columns import USER
from core.basics.errors import DataError
from core.basics.types import FloatArray, IntArray
from core.data.pair import BINS, BOUNDS, DomainPair, bin_places

TARGET_HISTORY, SOURCE_HISTORY, OVERLAP = "target_history", "source_history", "overlap"
FEWEST = 10  # users below which a segment is too small to say anything of
# Users below which nothing is sure: of 10 users of a skewed law a 95 % interval holds 90 %, of 30
# 95 % (tests/benchmarks/coverage.py).
ENOUGH_TO_BE_SURE = 30
ALL_USERS = "all users"  # the segment that holds everybody
OVERLAPS = ("shared", "target only", "source only", "neither")

SEGMENTS: dict[str, tuple[str, ...]] = {
    TARGET_HISTORY: BINS,
    SOURCE_HISTORY: BINS,
    OVERLAP: OVERLAPS,
}
TITLES = {
    TARGET_HISTORY: "target history",
    SOURCE_HISTORY: "source history",
    OVERLAP: "where the user was seen",
}


def user_segments(train: DomainPair) -> pd.DataFrame:
    """One row per user number with the columns of SEGMENTS, ordered categories.

    Histories are counted in the training data, so a user held out for a cold start has "0".
    """
    source, target = train.source_history, train.target_history
    in_source = source > 0
    in_target = target > 0
    codes = np.select([in_source & in_target, in_target, in_source], [0, 1, 2], default=3)
    overlap = pd.Categorical.from_codes(codes, categories=list(OVERLAPS), ordered=True)
    columns = {
        TARGET_HISTORY: _binned(target),
        SOURCE_HISTORY: _binned(source),
        OVERLAP: overlap,
    }
    return pd.DataFrame(columns)


def _binned(history: IntArray) -> pd.Categorical:
    return pd.Categorical.from_codes(bin_places(history), categories=list(BINS), ordered=True)


# Segments in words: "users with fewer than 5 interactions in films".


def who(by: str, names: Sequence[str], source_name: str, target_name: str) -> str:
    """Users of some segments of one kind in words; an attribute is named by its column."""
    if by == TARGET_HISTORY:
        return bins_words(names, target_name)
    if by == SOURCE_HISTORY:
        return bins_words(names, source_name)
    if by == OVERLAP:
        seen = {
            "shared": "in both domains",
            "target only": f"in {target_name} only",
            "source only": f"in {source_name} only",
            "neither": "in neither domain",
        }
        return f"users seen {' or '.join(seen[name] for name in names)}"
    return f"users whose {by.partition(':')[2]} is {' or '.join(names)}"


def bins_words(bins: Sequence[str], domain_name: str) -> str:
    """Users of some bins of history in words: "users with fewer than 5 in films"."""
    places = [BINS.index(name) for name in bins]
    if len(bins) == len(BINS):
        return "all users"
    if places == [0]:
        return f"users with no history in {domain_name}"
    if places == list(range(len(places))):
        return f"users with fewer than {BOUNDS[len(places)]} interactions in {domain_name}"
    if places == list(range(places[0], len(BINS))):
        return f"users with {BOUNDS[places[0]]} or more interactions in {domain_name}"
    if places == list(range(places[0], places[-1] + 1)) and len(places) > 1:
        low, high = BOUNDS[places[0]], BOUNDS[places[-1] + 1] - 1
        return f"users with {low} to {high} interactions in {domain_name}"
    return f"users with {' or '.join(bins)} interactions in {domain_name}"


# Orders to walk through users in: the most helped first, typical ones first, and so on.

HELPED, HARMED, TYPICAL, COLD, RANDOM, BY_ID = (
    "helped",
    "harmed",
    "typical",
    "cold",
    "random",
    "id",
)
ORDER_TITLES = {
    HELPED: "most helped first",
    HARMED: "most harmed first",
    TYPICAL: "typical first",
    COLD: "cold users",
    RANDOM: "random order",
    BY_ID: "every user, by id",
}


def user_order(
    kind: str, train: DomainPair, evaluated: IntArray, moved: pd.DataFrame | None, seed: int = 0
) -> IntArray:
    """User numbers in the order of the kind; empty where there is nobody of the kind.

    moved: USER (number), `run` (the metric) and `difference` of the evaluated users against the
    twin or popularity; None where there is nothing to compare with, which leaves the first two
    kinds empty. Typical is near the median in the metric and in both histories.
    """
    if kind == BY_ID:
        return np.arange(len(train.users))
    if kind == COLD:
        cold = train.cold_users
        return np.concatenate([cold[np.isin(cold, evaluated)], cold[~np.isin(cold, evaluated)]])
    if kind == RANDOM:
        return evaluated[np.random.default_rng(seed).permutation(len(evaluated))]
    if moved is None:
        return _typical(train, evaluated) if kind == TYPICAL else np.array([], dtype=int)
    if kind == TYPICAL:
        return _typical(train, evaluated, moved)
    sign = -1 if kind == HELPED else 1
    wanted = moved[sign * moved["difference"] < 0]
    order = np.lexsort((wanted[USER], sign * wanted["difference"]))
    return wanted[USER].to_numpy()[order]


def _typical(train: DomainPair, evaluated: IntArray, moved: pd.DataFrame | None = None) -> IntArray:
    """Users by their distance from the median, in ranks so that no unit weighs more."""
    columns = [train.source_history[evaluated], train.target_history[evaluated]]
    if moved is not None:
        columns.append(moved.set_index(USER)["run"].reindex(evaluated).fillna(0).to_numpy())
    places = np.column_stack([pd.Series(column).rank(pct=True) for column in columns])
    return evaluated[np.argsort(np.abs(places - 0.5).sum(axis=1), kind="stable")]


# Segments by an uploaded attribute: numbers in quartiles, words as they are or the commonest.

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
