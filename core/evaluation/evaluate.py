"""Full ranking of the whole catalogue for every user with something to find, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import USER
from core.basics.errors import RunError
from core.basics.types import Candidates, DomainScores, FloatArray, IntArray, Masked
from core.data.snapshot import Split
from core.fusion.candidates import find_candidates, join_candidates
from core.fusion.combine import mask, top_k
from core.metrics.catalogue import coverage, novelty
from core.metrics.ranking import KS, per_user_auc, per_user_metrics

CELLS = 4_000_000  # users times items ranked at once
MOST_FUSED = 5_000  # users whose fusion candidates are found, drawn once for every run of a split

Score = Callable[[IntArray], DomainScores]


@dataclass(frozen=True)
class Evaluation:
    """Lists and metrics of the users with something to find."""

    users: IntArray  # (n,) user numbers
    per_user: pd.DataFrame  # USER and one column per metric, a row per user
    lists: IntArray  # (n, largest k) int32 item numbers, -1 padded
    coverage: dict[str, float]  # "coverage@10": share of rankable items in some list
    counts: dict[str, int]  # users, skipped (nothing to find), by_popularity (no evidence)
    candidates: Candidates | None = None
    predictions: pd.DataFrame | None = None  # of a model of ratings: see rating_error


def evaluate(
    score: Score, split: Split, part: str, ks: Sequence[int] = KS, depth: int = 0
) -> Evaluation:
    """Rank every target item by the model's own score and measure what is held out in the part.

    Training items, and validation items at test time, are masked; held-out items among them count
    as nothing to find. On a split of new items those of the part alone are ranked. A user without
    evidence in either domain is ranked by popularity in the target's training data, and counted.
    With a depth, the fusion candidates for lists of that length are found on the way, for at most
    MOST_FUSED users.
    """
    return evaluate_parts(score, split, [part], ks, depth)[part]


def evaluate_parts(
    score: Score, split: Split, parts: Sequence[str], ks: Sequence[int] = KS, depth: int = 0
) -> dict[str, Evaluation]:
    """Each part as `evaluate` does, side by side: users that stand in all parts are scored once.

    A score is of the training histories alone, so the parts differ in masks and held-out items.
    """
    measuring = {part: _Measuring(split, part, ks, depth) for part in parts}
    scored, popularity = np.zeros(0, dtype=int), split.train.popularity
    for chunks in zip_longest(*(one.chunks() for one in measuring.values())):
        for one, chunk in zip(measuring.values(), chunks, strict=True):
            if chunk is None:
                continue
            if not np.array_equal(chunk, scored):
                scores, scored = score(chunk).filled(popularity), chunk
            one.add(chunk, scores)
    return {part: one.evaluation() for part, one in measuring.items()}


class _Measuring:
    """What is known of one part so far, as its users are ranked chunk by chunk."""

    def __init__(self, split: Split, part: str, ks: Sequence[int], depth: int) -> None:
        self.split, self.ks, self.depth = split, ks, depth
        self.masked = split.masked(part)
        self.relevant = findable(split.held_out(part), self.masked)
        self.users = np.flatnonzero(np.diff(self.relevant.indptr))
        self.fused = _drawn(self.users)
        self.ranked: list[tuple[IntArray, dict[str, FloatArray]]] = []
        self.candidates: list[Candidates] = []
        self.by_popularity = 0

    def chunks(self) -> Iterator[IntArray]:
        return user_chunks(self.users, self.relevant.shape[1])

    def add(self, chunk: IntArray, scores: DomainScores) -> None:
        self.by_popularity += int((~scores.has_evidence).sum())
        self.ranked.append(_ranked(scores, self.masked[chunk], self.relevant[chunk], self.ks))
        if self.depth:
            rows = np.flatnonzero(np.isin(chunk, self.fused))
            some, of_them = chunk[rows], scores if len(rows) == len(chunk) else scores.of(rows)
            self.candidates.append(find_candidates(of_them, some, self.masked[some], self.depth))

    def evaluation(self) -> Evaluation:
        ks, (n_users, n_items) = self.ks, self.relevant.shape
        found = [lists for lists, _ in self.ranked]
        lists = np.concatenate(found) if found else np.empty((0, max(ks)), int)
        popularity, n_known = self.split.train.popularity, self.split.train.target_history > 0
        columns = _columns(self.ranked, ks) | _novelties(lists, popularity, int(n_known.sum()), ks)
        return Evaluation(
            users=self.users,
            per_user=pd.DataFrame({USER: self.users.astype(np.int32)} | columns),
            lists=lists,
            coverage={f"coverage@{k}": coverage(lists[:, :k], self.masked.n_rankable) for k in ks},
            counts={
                "users": len(self.users),
                "skipped": n_users - len(self.users),
                "by_popularity": self.by_popularity,
            },
            candidates=_joined(self.candidates, n_items, self.depth) if self.depth else None,
        )


def _drawn(users: IntArray) -> IntArray:
    """At most MOST_FUSED of the users, the same ones whenever the users are the same."""
    if len(users) <= MOST_FUSED:
        return users
    return np.random.default_rng(0).choice(users, MOST_FUSED, replace=False)


def user_chunks(users: IntArray, n_items: int) -> Iterator[IntArray]:
    """The users in pieces that keep a score matrix within CELLS."""
    step = max(1, CELLS // max(1, n_items))
    for start in range(0, len(users), step):
        yield users[start : start + step]


def findable(held_out: csr_matrix, masked: Masked) -> csr_matrix:
    """What is held out and may be recommended, (n_users, n_target_items) ones."""
    left = held_out
    if held_out.multiply(masked.rows).nnz:
        left = (held_out - held_out.multiply(masked.rows > 0)).tocsr()
    if masked.columns is not None:
        left = csr_matrix(left.multiply(masked.rankable.astype(np.float32)))
    if left is not held_out:  # the split's own matrix stays as it is
        left.eliminate_zeros()
    return left


def _ranked(
    scores: DomainScores, masked: Masked, relevant: csr_matrix, ks: Sequence[int]
) -> tuple[IntArray, dict[str, FloatArray]]:
    """Lists (users, largest k) and metrics of some users."""
    own = np.array(np.broadcast_to(scores.own_scores(), scores.source.shape), dtype=np.float32)
    if not np.isfinite(own).all():
        raise RunError(
            what="The model gave scores that are not finite numbers.",
            hint="Train it again with a smaller learning rate or more regularization.",
        )
    mask(own, masked)
    lists = top_k(own, scores.source, scores.target, max(ks))
    n_relevant = np.diff(relevant.indptr)
    rows = np.repeat(np.arange(len(own)), n_relevant)
    wanted = np.zeros((len(own), own.shape[1] + 1), dtype=bool)  # column -1 is the padding
    wanted[rows, relevant.indices] = True
    hits = np.take_along_axis(wanted, lists.astype(np.int64) % wanted.shape[1], axis=1)
    metrics = per_user_metrics(hits, n_relevant, ks)
    metrics["auc"] = per_user_auc(own, rows, relevant.indices)
    return lists, metrics


def _joined(parts: list[Candidates], n_items: int, depth: int) -> Candidates:
    """Candidates of every chunk as one; of nobody where there are no users."""
    if parts:
        return join_candidates(parts)
    empty, nobody = np.zeros((0, n_items), dtype=np.float32), np.zeros(0, dtype=bool)
    scores = DomainScores.ranking(empty, empty, nobody, nobody)
    return find_candidates(scores, np.zeros(0, dtype=int), Masked(csr_matrix(empty)), depth)


def _columns(
    parts: list[tuple[IntArray, dict[str, FloatArray]]], ks: Sequence[int]
) -> dict[str, FloatArray]:
    if not parts:
        nobody = per_user_metrics(np.zeros((0, max(ks)), dtype=bool), np.zeros(0, dtype=int), ks)
        return nobody | {"auc": np.zeros(0)}
    return {name: np.concatenate([metrics[name] for _, metrics in parts]) for name in parts[0][1]}


def _novelties(
    lists: IntArray, popularity: FloatArray, n_users: int, ks: Sequence[int]
) -> dict[str, FloatArray]:
    return {f"novelty@{k}": novelty(lists[:, :k], popularity, n_users) for k in ks}
