"""Two history encoders in one user space, drawn together by an adversary or a discrepancy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import (
    Array,
    Weights,
    dense,
    dense_weights,
    library,
    normal_table,
    relu,
    unit,
)
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import both_cells, both_softmaxes, cosines, cross_entropy, read
from core.models.kernel.training_settings import SoftmaxSettings, factors, source_loss_weight
from core.models.protocol import Finding, ModelCard, Network, PairSizes, State

# Losses that bring two samples of vectors together: an adversary's, or a distance.


def reversed_gradient(vectors: Array, weight: float) -> Array:
    """The same vectors; what flows back through them is turned round and times `weight`.

    Ganin et al. 2016 (Domain-adversarial training of neural networks), eq. 12-13.
    """
    return (1.0 + weight) * vectors.detach() - weight * vectors


def discriminator(weights: Weights, vectors: Array) -> Array:
    """Logits that vectors are drawn from the source, (n,); one hidden layer."""
    hidden = relu(dense(weights, "discriminator.1", vectors))
    return dense(weights, "discriminator.2", hidden)[:, 0]


def domain_error(weights: Weights, source: Array, target: Array) -> Array:
    """Cross-entropy of telling source-drawn from target-drawn vectors, both counting alike."""
    logits = [discriminator(weights, vectors) for vectors in (source, target)]
    told = cross_entropy(logits[0], library(source).ones_like(logits[0]))
    return told + cross_entropy(logits[1], library(target).zeros_like(logits[1]))


def reversal_loss(weights: Weights, source: Array, target: Array, weight: float) -> Array:
    """What the discriminator learns by, and what the encoders, `weight` times, unlearn by."""
    return domain_error(weights, *(reversed_gradient(part, weight) for part in (source, target)))


def gan_loss(weights: Weights, generated: Array, target: Array, weight: float) -> Array:
    """Both players of a GAN at once: each sees the other's weights as constants.

    The discriminator tells generated from real, the generator wants its own taken for real: the
    non-saturating game of Goodfellow et al. 2014, sec. 3.
    """
    fixed = {name: value.detach() for name, value in weights.items()}
    player = domain_error(weights, generated.detach(), target.detach())
    logits = discriminator(fixed, generated)
    return player + weight * cross_entropy(logits, library(logits).zeros_like(logits))


def mmd(first: Array, second: Array) -> Array:
    """Squared maximum mean discrepancy of two samples, (n, d) and (m, d); around 0 if alike.

    Unbiased: Gretton et al. 2012, eq. 3, so it can fall below 0. Kernel exp(-|x - y|² / median),
    the median over all pairs of different vectors of both samples (median heuristic).
    """
    n, m = len(first), len(second)
    both = library(first).concatenate((first, second), 0)
    lengths = (both * both).sum(-1)
    squares = lengths[:, None] + lengths[None, :] - 2.0 * both @ both.T
    others = ~np.eye(n + m, dtype=bool)
    fixed = squares if isinstance(squares, np.ndarray) else squares.detach().cpu().numpy()
    median = max(float(np.median(fixed[others])), 1e-12)
    kernel = library(first).exp(-squares / median)
    within = [kernel[:n, :n], kernel[n:, n:]]
    sums = [(part.sum() - part.diagonal().sum()) for part in within]
    across = kernel[:n, n:].sum()
    return sums[0] / (n * (n - 1)) + sums[1] / (m * (m - 1)) - 2.0 * across / (n * m)


def coral(first: Array, second: Array) -> Array:
    """Squared distance of the covariances over 4 d²; Sun and Saenko 2016 (Deep CORAL), eq. 1-3."""
    apart = _covariance(first) - _covariance(second)
    return (apart * apart).sum() / (4.0 * apart.shape[0] ** 2)


def _covariance(vectors: Array) -> Array:
    centred = vectors - vectors.mean(0)
    return centred.T @ centred / max(len(vectors) - 1, 1)


# How far apart two domains draw the same users, measured on users no alignment has seen.

HELD_OUT = 0.2  # of the shared users: the gap is measured on them, the alignment never sees them
FEWEST = 10  # held-out shared users below which a gap would be chance
RIDGE = 1e-3  # of the linear classifier that tells two samples apart, per sample
Drawn = tuple[FloatArray, FloatArray]  # unit vectors of the same users by source and by target

_COLLAPSE = (
    " Vectors that have all become alike close the gap as well: a smaller gap is only good where "
    "the retrieval MRR does not fall with it."
)
WORDS = (  # in the order of the figures of a gap
    (
        "Domain gap (proxy A-distance)",
        "How well a linear classifier tells source-drawn from target-drawn vectors of held-out "
        "shared users: 0 not at all, 2 always; lower is closer." + _COLLAPSE,
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
        "target-drawn vector among all held-out ones: 1 is always first; higher is better.",
    ),
)


def domain_gap(learned: Drawn, held_out: Drawn) -> tuple[float, float, float]:
    """Proxy A-distance, MMD² and retrieval MRR of held-out shared users.

    learned: other shared users, from whom the classifier of the A-distance learns.
    """
    distance = proxy_a_distance(learned, held_out)
    return distance, float(mmd(*held_out)), retrieval_mrr(*held_out)


def proxy_a_distance(learned: Drawn, held_out: Drawn) -> float:
    """2 (1 - 2 error) of a linear classifier told to part two samples: 0 alike, 2 apart.

    Ben-David et al. 2007, sec. 4. Each pair: source-drawn and target-drawn vectors, (n, d);
    learned on one pair, asked on the other.
    """
    vectors, labels = _labelled(*learned)
    centre = vectors.mean(axis=0)
    inner = (vectors - centre).T @ (vectors - centre)
    ridge = RIDGE * len(vectors) * max(float(np.trace(inner)) / len(inner) / len(vectors), 1e-12)
    slope = np.linalg.solve(inner + ridge * np.eye(len(inner)), (vectors - centre).T @ labels)
    asked, wanted = _labelled(*held_out)
    wrong = np.sign((asked - centre) @ slope) != wanted
    return float(max(0.0, 2.0 * (1.0 - 2.0 * wrong.mean())))


def retrieval_mrr(asked: FloatArray, found: FloatArray) -> float:
    """Mean of 1 / rank at which a row of `asked`, (n, d), finds its own row of `found` by cosine.

    1 is always first; chance is about ln(n) / n. Ties count half.
    """
    cosines = asked @ found.T
    own = np.diagonal(cosines)[:, None]
    ranks = 1.0 + (cosines > own).sum(axis=1) + ((cosines == own).sum(axis=1) - 1) / 2.0
    return float((1.0 / ranks).mean())


def held_out_users(shared: IntArray, share: float = HELD_OUT) -> tuple[IntArray, IntArray]:
    """Shared users to learn from and, apart from them, to measure on; the same every time."""
    order = np.random.default_rng(0).permutation(shared)
    cut = round(share * len(order))
    return np.sort(order[cut:]), np.sort(order[:cut])


def _labelled(source: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    labels = np.repeat([1.0, -1.0], [len(source), len(target)])
    return np.concatenate([source, target]).astype(np.float64), labels


NONE, REVERSAL, GAN, MMD, CORAL = "none", "gradient reversal", "GAN", "MMD", "CORAL"
BEFORE = "gap.before"  # (4,): whether it was measured, and the three figures of the gap


@dataclass(frozen=True)
class AdversarialSettings(SoftmaxSettings):
    """Sizes, loss and speed of the training, and what draws the two domains together."""

    factors: int = factors(64)
    source_loss_weight: float = source_loss_weight(0.2)
    alignment: str = setting(
        REVERSAL,
        choices=(NONE, REVERSAL, GAN, MMD, CORAL),
        help="What makes user vectors drawn from the source look like those drawn from the target: "
        "a discriminator that is fooled (gradient reversal), a generator that fools it (GAN), or "
        "a distance between the two clouds (MMD, CORAL).",
    )
    alignment_weight: float = setting(
        0.01,
        low=0.0,
        high=100.0,
        help="What the alignment counts beside the recommendations: about 0.01 where a "
        "discriminator plays, 1 for MMD and CORAL; far more makes the game swing and the gap grow.",
    )
    alignment_start: int = setting(
        5,
        low=1,
        high=1000,
        help="First epoch with the alignment; the gap before it is measured then.",
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
            weights |= dense_weights("discriminator.1", d, d, rng)
            weights |= dense_weights("discriminator.2", d, 1, rng)
        if self.settings.alignment == GAN:
            weights["generator.in"] = normal_table(d, d, rng, spread=d**-0.5)
            weights["generator.out"] = np.zeros(
                (d, d), dtype=np.float32
            )  # corrects nothing at first
        return weights | {BEFORE: np.zeros(4, dtype=np.float32)}

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """Softmax over all items of either domain, and the alignment from its first epoch on."""
        users = self.users(weights, batch.source_shown, batch.target_shown, batch.users)
        loss = both_softmaxes(users, weights, batch, self.settings)
        if batch.epoch < self.settings.alignment_start:
            return loss
        self._note_gap(weights)
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
        """The domain gap before and after the alignment; none without enough shared users."""
        self.learned, self.held_out = held_out_users(np.flatnonzero(train.shared))
        if len(self.held_out) < FEWEST:
            return []
        after = self._gap(weights, train)
        known = bool(weights[BEFORE][0])
        before = [("before", tuple(map(float, weights[BEFORE][1:])))] if known else []
        figures = [*before, ("after", after)]
        return [
            Finding(f"{title} {when} alignment", gap[place], words)
            for place, (title, words) in enumerate(WORDS)
            for when, gap in figures
        ]

    def _alignment(self, weights: Weights, batch: Batch) -> Array | float:
        """Loss between vectors drawn from the batch's source and from its target histories."""
        settings = self.settings
        seen = ~np.isin(batch.users, self.held_out)
        rows = [
            np.flatnonzero(seen & (np.diff(shown.indptr) > 0))
            for shown in (batch.source_shown, batch.target_shown)
        ]
        if settings.alignment == NONE or min(map(len, rows)) < 2:
            return 0.0
        target = unit(_from_target(weights, batch.target_shown[rows[1]]))
        drawn = read(batch.source_shown[rows[0]], weights["source.read"])
        if settings.alignment == GAN:
            source = unit(_generated(weights, drawn))
            return gan_loss(weights, source, target, settings.alignment_weight)
        source = unit(drawn)
        if settings.alignment == REVERSAL:
            return reversal_loss(weights, source, target, settings.alignment_weight)
        if settings.alignment == MMD:
            return settings.alignment_weight * mmd(source, target)
        scale = settings.factors**0.5  # coordinates of size 1, as Deep CORAL has them
        return settings.alignment_weight * coral(scale * source, scale * target)

    def _note_gap(self, weights: Weights) -> None:
        """Keep the gap of the moment before the first step with alignment."""
        if weights[BEFORE][0].item() or len(self.held_out) < FEWEST:
            return
        import torch

        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in weights.items()}
        kept = torch.tensor([1.0, *self._gap(arrays, self.train)])
        weights[BEFORE].data.copy_(kept)

    def _gap(self, weights: State, train: DomainPair) -> tuple[float, float, float]:
        learned, held_out = (
            (
                unit(_from_source(weights, train.source[users])),
                unit(_from_target(weights, train.target[users])),
            )
            for users in (self.learned, self.held_out)
        )
        return domain_gap(learned, held_out)


def _from_source(weights: Weights, histories: csr_matrix) -> Array:
    """Source-drawn vectors, (n, d); zeros without a history."""
    drawn = read(histories, weights["source.read"])
    return _generated(weights, drawn) if "generator.in" in weights else drawn


def _from_target(weights: Weights, histories: csr_matrix) -> Array:
    return read(histories, weights["target.read"])


def _generated(weights: Weights, vectors: Array) -> Array:
    """Target-like vectors: what goes in and a correction by one hidden layer; 0 stays 0."""
    return vectors + relu(vectors @ weights["generator.in"]) @ weights["generator.out"]


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
    differs="Made for classifying pictures; here the encoders are sums of item vectors, the task "
    "is a softmax over all items, and the alignment starts after some epochs at full weight.",
    when="To see whether closing the gap between the domains helps; few users are shared, or many "
    "are cold.",
    words="The score is a cosine and not a sum. Each part is the score with the other domain's "
    "history silenced; parts are standardised per user before they are weighed.",
    settings=AdversarialSettings,
    build=lambda settings: GradientModel(Adversarial(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    gradient=True,
    grid={"alignment": (NONE, REVERSAL, GAN, MMD, CORAL), "alignment_weight": (0.01, 0.3)},
)
