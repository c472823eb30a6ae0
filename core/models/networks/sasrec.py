"""Attention over histories: both domains' items as one sequence, read in time order."""

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
    as_like,
    concatenated,
    dense,
    dense_weights,
    layer_norm,
    normal_table,
    picked,
    relu,
    shifted_back,
    softmax,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import cosine_softmax, cosines, sampled_softmax
from core.models.kernel.training_settings import SoftmaxSettings, epochs, learning_rate
from core.models.protocol import TIMESTAMPS, ModelCard, Network, PairSizes, State

# Both histories of a user as one sequence in time order.

PADDING = 0


def joint_sequences(source: csr_matrix, target: csr_matrix, length: int) -> IntArray:
    """The last `length` items of every user, the latest last, (n, length) item numbers.

    Source items are numbered from 1, target items go on after them, PADDING fills the front.
    Stored values are places in time, larger is later; equal ones stand by item number, the source
    first.
    """
    n_source = source.shape[1]
    rows = np.concatenate([_row_of(source), _row_of(target)])
    items = np.concatenate([source.indices + 1, target.indices + 1 + n_source])
    order = np.lexsort((items, np.concatenate([source.data, target.data]), rows))
    counts = np.bincount(rows, minlength=source.shape[0])
    ends = np.cumsum(counts)
    from_end = np.repeat(ends, counts) - np.arange(len(rows))  # 1 is the latest
    kept = from_end <= length
    found = np.full((source.shape[0], length), PADDING, dtype=np.int64)
    found[rows[order][kept], length - from_end[kept]] = items[order][kept]
    return found


def _row_of(rows: csr_matrix) -> IntArray:
    return np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))


ATTENTION, CONVOLUTION = "attention", "convolution"
NEVER = -1e9  # added to a logit that must not count


@dataclass(frozen=True)
class SasRecSettings(SoftmaxSettings):
    """Sizes, encoder, loss and speed of the training."""

    factors: int = setting(64, low=2, high=512, help="Length of every item vector.")
    length: int = setting(50, low=2, high=500, help="How many of the latest items are read.")
    layers: int = setting(2, low=1, high=8, help="How many encoder layers stand on each other.")
    encoder: str = setting(
        ATTENTION,
        choices=(ATTENTION, CONVOLUTION),
        help="Self-attention looks at every earlier item; convolution at the nearest ones.",
    )
    width: int = setting(
        3, low=2, high=9, help="Convolution only: how many neighbouring items a filter reads."
    )
    negatives: int = setting(
        512, low=1, high=20_000, help="Items of each domain drawn for a batch, to be told apart."
    )
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0, help="What a next source item counts beside a next target item."
    )
    next_item_weight: float = setting(
        1.0, low=0.0, high=10.0, help="What telling the next item at every place counts."
    )
    whole_history_weight: float = setting(
        0.1,
        low=0.0,
        high=10.0,
        help="What telling the whole history, hidden items too, after the latest item counts.",
    )
    interaction_dropout: float = setting(
        0.2,
        low=0.0,
        high=0.95,
        help="Share of each history hidden from the network, drawn anew every epoch; more breaks "
        "the order it is to learn.",
    )
    epochs: int = epochs(60)
    learning_rate: float = learning_rate(3e-3)
    batch_size: int = setting(128, low=8, high=100_000, help="Users per step.")


class SasRec(Network):
    """Kang and McAuley 2018 (SASRec), sec. III, on the joint sequence of both domains.

    Every place predicts the item after it among items of its own domain. With the convolution:
    causal filters, dilated by 1, 2, 4, …, and residual connections, Yuan et al. 2019 (NextItNet),
    sec. 3.2.
    """

    def __init__(self, settings: SasRecSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Item vectors of both domains, places, and the layers."""
        settings, d = self.settings, self.settings.factors
        weights = {
            "source.items": normal_table(train.source.shape[1], d, rng),
            "target.items": normal_table(train.target.shape[1], d, rng),
            "places": normal_table(settings.length, d, rng, 0.02),
        }
        for layer in range(settings.layers):
            weights |= self._layer(f"layer{layer}", rng)
        return weights

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """The next item at every place, and the whole histories after the latest one."""
        shown = joint_sequences(batch.source_shown, batch.target_shown, self.settings.length + 1)
        states = unit(self._encoded(weights, shown[:, 1:]))
        loss, n_source = states.sum() * 0.0, len(weights["source.items"])
        for domain, first, wanted, weight in (
            ("source", 1, batch.source_wanted, self.settings.source_loss_weight),
            ("target", 1 + n_source, batch.target_wanted, 1.0),
        ):
            items = unit(weights[f"{domain}.items"])
            if not (weight and wanted.nnz):
                continue
            if self.settings.next_item_weight:
                following = shown[:, 2:] - first  # item numbers of this domain, else outside
                following = self._next_item(states[:, :-1], shown[:, 1:-1], following, items, batch)
                loss = loss + weight * self.settings.next_item_weight * following
            if self.settings.whole_history_weight:
                found = weights[f"{domain}.items"]
                whole = cosine_softmax(states[:, -1], found, wanted, batch.rng, self.settings)
                loss = loss + weight * self.settings.whole_history_weight * whole
        return loss

    def _next_item(
        self, states: Array, read: IntArray, following: IntArray, items: Array, batch: Batch
    ) -> Array:
        """Sampled softmax wherever an item of this domain follows an item; (n, length) numbers."""
        here = (read != PADDING) & (following >= 0) & (following < len(items))
        if not here.any():
            return states.sum() * 0.0
        reached = states[np.nonzero(here)]  # (places, d)
        drawn = batch.rng.integers(0, len(items), self.settings.negatives)
        wins = (reached * picked(items, following[here])).sum(-1)
        rest = reached @ picked(items, drawn).T
        return sampled_softmax(wins / self.settings.temperature, rest / self.settings.temperature)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """The state after the latest item, (n, d)."""
        read = joint_sequences(source, target, self.settings.length)
        return unit(self._encoded(weights, read)[:, -1])

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines with the target items."""
        return cosines(users, weights["target.items"], items)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items, and users as either history alone leaves them."""
        nothing = [
            csr_matrix(rows.shape, dtype=np.float32) for rows in (train.source, train.target)
        ]
        return Vectors(
            source_items=unit(weights["source.items"]),
            target_items=unit(weights["target.items"]),
            source_users=self.users(weights, train.source, nothing[1], None),
            target_users=self.users(weights, nothing[0], train.target, None),
        )

    def _layer(self, name: str, rng: np.random.Generator) -> Weights:
        d = self.settings.factors
        weights: Weights = {}
        if self.settings.encoder == ATTENTION:
            for role in ("query", "key", "value"):
                weights |= dense_weights(f"{name}.{role}", d, d, rng)
        else:
            weights |= dense_weights(f"{name}.filter", self.settings.width * d, d, rng)
        for norm in ("first", "second"):
            weights[f"{name}.{norm}.scale"] = np.ones(d, dtype=np.float32)
            weights[f"{name}.{norm}.shift"] = np.zeros(d, dtype=np.float32)
        for role in ("wide", "narrow"):
            weights |= dense_weights(f"{name}.{role}", d, d, rng)
        return weights

    def _encoded(self, weights: Weights, read: IntArray) -> Array:
        """State at every place, (n, length, d), from item numbers (n, length)."""
        source, target = weights["source.items"], weights["target.items"]
        n_source = len(source)
        is_source = (read > PADDING) & (read <= n_source)
        is_target = read > n_source
        known = as_like((is_source | is_target)[..., None].astype(np.float32), target)
        vectors = 0.0
        for table, here, first in ((source, is_source, 1), (target, is_target, 1 + n_source)):
            if len(table):
                mask = as_like(here[..., None].astype(np.float32), target)
                vectors = vectors + picked(table, np.where(here, read - first, 0)) * mask
        states = (vectors + weights["places"]) * known
        for layer in range(self.settings.layers):
            name = f"layer{layer}"
            normed = layer_norm(weights, f"{name}.first", states)
            if self.settings.encoder == ATTENTION:
                states = states + self._attended(weights, name, normed, read != PADDING)
            else:
                states = states + self._convolved(weights, name, normed * known, 2**layer)
            normed = layer_norm(weights, f"{name}.second", states)
            wide = relu(dense(weights, f"{name}.wide", normed))
            states = (states + dense(weights, f"{name}.narrow", wide)) * known
        return states

    def _attended(self, weights: Weights, name: str, states: Array, known: Array) -> Array:
        """Each place looks at itself and earlier ones: eq. 2 and 3, one head."""
        query, key, value = (
            dense(weights, f"{name}.{role}", states) for role in ("query", "key", "value")
        )
        length = states.shape[1]
        earlier = np.tril(np.ones((length, length), dtype=bool))
        allowed = earlier[None] & (known[:, None, :] | np.eye(length, dtype=bool)[None])
        logits = query @ key.swapaxes(-1, -2) / np.float32(np.sqrt(states.shape[2]))
        closed = np.where(allowed, 0.0, NEVER).astype(np.float32)
        return softmax(logits + as_like(closed, logits)) @ value

    def _convolved(self, weights: Weights, name: str, states: Array, dilation: int) -> Array:
        """A filter over the place itself and those `dilation`, 2 × `dilation`, … before it."""
        shifted = [shifted_back(states, step * dilation) for step in range(self.settings.width)]
        return relu(dense(weights, f"{name}.filter", concatenated(*shifted)))


def _memory(sizes: PairSizes, settings: SasRecSettings) -> int:
    items, d = sizes.source_items + sizes.target_items, settings.factors
    parameters = items * d + settings.layers * 6 * d * d
    cells = settings.length * (2 * settings.negatives + settings.layers * (8 * d + settings.length))
    return gradient_memory(sizes, parameters, cells, settings.batch_size)


CARD = ModelCard(
    name="sasrec",
    title="Attention over histories",
    family="Sequences",
    line="Reads the items of both domains in time order and says what comes next.",
    paper="Kang and McAuley: Self-attentive sequential recommendation, ICDM 2018; Yuan et al.: A "
    "simple convolutional generative network for next item recommendation, WSDM 2019",
    differs="One sequence holds the items of both domains; beside the next item the latest state "
    "tells the whole history, hidden items too; softmax on cosines instead of one negative each; "
    "one attention head, and hidden interactions in place of dropout inside the layers.",
    when="When both files have times and order matters; best judged on a temporal split. Where "
    "people rate many items at one sitting, order carries nothing: on a temporal split of the "
    "movielens pair shuffled histories do as well.",
    words="The score is not a sum. Each part is the score after the sequence of one domain alone; "
    "parts are standardised per user before they are weighed.",
    settings=SasRecSettings,
    build=lambda settings: GradientModel(SasRec(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
    needs=(TIMESTAMPS,),
)
