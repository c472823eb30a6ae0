"""The joint graph of users and items, and its product with vectors that gradients flow through."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy.sparse import bmat, csr_matrix, diags

from core.basics.scores import FloatArray
from core.data.pair import DomainPair

# A tensor; torch itself is only loaded where training starts.
Tensor = Any


def joint_graph(train: DomainPair) -> tuple[csr_matrix, FloatArray]:
    """(D^-1/2 A D^-1/2, D) over users, source items and target items, in this order.

    He et al. 2020, eq. 8. Graph: (n_nodes, n_nodes) float32, symmetric; degrees: (n_nodes,).
    """
    source, target = train.source.astype(np.float32), train.target.astype(np.float32)
    graph = bmat(
        [[None, source, target], [source.T, None, None], [target.T, None, None]], format="csr"
    )
    degrees = np.diff(graph.indptr).astype(np.float32)
    scale = diags(1 / np.sqrt(np.maximum(degrees, 1)))
    return csr_matrix(scale @ graph @ scale, dtype=np.float32), degrees


def multiplier(graph: csr_matrix, device: str) -> Callable[[Tensor], Tensor]:
    """The product graph @ vectors, (n_nodes, d); SciPy on the CPU, torch's sparse CSR on CUDA.

    On one CPU thread SciPy's product takes a third of the time of torch's.
    """
    import torch

    if device == "cpu":
        return lambda vectors: torch.from_numpy(graph @ vectors.detach().numpy())
    starts, columns, values = map(torch.from_numpy, (graph.indptr, graph.indices, graph.data))
    table = torch.sparse_csr_tensor(starts, columns, values, graph.shape).to(device)
    return lambda vectors: table @ vectors


def propagate(vectors: Tensor, multiply: Callable[[Tensor], Tensor]) -> Tensor:
    """One layer, graph @ vectors; as the graph is symmetric its gradient is graph @ gradient."""
    return _symmetric_product().apply(vectors, multiply)


@cache
def _symmetric_product() -> Any:
    import torch

    class SymmetricProduct(torch.autograd.Function):
        """Forward and backward are the same product."""

        @staticmethod
        def forward(ctx: Any, vectors: Tensor, multiply: Callable[[Tensor], Tensor]) -> Tensor:
            ctx.multiply = multiply
            return multiply(vectors)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
            return ctx.multiply(gradient.contiguous()), None

    return SymmetricProduct
