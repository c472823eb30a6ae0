"""How often somebody played or bought: what an interaction with a count weighs in training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import FloatArray
from core.data.pair import DomainPair

SETTING = "counts"  # what the setting is called, in every model that has it
ONES, LOG, SQRT = "ones", "log", "sqrt"


def counts_setting() -> Any:
    """The setting of a model that can learn from how often something was done."""
    return setting(
        ONES,
        choices=(ONES, LOG, SQRT),
        help="What an interaction weighs where the files say how often: 1, log2(1 + count), or the "
        "square root of the count. A count of 1 weighs 1 in each, and every hit is judged as one.",
    )


def counts_of(settings: Any) -> str:
    """What the settings of any model make of counts; ONES for a model that has no such setting."""
    return str(getattr(settings, SETTING, ONES))


def counts_words(settings: type) -> str:
    """What a model can make of counts, in words for its card."""
    if not hasattr(settings, SETTING):
        return "counts as ones"
    return "counts as ones, by their logarithm or by their square root"


def weighted(train: DomainPair, how: str) -> DomainPair:
    """The pair with what each interaction weighs in place of its 1; without counts it stays 1.

    how: ONES; LOG, log2(1 + count), after the confidence of Hu, Koren, Volinsky 2008 (eq. 6); or
    SQRT.
    """
    if how == ONES:
        return train
    source, target = (
        ones if counts is None else _weighted(counts, how)
        for ones, counts in (
            (train.source, train.source_counts),
            (train.target, train.target_counts),
        )
    )
    return replace(train, source=source, target=target, source_counts=None, target_counts=None)


def _weighted(counts: csr_matrix, how: str) -> csr_matrix:
    values: FloatArray = np.log2(1 + counts.data) if how == LOG else np.sqrt(counts.data)
    data = values.astype(np.float32, copy=False)
    return csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
