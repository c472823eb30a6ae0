"""Two history encoders in one user space, drawn together by an adversary or a discrepancy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import IntArray, Vectors
from core.data.pair import DomainPair
from core.models.alignment import coral, gan_loss, mmd, reversal_loss
from core.models.arrays import Array, Weights, dense_weights, normal_table, relu, unit
from core.models.batches import Batch
from core.models.cosine import both_cells, both_softmaxes, cosines, read
from core.models.domain_gap import FEWEST, WORDS, domain_gap, held_out_users
from core.models.gradient import GradientModel, gradient_memory
from core.models.protocol import Finding, ModelCard, PairSizes, State
from core.models.training_settings import SoftmaxSettings

NONE, REVERSAL, GAN, MMD, CORAL = "none", "gradient reversal", "GAN", "MMD", "CORAL"
BEFORE = "gap.before"  # (4,): whether it was measured, and the three figures of the gap


@dataclass(frozen=True)
class AdversarialSettings(SoftmaxSettings):
    """Sizes, loss and speed of the training, and what draws the two domains together."""

    factors: int = setting(64, low=2, high=512, help="Length of every user and item vector.")
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0, help="What finding source items counts beside target items."
    )
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


class Adversarial:
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
