"""The table of models as Markdown: what the README shows, made from the cards."""

from __future__ import annotations

from core.models.protocol import ModelCard
from core.models.registry import CARDS

HEAD = ("name", "model", "family", "when to use it", "needs", "additive", "paper")


def model_table() -> str:
    """One row per model, in the order of the menus."""
    rows = [HEAD, ("---",) * len(HEAD), *(_row(card) for card in CARDS.values())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(card: ModelCard) -> tuple[str, ...]:
    needs = list(card.needs) or ["–"]
    additive = "yes" if card.additive else "no"
    cells = (card.title, card.family, card.when, ", ".join(needs), additive, card.paper)
    return (f"`{card.name}`", *(cell.replace("|", "\\|") for cell in cells))
