"""BiTGCF: a graph per domain, and after every step the users' vectors pass between the two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.settings import setting
from core.basics.types import FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.arrays import Array, as_like, stacked
from core.models.gradient import GradientModel
from core.models.graph_network import GraphNetwork, GraphSettings, Mix, graph_memory
from core.models.propagation import Graph, paired_graphs
from core.models.protocol import ModelCard


@dataclass(frozen=True)
class BiTgcfSettings(GraphSettings):
    """Sizes, loss and speed of the training, and how much a user keeps of either domain."""

    source_retention: float = setting(
        0.8,
        low=0.0,
        high=1.0,
        help="Share of a shared user's source vector that stays when the target's passes over; "
        "averaged with the share of their interactions that are in the source.",
    )
    target_retention: float = setting(
        0.8,
        low=0.0,
        high=1.0,
        help="Share of a shared user's target vector that stays when the source's passes over; "
        "averaged with the share of their interactions that are in the target.",
    )


def kept_share(own: IntArray, other: IntArray, retention: float) -> FloatArray:
    """What users keep of their vector in one domain; the rest comes from the other, (n_users,).

    own, other: lengths of the histories. Mean of `retention` and the share of the interactions
    that are in the own domain: Liu et al. 2020, sec. 4.3 (common features by a constant,
    domain features by degrees). Who has one history only takes all from there.
    """
    by_degree = own / np.maximum(own + other, 1)
    kept = np.where(own == 0, 0.0, (retention + by_degree) / 2)
    return np.where(other == 0, 1.0, kept).astype(np.float32)


def _wire(train: DomainPair, settings: BiTgcfSettings) -> Graph:
    n_users = len(train.users)
    lengths = train.source_history, train.target_history
    kept_source = kept_share(*lengths, settings.source_retention)[:, None]
    kept_target = kept_share(*lengths[::-1], settings.target_retention)[:, None]

    def transfer(vectors: Array) -> Array:
        source, target = vectors[:n_users], vectors[n_users : 2 * n_users]
        ours, theirs = as_like(kept_source, vectors), as_like(kept_target, vectors)
        return stacked(
            ours * source + (1 - ours) * target,
            theirs * target + (1 - theirs) * source,
            vectors[2 * n_users :],
        )

    return paired_graphs(train, transfer)


def _mix(settings: BiTgcfSettings) -> Mix:
    """A user as the target sees them after a step and a transfer."""

    def shares(source: IntArray, target: IntArray) -> tuple[FloatArray, FloatArray]:
        kept = kept_share(target, source, settings.target_retention)
        roots = [np.sqrt(np.maximum(lengths, 1)) for lengths in (source, target)]
        return ((1 - kept) / roots[0]).astype(np.float32), (kept / roots[1]).astype(np.float32)

    return shares


CARD = ModelCard(
    name="bitgcf",
    title="BiTGCF",
    family="Graph",
    line="A graph per domain; after each step shared users carry their vectors across, both ways.",
    paper="Liu et al.: Cross domain recommendation via bi-directional transfer graph "
    "collaborative filtering networks, CIKM 2020",
    differs="Steps are LightGCN's, without the product of user and item; a softmax over all items "
    "by cosine is the default, cross-entropy with one drawn item each is the paper's; a share of "
    "the edges is hidden while training; users with a source history alone receive too.",
    when="When both graphs are dense and users should stay somewhat different in each domain.",
    words="The score is not a sum. Each part is the score with the other domain's history "
    "silenced, the user drawn from item vectors; parts are standardised per user before they "
    "are weighed, so alpha = beta = 1 is close to the model's own list, not equal to it.",
    settings=BiTgcfSettings,
    build=lambda settings: GradientModel(GraphNetwork(settings, _wire, _mix)),
    memory=lambda sizes, settings: graph_memory(sizes, settings, user_views=2),
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="approximate",
    gradient=True,
    presets={
        "fast": {"factors": 32, "epochs": 15, "patience": 3},
        "thorough": {"factors": 128, "epochs": 100, "patience": 10},
    },
    grid={"layers": (1, 2, 3), "target_retention": (0.5, 0.8)},
)
