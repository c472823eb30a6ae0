"""A tower over text vectors, alone or fused with interactions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    concatenated,
    dense,
    dense_weights,
    normal_table,
    picked,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import contest_memory, drawn_vectors, read
from core.models.kernel.pair_network import (
    Drop,
    drawn_pairs,
    dropout,
    halved,
    over_all_items,
    tower,
    tower_weights,
    unchanged,
)
from core.models.kernel.training_settings import (
    SoftmaxSettings,
    TrainingSettings,
    batch_size,
    factors,
    hidden,
    input_dropout,
    layers,
    learning_rate,
    negatives,
    patience,
    source_loss_weight,
    weight_average,
    weight_decay,
)
from core.models.protocol import ITEM_TEXT, ModelCard, Network, PairSizes, State
from core.models.text.features import TextSettings
from core.models.text.items import (
    SOURCE_TEXT,
    TARGET_KNOWN,
    TARGET_TEXT,
    as_numbers,
    head_ridge,
    id_dropout,
    item_texts_of,
    known_contest,
    ridge_head,
    shown_ids,
    text_read,
    with_untaken,
)
from core.models.text.profile import text_memory


@dataclass(frozen=True)
class TextTowerSettings(SoftmaxSettings, TextSettings):
    """Sizes, loss and speed of the training."""

    factors: int = factors(64)
    weight_average: float = weight_average(0.95)
    source_loss_weight: float = source_loss_weight(0.2)
    id_dropout: float = id_dropout()
    regularization: float = head_ridge()


class TextTower(Network):
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

    def widened(self, state: State, wider: DomainPair) -> State:
        """Further items stand for themselves by their texts alone."""
        return with_untaken(state, wider, self.settings, ("target.read", "target.found"))

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


TOWER_CARD = ModelCard(
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


# Text-and-ID fusion: ids and texts of a user and an item side by side before a network.

REACH = 2.0  # length of a user's vectors before the network


@dataclass(frozen=True)
class TextFusionSettings(TrainingSettings, TextSettings):
    """Sizes, negatives and speed of the training."""

    learning_rate: float = learning_rate(0.003)
    weight_decay: float = weight_decay(1e-5)
    patience: int = patience(4)
    batch_size: int = batch_size(64)
    factors: int = setting(64, low=2, high=512, help="Length of every id and text embedding.")
    hidden: int = hidden(32)
    layers: int = layers(2)
    negatives: int = negatives(8)
    dropout: float = input_dropout(0.0)
    id_dropout: float = id_dropout()


class TextFusion(Network):
    """score = MLP([p_u, t_u, q_i, t_i]): ids p, q and embedded texts t, one beside the other.

    The concatenated form of neural collaborative filtering (He et al. 2017, eq. 10) with texts as
    further inputs. p_u is the sum of id vectors of both histories, t_u that of their texts. The
    first layer is what it makes of the user plus what it makes of the item, so scoring everything
    costs the layers above it alone. The id and the bias of an item nobody took are left out.
    """

    def __init__(self, settings: TextFusionSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Texts, id tables, the embedding of texts, and the network."""
        d, n_source, n_target = self.settings.factors, train.source.shape[1], train.target.shape[1]
        widths = halved(self.settings.hidden, self.settings.layers)
        texts = item_texts_of(train, self.settings)
        return {
            **texts,
            "source.read": normal_table(n_source, d, rng),
            "target.read": normal_table(n_target, d, rng),
            "target.found": normal_table(n_target, d, rng),
            "target.bias": np.zeros((n_target, 1), dtype=np.float32),
            "text.embedding": ridge_head(texts[TARGET_TEXT], d, 100.0),
            **dense_weights("user", 2 * d, widths[0], rng),
            **dense_weights("item", 2 * d, widths[0], rng),
            **tower_weights("mlp", (*widths, 1), rng),
        }

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Cross-entropy of hidden items and of drawn ones; He et al. 2017, eq. 7."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        known = np.flatnonzero(as_numbers(weights[TARGET_KNOWN]))  # nobody could take the others
        pairs = drawn_pairs(
            batch.target_shown, batch.target_wanted, self.settings.negatives, batch.rng, known
        )
        drop = dropout(self.settings.dropout, batch.rng)
        numbers, places = np.unique(pairs.items, return_inverse=True)
        found = self._items(weights, numbers, self.settings.id_dropout, batch.rng)
        items = picked(found, places.reshape(pairs.items.shape))  # (n_pairs, 1 + negatives, …)
        logits = self._network(weights, picked(users, pairs.rows)[:, None], items, drop)
        return pairs.loss(logits, "cross-entropy")

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """What the first layer makes of ids and texts of both histories, (n, width)."""
        ids = read(source, weights["source.read"]) + read(target, weights["target.read"])
        texts = text_read(source, weights[SOURCE_TEXT]) + text_read(target, weights[TARGET_TEXT])
        texts = texts @ weights["text.embedding"]
        return dense(weights, "user", REACH * concatenated(unit(ids), unit(texts)))

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Log-odds of liking each item."""
        return over_all_items(
            lambda some, beside: self._network(weights, some, beside),
            users,
            self._items(weights, items),
        )

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors | None:
        """None: no distance between a user and an item says how well they match."""
        return None

    def widened(self, state: State, wider: DomainPair) -> State:
        """Further items stand for themselves by their texts alone, without id and bias."""
        tables = ("target.read", "target.found", "target.bias")
        return with_untaken(state, wider, self.settings, tables)

    def _items(
        self,
        weights: Weights,
        items: IntArray | None,
        dropped: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """What the first layer makes of each item, and its bias, (n_items, width + 1)."""
        tables = [weights[name] for name in (TARGET_TEXT, "target.found", "target.bias")]
        texts, ids, bias = tables if items is None else (picked(one, items) for one in tables)
        counted = shown_ids(weights, "target", items, dropped, rng)
        both = concatenated(counted * ids, texts @ weights["text.embedding"])
        return concatenated(dense(weights, "item", both), counted * bias)

    def _network(
        self, weights: Weights, users: Array, items: Array, drop: Drop = unchanged
    ) -> Array:
        """The network's answer and the item's bias; the last column of items is that bias."""
        return tower(weights, "mlp", users + items[..., :-1], drop)[..., 0] + items[..., -1]


def _fusion_memory(sizes: PairSizes, settings: TextFusionSettings) -> int:
    tables = settings.factors * (sizes.source_items + 2 * sizes.target_items)
    a_user = 1 + sizes.target_rows // max(sizes.users, 1)  # positives of a usual user
    pairs = a_user * (1 + settings.negatives)
    cells = pairs * (512 + 2 * settings.factors + 3 * settings.hidden)
    training = gradient_memory(sizes, tables, cells, settings.batch_size)
    return training + 2 * text_memory(sizes, settings)


FUSION_CARD = ModelCard(
    name="text_fusion",
    title="Text-and-ID fusion",
    family="Text",
    line="Ids and texts of a user and an item, side by side, go through fully connected layers.",
    paper="He et al.: Neural collaborative filtering, WWW 2017; Volkovs et al.: DropoutNet: "
    "addressing cold start in recommender systems, NIPS 2017",
    differs="A user's id embedding is the sum of the id vectors of both histories, so that nobody "
    "needs to have been there while training; texts enter as fixed vectors behind one learned "
    "layer; a drawn item that was taken is drawn once more.",
    when="To see what the common design of text beside ids gives; slower to ask than towers.",
    words="The score is a network's answer and not a sum. Each part is the score with the other "
    "domain's history silenced; parts are standardised per user before they are weighed.",
    settings=TextFusionSettings,
    build=lambda settings: GradientModel(TextFusion(settings)),
    memory=_fusion_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    needs=(ITEM_TEXT,),
    new_items=True,
    gradient=True,
)
