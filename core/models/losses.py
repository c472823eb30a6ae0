"""Losses of models trained by gradients; all answer the mean over what was wanted."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.scores import IntArray
from core.models.arrays import Array, as_like


def entries(wanted: csr_matrix) -> tuple[IntArray, IntArray]:
    """Row and column of every entry, (n_entries,) each."""
    return np.repeat(np.arange(wanted.shape[0]), np.diff(wanted.indptr)), wanted.indices


def full_softmax(logits: Array, wanted: csr_matrix) -> Array:
    """-log of the share of each wanted item among all items; (users, items) logits.

    The multinomial likelihood of Liang et al. 2018 (Mult-VAE), eq. 2.
    """
    rows, columns = entries(wanted)
    if not len(rows):
        return logits.sum() * 0.0
    whole = logits.logsumexp(1)  # (users,)
    counts = as_like(np.diff(wanted.indptr).astype(np.float32), logits)
    return ((counts * whole).sum() - logits[rows, columns].sum()) / len(rows)


def sampled_softmax(wins: Array, rest: Array) -> Array:
    """-log of the wanted item's share among it and the drawn ones; (n,) and (n, drawn) logits.

    Wu et al. 2022 (On the effectiveness of sampled softmax loss), eq. 5.
    """
    import torch

    return (torch.logsumexp(torch.cat([wins[:, None], rest], dim=1), dim=1) - wins).mean()


def bpr(wins: Array, losses: Array) -> Array:
    """-log sigmoid of the lead over a drawn item; BPR-Opt: Rendle et al. 2009, sec. 4.1."""
    import torch

    return -torch.nn.functional.logsigmoid(wins - losses).mean()


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Binary cross-entropy of labels 0 and 1; He et al. 2017 (NCF), eq. 7."""
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)


def squared_error(predicted: Array, labels: Array) -> Array:
    """Mean squared error."""
    return ((predicted - labels) ** 2).mean()
