"""A model whose weights are known by hand, and questions about its users."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import Masked
from core.models.registry import build
from core.runs.explain.what_if import Histories, Question
from tests.worlds import pair_of

# Rows: five source items, then three of six target items that a history may hold.
WEIGHTS = np.array(
    [
        # t0   t1   t2   t3   t4   t5
        [4.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [3.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.1, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.1, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0] * 6,
        [0.0] * 6,
        [0.0] * 6,
        [0.0] * 6,
        [0.0, 0.0, 1.5, 0.0, 0.0, 0.0],  # t4 in the history speaks for t2
        [0.0] * 6,
    ],
    dtype=np.float32,
)


def planted_question(source=(0, 1, 2, 3, 4), target=(4,), fusion=None, weights=WEIGHTS) -> Question:
    """A user with these source and target items; item t0 is carried by s0 and s1."""
    pair = pair_of(np.ones((2, 5)), np.ones((2, 6)))
    model = build("ease", {"source_weight": 1.0})
    model.restore(pair, {"weights": weights})
    rows = Histories(row(source, 5), row(target, 6), np.empty(0, dtype=np.int32), ())
    return Question(model, rows, Masked(row(target, 6)), np.arange(6, dtype=np.float32), fusion)


def amounts_of(question: Question, item: int) -> np.ndarray:
    """What each history item adds to the item, source items first."""
    said = question.model.explain(question.histories.source, question.histories.target, item)
    return np.concatenate([said.source_amounts, said.target_amounts])


def row(items, count: int) -> csr_matrix:
    ones = np.zeros((1, count), dtype=np.float32)
    ones[0, list(items)] = 1
    return csr_matrix(ones)
