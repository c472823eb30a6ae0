"""All metrics there are: loads the modules of this folder, in which `@metric` lists them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from core.metrics.card import CARDS, MetricCard

GROUPS: dict[str, str] = {
    "ranking": "ranking",
    "rating": "ratings",
    "further": "further ranking",
    "area": "areas under the curve",
    "diversity": "variety",
    "surprise": "surprise",
    "popularity": "popularity",
    "mix": "categories and change",
    "fairness": "fairness",
    "classification": "classification",
    "trade-off": "trade-off",
}  # what a person calls each group of cards, in the order of the menus

# In a group metrics stand in the order of these modules, each from top to bottom, whichever was
# loaded first; those of any other module come after.
_ORDER = ("ranking", "further", "lists", "catalogue", "mix", "fairness", "classification")

for _path in sorted(Path(__file__).parent.glob("*.py")):
    if _path.stem not in ("__init__", "registry"):
        import_module(f"{__package__}.{_path.stem}")
_places = {f"{__package__}.{name}": place for place, name in enumerate(_ORDER)}
_cards = sorted(CARDS, key=lambda card: _places.get(card.function.__module__, len(_ORDER)))

METRICS: dict[str, MetricCard] = {
    card.name: card for card in sorted(_cards, key=lambda card: list(GROUPS).index(card.group))
}
PER_USER = {card.name: card for card in _cards if card.of}  # a value per user, made of lists
CATALOGUE = {card.name: card for card in _cards if card.of_all}  # one of all lists together


def metric_card(column: str) -> MetricCard:
    """The card behind a column such as "ndcg@10"; raises KeyError for an unknown metric."""
    return METRICS[column.split("@")[0]]


def metric_title(column: str) -> str:
    """How a person reads a column: "ndcg@10" is nDCG@10."""
    name, _, k = column.partition("@")
    return METRICS[name].titled(k)
