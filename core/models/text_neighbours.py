"""Text neighbours: a target item scores by how alike its text is to those of a history's items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, vstack

from core.basics.progress import Progress
from core.basics.settings import setting
from core.basics.types import DomainScores, FloatArray
from core.data.pair import DomainPair
from core.models.item_weights import ItemWeights
from core.models.protocol import ITEM_TEXT, ModelCard, PairSizes
from core.models.text.features import TextSettings, domain_vectors, texts_read
from core.models.text.lexical import tf_idf
from core.models.text_items import ridge_setting, through_ridge
from core.models.text_profile import text_memory
from core.models.training_settings import source_weight_setting
from core.models.weight_forms import SparseWeights

BLOCK = 512  # target items compared at once


@dataclass(frozen=True)
class TextNeighboursSettings(TextSettings):
    """How likeness by meaning and by words is joined, and how many neighbours count."""

    neighbours: int = setting(
        200, low=1, high=5000, help="Most alike items kept for each target item, in each domain."
    )
    regularization: float = ridge_setting()
    power: float = setting(
        2.0,
        low=0.5,
        high=20.0,
        help="Cosines are raised to it: more listens to the nearest texts alone.",
    )
    word_weight: float = setting(
        0.5,
        low=0.0,
        high=100.0,
        help="What the cosine of the words (TF-IDF) counts beside likeness of meaning; 0 is off, "
        "and so is it where vectors are read alone.",
    )
    source_weight: float = source_weight_setting(0.1)


class TextNeighbours(ItemWeights):
    """Weight of item i for j: max(cos(x_i, x_j), 0)^power + word_weight * tf-idf cosine.

    x are the encoder's vectors through a ridge that holds back what all titles share. Neighbours of
    both domains are chosen apart for each target item, so one without interactions has them too.
    """

    settings: TextNeighboursSettings
    form: SparseWeights

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Compare every target item with all items once; SettingsError without the encoder."""
        self.train = train
        vectors = through_ridge(*domain_vectors(train, self.settings), self.settings.regularization)
        source = texts_read(train.source_features, self.settings) or [""] * train.source.shape[1]
        words = tf_idf(source, texts_read(train.target_features, self.settings))
        from_source = self._neighbours(vectors[0], vectors[1], words[0], words[1], same=False)
        from_target = self._neighbours(vectors[1], vectors[1], words[1], words[1], same=True)
        self.form = SparseWeights(vstack([from_source, from_target], format="csr"))
        yield Progress(done=1, total=1, stage="compared")

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Both parts for any histories; items that are like no other tell nothing of their user."""
        scores = super().fold_in(source_rows, target_rows)
        likes = (np.diff(self.form.weights.indptr) > 0).astype(np.float32)
        n_source = source_rows.shape[1]
        has_source = np.asarray(source_rows @ likes[:n_source] > 0)
        has_target = np.asarray(target_rows @ likes[n_source:] > 0)
        return replace(scores, has_source=has_source, has_target=has_target)

    def _neighbours(
        self,
        items: FloatArray,
        targets: FloatArray,
        item_words: csr_matrix,
        target_words: csr_matrix,
        same: bool,
    ) -> csr_matrix:
        """Likeness of the nearest items to each target item, (n_items, n_target_items)."""
        nearest = [csr_matrix((0, len(items)), dtype=np.float32)]
        for start in range(0, len(targets) if len(items) else 0, BLOCK):
            chosen = slice(start, start + BLOCK)
            likeness = np.maximum(targets[chosen] @ items.T, 0.0) ** self.settings.power
            if self.settings.word_weight:
                alike = (target_words[chosen] @ item_words.T).toarray()
                likeness += np.float32(self.settings.word_weight) * alike
            if same:
                rows = np.arange(len(likeness))
                likeness[rows, rows + start] = 0.0
            nearest.append(_nearest(likeness, self.settings.neighbours))
        if not len(items):
            return csr_matrix((0, len(targets)), dtype=np.float32)
        return csr_matrix(vstack(nearest, format="csr").T)


def _nearest(likeness: FloatArray, count: int) -> csr_matrix:
    """The `count` largest positive values of each row."""
    if count < likeness.shape[1]:
        places = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    else:
        places = np.broadcast_to(np.arange(likeness.shape[1]), likeness.shape)
    places = np.sort(places, axis=1)
    values = np.take_along_axis(likeness, places, axis=1)
    ends = np.arange(len(likeness) + 1) * places.shape[1]
    table = csr_matrix((values.ravel(), places.ravel(), ends), shape=likeness.shape)
    table.eliminate_zeros()
    return table


def _memory(sizes: PairSizes, settings: TextNeighboursSettings) -> int:
    kept = min(settings.neighbours, sizes.source_items) + min(
        settings.neighbours, sizes.target_items
    )
    widest = max(sizes.source_items, sizes.target_items)
    return text_memory(sizes, settings) + 5 * 4 * BLOCK * widest + 2 * 8 * kept * sizes.target_items


CARD = ModelCard(
    name="text_neighbours",
    title="Text neighbours",
    family="Text",
    line="Target items whose text is like that of a history item, by meaning and by words.",
    paper="Pazzani and Billsus: Content-based recommendation systems, 2007; Salton and Buckley: "
    "Term-weighting approaches in automatic text retrieval, 1988",
    differs="Cosines of the encoder, behind a ridge and to a power, and TF-IDF cosines beside "
    "them; neighbours from both domains, only towards target items.",
    when="For new items with telling titles, such as products; for reasons that anybody "
    "understands.",
    words="Each score is a sum of likenesses of texts over history items, so both parts are exact.",
    settings=TextNeighboursSettings,
    build=TextNeighbours,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    needs=(ITEM_TEXT,),
    new_items=True,
    presets={"fast": {"neighbours": 100}, "thorough": {"neighbours": 500}},
    grid={"power": (1.0, 2.0, 4.0), "word_weight": (0.0, 0.5, 1.0)},
)
