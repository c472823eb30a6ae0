"""Small scores with many ties, and lists by brute force in plain Python."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix

from core.basics.types import DomainScores, Masked
from core.fusion.combine import KINDS, SCALES, Fusion

WEIGHTS = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.7, 1.0])
FUSIONS = st.builds(Fusion, WEIGHTS, WEIGHTS, st.sampled_from(KINDS), st.sampled_from(SCALES))


@st.composite
def tied_worlds(draw, most_items=60):
    """Scores of a few users over a few values, masks, and users without one or both histories."""
    shape = draw(st.integers(1, 4)), draw(st.integers(1, most_items))
    levels = draw(st.sampled_from([1, 3, 50]))
    values = st.integers(-levels, levels)
    source, target = (draw(hnp.arrays(np.int64, shape, elements=values)) for _ in range(2))
    hidden = draw(hnp.arrays(bool, shape))
    has_source, has_target = (draw(hnp.arrays(bool, shape[0])) for _ in range(2))
    scores = DomainScores.ranking(
        source.astype(np.float32) / 7, target.astype(np.float32) / 3, has_source, has_target
    )
    popularity = draw(hnp.arrays(np.int64, shape[1], elements=st.integers(0, 3)))
    columns = draw(st.one_of(st.none(), hnp.arrays(bool, shape[1])))
    return scores.filled(popularity.astype(np.float32)), masked_by(hidden, columns)


def random_scores(n_users, n_items, seed=0, decimals=None):
    """Independent normal parts with full evidence; decimals rounds them, to force ties."""
    generator = np.random.default_rng(seed)
    parts = [generator.normal(size=(n_users, n_items)) for _ in range(2)]
    if decimals is not None:
        parts = [part.round(decimals) for part in parts]
    everybody = np.ones(n_users, dtype=bool)
    source, target = (part.astype(np.float32) for part in parts)
    return DomainScores.ranking(source, target, everybody, everybody)


def masked_by(hidden, columns=None):
    """Items of an array of zeros and ones, and columns nobody may be listed, out of all lists."""
    return Masked(csr_matrix(np.asarray(hidden, dtype=np.float32)), columns)


def random_mask(n_users, n_items, share=0.02, seed=1):
    hidden = np.random.default_rng(seed).random((n_users, n_items)) < share
    return masked_by(hidden)


def plain_order(fused, source, target):
    """Items of one user by Python's own sort; masked ones, at -inf, left out."""
    items = [item for item in range(len(fused)) if fused[item] > -np.inf]
    return sorted(items, key=lambda item: (-fused[item], -source[item], -target[item], item))
