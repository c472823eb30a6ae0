"""The feature maps of both domains: learned side by side, kept together, measured against each
other on shared users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import FloatArray, IdMap
from core.data.pair import DomainPair
from core.models.factors.feature_maps import FeatureMap, MapOptions, map_steps, restored_map
from core.models.protocol import Finding, State

SIDES = ("source", "target")
HELD_OUT = 0.1  # share of the shared users that a map is judged on
TINY = 1e-12

Mapping = Callable[[FloatArray], FloatArray]  # (n, d_source) -> (n, d_target)


@dataclass(frozen=True)
class DomainMaps:
    """phi of the source and phi of the target."""

    source: FeatureMap
    target: FeatureMap

    def users(
        self, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> tuple[FloatArray, FloatArray]:
        """Both features of the same users, (n, d_source) and (n, d_target)."""
        return self.source.users(source_rows), self.target.users(target_rows)

    def state(self) -> State:
        """Both states, named by their domain."""
        return {
            f"{domain}_{name}": array
            for domain, found in zip(SIDES, (self.source, self.target), strict=True)
            for name, array in found.state().items()
        }


def domain_map_steps(
    kind: str, train: DomainPair, options: MapOptions, rng: np.random.Generator
) -> Iterator[tuple[int, DomainMaps]]:
    """(steps in all, maps) after every step of learning either domain by itself."""
    steps = (map_steps(kind, rows, options, rng) for rows in (train.source, train.target))
    for (total, source), (_, target) in zip(*steps, strict=True):
        yield total, DomainMaps(source, target)


def fit_domain_maps(
    kind: str, train: DomainPair, options: MapOptions, rng: np.random.Generator
) -> DomainMaps:
    """Both maps learned to their end."""
    *_, (_, maps) = domain_map_steps(kind, train, options, rng)
    return maps


def restored_maps(kind: str, state: State) -> DomainMaps:
    """Both maps from a state, in which other arrays may stand as well."""
    source, target = (restored_map(kind, _named(state, f"{side}_")) for side in SIDES)
    return DomainMaps(source, target)


def ridge_map(source: FloatArray, target: FloatArray, regularization: float) -> FloatArray:
    """min |S M - T|^2 + ridge |M|^2 over users, (n, d_source) and (n, d_target); (d_s, d_t).

    Man et al. 2017 (EMCDR), sec. 3.2, linear form.
    """
    left = source.T @ source + regularization * np.eye(source.shape[1])
    return np.linalg.solve(left, source.T @ target).astype(np.float32)


def some_shared(train: DomainPair, most: int) -> DomainPair:
    """The pair of at most so many shared users, drawn at random, always the same ones."""
    shared = np.flatnonzero(train.shared)
    chosen = np.sort(np.random.default_rng(0).permutation(shared)[:most])
    users = IdMap(train.users.ids[chosen])
    return replace(train, users=users, source=train.source[chosen], target=train.target[chosen])


def held_out(shared: np.ndarray, seed: int = 0) -> np.ndarray:
    """(n_users,) bool: the shared users a map is judged on; none where there are too few."""
    users = np.flatnonzero(shared)
    chosen = np.zeros(len(shared), dtype=bool)
    size = int(HELD_OUT * len(users))
    chosen[np.random.default_rng(seed).permutation(users)[:size]] = True
    return chosen


def mapping_findings(mapped: FloatArray, true: FloatArray, average: FloatArray) -> list[Finding]:
    """How well vectors were mapped for users the map was not learned on.

    mapped, true: (n, d) of held-out users; average: (d,) of those it was learned on.
    """
    if len(true) < 2:
        return []
    likeness = _unit(mapped) @ _unit(true).T  # (n, n), each mapped user beside all true ones
    own = np.diag(likeness)
    ranks = (likeness >= own[:, None]).sum(axis=1)  # ties count against
    missed, n = float(((mapped - true) ** 2).sum()), len(true)
    chance = float((1 / np.arange(1, n + 1)).mean())
    spread, size = float(((true - average) ** 2).sum()), float((true**2).sum())
    on = f"on {n} shared users a map of the same kind was learned without"
    return [
        Finding(
            "Mapping error, cosine",
            1 - float(own.mean()),
            f"1 minus the cosine of mapped and true target vector, {on}; 0 is exact.",
        ),
        Finding(
            "Mapping error, relative L2",
            np.sqrt(missed / max(size, TINY)),
            f"Distance of mapped and true vectors over the length of the true, {on}; lower is "
            "better, 1 is a map to zero.",
        ),
        Finding(
            "Mapping R²",
            1 - missed / max(spread, TINY),
            f"Share of the spread of target vectors that is foreseen, {on}; 0 is no better "
            "than the average vector.",
        ),
        Finding(
            "Retrieval MRR",
            float((1 / ranks).mean()),
            f"Mean of 1/rank of a user's own vector among all {n} by cosine with the mapped "
            f"one, {on}; higher is better, chance is {chance:.3f}.",
        ),
    ]


def _named(state: State, prefix: str) -> State:
    return {
        name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)
    }


def _unit(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), TINY)
    return unit
