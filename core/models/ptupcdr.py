"""PTUPCDR: every user gets a bridge of their own, made from what they took in the source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.settings import setting
from core.basics.types import FloatArray
from core.models.als import als_memory
from core.models.arrays import (
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
from core.models.domain_maps import DomainMaps, ridge_map
from core.models.gradient import GradientModel, gradient_memory
from core.models.losses import entries
from core.models.mapping import Mapping, MappingSettings, vector_loss
from core.models.protocol import ModelCard, PairSizes, State

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
    learning_rate: float = setting(0.003, low=1e-5, high=0.5, help="Step size of Adam.")
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


def _memory(sizes: PairSizes, settings: PtupcdrSettings) -> int:
    parameters = settings.factors**2 * settings.hidden + settings.factors * (
        sizes.source_items + sizes.target_items
    )
    cells = 3 * settings.factors**2 + 3 * sizes.target_items
    learning = gradient_memory(sizes, parameters, cells, settings.batch_size)
    return learning + als_memory(sizes, settings.factors)


CARD: ModelCard = ModelCard(
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
    build=lambda settings: GradientModel(Mapping(settings, PersonalBridge(settings), CARD)),
    memory=_memory,
    cross_domain=True,
    has_twin=False,
    additive=False,
    fold_in="exact",
    needs=("shared users",),
    gradient=True,
    grid={"loss": (TASK, MAPPING), "learning_rate": (0.001, 0.003, 0.01)},
)
