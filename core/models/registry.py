"""Every model by name; listing them loads no torch."""

from __future__ import annotations

from typing import Any

from core.basics.errors import SettingsError
from core.models import cmf_als, ease, edlae, item_knn, linear_map, popularity, ridge
from core.models.protocol import CrossDomainModel, ModelCard

MODULES = (popularity, item_knn, ease, edlae, ridge, cmf_als, linear_map)
CARDS: dict[str, ModelCard] = {module.CARD.name: module.CARD for module in MODULES}


def card_of(name: str) -> ModelCard:
    """The card of a model; raises SettingsError for a name that is not listed."""
    if name not in CARDS:
        raise SettingsError(
            what=f"There is no model {name!r}.", hint=f"Choose from {', '.join(CARDS)}."
        )
    return CARDS[name]


def build(name: str, values: dict[str, Any] | None = None) -> CrossDomainModel:
    """An untrained model from its name and settings given as plain values or text."""
    card = card_of(name)
    return card.build(card.settings.of(values or {}))
