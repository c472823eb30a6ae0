"""Models that read texts without training: profile, neighbours and popularity of words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from core.basics.settings import setting
from core.basics.types import BoolArray, Contributions, DomainScores, FloatArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import unit
from core.models.kernel.history import HistoryModel
from core.models.kernel.training_settings import source_weight, text_ridge
from core.models.linear.item_weights import ItemWeights, SparseWeights
from core.models.linear.popularity import Popularity
from core.models.protocol import ITEM_TEXT, ModelCard, PairSizes, State
from core.models.text.encoders import tf_idf
from core.models.text.features import (
    TextSettings,
    centred_vectors,
    domain_vectors,
    texts_read,
    told,
    untaken_vectors,
)
from core.models.text.items import head_ridge, ridge_head, through_ridge
from core.models.text.vectors import NOT_USED


@dataclass(frozen=True)
class TextProfileSettings(TextSettings):
    """How directions that all texts share are held back, and what the source counts."""

    regularization: float = setting(
        100.0,
        low=0.01,
        high=1e6,
        help="Ridge of each user's regression on the texts; more comes closer to the plain cosine, "
        "less holds back what all titles share.",
    )
    source_weight: float = source_weight(0.5)


class TextProfile(HistoryModel):
    """Each user regresses likes on the texts of the target items; all users share one matrix.

    Score of item j: sum over the history of x_i' (T'T + lambda I)^-1 t_j, x_i a text of either
    domain. Nobody needs to be shared, and an item without interactions is scored like any other.
    """

    arrays = ("source", "target", "found")
    source: FloatArray  # (n_source_items, d)
    target: FloatArray  # (n_target_items, d)
    found: FloatArray  # (n_target_items, d), the target's texts brought through the ridge

    def solve(self, train: DomainPair, seed: int) -> None:
        """Encode what is not encoded yet, and solve once; SettingsError without the encoder."""
        self.source, self.target = domain_vectors(train, self.settings)
        self.found = self._through(self.target, self.target)

    def widened(self, state: State, wider: DomainPair) -> State:
        """Further texts, from the known ones' centre and through their ridge."""
        new = untaken_vectors(wider, len(state["target"]), self.settings)
        found = self._through(state["target"], new)
        added = {"target": np.vstack([state["target"], new])}
        return state | added | {"found": np.vstack([state["found"], found])}

    def _through(self, known: FloatArray, vectors: FloatArray) -> FloatArray:
        """Vectors brought through the ridge over the known ones, (n, d)."""
        ridge = self.settings.regularization * np.eye(known.shape[1], dtype=np.float32)
        found = np.linalg.solve(known.T @ known + ridge, vectors.T).T.astype(np.float32)
        # At any ridge as large as a cosine
        return np.asarray(found * np.float32(self.settings.regularization))

    def parts(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """Both parts for any histories; exact."""
        weight = np.float32(self.settings.source_weight)
        source = weight * (source_rows @ self.source) @ self.found.T
        target = (target_rows @ self.target) @ self.found.T
        return source, target

    def evidence(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[BoolArray, BoolArray]:
        """Those with a text among their items."""
        return told(source_rows, self.source), told(target_rows, self.target)

    def fold_in_words(
        self, words: FloatArray, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> DomainScores:
        """Both parts where words, (n_asked, d), are one more text of the target history."""
        known = self.fold_in(source_rows, target_rows)
        target = known.target + words @ self.found.T
        heard = np.ones(len(words), dtype=bool)
        return replace(known, target=target.astype(np.float32), has_target=heard)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: each history item adds its own likeness."""
        wanted, weight = self.found[item], self.settings.source_weight
        source, target = source_row.indices, target_row.indices
        return Contributions(
            source,
            weight * source_row.data * (self.source[source] @ wanted),
            target,
            target_row.data * (self.target[target] @ wanted),
        )

    def vectors(self) -> Vectors:
        """The texts themselves, and users as sums of them."""
        return Vectors(
            self.source,
            self.target,
            np.asarray(self.train.source @ self.source, dtype=np.float32),
            np.asarray(self.train.target @ self.target, dtype=np.float32),
        )


def text_memory(sizes: PairSizes, settings: TextSettings) -> int:
    """Bytes of both domains' vectors, twice, and of an encoder at work."""
    width = 1024 + (0 if settings.vectors == NOT_USED else sizes.vector_width)
    return 600 * 2**20 + 2 * 4 * width * (sizes.source_items + 2 * sizes.target_items)


PROFILE_CARD = ModelCard(
    name="text_profile",
    title="Text profile",
    family="Text",
    line="A user is the sum of the texts in both histories; items with a close text are liked.",
    paper="Pazzani and Billsus: Content-based recommendation systems, 2007; Yang et al.: "
    "Multilingual universal sentence encoder for semantic retrieval, ACL demos 2020",
    differs="Texts of both domains stand in one space, each from its domain's own centre; a ridge "
    "over the target's texts, shared by all users, holds back what all titles have in common.",
    when="For items that are new and users who are: it needs neither interactions of an item nor "
    "shared users.",
    words="Each score is a sum of likenesses of texts over history items, so both parts are exact.",
    settings=TextProfileSettings,
    build=TextProfile,
    memory=text_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    needs=(ITEM_TEXT,),
    new_items=True,
    grid={"regularization": (30.0, 100.0, 1000.0), "source_weight": (0.2, 0.5, 1.0)},
)


# Text neighbours: a target item scores by how alike its text is to those of a history's items.

BLOCK = 512  # target items compared at once


@dataclass(frozen=True)
class TextNeighboursSettings(TextSettings):
    """How likeness by meaning and by words is joined, and how many neighbours count."""

    neighbours: int = setting(
        200, low=1, high=5000, help="Most alike items kept for each target item, in each domain."
    )
    regularization: float = head_ridge()
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
    source_weight: float = source_weight(0.1)


class TextNeighbours(ItemWeights):
    """Weight of item i for j: max(cos(x_i, x_j), 0)^power + word_weight * tf-idf cosine.

    x are the encoder's vectors through a ridge that holds back what all titles share. Neighbours of
    both domains are chosen apart for each target item, so one without interactions has them too.
    """

    settings: TextNeighboursSettings
    stage = "compared"
    form: SparseWeights

    def solve(self, train: DomainPair, seed: int) -> None:
        """Compare every target item with all items once; SettingsError without the encoder."""
        vectors = through_ridge(*domain_vectors(train, self.settings), self.settings.regularization)
        source = texts_read(train.source_features, self.settings) or [""] * train.source.shape[1]
        words = tf_idf(source, texts_read(train.target_features, self.settings))
        from_source = self._neighbours(vectors[0], vectors[1], words[0], words[1], same=False)
        from_target = self._neighbours(vectors[1], vectors[1], words[1], words[1], same=True)
        self.form = SparseWeights(vstack([from_source, from_target], format="csr"))

    def widened(self, state: State, wider: DomainPair) -> State:
        """Weights towards further items; nothing of a history is read from these."""
        known, chosen = int(state["shape"][1]), self.settings
        both = domain_vectors(self.train, chosen)
        head = ridge_head(both[1], both[1].shape[1], chosen.regularization)
        new = unit(untaken_vectors(wider, known, chosen) @ head)
        source = texts_read(wider.source_features, chosen) or [""] * wider.source.shape[1]
        words = tf_idf(source, texts_read(wider.target_features, chosen))
        added = [
            self._neighbours(unit(items @ head), new, of_items, words[1][known:], same=False)
            for items, of_items in zip(both, (words[0], words[1][:known]), strict=True)
        ]
        arrays = state["data"], state["indices"], state["indptr"]
        weights = csr_matrix(arrays, shape=tuple(state["shape"]))
        silent = csr_matrix((len(new), known + len(new)), dtype=np.float32)
        joined = hstack([weights, vstack(added)], format="csr")
        return SparseWeights(vstack([joined, silent], format="csr")).state()

    def evidence(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[BoolArray, BoolArray]:
        """Those with an item that is like another: the rest tell nothing of their user."""
        likes = (np.diff(self.form.weights.indptr) > 0).astype(np.float32)
        n_source = source_rows.shape[1]
        has_source = np.asarray(source_rows @ likes[:n_source] > 0)
        has_target = np.asarray(target_rows @ likes[n_source:] > 0)
        return has_source, has_target

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


NEIGHBOURS_CARD = ModelCard(
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


# Popularity told from the text: what an item's title lets expect, the same list for everybody.


@dataclass(frozen=True)
class TextPopularitySettings(TextSettings):
    """Strength of the ridge."""

    regularization: float = text_ridge(10.0)


class TextPopularity(Popularity):
    """A ridge regression of log(1 + interactions) on the texts of items that have any."""

    settings: TextPopularitySettings
    stage = "solved"

    def solve(self, train: DomainPair, seed: int) -> None:
        """Encode what is not encoded yet, and solve once; SettingsError without the encoder."""
        texts = centred_vectors(train.target_features, self.settings)  # (n_target_items, d)
        self.counts = self._told(train, texts, texts)

    def widened(self, state: State, wider: DomainPair) -> State:
        """What the titles of further items let expect, as learned on those that were taken."""
        texts = centred_vectors(self.train.target_features, self.settings)
        new = untaken_vectors(wider, len(texts), self.settings)
        return {"counts": np.concatenate([state["counts"], self._told(self.train, texts, new)])}

    def _told(self, train: DomainPair, texts: FloatArray, asked: FloatArray) -> FloatArray:
        """log(1 + interactions) as expected of the asked texts, (n_asked,)."""
        known = train.popularity > 0
        wanted = np.log1p(train.popularity[known])
        gram = texts[known].T @ texts[known]
        gram[np.diag_indices(len(gram))] += self.settings.regularization
        weights = np.linalg.solve(gram, texts[known].T @ (wanted - wanted.mean()))
        return np.asarray(wanted.mean() + asked @ weights, dtype=np.float32)


TEXT_POPULARITY_CARD = ModelCard(
    name="text_popularity",
    title="Popularity told from the text",
    family="Baselines",
    line="The target items whose titles let expect most interactions, the same list for everybody.",
    paper="Hoerl, Kennard: Ridge regression, Technometrics 1970, of popularity on text vectors",
    differs="",
    when="On new items, as the floor that any model that reads texts must beat.",
    words="It looks at no history, so alpha and beta change nothing.",
    settings=TextPopularitySettings,
    build=TextPopularity,
    memory=text_memory,
    cross_domain=False,
    has_twin=False,
    additive=True,
    fold_in="exact",
    needs=(ITEM_TEXT,),
    new_items=True,
)
