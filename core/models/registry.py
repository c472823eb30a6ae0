"""Every model by name; listing them loads no torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from core.basics.errors import SettingsError
from core.models.protocol import CrossDomainModel, ModelCard, Resumable

MODELS = (  # where each card stands, in the order of the menus: a family stands together
    "linear.popularity.CARD",
    "text.profile.TEXT_POPULARITY_CARD",
    "linear.item_knn.CARD",
    "linear.user_knn.CARD",
    "linear.ease.EASE_CARD",
    "linear.ease.EDLAE_CARD",
    "linear.ridge.CARD",
    "factors.feature_map.CARD",
    "factors.cmf_als.CARD",
    "factors.cmf.CARD",
    "factors.linear_map.CARD",
    "factors.bridges.EMCDR_CARD",
    "factors.bridges.PTUPCDR_CARD",
    "networks.two_tower.CARD",
    "networks.neumf.CARD",
    "networks.conet.CARD",
    "networks.dtcdr.CARD",
    "networks.feature_fusion.CARD",
    "networks.multi_task.CARD",
    "networks.mult_vae.CARD",
    "networks.sasrec.CARD",
    "graphs.lightgcn.LIGHTGCN_CARD",
    "graphs.lightgcn.BITGCF_CARD",
    "text.profile.PROFILE_CARD",
    "text.profile.NEIGHBOURS_CARD",
    "text.ridge.CARD",
    "text.tower.TOWER_CARD",
    "text.tower.FUSION_CARD",
    "text.fine_tuned.CARD",
    "graphs.kgat.CARD",
    "networks.adversarial.CARD",
    "networks.distilled.CARD",
    "ratings.bias.CARD",
    "ratings.factors.MF_RATING_CARD",
    "ratings.factors.CMF_RATING_CARD",
    "ratings.cmf_rating_adam.CARD",
    "ratings.neumf_rating.CARD",
    "ratings.clfm.CARD",
)


def _card(place: str) -> ModelCard:
    module, name = place.rsplit(".", 1)
    card: ModelCard = getattr(import_module(f"core.models.{module}"), name)
    return card


CARDS: dict[str, ModelCard] = {card.name: card for card in map(_card, MODELS)}


def card_of(name: str) -> ModelCard:
    """The card of a model; raises SettingsError for a name that is not listed."""
    if name not in CARDS:
        raise SettingsError(
            what=f"There is no model {name!r}.", hint=f"Choose from {', '.join(CARDS)}."
        )
    return CARDS[name]


def build(
    name: str, values: dict[str, Any] | None = None, device: str = "auto"
) -> CrossDomainModel:
    """An untrained model from its name and settings given as plain values or text.

    device: "auto", "cpu" or "cuda", for models trained on torch; others know only the CPU.
    """
    card = card_of(name)
    model = card.build(card.settings.of(values or {}))
    if card.gradient:
        cast(Resumable, model).device = device
    return model
