"""Settings of the fine-tuned text encoder."""

from __future__ import annotations

from dataclasses import dataclass

from core.basics.settings import setting
from core.models.text.clean import READS, TITLES
from core.models.text.tuning import LAST, TUNED
from core.models.text_items import ridge_setting
from core.models.training_settings import TrainingSettings, source_weight_setting


@dataclass(frozen=True)
class FineTunedSettings(TrainingSettings):
    """What of the encoder learns, on which domain, and how fast."""

    reads: str = setting(
        TITLES, choices=READS, help="Columns of the item tables that the encoder reads."
    )
    tuned: str = setting(
        LAST,
        choices=TUNED,
        help="What may change of the encoder: all of it, its last layers, or thin products added "
        "to them. The last two are many times faster, as what lies below is worked out once.",
    )
    freeze: bool = setting(
        False,
        help="The encoder stays as it came and the layer above it learns alone: what "
        "fine-tuning must beat.",
    )
    zero_shot: bool = setting(
        False, help="Learn from the source's interactions alone and ask about the target."
    )
    source_epochs: int = setting(
        2, low=0, high=100, help="Rounds over the source's pairs before those over the target's."
    )
    epochs: int = setting(8, low=1, high=1000, help="Rounds over the pairs of both stages at most.")
    patience: int = setting(
        4, low=1, high=100, help="Epochs without a better validation score before training ends."
    )
    pairs: int = setting(
        100_000,
        low=100,
        high=100_000_000,
        help="Pairs of a history and an item left out of it in one epoch at most.",
    )
    history: int = setting(
        12, low=2, high=1000, help="Items of a history read in one step, drawn anew each time."
    )
    batch_size: int = setting(
        128, low=2, high=100_000, help="Users per step; their items are each other's wrong answers."
    )
    factors: int = setting(512, low=2, high=512, help="Length of every item's vector.")
    learning_rate: float = setting(2e-4, low=1e-6, high=0.5, help="Step size of Adam.")
    pace: float = setting(
        0.1,
        low=1e-4,
        high=1.0,
        help="Steps of the encoder's weights as a share of those of the layer above it.",
    )
    share: float = setting(
        0.5,
        low=0.0,
        high=1.0,
        help="How far what is asked stands on the way from the encoder as it came (0) to where "
        "training took it (1): between the two it keeps what it knew and has learned besides.",
    )
    weight_decay: float = setting(
        0.0, low=0.0, high=1.0, help="Pull of what is added to the encoder towards zero (L2)."
    )
    rank: int = setting(8, low=1, high=128, help="Low rank only: width of the thin products.")
    temperature: float = setting(
        0.2, low=0.01, high=5.0, help="Lower looks harder at the wrong items that score most."
    )
    power: float = setting(
        2.0,
        low=1.0,
        high=20.0,
        help="Cosines are raised to it: more listens to the nearest texts of a history alone.",
    )
    source_weight: float = source_weight_setting(0.1)
    regularization: float = ridge_setting()
