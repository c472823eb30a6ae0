"""One training by gradients: weights on a device, Adam, clipping, checkpoints; the torch half."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from core.basics.errors import RunError
from core.basics.machine import choose_device, local_devices
from core.models.arrays import Array, Weights
from core.models.batches import Batch
from core.models.data_parallel import LossOf, add_gradients
from core.models.gradient import AVERAGE
from core.models.protocol import State

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
    """Go through the batches once, `accumulate` of them to a step; answers the mean loss.

    A perturbed second look draws the same negatives as the first.
    """
    steps.epoch += 1
    size = getattr(steps.settings, "accumulate", 1)
    losses = [
        steps.step(*(_loss_of(network, batch) for batch in group))
        for group in _groups(batches, size)
    ]
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
