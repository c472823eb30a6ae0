"""Popularity told from the text: what an item's title lets expect, the same list for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.basics.progress import Progress
from core.basics.settings import setting
from core.data.pair import DomainPair
from core.models.popularity import Popularity
from core.models.protocol import ITEM_TEXT, ModelCard
from core.models.text.features import TextSettings, centred_vectors
from core.models.text_profile import text_memory


@dataclass(frozen=True)
class TextPopularitySettings(TextSettings):
    """Strength of the ridge."""

    regularization: float = setting(
        10.0, low=0.01, high=1e6, help="Ridge on every direction of the texts; more smooths more."
    )


class TextPopularity(Popularity):
    """A ridge regression of log(1 + interactions) on the texts of items that have any."""

    settings: TextPopularitySettings  # type: ignore[assignment]

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Encode what is not encoded yet, and solve once; SettingsError without the encoder."""
        texts = centred_vectors(train.target_features, self.settings)  # (n_target_items, d)
        known = train.popularity > 0
        wanted = np.log1p(train.popularity[known])
        gram = texts[known].T @ texts[known]
        gram[np.diag_indices(len(gram))] += self.settings.regularization
        weights = np.linalg.solve(gram, texts[known].T @ (wanted - wanted.mean()))
        self.counts = (wanted.mean() + texts @ weights).astype(np.float32)
        yield Progress(done=1, total=1, stage="solved")


CARD = ModelCard(
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
