"""Whether a model can be trained on a pair: green, amber or red, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.basics.columns import SOURCE, TARGET
from core.basics.errors import RunError
from core.basics.settings import SettingInfo, Value
from core.data.knowledge import knowledge_graph
from core.data.pair import DomainPair
from core.data.snapshot import RatingFacts
from core.models.kernel.training_settings import ONES, counts_of
from core.models.linear.data_steps import memory_of
from core.models.protocol import ATTRIBUTES, ITEM_TEXT, TIMESTAMPS, ModelCard, PairSizes
from core.models.text.vectors import BESIDE, NOT_USED, use_of, why_not
from core.models.text.words import COLUMNS

FEW_SHARED = 100  # below this a lesson learned on shared users is mostly chance
TIGHT = 0.7  # share of the free memory from which a run is called tight
BY_INTERACTIONS = (
    "It knows items by their interactions alone, so it lists new items in an arbitrary order."
)


@dataclass(frozen=True)
class Readiness:
    """A light and the sentence beside it."""

    light: Literal["green", "amber", "red"]
    reason: str
    hint: str = ""  # what to do about a red light


def readiness(
    card: ModelCard,
    sizes: PairSizes,
    shared_users: int,
    settings: Any = None,
    free_bytes: int | None = None,
    ratings: RatingFacts | None = None,
    of_new_items: bool = False,
    attributed: bool | None = None,
) -> Readiness:
    """Whether the model suits a pair of these sizes; settings default to the card's own.

    What another setting would mend, such as too many factors, is red where it was chosen, and amber
    where others may be chosen yet.
    free_bytes: memory a run may take; without it memory is not judged. ratings: what is known of
    the split's ratings, attributed: whether items have attributes in common; without them a model
    is taken to have what it needs. of_new_items: whether lists are to hold items that nobody has in
    training.
    """
    chosen = settings or card.settings()
    if refused := _refusal(card, sizes, shared_users, chosen, free_bytes, ratings, attributed):
        can_be_set = settings is None and refused.by_setting
        return Readiness("amber" if can_be_set else "red", refused.reason, refused.hint)
    needed = card.memory(sizes, chosen)
    if ITEM_TEXT in card.needs:
        if card.cross_domain and _unread(card, chosen, ratings, SOURCE):
            return Readiness("amber", "The source's items have no text, so it cannot help.")
        beside = ratings is not None and card.cross_domain and use_of(chosen) == BESIDE
        if beside and ratings and not all(ratings.vectors):
            return Readiness("amber", "Only one domain has vectors, so texts alone join them.")
    elif card.cross_domain and card.source_speaks and shared_users == 0:
        return Readiness("amber", "No users are shared, so the source domain cannot help.")
    elif card.cross_domain and card.source_speaks and shared_users < FEW_SHARED:
        return Readiness("amber", f"Only {shared_users} users are shared: expect wide intervals.")
    if free_bytes is not None and needed > TIGHT * free_bytes:
        return Readiness("amber", f"It needs about {in_gib(needed)} of {in_gib(free_bytes)} free.")
    if card.task.rates and ratings is not None and (doubt := _doubted(card, ratings)):
        return Readiness("amber", doubt)
    if of_new_items and not card.new_items:
        return Readiness("amber", BY_INTERACTIONS)
    return Readiness("green", f"It needs about {in_gib(needed)}.")


def _unread(card: ModelCard, settings: Any, ratings: RatingFacts | None, domain: str) -> bool:
    """Whether it is known that no item of the domain has anything that the model reads."""
    if ITEM_TEXT not in card.needs or ratings is None:
        return False
    place = 0 if domain == SOURCE else 1
    if use_of(settings) != NOT_USED and ratings.vectors[place]:
        return False
    return not COLUMNS[settings.reads] & ratings.texts[place]


@dataclass(frozen=True)
class _Refusal:
    reason: str
    hint: str
    by_setting: bool = False  # another one may do


def _refusal(
    card: ModelCard,
    sizes: PairSizes,
    shared_users: int,
    settings: Any,
    free_bytes: int | None,
    ratings: RatingFacts | None,
    attributed: bool | None,
) -> _Refusal | None:
    """Why the model cannot be trained at all, None where it can."""
    if card.task.rates and ratings is not None and ratings.target is None:
        hint = "Choose a pair with ratings, or a model that ranks."
        return _Refusal("Its rows have no ratings that differ.", hint)
    if counts_of(settings) != ONES and ratings is not None and not ratings.counted:
        return _Refusal(
            "It was told to learn from counts and no row of this split has one.",
            "Set counts to ones, or import a file with a column of counts or event types.",
            by_setting=True,
        )
    if TIMESTAMPS in card.needs and ratings is not None and not ratings.timed:
        return _Refusal(
            "It reads histories in time order and the rows of a domain have no times.",
            "Import both files with their time columns, or choose a model that needs no order.",
        )
    if refused := _without_text(card, settings, ratings):
        return refused
    if "shared users" in card.needs and shared_users == 0:
        return NOBODY_SHARED
    if ATTRIBUTES in card.needs and attributed is False:
        return _Refusal(
            "It needs attributes that items have in common, and the item tables have none.",
            "Import item tables with categories, brands or the like, or choose another model.",
        )
    if refused := _too_small(card, sizes, settings):
        return refused
    needed = memory_of(card, sizes, settings)
    if free_bytes is not None and needed > free_bytes:
        return _Refusal(
            f"It needs about {in_gib(needed)} and {in_gib(free_bytes)} are free.",
            "Choose ItemKNN or fewer factors, filter rare items away, or use a larger machine.",
        )
    return None


def _without_text(card: ModelCard, settings: Any, ratings: RatingFacts | None) -> _Refusal | None:
    """What a model that reads texts or vectors misses in them."""
    if ITEM_TEXT not in card.needs or ratings is None:
        return None
    if refused := why_not(ratings.vectors, settings, card.cross_domain):
        return _Refusal(*refused, by_setting=True)
    if not _unread(card, settings, ratings, TARGET):
        return None
    said = f"It reads {settings.reads} and the target's items have none"
    if hasattr(settings, "vectors") and ratings.vectors[1]:
        hint = "Or import an item table with titles for the target."
        return _Refusal(f"{said}, but they have vectors: set vectors to alone.", hint, True)
    return _Refusal(
        f"{said}.",
        "Import an item table for the target, let it read other columns, or choose a model that "
        "reads none.",
    )


NOBODY_SHARED = _Refusal(
    "It learns from shared users and the pair has none.",
    "Choose a pair with shared users, or a model that does not need them.",
)


def _too_small(card: ModelCard, sizes: PairSizes, settings: Any) -> _Refusal | None:
    """What is too little for any model, or for so many factors."""
    if sizes.target_items < 2:
        return _Refusal(
            "The target has a single item, so there is nothing to choose from.",
            "Bring a target with more items, or loosen the filters.",
        )
    if sizes.target_rows < 2:
        return _Refusal(
            "The target has a single interaction to learn from.",
            "Bring more interactions, or hold out a smaller share.",
        )
    factors = 0 if card.factors_of_texts else getattr(settings, "factors", 0)
    if factors > sizes.users:
        return _Refusal(
            f"It has {factors} factors for {sizes.users} users.",
            f"Set factors to {sizes.users} or less, or bring more users.",
            by_setting=True,
        )
    return None


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
    attributed = bool(knowledge_graph(train).names) if ATTRIBUTES in card.needs else None
    if refused := _refusal(card, sizes, shared, settings, free_bytes, ratings, attributed):
        raise _error(card, refused)


def check_shared(card: ModelCard, train: DomainPair) -> None:
    """Refuse to learn from shared users where there are none; raises RunError."""
    if not train.shared.any():
        raise _error(card, NOBODY_SHARED)


def _error(card: ModelCard, refused: _Refusal) -> RunError:
    return RunError(what=refused_words(card, refused.reason), hint=refused.hint)


def refused_words(card: ModelCard, reason: str) -> str:
    """That the model cannot be trained, and why, in one sentence."""
    return f"{card.title} cannot be trained here: {reason[:1].lower()}{reason[1:]}"


def in_gib(size: int) -> str:
    """A size in bytes as a person reads it: "0.9 GiB", "12 MiB"."""
    if size >= 2**30:
        return f"{size / 2**30:.1f} GiB"
    return f"{max(1, round(size / 2**20))} MiB"


# The few models that are worth a first look on a pair, and why in a few words.

_OF_NEW_ITEMS = {
    "text_profile": "new items by the sense of their text",
    "text_neighbours": "new items by titles alike",
    "kgat": "new items by what items have in common",
    "text_popularity": "the floor to beat",
}
_OF_ANY = {
    "ease": "strong, exact, fast",
    "item_knn": "where a catalogue is too long for EASE",
    "ridge": "for people without {target}",
    "text_ridge": "reads titles",
    "edlae": "EASE for uneven popularity",
    "cmf_als": "a map of both domains",
    "popularity": "the floor to beat",
}
_OF_RATINGS = {"cmf_rating": "predicts ratings"}  # where low ones were not filtered away


def proposals(
    lights: Mapping[str, Readiness],
    *,
    target: str,
    of_new_items: bool = False,
    low_ratings: bool = False,
    most: int = 3,
) -> dict[str, str]:
    """Names of the models to look at first on a pair -> why, the best first.

    lights: readiness of every model by its name; what is red is not proposed, what is amber stands
    behind what is green. target: name of the target domain. low_ratings: whether ratings of what
    people did not like are there to learn from.
    """
    whys = dict(_OF_ANY)
    if lights["ease"].light == "green":
        del whys["item_knn"]
    if of_new_items:
        whys = _OF_NEW_ITEMS | whys
    elif low_ratings:
        first, *others = whys.items()
        whys = dict([first, *_OF_RATINGS.items(), *others])
    ready = [name for name in whys if lights[name].light != "red"]
    ready.sort(key=lambda name: lights[name].light != "green")
    return {name: whys[name].format(target=target) for name in ready[:most]}


# Presets of a model, as settings that differ from its own, and the values a small search tries.

FAST, BALANCED, THOROUGH = "fast", "balanced", "thorough"
PRESETS = (FAST, BALANCED, THOROUGH)
_SCALED = ("epochs", "factors")  # what makes any model slower and finer
_TIMES = {FAST: 0.5, THOROUGH: 2.0}
_TELLING = ("learning_rate", "regularization", "weight_decay", "dropout", "temperature")


def preset_of(card: ModelCard, preset: str) -> dict[str, Value]:
    """Settings the preset changes, by name; balanced is the model's own settings.

    A card without presets gets half or double the epochs and factors it has, within their bounds.
    """
    if preset == BALANCED:
        return {}
    if card.presets:
        return dict(card.presets.get(preset, {}))
    infos = [info for info in card.settings.infos() if info.name in _SCALED]
    return {info.name: _scaled(info, _TIMES[preset]) for info in infos}


def grid_of(card: ModelCard) -> dict[str, tuple[Value, ...]]:
    """Values by setting for a small search: the card's own, else two telling settings around it."""
    if card.grid:
        return dict(card.grid)
    infos = {info.name: info for info in card.settings.infos()}
    return {name: around(infos[name]) for name in [n for n in _TELLING if n in infos][:2]}


def around(info: SettingInfo) -> tuple[Value, ...]:
    """All choices of a setting, or its own value with a third and three times as much."""
    if info.choices is not None:
        return info.choices
    if info.kind is bool:
        return (True, False)
    if info.kind is str:
        return (info.default,)
    own = float(info.default)
    low = own / 3 if info.low is None else max(own / 3, info.low)
    high = own * 3 if info.high is None else min(own * 3, info.high)
    ends = [float(f"{value:.2g}") for value in (low, high)]
    return tuple(dict.fromkeys(info.kind(value) for value in (ends[0], own, ends[1])))


def _scaled(info: SettingInfo, times: float) -> int:
    low, high = info.low or 1, info.high or float("inf")
    return int(min(max(round(float(info.default) * times), low), high))
