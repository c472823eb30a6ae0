"""What pages read again and again, kept by ids and hashes only; never a whole score matrix."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.columns import SOURCE, USER
from core.basics.errors import CrosswalkError, DataError
from core.basics.sorted_sets import common
from core.basics.types import Candidates
from core.data.attributes import list_attributes
from core.data.knowledge import KnowledgeGraph, knowledge_in
from core.data.pair_folder import list_pairs
from core.data.snapshot import PARTS, RatingFacts, Split, SplitInfo, read_info, read_snapshot
from core.data.snapshot import rating_facts as read_rating_facts
from core.evaluation.segments import user_segments
from core.models.protocol import CrossDomainModel
from core.models.text.features import TextSettings
from core.runs.answer.standing import Standing
from core.runs.answer.standing import standing as standing_of
from core.runs.making.texts import ItemTexts, read_texts
from core.store.record import Record
from core.store.run_folder import Run, read_runs
from core.ui.keeping import kept_data, kept_resource
from core.ui.shell import workspace


def runs() -> list[Run]:
    """Every run of the workspace, newest first; damaged ones are left out."""
    return _read_runs()[0]


def damaged_runs() -> dict[str, CrosswalkError]:
    """Why a folder of the workspace that has a record is no run, by its name."""
    return _read_runs()[1]


@kept_resource(max_entries=2, also=lambda: _stamps(workspace().runs))
def _read_runs() -> tuple[list[Run], dict[str, CrosswalkError]]:
    return read_runs(workspace())


@dataclass(frozen=True)
class Question:
    """A pair as pages choose it: what one domain's data do for another's recommendations."""

    dataset_hash: str
    source_name: str
    target_name: str
    n_runs: int


def questions() -> list[Question]:
    """Every pair that a pair folder, a split or a run of the workspace is about.

    Those with runs first, then the newest pair first: a run or split that is made later moves
    nothing but its own pair.
    """
    return _questions(tuple(split_hashes()))


def _pair_stamps(_splits: tuple[str, ...]) -> tuple:
    """Changes when a pair or a run comes or goes."""
    return _stamps(workspace().pairs), _stamps(workspace().runs)


@kept_resource(max_entries=2, also=_pair_stamps)
def _questions(splits: tuple[str, ...]) -> list[Question]:
    pairs = list_pairs(workspace())
    names = {pair.dataset_hash: (pair.source_name, pair.target_name) for pair in pairs}
    about: list[SplitInfo | Record] = [*map(split_info, splits), *(run.record for run in runs())]
    for one in about:
        names.setdefault(one.dataset_hash, (one.source_name, one.target_name))
    counts = Counter(run.record.dataset_hash for run in runs())
    found = [Question(one, *domains, counts[one]) for one, domains in names.items()]
    return sorted(found, key=lambda question: not question.n_runs)  # stable: newest first


def _choice_stamps(_dataset_hash: str) -> tuple:
    """Changes when another run is chosen for a pair, or a run comes or goes."""
    return _stamps(workspace().choices), _stamps(workspace().runs)


@kept_resource(max_entries=20, also=_choice_stamps)
def standing(dataset_hash: str) -> Standing | None:
    """The run that stands for a pair; see core/runs/answer/standing.py."""
    return standing_of(workspace(), dataset_hash, runs())


def split_hashes() -> list[str]:
    """Every split of the workspace, the newest first; damaged records are left out."""
    folders = [entry for entry in _entries(workspace().splits) if (entry / "split.json").exists()]
    folders.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    return [folder.name for folder in folders if _is_readable(folder.name)]


def _is_readable(split_hash: str) -> bool:
    try:
        split_info(split_hash)
    except DataError:
        return False
    return True


@kept_resource(max_entries=2)
def split(split_hash: str) -> Split:
    """Matrices, ids and titles of a split; raises DataError where it is gone."""
    return read_snapshot(workspace().splits / split_hash)


@kept_resource(max_entries=50)
def split_info(split_hash: str) -> SplitInfo:
    """What a split is about, without its rows; raises DataError where it is gone."""
    return read_info(workspace().splits / split_hash)


@kept_data(max_entries=50)
def shared_users(split_hash: str) -> int:
    """Number of users with interactions in both domains, held-out ones included."""
    if (kept := split_info(split_hash).counts.get("shared")) is not None:
        return kept
    # A split of an older version: its rows say
    folder = workspace().splits / split_hash
    source, *target = [
        pd.read_parquet(folder / f"{part}.parquet", columns=[USER])[USER].unique() for part in PARTS
    ]
    return len(common(source, np.concatenate(target)))


@kept_data(max_entries=50)
def rating_facts(split_hash: str) -> RatingFacts:
    """Range of a split's ratings and what was filtered by them."""
    return read_rating_facts(workspace().splits / split_hash)


def split_of(run: Run) -> Split:
    """The split a run was trained on."""
    return split(run.record.split_hash)


@kept_data(max_entries=30)
def per_user(run: Run, part: str) -> pd.DataFrame:
    """Metrics of every user of the part: USER (number) and a column per metric."""
    return run.metrics(part)


@kept_resource(max_entries=4)
def segments(split_hash: str) -> pd.DataFrame:
    """Which segments each user is in, one row per user number."""
    return user_segments(split(split_hash).train)


def attributes_key(dataset_hash: str) -> str:
    """Changes when attributes of a pair's users are added or taken away."""
    return " ".join(path.name for path in list_attributes(workspace(), dataset_hash))


@kept_resource(max_entries=3)
def candidates(run: Run, part: str) -> Candidates:
    """What can reach a list of the part's users at some weighting."""
    return run.candidates(part)


@kept_data(max_entries=6)
def predictions(run: Run, part: str) -> pd.DataFrame:
    """What a run of ratings predicts for every held-out rating of the part."""
    return run.predictions(part)


@kept_resource(max_entries=2)
def model(run: Run) -> CrossDomainModel:
    """The trained model, its weights memory-mapped."""
    return run.model(split_of(run))


@kept_resource(max_entries=4)
def item_names(of: Split, domain: str) -> np.ndarray:
    """(n_items of the domain,) titles, or ids where there is no title."""
    train = of.train
    if domain == SOURCE:
        items, features = train.source_items, train.source_features
    else:
        items, features = train.target_items, train.target_features
    return items.ids if features is None else features.names(items)


def item_texts(of: Split, settings: TextSettings) -> ItemTexts | None:
    """Vectors of both domains' items as the settings read them; None where texts lack theirs."""
    try:
        return _found_texts(of, settings.encoder, settings.reads, settings.vectors)
    except LookupError:  # what is missing now may be there the next time
        return None


@kept_resource(max_entries=2)
def _found_texts(of: Split, encoder: str, reads: str, vectors: str) -> ItemTexts:
    settings = TextSettings(encoder=encoder, reads=reads, vectors=vectors)
    found = read_texts(of.train, settings)
    if found is None:
        raise LookupError(encoder)
    return found


@kept_resource(show_spinner="Reading what items have in common", max_entries=4)
def knowledge(split_hash: str) -> KnowledgeGraph:
    """What the items of both domains of a split have in common."""
    return knowledge_in(workspace().splits / split_hash)


def _stamps(folder: Path) -> tuple[tuple[str, int], ...]:
    """Changes when an entry of the folder comes, goes or is written in."""
    return tuple((entry.name, entry.stat().st_mtime_ns) for entry in _entries(folder))


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []
