"""Feature maps and a ridge: what either domain says about a user, weighed for target items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, identity

from core.basics.settings import Settings, setting
from core.basics.types import Contributions, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.factors.als import als_memory
from core.models.factors.domain_maps import DomainMaps, fit_domain_maps, restored_maps, ridge_map
from core.models.factors.feature_maps import (
    ALS,
    AUTOENCODER,
    LDA,
    LEARNED,
    NMF,
    PCA,
    TORCH,
    MapOptions,
    map_steps,
)
from core.models.kernel.history import HistoryModel
from core.models.protocol import CrossDomainModel, ModelCard, PairSizes, State

FEATURES = (PCA, LDA, NMF, ALS, AUTOENCODER)


@dataclass(frozen=True)
class FeatureMapSettings(Settings):
    """Which features, how many, and strength of the ridge."""

    features: str = setting(
        ALS,
        choices=FEATURES,
        help="How a history becomes features: PCA (truncated SVD), LDA topics, NMF parts, factors "
        "of implicit ALS, or a layer of an autoencoder.",
    )
    factors: int = setting(64, low=2, high=512, help="Features per domain.")
    regularization: float = setting(
        100.0,
        low=0.01,
        high=100_000.0,
        help="Ridge on the weights of features whose mean square is 1; more smooths more.",
    )
    silenced_weight: float = setting(
        0.3,
        low=0.001,
        high=100.0,
        help="What a shared user counts with one history silenced beside the same user whole; "
        "more serves cold users, less serves warm ones.",
    )


class FeatureMapModel(HistoryModel):
    """(phi_s(h_s) M_s + phi_t(h_t) M_t) v_j, M by ridge regression on phi_t of the target's users.

    v_j are the items as phi_t sees them. Shared users are seen three times: whole, and with either
    history silenced, so that each half of M can also stand alone. Additive in the two histories,
    whatever phi is.
    """

    maps: DomainMaps
    weights: tuple[FloatArray, FloatArray]  # M_s, M_t: (d_source, d_target), (d_target, d_target)

    def solve(self, train: DomainPair, seed: int) -> None:
        """Learn both maps, then solve the ridge, in one step."""
        self.maps = self._maps_of(train, seed)
        self._weigh(train)

    def fit_dealt(
        self, train: DomainPair, deals: Sequence[IntArray], seed: int
    ) -> Iterator[CrossDomainModel]:
        """The target's map stays, and the source's where the order of people does not touch it."""
        maps: DomainMaps | None = None
        for givers in deals:
            model = FeatureMapModel(self.settings)
            model.train = train.with_source_of(givers)
            if maps is None:
                maps = self._maps_of(model.train, seed)
            elif self.settings.features != ALS:  # all others draw or start something by person
                rows, rng = model.train.source, np.random.default_rng(seed)
                *_, (_, source) = map_steps(self.settings.features, rows, self._options, rng)
                maps = replace(maps, source=source)
            model.maps = maps
            model._weigh(model.train)
            yield model

    def _maps_of(self, train: DomainPair, seed: int) -> DomainMaps:
        rng = np.random.default_rng(seed)
        return fit_domain_maps(self.settings.features, train, self._options, rng)

    @property
    def _options(self) -> MapOptions:
        return MapOptions(self.settings.factors)

    def _weigh(self, train: DomainPair) -> None:
        """Solve the ridge between the features that the maps give."""
        settings = self.settings
        features = self.maps.users(train.source, train.target)
        # (M_s, M_t); phi_s, phi_t: (n_users, d) each
        scales = tuple(_evened(table) for table in features)
        source, target = (table * scale for table, scale in zip(features, scales, strict=True))
        known, shared = train.target_history > 0, train.shared
        silenced = float(np.sqrt(settings.silenced_weight))  # as rows are squared
        without = np.zeros_like(source[shared]), np.zeros_like(target[shared])
        seen = np.vstack(
            [
                np.hstack([source[known], target[known]]),
                silenced * np.hstack([source[shared], without[1]]),
                silenced * np.hstack([without[0], target[shared]]),
            ]
        )
        wanted = features[1]
        wanted = np.vstack([wanted[known], *[silenced * wanted[shared]] * 2])
        weights, half = ridge_map(seen, wanted, settings.regularization), source.shape[1]
        self.weights = weights[:half] * scales[0], weights[half:] * scales[1]

    def parts(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """phi of each history times its weights, times the items; exact."""
        features = self.maps.users(source_rows, target_rows)
        source, target = (
            (phi @ weights @ self.maps.target.items.T).astype(np.float32)
            for phi, weights in zip(features, self.weights, strict=True)
        )
        return source, target

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """Exact: each history item's share of phi times the weights."""
        wanted = self.maps.target.items[item]
        source = self.maps.source.shares(source_row) @ (self.weights[0] @ wanted)
        target = self.maps.target.shares(target_row) @ (self.weights[1] @ wanted)
        return Contributions(source_row.indices, source, target_row.indices, target)

    def vectors(self) -> Vectors:
        """All in the space of the target's items; a source item as a history of it alone."""
        (towards, within), items = self.weights, self.maps.target.items
        source, target = self.maps.users(self.train.source, self.train.target)
        one_each = identity(self.train.source.shape[1], dtype=np.float32, format="csr")
        alone = self.maps.source.users(one_each)
        return Vectors(alone @ towards, items, source @ towards, target @ within)

    def state(self) -> State:
        """Both maps and the weights of their features."""
        source, target = self.weights
        return self.maps.state() | {"weights.source": source, "weights.target": target}

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train, self.maps = train, restored_maps(self.settings.features, state)
        self.weights = state["weights.source"], state["weights.target"]


def _evened(features: FloatArray) -> float:
    """What brings the mean square of the features of known users to 1."""
    known = np.abs(features).sum(axis=1) > 0
    mean = float((features[known] ** 2).mean()) if known.any() else 1.0
    return 1 / float(np.sqrt(max(mean, 1e-12)))


def _memory(sizes: PairSizes, settings: FeatureMapSettings) -> int:
    rows = 8 * 10 * settings.factors * sizes.users
    torch = TORCH if settings.features in LEARNED else 0
    return als_memory(sizes, settings.factors) + rows + torch


CARD = ModelCard(
    name="feature_map",
    title="Feature maps",
    family="Feature maps",
    line="A history becomes features (PCA, LDA, NMF, factors, autoencoder); a ridge brings those "
    "of both domains to the target's items.",
    paper="Cremonesi et al.: Performance of recommender algorithms on top-N recommendation tasks, "
    "RecSys 2010 (PCA); Blei et al.: Latent Dirichlet allocation, JMLR 2003; Lee, Seung: "
    "Algorithms for non-negative matrix factorization, NIPS 2000; Liang et al.: Variational "
    "autoencoders for collaborative filtering, WWW 2018 (Mult-DAE)",
    differs="The papers rank items of one domain by their own features; here a ridge regression "
    "brings the features of two domains together, learned on histories whole and silenced.",
    when="To see which features carry taste across; parts and reasons are exact for all of them.",
    words="Each part is the features of one history times their weights, so the two sum to the "
    "model's own score. The weights were also learned with either history silenced, so that "
    "each part can stand alone.",
    settings=FeatureMapSettings,
    build=FeatureMapModel,
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=True,
    fold_in="exact",
    presets={"fast": {"factors": 32}, "thorough": {"factors": 128}},
    grid={"features": FEATURES},
)
