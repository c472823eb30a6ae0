"""Text ridge: target items regressed on the texts of a history, for users new to the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.basics.settings import setting
from core.basics.types import Contributions, DomainScores, FloatArray
from core.data.pair import DomainPair
from core.models.kernel.arrays import scaled_rows
from core.models.kernel.batches import thinned
from core.models.kernel.history import HistoryModel
from core.models.kernel.training_settings import text_ridge
from core.models.protocol import ITEM_TEXT, ModelCard, PairSizes
from core.models.text.features import TextSettings, domain_vectors
from core.models.text.profile import text_memory

AUTO, SHARED, TARGET_USERS = "auto", "shared users", "target users"
ENOUGH = 100  # shared users from which "auto" learns from them


@dataclass(frozen=True)
class TextRidgeSettings(TextSettings):
    """Strength of the ridge, and who the source's texts are learned from."""

    regularization: float = text_ridge(10.0)
    learn_from: str = setting(
        AUTO,
        choices=(AUTO, SHARED, TARGET_USERS),
        help="Whose histories teach what a source text says of target items: shared users, or "
        "users of the target by their target texts, which needs nobody to be shared; auto takes "
        "shared users where there are a hundred.",
    )
    source_weight: float = setting(
        0.2,
        low=0.0,
        high=5.0,
        help="What the source counts for users with a target history; for others it counts whole.",
    )


class TextRidge(HistoryModel):
    """(X'X + lambda I)^-1 X'Y per domain: X texts of a history over the root of its length.

    Y are target rows. What a source text says is learned from shared users, X their source
    histories; what a target text says from halves of target histories, Y being the other half.
    Either part begins at each item's share of the users learned from, and moves from there.
    """

    arrays = (
        "source",
        "target",
        "from_source",
        "from_target",
        "mean_source",
        "mean_target",
        "rate_source",
        "rate_target",
    )
    source: FloatArray  # (n_source_items, d) texts
    target: FloatArray
    from_source: FloatArray  # (d, n_target_items)
    from_target: FloatArray
    mean_source: FloatArray  # (d,) mean profile of the users learned from
    mean_target: FloatArray
    rate_source: FloatArray  # (n_target_items,) share of the users learned from with the item
    rate_target: FloatArray

    def solve(self, train: DomainPair, seed: int) -> None:
        """Encode what is not encoded yet, and solve once; SettingsError without the encoder."""
        rng = np.random.default_rng(seed)
        self.source, self.target = domain_vectors(train, self.settings)
        known = train.target[train.target_history > 0]
        shown = thinned(known, 0.5, rng)
        hidden = (known - shown).tocsr()
        hidden.eliminate_zeros()
        self.from_target, self.mean_target = self._learned(shown, self.target, hidden)
        self.rate_source = self.rate_target = _rate(known)
        self.from_source, self.mean_source = self.from_target, self._mean_of(train.source)
        if self._from_shared:
            both = train.shared
            self.rate_source = _rate(train.target[both])
            self.from_source, self.mean_source = self._learned(
                train.source[both], self.source, train.target[both]
            )

    @property
    def _from_shared(self) -> bool:
        asked, n_shared = self.settings.learn_from, int(self.train.shared.sum())
        return n_shared >= ENOUGH if asked == AUTO else asked == SHARED and n_shared > 0

    def _learned(
        self, rows: csr_matrix, texts: FloatArray, wanted: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        profiles = scaled_rows(rows, 0.5) @ texts  # (n_users, d)
        mean = profiles.mean(axis=0)
        profiles = profiles - mean
        gram = profiles.T @ profiles
        gram[np.diag_indices(len(gram))] += self.settings.regularization
        towards = (wanted.T @ profiles).T  # (d, n_target_items)
        return np.linalg.solve(gram, towards).astype(np.float32), mean.astype(np.float32)

    def _mean_of(self, rows: csr_matrix) -> FloatArray:
        known = rows[np.diff(rows.indptr) > 0]
        if not known.shape[0]:
            return np.zeros(self.target.shape[1], dtype=np.float32)
        mean: FloatArray = (scaled_rows(known, 0.5) @ self.source).mean(axis=0)
        return mean.astype(np.float32)

    def parts(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """The share of the users learned from, moved by the texts of either history."""
        has_target = np.diff(target_rows.indptr) > 0
        target = scaled_rows(target_rows, 0.5) @ self.target - self.mean_target
        target = self.rate_target + target @ self.from_target
        source = self._source_part(source_rows, has_target)
        return source, has_target.astype(np.float32)[:, None] * target

    def fold_in_words(
        self, words: FloatArray, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> DomainScores:
        """Both parts where words, (n_asked, d), are one more text of the target history."""
        said = np.ones(len(words), dtype=bool)
        lengths = np.diff(target_rows.indptr)[:, None] + 1
        profile = (target_rows @ self.target + words) / np.sqrt(lengths) - self.mean_target
        target = self.rate_target + profile @ self.from_target
        return DomainScores.ranking(
            self._source_part(source_rows, said),
            target.astype(np.float32),
            np.diff(source_rows.indptr) > 0,
            said,
        )

    def _source_part(self, source_rows: csr_matrix, has_target: np.ndarray) -> FloatArray:
        weight = self._source_weight(has_target) * (np.diff(source_rows.indptr) > 0)
        profile = scaled_rows(source_rows, 0.5) @ self.source - self.mean_source
        part: FloatArray = weight[:, None] * (self.rate_source + profile @ self.from_source)
        return part

    def _source_weight(self, has_target: np.ndarray) -> FloatArray:
        return np.where(has_target, self.settings.source_weight, 1.0).astype(np.float32)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: each history item adds its text's share of the profile, less the mean's share."""
        weight = self._source_weight(np.array([target_row.nnz > 0]))
        rates = self.rate_source[item], self.rate_target[item]
        towards = self.from_source[:, item], self.from_target[:, item]
        return Contributions(
            source_row.indices,
            weight * _shares(source_row, self.source, self.mean_source, towards[0], rates[0]),
            target_row.indices,
            _shares(target_row, self.target, self.mean_target, towards[1], rates[1]),
        )


def _rate(rows: csr_matrix) -> FloatArray:
    """(n_items,) share of the rows with each item."""
    counts = np.bincount(rows.indices, minlength=rows.shape[1])
    return (counts / max(rows.shape[0], 1)).astype(np.float32)


def _shares(
    row: csr_matrix, texts: FloatArray, mean: FloatArray, towards: FloatArray, rate: float
) -> FloatArray:
    """What each item of one history, (1, n_items), adds to a score; they sum to its part."""
    if not row.nnz:
        return np.zeros(0, dtype=np.float32)
    scaled = scaled_rows(row, 0.5)
    own = diags(scaled.data) @ texts[row.indices] - mean / row.nnz
    amounts: FloatArray = own @ towards + rate / row.nnz
    return amounts


def _memory(sizes: PairSizes, settings: TextRidgeSettings) -> int:
    return text_memory(sizes, settings) + 3 * 4 * 1024 * sizes.target_items + 8 * 1024 * sizes.users


CARD = ModelCard(
    name="text_ridge",
    title="Text ridge",
    family="Text",
    line="A ridge regression of every target item on the texts of either history.",
    paper="Hoerl, Kennard: Ridge regression, Technometrics 1970; Yang et al.: Multilingual "
    "universal sentence encoder for semantic retrieval, ACL demos 2020",
    differs="A content-based linear bridge: a history is its texts, so that users with the same "
    "taste in different items teach each other; without shared users the target's own "
    "users teach it.",
    when="For cold-start users on large catalogues, with or without shared users.",
    words="Each part begins at what everybody likes and moves by the texts of one history, so "
    "both parts are exact. For users with a target history the source counts source_weight.",
    settings=TextRidgeSettings,
    build=TextRidge,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    needs=(ITEM_TEXT,),
    grid={"regularization": (3.0, 10.0, 30.0, 100.0)},
)
