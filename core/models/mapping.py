"""Embedding and mapping by gradients: what every learned bridge between two domains shares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_matrix, diags, identity

from core.basics.settings import setting
from core.basics.types import BoolArray, Contributions, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.arrays import Array, Weights, as_like
from core.models.batches import Batch, leave_one_out
from core.models.domain_maps import (
    DomainMaps,
    fit_domain_maps,
    held_out,
    mapping_findings,
    restored_maps,
    some_shared,
)
from core.models.feature_maps import ALS, KINDS, MapOptions
from core.models.gradient import GradientModel
from core.models.losses import squared_error
from core.models.protocol import Finding, ModelCard, State
from core.models.readiness import check_shared
from core.models.training_settings import TrainingSettings


@dataclass(frozen=True)
class MappingSettings(TrainingSettings):
    """Where the vectors of either domain come from."""

    factors: int = setting(64, low=2, high=512, help="Length of every user and item vector.")
    factors_from: str = setting(
        ALS,
        choices=KINDS,
        help="What gives each domain its vectors: implicit ALS, BPR, LightGCN, or any feature map.",
    )


JUDGED_USERS, JUDGED_EPOCHS = 1_000, 20  # of the bridge that tells how good the model's own is


class Bridge(Protocol):
    """How a user's source vector becomes a target one."""

    def start(self, source: FloatArray, target: FloatArray, rng: np.random.Generator) -> State:
        """First weights; source, target: vectors of shared users, (n, d_source), (n, d_target)."""
        ...

    def mapped(self, weights: Weights, vectors: Array, rows: csr_matrix, items: Array) -> Array:
        """Target vectors, (n, d_target); rows: source histories, items: (n_source_items, d)."""
        ...

    def loss(self, mapped: Array, wanted: csr_matrix, maps: DomainMaps) -> Array:
        """How far mapped vectors are from the users' target histories, (n, n_target_items)."""
        ...


class Mapping:
    """Vectors of either domain stand still; a bridge between them is learned on shared users.

    A user with a target history keeps the vector of the target domain; the bridge serves cold ones.
    """

    def __init__(
        self, settings: Any, bridge: Bridge, card: ModelCard, maps: DomainMaps | None = None
    ) -> None:
        self.settings, self.bridge, self.card, self.maps = settings, bridge, card, maps

    def start(self, train: DomainPair, rng: np.random.Generator) -> State:
        """The maps of both domains, and the bridge; RunError where no users are shared."""
        check_shared(self.card, train)
        options = MapOptions(self.settings.factors)
        maps = self.maps or fit_domain_maps(self.settings.factors_from, train, options, rng)
        vectors = maps.users(train.source[train.shared], train.target[train.shared])
        return maps.state() | self.bridge.start(*vectors, rng)

    def loss(self, weights: Weights, batch: Batch) -> Array:
        """The bridge's loss on the batch's shared users, some of their source history hidden."""
        both = batch.source_wanted, batch.target_wanted
        shared = np.all([np.diff(rows.indptr) > 0 for rows in both], axis=0)
        maps, like = self._maps(weights), next(iter(weights.values()))
        if not shared.any():
            return as_like(np.zeros(1, dtype=np.float32), like).sum()
        rows = batch.source_shown[shared]
        vectors, items = (
            as_like(table, like) for table in (maps.source.users(rows), maps.source.items)
        )
        mapped = self.bridge.mapped(weights, vectors, rows, items)
        return self.bridge.loss(mapped, batch.target_wanted[shared], maps)

    def users(
        self, weights: Weights, source: csr_matrix, target: csr_matrix, who: IntArray | None
    ) -> FloatArray:
        """Vectors in the target's space, (n, d_target): own ones, else mapped ones."""
        vectors = np.array(self._maps(weights).target.users(target))
        unknown = np.diff(target.indptr) == 0
        if unknown.any():
            vectors[unknown] = self._mapped(weights, source[unknown])
        return vectors

    def scores(self, weights: Weights, users: Array, items: IntArray | None) -> Array:
        """Products with the target's item vectors."""
        found = self._maps(weights).target.items
        return users @ (found if items is None else found[items]).T

    def explain(
        self, weights: State, source_row: csr_matrix, target_row: csr_matrix, item: int
    ) -> Contributions:
        """Source items by what the source part loses without each; target items exactly."""
        target = self._maps(weights).target
        mapped = self._mapped(weights, leave_one_out(source_row)) @ target.items[item]
        return Contributions(
            source_row.indices,
            mapped[-1] - mapped[:-1],
            target_row.indices,
            target.shares(target_row) @ target.items[item],
        )

    def vectors(self, weights: Weights, train: DomainPair) -> Vectors:
        """All in the target's space; a source item as a history of it alone."""
        one_each = identity(train.source.shape[1], dtype=np.float32, format="csr")
        target = self._maps(weights).target
        return Vectors(
            source_items=self._mapped(weights, one_each),
            target_items=target.items,
            source_users=self._mapped(weights, train.source),
            target_users=target.users(train.target),
        )

    def findings(self, weights: State, train: DomainPair) -> list[Finding]:
        """How good a bridge of the same kind is for shared users it was not learned on.

        That bridge is learned anew, on few users and in few epochs: a judgement of a model may not
        cost more than the model.
        """
        some, maps = some_shared(train, JUDGED_USERS), self._maps(weights)
        judged = held_out(some.shared)
        if judged.sum() < 2:
            return []
        settings = replace(self.settings, epochs=min(self.settings.epochs, JUDGED_EPOCHS))
        again = Mapping(settings, self.bridge, self.card, maps)
        model = GradientModel(again)
        for _ in model.fit_epochs(_without_target_of(judged, some), 0):
            pass
        mapped = again._mapped(model.weights, some.source[judged])
        known = maps.target.users(some.target[some.shared & ~judged])
        return mapping_findings(mapped, maps.target.users(some.target[judged]), known.mean(axis=0))

    def _maps(self, weights: Weights) -> DomainMaps:
        arrays = {
            name: table if isinstance(table, np.ndarray) else table.detach().cpu().numpy()
            for name, table in weights.items()
            if name.startswith(("source_", "target_"))
        }
        return restored_maps(self.settings.factors_from, arrays)

    def _mapped(self, weights: Weights, rows: csr_matrix) -> FloatArray:
        maps = self._maps(weights).source
        mapped: FloatArray = self.bridge.mapped(weights, maps.users(rows), rows, maps.items)
        return mapped


def vector_loss(mapped: Array, wanted: csr_matrix, maps: DomainMaps) -> Array:
    """Mean squared distance from the users' own target vectors, over their mean square.

    Man et al. 2017, sec. 3.2.
    """
    own = maps.target.users(wanted)
    return squared_error(mapped, as_like(own, mapped)) / max(float((own**2).mean()), 1e-12)


def _without_target_of(users: BoolArray, train: DomainPair) -> DomainPair:
    target = csr_matrix(diags((~users).astype(np.float32)) @ train.target, dtype=np.float32)
    target.eliminate_zeros()
    return replace(train, target=target)
