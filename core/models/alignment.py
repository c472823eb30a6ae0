"""Losses that bring two samples of vectors together: an adversary's, or a distance."""

from __future__ import annotations

import numpy as np

from core.models.arrays import Array, Weights, dense, library, relu
from core.models.losses import cross_entropy


def reversed_gradient(vectors: Array, weight: float) -> Array:
    """The same vectors; what flows back through them is turned round and times `weight`.

    Ganin et al. 2016 (Domain-adversarial training of neural networks), eq. 12-13.
    """
    return (1.0 + weight) * vectors.detach() - weight * vectors


def discriminator(weights: Weights, vectors: Array) -> Array:
    """Logits that vectors are drawn from the source, (n,); one hidden layer."""
    hidden = relu(dense(weights, "discriminator.1", vectors))
    return dense(weights, "discriminator.2", hidden)[:, 0]


def domain_error(weights: Weights, source: Array, target: Array) -> Array:
    """Cross-entropy of telling source-drawn from target-drawn vectors, both counting alike."""
    logits = [discriminator(weights, vectors) for vectors in (source, target)]
    told = cross_entropy(logits[0], library(source).ones_like(logits[0]))
    return told + cross_entropy(logits[1], library(target).zeros_like(logits[1]))


def reversal_loss(weights: Weights, source: Array, target: Array, weight: float) -> Array:
    """What the discriminator learns by, and what the encoders, `weight` times, unlearn by."""
    return domain_error(weights, *(reversed_gradient(part, weight) for part in (source, target)))


def gan_loss(weights: Weights, generated: Array, target: Array, weight: float) -> Array:
    """Both players of a GAN at once: each sees the other's weights as constants.

    The discriminator tells generated from real, the generator wants its own taken for real: the
    non-saturating game of Goodfellow et al. 2014, sec. 3.
    """
    fixed = {name: value.detach() for name, value in weights.items()}
    player = domain_error(weights, generated.detach(), target.detach())
    logits = discriminator(fixed, generated)
    return player + weight * cross_entropy(logits, library(logits).zeros_like(logits))


def mmd(first: Array, second: Array) -> Array:
    """Squared maximum mean discrepancy of two samples, (n, d) and (m, d); around 0 if alike.

    Unbiased: Gretton et al. 2012, eq. 3, so it can fall below 0. Kernel exp(-|x - y|² / median),
    the median over all pairs of different vectors of both samples (median heuristic).
    """
    n, m = len(first), len(second)
    both = library(first).concatenate((first, second), 0)
    lengths = (both * both).sum(-1)
    squares = lengths[:, None] + lengths[None, :] - 2.0 * both @ both.T
    others = ~np.eye(n + m, dtype=bool)
    fixed = squares if isinstance(squares, np.ndarray) else squares.detach().cpu().numpy()
    median = max(float(np.median(fixed[others])), 1e-12)
    kernel = library(first).exp(-squares / median)
    within = [kernel[:n, :n], kernel[n:, n:]]
    sums = [(part.sum() - part.diagonal().sum()) for part in within]
    across = kernel[:n, n:].sum()
    return sums[0] / (n * (n - 1)) + sums[1] / (m * (m - 1)) - 2.0 * across / (n * m)


def coral(first: Array, second: Array) -> Array:
    """Squared distance of the covariances over 4 d²; Sun and Saenko 2016 (Deep CORAL), eq. 1-3."""
    apart = _covariance(first) - _covariance(second)
    return (apart * apart).sum() / (4.0 * apart.shape[0] ** 2)


def _covariance(vectors: Array) -> Array:
    centred = vectors - vectors.mean(0)
    return centred.T @ centred / max(len(vectors) - 1, 1)
