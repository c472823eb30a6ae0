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

from core.basics.columns import ITEM, USER, VECTOR
from core.basics.errors import CrosswalkError, DataError
from core.basics.files import as_record, delete_folder, read_json
from core.basics.types import IdMap
from core.basics.workspace import Workspace
from core.data.datasets import read_dataset
from core.data.item_tables import described, features_of
from core.data.pair import DomainPair, ItemFeatures
from core.data.pair_settings import PairInputs, PairSettings

RECORD = "pair.json"


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
    of its items are in its item table, and how many it has. Both are empty in older pairs.
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
