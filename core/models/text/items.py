"""Items as networks over text know them: a fixed text vector, and an id where anybody took them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import BoolArray, FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    as_like,
    history_sum,
    picked,
    scaled_rows,
    unit,
)
from core.models.kernel.losses import SPREAD, Contest, contest
from core.models.kernel.training_settings import SoftmaxSettings
from core.models.protocol import State
from core.models.text.features import domain_vectors, untaken_vectors

SOURCE_TEXT, TARGET_TEXT = "fixed.source.text", "fixed.target.text"
SOURCE_KNOWN, TARGET_KNOWN = "fixed.source.known", "fixed.target.known"
TARGET = "target"


id_dropout = partial(
    setting,
    0.3,
    low=0.0,
    high=1.0,
    help="Share of the items that stand for themselves by their text alone in each step, as a "
    "new item does; 1 learns no ids.",
)
head_ridge = partial(
    setting,
    100.0,
    low=0.01,
    high=1e6,
    help="Ridge over the vectors of the texts: less holds back more of what all titles share.",
)


def item_texts_of(train: DomainPair, settings: Any) -> State:
    """Text vectors of both domains, (n_items, width), and who is known, (n_items, 1) of 0 and 1.

    Kept among a network's weights and never trained: what was learned answers without an encoder.
    """
    source, target = domain_vectors(train, settings)
    return {
        SOURCE_TEXT: source,
        TARGET_TEXT: target,
        SOURCE_KNOWN: _known(train.source),
        TARGET_KNOWN: _known(train.target),
    }


def with_untaken(weights: State, wider: DomainPair, settings: Any, ids: tuple[str, ...]) -> State:
    """The weights with further target items: their texts, and nothing where ids would stand.

    ids: names of the tables with a row for every target item.
    """
    new = untaken_vectors(wider, len(weights[TARGET_TEXT]), settings)
    silent = {
        name: np.vstack([table, np.zeros((len(new), table.shape[1]), dtype=table.dtype)])
        for name, table in weights.items()
        if name in (TARGET_KNOWN, *ids)
    }
    return weights | silent | {TARGET_TEXT: np.vstack([weights[TARGET_TEXT], new])}


def text_read(rows: csr_matrix, texts: Array) -> Array:
    """Sum of the texts of each history, brought to size, (n, width); no gradient flows into it."""
    return history_sum(scaled_rows(rows, SPREAD), texts)


def ridge_head(texts: FloatArray, factors: int, regularization: float) -> FloatArray:
    """(width, factors) first head H, with x H H' t close to x (T'T + lambda I)^-1 t.

    What a text profile answers: the head begins where no interaction has spoken yet. The leading
    directions of the texts T; columns beyond the width are 0.
    """
    spread, directions = np.linalg.eigh(texts.T @ texts)
    leading = np.argsort(-spread)[:factors]
    scale = np.sqrt(regularization / (np.maximum(spread[leading], 0) + regularization))
    head = np.zeros((texts.shape[1], factors), dtype=np.float32)
    head[:, : len(leading)] = directions[:, leading] * scale
    return head


def through_ridge(
    source: FloatArray, target: FloatArray, regularization: float
) -> tuple[FloatArray, FloatArray]:
    """Unit vectors of both domains' items behind the `ridge_head` of the target's, zeros stay."""
    head = ridge_head(target, target.shape[1], regularization)
    return unit(source @ head), unit(target @ head)


def known_contest(
    wanted: csr_matrix, known: Array, settings: SoftmaxSettings, rng: np.random.Generator
) -> tuple[IntArray, Contest]:
    """Numbers of the items that compete, and their contest: nobody wants an item nobody took yet.

    An unknown item among the losers would be taught to be disliked.
    """
    here = np.flatnonzero(as_numbers(known))
    asked = contest(wanted[:, here], settings.softmax_items, rng)
    return (here if asked.items is None else here[asked.items]), asked


def shown_ids(
    weights: Weights,
    domain: str,
    items: IntArray | None,
    share: float,
    rng: np.random.Generator | None,
) -> Array:
    """(n_items, 1): 1 where an item's id counts, 0 for unknown ones and a random `share` of all.

    DropoutNet, Volkovs et al. 2017, sec. 4.1: the text learns to stand for an item alone.
    """
    known = weights[f"fixed.{domain}.known"]
    known = known if items is None else picked(known, items)
    if not share or rng is None:
        return known
    kept = (rng.random((len(known), 1)) >= share).astype(np.float32)
    return known * as_like(kept, known)


def as_numbers(known: Array) -> BoolArray:
    """The known items of a table of 0 and 1, (n_items,) bool."""
    table = known if isinstance(known, np.ndarray) else known.detach().cpu().numpy()
    found: BoolArray = table[:, 0] > 0
    return found


def _known(rows: csr_matrix) -> FloatArray:
    counts = np.bincount(rows.indices, minlength=rows.shape[1])
    return (counts > 0).astype(np.float32)[:, None]
