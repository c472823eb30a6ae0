"""Many small ridge regressions at once: the half step of implicit alternating least squares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IntArray
from core.models.protocol import PairSizes

GROWTH = 1.2  # histories are padded to the next rung of this ladder of lengths
STEPS, NEAR = 50, 1e-4  # of conjugate gradients at most, and the share of the error that ends them
CELLS = 2**22  # numbers in the largest array of one batch


@dataclass(frozen=True)
class Penalty:
    """What keeps vectors small: silence of unobserved cells, and a frequency-scaled ridge.

    Rendle et al. 2021 (Revisiting the performance of iALS), eq. 1-3, with exponent 1. cell_weight
    is what one cell counts beside one with an interaction.
    """

    cell_weight: float
    regularization: float

    @classmethod
    def of(cls, interactions: csr_matrix, unobserved: float, regularization: float) -> Penalty:
        """All cells together count `unobserved` times what all interactions count.

        So one setting serves small and large, dense and sparse domains; the cells are those of the
        users who have any interaction here.
        """
        present = int((np.diff(interactions.indptr) > 0).sum())
        cells = max(1, present * interactions.shape[1])
        return cls(unobserved * float(mass(interactions).sum()) / cells, regularization)

    def gram(self, factors: FloatArray) -> FloatArray:
        """What all unobserved cells say, (d, d)."""
        return self.cell_weight * (factors.T @ factors)

    def ridge(self, history: FloatArray, n_others: int) -> FloatArray:
        """Ridge of each row from what its entries weigh and how many are possible, (n_rows,)."""
        return self.regularization * (history + self.cell_weight * n_others)

    def solve(self, rows: csr_matrix, factors: FloatArray, n_others: int) -> FloatArray:
        """Best vectors of the rows of one domain while the other side stands still, (n, d)."""
        ridge = self.ridge(mass(rows), n_others)
        return solve_rows(rows, factors, self.gram(factors), ridge)[:, 0]


def mass(rows: csr_matrix) -> FloatArray:
    """(n_rows,) float64, what the entries of each row weigh together; of ones, how many."""
    return np.asarray(rows.sum(axis=1, dtype=np.float64)).ravel()


def random_factors(n_items: int, factors: int, rng: np.random.Generator) -> FloatArray:
    """First guess, (n_items, factors) float32, normal with deviation .1 / sqrt(factors)."""
    return rng.normal(0.0, 0.1 / np.sqrt(factors), (n_items, factors)).astype(np.float32)


def solve_rows(
    rows: csr_matrix,
    factors: FloatArray,
    gram: FloatArray,
    ridge: FloatArray,
    part_starts: tuple[int, ...] = (0,),
    wanted: FloatArray | None = None,
) -> FloatArray:
    """Least-squares vectors of all rows, one per part of the right-hand side.

    Row u solves (gram + ridge_u I + sum_i c_i v_i v_i') x = sum_i c_i y_i v_i over its entries i,
    where c_i is the value stored in rows (Rendle et al. 2021, sec. 2: iALS) and y_i is 1, or the
    entry of wanted, which stands in the order of rows.data. rows: (n, m); factors: (m, d); gram:
    (d, d), what unobserved cells say; ridge: (n,). part_starts: first column of each part; the
    left side is that of the whole row, so parts sum to the solution.
    Returns (n, n_parts, d) float32, zeros for empty rows.

    In the eigenvectors of gram its left side is diagonal plus the row's own outer products, so a
    row with fewer than d entries needs only a system of that size (Woodbury).
    """
    spectrum, axes = np.linalg.eigh(gram.astype(np.float64))
    base, axes = np.maximum(spectrum, 0).astype(np.float32), axes.astype(np.float32)
    turned = np.vstack([factors @ axes, np.zeros_like(axes[:1])])  # last row: padding
    solved = np.zeros((rows.shape[0], len(part_starts), len(axes)), dtype=np.float32)
    for chosen, columns, values, places in _batches(rows, len(axes)):
        diagonal = base + ridge[chosen, None].astype(np.float32)  # (batch, d)
        strengths = np.sqrt(values)  # (batch, length)
        entries = turned[columns] * strengths[:, :, None]  # (batch, length, d)
        part = np.searchsorted(part_starts, columns, side="right") - 1
        right = strengths if wanted is None else strengths * wanted[places]
        parts = right[:, :, None] * (part[:, :, None] == np.arange(len(part_starts)))
        solved[chosen] = _solve_batch(entries, diagonal, parts.astype(np.float32)) @ axes.T
    return solved


def _solve_batch(entries: FloatArray, diagonal: FloatArray, wanted: FloatArray) -> FloatArray:
    """(D + E'E)^-1 E'Y of every row; E (batch, length, d), Y (batch, length, parts)."""
    length, d = entries.shape[1:]
    if length >= d:
        left = entries.transpose(0, 2, 1) @ entries  # (batch, d, d)
        left[:, np.arange(d), np.arange(d)] += diagonal
        solved = np.linalg.solve(left, entries.transpose(0, 2, 1) @ wanted)
        return solved.transpose(0, 2, 1)
    scaled = entries / diagonal[:, None, :]  # (batch, length, d)
    left = scaled @ entries.transpose(0, 2, 1)  # (batch, length, length)
    left[:, np.arange(length), np.arange(length)] += 1.0
    return np.linalg.solve(left, wanted).transpose(0, 2, 1) @ scaled


def _batches(rows: csr_matrix, d: int) -> Iterator[tuple[IntArray, IntArray, FloatArray, IntArray]]:
    """Rows of like length together: their numbers, and columns, values and places in rows.data,
    (batch, length) each.

    Padding has value 0 and column -1, the row of zeros at the end of the factors.
    """
    lengths = np.diff(rows.indptr)
    by_length = np.argsort(lengths, kind="stable")
    by_length = by_length[lengths[by_length] > 0]
    ordered = lengths[by_length]
    start = 0
    while start < len(by_length):
        rung = int(np.ceil(ordered[start] * GROWTH))
        fitting = int(np.searchsorted(ordered, rung, side="right"))
        end = min(fitting, start + max(1, CELLS // (rung * d)))
        chosen, longest = by_length[start:end], int(ordered[end - 1])
        real = np.arange(longest) < lengths[chosen][:, None]  # (batch, longest)
        places = np.where(real, rows.indptr[chosen][:, None] + np.arange(longest), 0)
        columns = np.where(real, rows.indices[places], -1)
        yield chosen, columns, np.where(real, rows.data[places], 0.0).astype(np.float32), places
        start = end


def ridge_over_rows(rows: csr_matrix, wanted: FloatArray, ridge: float) -> FloatArray:
    """The Y, (m, d) float32, of least |wanted - rows Y|^2 + ridge |Y|^2; ridge above 0.

    rows: (n, m); wanted: (n, d). By conjugate gradients, each column by itself, so that no (m, m)
    array is needed.
    """
    found = np.zeros((rows.shape[1], wanted.shape[1]))
    left = np.asarray(rows.T @ wanted, dtype=np.float64)  # what the gradient leaves to do
    step, size = left.copy(), (left**2).sum(axis=0)
    close = NEAR**2 * size
    for _ in range(STEPS):
        if (size <= close).all():
            break
        moved = rows.T @ (rows @ step) + ridge * step
        length = size / np.maximum((step * moved).sum(axis=0), np.finfo(float).tiny)
        found, left = found + length * step, left - length * moved
        before, size = size, (left**2).sum(axis=0)
        step = left + size / np.maximum(before, np.finfo(float).tiny) * step
    return found.astype(np.float32)


def als_memory(sizes: PairSizes, factors: int) -> int:
    """Bytes at the peak of a fit: vectors in a few copies, rows both ways, one batch's arrays."""
    vectors = 4 * factors * (2 * sizes.users + sizes.source_items + sizes.target_items)
    rows = 8 * 4 * (sizes.source_rows + sizes.target_rows)
    return 4 * vectors + rows + 6 * 4 * CELLS


# Many small least-squares problems whose solutions may not be below zero.

SWEEPS = 500  # of coordinate descent at most
CLOSE = 1e-7  # largest change of a sweep that ends it


def nonnegative_rows(
    rows: csr_matrix, wanted: FloatArray, factors: FloatArray, ridge: float
) -> FloatArray:
    """x >= 0 of least sum_i (y_i - f_i x)^2 + ridge |x|^2 for each row, over its entries i.

    rows: (n, m), of which only the places count; wanted: y in the order of rows.data; factors:
    (m, d). Returns (n, d) float64, zeros for empty rows. Coordinate descent over all rows at once
    (Franc, Hlavac, Navara 2005), the problems being strictly convex.
    """
    count, d = rows.shape[0], factors.shape[1]
    wide = factors.astype(np.float64)
    pairs = np.einsum("mk,ml->mkl", wide, wide).reshape(len(wide), d * d)
    shape = rows.shape
    ones = csr_matrix((np.ones(rows.nnz), rows.indices, rows.indptr), shape=shape)
    ratings = csr_matrix((wanted.astype(np.float64), rows.indices, rows.indptr), shape=shape)
    left = (ones @ pairs).reshape(count, d, d)
    left[:, np.arange(d), np.arange(d)] += ridge
    right, solved = ratings @ wide, np.zeros((count, d))
    for _ in range(SWEEPS):
        change = 0.0
        for k in range(d):
            gap = right[:, k] - np.einsum("nl,nl->n", left[:, k], solved)
            better = np.maximum(0.0, solved[:, k] + gap / left[:, k, k])
            change = max(change, float(np.abs(better - solved[:, k]).max(initial=0.0)))
            solved[:, k] = better
        if change < CLOSE:
            break
    return solved
