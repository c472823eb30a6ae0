"""Fine-tuned text: the encoder learns on the source's interactions, then on the target's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.scores import FloatArray, IntArray, Vectors
from core.basics.settings import setting
from core.data.pair import DomainPair
from core.models.arrays import Array, Weights, as_like, unit
from core.models.batches import Batch
from core.models.cosine import cosines, drawn_vectors, read
from core.models.gradient import GradientModel, gradient_memory
from core.models.protocol import ITEM_TEXT, ModelCard, PairSizes, State
from core.models.text.clean import READS, TITLES, item_texts
from core.models.text.pairs import Narrow, info_nce, left_out, pair_batches, share_in_batch
from core.models.text.tuning import (
    ALL,
    BASE,
    LAST,
    TUNED,
    Readable,
    base_weights,
    first_deltas,
    tuned_weights,
)
from core.models.text_items import ridge_head, ridge_setting
from core.models.training_settings import TrainingSettings

SOURCE, TARGET = "source", "target"
CENTRE = "fixed.{}.centre"


@dataclass(frozen=True)
class FineTunedSettings(TrainingSettings):
    """What of the encoder learns, on which domain, and how fast."""

    reads: str = setting(
        TITLES, choices=READS, help="Columns of the item tables that the encoder reads."
    )
    tuned: str = setting(
        LAST, choices=TUNED,
        help="What may change of the encoder: all of it, its last layers, or thin products added "
        "to them. The last two are many times faster, as what lies below is worked out once.",
    )  # fmt: skip
    freeze: bool = setting(
        False, help="The encoder stays as it came and the layer above it learns alone: what "
        "fine-tuning must beat.",
    )  # fmt: skip
    zero_shot: bool = setting(
        False, help="Learn from the source's interactions alone and ask about the target."
    )
    source_epochs: int = setting(
        2, low=0, high=100, help="Rounds over the source's pairs before those over the target's."
    )
    epochs: int = setting(8, low=1, high=1000, help="Rounds over the pairs of both stages at most.")
    patience: int = setting(
        4, low=1, high=100, help="Epochs without a better validation score before training ends."
    )
    pairs: int = setting(
        100_000, low=100, high=100_000_000,
        help="Pairs of a history and an item left out of it in one epoch at most.",
    )  # fmt: skip
    history: int = setting(
        12, low=2, high=1000, help="Items of a history read in one step, drawn anew each time."
    )
    batch_size: int = setting(
        64, low=2, high=100_000, help="Users per step; their items are each other's wrong answers."
    )
    factors: int = setting(128, low=2, high=512, help="Length of every user and item vector.")
    learning_rate: float = setting(2e-4, low=1e-6, high=0.5, help="Step size of Adam.")
    pace: float = setting(
        0.01, low=1e-4, high=1.0,
        help="Steps of the encoder's weights as a share of those of the layer above it.",
    )  # fmt: skip
    weight_decay: float = setting(
        0.0, low=0.0, high=1.0, help="Pull of what is added to the encoder towards zero (L2)."
    )
    rank: int = setting(8, low=1, high=128, help="Low rank only: width of the thin products.")
    temperature: float = setting(
        0.1, low=0.01, high=2.0, help="Lower looks harder at the most similar wrong items."
    )
    regularization: float = ridge_setting()


class FineTuned:
    """theta_source = theta + delta_source, theta_target = theta_source + delta_target.

    A text's vector goes from its domain's centre through one linear layer for reading histories and
    another one for finding items; a user is the sum over both histories. Each delta is learned by
    InfoNCE (van den Oord et al. 2018): a history without one of its items against that item among
    all items of the batch, corrected for how often each is there (Yi et al. 2019). After every
    epoch both item tables are encoded once more, and they alone answer questions.
    """

    def __init__(self, settings: FineTunedSettings) -> None:
        self.settings = settings
        self._texts: dict[str, Readable] = {}
        self._popularity: dict[str, np.ndarray] = {}

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """The encoder as it is, deltas of 0, each domain's centre, and two layers from a ridge."""
        settings = self.settings
        base, tuned = base_weights(), None if settings.freeze else settings.tuned
        sides = {SOURCE: train.source_features, TARGET: train.target_features}
        rows = {SOURCE: train.source, TARGET: train.target}
        for domain, features in sides.items():
            texts = item_texts(features, settings.reads) or [""] * rows[domain].shape[1]
            kept_in = None if features is None else features.vectors_folder
            self._texts[domain] = Readable(texts, tuned, kept_in)
            counts = np.bincount(rows[domain].indices, minlength=rows[domain].shape[1])
            self._popularity[domain] = counts.astype(np.float32)
        start = base | {CENTRE.format(domain): self._centre(domain) for domain in sides}
        if tuned is not None:
            for domain in sides:
                start |= first_deltas(domain, tuned, settings.rank, rng)
        everything = np.arange(rows[TARGET].shape[1])
        centred = self._centred(start, base_of(start), TARGET, everything)
        head = ridge_head(centred, settings.factors, settings.regularization)
        return start | {"head.read": head, "head.found": head.copy()}

    def batches(self, train: DomainPair, rng: np.random.Generator, epoch: int) -> Iterator[Batch]:
        """Pairs of the stage that this epoch belongs to."""
        settings = self.settings
        return pair_batches(
            train, rng, epoch, from_source=self._stages(epoch)[-1] == SOURCE,
            size=settings.batch_size, most=settings.history, n_pairs=settings.pairs,
        )  # fmt: skip

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """InfoNCE of the items left out one by one."""
        stages = self._stages(batch.epoch)
        theta = tuned_weights(weights, stages, self.settings.pace)
        asked, other = (SOURCE, TARGET) if stages[-1] == SOURCE else (TARGET, SOURCE)
        rows = {SOURCE: batch.source_shown, TARGET: batch.target_shown}
        left, side = Narrow.of(rows[asked]), Narrow.of(rows[other])
        beside = self._centred(weights, theta, other, side.items) @ weights["head.read"]
        texts = self._centred(weights, theta, asked, left.items)
        histories, users, places = left_out(
            left, texts @ weights["head.read"], read(side.rows, beside)
        )
        if not len(users):
            return weights["head.read"].sum() * 0.0
        found = texts @ weights["head.found"]
        shares = share_in_batch(self._popularity[asked], left.rows.nnz)[left.items]
        logits = cosines(unit(histories), found) / self.settings.temperature
        return info_nce(logits - as_like(np.log(shares), logits), left.rows, users, places)

    def finished(self, weights: State, epoch: int) -> State:
        """What was learned, and both domains' items under it, as they are read and found."""
        theta = tuned_weights(weights, self._stages(epoch), self.settings.pace)
        kept = {name: table for name, table in weights.items() if not name.startswith(BASE)}
        for domain, texts in self._texts.items():
            items = self._from_centre(weights, domain, texts.all_encoded(theta))
            for role in ("read", "found"):
                kept[f"{domain}.{role}"] = items @ weights[f"head.{role}"]
        return kept

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> Array:
        """Unit vectors, (n, d)."""
        return unit(read(source, weights["source.read"]) + read(target, weights["target.read"]))

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Cosines."""
        return cosines(users, weights["target.found"], items)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items as they are found, and users as either history draws them."""
        source, target = unit(weights["source.found"]), unit(weights["target.found"])
        return drawn_vectors(self, weights, train, source, target)

    def _stages(self, epoch: int) -> tuple[str, ...]:
        """Whose deltas count in an epoch; the last one is being learned."""
        if not self._popularity[SOURCE].any():
            return (TARGET,)
        if self.settings.zero_shot or epoch <= self.settings.source_epochs:
            return (SOURCE,)
        return (SOURCE, TARGET) if self.settings.source_epochs else (TARGET,)

    def _centre(self, domain: str) -> FloatArray:
        texts = self._texts[domain]
        told = texts.frozen[texts.told[:, 0] > 0]
        mean: FloatArray = told.mean(axis=0) if len(told) > 1 else np.zeros(texts.frozen.shape[1])
        return mean.astype(np.float32)

    def _centred(self, weights: Weights, theta: Weights, domain: str, items: IntArray) -> Array:
        """Unit vectors of some items from their domain's centre, zeros without a text."""
        return self._from_centre(weights, domain, self._texts[domain].encoded(theta, items), items)

    def _from_centre(
        self, weights: Weights, domain: str, encoded: Array, items: IntArray | None = None
    ) -> Array:
        told = self._texts[domain].told
        told = as_like(told if items is None else told[items], encoded)
        return unit((encoded - weights[CENTRE.format(domain)]) * told)


def base_of(weights: Weights) -> Weights:
    """The encoder's own weights, by its names for them."""
    return tuned_weights(weights, (), 0.0)


def _memory(sizes: PairSizes, settings: FineTunedSettings) -> int:
    items = sizes.source_items + sizes.target_items
    below = 0 if settings.freeze or settings.tuned == ALL else 4 * 1281 * items
    a_text = 60_000 if settings.tuned == ALL and not settings.freeze else 8_000  # floats on the way
    cells = settings.history * (2 * a_text + settings.history * settings.batch_size)
    tables = 4 * (512 + 2 * settings.factors) * items
    parameters = 15_000_000 + 2 * 512 * settings.factors
    return gradient_memory(sizes, parameters, cells, settings.batch_size) + below + 2 * tables


CARD = ModelCard(
    name="fine_tuned",
    title="Fine-tuned text encoder",
    family="Text",
    line="The text encoder itself learns from the source's histories and then from the target's.",
    paper="van den Oord et al.: Representation learning with contrastive predictive coding, 2018; "
    "Hu et al.: LoRA: low-rank adaptation of large language models, ICLR 2022",
    differs="Pairs are a history and an item left out of it; vectors of word pieces stay as they "
    "are; a linear layer over the encoder learns along, which is all that learns when frozen.",
    when="For new items and new users where titles say much in words of their own; with or without "
    "shared users.",
    words="The score is a cosine and not a sum. Each part is the score with the other domain's "
    "history silenced; parts are standardised per user before they are weighed.",
    settings=FineTunedSettings,
    build=lambda settings: GradientModel(FineTuned(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    needs=(ITEM_TEXT,),
    new_items=True,
    gradient=True,
    grid={"pace": (0.003, 0.01, 0.03), "temperature": (0.1, 0.2)},
)
