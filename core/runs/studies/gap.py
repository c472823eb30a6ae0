"""The domain gap of a run before and after its alignment, and beside other runs' lifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.types import FloatArray
from core.data.snapshot import Split
from core.embedding.gap import (
    ContentGap,
    Gap,
    UserVectors,
    content_gap,
    domain_gap,
    separate_vectors,
    turned_onto,
    user_vectors,
)
from core.embedding.maps import interaction_vectors, pca_map
from core.models.protocol import CrossDomainModel

DRAWN = 1_000  # users on either of the two maps
SEED = 0


@dataclass(frozen=True)
class BeforeAfter:
    """Both spaces in figures and, for some users, in one joint layout."""

    before: Gap
    after: Gap
    content: ContentGap
    from_interactions: bool  # the model has no vectors of its own
    users: np.ndarray  # (n,) numbers of the users on the maps
    places: dict[str, tuple[FloatArray, FloatArray]]  # "before", "after": source, target (n, 2)
    lengths: dict[str, FloatArray]  # alike: distance of a user's two vectors in that space, (n,)


def before_after(split: Split, model: CrossDomainModel) -> BeforeAfter:
    """Figures of the separate spaces and of the model's; raises DataError for too few users."""
    vectors = model.vectors()
    own = vectors is not None and vectors.source_users is not None
    own = own and vectors is not None and vectors.target_users is not None
    after = user_vectors(vectors if own else interaction_vectors(split.train))  # type: ignore[arg-type]
    before = separate_vectors(split.train)
    users = _drawn(np.intersect1d(before.users, after.users))
    places = _joint_layout(turned_onto(before, after).of(users), after.of(users))
    both = {"before": before.of(users), "after": after.of(users)}
    return BeforeAfter(
        before=domain_gap(before),
        after=domain_gap(after),
        content=content_gap(split.train),
        from_interactions=not own,
        users=users,
        places=places,
        lengths={
            name: np.linalg.norm(some.source - some.target, axis=1) for name, some in both.items()
        },
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
    return {"before": (places[0], places[1]), "after": (places[2], places[3])}
