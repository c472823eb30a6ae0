"""The same users as either domain draws them, and how far apart the two drawings are.

Figures are taken over shared users that no alignment and no rotation has learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import DataError
from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.coordinates import FACTORS, interaction_vectors, normalised

HELD_OUT = 0.2  # of the shared users: the gap is measured on them, the alignment never sees them
FEWEST = 10  # held-out shared users below which a gap would be chance
RIDGE = 1e-3  # of the linear classifier that tells two samples apart, per sample
Drawn = tuple[FloatArray, FloatArray]  # unit vectors of the same users by source and by target


@dataclass(frozen=True)
class UserVectors:
    """The same users as either domain draws them, at length 1."""

    users: IntArray  # (n,) user numbers with history in both domains
    source: FloatArray  # (n, d)
    target: FloatArray  # (n, d)

    def of(self, users: IntArray) -> UserVectors:
        """Those of some of the users."""
        return self.rows(np.flatnonzero(np.isin(self.users, users)))

    def rows(self, rows: IntArray) -> UserVectors:
        """Those in some of the rows."""
        return UserVectors(self.users[rows], self.source[rows], self.target[rows])

    @property
    def drawn(self) -> Drawn:
        """Both sides."""
        return self.source, self.target


def user_vectors(vectors: Vectors) -> UserVectors:
    """Users that both domains draw; raises DataError where the model draws none or too few."""
    source, target = vectors.source_users, vectors.target_users
    if source is None or target is None:
        raise DataError(
            what="This model draws no user from either history alone.",
            hint="Choose another run to compare the two domains.",
        )
    there = [np.isfinite(part).all(axis=1) & (part != 0).any(axis=1) for part in (source, target)]
    users = np.flatnonzero(there[0] & there[1])
    if len(users) < 5 * FEWEST:
        raise DataError(
            what=f"Only {len(users)} users have a vector in both domains, too few for a gap.",
            hint=f"Choose a pair with at least {5 * FEWEST} shared users.",
        )
    return UserVectors(users, normalised(source[users]), normalised(target[users]))


def held_out_users(shared: IntArray, share: float = HELD_OUT) -> tuple[IntArray, IntArray]:
    """Shared users to learn from and, apart from them, to measure on; the same every time."""
    order = np.random.default_rng(0).permutation(shared)
    cut = round(share * len(order))
    return np.sort(order[cut:]), np.sort(order[:cut])


# Figures. Samples are paired: a user's two vectors are not independent of each other.


def discrepancies(drawn: Drawn) -> FloatArray:
    """What each two users add to MMD², (n, n), a user with themself nothing.

    Cells k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i) of Gretton et al. 2012, lemma 6,
    kernel exp(-|x - y|² / median). No user's own pair is among them, so that their mean is unbiased
    for paired samples too: with the pairs in it, two drawings of one law read below 0.
    """
    n = len(drawn[0])
    both = np.concatenate(drawn).astype(np.float64)
    lengths = (both * both).sum(axis=1)
    squares = np.maximum(lengths[:, None] + lengths[None, :] - 2.0 * both @ both.T, 0.0)
    median = max(float(np.median(squares[~np.eye(2 * n, dtype=bool)])), 1e-12)
    kernel = np.exp(-squares / median)
    across = kernel[:n, n:]
    cells = kernel[:n, :n] + kernel[n:, n:] - across - across.T
    np.fill_diagonal(cells, 0.0)
    return np.asarray(cells)


def paired_mmd(drawn: Drawn) -> float:
    """Squared maximum mean discrepancy of the same users' vectors, unbiased: around 0 if alike."""
    n = len(drawn[0])
    return float(discrepancies(drawn).sum() / (n * (n - 1)))


def told_apart(learned: Drawn, held_out: Drawn) -> FloatArray:
    """How surely a linear classifier takes either vector of a user for the source's, (n, 2).

    Ridge regression on the labels +1 and -1, learned on one sample and asked on the other.
    """
    slope, centre = _classifier(learned)
    return np.column_stack([(part - centre) @ slope for part in held_out])


def classifier_of_swaps(learned: Drawn, signs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slopes, (d, n_swaps), and centre, (d,), where users' vectors are exchanged by signs ±1.

    signs: (n, n_swaps). An exchange moves no vector, so that all share one covariance.
    """
    both = np.concatenate(learned).astype(np.float64)
    centre = both.mean(axis=0)
    inner = (both - centre).T @ (both - centre)
    ridge = RIDGE * max(float(np.trace(inner)) / len(inner), 1e-12)
    apart = (learned[0] - learned[1]).astype(np.float64)
    return np.linalg.solve(inner + ridge * np.eye(len(inner)), apart.T @ signs), centre


def proxy_a_distance(learned: Drawn, held_out: Drawn) -> float:
    """2 (1 - 2 error) of a linear classifier told to part two samples: 0 alike, 2 apart.

    Ben-David et al. 2007, sec. 4. Below 0 where it is wrong more often than a coin, as chance has
    it half of the time where there is nothing to tell.
    """
    said = told_apart(learned, held_out)
    return float((np.sign(said[:, 0]) - np.sign(said[:, 1])).mean())


def _classifier(learned: Drawn) -> tuple[FloatArray, FloatArray]:
    slopes, centre = classifier_of_swaps(learned, np.ones((len(learned[0]), 1)))
    return slopes[:, 0], centre


def retrieval_mrr(asked: FloatArray, found: FloatArray) -> float:
    """Mean of 1 / rank at which a row of `asked`, (n, d), finds its own row of `found` by cosine.

    1 is always first; `mrr_by_chance` is what strangers get. Ties count half.
    """
    return float(np.diagonal(reciprocal_ranks(asked, found)).mean())


def reciprocal_ranks(asked: FloatArray, found: FloatArray) -> FloatArray:
    """1 / rank of every row of `found` among all of them for every row of `asked`, (n, n)."""
    from scipy.stats import rankdata

    return 1.0 / rankdata(-np.asarray(asked @ found.T, dtype=np.float64), axis=1)


def mrr_by_chance(users: int) -> float:
    """What `retrieval_mrr` is where nobody can be told from anybody: the mean of 1 / rank."""
    return float((1.0 / np.arange(1, users + 1)).mean())


# Each domain's users drawn from that domain alone: the honest "before" of an alignment.
# Two spaces made apart differ by an arbitrary rotation, so their gap would be large for nothing:
# one is turned onto the other first, learned from users the gap is not measured on.


def separate_vectors(train: DomainPair, factors: int = FACTORS, seed: int = 0) -> UserVectors:
    """Users by either domain's interactions alone, the source turned onto the target.

    The rotation is the orthogonal Procrustes solution (Schönemann 1966) over the shared users whom
    no gap is measured on. Raises DataError for too few shared users.
    """
    nothing = [csr_matrix(part.shape, dtype=np.float32) for part in (train.source, train.target)]
    alone = replace(train, target=nothing[1]), replace(train, source=nothing[0])
    source = interaction_vectors(alone[0], factors, seed).source_users
    target = interaction_vectors(alone[1], factors, seed).target_users
    assert source is not None
    assert target is not None
    width = max(source.shape[1], target.shape[1])
    drawn = user_vectors(Vectors(None, None, wide(source, width), wide(target, width)))
    learned, _ = held_out_users(drawn.users)
    some = drawn.of(learned)
    return replace(drawn, source=drawn.source @ rotation(some.source, some.target))


def joined_vectors(train: DomainPair, learned: IntArray) -> Vectors:
    """Users by both domains' interactions joined, each domain about its own mean.

    learned: users who say where items lie and where the means are. Counts balance over both domains
    together, so that without a mean of its own each is drawn aside, the other way than the other,
    although nothing but the two sizes tells them apart. First a history counts by its own length:
    both domains' together would tie a person's two vectors.
    """
    vectors = interaction_vectors(train, learned=learned)
    lengths = train.source_history, train.target_history
    both = np.sqrt(lengths[0] + lengths[1])
    own = [both / np.maximum(length, 1) for length in lengths]
    return replace(
        vectors,
        source_users=_about_mean(vectors.source_users, own[0], learned),
        target_users=_about_mean(vectors.target_users, own[1], learned),
    )


def _about_mean(table: FloatArray | None, scale: FloatArray, learned: IntArray) -> FloatArray:
    assert table is not None
    table = table * scale[:, None]
    there = (table != 0).any(axis=1)
    mean = table[learned][there[learned]].mean(axis=0)
    return np.where(there[:, None], table - mean, 0.0).astype(np.float32)


def rotation(moved: FloatArray, onto: FloatArray) -> FloatArray:
    """Orthogonal matrix, (d, d), that brings rows of `moved` nearest to those of `onto`."""
    left, _, right = np.linalg.svd(moved.T.astype(np.float64) @ onto)
    return np.asarray(left @ right, dtype=np.float32)


def wide(vectors: FloatArray, width: int) -> FloatArray:
    """The vectors with zeros behind them; no distance changes."""
    return np.pad(vectors, ((0, 0), (0, max(0, width - vectors.shape[1]))))
