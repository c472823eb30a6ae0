"""The domain gap of a run before and after its alignment, and beside other runs' lifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.types import FloatArray, IntArray
from core.data.snapshot import Split
from core.embedding.gap import (
    ALIKE,
    NEVER,
    Change,
    ContentGap,
    Gap,
    content_gap,
    domain_gap,
    gap_changes,
    turned_onto,
)
from core.embedding.maps import pca_map
from core.metrics.intervals import holm
from core.models.kernel.domain_gap import (
    UserVectors,
    held_out_users,
    joined_vectors,
    separate_vectors,
    user_vectors,
)
from core.models.protocol import CrossDomainModel

DRAWN = 1_000  # users on either of the two maps
SEED = 0
BEFORE, AFTER, CHANGE = "before", "after", "change"


@dataclass(frozen=True)
class Figures:
    """Both spaces in figures, over the same users, and what of them is beyond chance.

    trained: the model learned who is the same person from the very users that are asked, so that
    finding them again is no evidence; finding them worse than before is, in spite of that.
    """

    before: Gap
    after: Gap
    changes: dict[str, Change]
    trained: bool

    def beyond(self) -> dict[str, frozenset[str]]:
        """Names of the figures that leave chance BEFORE, AFTER and by their CHANGE.

        All of the view are corrected together by Holm's rule: where nothing is there, one of twenty
        views names any. What is within chance in both spaces has not changed.
        """
        chances = {
            (when, name): figure.p
            for when, gap in ((BEFORE, self.before), (AFTER, self.after))
            for name, figure in gap.figures.items()
        } | {(CHANGE, name): change.p for name, change in self.changes.items()}
        if self.trained:
            chances |= {(AFTER, name): np.nan for name in ALIKE}
            risen = [name for name in ALIKE if not self.changes[name].value < 0]
            chances |= {(CHANGE, name): np.nan for name in risen}
        corrected = zip(chances, holm(np.array(list(chances.values()))), strict=True)
        left = [place for place, p in corrected if p <= NEVER]
        before, after, change = (
            frozenset(name for at, name in left if at == when) for when in (BEFORE, AFTER, CHANGE)
        )
        return {BEFORE: before, AFTER: after, CHANGE: change & (before | after)}


@dataclass(frozen=True)
class BeforeAfter:
    """Both spaces in figures and, for some users, in one joint layout."""

    figures: Figures
    content: ContentGap
    from_interactions: bool  # the model has no vectors of its own
    users: np.ndarray  # (n,) numbers of the users on the maps
    places: dict[str, tuple[FloatArray, FloatArray]]  # BEFORE, AFTER: source, target (n, 2)
    lengths: dict[str, FloatArray]  # alike: distance of a user's two vectors in that space, (n,)


def before_after(split: Split, model: CrossDomainModel) -> BeforeAfter:
    """Figures of the separate spaces and of the model's; raises DataError for too few users.

    Where the model has no vectors, those of both domains' interactions joined stand for it, with
    directions that the users asked about had no part in.
    """
    vectors = model.vectors()
    own = vectors is not None and vectors.source_users is not None
    own = own and vectors is not None and vectors.target_users is not None
    before = separate_vectors(split.train)
    _, asked = held_out_users(before.users)
    if not own:
        others = np.setdiff1d(np.arange(len(split.train.users)), asked)
        vectors = joined_vectors(split.train, others)
    assert vectors is not None
    after = user_vectors(vectors)
    users = _drawn(np.intersect1d(before.users, after.users))
    places = _joint_layout(turned_onto(before, after).of(users), after.of(users))
    both = {BEFORE: before.of(users), AFTER: after.of(users)}
    return BeforeAfter(
        figures=gap_figures(before, after, asked, trained=own),
        content=content_gap(split.train),
        from_interactions=not own,
        users=users,
        places=places,
        lengths={
            name: np.linalg.norm(some.source - some.target, axis=1) for name, some in both.items()
        },
    )


def gap_figures(
    before: UserVectors, after: UserVectors, asked: IntArray, *, trained: bool
) -> Figures:
    """Every figure of both spaces over the users asked about that both draw, and its change."""
    both = np.intersect1d(before.users, after.users)
    before, after, asked = before.of(both), after.of(both), np.intersect1d(asked, both)
    return Figures(
        domain_gap(before, asked),
        domain_gap(after, asked),
        gap_changes(before, after, asked),
        trained,
    )


def after_gap(split: Split, model: CrossDomainModel) -> Gap | None:
    """The gap in the model's own space; None where it has none for users."""
    vectors = model.vectors()
    if vectors is None or vectors.source_users is None or vectors.target_users is None:
        return None
    return domain_gap(user_vectors(vectors))


def _drawn(users: np.ndarray) -> np.ndarray:
    if len(users) <= DRAWN:
        return users
    return np.sort(np.random.default_rng(SEED).choice(users, DRAWN, replace=False))


def _joint_layout(
    before: UserVectors, after: UserVectors
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Principal components of all four groups of points at once, so that both maps compare."""
    width = max(before.source.shape[1], after.source.shape[1])
    parts = [before.source, before.target, after.source, after.target]
    wide = [np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts]
    places = np.split(pca_map(np.concatenate(wide)), 4)
    return {BEFORE: (places[0], places[1]), AFTER: (places[2], places[3])}
