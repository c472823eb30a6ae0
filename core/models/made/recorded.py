"""Models read back from a run's folder, and runs that are only lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.basics.errors import RunError
from core.basics.settings import Settings, setting
from core.models.made.blend import KINDS, PRODUCT, Blend, BlendSettings
from core.models.protocol import TIMESTAMPS, CrossDomainModel, ModelCard, PairSizes
from core.models.registry import build, card_of

BLEND = "blend"
DEEPEST = 4  # blends of blends of blends end here
About = Mapping[str, Any]  # "model" and "settings", and for a blend "members": two such records


def card_of_record(about: About) -> ModelCard:
    """The card of what the record describes; a blend's says what follows from its members.

    Raises SettingsError for an unknown model, RunError for a blend whose members are not told.
    """
    if about["model"] == UPLOADED:
        return CARD
    if about["model"] != BLEND:
        return card_of(about["model"])
    cards = [card_of_record(member) for member in _members(about)]
    exact = all(card.fold_in == "exact" for card in cards)
    kind = BlendSettings.of(about["settings"]).kind
    additive = kind != PRODUCT and all(card.additive for card in cards)
    return replace(
        BLEND_CARD,
        line=f"{cards[0].title} and {cards[1].title} asked together.",
        cross_domain=any(card.cross_domain for card in cards),
        has_twin=all(card.has_twin or not card.cross_domain for card in cards)
        and any(card.has_twin for card in cards),
        additive=additive,
        words=ADDITIVE_WORDS if additive else BLEND_CARD.words,
        fold_in="exact" if exact else "approximate",
        new_items=any(card.new_items for card in cards),
        needs=tuple(dict.fromkeys(need for card in cards for need in card.needs)),
        memory=lambda sizes, settings: sum(card.memory(sizes, card.settings()) for card in cards),
    )


def check_settings(about: About) -> None:
    """Raise SettingsError where the model, or a model of a blend, cannot have these settings."""
    card_of_record(about).settings.of(about["settings"])
    for member in _members(about) if about["model"] == BLEND else ():
        check_settings(member)


def build_recorded(about: About) -> CrossDomainModel:
    """The untrained model a record describes, ready to take up its state.

    Raises RunError where there are only lists.
    """
    if about["model"] == UPLOADED:
        return CARD.build(CARD.settings.of(about["settings"]))
    if about["model"] != BLEND:
        return build(about["model"], about["settings"])
    members = _members(about)
    ordered = [reads_order(card_of_record(member)) for member in members]
    built = [build_recorded(member) for member in members]
    return Blend(BlendSettings.of(about["settings"]), built, ordered)


def reads_order(card: ModelCard) -> bool:
    """Whether a model reads histories in time order."""
    return TIMESTAMPS in card.needs


def _members(about: About, depth: int = 1) -> list[About]:
    """Both members, checked all the way down."""
    members = about.get("members")
    whole = isinstance(members, list) and len(members) == 2 and depth <= DEEPEST
    if not whole or not all(
        (
            isinstance(member, dict)
            and isinstance(member.get("model"), str)
            and isinstance(member.get("settings"), dict)
        )
        for member in members or ()
    ):
        raise RunError(
            what="The record of this blend does not say what it is made of.",
            hint="Delete this run and blend its two runs again.",
        )
    assert members is not None
    for member in members:
        if member["model"] == BLEND:
            _members(member, depth + 1)
    return members


def _no_members(settings: BlendSettings) -> CrossDomainModel:
    raise RunError(
        what="A blend cannot be built without its two models.",
        hint="Train two runs on one split and blend them.",
    )


def _memory(sizes: PairSizes, settings: BlendSettings) -> int:
    return 8 * sizes.users * sizes.target_items


ADDITIVE_WORDS = (
    "Both members' scores are sums of their parts, and the blend adds them up in units of each "
    "user's spread, so its own source part and target part are exact: with alpha = beta = 1 the "
    "list is the blend's own."
)

BLEND_CARD = ModelCard(
    name=BLEND,
    title="Blend",
    family="Made from runs",
    line="Two trained models asked together.",
    paper="Burke: Hybrid recommender systems, 2002 (weighted); Jahrer, Töscher, Legenstein: "
    "Combining predictions for accurate recommender systems, KDD 2010; Wolpert: Stacked "
    "generalization, 1992; Breiman: Stacked regressions, 1996",
    differs="Scores are divided by their spread per user first; stacking minimises a listwise "
    f"loss on validation users and has six weights, none below 0. Kinds: {', '.join(KINDS)}.",
    when="When two good runs err differently: of two different families, say.",
    words="Each part is what both members say with the other domain silenced, weighted as the "
    "blend weighs its members. The blend's own score is made of the members' own scores, so it is "
    "not the sum of its parts: alpha = beta = 1 is close to its own list, not equal to it.",
    settings=BlendSettings,
    build=_no_members,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="approximate",
)


# Lists that another system made: what a run's record and the pages say of them.

UPLOADED = "uploaded"
BY_RANK, BY_SCORE, BY_DISTANCE, BY_FILE = "rank", "score", "distance", "file"


@dataclass(frozen=True)
class UploadedSettings(Settings):
    """How the lists of the file are ordered."""

    order: str = setting(
        BY_RANK,
        choices=(BY_RANK, BY_SCORE, BY_DISTANCE, BY_FILE),
        help="By rank and by distance the smallest number comes first, by score the largest, by "
        "file the earlier row; equal ones stand as the rows do.",
    )


def _no_model(settings: UploadedSettings) -> CrossDomainModel:
    raise RunError(
        what="This run has only lists: its model stands in another system.",
        hint="Choose a run that was trained here for weights, reasons and maps.",
    )


def _no_memory(sizes: PairSizes, settings: UploadedSettings) -> int:
    return 4 * sizes.users * 50


CARD = ModelCard(
    name=UPLOADED,
    title="Uploaded lists",
    family="From elsewhere",
    line="Lists that another system made, measured as any run is.",
    paper="",
    differs="",
    when="To compare a system that runs elsewhere on equal terms.",
    words="Uploaded lists have no parts, so alpha and beta change nothing.",
    settings=UploadedSettings,
    build=_no_model,
    memory=_no_memory,
    cross_domain=False,
    has_twin=False,
    additive=False,
    fold_in="none",
    source_speaks=False,
    new_items=True,  # it may be so: what is behind the lists is not known
)
