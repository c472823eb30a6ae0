"""Models read back from a run's folder, and runs that are only lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.basics.errors import RunError
from core.basics.settings import Settings, setting
from core.models.made.blend import KINDS, PRODUCT, Blend, BlendSettings
from core.models.made.route import MOST, Routed, RouteSettings
from core.models.protocol import TIMESTAMPS, CrossDomainModel, ModelCard, PairSizes
from core.models.registry import build, card_of

BLEND, ROUTE = "blend", "route"
N_MEMBERS = {BLEND: (2, 2), ROUTE: (1, MOST)}  # of what is made of models: the fewest and the most
DEEPEST = 4  # blends of blends of blends end here
About = Mapping[str, Any]  # "model" and "settings", and of what is made of models "members": such


def card_of_record(about: About) -> ModelCard:
    """The card of what the record describes; one made of models says what follows from these.

    Raises SettingsError for an unknown model, RunError where the members are not told or do not
    fit each other.
    """
    if about["model"] == UPLOADED:
        return CARD
    if about["model"] not in N_MEMBERS:
        return card_of(about["model"])
    cards = [card_of_record(member) for member in _members(about)]
    made = _route_card(about, cards) if about["model"] == ROUTE else _blend_card(about, cards)
    return replace(
        made,
        cross_domain=any(card.cross_domain for card in cards),
        needs=tuple(dict.fromkeys(need for card in cards for need in card.needs)),
        fold_in="exact" if all(card.fold_in == "exact" for card in cards) else "approximate",
        memory=lambda sizes, settings: sum(card.memory(sizes, card.settings()) for card in cards),
    )


def _blend_card(about: About, cards: list[ModelCard]) -> ModelCard:
    kind = BlendSettings.of(about["settings"]).kind
    additive = kind != PRODUCT and all(card.additive for card in cards)
    return replace(
        BLEND_CARD,
        line=f"{cards[0].title} and {cards[1].title} asked together.",
        has_twin=all(card.has_twin or not card.cross_domain for card in cards)
        and any(card.has_twin for card in cards),
        additive=additive,
        words=ADDITIVE_WORDS if additive else BLEND_CARD.words,
        new_items=any(card.new_items for card in cards),
    )


def _route_card(about: About, cards: list[ModelCard]) -> ModelCard:
    """Raises RunError where no group asks a member, or members are of two tasks."""
    places = RouteSettings.of(about["settings"]).places
    if set(places) != set(range(len(cards))) or len({card.task for card in cards}) > 1:
        raise _not_told(about)
    # Of people without target history a model that knows people by their histories alone says
    # nothing but its source part, which is then its own score
    adds_up = [
        card.additive or (card.fold_in == "exact" and place not in places[1:])
        for place, card in enumerate(cards)
    ]
    titles = " or ".join(card.title for card in cards)
    by = "by how much of a person's target history is known" if cards[1:] else "whoever it is"
    return replace(
        ROUTE_CARD,
        line=f"Asks {titles}, {by}.",
        task=cards[0].task,
        has_twin=any(card.has_twin for card in cards)
        and all(
            has_stand_in(card, places, place) or card.has_twin for place, card in enumerate(cards)
        ),
        additive=all(adds_up),
        source_speaks=any(card.source_speaks for card in cards),
        new_items=all(card.new_items for card in cards),
    )


def has_stand_in(card: ModelCard, places: Sequence[int], place: int) -> bool:
    """Whether a member without a twin has something in its stead in the twin of a routed model.

    A model that never sees the source stands for itself. Of people without target history no
    target-only model knows anything, so who answers these alone is replaced by the floor.
    places: by group the place of the member it asks; place: the member's own.
    """
    return not card.cross_domain or place not in places[1:]


def check_settings(about: About) -> None:
    """Raise SettingsError where the model, or one it is made of, cannot have these settings."""
    card_of_record(about).settings.of(about["settings"])
    for member in _members(about) if about["model"] in N_MEMBERS else ():
        check_settings(member)


def build_recorded(about: About) -> CrossDomainModel:
    """The untrained model a record describes, ready to take up its state.

    Raises RunError where there are only lists.
    """
    if about["model"] == UPLOADED:
        return CARD.build(CARD.settings.of(about["settings"]))
    if about["model"] not in N_MEMBERS:
        return build(about["model"], about["settings"])
    members = _members(about)
    ordered = [reads_order(card_of_record(member)) for member in members]
    built = [build_recorded(member) for member in members]
    if about["model"] == ROUTE:
        return Routed(RouteSettings.of(about["settings"]), built, ordered)
    return Blend(BlendSettings.of(about["settings"]), built, ordered)


def answering(about: About, model: CrossDomainModel, known: int) -> tuple[CrossDomainModel, About]:
    """The model that answers somebody with so many known target items, and what describes it.

    Of a routed model that is a member, of any other the model itself.
    """
    while isinstance(model, Routed):
        place = model.asked(known)
        model, about = model.members[place], about["members"][place]
    return model, about


def reads_order(card: ModelCard) -> bool:
    """Whether a model reads histories in time order."""
    return TIMESTAMPS in card.needs


def _members(about: About, depth: int = 1) -> list[About]:
    """All members, checked all the way down."""
    members = about.get("members")
    fewest, most = N_MEMBERS[about["model"]]
    if not isinstance(members, list) or not fewest <= len(members) <= most or depth > DEEPEST:
        raise _not_told(about)
    for member in members:
        if not (
            isinstance(member, dict)
            and isinstance(member.get("model"), str)
            and isinstance(member.get("settings"), dict)
        ):
            raise _not_told(about)
        if member["model"] in N_MEMBERS:
            _members(member, depth + 1)
    return members


def _not_told(about: About) -> RunError:
    return RunError(
        what=f"The record of this {NOUNS[about['model']]} does not say what it is made of.",
        hint="Delete this run and make it of its runs again.",
    )


def _no_members(settings: BlendSettings) -> CrossDomainModel:
    raise RunError(
        what="A blend cannot be built without its two models.",
        hint="Train two runs on one split and blend them.",
    )


NOUNS = {BLEND: "blend", ROUTE: "routed run"}


def _memory(sizes: PairSizes, settings: Settings) -> int:
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


def _no_route(settings: RouteSettings) -> CrossDomainModel:
    raise RunError(
        what="A routed model cannot be built without its members.",
        hint="Train two runs on one split and route between them.",
    )


ROUTE_CARD = ModelCard(
    name=ROUTE,
    title="Routed",
    family="Made from runs",
    line="Asks one of a few trained models, by how much of a person's target history is known.",
    paper="Burke: Hybrid recommender systems, 2002 (switching)",
    differs="Which model a group of people asks was chosen on validation users of that group: the "
    "best, or an additive one within one standard error of it.",
    when="When one run is best for people whose target history is known and another for those "
    "without: one thing to serve and to export.",
    words="Both parts are those of the one model that a person's group asks, untouched. A history "
    "edited beyond the border of its group is answered by the model of its new group. Where every "
    "member's parts add up to its own score, alpha = beta = 1 is its own list.",
    settings=RouteSettings,
    build=_no_route,
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
