"""Splits made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.types import IdMap
from core.data.pair import DomainPair
from core.data.snapshot import Split, SplitInfo
from core.evaluation.segments import BINS, OVERLAPS


def names(prefix: str, n: int) -> IdMap:
    return IdMap(np.array([f"{prefix}{number}" for number in range(n)], dtype=object))


def split_of(source, train, valid, test) -> Split:
    """A split of four (n_users, n_items) arrays of zeros and ones."""
    matrices = [csr_matrix(np.asarray(part, dtype=np.float32)) for part in (train, valid, test)]
    source = csr_matrix(np.asarray(source, dtype=np.float32))
    n_users, n_items = matrices[0].shape
    pair = DomainPair(
        names("u", n_users), names("s", source.shape[1]), names("t", n_items), source, matrices[0]
    )
    info = SplitInfo("books", "films", "given files", 0, {}, "data", "split", {})
    return Split(info, pair, matrices[1], matrices[2], Path())


def frame(values, users=None, metric="ndcg@10"):
    users = range(len(values)) if users is None else users
    return pd.DataFrame({"user_id": np.array(list(users), dtype=np.int32), metric: values})


def segments(bins):
    return pd.DataFrame(
        {
            "target_history": pd.Categorical(bins, categories=BINS),
            "source_history": pd.Categorical(["0"] * len(bins), categories=BINS),
            "overlap": pd.Categorical(["shared"] * len(bins), categories=OVERLAPS),
        }
    )
