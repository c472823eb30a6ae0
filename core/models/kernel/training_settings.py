"""What models can be told: settings by name, those of every network, and what counts weigh."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import Settings, setting
from core.basics.types import FloatArray
from core.data.pair import DomainPair

# Settings by name: help and bounds once, `factors(64)` in a class. Other bounds go by keyword.

# Sizes
factors = partial(setting, low=2, high=512, help="Length of every user and item vector.")
hidden = partial(setting, low=1, high=512, help="Width of the network's first layer.")
layers = partial(
    setting, low=1, high=5, help="Layers of the network, each half as wide as the one below."
)

# Training
# Where validation is still getting better after `epochs`, a fit goes on, so that patience decides
# and not the cap: run and twin need different numbers of epochs, and a cut twin makes a lift.
TIMES_AT_MOST = 5  # as many epochs in all
FEWEST_EPOCHS = 10  # a fit of fewer keeps to them: it tries out, or its epochs take minutes each
epochs = partial(
    setting,
    low=1,
    high=1000,
    help="Rounds over all users; from "
    f"{FEWEST_EPOCHS} on, up to {TIMES_AT_MOST} times as many while validation gets better.",
)
rounds = partial(setting, low=1, high=200, help="Rounds of solving users, then items.")
patience = partial(
    setting, low=1, high=100, help="Epochs without a better validation score before training ends."
)
learning_rate = partial(setting, low=1e-5, high=0.5, help="Step size of Adam.")
batch_size = partial(
    setting, low=8, high=100_000, help="Users per step; more is faster and smoother."
)
max_gradient_norm = partial(
    setting, low=1e-3, high=1e6, help="Longer gradients are shortened to this before a step."
)
weight_average = partial(
    setting,
    low=0.0,
    high=0.9999,
    help="Share of the running average of all weights that each step keeps; the average is "
    "asked in place of the last weights, which swing; 0 is off.",
)
negatives = partial(
    setting, low=1, high=100, help="Items not taken that stand beside each one taken."
)

# What keeps a model from learning by heart
weight_decay = partial(
    setting, low=0.0, high=1.0, help="Pull of every weight towards zero in each step (L2)."
)
input_dropout = partial(
    setting, low=0.0, high=0.9, help="Share of the network's inputs left out in each step."
)
item_ridge = partial(
    setting, low=1.0, high=100_000.0, help="Ridge on every item weight; more smooths more."
)
text_ridge = partial(
    setting, low=0.01, high=1e6, help="Ridge on every direction of the texts; more smooths more."
)
rating_ridge = partial(
    setting,
    low=0.01,
    high=1000.0,
    help="Ridge on vectors: they are drawn to 0 as by so many ratings that are average.",
)
bias_ridge = partial(
    setting,
    low=0.01,
    high=1000.0,
    help="Ridge on biases: they are drawn to 0 as by so many ratings that are average.",
)

# What the source counts
source_loss_weight = partial(
    setting, low=0.0, high=10.0, help="What finding source items counts beside target items."
)
source_rating_weight = partial(
    setting, low=0.001, high=10.0, help="What a source rating counts beside a target rating."
)
source_interaction_weight = partial(
    setting,
    low=0.01,
    high=5.0,
    help="What a source interaction counts beside a target one while training.",
)
source_weight = partial(
    setting,
    low=0.01,
    high=5.0,
    help="What a source item of a history counts beside a target one.",
)

solver = partial(
    setting,
    "auto",
    choices=("auto", "primal", "dual"),
    help="Invert items x items (primal) or users x users (dual); auto takes the smaller one.",
)


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """What every network can be told about its training."""

    epochs: int = epochs(40)
    patience: int = patience(12)
    learning_rate: float = learning_rate(0.01)
    weight_decay: float = weight_decay(1e-4)
    batch_size: int = batch_size(512)
    max_gradient_norm: float = max_gradient_norm(1.0)
    accumulate: int = setting(
        1,
        low=1,
        high=1000,
        help="Batches that make up one step: about as good as a larger batch, in the memory of "
        "one; several GPUs share them.",
    )
    weight_average: float = weight_average(0.0)
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


# How often somebody played or bought: what an interaction with a count weighs in training.

SETTING = "counts"  # what the setting is called, in every model that has it
ONES, LOG, SQRT = "ones", "log", "sqrt"


counts = partial(
    setting,
    ONES,
    choices=(ONES, LOG, SQRT),
    help="What an interaction weighs where the files say how often: 1, log2(1 + count), or the "
    "square root of the count. A count of 1 weighs 1 in each, and every hit is judged as one.",
)


# What is done to the training rows before a model reads them: core/models/linear/data_steps.py.

denoise = partial(
    setting,
    0.0,
    low=0.0,
    high=0.5,
    help="Share of the training rows of each domain left out as what an EASE of that domain alone "
    "finds least plausible: rare items go first. Held-out rows stay, and so does everybody's best.",
)
fill = partial(
    setting,
    0,
    low=0,
    high=200,
    help="Source rows added for each person with a source history: what an EASE of the source "
    "alone finds they would take next, each weighing what it scores, 0 to 1.",
)


def counts_of(settings: Any) -> str:
    """What the settings of any model make of counts; ONES for a model that has no such setting."""
    return str(getattr(settings, SETTING, ONES))


def counts_words(settings: type) -> str:
    """What a model can make of counts, in words for its card."""
    if not hasattr(settings, SETTING):
        return "counts as ones"
    return "counts as ones, by their logarithm or by their square root"


def weighted(train: DomainPair, how: str) -> DomainPair:
    """The pair with what each interaction weighs in place of its 1; without counts it stays 1.

    how: ONES; LOG, log2(1 + count), after the confidence of Hu, Koren, Volinsky 2008 (eq. 6); or
    SQRT.
    """
    if how == ONES:
        return train
    source, target = (
        ones if counts is None else _weighted(counts, how)
        for ones, counts in (
            (train.source, train.source_counts),
            (train.target, train.target_counts),
        )
    )
    return replace(train, source=source, target=target, source_counts=None, target_counts=None)


def _weighted(counts: csr_matrix, how: str) -> csr_matrix:
    values: FloatArray = np.log2(1 + counts.data) if how == LOG else np.sqrt(counts.data)
    data = values.astype(np.float32, copy=False)
    return csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
