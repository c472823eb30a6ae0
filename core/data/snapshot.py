"""Snapshots of a split: immutable Parquet folders that children read without a database."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix

from core.basics.columns import COUNT, ITEM, RATING, SOURCE, TARGET, TEST, TIME, USER, VALID
from core.basics.errors import DataError
from core.basics.files import as_record, fingerprint, read_json, whole_folder, write_json
from core.basics.types import BoolArray, IdMap, IntArray, Masked
from core.data.entries import apart, ones_of
from core.data.item_tables import described, read_described, uploaded_vectors, vectors_file
from core.data.new_items import NEW_ITEMS, drawn_order, new_items_of
from core.data.pair import DomainPair
from core.data.times import in_time_order

RECORD = "split.json"
PARTS = ("source_train", "target_train", "target_valid", "target_test")


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


@dataclass(frozen=True)
class Split:
    """Training matrices and what is held out; valid, test: (n_users, n_target_items).

    All hold ones; those of `rated` hold ratings, and a rating of 0 is a stored entry too.
    """

    info: SplitInfo
    train: DomainPair
    valid: csr_matrix
    test: csr_matrix
    folder: Path
    new_items: dict[str, BoolArray] | None = None  # by part, (n_target_items,): they alone rank

    def held_out(self, part: str) -> csr_matrix:
        """What is to be found: the validation or the test interactions."""
        return {VALID: self.valid, TEST: self.test}[part]

    def masked(self, part: str) -> Masked:
        """What may not be recommended: training items, and validation items at test time.

        On a split of new items nobody may be recommended any item but those of the part.
        """
        rows = self.train.target
        if part == TEST:
            rows = (ones_of(rows) + ones_of(self.valid)).tocsr()
        return Masked(rows, self.hidden_items(part))

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
    """Write the split under `root`, in a folder named by its split hash; answers the folder.

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
        items[TARGET] = drawn_order(items[TARGET], seed)
    coded = {part: _coded(getattr(tables, part), users, items[_domain(part)]) for part in PARTS}
    info = SplitInfo(
        source_name,
        target_name,
        kind,
        seed,
        settings,
        dataset_hash,
        split_hash=_split_hash(dataset_hash, users, items, coded),
        counts={part: len(coded[part]) for part in PARTS}
        | {"users": len(users), "source_items": len(items[SOURCE])}
        | {"target_items": len(items[TARGET])},
        liked_from=liked_from,
    )
    folder = root / info.split_hash
    if not _is_whole(folder):
        known = {domain: getattr(tables, f"items_{domain}") for domain in items}
        frames = (
            coded
            | {"users": pd.DataFrame({USER: users.ids})}
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
    return folder


def _is_whole(folder: Path) -> bool:
    try:
        read_info(folder)
    except DataError:
        return False
    return True


def read_info(folder: Path) -> SplitInfo:
    """What the snapshot is about, without reading its rows."""
    return as_record(SplitInfo, read_json(folder / RECORD))


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
    return Split(info, train, valid, test, folder, new)


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
        for part in PARTS
        for column in coded[part].columns
    ]
    return fingerprint(dataset_hash, users.ids, items[SOURCE].ids, items[TARGET].ids, *numbers)


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
    coded = coded.sort_values([USER, ITEM], ignore_index=True)
    return coded.drop_duplicates([USER, ITEM], keep="last", ignore_index=True)


def _counts(folder: Path, part: str, shape: tuple[int, int]) -> csr_matrix | None:
    """Counts in the places of the ones that `_matrix` answers; None for rows without counts."""
    path = folder / f"{part}.parquet"
    if COUNT not in pq.read_schema(path).names:
        return None
    frame = pd.read_parquet(path, columns=[USER, ITEM, COUNT])
    places = frame[USER].to_numpy(), frame[ITEM].to_numpy()
    return csr_matrix((frame[COUNT].to_numpy(dtype=np.float32), places), shape=shape)


def _matrix(folder: Path, part: str, shape: tuple[int, int], ratings: bool) -> csr_matrix:
    columns = [USER, ITEM, RATING] if ratings else [USER, ITEM]
    frame = pd.read_parquet(folder / f"{part}.parquet", columns=columns).dropna()
    values = frame[RATING] if ratings else np.ones(len(frame))
    places = frame[USER].to_numpy(), frame[ITEM].to_numpy()
    return csr_matrix((np.asarray(values, dtype=np.float32), places), shape=shape)
