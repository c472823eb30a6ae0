"""Training of LightGCN: node vectors, their loss and one epoch of Adam; the torch half of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.basics.device import choose_device
from core.basics.errors import RunError
from core.basics.scores import FloatArray, IntArray
from core.data.pair import DomainPair
from core.models.propagation import Tensor, joint_graph, multiplier, propagate
from core.models.protocol import State

SOFTMAX, BPR = "sampled softmax", "BPR"
SPREAD = 0.1  # standard deviation of the first vectors


@dataclass(frozen=True)
class Domain:
    """Edges of one domain: user nodes, item nodes, and where its items start and end."""

    users: IntArray  # (n_edges,)
    items: IntArray  # (n_edges,) node numbers
    first: int
    end: int
    weight: float  # of its loss


class Training:
    """Vectors of all nodes on their way; made anew or from a checkpoint."""

    def __init__(
        self, train: DomainPair, settings: Any, seed: int, device: str, checkpoint: State | None
    ) -> None:
        import torch

        self.settings, self.seed, self.epoch = settings, seed, 0
        self.device = choose_device(device)
        graph, self.degrees = joint_graph(train)
        self.multiply = multiplier(graph, self.device)
        self.domains = _domains(train, settings.source_loss_weight)
        first = np.random.default_rng(seed).normal(0, SPREAD, (len(self.degrees), settings.factors))
        start = first.astype(np.float32) if checkpoint is None else checkpoint["nodes"]
        self.nodes = torch.tensor(start, device=self.device, requires_grad=True)
        self.optimiser = torch.optim.Adam([self.nodes], lr=settings.learning_rate)
        if checkpoint is not None:
            self._take_up(checkpoint)

    def one_epoch(self) -> float:
        """Go once over all edges in a new order; answers the mean loss.

        Raises RunError where the loss is no longer a number. Chance depends on seed and epoch
        alone, so an epoch after a resume is the epoch that would have been.
        """
        self.epoch += 1
        rng = np.random.default_rng([self.seed, self.epoch])
        n_batches = self._n_batches()
        shuffled = [rng.permutation(len(domain.users)) for domain in self.domains]
        pieces = [np.array_split(order, n_batches) for order in shuffled]
        losses = [self._one_batch(chosen, rng) for chosen in zip(*pieces, strict=True)]
        loss = float(np.mean(losses))
        if not np.isfinite(loss):
            raise RunError(
                what=f"Training diverged: the loss is no longer a number in epoch {self.epoch}.",
                hint=f"Lower learning_rate, which is {self.settings.learning_rate:g} now.",
            )
        return loss

    def layers(self) -> list[FloatArray]:
        """Vectors of all nodes after 0, 1, … layers, (n_nodes, d) each."""
        import torch

        with torch.no_grad():
            return [layer.cpu().numpy().copy() for layer in self._layers()]

    def checkpoint(self) -> State:
        """Vectors, both moments and step of Adam, and the epoch."""
        moments = self.optimiser.state[self.nodes]
        return {
            "nodes": self.nodes.detach().cpu().numpy().copy(),
            "first_moment": moments["exp_avg"].cpu().numpy().copy(),
            "second_moment": moments["exp_avg_sq"].cpu().numpy().copy(),
            "step": np.array([float(moments["step"])]),
            "epoch": np.array([self.epoch]),
        }

    def _take_up(self, checkpoint: State) -> None:
        import torch

        self.epoch = int(checkpoint["epoch"][0])
        self.optimiser.state[self.nodes] = {
            "step": torch.tensor(float(checkpoint["step"][0])),
            "exp_avg": torch.tensor(checkpoint["first_moment"], device=self.device),
            "exp_avg_sq": torch.tensor(checkpoint["second_moment"], device=self.device),
        }

    def _n_batches(self) -> int:
        edges = sum(len(domain.users) for domain in self.domains)
        return max(1, -(-edges // self.settings.batch_size))

    def _layers(self) -> list[Tensor]:
        layers = [self.nodes]
        for _ in range(self.settings.layers):
            layers.append(propagate(layers[-1], self.multiply))
        return layers

    def _one_batch(self, chosen: tuple[IntArray, ...], rng: np.random.Generator) -> float:
        """One step of Adam on the chosen edges of each domain; answers the loss per edge."""
        import torch

        final = torch.stack(self._layers()).mean(0)  # (n_nodes, d): He et al. 2020, eq. 4
        total, weights = torch.zeros((), device=self.device), 0.0
        for domain, edges in zip(self.domains, chosen, strict=True):
            if len(edges) and domain.weight:
                total = total + domain.weight * self._loss(final, domain, edges, rng)
                weights += domain.weight * len(edges)
        if not weights:  # no edge of a weighted domain in this batch
            return 0.0
        loss = total / weights
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([self.nodes], self.settings.max_gradient_norm)
        self.optimiser.step()
        return float(loss.detach())

    def _loss(
        self, final: Tensor, domain: Domain, edges: IntArray, rng: np.random.Generator
    ) -> Tensor:
        """Summed loss of edges against items drawn from the same domain."""
        import torch

        settings = self.settings
        softmax = settings.loss == SOFTMAX
        drawn = rng.integers(
            domain.first, domain.end, settings.negatives if softmax else len(edges)
        )
        numbers = [domain.users[edges], domain.items[edges], drawn]
        nodes = [torch.from_numpy(part.astype(np.int64)).to(self.device) for part in numbers]
        users, liked, others = (torch.nn.functional.embedding(part, final) for part in nodes)
        loss = self._softmax if softmax else _bpr
        first = (torch.nn.functional.embedding(part, self.nodes) for part in nodes[:2])
        small = sum(part.square().sum() for part in first)  # L2 on the batch's own vectors
        return loss(users, liked, others) + settings.regularization * small

    def _softmax(self, users: Tensor, liked: Tensor, others: Tensor) -> Tensor:
        """-log of the liked item's share among it and the drawn ones, by cosine over temperature.

        Wu et al. 2022 (sampled softmax loss for item recommendation), eq. 5. users, liked:
        (edges, d); others: (negatives, d), the same for all edges.
        """
        import torch

        users, liked, others = (
            torch.nn.functional.normalize(part, dim=-1) for part in (users, liked, others)
        )
        wins = (users * liked).sum(-1, keepdim=True) / self.settings.temperature  # (edges, 1)
        rest = users @ others.T / self.settings.temperature  # (edges, negatives)
        return (torch.logsumexp(torch.cat([wins, rest], dim=1), dim=1) - wins[:, 0]).sum()


def _bpr(users: Tensor, liked: Tensor, others: Tensor) -> Tensor:
    """-log sigmoid of the distance to one drawn item each; BPR-Opt: Rendle et al. 2009, sec. 4.1.

    users, liked, others: (edges, d).
    """
    import torch

    return -torch.nn.functional.logsigmoid((users * (liked - others)).sum(-1)).sum()


def _domains(train: DomainPair, source_weight: float) -> list[Domain]:
    """Edges of both domains, as node numbers: users, then source items, then target items."""
    n_users, n_source, n_target = len(train.users), train.source.shape[1], train.target.shape[1]
    bounds = n_users, n_users + n_source, n_users + n_source + n_target
    found = []
    for domain, first, end, weight in (
        (train.source, bounds[0], bounds[1], source_weight),
        (train.target, bounds[1], bounds[2], 1.0),
    ):
        edges = domain.tocoo()
        found.append(Domain(edges.row, edges.col + first, first, end, weight))
    return found
