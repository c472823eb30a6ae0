"""EMCDR with a multilayer map: a small network turns a user's source vector into a target one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import FloatArray
from core.models.als import als_memory
from core.models.arrays import Array, Weights, dense, dense_weights, library
from core.models.domain_maps import DomainMaps
from core.models.gradient import GradientModel, gradient_memory
from core.models.mapping import Mapping, MappingSettings, vector_loss
from core.models.protocol import ModelCard, PairSizes, State


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


def _memory(sizes: PairSizes, settings: EmcdrSettings) -> int:
    parameters = 2 * settings.hidden * settings.factors + settings.factors * (
        sizes.source_items + sizes.target_items
    )
    cells = 8 * settings.factors
    learning = gradient_memory(sizes, parameters, cells, settings.batch_size)
    return learning + als_memory(sizes, settings.factors)


CARD: ModelCard = ModelCard(
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
    build=lambda settings: GradientModel(Mapping(settings, LayeredBridge(settings), CARD)),
    memory=_memory,
    cross_domain=True,
    has_twin=False,
    additive=False,
    fold_in="exact",
    needs=("shared users",),
    gradient=True,
    grid={"hidden": (64, 128), "learning_rate": (0.003, 0.01)},
)
