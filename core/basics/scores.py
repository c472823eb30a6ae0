"""Types that travel between neighbouring rooms: scores, candidates, contributions, vectors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DomainScores:
    """What each domain's evidence says about the target items, kept apart.

    source, target: (n_asked, n_target_items) float32. base broadcasts to the same shape: what is
    said without either history. own is the model's own score where that is not the sum.
    """

    source: FloatArray
    target: FloatArray
    base: FloatArray
    own: FloatArray | None
    has_source: BoolArray  # (n_asked,) whether there was any evidence at all
    has_target: BoolArray

    @classmethod
    def ranking(
        cls, source: FloatArray, target: FloatArray, has_source: BoolArray, has_target: BoolArray
    ) -> DomainScores:
        """Scores of an additive ranking model: no base, own score is the sum of the parts."""
        nothing = np.zeros((len(source), 1), dtype=np.float32)
        return cls(source, target, nothing, None, has_source, has_target)

    @property
    def has_evidence(self) -> BoolArray:
        """(n_asked,) whether either domain says anything about the user."""
        return self.has_source | self.has_target

    def own_scores(self) -> FloatArray:
        """The model's own score, (n_asked, n_target_items)."""
        return self.base + self.source + self.target if self.own is None else self.own

    def of(self, rows: IntArray) -> DomainScores:
        """The scores of some of the rows."""
        own = None if self.own is None else self.own[rows]
        base = self.base[rows] if len(self.base) == len(self.source) else self.base
        source, target = self.source[rows], self.target[rows]
        return DomainScores(source, target, base, own, self.has_source[rows], self.has_target[rows])

    def filled(self, popularity: FloatArray) -> DomainScores:
        """The same scores with users nobody knows anything about ranked by popularity.

        popularity: (n_target_items,), interactions in the target's training data. A model whose
        base tells items apart, as predicted ratings do, has said something about such users itself.
        """
        unknown = ~self.has_evidence
        if not unknown.any() or (self.base.size and np.ptp(self.base) > 0):
            return self
        base = np.array(np.broadcast_to(self.base, self.source.shape))
        base[unknown] = popularity
        own = self.own
        if own is not None:
            own = own.copy()
            own[unknown] = popularity
        return replace(self, base=base, own=own)


@dataclass(frozen=True)
class Contributions:
    """How much each history item added to one item's score; amounts sum to the two parts."""

    source_items: IntArray  # (n_source_history,) item numbers
    source_amounts: FloatArray
    target_items: IntArray  # (n_target_history,)
    target_amounts: FloatArray


@dataclass(frozen=True)
class Vectors:
    """Learned vectors for the map, all in one space of `d` factors; None where there are none."""

    source_items: FloatArray | None  # (n_source_items, d)
    target_items: FloatArray | None  # (n_target_items, d)
    source_users: FloatArray | None  # (n_users, d) as the source domain sees them
    target_users: FloatArray | None  # (n_users, d) as the target domain sees them


@dataclass(frozen=True)
class Lists:
    """What a model recommends to each user, best first."""

    users: IntArray  # (n_users,) user numbers
    items: IntArray  # (n_users, longest) int32 target item numbers, -1 where a list is shorter


@dataclass(frozen=True)
class Candidates:
    """Per user the items that can reach the top `depth` at some weighting, for exact fusion.

    Entries of user `i` stand at `starts[i]:starts[i + 1]`, ordered by source part, target part
    (both falling), item number. Ranks are competition ranks (ties share the best) over every item
    that is not masked; minima and the like are over the same items.
    """

    users: IntArray  # (n_users,) user numbers
    starts: IntArray  # (n_users + 1,)
    items: IntArray  # (n_entries,) target item numbers
    source: FloatArray  # (n_entries,) float32
    target: FloatArray
    base: FloatArray  # popularity for users without evidence, else 0
    source_rank: IntArray  # (n_entries,) 1 is best
    target_rank: IntArray
    dominators: IntArray  # (n_entries,) items that stand before this one at every weighting
    has_source: BoolArray  # (n_users,)
    has_target: BoolArray
    source_scale: FloatArray  # (n_users, 4) mean, standard deviation, minimum, maximum
    target_scale: FloatArray  # (n_users, 4)
    depth: int  # lists up to this length are exact
