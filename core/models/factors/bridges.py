"""EMCDR and PTUPCDR: user vectors carried from the source domain to the target domain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_matrix, diags, identity

from core.basics.settings import setting
from core.basics.types import Contributions, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.factors.als import als_memory
from core.models.factors.domain_maps import (
    DomainMaps,
    fit_domain_maps,
    held_out,
    mapping_findings,
    restored_maps,
    ridge_map,
    some_shared,
)
from core.models.factors.feature_maps import MapOptions, factors_from
from core.models.kernel.arrays import (
    Array,
    Weights,
    as_like,
    dense,
    dense_weights,
    history_sum,
    library,
    normal_table,
    relu,
)
from core.models.kernel.batches import Batch, leave_one_out
from core.models.kernel.gradient import GradientModel, gradient_memory
from core.models.kernel.losses import entries, squared_error
from core.models.kernel.training_settings import TrainingSettings, factors, learning_rate
from core.models.protocol import Finding, ModelCard, Network, PairSizes, State
from core.models.readiness import check_shared


@dataclass(frozen=True)
class MappingSettings(TrainingSettings):
    """Where the vectors of either domain come from."""

    factors: int = factors(64)
    factors_from: str = factors_from()


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


class Mapping(Network):
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
        target = csr_matrix(diags((~judged).astype(np.float32)) @ some.target, dtype=np.float32)
        target.eliminate_zeros()
        without_target_of = replace(some, target=target)
        for _ in model.fit_epochs(without_target_of, 0):
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


# EMCDR with a multilayer map: a small network turns a user's source vector into a target one.


@dataclass(frozen=True)
class EmcdrSettings(MappingSettings):
    """Sizes and training of the map."""

    hidden: int = setting(128, low=1, high=4096, help="Width of the map's layer.")


class LayeredBridge:
    """tanh layer, then a linear one, to the least squared distance from the target vectors.

    Man et al. 2017, sec. 3.2, MLP form. Vectors are brought to a mean square of 1 on the way.
    """

    def __init__(self, settings: EmcdrSettings) -> None:
        self.settings = settings

    def start(self, source: FloatArray, target: FloatArray, rng: np.random.Generator) -> State:
        """Both layers, and the size of vectors on either side."""
        hidden = self.settings.hidden
        sizes = [np.sqrt(max(float((side**2).mean()), 1e-12)) for side in (source, target)]
        return (
            dense_weights("hidden", source.shape[1], hidden, rng)
            | dense_weights("out", hidden, target.shape[1], rng)
            | {"sizes": np.array(sizes, dtype=np.float32)}
        )

    def mapped(self, weights: Weights, vectors: Array, rows: csr_matrix, items: Array) -> Array:
        """(n, d_target)"""
        sizes = weights["sizes"] if isinstance(vectors, np.ndarray) else weights["sizes"].detach()
        hidden = library(vectors).tanh(dense(weights, "hidden", vectors / sizes[0]))
        return dense(weights, "out", hidden) * sizes[1]

    def loss(self, mapped: Array, wanted: csr_matrix, maps: DomainMaps) -> Array:
        """Squared distance from the users' own target vectors."""
        return vector_loss(mapped, wanted, maps)


def _emcdr_memory(sizes: PairSizes, settings: EmcdrSettings) -> int:
    parameters = 2 * settings.hidden * settings.factors + settings.factors * (
        sizes.source_items + sizes.target_items
    )
    cells = 8 * settings.factors
    learning = gradient_memory(sizes, parameters, cells, settings.batch_size)
    return learning + als_memory(sizes, settings.factors)


EMCDR_CARD: ModelCard = ModelCard(
    name="emcdr",
    title="EMCDR, MLP map",
    family="Factors",
    line="Each domain gets factors of its own; a small network turns source taste into target "
    "taste.",
    paper="Man et al.: Cross-domain recommendation: an embedding and mapping approach, IJCAI 2017",
    differs="Factors by implicit ALS, BPR, a graph or a feature map, users drawn from their "
    "histories, parts of which are hidden while the map is learned; a warm user keeps the vector "
    "of the target domain instead of the mapped one.",
    when="For cold-start users when many users are shared; compare it with the linear map.",
    words="The source part is the mapped source vector, the target part the user's own target "
    "vector. The model's own score is one of them, not their sum: the target part for warm "
    "users, the source part for cold ones. Parts are standardised per user before they are "
    "weighed. It has no twin; cold users are compared with popularity.",
    settings=EmcdrSettings,
    build=lambda settings: GradientModel(Mapping(settings, LayeredBridge(settings), EMCDR_CARD)),
    memory=_emcdr_memory,
    cross_domain=True,
    has_twin=False,
    additive=False,
    fold_in="exact",
    needs=("shared users",),
    gradient=True,
    grid={"hidden": (64, 128), "learning_rate": (0.003, 0.01)},
)


# PTUPCDR: every user gets a bridge of their own, made from what they took in the source.

CELLS = 2**22  # numbers in the bridges of one block of users
TASK, MAPPING = "task", "mapping"
UNOBSERVED = 5.0  # what all cells together count beside what was taken, in the task's loss
FIRST_SPREAD = 0.01  # of what users' bridges differ by before any training


@dataclass(frozen=True)
class PtupcdrSettings(MappingSettings):
    """Sizes and training of the network that makes bridges."""

    hidden: int = setting(50, low=1, high=1024, help="Width of the layer that makes bridges.")
    map_regularization: float = setting(
        3.0,
        low=0.01,
        high=100_000.0,
        help="Ridge of the linear map that every bridge starts from.",
    )
    learning_rate: float = learning_rate(0.003)
    loss: str = setting(
        MAPPING,
        choices=(TASK, MAPPING),
        help="Task: find the user's target items among all. Mapping: come near the user's own "
        "target vector, as EMCDR does.",
    )


class PersonalBridge:
    """Attention over the source history gives a user's character, a network their bridge.

    Zhu et al. 2022 (Personalized transfer of user preferences), sec. 3: characteristic encoder,
    meta network, and the task-oriented loss (on target items, not on vectors) beside the
    mapping-oriented one that the paper compares it with.
    """

    def __init__(self, settings: PtupcdrSettings) -> None:
        self.settings = settings

    def start(self, source: FloatArray, target: FloatArray, rng: np.random.Generator) -> State:
        """Attention, meta network, and as what all bridges share the linear map."""
        d, hidden, width = source.shape[1], self.settings.hidden, source.shape[1] * target.shape[1]
        shared = ridge_map(source, target, self.settings.map_regularization)
        return (
            dense_weights("look", d, d, rng)
            | dense_weights("weigh", d, 1, rng)
            | dense_weights("meta", d, hidden, rng)
            | {
                "bridge.weight": normal_table(hidden, width, rng, FIRST_SPREAD / width**0.5),
                "bridge.bias": shared.ravel(),
            }
        )

    def mapped(self, weights: Weights, vectors: Array, rows: csr_matrix, items: Array) -> Array:
        """(n, d_target); some users at a time when asked, as each has a bridge of d² numbers."""
        if not isinstance(vectors, np.ndarray):
            return self._mapped(weights, vectors, rows, items)
        size = max(1, CELLS // len(weights["bridge.bias"]))
        starts = range(0, max(len(vectors), 1), size)
        return np.concatenate(
            [
                self._mapped(weights, vectors[at : at + size], rows[at : at + size], items)
                for at in starts
            ]
        )

    def loss(self, mapped: Array, wanted: csr_matrix, maps: DomainMaps) -> Array:
        """Squared error on target cells, or the distance from the users' own target vectors.

        As in iALS all cells together are asked to be 0 at UNOBSERVED times the weight of what the
        users took, which is asked to be 1; the paper has ratings to foresee.
        """
        if self.settings.loss == MAPPING:
            return vector_loss(mapped, wanted, maps)
        items = as_like(maps.target.items, mapped)
        foreseen = mapped @ items.T  # (n, n_target_items)
        taken = foreseen[entries(wanted)]  # (n_entries,)
        cell_weight = UNOBSERVED * len(taken) / max(wanted.shape[0] * wanted.shape[1], 1)
        silent = cell_weight * (foreseen**2).sum()
        return (((1 - taken) ** 2).sum() + silent) / max(len(taken), 1)

    def _mapped(self, weights: Weights, vectors: Array, rows: csr_matrix, items: Array) -> Array:
        hidden = relu(dense(weights, "meta", self.character(weights, rows, items)))
        bridges = dense(weights, "bridge", hidden).reshape(len(hidden), vectors.shape[1], -1)
        return (vectors[:, None, :] @ bridges)[:, 0]

    def character(self, weights: Weights, rows: csr_matrix, items: Array) -> Array:
        """Weighted mean of the history's vectors, (n, d): who looks at what is learned."""
        xp = library(items)
        look = dense(weights, "weigh", relu(dense(weights, "look", items)))  # (n_items, 1)
        strength = xp.exp(look - look.max())
        shares = history_sum(rows, strength)
        return history_sum(rows, strength * items) / (shares + 1e-12)


def _ptupcdr_memory(sizes: PairSizes, settings: PtupcdrSettings) -> int:
    parameters = settings.factors**2 * settings.hidden + settings.factors * (
        sizes.source_items + sizes.target_items
    )
    cells = 3 * settings.factors**2 + 3 * sizes.target_items
    learning = gradient_memory(sizes, parameters, cells, settings.batch_size)
    return learning + als_memory(sizes, settings.factors)


PTUPCDR_CARD: ModelCard = ModelCard(
    name="ptupcdr",
    title="PTUPCDR",
    family="Factors",
    line="Every user gets a bridge of their own between the domains, made from what they took in "
    "the source.",
    paper="Zhu et al.: Personalized transfer of user preferences for cross-domain recommendation, "
    "WSDM 2022",
    differs="Bridges learn from the users' target vectors, which served better on validation than "
    "the paper's task-oriented loss; that is a setting, with squared errors of implicit feedback. "
    "Every bridge starts from the linear map. Users are drawn from their histories; a warm user "
    "keeps the vector of the target domain.",
    when="For cold-start users when many users are shared and their tastes cross in different "
    "ways.",
    words="The source part is the source vector over the user's own bridge, the target part the "
    "user's own target vector. The model's own score is one of them, not their sum: the target "
    "part for warm users, the source part for cold ones. Parts are standardised per user before "
    "they are weighed. It has no twin; cold users are compared with popularity.",
    settings=PtupcdrSettings,
    build=lambda settings: GradientModel(Mapping(settings, PersonalBridge(settings), PTUPCDR_CARD)),
    memory=_ptupcdr_memory,
    cross_domain=True,
    has_twin=False,
    additive=False,
    fold_in="exact",
    needs=("shared users",),
    gradient=True,
    grid={"loss": (TASK, MAPPING), "learning_rate": (0.001, 0.003, 0.01)},
)
