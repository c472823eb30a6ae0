"""Whether a model can be trained on a pair: green, amber or red, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.basics.errors import RunError
from core.data.pair import DomainPair
from core.data.ratings import RatingFacts
from core.models.protocol import TIMESTAMPS, ModelCard, PairSizes

FEW_SHARED = 100  # below this a lesson learned on shared users is mostly chance
NO_RATINGS = "Its rows have no ratings."
NO_TIMES = "It reads histories in time order and the rows of a domain have no times."
TIGHT = 0.7  # share of the free memory from which a run is called tight


@dataclass(frozen=True)
class Readiness:
    """A light and the sentence beside it."""

    light: Literal["green", "amber", "red"]
    reason: str


def readiness(
    card: ModelCard,
    sizes: PairSizes,
    shared_users: int,
    settings: Any = None,
    free_bytes: int | None = None,
    ratings: RatingFacts | None = None,
) -> Readiness:
    """Whether the model suits a pair of these sizes; settings default to the card's own.

    free_bytes: memory a run may take; without it memory is not judged. ratings: what is known of
    the split's ratings; without it a model of ratings is taken to have what it needs.
    """
    if card.task == "rating" and ratings is not None and ratings.target is None:
        return Readiness("red", NO_RATINGS)
    if TIMESTAMPS in card.needs and ratings is not None and not ratings.timed:
        return Readiness("red", NO_TIMES)
    needed = card.memory(sizes, settings or card.settings())
    if free_bytes is not None and needed > free_bytes:
        return Readiness(
            "red", f"It needs about {in_gib(needed)} and {in_gib(free_bytes)} are free."
        )
    if card.cross_domain and card.source_speaks and shared_users == 0:
        if "shared users" in card.needs:
            return Readiness("red", "It learns from shared users and the pair has none.")
        return Readiness("amber", "No users are shared, so the source domain cannot help.")
    if card.cross_domain and card.source_speaks and shared_users < FEW_SHARED:
        return Readiness("amber", f"Only {shared_users} users are shared: expect wide intervals.")
    if free_bytes is not None and needed > TIGHT * free_bytes:
        return Readiness("amber", f"It needs about {in_gib(needed)} of {in_gib(free_bytes)} free.")
    if card.task == "rating" and ratings is not None and (doubt := _doubted(card, ratings)):
        return Readiness("amber", doubt)
    return Readiness("green", f"It needs about {in_gib(needed)}.")


def _doubted(card: ModelCard, ratings: RatingFacts) -> str | None:
    """Why a model of ratings would learn or measure less than it could, None where it would not."""
    if ratings.liked_from:
        return (
            f"Rows below {ratings.liked_from:g} of 5 stars were filtered away: rating error is "
            "measured on the liked ones only."
        )
    if card.cross_domain and ratings.source is None:
        return "The source has no ratings, so it can say nothing about the target's."
    return None


def check_readiness(
    card: ModelCard,
    train: DomainPair,
    settings: Any,
    free_bytes: int | None = None,
    ratings: RatingFacts | None = None,
) -> None:
    """Refuse a run that cannot work; raises RunError with the reason and what to do."""
    sizes, shared = PairSizes.of(train), int(train.shared.sum())
    found = readiness(card, sizes, shared, settings, free_bytes, ratings)
    if found.light != "red":
        return
    if found.reason == NO_RATINGS:
        hint = "Choose a pair with ratings, or a model that ranks."
    elif found.reason == NO_TIMES:
        hint = "Import both files with their time columns, or choose a model that needs no order."
    elif "shared users" in card.needs and not train.shared.any():
        hint = "Choose a pair with shared users, or a model that does not need them."
    else:
        hint = "Choose ItemKNN or fewer factors, filter rare items away, or use a larger machine."
    raise RunError(what=f"{card.title} cannot be trained here. {found.reason}", hint=hint)


def in_gib(size: int) -> str:
    """A size in bytes as a person reads it: "0.9 GiB", "12 MiB"."""
    if size >= 2**30:
        return f"{size / 2**30:.1f} GiB"
    return f"{max(1, round(size / 2**20))} MiB"
