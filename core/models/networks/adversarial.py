"""Two history encoders in one user space, drawn together by an adversary or a discrepancy."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import DataError
from core.basics.settings import setting
from core.basics.types import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    as_array,
    dense,
    dense_weights,
    library,
    normal_table,
    relu,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.domain_gap import (
    FEWEST,
    Drawn,
    held_out_users,
    mrr_by_chance,
    paired_mmd,
    proxy_a_distance,
    retrieval_mrr,
    separate_vectors,
)
from core.models.kernel.gradient import FIXED, GradientModel, gradient_memory
from core.models.kernel.losses import both_cells, both_softmaxes, cosines, cross_entropy, read
from core.models.kernel.training_settings import (
    SoftmaxSettings,
    factors,
    source_loss_weight,
    weight_average,
)
from core.models.protocol import Finding, ModelCard, Network, PairSizes, State

NONE, REVERSAL, GAN, MMD, CORAL = "none", "gradient reversal", "GAN", "MMD", "CORAL"
PLAYER = FIXED + "discriminator"  # weights that take steps of their own
STEPS, SPEED, DECAY = 30, 1.0, 0.03  # of the discriminator, for each step of the encoders
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the median, in the kernels of MMD
RAMP = 10  # epochs in which the alignment comes to its full weight

# Losses that bring two samples of vectors together: an adversary's, or a distance.


def reversed_gradient(vectors: Array, weight: float) -> Array:
    """The same vectors; what flows back through them is turned round and times `weight`.

    Ganin et al. 2016 (Domain-adversarial training of neural networks), eq. 12-13.
    """
    return (1.0 + weight) * vectors.detach() - weight * vectors


def discriminator(weights: Weights, vectors: Array) -> Array:
    """Logits that vectors are drawn from the source, (n,); one hidden layer."""
    hidden = relu(dense(weights, f"{PLAYER}.1", vectors))
    return dense(weights, f"{PLAYER}.2", hidden)[:, 0]


def domain_error(weights: Weights, source: Array, target: Array) -> Array:
    """Cross-entropy of telling source-drawn from target-drawn vectors, both counting alike."""
    logits = [discriminator(weights, vectors) for vectors in (source, target)]
    told = cross_entropy(logits[0], library(source).ones_like(logits[0]))
    return told + cross_entropy(logits[1], library(target).zeros_like(logits[1]))


def train_discriminator(weights: Weights, source: Array, target: Array) -> Weights:
    """The discriminator near its best against these vectors, in place; what is fixed from now on.

    STEPS plain steps for each step of the encoders, with weight decay: one that lags behind sends
    the encoders in circles, and one that is sure of itself gives them no slope.
    """
    import torch

    names = [name for name in weights if name.startswith(PLAYER)]
    source, target = source.detach(), target.detach()
    player = {name: weights[name].detach().clone() for name in names}
    with torch.enable_grad():
        for _ in range(STEPS):
            own = {name: value.requires_grad_() for name, value in player.items()}
            size = sum((value * value).sum() for value in own.values())
            loss = domain_error(own, source, target) + DECAY * size
            slopes = torch.autograd.grad(loss, list(own.values()))
            player = {
                name: (value - SPEED * slope).detach()
                for (name, value), slope in zip(own.items(), slopes, strict=True)
            }
    for name, value in player.items():
        weights[name].data.copy_(value)
    return player


def reversal_loss(player: Weights, source: Array, target: Array, weight: float) -> Array:
    """What the encoders, `weight` times, unlearn: the error of a discriminator that is fixed."""
    return domain_error(player, *(reversed_gradient(part, weight) for part in (source, target)))


def gan_loss(player: Weights, generated: Array, weight: float) -> Array:
    """The generator wants its own taken for real by a discriminator that is fixed.

    The non-saturating game of Goodfellow et al. 2014, sec. 3.
    """
    logits = discriminator(player, generated)
    return weight * cross_entropy(logits, library(logits).zeros_like(logits))


def mmd(first: Array, second: Array) -> Array:
    """Squared maximum mean discrepancy of two samples, (n, d) and (m, d); around 0 if alike.

    Unbiased: Gretton et al. 2012, eq. 3, so it can fall below 0. Mean over the kernels
    exp(-|x - y|² / (s median)) of SCALES, the median over all pairs of different vectors of both
    samples (median heuristic), several as in Long et al. 2015 (Deep adaptation networks), sec. 3.
    """
    n, m = len(first), len(second)
    both = library(first).concatenate((first, second), 0)
    lengths = (both * both).sum(-1)
    squares = lengths[:, None] + lengths[None, :] - 2.0 * both @ both.T
    median = max(float(np.median(as_array(squares)[~np.eye(n + m, dtype=bool)])), 1e-12)
    kernel = sum(library(first).exp(-squares / (scale * median)) for scale in SCALES) / len(SCALES)
    within = [kernel[:n, :n], kernel[n:, n:]]
    sums = [(part.sum() - part.diagonal().sum()) for part in within]
    across = kernel[:n, n:].sum()
    return sums[0] / (n * (n - 1)) + sums[1] / (m * (m - 1)) - 2.0 * across / (n * m)


def moments(first: Array, second: Array) -> Array:
    """Squared distances of the covariances and of the means of two samples of unit vectors.

    Covariances alone leave two clouds side by side.
    """
    size = first.shape[-1] ** 0.5  # coordinates of size 1, as Deep CORAL has them
    apart = first.mean(0) - second.mean(0)
    return coral(size * first, size * second) + (apart * apart).sum()


def coral(first: Array, second: Array) -> Array:
    """Squared distance of the covariances over 4 d²; Sun and Saenko 2016 (Deep CORAL), eq. 1-3."""
    apart = _covariance(first) - _covariance(second)
    return (apart * apart).sum() / (4.0 * apart.shape[0] ** 2)


def _covariance(vectors: Array) -> Array:
    centred = vectors - vectors.mean(0)
    return centred.T @ centred / max(len(vectors) - 1, 1)


# How far apart the domains draw users that no alignment has seen.

_COLLAPSE = (
    " Before is each domain's own space, turned onto the other. Vectors that have all become alike "
    "close the gap as well: a smaller gap is only good where the retrieval MRR does not fall with "
    "it."
)
WORDS = (  # in the order of the figures of a gap
    (
        "Domain gap (proxy A-distance)",
        "How well a linear classifier tells source-drawn from target-drawn vectors of held-out "
        "shared users: around 0 not at all, 2 always; lower is closer." + _COLLAPSE,
    ),
    (
        "Domain gap (MMD²)",
        "Squared maximum mean discrepancy between source-drawn and target-drawn vectors of "
        "held-out shared users, unbiased, so around 0 where they are alike; lower is closer."
        + _COLLAPSE,
    ),
    (
        "Retrieval MRR",
        "How high up the source-drawn vector of a held-out shared user finds the same user's "
        "target-drawn vector among all held-out ones: 1 is always first; higher is better. After, "
        "the recommendations have trained on these users.",
    ),
)


def domain_gap(learned: Drawn, held_out: Drawn) -> tuple[float, float, float]:
    """Proxy A-distance, MMD² and retrieval MRR of held-out shared users.

    learned: other shared users, from whom the classifier of the A-distance learns.
    """
    return proxy_a_distance(learned, held_out), paired_mmd(held_out), retrieval_mrr(*held_out)


@dataclass(frozen=True)
class AdversarialSettings(SoftmaxSettings):
    """Sizes, loss and speed of the training, and what draws the two domains together."""

    factors: int = factors(64)
    source_loss_weight: float = source_loss_weight(0.2)
    weight_average: float = weight_average(0.9)
    alignment: str = setting(
        MMD,
        choices=(NONE, REVERSAL, GAN, MMD, CORAL),
        help="What makes user vectors drawn from the source look like those drawn from the target: "
        "a discriminator that is fooled (gradient reversal), a generator that fools it (GAN), or "
        "a distance between the two clouds (MMD, CORAL).",
    )
    alignment_weight: float = setting(
        1.0,
        low=0.0,
        high=100.0,
        help="What the alignment counts beside the recommendations: about 1 for MMD and CORAL, 0.1 "
        "where a discriminator plays; far more makes users alike, and recommendations worse.",
    )
    alignment_start: int = setting(
        1,
        low=1,
        high=1000,
        help="First epoch with the alignment, whose weight grows over ten epochs.",
    )


class Adversarial(Network):
    """User: a source-drawn and a target-drawn vector, summed; score: cosine with an item's vector.

    Under GAN the source-drawn vector is what the generator makes of the sum of its history.
    """

    train: DomainPair

    def __init__(self, settings: AdversarialSettings) -> None:
        self.settings = settings

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """Four tables of item vectors, and the layers of whoever plays."""
        self.train, d = train, self.settings.factors
        self.learned, self.held_out = held_out_users(np.flatnonzero(train.shared))
        sizes = {"source": train.source.shape[1], "target": train.target.shape[1]}
        weights: State = {
            f"{domain}.{role}": normal_table(size, d, rng)
            for role in ("read", "found")
            for domain, size in sizes.items()
        }
        if self.settings.alignment in (REVERSAL, GAN):
            weights |= dense_weights(f"{PLAYER}.1", d, d, rng)
            weights |= dense_weights(f"{PLAYER}.2", d, 1, rng)
        if self.settings.alignment == GAN:
            weights["generator.in"] = normal_table(d, d, rng, spread=d**-0.5)
            weights["generator.out"] = np.zeros(
                (d, d), dtype=np.float32
            )  # corrects nothing at first
        return weights

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Softmax over all items of either domain, and the alignment from its first epoch on."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        loss = both_softmaxes(users, weights, batch, self.settings)
        if batch.epoch < self.settings.alignment_start:
            return loss
        return loss + self._alignment(weights, batch)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors, (n, d)."""
        return unit(_from_source(weights, source) + _from_target(weights, target))

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        return cosines(users, weights["target.found"], items)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items as they are found, and users as either history draws them."""
        return Vectors(
            source_items=unit(weights["source.found"]),
            target_items=unit(weights["target.found"]),
            source_users=unit(_from_source(weights, train.source)),
            target_users=unit(_from_target(weights, train.target)),
        )

    def findings(self, weights: State, train: DomainPair) -> list[Finding]:
        """The gap of each domain's own space and of the model's; none with few shared users."""
        learned, held_out = held_out_users(np.flatnonzero(train.shared))
        if len(held_out) < FEWEST:
            return []
        parts = [self._drawn(weights, train, users) for users in (learned, held_out)]
        figures = [("after", domain_gap(parts[0], parts[1]))]
        with suppress(DataError):  # too few users whom both domains place
            alone = separate_vectors(train)
            parts = [alone.of(users).drawn for users in (learned, held_out)]
            figures.insert(0, ("before", domain_gap(parts[0], parts[1])))
        chance = f" By chance it is {mrr_by_chance(len(held_out)):.3f}."
        return [
            Finding(f"{title} {when} alignment", gap[place], words + chance * (place == 2))
            for place, (title, words) in enumerate(WORDS)
            for when, gap in figures
        ]

    def _alignment(self, weights: Weights, batch: Batch) -> Array | float:
        """Loss between vectors drawn from whole source and from whole target histories.

        Whole, as they are asked for: where half of a history is hidden, a longer one keeps more of
        the common direction, and what is aligned is not what is used.
        """
        settings = self.settings
        seen = ~np.isin(batch.users, self.held_out)
        rows = [
            np.flatnonzero(seen & (np.diff(whole.indptr) > 0))
            for whole in (batch.source_wanted, batch.target_wanted)
        ]
        if settings.alignment == NONE or min(map(len, rows)) < 2:
            return 0.0
        source = unit(_from_source(weights, batch.source_wanted[rows[0]]))
        target = unit(_from_target(weights, batch.target_wanted[rows[1]]))
        weight = settings.alignment_weight * ramp(batch.epoch - settings.alignment_start + 1)
        if settings.alignment == MMD:
            return weight * mmd(source, target)
        if settings.alignment == CORAL:
            return weight * moments(source, target)
        player = train_discriminator(weights, source, target)
        if settings.alignment == GAN:
            return gan_loss(player, source, weight)
        return reversal_loss(player, source, target, weight)

    def _drawn(self, weights: State, train: DomainPair, users: IntArray) -> Drawn:
        return (
            unit(_from_source(weights, train.source[users])),
            unit(_from_target(weights, train.target[users])),
        )


def ramp(epoch: int) -> float:
    """Share of its weight that the alignment has in its n-th epoch; Ganin et al. 2016, eq. 14."""
    return float(2.0 / (1.0 + np.exp(-10.0 * epoch / RAMP)) - 1.0)


def _from_source(weights: Weights, histories: csr_matrix) -> Array:
    """Source-drawn vectors, (n, d), by the generator if any; 0 without a history."""
    drawn = read(histories, weights["source.read"])
    if "generator.in" not in weights:
        return drawn
    # What goes in and a correction by one hidden layer; 0 stays 0
    return drawn + relu(drawn @ weights["generator.in"]) @ weights["generator.out"]


def _from_target(weights: Weights, histories: csr_matrix) -> Array:
    return read(histories, weights["target.read"])


def _memory(sizes: PairSizes, settings: AdversarialSettings) -> int:
    items = sizes.source_items + sizes.target_items
    parameters = 2 * items * settings.factors + 4 * settings.factors**2
    per_user = both_cells(sizes, settings) + 4 * settings.batch_size
    return gradient_memory(sizes, parameters, per_user, settings.batch_size)


CARD = ModelCard(
    name="adversarial",
    title="Adversarial alignment",
    family="Alignment",
    line="Users drawn from either domain's history are made hard to tell apart.",
    paper="Ganin et al.: Domain-adversarial training of neural networks, JMLR 2016; Goodfellow et "
    "al.: Generative adversarial nets, NeurIPS 2014; Gretton et al.: A kernel two-sample test, "
    "JMLR 2012; Sun and Saenko: Deep CORAL, ECCV workshops 2016",
    differs="Made for classifying pictures; here the encoders are sums of item vectors and the "
    "task is a softmax over all items. The discriminator takes 30 steps to one of the encoders, "
    "MMD is over five bandwidths, and CORAL brings means together too.",
    when="To see whether closing the gap between the domains helps; few users are shared, or many "
    "are cold.",
    words="The score is a cosine and not a sum. Each part is the score with the other domain's "
    "history silenced; parts are standardised per user before they are weighed. On the pairs "
    "looked at, closing the gap has not moved nDCG beyond one seed's chance; gradient reversal "
    "and GAN close less than half of it.",
    settings=AdversarialSettings,
    build=lambda settings: GradientModel(Adversarial(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
    grid={"alignment": (NONE, REVERSAL, GAN, MMD, CORAL), "alignment_weight": (0.1, 1.0)},
)
