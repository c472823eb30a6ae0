"""Stacking: how much each of a few scores should count, learned from what users went on to take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.basics.types import BoolArray, FloatArray

RIDGE = 0.01  # on the squared weights, beside the mean loss of a user


def stacked_weights(
    features: Sequence[FloatArray], liked: Sequence[BoolArray], ridge: float = RIDGE
) -> FloatArray:
    """Weights, (n_features,) none below 0, under which liked items come out on top.

    features: per user (n_shown, n_features), liked: per user (n_shown,); users without a liked
    item or without another one teach nothing. Minimises the mean over users of the cross-entropy
    between their liked items and softmax of the weighted sum (Cao et al. 2007, ListNet, eq. 4)
    plus ridge: a stacked generalization (Wolpert 1992) with weights that may not oppose
    (Breiman 1996). Equal features share their weight. Nobody to learn from gives equal weights.
    """
    from scipy.optimize import minimize

    n_features = features[0].shape[1] if features else 0
    told = [(f, y) for f, y in zip(features, liked, strict=True) if y.any() and not y.all()]
    if not told:
        return np.ones(n_features) / max(1, n_features)
    table = np.concatenate([shown for shown, _ in told]).astype(np.float64)
    starts = np.cumsum([0, *(len(shown) for shown, _ in told[:-1])])
    lengths = np.diff([*starts, len(table)])
    wanted = np.concatenate([y / y.sum() for _, y in told])  # sums to 1 for each user

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        scores = table @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), lengths)
        chances = np.exp(scores)
        sums = np.add.reduceat(chances, starts)
        chances /= np.repeat(sums, lengths)
        cross_entropy = np.log(sums).sum() - wanted @ scores
        slope = table.T @ (chances - wanted)
        return (
            cross_entropy / len(told) + ridge * float(weights @ weights),
            slope / len(told) + 2 * ridge * weights,
        )

    start = np.full(n_features, 1 / n_features)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_features)
    return np.asarray(found.x)
