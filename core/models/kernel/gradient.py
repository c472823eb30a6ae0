"""Models that are networks over both histories: trained by epochs on torch, asked as plain arrays.

A network says what is particular to one model; everything else is here once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack

from core.basics.errors import RunError
from core.basics.machine import autocast, choose_device, local_devices
from core.basics.progress import Progress
from core.basics.types import Contributions, DomainScores, FloatArray, IntArray, Vectors
from core.data.pair import DomainPair
from core.models.kernel.arrays import Array, Weights
from core.models.kernel.batches import Batch, leave_one_out, pseudo_labels, user_batches
from core.models.protocol import CrossDomainModel, Finding, Network, PairSizes, State

AVERAGE = "average."  # prefix of averaged weights in a checkpoint
TORCH = 400 * 2**20  # bytes that loading torch takes


class GradientModel(CrossDomainModel):
    """A network that keeps the promise of a model.

    Parts are the network's scores with the other domain's history silenced; a part without
    evidence is 0.
    """

    train: DomainPair
    weights: State
    device: str = "auto"
    _seed: int = 0
    _steps: Any = None
    _resumed: State | None = None

    def __init__(self, network: Network) -> None:
        self.network, self.settings = network, network.settings

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """One pass over all users per epoch; RunError where the loss diverges.

        Chance depends on seed and epoch alone, so an epoch after a resume is the one that would
        have been.
        """

        start = self.network.start(train, np.random.default_rng(seed))
        self.train, self._seed = train, seed
        self._steps = Steps(start, self.settings, self.device, self._resumed)
        self._resumed = None
        yield from self.go_on(self.settings.epochs)

    def go_on(self, epochs: int) -> Iterator[Progress]:
        """Further epochs, up to so many in all, with the same weights, moments and chance."""
        steps = self._steps
        while steps.epoch < epochs:
            loss = one_epoch(steps, self.network, self._batches(self._seed, steps.epoch + 1))
            self.weights = self.network.finished(steps.averaged(), steps.epoch)
            yield Progress(done=steps.epoch, total=epochs, loss=loss)

    def score(self, users: IntArray) -> DomainScores:
        """Both parts by silencing the other history, and the network's own score."""
        return self._scores(self.train.source[users], self.train.target[users], users)

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """The same for histories nobody trained on."""
        return self._scores(source_rows, target_rows, None)

    def score_own(self, users: IntArray) -> DomainScores:
        """The own score alone, for whoever watches a training: a third of the work."""
        source, target = self.train.source[users], self.train.target[users]
        own = self._own(source, target, users)
        return DomainScores(
            own, own, self._base(), own, *self.network.evidence(self.weights, source, target)
        )

    def score_weighted(
        self, source: csr_matrix, target: csr_matrix, alpha: float, beta: float
    ) -> FloatArray:
        """Own scores, (n, n_target_items), with what is read of each history weighed first.

        Feature-level fusion: alpha phi_source(h_s) and beta phi_target(h_t) enter the head. A
        history that stands alone counts in full. Only where the model `weighs_features`.
        """
        has_source, has_target = np.diff(source.indptr) > 0, np.diff(target.indptr) > 0
        of_source = np.where(has_target, alpha, 1.0).astype(np.float32)[:, None]
        of_target = np.where(has_source, beta, 1.0).astype(np.float32)[:, None]
        users = self.network.weighted_users(self.weights, source, target, of_source, of_target)
        return np.asarray(self.network.scores(self.weights, users, None), dtype=np.float32)

    @property
    def weighs_features(self) -> bool:
        """Whether `score_weighted` can be asked."""
        return self.network.weighs_features

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """What the item's score loses when one history item is taken away, for each of them.

        Where the network knows better, what it says.
        """
        exact = self.network.explain(self.weights, source_row, target_row, item)
        if exact is not None:
            return exact
        amounts = []
        for row, is_source in ((source_row, True), (target_row, False)):
            without = leave_one_out(row)
            other = vstack([target_row if is_source else source_row] * (len(row.indices) + 1))
            histories = (without, other.tocsr()) if is_source else (other.tocsr(), without)
            scores = self._own(*histories, None, np.array([item]))[:, 0]
            amounts.append(scores[-1] - scores[:-1])
        return Contributions(source_row.indices, amounts[0], target_row.indices, amounts[1])

    def vectors(self) -> Vectors | None:
        """Vectors for the map, where the network has any."""
        return self.network.vectors(self.weights, self.train)

    def findings(self) -> list[Finding]:
        """What the network says of itself."""
        return self.network.findings(self.weights, self.train)

    def state(self) -> State:
        """The network's weights."""
        return dict(self.weights)

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state."""
        self.train, self.weights = train, dict(state)

    def checkpoint(self) -> State:
        """Weights, optimiser and epoch after the last yield."""
        assert self._steps is not None, "a checkpoint is taken while training"
        kept: State = self._steps.checkpoint()
        return kept

    def resume(self, train: DomainPair, checkpoint: State) -> None:
        """Take up a checkpoint; the next fit_epochs goes on with the epoch after it."""
        start = self.network.start(train, np.random.default_rng(0))
        weights = {name: checkpoint.get(AVERAGE + name, checkpoint[name]) for name in start}
        self.restore(train, self.network.finished(weights, int(checkpoint["epoch"][0])))
        self._resumed = checkpoint

    @property
    def preparation(self) -> int:
        """The network's own."""
        return self.network.preparation

    def _batches(self, seed: int, epoch: int) -> Iterator[Batch]:
        """The network's own, or every user once."""
        settings, pseudo = self.settings, None
        own = self.network.batches(self.train, np.random.default_rng([seed, epoch]), epoch)
        if own is not None:
            return own
        if (added := getattr(settings, "pseudo_labels", 0)) and epoch > 1:
            pseudo = pseudo_labels(self.train, self, added)
        return user_batches(
            self.train,
            pseudo,
            np.random.default_rng([seed, epoch]),
            epoch,
            size=settings.batch_size,
            interaction_dropout=settings.interaction_dropout,
            history_dropout=settings.history_dropout,
        )

    def _scores(self, source: csr_matrix, target: csr_matrix, who: IntArray | None) -> DomainScores:
        has_source, has_target = self.network.evidence(self.weights, source, target)
        base = self._base()
        from_source = (self._own(source, _emptied(target), None) - base) * has_source[:, None]
        from_target = (self._own(_emptied(source), target, None) - base) * has_target[:, None]
        if self.network.adds_up:
            return DomainScores.ranking(from_source, from_target, has_source, has_target)
        own = self._own(source, target, who)
        return DomainScores(from_source, from_target, base, own, has_source, has_target)

    def _base(self) -> FloatArray:
        """(1, n_target_items) answer to nobody; (1, 1) of 0 where that means nothing."""
        if not self.network.has_base:
            return np.zeros((1, 1), dtype=np.float32)
        return self._own(_emptied(self.train.source[:1]), _emptied(self.train.target[:1]), None)

    def _own(
        self,
        source: csr_matrix,
        target: csr_matrix,
        who: IntArray | None,
        items: IntArray | None = None,
    ) -> FloatArray:
        users = self.network.users(self.weights, source, target, who)
        return np.asarray(self.network.scores(self.weights, users, items), dtype=np.float32)


def gradient_memory(sizes: PairSizes, parameters: int, cells_per_user: int, batch: int) -> int:
    """Bytes at the peak of a fit: torch, weights with Adam's moments, one batch both ways."""
    rows = 8 * 4 * (sizes.source_rows + sizes.target_rows)
    return TORCH + 6 * 4 * parameters + 3 * 4 * batch * cells_per_user + rows


def _emptied(rows: csr_matrix) -> csr_matrix:
    return csr_matrix(rows.shape, dtype=np.float32)


# One training by gradients: weights on a device, Adam, clipping, checkpoints; the torch half.

FIRST_MOMENT, SECOND_MOMENT, STEP, EPOCH = "adam.first.", "adam.second.", "adam.step", "epoch"
FIXED = "fixed."  # how a weight is named that no step changes


class Steps:
    """Weights on their way: each step follows a clipped gradient by Adam.

    Kingma and Ba 2015. Made from first weights, or from a checkpoint of an earlier training.
    """

    def __init__(
        self, start: State, settings: Any, device: str, checkpoint: State | None = None
    ) -> None:
        import torch

        self.settings, self.device = settings, choose_device(device)
        self.devices = local_devices(self.device)
        self.epoch = 0 if checkpoint is None else int(checkpoint[EPOCH][0])
        first = start if checkpoint is None else {name: checkpoint[name] for name in start}
        self.weights: Weights = {
            name: torch.tensor(array, device=self.device, requires_grad=not name.startswith(FIXED))
            for name, array in first.items()
        }
        self.optimiser = torch.optim.Adam(
            [weight for weight in self.weights.values() if weight.requires_grad],
            lr=settings.learning_rate,
            weight_decay=getattr(settings, "weight_decay", 0.0),
        )
        self.taken = 0  # steps so far
        self.average: Weights = {}
        if self._kept_share:
            self.average = {
                name: one.detach().clone()
                for name, one in self.weights.items()
                if one.requires_grad
            }
        if checkpoint is not None:
            self._take_up(checkpoint)

    def step(self, *losses_of: LossOf) -> float:
        """One step down the gradient of the mean of the losses; answers that mean.

        Each is a loss_of(weights), one or several batches that the device's memory holds one by
        one; several GPUs share them. With a `perturbation` the loss at the worst nearby weights
        counts as much again: adversarial personalized ranking, He et al. 2018, eq. 6-8, over every
        table of vectors. Raises RunError where a GPU has too little memory for a batch.
        """
        import torch

        try:
            self.optimiser.zero_grad()
            losses = add_gradients(self.weights, self.weights, losses_of, self.devices)
            loss = float(sum(losses)) / len(losses)
            if all(weight.grad is None for weight in self.weights.values()):
                return loss
            if reach := getattr(self.settings, "perturbation", 0.0):
                add_gradients(self.weights, self._perturbed(reach), losses_of, self.devices)
            torch.nn.utils.clip_grad_norm_(self.weights.values(), self.settings.max_gradient_norm)
            self.optimiser.step()
            self._average()
        except torch.OutOfMemoryError as error:
            raise self._too_large(error) from error
        return loss

    def checked(self, losses: list[float]) -> float:
        """Mean loss of the epoch; raises RunError where it is no longer a number."""
        loss = float(np.mean(losses)) if losses else 0.0
        if not np.isfinite(loss):
            raise RunError(
                what=f"Training diverged: the loss is no longer a number in epoch {self.epoch}.",
                hint=f"Lower learning_rate, which is {self.settings.learning_rate:g} now.",
            )
        return loss

    def arrays(self) -> State:
        """The weights as arrays of their own."""
        return {name: _array(weight) for name, weight in self.weights.items()}

    def averaged(self) -> State:
        """What is asked: the running average of the weights, or the weights where it is off."""
        return {
            name: _array(self.average.get(name, weight)) for name, weight in self.weights.items()
        }

    def checkpoint(self) -> State:
        """Weights, their average, both moments and steps of Adam, and the epoch."""
        kept = self.arrays()
        if self._kept_share:
            kept |= {AVERAGE + name: _array(weight) for name, weight in self.average.items()}
        for name, weight in self.weights.items():
            if moments := self.optimiser.state.get(weight):
                kept[FIRST_MOMENT + name] = _array(moments["exp_avg"])
                kept[SECOND_MOMENT + name] = _array(moments["exp_avg_sq"])
                if (own := float(moments["step"])) != self.taken:  # it joined later, or left
                    kept[f"{STEP}.{name}"] = np.array([own])
        return kept | {STEP: np.array([float(self.taken)]), EPOCH: np.array([self.epoch])}

    def _take_up(self, checkpoint: State) -> None:
        import torch

        self.taken = int(checkpoint[STEP][0])
        for name, weight in self.weights.items():
            if AVERAGE + name in checkpoint:
                self.average[name] = torch.tensor(checkpoint[AVERAGE + name], device=self.device)
            if FIRST_MOMENT + name in checkpoint:
                own = checkpoint.get(f"{STEP}.{name}", checkpoint[STEP])
                self.optimiser.state[weight] = {
                    "step": torch.tensor(float(own[0])),
                    "exp_avg": torch.tensor(checkpoint[FIRST_MOMENT + name], device=self.device),
                    "exp_avg_sq": torch.tensor(
                        checkpoint[SECOND_MOMENT + name], device=self.device
                    ),
                }

    @property
    def _kept_share(self) -> float:
        return float(getattr(self.settings, "weight_average", 0.0))

    def _average(self) -> None:
        """Move the running average; the first steps are forgotten sooner.

        Polyak and Juditsky 1992, as an exponential average.
        """
        self.taken += 1
        if not self._kept_share:
            return
        kept = min(self._kept_share, (1 + self.taken) / (10 + self.taken))
        for name, average in self.average.items():
            average.lerp_(self.weights[name].detach(), 1 - kept)

    def _perturbed(self, reach: float) -> Weights:
        """Weights moved by `reach` per row, the way that raises the loss most."""
        import torch

        return {
            name: weight
            if weight.grad is None or weight.ndim < 2
            else weight + reach * torch.nn.functional.normalize(weight.grad.detach(), dim=-1)
            for name, weight in self.weights.items()
        }

    def _too_large(self, error: Exception) -> RunError:
        """What the GPU ran out of, and the largest batch that is likely to fit."""
        import torch

        free, whole = torch.cuda.mem_get_info()
        used = torch.cuda.max_memory_allocated()
        size = self.settings.batch_size
        fits = max(1, int(size * 0.8 * whole / max(used + free, whole) / 2))
        return RunError(
            what=f"The GPU ran out of memory: a batch of {size} needed more than "
            f"{used / 2**30:.1f} GiB of its {whole / 2**30:.1f} GiB.",
            hint=f"Set batch_size to {fits} or less, use fewer factors, or train on the CPU.",
        )


def one_epoch(steps: Steps, network: Any, batches: Iterable[Batch]) -> float:
    """Go through the batches once, `accumulate` of them to a step, and return the mean loss.

    A perturbed second look draws the same negatives as the first.
    """
    import torch

    steps.epoch += 1
    size = getattr(steps.settings, "accumulate", 1)
    losses = []
    for group in _groups(batches, size):
        losses.append(steps.step(*(_loss_of(network, batch) for batch in group)))
        with torch.no_grad():
            network.after_step(steps.weights)
    return steps.checked(losses)


def _loss_of(network: Any, batch: Batch) -> LossOf:
    chance = batch.rng.integers(2**63)

    def loss_of(weights: Weights) -> Array:
        return network.loss(weights, replace(batch, rng=np.random.default_rng(chance)))

    return loss_of


def _groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    drawn = iter(batches)
    while group := list(islice(drawn, size)):
        yield group


def _array(tensor: Array) -> np.ndarray:
    array: np.ndarray = tensor.detach().cpu().numpy().copy()
    return array


# Gradients of several batches in one step, each on the next of a machine's devices.

LossOf = Callable[[Weights], Array]


def add_gradients(
    weights: Weights, asked: Weights, losses_of: Sequence[LossOf], devices: Sequence[str]
) -> list[Array]:
    """Add the gradients of the mean of the losses to those of `weights`, and return the losses.

    asked: what the losses are taken at, the weights themselves or tensors made of them by adding
    something. Every device but the first gets a copy for this step: synchronous data parallelism,
    Li et al. 2020 (PyTorch distributed), sec. 3.2.1. On CUDA no batch waits for another device.
    """
    copies = [
        asked,
        *(
            {
                name: table.detach().to(device, copy=True).requires_grad_(table.requires_grad)
                for name, table in asked.items()
            }
            for device in devices[1 : len(losses_of)]
        ),
    ]
    losses = []
    for place, loss_of in enumerate(losses_of):
        at = place % len(copies)
        with autocast(devices[at].split(":")[0]):
            loss = loss_of(copies[at])
        if loss.requires_grad:  # else nothing was wanted in this batch
            (loss / len(losses_of)).backward()
        losses.append(loss.detach())
    for copy in copies[1:]:
        _fetch(weights, copy)
    return losses


def _fetch(weights: Weights, copy: Weights) -> None:
    for name, table in copy.items():
        if table.grad is not None:
            own: Any = weights[name]
            there = table.grad.to(own.device)
            own.grad = there if own.grad is None else own.grad + there
