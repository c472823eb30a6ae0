"""A network over texts that a person can also ask in words."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.columns import SOURCE, TARGET
from core.basics.types import DomainScores, FloatArray
from core.models.arrays import Array
from core.models.gradient import GradientModel, Network
from core.models.text.tuned_state import FIRST_HEAD, STUDENT_TABLE, as_compared, compared_vectors


class ComparesItems(Network, Protocol):
    """A network whose score of an item is a sum of its likeness to the items of a history."""

    def likeness(self, ours: Array, theirs: Array) -> Array:
        """What an item of a history adds for each item, (n, m), of their unit vectors."""
        ...


class HearingModel(GradientModel):
    """The network asked as any other, or with words as one more item of the target history."""

    network: ComparesItems

    @property
    def hears(self) -> bool:
        """Whether it can be asked in words; a run of an older version cannot."""
        return STUDENT_TABLE in self.weights or FIRST_HEAD in self.weights

    def words_as_items(self, encoded: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Words as items of the source and of the target, (n, d) each.

        encoded: (n, width) as this run's own encoder, or the student in its place, reads them. A
        student learned where items are, from either domain's centre, and reads words there at once.
        """
        if STUDENT_TABLE in self.weights:
            return encoded, encoded
        share = self.settings.share
        source, target = (
            as_compared(self.weights, share, domain, encoded) for domain in (SOURCE, TARGET)
        )
        return source, target

    def fold_in_words(
        self, words: FloatArray, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> DomainScores:
        """Both parts where words, (n_asked, d), are one more item of the target history."""
        known = self.fold_in(source_rows, target_rows)
        found = np.asarray(self.network.likeness(words, compared_vectors(self.weights)[1]))
        heard = known.has_target | found.any(axis=1)
        return DomainScores.ranking(known.source, known.target + found, known.has_source, heard)
