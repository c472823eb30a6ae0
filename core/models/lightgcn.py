"""LightGCN on the joint graph: taste flows from users to items of both domains and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.progress import Progress
from core.basics.scores import Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.basics.settings import Settings, setting
from core.data.pair import DomainPair
from core.models.lightgcn_training import BPR, SOFTMAX, Training
from core.models.protocol import ModelCard, PairSizes, State

TORCH = 400 * 2**20  # bytes that loading torch takes


@dataclass(frozen=True)
class LightGcnSettings(Settings):
    """Sizes, loss and speed of the training."""

    factors: int = setting(64, low=2, high=512, help="Length of every user and item vector.")
    layers: int = setting(2, low=1, high=6, help="How many steps taste flows along the graph.")
    epochs: int = setting(40, low=1, high=1000, help="Rounds over all interactions at most.")
    patience: int = setting(
        5, low=1, high=100, help="Epochs without a better validation score before training ends."
    )
    loss: str = setting(
        SOFTMAX, choices=(SOFTMAX, BPR),
        help="Each liked item against many drawn ones (sampled softmax) or against one (BPR).",
    )  # fmt: skip
    temperature: float = setting(
        0.2, low=0.01, high=2.0,
        help="Sampled softmax only: lower looks harder at the most similar wrong items.",
    )  # fmt: skip
    negatives: int = setting(
        512, low=1, high=20_000, help="Sampled softmax only: items drawn for each batch."
    )
    learning_rate: float = setting(0.01, low=1e-5, high=0.5, help="Step size of Adam.")
    regularization: float = setting(
        1e-4, low=0.0, high=10.0, help="Penalty on the squared length of vectors in a batch."
    )
    batch_size: int = setting(
        8192, low=16, high=1_000_000, help="Interactions per step; more is faster and smoother."
    )
    source_loss_weight: float = setting(
        0.2, low=0.0, high=10.0,
        help="What a source interaction counts in the loss beside a target one.",
    )  # fmt: skip
    max_gradient_norm: float = setting(
        1.0, low=1e-3, high=1e6, help="Longer gradients are shortened to this before a step."
    )


class LightGcn:
    """He et al. 2020. Trained on torch, kept and asked as plain arrays.

    The own score of a training user is their trained vector's. Parts and fold-in draw the user from
    item vectors alone: the layers 0 to L-1 of the items of a history, which is all of the trained
    vector but the user's own layer 0.
    """

    train: DomainPair
    device: str = "auto"
    users: FloatArray  # (n_users, d), as are all: unit length under sampled softmax
    target_items: FloatArray
    source_items: FloatArray
    source_history: FloatArray  # (n_source_items, d) what an item adds to a user who took it
    target_history: FloatArray
    _training: Training | None = None
    _resumed: State | None = None

    def __init__(self, settings: LightGcnSettings) -> None:
        self.settings = settings

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """One pass over all interactions per epoch; RunError where the loss diverges."""
        self.train = train
        training = Training(train, self.settings, seed, self.device, self._resumed)
        self._training, self._resumed = training, None
        for epoch in range(training.epoch + 1, self.settings.epochs + 1):
            loss = training.one_epoch()
            self._take_vectors(training)
            yield Progress(done=epoch, total=self.settings.epochs, loss=loss)

    def score(self, users: IntArray) -> DomainScores:
        """Both parts by silencing the other history; own from the trained user vectors."""
        folded = self.fold_in(self.train.source[users], self.train.target[users])
        return replace(folded, own=self.users[users] @ self.target_items.T)

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """Users drawn from item vectors: close to, not equal to, a trained user's score."""
        source, target = source_rows @ self.source_history, target_rows @ self.target_history
        lengths = [np.diff(rows.indptr) for rows in (source_rows, target_rows)]
        drawn = (
            self._sized(source, lengths[0]),
            self._sized(target, lengths[1]),
            self._sized(source + target, lengths[0] + lengths[1]),
        )
        from_source, from_target, own = (users @ self.target_items.T for users in drawn)
        nothing = np.zeros((len(own), 1), dtype=np.float32)
        return DomainScores(from_source, from_target, nothing, own, lengths[0] > 0, lengths[1] > 0)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """What each history item adds to its part: its share of the drawn user's vector."""
        return Contributions(
            source_row.indices,
            self._amounts(self.source_history[source_row.indices], item),
            target_row.indices,
            self._amounts(self.target_history[target_row.indices], item),
        )

    def vectors(self) -> Vectors:
        """Items of both domains and users drawn from either history, in one space."""
        pair = self.train
        source_users = self._sized(pair.source @ self.source_history, pair.source_history)
        target_users = self._sized(pair.target @ self.target_history, pair.target_history)
        return Vectors(self.source_items, self.target_items, source_users, target_users)

    def state(self) -> State:
        """Final vectors of users and items, and what an item adds to a user who took it."""
        return {
            "users": self.users,
            "source_items": self.source_items,
            "target_items": self.target_items,
            "source_history": self.source_history,
            "target_history": self.target_history,
        }

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train, self.users = train, state["users"]
        self.source_items, self.target_items = state["source_items"], state["target_items"]
        self.source_history, self.target_history = state["source_history"], state["target_history"]

    def checkpoint(self) -> State:
        """The training where it stands, and the state that goes with it."""
        assert self._training is not None, "a checkpoint is taken while training"
        return self._training.checkpoint() | self.state()

    def resume(self, train: DomainPair, checkpoint: State) -> None:
        """Take up a checkpoint; the next fit_epochs goes on with the epoch after it."""
        self.restore(train, checkpoint)
        self._resumed = checkpoint

    def _take_vectors(self, training: Training) -> None:
        layers = training.layers()
        final = np.mean(layers, axis=0)  # (n_nodes, d): He et al. 2020, eq. 4
        if self.settings.loss == SOFTMAX:
            final = _unit(final)
        # One layer further the items' layers 0..L-1 reach the user as 1..L: eq. 3 and 4.
        below = np.sum(layers[:-1], axis=0) / len(layers)
        passed_on = below / np.sqrt(np.maximum(training.degrees, 1))[:, None]
        bounds = np.cumsum([len(self.train.users), self.train.source.shape[1]])
        self.users, self.source_items, self.target_items = np.split(final, bounds)
        _, self.source_history, self.target_history = np.split(passed_on, bounds)

    def _sized(self, users: FloatArray, history: IntArray) -> FloatArray:
        """Sums of history vectors at the length a trained user vector would have."""
        if self.settings.loss == SOFTMAX:
            return _unit(users)
        return (users / np.sqrt(np.maximum(history, 1))[:, None]).astype(np.float32)

    def _amounts(self, history: FloatArray, item: int) -> FloatArray:
        """history: (n_history, d); the amounts sum to the part."""
        whole = history.sum(axis=0)
        if self.settings.loss == SOFTMAX:
            size = max(float(np.linalg.norm(whole)), 1e-12)
        else:
            size = np.sqrt(max(len(history), 1))
        return history @ self.target_items[item] / size


def _unit(vectors: FloatArray) -> FloatArray:
    """Rows at length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def _memory(sizes: PairSizes, settings: LightGcnSettings) -> int:
    nodes = sizes.users + sizes.source_items + sizes.target_items
    vectors = 4 * nodes * settings.factors * (8 + 4 * settings.layers)  # Adam, layers, gradients
    edges = 2 * 8 * 4 * (sizes.source_rows + sizes.target_rows)
    batch = 4 * settings.batch_size * (3 * settings.negatives + 8 * settings.factors)
    return TORCH + vectors + edges + batch


CARD = ModelCard(
    name="lightgcn",
    title="LightGCN",
    family="Graph",
    line="Vectors that flow along the graph of users and items of both domains.",
    paper="He et al.: LightGCN, SIGIR 2020; Wu et al.: On the effectiveness of sampled softmax "
    "loss for item recommendation, 2022",
    differs="One graph joins both domains through their users; negatives come from the same "
    "domain; cosine and sampled softmax by default.",
    when="When training by epochs is welcome: learning curves, a GPU, a map of one space.",
    words="The score is not a sum. Each part is the score with the other domain's history "
    "silenced, the user drawn from item vectors; parts are standardised per user before they "
    "are weighed, so alpha = beta = 1 is close to the model's own list, not equal to it.",
    settings=LightGcnSettings,
    build=LightGcn,
    memory=_memory,
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
