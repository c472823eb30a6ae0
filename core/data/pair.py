"""A pair of domains: two user-item matrices over one user list, with ids and item texts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import (
    ATTRIBUTE,
    CATEGORIES,
    DESCRIPTION,
    ITEM,
    TITLE,
    VECTOR,
    attribute_columns,
)
from core.basics.errors import DataError
from core.basics.sorted_sets import among
from core.basics.types import BoolArray, FloatArray, IdMap, IntArray


@dataclass(frozen=True)
class ItemFeatures:
    """What is known about the items of one domain, in the order of their numbers; "" if unknown.

    titles, categories, descriptions: (n_items,) object arrays of str; an item's categories are
    joined by "|". attributes: by name, such as "brand", the same kind of array, joined alike.
    vectors_folder: where vectors of texts are kept once they are worked out. vectors: uploaded ones
    of images, sounds or anything, (n_items, width) float32, zeros for an item without; or None.
    entity_links: HEAD, RELATION, TAIL between entities that items of either domain hold, or None.
    """

    titles: np.ndarray
    categories: np.ndarray
    descriptions: np.ndarray
    attributes: dict[str, np.ndarray] = field(default_factory=dict)
    vectors_folder: Path | None = None
    vectors: FloatArray | None = None
    entity_links: pd.DataFrame | None = None

    def every(self, step: int) -> ItemFeatures:
        """What is known about every so-manieth item."""
        return replace(
            self,
            titles=self.titles[::step],
            categories=self.categories[::step],
            descriptions=self.descriptions[::step],
            attributes={name: column[::step] for name, column in self.attributes.items()},
            vectors=None if self.vectors is None else self.vectors[::step],
        )

    def and_then(self, others: ItemFeatures) -> ItemFeatures:
        """What is known about these items and then about others; attributes are those of these."""
        n_own, n_others = len(self.titles), len(others.titles)
        nothing = np.full(n_others, "", dtype=object)
        vectors = self.vectors
        if vectors is not None:
            there = others.vectors
            fits = there is not None and there.shape[1] == vectors.shape[1]
            added = there if there is not None and fits else np.zeros((n_others, vectors.shape[1]))
            vectors = np.concatenate([vectors, added], dtype=np.float32)
        return ItemFeatures(
            np.concatenate([self.titles, others.titles]),
            np.concatenate([self.categories, others.categories]),
            np.concatenate([self.descriptions, others.descriptions]),
            {
                name: np.concatenate([column[:n_own], others.attributes.get(name, nothing)])
                for name, column in self.attributes.items()
            },
            self.vectors_folder,
            vectors,
            self.entity_links,
        )

    def names(self, items: IdMap) -> np.ndarray:
        """What to call each item: its title, or its id where it has none."""
        return np.where(self.titles == "", items.ids, self.titles)


@dataclass(frozen=True)
class DomainPair:
    """source, target: (n_users, n_items of the domain) float32; ones for ranking models.

    source_counts, target_counts: how often, with the same stored entries; None where the file does
    not say.
    """

    users: IdMap
    source_items: IdMap
    target_items: IdMap
    source: csr_matrix
    target: csr_matrix
    source_features: ItemFeatures | None = None
    target_features: ItemFeatures | None = None
    source_counts: csr_matrix | None = None
    target_counts: csr_matrix | None = None

    def target_only(self) -> DomainPair:
        """The pair a twin trains on: the same users and target, and a source with no items."""
        return replace(
            self,
            source_items=IdMap(np.array([], dtype=object)),
            source=csr_matrix((len(self.users), 0), dtype=np.float32),
            source_features=None,
            source_counts=None,
        )

    def dealt(self, seed: int) -> DomainPair:
        """The pair a placebo trains on: the same rows, the source's dealt to other people.

        Raises DataError where there are no two people to deal among.
        """
        return self.with_source_of(deal(self, seed))

    def with_source_of(self, givers: IntArray) -> DomainPair:
        """The pair in which each user has the source row of another; givers: (n_users,)."""
        counts = self.source_counts
        return replace(
            self,
            source=self.source[givers],
            source_counts=None if counts is None else counts[givers],
        )

    def with_untaken(self, items: IdMap, features: ItemFeatures) -> DomainPair:
        """The pair with target items nobody took, numbered behind the known ones."""
        n_users, n_items = len(self.users), len(self.target_items) + len(items)
        wider = [
            None
            if rows is None
            else csr_matrix((rows.data, rows.indices, rows.indptr), shape=(n_users, n_items))
            for rows in (self.target, self.target_counts)
        ]
        known = self.target_features
        return replace(
            self,
            target_items=IdMap(np.concatenate([self.target_items.ids, items.ids])),
            target=wider[0],
            target_counts=wider[1],
            target_features=None if known is None else known.and_then(features),
        )

    @property
    def vector_widths(self) -> tuple[int, int]:
        """Numbers of the uploaded vectors of source and target items, 0 where there are none."""
        source, target = (
            0 if features is None or features.vectors is None else features.vectors.shape[1]
            for features in (self.source_features, self.target_features)
        )
        return source, target

    @property
    def source_history(self) -> IntArray:
        """(n_users,) number of source interactions of each user."""
        return np.diff(self.source.indptr)

    @property
    def target_history(self) -> IntArray:
        """(n_users,) number of target interactions of each user."""
        return np.diff(self.target.indptr)

    @property
    def shared(self) -> BoolArray:
        """(n_users,) whether the user has interactions in both domains."""
        return (self.source_history > 0) & (self.target_history > 0)

    @property
    def cold_users(self) -> IntArray:
        """Numbers of users with source history and no target history."""
        return np.flatnonzero((self.source_history > 0) & (self.target_history == 0))

    @property
    def popularity(self) -> np.ndarray:
        """(n_target_items,) float32 interactions of each target item."""
        return np.bincount(self.target.indices, minlength=self.target.shape[1]).astype(np.float32)


# How much of a history is known, in bins: what people are grouped by, and asked by.

BOUNDS = (0, 1, 5, 10, 20)  # a bin starts at each
BINS = ("0", "1–4", "5–9", "10–19", "20+")


def bin_places(history: IntArray) -> IntArray:
    """Place in BINS of each number of interactions."""
    return np.searchsorted(BOUNDS, history, side="right") - 1


# Who gets whose source row in a placebo.

FEWEST_DEALT = 10  # people of like histories that rows are dealt among
LENGTHS = 5  # groups of source length within a bin of target history, at most


def deal(pair: DomainPair, seed: int) -> IntArray:
    """(n_users,) whose source row each user gets: their own without one, else never their own.

    Rows are dealt among people of like history in both domains, so that who is wrong and nothing
    else is. Raises DataError where fewer than two people have source rows.
    """
    strata = _alike(pair)
    if not strata:
        raise DataError(
            what="Fewer than two people have source rows, so none can be dealt to somebody else.",
            hint="Choose a pair with more people in the source.",
        )
    givers, rng = np.arange(len(pair.users)), np.random.default_rng(seed)
    for people in strata:
        drawn = rng.permutation(people)
        givers[drawn] = np.roll(drawn, 1)  # one round: the shortest way to nobody's own row
    return givers


def _alike(pair: DomainPair) -> list[IntArray]:
    """People with source rows by bin of target history, then by source length: FEWEST_DEALT each.

    Bins of too few people are joined with the next longer one, the last with the one before; all
    are one group where there are fewer people than that, and none where there is but one.
    """
    bins = bin_places(pair.target_history)
    known = pair.source_history > 0
    groups: list[IntArray] = []
    waiting = np.zeros(0, dtype=np.int64)
    for place in range(len(BINS)):
        waiting = np.concatenate([waiting, np.flatnonzero(known & (bins == place))])
        if len(waiting) >= FEWEST_DEALT:
            groups.append(waiting)
            waiting = waiting[:0]
    if len(waiting) and groups:
        groups[-1] = np.concatenate([groups[-1], waiting])
    elif len(waiting) > 1:
        groups = [waiting]
    strata = []
    for people in groups:
        by_length = people[np.argsort(pair.source_history[people], kind="stable")]
        pieces = min(LENGTHS, max(1, len(people) // FEWEST_DEALT))
        strata += np.array_split(by_length, pieces)
    return strata


# Stored entries of sparse matrices, whatever their values: a rating of 0 is an entry too.


def apart(held_out: csr_matrix, *known: csr_matrix) -> csr_matrix:
    """Held-out entries that are not known already: a given split may have rows in two parts."""
    places = held_out.tocoo()
    new = ~among(cells(held_out), np.concatenate([cells(matrix) for matrix in known]))
    kept = places.data[new], (places.row[new], places.col[new])
    return csr_matrix(kept, shape=held_out.shape)


def cells(matrix: csr_matrix) -> IntArray:
    """One number per stored entry, the same for the same user and item; zeros are entries too."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return rows * max(1, matrix.shape[1]) + matrix.indices


def ones_of(matrix: csr_matrix) -> csr_matrix:
    """A one for every stored entry: SciPy's sums and products drop entries that are 0."""
    ones = np.ones(matrix.nnz, dtype=np.float32)
    return csr_matrix((ones, matrix.indices, matrix.indptr), shape=matrix.shape)


# What a snapshot knows of the items of a domain: what is written about them, and vectors.


def described(items: IdMap, table: pd.DataFrame | None) -> pd.DataFrame:
    """ITEM, TITLE, CATEGORIES, DESCRIPTION and attributes of the items, in order; "" if none."""
    attributes = [] if table is None else attribute_columns(table)
    columns = [TITLE, CATEGORIES, DESCRIPTION, *attributes]
    frame = pd.DataFrame({ITEM: items.ids})
    if table is not None:
        known = table.astype({ITEM: "str"}).drop_duplicates(ITEM).set_index(ITEM)
        frame = frame.join(known[[c for c in columns if c in known]], on=ITEM)
    for column in columns:
        frame[column] = frame[column].fillna("").astype("str") if column in frame else ""
    return frame[[ITEM, *columns]]


def uploaded_vectors(items: IdMap, table: pd.DataFrame | None) -> FloatArray | None:
    """(n_items, width) float32 in the order of the items, zeros for those without; None if none."""
    if table is None or VECTOR not in table:
        return None
    known = table[table[VECTOR].notna()].astype({ITEM: "str"}).drop_duplicates(ITEM)
    known = known[known[ITEM].isin(items.ids)]
    if known.empty:
        return None
    rows = [np.asarray(row, dtype=np.float32) for row in known[VECTOR]]
    vectors = np.zeros((len(items), len(rows[0])), dtype=np.float32)
    vectors[items.numbers(known[ITEM])] = rows
    return vectors


def vectors_file(folder: Path, domain: str) -> Path:
    """The uploaded vectors of a snapshot's domain, beside its texts; absent where there are none.

    An array of its own is mapped and not read: pages open snapshots all the time and need none.
    """
    return folder / f"vectors_{domain}.npy"


def read_described(folder: Path, domain: str) -> tuple[IdMap, ItemFeatures]:
    """The items of one domain of a snapshot, and what is known about them."""
    frame = pd.read_parquet(folder / f"items_{domain}.parquet")
    vectors_folder = folder.parent.with_name("texts")  # beside the splits, which share it
    file = vectors_file(folder, domain)
    vectors = np.load(file, mmap_mode="r") if file.exists() else None
    links = read_entity_links(folder)
    features = replace(features_of(frame, vectors_folder), vectors=vectors, entity_links=links)
    return IdMap(frame[ITEM].to_numpy(dtype=object)), features


ENTITY_LINKS = "entities"  # what entities of items have to do with each other


def read_entity_links(folder: Path) -> pd.DataFrame | None:
    """HEAD, RELATION, TAIL of the triples between entities of a pair or snapshot; None without."""
    file = folder / f"{ENTITY_LINKS}.parquet"
    return pd.read_parquet(file) if file.exists() else None


# Items of the item table that nobody took: candidates only where a list asks for them.

UNTAKEN = "items_untaken"
MOST_UNTAKEN = 20_000  # kept of them; each is a text to encode and a column of every list


def write_untaken(folder: Path, table: pd.DataFrame) -> None:
    """Keep what is known of items nobody took beside a snapshot, by id; at most MOST_UNTAKEN."""
    items = IdMap.of(table[ITEM])
    items = IdMap(items.ids[:MOST_UNTAKEN])
    if (vectors := uploaded_vectors(items, table)) is not None:
        np.save(folder / f"{UNTAKEN}.npy", vectors)
    described(items, table).to_parquet(folder / f"{UNTAKEN}.parquet", index=False)


def has_untaken(folder: Path) -> bool:
    """Whether items nobody took are kept beside a snapshot; nothing is read."""
    return (folder / f"{UNTAKEN}.parquet").exists()


def read_untaken(folder: Path) -> tuple[IdMap, ItemFeatures] | None:
    """Ids and features of items nobody took; None where a snapshot has none."""
    if not has_untaken(folder):
        return None
    vectors = folder / f"{UNTAKEN}.npy"
    frame = pd.read_parquet(folder / f"{UNTAKEN}.parquet")
    features = features_of(frame, folder.parent.with_name("texts"))
    mapped = np.load(vectors, mmap_mode="r") if vectors.exists() else None
    return IdMap(frame[ITEM].to_numpy(dtype=object)), replace(features, vectors=mapped)


def features_of(frame: pd.DataFrame, vectors_folder: Path | None = None) -> ItemFeatures:
    """The columns of `described` as arrays; vectors are kept apart."""
    titles, categories, descriptions, *others = (
        frame[column].to_numpy(dtype=object)
        for column in (TITLE, CATEGORIES, DESCRIPTION, *attribute_columns(frame))
    )
    names = [column.removeprefix(ATTRIBUTE) for column in attribute_columns(frame)]
    attributes = dict(zip(names, others, strict=True))
    return ItemFeatures(titles, categories, descriptions, attributes, vectors_folder)
