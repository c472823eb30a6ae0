"""What a student takes over from a teacher: soft shares, the top of the ranking, or vectors."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.models.arrays import Array, as_like
from core.models.losses import entries


def softened_divergence(teacher: Array, student: Array, softness: float) -> Array:
    """Mean Kullback-Leibler divergence of softened shares, times softness²; (users, items) logits.

    Hinton et al. 2015, sec. 2: both are divided by `softness` before the softmax.
    """
    import torch

    wanted = torch.log_softmax(teacher / softness, dim=1)
    ours = torch.log_softmax(student / softness, dim=1)
    return softness**2 * (wanted.exp() * (wanted - ours)).sum(dim=1).mean()


def ranking_distillation(teacher: Array, student: Array, known: csr_matrix, length: int) -> Array:
    """-log of the student's share of the teacher's first items, the higher ones counting more.

    Tang and Wang 2018 (Ranking distillation), eq. 5-6: items the user is known to like are left
    out, the item at rank r weighs exp(-r / length), as weights that sum to 1. Shares of a softmax
    take the place of single sigmoids.
    """
    import torch

    rows, columns = entries(known)
    hidden = teacher.clone()
    hidden[rows, columns] = -torch.inf
    best = hidden.topk(length, dim=1)
    weights = np.exp(-np.arange(1, length + 1) / length).astype(np.float32)
    counted = as_like(weights / weights.sum(), student) * best.values.isfinite()
    ours = torch.log_softmax(student, dim=1).gather(1, best.indices)  # (users, length)
    return -(counted * ours).sum(dim=1).mean()


def hint_loss(read_off: Array, teacher: Array) -> Array:
    """Mean squared distance of what is read off the student, (n, d), to the teacher's vectors.

    Romero et al. 2015 (FitNets), eq. 3.
    """
    return ((read_off - teacher) ** 2).sum(-1).mean()
