"""Arithmetic that reads the same for NumPy arrays and torch tensors: a network is written once.

While a model trains, its weights are tensors; when it is asked, they are plain arrays and torch is
not loaded.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.types import FloatArray, IntArray

Array = Any  # a NumPy array or a torch tensor
Weights = dict[str, Array]
TINY = 1e-12


def library(array: Array) -> Any:
    """The module an array belongs to: numpy or torch."""
    return np if isinstance(array, np.ndarray) else sys.modules["torch"]


def relu(values: Array) -> Array:
    """The positive part."""
    return np.maximum(values, 0) if isinstance(values, np.ndarray) else values.relu()


def sigmoid(values: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (library(values).tanh(0.5 * values) + 1.0)


def softmax(values: Array) -> Array:
    """Shares along the last axis."""
    xp = library(values)
    top = values.max(-1)[..., None] if xp is np else values.amax(-1, keepdim=True)
    grown = xp.exp(values - top)
    return grown / grown.sum(-1)[..., None]


def unit(vectors: Array) -> Array:
    """Rows at length 1; rows of zeros stay."""
    squares = (vectors * vectors).sum(-1)[..., None]
    return vectors / (squares + TINY**2) ** 0.5  # inside the root: its slope at 0 is no number


def concatenated(*parts: Array) -> Array:
    """Side by side along the last axis."""
    return library(parts[0]).concatenate(parts, -1)


def stacked(*parts: Array) -> Array:
    """One below the other, along the first axis."""
    return library(parts[0]).concatenate(parts, 0)


def dense(weights: Weights, name: str, values: Array) -> Array:
    """One linear layer, (n, width_in) -> (n, width_out)."""
    return values @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def layer_norm(weights: Weights, name: str, values: Array, epsilon: float = 1e-5) -> Array:
    """Each row brought to mean 0 and variance 1, then scaled and shifted; Ba et al. 2016, eq. 4."""
    centred = values - values.mean(-1)[..., None]
    spread = (centred * centred).mean(-1)[..., None] + epsilon
    return centred / spread**0.5 * weights[f"{name}.scale"] + weights[f"{name}.shift"]


def dense_weights(name: str, width_in: int, width_out: int, rng: np.random.Generator) -> Weights:
    """First weights of a linear layer: uniform as in Glorot and Bengio 2010, eq. 16; bias 0."""
    reach = np.sqrt(6.0 / (width_in + width_out))
    table = rng.uniform(-reach, reach, (width_in, width_out)).astype(np.float32)
    return {f"{name}.weight": table, f"{name}.bias": np.zeros(width_out, dtype=np.float32)}


def normal_table(rows: int, columns: int, rng: np.random.Generator, spread: float = 0.1) -> Array:
    """First vectors of `rows` things, (rows, columns) float32, normal with deviation `spread`."""
    return rng.normal(0.0, spread, (rows, columns)).astype(np.float32)


def shifted_back(states: Array, places: int) -> Array:
    """States (n, length, d) moved towards the end by `places`, zeros in front."""
    if not places:
        return states
    places = min(places, states.shape[1])
    front = np.zeros((len(states), places, states.shape[2]), dtype=np.float32)
    kept = states[:, : states.shape[1] - places]
    return library(states).concatenate([as_like(front, states), kept], 1)


def picked(table: Array, numbers: IntArray) -> Array:
    """Rows of a table by number, any shape of numbers; the gradient of a tensor is dense."""
    if isinstance(table, np.ndarray):
        return table[numbers]
    import torch

    chosen = torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.int64)).to(table.device)
    return torch.nn.functional.embedding(chosen, table)


def history_sum(rows: csr_matrix, table: Array) -> Array:
    """rows @ table, (n, n_items) @ (n_items, d): the sum of the vectors of each row's items."""
    if isinstance(table, np.ndarray):
        return np.asarray(rows @ table, dtype=np.float32)
    return _sparse_product().apply(table, rows, None)


def graph_product(graph: csr_matrix, table: Array) -> Array:
    """graph @ table, (n_nodes, n_nodes) @ (n_nodes, d), of a symmetric graph.

    As the graph is its own transpose, its gradient is the same product.
    """
    if isinstance(table, np.ndarray):
        return np.asarray(graph @ table, dtype=np.float32)
    return _sparse_product().apply(table, graph, graph)


def scaled_rows(rows: csr_matrix, power: float) -> csr_matrix:
    """Rows divided by (number of entries)^power: 1 makes sums means, .5 keeps their spread."""
    counts = np.maximum(np.diff(rows.indptr), 1).astype(np.float32)
    return csr_matrix(diags(counts**-power) @ rows, dtype=np.float32)


def as_like(values: FloatArray, like: Array) -> Array:
    """A NumPy array as the kind of array that `like` is."""
    if isinstance(like, np.ndarray):
        return values
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(like.device)


def as_array(values: Array) -> FloatArray:
    """A NumPy array of what may be a tensor; no gradient flows through it."""
    return values if isinstance(values, np.ndarray) else values.detach().cpu().numpy()


@cache
def _sparse_product() -> Any:
    import torch

    class SparseProduct(torch.autograd.Function):
        """A product with a constant sparse matrix; SciPy's is the faster one on a CPU."""

        @staticmethod
        def forward(ctx: Any, table: Array, rows: csr_matrix, back: csr_matrix | None) -> Array:
            ctx.rows, ctx.back = rows, back
            return _times(rows, table)

        @staticmethod
        def backward(ctx: Any, gradient: Array) -> tuple[Array, None, None]:
            back = ctx.rows.T.tocsr() if ctx.back is None else ctx.back
            return _times(back, gradient.contiguous()), None, None

    return SparseProduct


def _times(rows: csr_matrix, table: Array) -> Array:
    import torch

    if table.device.type == "cpu":
        return torch.from_numpy(rows @ table.detach().numpy())
    starts, columns, values = (
        torch.from_numpy(part).to(table.device) for part in (rows.indptr, rows.indices, rows.data)
    )
    return torch.nn.functional.embedding_bag(
        columns,
        table.detach(),
        starts,
        mode="sum",
        per_sample_weights=values,
        include_last_offset=True,
    )
