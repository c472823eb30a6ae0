"""Every model by name; listing them loads no torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from core.basics.errors import SettingsError
from core.models.protocol import CrossDomainModel, ModelCard, Resumable

MODULES = (  # files of this folder, in the order of the menus: a family stands together
    "popularity",
    "text_popularity",
    "item_knn",
    "ease",
    "edlae",
    "ridge",
    "feature_map",
    "cmf_als",
    "cmf",
    "linear_map",
    "emcdr",
    "ptupcdr",
    "two_tower",
    "neumf",
    "conet",
    "dtcdr",
    "feature_fusion",
    "multi_task",
    "mult_vae",
    "sasrec",
    "lightgcn",
    "bitgcf",
    "text_profile",
    "text_neighbours",
    "text_ridge",
    "text_tower",
    "text_fusion",
    "fine_tuned",
    "kgat",
    "adversarial",
    "distilled",
    "bias",
    "mf_rating",
    "cmf_rating",
    "cmf_rating_adam",
    "neumf_rating",
    "clfm",
)
CARDS: dict[str, ModelCard] = {name: import_module(f"core.models.{name}").CARD for name in MODULES}


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
