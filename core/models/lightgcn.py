"""LightGCN on the joint graph: taste flows from users to items of both domains and back."""

from __future__ import annotations

import numpy as np

from core.basics.types import FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.gradient import GradientModel
from core.models.graph_network import GraphNetwork, GraphSettings, Mix, graph_memory
from core.models.propagation import Graph, joint_graph
from core.models.protocol import ModelCard


def _wire(train: DomainPair, settings: GraphSettings) -> Graph:
    return joint_graph(train)


def _mix(settings: GraphSettings) -> Mix:
    """Both histories are one: the mean that a step along the joint graph takes."""

    def shares(source: IntArray, target: IntArray) -> tuple[FloatArray, FloatArray]:
        share = (1 / np.sqrt(np.maximum(source + target, 1))).astype(np.float32)
        return share, share

    return shares


CARD = ModelCard(
    name="lightgcn",
    title="LightGCN",
    family="Graph",
    line="Vectors that flow along the graph of users and items of both domains.",
    paper="He et al.: LightGCN, SIGIR 2020; Wu et al.: Self-supervised graph learning for "
    "recommendation, SIGIR 2021 (edges hidden while training); Wu et al.: On the effectiveness of "
    "sampled softmax loss for item recommendation, 2022",
    differs="One graph joins both domains through their users; the loss is a softmax over all "
    "items by cosine, with BPR as the paper's choice; a share of the edges is hidden while "
    "training.",
    when="When training by epochs is welcome: learning curves, a GPU, a map of one space.",
    words="The score is not a sum. Each part is the score with the other domain's history "
    "silenced, the user drawn from item vectors; parts are standardised per user before they "
    "are weighed, so alpha = beta = 1 is close to the model's own list, not equal to it.",
    settings=GraphSettings,
    build=lambda settings: GradientModel(GraphNetwork(settings, _wire, _mix)),
    memory=lambda sizes, settings: graph_memory(sizes, settings, user_views=1),
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="approximate",
    gradient=True,
    presets={
        "fast": {"factors": 32, "epochs": 15, "patience": 3},
        "thorough": {"factors": 128, "epochs": 100, "patience": 10},
    },
    grid={"layers": (1, 2, 3), "temperature": (0.1, 0.2)},
)
