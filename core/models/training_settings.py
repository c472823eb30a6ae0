"""What every model trained by gradients can be told about its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.basics.settings import Settings, setting


def source_weight_setting(default: float) -> Any:
    """What a model that sums over both histories' items counts a source item."""
    return setting(
        default,
        low=0.01,
        high=5.0,
        help="What a source item of a history counts beside a target one.",
    )


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """What every network can be told about its training."""

    epochs: int = setting(40, low=1, high=1000, help="Rounds over all users at most.")
    patience: int = setting(
        12, low=1, high=100, help="Epochs without a better validation score before training ends."
    )
    learning_rate: float = setting(0.01, low=1e-5, high=0.5, help="Step size of Adam.")
    weight_decay: float = setting(
        1e-4, low=0.0, high=1.0, help="Pull of every weight towards zero in each step (L2)."
    )
    batch_size: int = setting(
        512, low=8, high=100_000, help="Users per step; more is faster and smoother."
    )
    max_gradient_norm: float = setting(
        1.0, low=1e-3, high=1e6, help="Longer gradients are shortened to this before a step."
    )
    accumulate: int = setting(
        1,
        low=1,
        high=1000,
        help="Batches that make up one step: about as good as a larger batch, in the memory of "
        "one; several GPUs share them.",
    )
    weight_average: float = setting(
        0.0,
        low=0.0,
        high=0.9999,
        help="Share of the running average of all weights that each step keeps; the average is "
        "asked in place of the last weights, which swing; 0 is off.",
    )
    interaction_dropout: float = setting(
        0.5,
        low=0.0,
        high=0.95,
        help="Share of each history hidden from the network, drawn anew every epoch: it learns "
        "to fill gaps.",
    )
    history_dropout: float = setting(
        0.0,
        low=0.0,
        high=0.95,
        help="Share of shared users shown by their source history alone, as cold users will be.",
    )
    perturbation: float = setting(
        0.0,
        low=0.0,
        high=10.0,
        help="Adversarial training: how far vectors are pushed the wrong way; 0 is off.",
    )
    pseudo_labels: int = setting(
        0,
        low=0,
        high=50,
        help="Self-training: confident items added for a user with few interactions; 0 is off.",
    )


@dataclass(frozen=True)
class SoftmaxSettings(TrainingSettings):
    """What a network can be told whose wanted items compete with all others in a softmax."""

    temperature: float = setting(
        0.2, low=0.01, high=2.0, help="Lower looks harder at the most similar wrong items."
    )
    softmax_items: int = setting(
        4096,
        low=16,
        high=10_000_000,
        help="In a catalogue of more than twice as many items, the wanted ones of a batch compete "
        "with this many drawn ones, which stand for the rest; fewer is faster.",
    )
