"""Snapshots of a split: immutable Parquet folders that children read without a database."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property, reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix

from core.basics.columns import (
    CATEGORIES,
    COUNT,
    DESCRIPTION,
    ITEM,
    PART,
    RATING,
    SOURCE,
    TARGET,
    TEST,
    TIME,
    TITLE,
    TRAIN,
    USER,
    VALID,
)
from core.basics.errors import DataError, told_if_damaged
from core.basics.files import as_record, fingerprint, read_json, whole_folder, write_json
from core.basics.sorted_sets import common
from core.basics.types import BoolArray, IdMap, IntArray, Masked
from core.data.pair import (
    ENTITY_LINKS,
    DomainPair,
    apart,
    described,
    has_untaken,
    ones_of,
    read_described,
    uploaded_vectors,
    vectors_file,
    write_untaken,
)
from core.data.time_order import has_times, in_time_order

RECORD = "split.json"
PARTS = ("source_train", "target_train", "target_valid", "target_test")
DISLIKED = "target_disliked"  # rows people rated below the threshold; no older snapshot has them


@dataclass(frozen=True)
class SplitInfo:
    """What a split is about, in words and hashes."""

    source_name: str
    target_name: str
    kind: str  # "random", "leave-k-out", "temporal", "cold-start users", "new items", "given files"
    seed: int
    settings: dict
    dataset_hash: str
    split_hash: str
    counts: dict[str, int]
    liked_from: float = 0.0  # rows below so many of 5 stars were filtered away


@dataclass(frozen=True)
class SplitTables:
    """A split before it is written: frames of text ids (USER, ITEM, maybe RATING, TIME, COUNT)."""

    source_train: pd.DataFrame
    target_train: pd.DataFrame
    target_valid: pd.DataFrame
    target_test: pd.DataFrame
    items_source: pd.DataFrame | None  # ITEM and any of TITLE, DESCRIPTION, VECTOR and so on
    items_target: pd.DataFrame | None
    disliked: pd.DataFrame | None = None  # seen, not liked: rows of the target, with their PART
    untaken: pd.DataFrame | None = None  # what is known of target items nobody took
    entity_links: pd.DataFrame | None = None  # HEAD, RELATION, TAIL between what items hold


@dataclass(frozen=True)
class Split:
    """Training matrices and what is held out; valid, test: (n_users, n_target_items).

    All hold ones; those of `rated` hold ratings, and a rating of 0 is a stored entry too.
    disliked: by TRAIN, VALID and TEST, (n_users, n_target_items) ones where a user rated an item
    below the threshold; empty where nobody did and in snapshots of older versions.
    """

    info: SplitInfo
    train: DomainPair
    valid: csr_matrix
    test: csr_matrix
    folder: Path
    new_items: dict[str, BoolArray] | None = None  # by part, (n_target_items,): they alone rank
    disliked: dict[str, csr_matrix] = field(default_factory=dict)

    def held_out(self, part: str) -> csr_matrix:
        """What is to be found: the validation or the test interactions."""
        return {VALID: self.valid, TEST: self.test}[part]

    def masked(self, part: str, users: list[int] | None = None) -> Masked:
        """What may not be recommended: training items, and validation items at test time.

        Items a user rated low are known as the liked ones are: those of training always, those of
        validation at test time. Low ratings of the part itself stay rankable, so that a list with
        one loses a place by it. On a split of new items nobody may be recommended any item but
        those of the part. users: rows of these alone, all by default.
        """
        before = (TRAIN,) if part == VALID else (TRAIN, VALID)
        liked = {TRAIN: self.train.target, VALID: self.valid}
        known = [rows[one] for rows in (liked, self.disliked) if rows for one in before]
        known = known if users is None else [rows[users] for rows in known]
        if len(known) == 1:
            return Masked(known[0], self.hidden_items(part))
        # Sums of ones: an item may be in two parts of a given split
        return Masked(reduce(add, map(ones_of, known)).tocsr(), self.hidden_items(part))

    def hidden_items(self, part: str) -> BoolArray | None:
        """(n_target_items,) which items nobody may be recommended; None for none of them."""
        return None if self.new_items is None else ~self.new_items[part]

    @cached_property
    def rated(self) -> Split:
        """The same split with ratings in place of ones, for models of ratings."""
        return read_snapshot(self.folder, ratings=True)

    @cached_property
    def timed(self) -> DomainPair:
        """The training pair with places in time for values, for models that read sequences."""
        return in_time_order(self.train, self.folder)

    def users(self, part: str) -> IntArray:
        """Numbers of the users with something to find."""
        return np.flatnonzero(np.diff(self.held_out(part).indptr))


def write_snapshot(
    root: Path,
    tables: SplitTables,
    *,
    source_name: str,
    target_name: str,
    kind: str,
    seed: int,
    settings: dict,
    dataset_hash: str,
    liked_from: float = 0.0,
) -> Path:
    """Write the split under `root`, in a folder named by its split hash, and return the folder.

    Target items are the union of train, valid and test items; on a split of new items they are
    numbered by a draw, so that scores that cannot tell items apart rank them in a random order.
    A split that exists is kept, unless its record is damaged.
    """
    _check_tables(tables)
    users = IdMap.of(*(getattr(tables, part)[USER] for part in PARTS))
    items = {
        SOURCE: IdMap.of(tables.source_train[ITEM]),
        TARGET: IdMap.of(*(getattr(tables, part)[ITEM] for part in PARTS[1:])),
    }
    if kind == NEW_ITEMS:
        # Numbered by a draw: equal scores stand by item number, so in a random order
        items[TARGET] = IdMap(np.random.default_rng(seed).permutation(items[TARGET].ids))
    coded = {part: _coded(getattr(tables, part), users, items[_domain(part)]) for part in PARTS}
    low = {} if tables.disliked is None else _seen(tables.disliked, users, items[TARGET], coded)
    info = SplitInfo(
        source_name,
        target_name,
        kind,
        seed,
        settings,
        dataset_hash,
        split_hash=_split_hash(dataset_hash, users, items, coded | low),
        counts={part: len(coded[part]) for part in PARTS}
        | {"users": len(users), "source_items": len(items[SOURCE])}
        | {"target_items": len(items[TARGET]), "shared": _n_shared(coded)}
        | {part: len(rows) for part, rows in low.items()},
        liked_from=liked_from,
    )
    folder = root / info.split_hash
    if not _is_whole(folder):
        known = {domain: getattr(tables, f"items_{domain}") for domain in items}
        frames = (
            coded
            | low
            | {"users": pd.DataFrame({USER: users.ids})}
            | ({} if tables.entity_links is None else {ENTITY_LINKS: tables.entity_links})
            | {
                f"items_{domain}": described(items[domain], table)
                for domain, table in known.items()
            }
        )
        with whole_folder(folder, anew=True) as part_folder:  # a damaged one would stay
            for name, frame in frames.items():
                frame.to_parquet(part_folder / f"{name}.parquet", index=False)
            for domain, table in known.items():
                if (vectors := uploaded_vectors(items[domain], table)) is not None:
                    np.save(vectors_file(part_folder, domain), vectors)
            write_json(part_folder / RECORD, asdict(info))
    if tables.untaken is not None and len(tables.untaken) and not has_untaken(folder):
        write_untaken(folder, tables.untaken)  # no part of the split: its hash does not know them
    return folder


def _n_shared(coded: dict[str, pd.DataFrame]) -> int:
    """Users with rows in both domains, held-out ones included."""
    source, *target = [coded[part][USER].to_numpy() for part in PARTS]
    return len(common(source, np.concatenate(target)))


def _is_whole(folder: Path) -> bool:
    try:
        read_info(folder)
    except DataError:
        return False
    return True


def read_info(folder: Path) -> SplitInfo:
    """What the snapshot is about, without reading its rows."""
    return as_record(SplitInfo, read_json(folder / RECORD))


@told_if_damaged("split", "Split its pair again, or choose another run.")
def read_snapshot(folder: Path, ratings: bool = False) -> Split:
    """The split a snapshot folder holds; raises DataError where the folder is not there.

    Its matrices hold ones, or the ratings, where rows without a rating are left out. Counts stand
    beside the ones of the training pair where the files have them.
    """
    if not (folder / RECORD).exists():
        raise DataError(
            what=f"The split {folder.name} is not in this workspace.",
            hint="Import its two files and split them again, or choose another run.",
        )
    users = IdMap(pd.read_parquet(folder / "users.parquet")[USER].to_numpy(dtype=object))
    source_items, source_features = read_described(folder, SOURCE)
    target_items, target_features = read_described(folder, TARGET)
    shapes = {SOURCE: (len(users), len(source_items)), TARGET: (len(users), len(target_items))}
    matrices = {part: _matrix(folder, part, shapes[_domain(part)], ratings) for part in PARTS}
    train = DomainPair(
        users,
        source_items,
        target_items,
        matrices["source_train"],
        matrices["target_train"],
        source_features,
        target_features,
        *(None if ratings else _counts(folder, part, shapes[_domain(part)]) for part in PARTS[:2]),
    )
    valid = apart(matrices["target_valid"], train.target)
    test = apart(matrices["target_test"], train.target, valid)
    info = read_info(folder)
    new = new_items_of(folder, len(target_items)) if info.kind == NEW_ITEMS else None
    return Split(info, train, valid, test, folder, new, _disliked(folder, shapes[TARGET]))


def _check_tables(tables: SplitTables) -> None:
    for part in ("source_train", "target_train"):
        if getattr(tables, part).empty:
            raise DataError(
                what=f"Nothing is left in {part.replace('_', ' ')}.",
                hint="Loosen the filters, or hold out a smaller share.",
            )


def _domain(part: str) -> str:
    return part.split("_")[0]


def _split_hash(
    dataset_hash: str, users: IdMap, items: dict[str, IdMap], coded: dict[str, pd.DataFrame]
) -> str:
    """Hash of who and what there is, of which row is in which part, its rating, time and count."""
    numbers = [
        coded[part][column].to_numpy(dtype=np.float64, na_value=np.nan)
        if column in (RATING, TIME, COUNT)
        else coded[part][column].to_numpy()
        for part in coded
        for column in coded[part].columns
    ]
    return fingerprint(dataset_hash, users.ids, items[SOURCE].ids, items[TARGET].ids, *numbers)


def _seen(
    rows: pd.DataFrame, users: IdMap, items: IdMap, liked: dict[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Low ratings of the split's people and items that are in no liked part: one table or none."""
    rows = rows[rows[USER].isin(users.ids) & rows[ITEM].isin(items.ids)]
    coded = _coded(rows, users, items).drop(columns=COUNT, errors="ignore")
    taken = [liked[part][USER] * len(items) + liked[part][ITEM] for part in PARTS[1:]]
    coded = coded[~(coded[USER] * len(items) + coded[ITEM]).isin(np.concatenate(taken))]
    return {DISLIKED: coded.reset_index(drop=True)} if len(coded) else {}


def _disliked(folder: Path, shape: tuple[int, int]) -> dict[str, csr_matrix]:
    """Seen, not liked, as ones by part; nothing where the snapshot has no such table."""
    path = folder / f"{DISLIKED}.parquet"
    if not path.exists():
        return {}
    frame = pd.read_parquet(path, columns=[USER, ITEM, PART])
    found = {}
    for number, part in enumerate((TRAIN, VALID, TEST)):
        rows = frame[frame[PART] == number]
        ones = np.ones(len(rows), dtype=np.float32)
        found[part] = csr_matrix((ones, (rows[USER], rows[ITEM])), shape=shape)
    return found


def _coded(frame: pd.DataFrame, users: IdMap, items: IdMap) -> pd.DataFrame:
    """Rows by user, then item, as numbers; with ratings, times and counts where there are any.

    A row without a count among others that have one counts 1.
    """
    coded = pd.DataFrame({USER: users.numbers(frame[USER]), ITEM: items.numbers(frame[ITEM])})
    rating = frame.get(RATING, 1.0)
    coded[RATING] = np.asarray(pd.Series(rating, index=frame.index), dtype=np.float32)
    if TIME in frame:
        coded[TIME] = pd.array(frame[TIME].to_numpy(), dtype="Int64")
    if COUNT in frame:
        coded[COUNT] = frame[COUNT].fillna(1.0).to_numpy(dtype=np.float32)
    if PART in frame:
        coded[PART] = frame[PART].to_numpy(dtype=np.int8)
    coded = coded.sort_values([USER, ITEM], ignore_index=True)
    return coded.drop_duplicates([USER, ITEM], keep="last", ignore_index=True)


def _counts(folder: Path, part: str, shape: tuple[int, int]) -> csr_matrix | None:
    """Counts in the places of the ones that `_matrix` answers; None for rows without counts."""
    path = folder / f"{part}.parquet"
    if COUNT not in pq.read_schema(path).names:
        return None
    frame = pd.read_parquet(path, columns=[USER, ITEM, COUNT])
    return csr_matrix((frame[COUNT].to_numpy(np.float32), (frame[USER], frame[ITEM])), shape)


def _matrix(folder: Path, part: str, shape: tuple[int, int], ratings: bool) -> csr_matrix:
    columns = [USER, ITEM, RATING] if ratings else [USER, ITEM]
    frame = pd.read_parquet(folder / f"{part}.parquet", columns=columns).dropna()
    values = frame[RATING] if ratings else np.ones(len(frame))
    return csr_matrix((np.asarray(values, dtype=np.float32), (frame[USER], frame[ITEM])), shape)


# What one user did in a domain, read from the snapshot: items, ratings and times, newest first.


def user_history(split: Split, part: str, user: int) -> pd.DataFrame:
    """ITEM (number), RATING and TIME (UTC, NaT where unknown) of one user's rows, newest first.

    part: one of PARTS, such as "source_train", or DISLIKED, whose rows have their PART too.
    Without times the rows stand by item number; a user without rows has none.
    """
    if part not in (*PARTS, DISLIKED):
        raise KeyError(part)
    path = split.folder / f"{part}.parquet"
    if part == DISLIKED and not split.disliked:
        return pd.DataFrame({ITEM: [], RATING: [], TIME: [], PART: []})
    columns = [name for name in (ITEM, RATING, TIME, PART) if name in pq.read_schema(path).names]
    rows = pd.read_parquet(path, columns=columns, filters=[(USER, "==", int(user))])
    if TIME not in rows:
        return rows.assign(**{TIME: pd.NaT})
    rows[TIME] = pd.to_datetime(rows[TIME].astype("float64"), unit="s", errors="coerce")
    return rows.sort_values([TIME, ITEM], ascending=[False, True], ignore_index=True)


# Splits of new items: whole target items are held out, and lists hold nothing else.

NEW_ITEMS = "new items"  # the kind of split


def new_items_of(folder: Path, n_items: int) -> dict[str, BoolArray]:
    """Items that validation, and the test, of a snapshot hold rows of, (n_items,) each."""
    found = {}
    for part in (VALID, TEST):
        rows = pd.read_parquet(folder / f"target_{part}.parquet", columns=[ITEM])
        found[part] = np.isin(np.arange(n_items), rows[ITEM])
    return found


# What is known about a split's rows and texts before a model is trained on it.

Range = tuple[float, float]
Filled = frozenset[str]  # columns of an item table that any item has
EVERY_TEXT: Filled = frozenset((TITLE, CATEGORIES, DESCRIPTION))


@dataclass(frozen=True)
class RatingFacts:
    """Lowest and highest training rating of each domain, None where all are equal or missing."""

    source: Range | None
    target: Range | None
    liked_from: float  # rows below so many of 5 stars were filtered away; 0 where none was
    timed: bool = True  # whether the rows of both domains have times
    texts: tuple[Filled, Filled] = (EVERY_TEXT, EVERY_TEXT)  # of source and of target items
    vectors: tuple[int, int] = (0, 0)  # numbers of their uploaded vectors, 0 for none
    counted: bool = False  # whether the rows of a domain have counts


def rating_facts(folder: Path) -> RatingFacts:
    """Facts of a snapshot folder, from its record and the footers of its files: no row is read."""
    source, target = (_range(folder / f"{domain}_train.parquet") for domain in (SOURCE, TARGET))
    texts = _filled(folder / "items_source.parquet"), _filled(folder / "items_target.parquet")
    vectors = _width(vectors_file(folder, SOURCE)), _width(vectors_file(folder, TARGET))
    counted = any(
        COUNT in pq.read_schema(folder / f"{domain}_train.parquet").names
        for domain in (SOURCE, TARGET)
    )
    known = read_info(folder).liked_from, has_times(folder)
    return RatingFacts(source, target, *known, texts, vectors, counted)


def _width(path: Path) -> int:
    """Of the array in a file, from its header."""
    return int(np.load(path, mmap_mode="r").shape[1]) if path.exists() else 0


def _filled(path: Path) -> Filled:
    """Which columns of an item table say anything; footers leave out values that are long."""
    return frozenset(column for column in EVERY_TEXT if _says_anything(path, column))


def _says_anything(path: Path, column: str) -> bool:
    groups = pq.ParquetFile(path).metadata.num_row_groups
    bounds = _bounds(path, column)
    if any(highest for _, highest in bounds) or len(bounds) == groups:
        return any(highest for _, highest in bounds)
    return any(pq.read_table(path, columns=[column]).column(column).to_pylist())


def _range(path: Path) -> Range | None:
    bounds = _bounds(path, RATING)
    if not bounds:
        return None
    low, high = min(float(low) for low, _ in bounds), max(float(high) for _, high in bounds)
    return (low, high) if low < high else None


def _bounds(path: Path, column: str) -> list[tuple[Any, Any]]:
    """Lowest and highest value of a column in each group of rows that has any."""
    file = pq.ParquetFile(path)
    place = file.schema_arrow.get_field_index(column)
    groups = range(file.metadata.num_row_groups)
    found = [file.metadata.row_group(group).column(place).statistics for group in groups]
    return [(one.min, one.max) for one in found if one is not None and one.has_min_max]
