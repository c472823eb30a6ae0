"""Two towers over texts and ids: a new item is found by its text alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.arrays import Array, Weights, normal_table, picked, unit
from core.models.batches import Batch
from core.models.cosine import contest_memory, drawn_vectors, read
from core.models.gradient import GradientModel
from core.models.protocol import ITEM_TEXT, ModelCard, PairSizes, State
from core.models.text.features import TextSettings
from core.models.text_items import (
    SOURCE_TEXT,
    TARGET_TEXT,
    id_dropout_setting,
    item_texts_of,
    known_contest,
    ridge_head,
    ridge_setting,
    shown_ids,
    text_read,
)
from core.models.text_profile import text_memory
from core.models.training_settings import SoftmaxSettings


@dataclass(frozen=True)
class TextTowerSettings(SoftmaxSettings, TextSettings):
    """Sizes, loss and speed of the training."""

    factors: int = setting(64, low=2, high=512, help="Length of every user and item vector.")
    weight_average: float = setting(
        0.95,
        low=0.0,
        high=0.9999,
        help="Share of the running average of all weights that each step keeps; the average is "
        "asked in place of the last weights, which swing; 0 is off.",
    )
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0, help="What finding source items counts beside target items."
    )
    id_dropout: float = id_dropout_setting()
    regularization: float = ridge_setting()


class TextTower:
    """item = id + W text, user = sum of the items of both histories; score: their cosine.

    Yi et al. 2019, sec. 3, with content beside the id as in Covington et al. 2016, sec. 3.3. One W
    for both domains reads histories, another one the items to be found. The id of an item that
    nobody took is left out, and so is a share of all ids in each step (Volkovs et al. 2017).
    """

    def __init__(self, settings: TextTowerSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Texts, four tables of ids, and the two heads, both from a ridge over the texts."""
        d, texts = self.settings.factors, item_texts_of(train, self.settings)
        sizes = {"source": train.source.shape[1], "target": train.target.shape[1]}
        ids = {
            f"{domain}.{role}": normal_table(size, d, rng)
            for role in ("read", "found")
            for domain, size in sizes.items()
        }
        head = ridge_head(texts[TARGET_TEXT], d, self.settings.regularization)
        return (
            texts
            | ids
            | {
                "text.read": head,
                "text.found": head.copy(),
                "source.common": np.zeros(d, dtype=np.float32),
                "target.common": np.zeros(d, dtype=np.float32),
            }
        )

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Softmax over the known items of either domain."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        loss = self._loss(weights, "target", users, batch.target_wanted, batch)
        if batch.source_wanted.nnz and (weight := self.settings.source_loss_weight):
            source = self._loss(weights, "source", users, batch.source_wanted, batch)
            loss = loss + weight * source
        return loss

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors, (n, d)."""
        texts = text_read(source, weights[SOURCE_TEXT]) + text_read(target, weights[TARGET_TEXT])
        ids = read(source, weights["source.read"]) + read(target, weights["target.read"])
        return unit(texts @ weights["text.read"] + ids)

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        return users @ self._found(weights, "target", items).T

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items as they are found, and users as either history draws them."""
        source, target = (self._found(weights, domain, None) for domain in ("source", "target"))
        return drawn_vectors(self, weights, train, source, target)

    def _loss(
        self, weights: Weights, domain: str, users: Array, wanted: csr_matrix, batch: Batch
    ) -> Array:
        known = weights[f"fixed.{domain}.known"]
        items, asked = known_contest(wanted, known, self.settings, batch.rng)
        found = self._found(weights, domain, items, self.settings.id_dropout, batch.rng)
        return asked.loss(users @ found.T / self.settings.temperature)

    def _found(
        self,
        weights: Weights,
        domain: str,
        items: IntArray | None,
        dropped: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Items as they are found, unit vectors (n_items, d); `dropped` of their ids left out."""
        texts, ids = weights[f"fixed.{domain}.text"], weights[f"{domain}.found"]
        if items is not None:
            texts, ids = picked(texts, items), picked(ids, items)
        counted = shown_ids(weights, domain, items, dropped, rng)
        return unit(texts @ weights["text.found"] + weights[f"{domain}.common"] + counted * ids)


def _memory(sizes: PairSizes, settings: TextTowerSettings) -> int:
    items = sizes.source_items + sizes.target_items
    training = contest_memory(sizes, settings, (2 * settings.factors + 512) * items)
    return training + text_memory(sizes, settings)


CARD = ModelCard(
    name="text_tower",
    title="Text and ID two-tower",
    family="Text",
    line="Two towers whose items are an id vector and a learned reading of their text.",
    paper="Yi et al.: Sampling-bias-corrected neural modeling for large corpus item "
    "recommendations, RecSys 2019; Volkovs et al.: DropoutNet: addressing cold start in "
    "recommender systems, NIPS 2017",
    differs="The reading of a text is one linear layer over a fixed vector, the same for both "
    "domains, begun at a ridge over the texts; ids are left out item by item while training, and "
    "of items nobody took always.",
    when="Where many items are new or rarely taken, and the rest should not lose by it.",
    words="The score is a cosine and not a sum. Each part is the score with the other domain's "
    "history silenced; parts are standardised per user before they are weighed.",
    settings=TextTowerSettings,
    build=lambda settings: GradientModel(TextTower(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    needs=(ITEM_TEXT,),
    new_items=True,
    gradient=True,
)
