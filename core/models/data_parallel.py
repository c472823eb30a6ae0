"""Gradients of several batches in one step, each on the next of a machine's devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.basics.machine import autocast
from core.models.arrays import Array, Weights

LossOf = Callable[[Weights], Array]


def add_gradients(
    weights: Weights, asked: Weights, losses_of: Sequence[LossOf], devices: Sequence[str]
) -> list[Array]:
    """Add the gradients of the mean of the losses to those of `weights`; answers the losses.

    asked: what the losses are taken at, the weights themselves or tensors made of them by adding
    something. Every device but the first gets a copy for this step: synchronous data parallelism,
    Li et al. 2020 (PyTorch distributed), sec. 3.2.1. On CUDA no batch waits for another device.
    """
    copies = [asked, *(_copy(asked, device) for device in devices[1 : len(losses_of)])]
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


def _copy(asked: Weights, device: str) -> Weights:
    return {
        name: table.detach().to(device, copy=True).requires_grad_(table.requires_grad)
        for name, table in asked.items()
    }


def _fetch(weights: Weights, copy: Weights) -> None:
    for name, table in copy.items():
        if table.grad is not None:
            own: Any = weights[name]
            there = table.grad.to(own.device)
            own.grad = there if own.grad is None else own.grad + there
