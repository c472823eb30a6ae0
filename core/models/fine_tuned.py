"""Fine-tuned text: the encoder learns on the source's interactions, then on the target's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_matrix, hstack

from core.basics.columns import SOURCE, TARGET
from core.basics.types import BoolArray, Contributions, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.arrays import Array, Weights, as_like, history_sum, relu, unit
from core.models.batches import Batch
from core.models.cosine import read
from core.models.gradient import gradient_memory
from core.models.protocol import ITEM_TEXT, ModelCard, PairSizes, State
from core.models.text.clean import item_texts
from core.models.text.features import told as tells
from core.models.text.hearing import HearingModel
from core.models.text.pairs import Narrow, info_nce, left_out, pair_batches, share_in_batch
from core.models.text.tuned_settings import FineTunedSettings
from core.models.text.tuned_state import (
    CENTRE,
    FIRST_HEAD,
    HEAD,
    ITEMS,
    as_compared,
    asked_weights,
    base_of,
    compared_vectors,
    from_centre,
    without_base,
)
from core.models.text.tuning import ALL, Readable, base_weights, first_deltas, tuned_weights
from core.models.text_items import ridge_head

BLOCK = 1024  # items of histories compared at once


class FineTuned:
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
