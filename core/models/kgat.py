"""KGAT: taste flows along one graph of users, items of both domains and what items share."""

from __future__ import annotations

from dataclasses import dataclass

from core.basics.settings import setting
from core.models.cosine import both_cells
from core.models.gradient import TORCH, GradientModel
from core.models.knowledge_network import BOTH, PLAIN, SUM, KnowledgeNetwork
from core.models.protocol import ATTRIBUTES, ModelCard, PairSizes
from core.models.training_settings import SoftmaxSettings


@dataclass(frozen=True)
class KgatSettings(SoftmaxSettings):
    """Sizes, losses and speed of the training."""

    factors: int = setting(64, low=2, high=512, help="Length of every item and entity vector.")
    relation_factors: int = setting(
        32, low=2, high=512, help="Length of the vectors in which a relation compares two nodes."
    )
    layers: int = setting(
        1,
        low=1,
        high=4,
        help="How many steps taste flows along the graph; two lead from a source item "
        "over what it shares to a target item.",
    )
    aggregator: str = setting(
        PLAIN,
        choices=(BOTH, SUM, PLAIN),
        help="How a node takes up its neighbours: by two layers, of sum and product; by one, of "
        "the sum; or as they are.",
    )
    damping: float = setting(
        0.5,
        low=0.0,
        high=1.0,
        help="How much less is heard of what many are joined to: divided by their number to this "
        "power; 0 leaves it to attention.",
    )
    knowledge_weight: float = setting(
        0.1,
        low=0.0,
        high=10.0,
        help="What telling true triples from false ones counts beside finding items; 1 and two "
        "layers where few users are shared and attributes must join the domains.",
    )
    triples: int = setting(
        1024, low=2, high=100_000, help="Triples of the graph that every step looks at."
    )
    item_dropout: float = setting(
        0.1,
        low=0.0,
        high=0.95,
        help="Share of items that a step knows by their neighbours alone, as new items will be.",
    )
    interaction_dropout: float = setting(
        0.2,
        low=0.0,
        high=0.95,
        help="Share of each history, and of the graph's interactions, hidden from a step.",
    )
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0, help="What finding source items counts beside target items."
    )


def _memory(sizes: PairSizes, settings: KgatSettings) -> int:
    items = sizes.source_items + sizes.target_items
    nodes = 4 * items * settings.factors * 6
    layers = 4 * (sizes.users + 2 * items) * settings.factors * 6 * (settings.layers + 1)
    edges = 2 * (sizes.source_rows + sizes.target_rows + 8 * items) * 8 * 8
    batch = 3 * 4 * settings.batch_size * both_cells(sizes, settings)
    return TORCH + nodes + layers + edges + batch


CARD = ModelCard(
    name="kgat",
    title="KGAT",
    family="Knowledge graph",
    line="Vectors that flow along one graph of users, items of both domains and what items share.",
    paper="Wang et al.: KGAT: Knowledge graph attention network for recommendation, KDD 2019; "
    "Lin et al.: Learning entity and relation embeddings for knowledge graph completion (TransR), "
    "AAAI 2015",
    differs="Items of both domains are joined by their users and by the entities they share. "
    "Users have no vector of their own: they are drawn from their items, so that strangers are "
    "served alike. A softmax over all items by cosine takes the place of BPR, both losses are "
    "followed in one step, a share of the edges is hidden while training, and an inverse relation "
    "is the relation taken backwards. Neighbours are taken up as they are unless one of the "
    "paper's aggregators is chosen.",
    when="When items have attributes, and new items nobody took yet should be recommended too.",
    words="The score is a cosine and not a sum. Each part is the score with the other domain's "
    "history silenced; parts are standardised per user before they are weighed.",
    settings=KgatSettings,
    build=lambda settings: GradientModel(KnowledgeNetwork(settings)),
    memory=_memory,
    cross_domain=True,
    has_twin=True,
    additive=False,
    fold_in="exact",
    needs=(ATTRIBUTES,),
    new_items=True,
    gradient=True,
    presets={
        "fast": {"factors": 32, "epochs": 15, "patience": 3},
        "thorough": {"factors": 128, "epochs": 100, "patience": 10},
    },
    grid={"layers": (1, 2, 3), "knowledge_weight": (0.0, 0.1, 1.0)},
)
