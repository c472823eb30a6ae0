"""Names outside, numbers inside: an IdMap turns text ids into 0..n-1 and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from core.basics.errors import DataError
from core.basics.scores import IntArray


@dataclass(frozen=True)
class IdMap:
    """Distinct text ids in a fixed order; the position of an id is its number."""

    ids: np.ndarray  # (n,) object array of str

    @classmethod
    def of(cls, *columns: Iterable[str]) -> IdMap:
        """Every id that occurs in any column, sorted, so that row order never matters."""
        parts = [pd.unique(pd.Series(column, dtype="str")) for column in columns]
        together = np.concatenate([np.asarray(part, dtype=object) for part in parts])
        return cls(np.array(sorted(set(together)), dtype=object))

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self.ids, dtype="object")

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def numbers(self, names: Iterable[str]) -> IntArray:
        """Numbers of the ids, (n,) int32; raises DataError for an id that is not here."""
        column = names if isinstance(names, pd.Series) else pd.Series([*names], dtype=object)
        codes, different = pd.factorize(column)  # most ids occur in many rows: each is sought once
        places = self._index.get_indexer(np.asarray(different, dtype=object))
        found = np.append(places, -1)[codes]  # the code of a missing value is -1
        if (found < 0).any():
            raise DataError(
                what=f"There is no id {column.iloc[int(np.argmin(found))]!r}.",
                hint="Check its spelling; ids are text and must match exactly.",
            )
        return found.astype(np.int32)

    def names(self, numbers: IntArray) -> np.ndarray:
        """Ids of the numbers, in their order."""
        return self.ids[numbers]
