"""A pair in its folder: the settings it was built with, its rows, its items, its matrices."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix

from core.basics.columns import ITEM, SOURCE, TARGET, USER, VECTOR
from core.basics.errors import CrosswalkError, DataError
from core.basics.files import as_record, delete_folder, read_json
from core.basics.settings import Settings, setting
from core.basics.types import IdMap
from core.basics.workspace import Workspace
from core.data.pair import UNTAKEN, DomainPair, ItemFeatures, described, features_of
from core.data.reading.options import read_dataset

RECORD = "pair.json"
DISLIKED = "disliked"  # rows of the target that people rated below the threshold


@dataclass(frozen=True)
class DomainCounts:
    """Sizes of one domain."""

    users: int
    items: int
    rows: int


@dataclass(frozen=True)
class PairCounts:
    """Sizes of both domains and the users they share."""

    source: DomainCounts
    target: DomainCounts
    shared: int

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """The counts from plain values, as JSON keeps them."""
        source, target = DomainCounts(**values["source"]), DomainCounts(**values["target"])
        return cls(source, target, values["shared"])


@dataclass(frozen=True)
class PairInfo:
    """What a pair is about, in words and hashes; before and after: sizes around its filters.

    steps: what was asked of rows, in order -> domain -> rows left. items_known: domain -> how many
    of its items are in its item table, and how many it has; people: as steps, users in place of
    rows. All are empty in older pairs. disliked: rows of the target below the threshold, by its
    people and of its items; -1 in older pairs, which do not have them. untaken: items of the
    target's item table that are in no row of its file.
    """

    dataset_hash: str
    source_name: str
    target_name: str
    settings: dict[str, Any]
    inputs: dict[str, str]  # role -> content hash of the imported file
    before: PairCounts
    after: PairCounts
    warnings: list[str]
    steps: dict[str, dict[str, int]] = field(default_factory=dict)
    items_known: dict[str, list[int]] = field(default_factory=dict)
    people: dict[str, dict[str, int]] = field(default_factory=dict)
    disliked: int = -1
    untaken: int = 0

    @property
    def title(self) -> str:
        """The pair in a few words: `books → films`."""
        return f"{self.source_name} → {self.target_name}"


def read_pair_info(folder: Path) -> PairInfo:
    """What the pair in the folder is about; raises DataError where it is not there."""
    if not (folder / RECORD).exists():
        raise DataError(
            what=f"The pair {folder.name} is not in this workspace.",
            hint="Make it again on the Data page from its two datasets.",
        )
    try:
        info = as_record(PairInfo, read_json(folder / RECORD))
        return replace(info, settings=PairSettings.of(info.settings).to_dict())
    except CrosswalkError as error:
        raise DataError(
            what=f"The record of the pair {folder.name} cannot be read.",
            hint="Delete its folder in pairs and make it again from its two datasets.",
        ) from error


def list_pairs(workspace: Workspace) -> list[PairInfo]:
    """Every pair of the workspace, the newest first; those whose record is damaged are left out."""
    pairs = []
    for folder in _folders(workspace):
        with suppress(DataError):
            pairs.append(read_pair_info(folder))
    return pairs


def damaged_pairs(workspace: Workspace) -> list[str]:
    """Hashes of the pairs whose record cannot be read."""
    whole = {pair.dataset_hash for pair in list_pairs(workspace)}
    return [folder.name for folder in _folders(workspace) if folder.name not in whole]


def _folders(workspace: Workspace) -> list[Path]:
    """Folders of all pairs, the newest first; one on its way in or out has a suffix."""
    records = [path for path in workspace.pairs.glob(f"*/{RECORD}") if not path.parent.suffix]
    newest = sorted(records, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [path.parent for path in newest]


def delete_pair(workspace: Workspace, dataset_hash: str) -> None:
    """Remove a pair; splits and runs made from it stay as they are."""
    if dataset_hash not in damaged_pairs(workspace):
        read_pair_info(workspace.pairs / dataset_hash)
    delete_folder(workspace.pairs / dataset_hash)


def inputs_of(workspace: Workspace, info: PairInfo) -> PairInputs:
    """The imported files a pair was made from; raises DataError where one was deleted."""
    files = {
        role: read_dataset(workspace, dataset_hash).file
        for role, dataset_hash in info.inputs.items()
    }
    names = (info.source_name, info.target_name)
    source_name, target_name = names[::-1] if info.settings["swap"] else names
    return PairInputs(**files, source_name=source_name, target_name=target_name)


def steps_that_tell(steps: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """The first and the last step, and between them those that left fewer rows than before."""
    told: dict[str, dict[str, int]] = {}
    before: dict[str, int] = {}
    for step, left in steps.items():
        if left != before or step == list(steps)[-1]:
            told[step] = left
        before = left
    return told


def rows_file(folder: Path, domain: str) -> Path:
    """File with the rows of a domain: USER, ITEM and where known RATING, TIME and COUNT."""
    return folder / f"{domain}.parquet"


def items_file(folder: Path, domain: str) -> Path:
    """File with what is known about the items of a domain; absent where nothing is."""
    return folder / f"items_{domain}.parquet"


def read_rows(folder: Path, domain: str) -> pd.DataFrame:
    """Rows of a domain by user, then item."""
    return pd.read_parquet(rows_file(folder, domain))


def read_disliked(folder: Path) -> pd.DataFrame | None:
    """Target rows below the threshold, USER, ITEM, RATING and maybe TIME; None where none is."""
    file = rows_file(folder, DISLIKED)
    return pd.read_parquet(file) if file.exists() else None


def read_untaken_items(folder: Path) -> pd.DataFrame | None:
    """What the item table knows of target items nobody took; None where there are none."""
    file = folder / f"{UNTAKEN}.parquet"
    return pd.read_parquet(file) if file.exists() else None


def read_items(folder: Path, domain: str, vectors: bool = False) -> pd.DataFrame | None:
    """ITEM and what is written about items, and their VECTOR where it is asked for.

    None where no item table was given.
    """
    file = items_file(folder, domain)
    if not file.exists():
        return None
    names = pq.read_schema(file).names
    return pd.read_parquet(file, columns=[name for name in names if vectors or name != VECTOR])


def pair_features(folder: Path, domain: str) -> ItemFeatures:
    """What is known about the items of a domain that have rows, in the order of their ids."""
    rows = pd.read_parquet(rows_file(folder, domain), columns=[ITEM])
    return features_of(described(IdMap.of(rows[ITEM]), read_items(folder, domain)))


def as_domain_pair(source: pd.DataFrame, target: pd.DataFrame) -> DomainPair:
    """Both domains as matrices of ones over one user list."""
    users = IdMap.of(source[USER], target[USER])
    source_items, target_items = IdMap.of(source[ITEM]), IdMap.of(target[ITEM])
    matrices = _ones(source, users, source_items), _ones(target, users, target_items)
    return DomainPair(users, source_items, target_items, *matrices)


def _ones(frame: pd.DataFrame, users: IdMap, items: IdMap) -> csr_matrix:
    places = (users.numbers(frame[USER]), items.numbers(frame[ITEM]))
    ones = np.ones(len(frame), dtype=np.float32)
    return csr_matrix((ones, places), shape=(len(users), len(items)))


# What becomes of two imported files: which ones, and every setting of a pair with its bounds.

STARS = 5.0  # the rating threshold is said on this scale


@dataclass(frozen=True)
class PairSettings(Settings):
    """What becomes of two files: who is who, what counts, and how much history is asked for."""

    rating_threshold: float = setting(
        3.0,
        low=0.0,
        high=STARS,
        help="Ratings from this many of 5 stars count as liked, on each file's own scale: 3 stars "
        "are 3 on 1 to 5, 6 on 1 to 10, 60 on 0 to 100. Where ratings go below 0, one star is the "
        "lowest and five the highest: 3 stars are 0 on −2 to 2. Where all ratings are equal, all "
        "count. 0 keeps every rating.",
    )
    source_core: int = setting(
        0, low=0, high=100, help="Every source user and item keeps at least this many rows."
    )
    target_core: int = setting(
        5, low=0, high=100, help="Every target user and item keeps at least this many rows."
    )
    source_fewest: int = setting(
        0, low=0, high=10_000, help="Source users with fewer interactions are left out."
    )
    source_most: int = setting(
        0,
        low=0,
        high=10_000_000,
        help="Source users with more interactions are left out; 0 sets no bound.",
    )
    target_fewest: int = setting(
        0, low=0, high=10_000, help="Target users with fewer interactions are left out."
    )
    target_most: int = setting(
        0,
        low=0,
        high=10_000_000,
        help="Target users with more interactions are left out; 0 sets no bound.",
    )
    first_day: str = setting("", help="Rows before this day (2024-05-31, UTC) are left out.")
    last_day: str = setting("", help="Rows after this day (2024-05-31, UTC) are left out.")
    match_users: str = setting(
        "exactly",
        choices=("exactly", "loosely"),
        help="Loosely ignores case, blanks, leading zeros, a trailing .0, "
        "full width and the encoding of accents in user ids.",
    )
    exchanged_columns: str = setting(
        "none",
        choices=("none", SOURCE, TARGET, "both"),
        help="In this file, or in both, read users as items and items as users.",
    )
    swap: bool = setting(False, help="Let the two files trade places as source and target.")
    drop_cross_listed: bool = setting(
        False, help="Leave out source items that the target lists too, under other ids."
    )
    drop_double_users: bool = setting(
        False, help="Of user ids with nearly the same history in one domain keep one."
    )
    source_item_fewest: int = setting(
        0, low=0, high=1_000_000, help="Source items with fewer interactions are left out."
    )
    target_item_fewest: int = setting(
        0, low=0, high=1_000_000, help="Target items with fewer interactions are left out."
    )
    source_liked_from: str = setting(
        "",
        help="The rating from which rows of the first file count as liked, as a value of that "
        "file, such as 3.5; swapped or not. Empty: the stars decide.",
    )
    target_liked_from: str = setting(
        "",
        help="The rating from which rows of the second file count as liked, as a value of that "
        "file, such as 3.5; swapped or not. Empty: the stars decide.",
    )

    def key(self) -> dict[str, Any]:
        """What decides the pair's hash: it stays what it was where nothing newer is asked for."""
        return {
            name: value for name, value in self.to_dict().items() if value or name not in _LATER
        }


_LATER = (  # settings that older pairs do not know: not in the hash where they do nothing
    "drop_double_users",
    "source_item_fewest",
    "target_item_fewest",
    "source_liked_from",
    "target_liked_from",
)


@dataclass(frozen=True)
class PairInputs:
    """The files of a pair as they were imported; links: which target user is which source user;
    triples: what items of either domain have in common."""

    source: Path
    target: Path
    items_source: Path | None = None
    items_target: Path | None = None
    links: Path | None = None
    triples: Path | None = None
    source_name: str = "source"
    target_name: str = "target"


def everything(settings: dict[str, Any]) -> PairSettings:
    """Settings that keep every row, with users and roles matched as in the given ones."""
    roles = ("match_users", "exchanged_columns", "swap")
    kept = {role: settings[role] for role in roles if role in settings}
    return PairSettings.of({"rating_threshold": 0.0, "target_core": 0, **kept})
