"""Fine-tuned text: the encoder learns on the source's interactions, then on the target's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix, hstack

from core.basics.columns import SOURCE, TARGET
from core.basics.errors import RunError
from core.basics.settings import setting
from core.basics.types import BoolArray, Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import Array, Weights, as_like, history_sum, relu, unit
from core.models.kernel.batches import Batch
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import read
from core.models.kernel.training_settings import (
    TrainingSettings,
    learning_rate,
    patience,
    source_weight,
)
from core.models.protocol import ITEM_TEXT, ModelCard, Network, PairSizes, State
from core.models.text.features import told as tells
from core.models.text.items import head_ridge, ridge_head
from core.models.text.tuning import (
    ALL,
    BASE,
    LAST,
    TUNED,
    Narrow,
    Readable,
    base_weights,
    first_deltas,
    info_nce,
    left_out,
    pair_batches,
    share_in_batch,
    tuned_weights,
)
from core.models.text.words import item_texts, reads

# Settings of the fine-tuned text encoder.


@dataclass(frozen=True)
class FineTunedSettings(TrainingSettings):
    """What of the encoder learns, on which domain, and how fast."""

    reads: str = reads()
    tuned: str = setting(
        LAST,
        choices=TUNED,
        help="What may change of the encoder: all of it, its last layers, or thin products added "
        "to them. The last two are many times faster, as what lies below is worked out once.",
    )
    freeze: bool = setting(
        False,
        help="The encoder stays as it came and the layer above it learns alone: what "
        "fine-tuning must beat.",
    )
    zero_shot: bool = setting(
        False, help="Learn from the source's interactions alone and ask about the target."
    )
    source_epochs: int = setting(
        2, low=0, high=100, help="Rounds over the source's pairs before those over the target's."
    )
    epochs: int = setting(8, low=1, high=1000, help="Rounds over the pairs of both stages at most.")
    patience: int = patience(4)
    pairs: int = setting(
        100_000,
        low=100,
        high=100_000_000,
        help="Pairs of a history and an item left out of it in one epoch at most.",
    )
    history: int = setting(
        12, low=2, high=1000, help="Items of a history read in one step, drawn anew each time."
    )
    batch_size: int = setting(
        128, low=2, high=100_000, help="Users per step; their items are each other's wrong answers."
    )
    factors: int = setting(512, low=2, high=512, help="Length of every item's vector.")
    learning_rate: float = learning_rate(2e-4, low=1e-6)
    pace: float = setting(
        0.1,
        low=1e-4,
        high=1.0,
        help="Steps of the encoder's weights as a share of those of the layer above it.",
    )
    share: float = setting(
        0.5,
        low=0.0,
        high=1.0,
        help="How far what is asked stands on the way from the encoder as it came (0) to where "
        "training took it (1): between the two it keeps what it knew and has learned besides.",
    )
    weight_decay: float = setting(
        0.0, low=0.0, high=1.0, help="Pull of what is added to the encoder towards zero (L2)."
    )
    rank: int = setting(8, low=1, high=128, help="Low rank only: width of the thin products.")
    temperature: float = setting(
        0.2, low=0.01, high=5.0, help="Lower looks harder at the wrong items that score most."
    )
    power: float = setting(
        2.0,
        low=1.0,
        high=20.0,
        help="Cosines are raised to it: more listens to the nearest texts of a history alone.",
    )
    source_weight: float = source_weight(0.1)
    regularization: float = head_ridge()


# What a fine-tuned text encoder keeps, and texts as the items it compares.

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


# A network over texts that a person can also ask in words.


class ComparesItems(Network, Protocol):
    """A network whose score of an item is a sum of its likeness to the items of a history."""

    def likeness(self, ours: Array, theirs: Array) -> Array:
        """What an item of a history adds for each item, (n, m), of their unit vectors."""
        ...


class HearingModel(GradientModel):
    """The network asked as any other, or with words as one more item of the target history."""

    network: ComparesItems

    @property
    def hears(self) -> bool:
        """Whether it can be asked in words; a run of an older version cannot."""
        return STUDENT_TABLE in self.weights or FIRST_HEAD in self.weights

    def words_as_items(self, encoded: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Words as items of the source and of the target, (n, d) each.

        encoded: (n, width) as this run's own encoder, or the student in its place, reads them. A
        student learned where items are, from either domain's centre, and reads words there at once.
        """
        if STUDENT_TABLE in self.weights:
            return encoded, encoded
        share = self.settings.share
        source, target = (
            as_compared(self.weights, share, domain, encoded) for domain in (SOURCE, TARGET)
        )
        return source, target

    def fold_in_words(
        self, words: FloatArray, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> DomainScores:
        """Both parts where words, (n_asked, d), are one more item of the target history."""
        known = self.fold_in(source_rows, target_rows)
        found = np.asarray(self.network.likeness(words, compared_vectors(self.weights)[1]))
        heard = known.has_target | found.any(axis=1)
        return DomainScores.ranking(known.source, known.target + found, known.has_source, heard)


BLOCK = 1024  # items of histories compared at once


class FineTuned(ComparesItems):
    """theta_source = theta + delta_source, theta_target = theta_source + delta_target.

    A text's vector goes from its domain's centre through one linear layer. The score of item j is
    the sum of max(cos(x_h, x_j), 0)^power over the items h of both histories. Each delta is learned
    by InfoNCE (van den Oord et al. 2018): a history without one of its items against that item
    among all items of the batch, corrected for how often each is there (Yi et al. 2019). After
    every epoch both item tables are encoded once more, by weights part of the way from those that
    came to those that were learned, and they alone answer questions.
    """

    adds_up = True

    def __init__(self, settings: FineTunedSettings) -> None:
        self.settings = settings
        self._texts: dict[str, Readable] = {}
        self._popularity: dict[str, np.ndarray] = {}

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """The encoder as it is, deltas of 0, each domain's centre, and a layer from a ridge."""
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
        return start | {HEAD: head, FIRST_HEAD: head.copy()}

    def batches(self, train: DomainPair, rng: np.random.Generator, epoch: int) -> Iterator[Batch]:
        """Pairs of the stage that this epoch belongs to."""
        settings = self.settings
        return pair_batches(
            train,
            rng,
            epoch,
            from_source=self._stages(epoch)[-1] == SOURCE,
            size=settings.batch_size,
            most=settings.history,
            n_pairs=settings.pairs,
        )

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """InfoNCE of the items left out one by one."""
        stages = self._stages(batch.epoch)
        theta = tuned_weights(weights, stages, self.settings.pace)
        asked, other = (SOURCE, TARGET) if stages[-1] == SOURCE else (TARGET, SOURCE)
        rows = {SOURCE: batch.source_shown, TARGET: batch.target_shown}
        left, side = Narrow.of(rows[asked]), Narrow.of(rows[other])
        texts = self._items(weights, theta, asked, left.items)
        beside = self.likeness(self._items(weights, theta, other, side.items), texts)
        scores, users, places = left_out(
            left,
            self.likeness(texts, texts),
            self.settings.source_weight * history_sum(side.rows, beside),
        )
        if not len(users):
            return weights[HEAD].sum() * 0.0
        shares = share_in_batch(self._popularity[asked], left.rows.nnz)[left.items]
        logits = scores / self.settings.temperature
        return info_nce(logits - as_like(np.log(shares), logits), left.rows, users, places)

    def finished(self, weights: State, epoch: int) -> State:
        """What was learned, and the vectors of both domains' items as they are compared."""
        theta = asked_weights(weights, self._stages(epoch), self.settings)
        kept = without_base(weights)
        for domain, texts in self._texts.items():
            encoded = texts.all_encoded(theta)
            kept[ITEMS.format(domain)] = as_compared(weights, self.settings.share, domain, encoded)
        return kept

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> csr_matrix:
        """Both histories side by side as they count, (n, n_source_items + n_target_items)."""
        weighted = source * np.float32(self.settings.source_weight)
        return hstack([weighted, target], format="csr", dtype=np.float32)

    def scores(self, weights: Weights, users: csr_matrix, items: IntArray | None) -> Array:
        """Sums of likenesses, a block of the histories' items at a time."""
        source, target = compared_vectors(weights)
        found, n_source = target if items is None else target[items], len(source)
        scores = np.zeros((users.shape[0], len(found)), dtype=np.float32)
        for rows, read_from in ((users[:, :n_source], source), (users[:, n_source:], target)):
            here = np.unique(rows.indices)
            for start in range(0, len(here), BLOCK):
                block = here[start : start + BLOCK]
                scores += rows[:, block] @ self.likeness(read_from[block], found)
        return scores

    def evidence(
        self, weights: Weights, source: csr_matrix, target: csr_matrix
    ) -> tuple[BoolArray, BoolArray]:
        """Histories with a text in them: others tell nothing of their user."""
        of_source, of_target = compared_vectors(weights)
        return tells(source, of_source), tells(target, of_target)

    def explain(
        self, weights: Weights, source_row: csr_matrix, target_row: csr_matrix, item: int
    ) -> Contributions:
        """Exact: each history item adds its own likeness."""
        vectors, rows = compared_vectors(weights), (source_row, target_row)
        source, target = (
            row.data * self.likeness(read[row.indices], vectors[1][[item]])[:, 0]
            for read, row in zip(vectors, rows, strict=True)
        )
        weight = self.settings.source_weight
        return Contributions(source_row.indices, weight * source, target_row.indices, target)

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """Items, and users as the sum of those of either history."""
        source, target = compared_vectors(weights)
        return Vectors(source, target, read(train.source, source), read(train.target, target))

    def likeness(self, ours: Array, theirs: Array) -> Array:
        """max(cos, 0)^power of unit vectors, (n, m)."""
        return relu(ours @ theirs.T) ** self.settings.power

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

    def _items(self, weights: Weights, theta: Weights, domain: str, items: IntArray) -> Array:
        """Unit vectors of some items as they are compared."""
        return unit(self._centred(weights, theta, domain, items) @ weights[HEAD])

    def _centred(self, weights: Weights, theta: Weights, domain: str, items: IntArray) -> Array:
        """Unit vectors of some items from their domain's centre, zeros without a text."""
        texts = self._texts[domain]
        return from_centre(weights, domain, texts.encoded(theta, items), texts.told[items])


def _memory(sizes: PairSizes, settings: FineTunedSettings) -> int:
    items = sizes.source_items + sizes.target_items
    below = 0 if settings.freeze or settings.tuned == ALL else 4 * 1281 * items
    a_text = 60_000 if settings.tuned == ALL and not settings.freeze else 8_000  # floats on the way
    cells = settings.history * (2 * a_text + 3 * settings.history * settings.batch_size)
    tables = 4 * (512 + settings.factors) * items + 4 * 3 * BLOCK * sizes.target_items
    parameters = 15_000_000 + 512 * settings.factors
    return gradient_memory(sizes, parameters, cells, settings.batch_size) + below + 2 * tables


CARD = ModelCard(
    name="fine_tuned",
    title="Fine-tuned text encoder",
    family="Text",
    line="The text encoder itself learns from the source's histories and then from the target's.",
    paper="van den Oord et al.: Representation learning with contrastive predictive coding, 2018; "
    "Hu et al.: LoRA: low-rank adaptation of large language models, ICLR 2022; Wortsman et al.: "
    "Robust fine-tuning of zero-shot models, CVPR 2022",
    differs="Pairs are a history and an item left out of it, a history being as close as its "
    "close items are; vectors of word pieces stay as they are; a linear layer over the encoder "
    "learns along, which is all that learns when frozen.",
    when="For new items and new users where titles say much in words of their own; with or without "
    "shared users.",
    words="Each score is a sum of likenesses of texts over history items, so both parts are exact.",
    settings=FineTunedSettings,
    build=lambda settings: HearingModel(FineTuned(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    needs=(ITEM_TEXT,),
    new_items=True,
    factors_of_texts=True,
    gradient=True,
    grid={"pace": (0.03, 0.1, 0.3), "temperature": (0.1, 0.2)},
)
