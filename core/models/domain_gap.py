"""How far apart two domains draw the same users, measured on users no alignment has seen."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray, IntArray
from core.models.alignment import mmd

HELD_OUT = 0.2  # of the shared users: the gap is measured on them, the alignment never sees them
FEWEST = 10  # held-out shared users below which a gap would be chance
RIDGE = 1e-3  # of the linear classifier that tells two samples apart, per sample
Drawn = tuple[FloatArray, FloatArray]  # unit vectors of the same users by source and by target

_COLLAPSE = (
    " Vectors that have all become alike close the gap as well: a smaller gap is only good where "
    "the retrieval MRR does not fall with it."
)
WORDS = (  # in the order of the figures of a gap
    (
        "Domain gap (proxy A-distance)",
        "How well a linear classifier tells source-drawn from target-drawn vectors of held-out "
        "shared users: 0 not at all, 2 always; lower is closer." + _COLLAPSE,
    ),
    (
        "Domain gap (MMD²)",
        "Squared maximum mean discrepancy between source-drawn and target-drawn vectors of "
        "held-out shared users, unbiased, so around 0 where they are alike; lower is closer."
        + _COLLAPSE,
    ),
    (
        "Retrieval MRR",
        "How high up the source-drawn vector of a held-out shared user finds the same user's "
        "target-drawn vector among all held-out ones: 1 is always first; higher is better.",
    ),
)


def domain_gap(learned: Drawn, held_out: Drawn) -> tuple[float, float, float]:
    """Proxy A-distance, MMD² and retrieval MRR of held-out shared users.

    learned: other shared users, from whom the classifier of the A-distance learns.
    """
    distance = proxy_a_distance(learned, held_out)
    return distance, float(mmd(*held_out)), retrieval_mrr(*held_out)


def proxy_a_distance(learned: Drawn, held_out: Drawn) -> float:
    """2 (1 - 2 error) of a linear classifier told to part two samples: 0 alike, 2 apart.

    Ben-David et al. 2007, sec. 4. Each pair: source-drawn and target-drawn vectors, (n, d);
    learned on one pair, asked on the other.
    """
    vectors, labels = _labelled(*learned)
    centre = vectors.mean(axis=0)
    inner = (vectors - centre).T @ (vectors - centre)
    ridge = RIDGE * len(vectors) * max(float(np.trace(inner)) / len(inner) / len(vectors), 1e-12)
    slope = np.linalg.solve(inner + ridge * np.eye(len(inner)), (vectors - centre).T @ labels)
    asked, wanted = _labelled(*held_out)
    wrong = np.sign((asked - centre) @ slope) != wanted
    return float(max(0.0, 2.0 * (1.0 - 2.0 * wrong.mean())))


def retrieval_mrr(asked: FloatArray, found: FloatArray) -> float:
    """Mean of 1 / rank at which a row of `asked`, (n, d), finds its own row of `found` by cosine.

    1 is always first; chance is about ln(n) / n. Ties count half.
    """
    cosines = asked @ found.T
    own = np.diagonal(cosines)[:, None]
    ranks = 1.0 + (cosines > own).sum(axis=1) + ((cosines == own).sum(axis=1) - 1) / 2.0
    return float((1.0 / ranks).mean())


def held_out_users(shared: IntArray, share: float = HELD_OUT) -> tuple[IntArray, IntArray]:
    """Shared users to learn from and, apart from them, to measure on; the same every time."""
    order = np.random.default_rng(0).permutation(shared)
    cut = round(share * len(order))
    return np.sort(order[cut:]), np.sort(order[:cut])


def _labelled(source: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    labels = np.repeat([1.0, -1.0], [len(source), len(target)])
    return np.concatenate([source, target]).astype(np.float64), labels
