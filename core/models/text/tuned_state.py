"""What a fine-tuned text encoder keeps, and texts as the items it compares."""

from __future__ import annotations

import numpy as np

from core.basics.columns import SOURCE, TARGET
from core.basics.errors import RunError
from core.basics.types import FloatArray
from core.models.arrays import Array, Weights, as_like, unit
from core.models.protocol import State
from core.models.text.tuned_settings import FineTunedSettings
from core.models.text.tuning import BASE, tuned_weights

CENTRE, ITEMS, HEAD, FIRST_HEAD = "fixed.{}.centre", "{}.items", "head", "fixed.head"
BOTH_STAGES = (SOURCE, TARGET)  # the delta of a stage that was not trained is 0
STUDENT_TABLE = "student"  # the table that took the encoder's place, where one did


def compared_vectors(kept: State) -> tuple[FloatArray, FloatArray]:
    """Unit vectors of source and target items, (n_items, d), as they are compared.

    Raises RunError for what older versions kept.
    """
    source, target = ITEMS.format(SOURCE), ITEMS.format(TARGET)
    if source not in kept or target not in kept:
        raise RunError(
            what="This run is of an older version of its model, which kept other vectors.",
            hint="Train it again to ask it.",
        )
    return kept[source], kept[target]


def asked_weights(
    weights: Weights, stages: tuple[str, ...], settings: FineTunedSettings
) -> Weights:
    """The encoder that is asked, part of the way from the one that came to the one that was tuned.

    Wortsman et al. 2022 (WiSE-FT), eq. 1: between the two lie better ones than either.
    """
    return tuned_weights(weights, stages, settings.share * settings.pace)


def as_compared(kept: State, share: float, domain: str, encoded: FloatArray) -> FloatArray:
    """(n, d) unit vectors as items are compared, of texts of a domain as its encoder reads them.

    encoded: (n, 512), zeros where there is no text. share: how far the layer above the encoder
    stands from where it began to where training took it.
    """
    told = (np.abs(encoded).sum(axis=1, keepdims=True) > 0).astype(np.float32)
    head = kept[FIRST_HEAD] + np.float32(share) * (kept[HEAD] - kept[FIRST_HEAD])
    found: FloatArray = unit(from_centre(kept, domain, encoded, told) @ head)
    return found


def from_centre(weights: Weights, domain: str, encoded: Array, told: FloatArray) -> Array:
    """Unit vectors from the domain's centre; told: (n, 1), 0 where there is no text."""
    return unit((encoded - weights[CENTRE.format(domain)]) * as_like(told, encoded))


def base_of(weights: Weights) -> Weights:
    """The encoder's own weights, by its names for them."""
    return tuned_weights(weights, (), 0.0)


def without_base(weights: State) -> State:
    """What was learned: all but the encoder's own weights."""
    return {name: table for name, table in weights.items() if not name.startswith(BASE)}
