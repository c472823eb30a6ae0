"""Text profile: a history is the sum of its items' texts, and close items are liked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress
from core.basics.settings import setting
from core.basics.types import Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.protocol import ITEM_TEXT, ModelCard, PairSizes, State
from core.models.text.features import TextSettings, domain_vectors, told
from core.models.text.uploaded import NOT_USED
from core.models.training_settings import source_weight_setting


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
    source_weight: float = source_weight_setting(0.5)


class TextProfile:
    """Each user regresses likes on the texts of the target items; all users share one matrix.

    Score of item j: sum over the history of x_i' (T'T + lambda I)^-1 t_j, x_i a text of either
    domain. Nobody needs to be shared, and an item without interactions is scored like any other.
    """

    train: DomainPair
    source: FloatArray  # (n_source_items, d)
    target: FloatArray  # (n_target_items, d)
    found: FloatArray  # (n_target_items, d), the target's texts brought through the ridge

    def __init__(self, settings: TextProfileSettings) -> None:
        self.settings = settings

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Encode what is not encoded yet, and solve once; SettingsError without the encoder."""
        self.train = train
        self.source, self.target = domain_vectors(train, self.settings)
        ridge = self.settings.regularization * np.eye(self.target.shape[1], dtype=np.float32)
        gram = self.target.T @ self.target + ridge
        self.found = np.linalg.solve(gram, self.target.T).T.astype(np.float32)
        self.found *= np.float32(self.settings.regularization)  # at any ridge as large as a cosine
        yield Progress(done=1, total=1, stage="solved")

    def score(self, users: IntArray) -> DomainScores:
        """Both parts for training users."""
        return self.fold_in(self.train.source[users], self.train.target[users])

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Both parts for any histories; exact."""
        weight = np.float32(self.settings.source_weight)
        source = weight * (source_rows @ self.source) @ self.found.T
        target = (target_rows @ self.target) @ self.found.T
        has_source, has_target = told(source_rows, self.source), told(target_rows, self.target)
        return DomainScores.ranking(source, target, has_source, has_target)

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

    def state(self) -> State:
        """The vectors of both domains' texts, and the target's as they are found."""
        return {"source": self.source, "target": self.target, "found": self.found}

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train = train
        self.source, self.target, self.found = (
            state[name] for name in ("source", "target", "found")
        )


def text_memory(sizes: PairSizes, settings: TextSettings) -> int:
    """Bytes of both domains' vectors, twice, and of an encoder at work."""
    width = 1024 + (0 if settings.vectors == NOT_USED else sizes.vector_width)
    return 600 * 2**20 + 2 * 4 * width * (sizes.source_items + 2 * sizes.target_items)


CARD = ModelCard(
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
