"""CoNet: a network per domain, and connections by which each hears the other layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import IntArray
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    concatenated,
    dense_weights,
    history_sum,
    normal_table,
    picked,
    relu,
    scaled_rows,
    stacked,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.pair_network import drawn_pairs, halved, over_all_items
from core.models.kernel.training_settings import (
    TrainingSettings,
    batch_size,
    factors,
    negatives,
    source_loss_weight,
    weight_decay,
)
from core.models.protocol import Finding, ModelCard, Network, PairSizes, State

SPREAD, AVERAGE = 0.5, 1.0  # powers of the history's length by which its sum is divided
SOURCE, TARGET = "source", "target"
OTHER = {SOURCE: TARGET, TARGET: SOURCE}


@dataclass(frozen=True)
class CoNetSettings(TrainingSettings):
    """Sizes, cross connections and speed of the training."""

    weight_decay: float = weight_decay(1e-6)
    batch_size: int = batch_size(64)
    factors: int = factors(32, low=1)
    hidden: int = setting(16, low=1, high=512, help="Width of either network's first layer.")
    layers: int = setting(
        2, low=1, high=5, help="Layers of either network, each half as wide as the one below."
    )
    negatives: int = negatives(4)
    sparsity: float = setting(
        0.3,  # on validation of a real pair as good as 0, with more than half of them at zero
        low=0.0,
        high=10.0,
        help="Pull of every cross connection towards zero (L1): a step takes learning_rate times "
        "this from its size, and what would turn its sign becomes exactly 0; 0 lets all live.",
    )
    source_loss_weight: float = source_loss_weight(0.2)


class CoNet(Network):
    """a_t' = relu(W_t a_t + H a_s) and a_s' = relu(W_s a_s + H a_t): Hu et al. 2018, eq. 6-7.

    H is the same both ways and sparse (SCoNet, eq. 8): its |H| is followed by a proximal step, so
    that connections are exactly 0 and not only small. A network starts from a user's history in
    its own domain and an item, [u, v]; the one that is not asked reads the mean item of the
    history in place of v. The source reaches the target's answer through H alone.
    """

    def __init__(self, settings: CoNetSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Per domain two tables and its layers; between the domains one H per layer."""
        d = self.settings.factors
        widths = (2 * d, *halved(self.settings.hidden, self.settings.layers))
        weights: State = {}
        for domain, rows in ((SOURCE, train.source), (TARGET, train.target)):
            weights[f"{domain}.read"] = normal_table(rows.shape[1], d, rng)
            weights[f"{domain}.found"] = normal_table(rows.shape[1], d, rng)
            weights[f"{domain}.popular"] = np.zeros(rows.shape[1], dtype=np.float32)
            weights |= dense_weights(f"{domain}.out", widths[-1], 1, rng)
        for layer in range(1, len(widths)):
            wide, narrow = widths[layer - 1 : layer + 1]
            for domain in (SOURCE, TARGET):
                weights |= dense_weights(f"{domain}.{layer}", wide, narrow, rng)
            cross = dense_weights("cross", wide, narrow, rng)["cross.weight"]
            weights[f"cross.{layer}"] = cross
        return weights

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Cross-entropy of both domains' pairs; |H| of eq. 8 is followed in `after_step`."""
        histories = {SOURCE: batch.source_shown, TARGET: batch.target_shown}
        loss = self._task(weights, histories, TARGET, batch.target_wanted, batch.rng)
        if batch.source_wanted.nnz and self.settings.source_loss_weight:
            source = self._task(weights, histories, SOURCE, batch.source_wanted, batch.rng)
            loss = loss + self.settings.source_loss_weight * source
        return loss

    def after_step(self, weights: Weights) -> None:
        """Soft-threshold every H: the proximal operator of sparsity |H|.

        Beck and Teboulle 2009 (ISTA), eq. 1.5. A gradient of |H| swings around 0 and never stays
        there. As weight decay in AdamW, the pull stays outside Adam's scaling.
        """
        import torch

        reach = self.settings.learning_rate * self.settings.sparsity
        for cross in _crossing(weights):
            cross.copy_(torch.nn.functional.softshrink(cross, reach))

    def findings(self, weights: State, train: DomainPair) -> list[Finding]:
        """How many cross connections are zero, of how many."""
        crossing = np.concatenate([cross.ravel() for cross in _crossing(weights)])
        return [
            Finding(
                "Cross connections at zero",
                float((crossing == 0).mean()),
                f"Share of the {len(crossing):,} cross connections that are exactly 0, so that "
                "nothing crosses there: 0 is dense, 1 is two networks that never meet.",
            )
        ]

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """What both first layers make of the histories where a target item is asked for."""
        return self._users(weights, {SOURCE: source, TARGET: target}, TARGET)

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Log-odds of liking each item."""
        return over_all_items(
            lambda some, beside: self._answer(weights, some, beside, TARGET),
            users,
            self._items(weights, TARGET, items),
        )

    def vectors(self, weights: Weights, train: DomainPair) -> None:
        """None: no distance between a user and an item says how well they match."""
        return

    def _task(
        self,
        weights: Weights,
        histories: dict[str, csr_matrix],
        domain: str,
        wanted: csr_matrix,
        rng: np.random.Generator,
    ) -> Array:
        pairs = drawn_pairs(histories[domain], wanted, self.settings.negatives, rng)
        users = picked(self._users(weights, histories, domain), pairs.rows)[:, None]
        items = picked(self._items(weights, domain, None), pairs.items)
        return pairs.loss(self._answer(weights, users, items, domain), "cross-entropy")

    def _users(self, weights: Weights, histories: dict[str, csr_matrix], asked: str) -> Array:
        """The users' half of both first layers, the asked domain's first, (n, 2 width)."""
        other, d = OTHER[asked], self.settings.factors
        user = history_sum(scaled_rows(histories[asked], SPREAD), weights[f"{asked}.read"])
        rows = histories[other]
        beside = concatenated(
            history_sum(scaled_rows(rows, SPREAD), weights[f"{other}.read"]),
            history_sum(scaled_rows(rows, AVERAGE), weights[f"{other}.found"]),
        )
        layer, bias = _layer(weights, 1, asked)  # (4 d, 2 width)
        return user @ layer[:d] + beside @ layer[2 * d :] + bias

    def _items(self, weights: Weights, asked: str, items: IntArray | None) -> Array:
        """The items' half of both first layers and a bias, (n_items, 2 width + 1)."""
        d = self.settings.factors
        found, popular = weights[f"{asked}.found"], weights[f"{asked}.popular"]
        if items is not None:
            found, popular = found[items], popular[items]
        return concatenated(found @ _layer(weights, 1, asked)[0][d : 2 * d], popular[:, None])

    def _answer(self, weights: Weights, users: Array, items: Array, asked: str) -> Array:
        values = relu(users + items[..., :-1])
        for number in range(2, self.settings.layers + 1):
            layer, bias = _layer(weights, number, asked)
            values = relu(values @ layer + bias)
        own = values[..., : values.shape[-1] // 2]
        out, level = weights[f"{asked}.out.weight"], weights[f"{asked}.out.bias"]
        return (own @ out)[..., 0] + level + items[..., -1]


def _layer(weights: Weights, number: int, asked: str) -> tuple[Array, Array]:
    """[[W, H], [H, W_other]] and the biases: a layer of both networks, the asked one's first."""
    other, cross = OTHER[asked], weights[f"cross.{number}"]
    own = concatenated(weights[f"{asked}.{number}.weight"], cross)
    beside = concatenated(cross, weights[f"{other}.{number}.weight"])
    biases = weights[f"{asked}.{number}.bias"], weights[f"{other}.{number}.bias"]
    return stacked(own, beside), concatenated(*biases)


def _crossing(weights: Weights) -> list[Array]:
    """The H of every layer."""
    return [weight for name, weight in weights.items() if name.startswith("cross.")]


def _memory(sizes: PairSizes, settings: CoNetSettings) -> int:
    parameters = 2 * settings.factors * (sizes.source_items + sizes.target_items)
    a_user = 2 + (sizes.source_rows + sizes.target_rows) // max(sizes.users, 1)
    cells = a_user * (1 + settings.negatives) * (settings.factors + 6 * settings.hidden)
    return gradient_memory(sizes, parameters, cells, settings.batch_size)


CARD = ModelCard(
    name="conet",
    title="CoNet",
    family="Deep networks",
    line="Two networks, one per domain, hear each other through sparse cross connections.",
    paper="Hu, Zhang, Yang: CoNet: Collaborative cross networks for cross-domain recommendation, "
    "CIKM 2018",
    differs="A network reads a user's history in its own domain, a part of which is hidden while "
    "training, instead of an id both domains share; the network that is not asked reads the mean "
    "item of the history instead of a drawn one; items have a bias.",
    when="To see what cross connections carry; two-tower and LightGCN usually rank better.",
    words="The score is a network's answer and not a sum. Each part is the score with the other "
    "domain's history silenced; parts are standardised per user before they are weighed.",
    settings=CoNetSettings,
    build=lambda settings: GradientModel(CoNet(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
)
