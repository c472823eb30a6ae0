"""Event types of interactions, such as view and purchase: how many rows, and what each weighs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from core.basics.types import FloatArray
from core.data.read_options import ReadOptions

MOST_TYPES = 50  # the most frequent ones are told apart in a record and on a page


@dataclass
class EventColumn:
    """Takes one column of event types batch by batch; holds what each row weighs."""

    options: ReadOptions
    weights: list[FloatArray] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    def see(self, events: pa.Array) -> None:
        """Count rows by type, those that are left out included."""
        for one in events.value_counts().to_pylist():
            self.rows[one["values"]] += one["counts"]

    def add(self, events: pa.Array) -> None:
        """Take the types of some more rows that are kept."""
        coded = events.dictionary_encode()
        types = coded.dictionary.to_pylist()
        known = np.array([self.options.weight_of(event) for event in types], dtype=np.float64)
        self.weights.append(known[coded.indices.to_numpy(zero_copy_only=False)])

    def finish(self) -> FloatArray:
        """(n_rows,) what each row weighs, in the order they came."""
        return np.concatenate([np.zeros(0), *self.weights])

    def most_frequent(self) -> dict[str, int]:
        """Type -> rows, the most frequent first, MOST_TYPES at most."""
        return dict(self.rows.most_common(MOST_TYPES))
