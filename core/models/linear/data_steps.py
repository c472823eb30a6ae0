"""What is done to training rows before a model reads them: rows left out as noise, rows filled in.

Both are told as settings of a model (`denoise`, `fill`), so that runs with and without stand on one
split and are compared over the same held-out rows, of which nothing is changed. Each domain is
judged by an EASE of itself alone: a twin's rows owe the source nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from scipy.sparse import csr_matrix, load_npz, save_npz

from core.basics.columns import SOURCE, TARGET
from core.basics.files import write_whole
from core.basics.types import BoolArray, FloatArray
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.models.kernel.training_settings import ONES, SETTING
from core.models.linear.item_weights import (
    DenseWeights,
    UserMix,
    WeightForm,
    ease_dual,
    ease_primal,
    solve_memory,
    solves_dual,
)
from core.models.protocol import Finding, ModelCard, PairSizes

RIDGE = 100.0  # of the first EASE: what its card has by default
CELLS = 4_000_000  # scores worked out at once


@dataclass(frozen=True)
class Steps:
    """denoise: share of each domain's training rows left out. fill: source rows added a person."""

    denoise: float = 0.0
    fill: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Steps:
        """Those of any model's settings; a model that has none, or an older record, asks none."""
        return cls(float(settings.get("denoise", 0.0)), int(settings.get("fill", 0)))

    @property
    def any(self) -> bool:
        """Whether anything is done."""
        return bool(self.denoise or self.fill)


def training_pair(card: ModelCard, split: Split, settings: Mapping[str, Any]) -> DomainPair:
    """What a model of these settings is trained on: what its card reads, after the steps.

    What the steps make of a split is kept beside it, since every page that asks the run needs it.
    """
    how = settings.get(SETTING, ONES)
    pair, steps = card.pair_of(split, how), Steps.of(settings)
    if not steps.any:
        return pair
    found = {}
    for domain, rows in ((SOURCE, pair.source), (TARGET, pair.target)):
        own = steps if domain == SOURCE else replace(steps, fill=0)
        name = f"steps_{domain}_{how}_{own.denoise:g}_{own.fill}.npz"
        found[domain] = _kept(split.folder / name, rows, own)
    made = replace(pair, source=found[SOURCE], target=found[TARGET])
    return replace(made, source_counts=None, target_counts=None)


def findings_of_steps(plain: DomainPair, made: DomainPair) -> list[Finding]:
    """How many rows were left out of either domain and filled in, for the record of a run."""
    found = []
    for domain in (SOURCE, TARGET):
        before, after = (getattr(pair, domain) for pair in (plain, made))
        kept = before.astype(bool).multiply(after.astype(bool)).nnz
        out, added = before.nnz - kept, after.nnz - kept
        if out:
            words = f"Of {before.nnz:,} training rows; an EASE of the {domain} alone scored them "
            found.append(Finding(f"Rows of the {domain} left out", out, words + "lowest."))
        if added:
            words = f"Beside {before.nnz:,} training rows; an EASE of the {domain} alone scored "
            found.append(Finding(f"Rows of the {domain} filled in", added, words + "them highest."))
    return found


def memory_of(card: ModelCard, sizes: PairSizes, settings: Any) -> int:
    """Bytes at the peak of a fit with what comes before it: the first EASE is gone by then."""
    needed, steps = card.memory(sizes, settings), Steps.of(settings.to_dict())
    if steps.denoise:
        target = replace(sizes, source_items=0, source_rows=0)
        needed = max(needed, solve_memory(target, "auto"))
    if steps.any:
        source = (sizes.source_items, sizes.source_rows)
        alone = PairSizes(sizes.users, 0, source[0], 0, source[1])
        needed = max(needed, solve_memory(alone, "auto"))
    return needed


def stepped(rows: csr_matrix, steps: Steps) -> csr_matrix:
    """Training rows of one domain after the steps, (n_users, n_items).

    What is left out is what the first EASE scores lowest, but for each person's and each item's
    best row, so that nobody and nothing disappears. What is filled in weighs its score, at most 1;
    rows that were left out do not come back.
    """
    there = np.flatnonzero(np.diff(rows.indptr))
    some = rows[there]
    if not some.nnz or not steps.any:
        return rows
    form = _first_ease(some)
    own = np.empty(some.nnz, dtype=np.float32)  # of each training row
    added: list[tuple[np.ndarray, np.ndarray, FloatArray]] = []
    step = max(1, CELLS // some.shape[1])
    for start in range(0, len(there), step):
        block = some[start : start + step]
        scores = form.scores(block)  # (n_block, n_items); a row's own score is of the others
        users = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        own[some.indptr[start] : some.indptr[start] + block.nnz] = scores[users, block.indices]
        if steps.fill:
            scores[users, block.indices] = 0.0
            best = _best(scores, steps.fill)
            place, item = np.nonzero(best)
            added.append((there[start + place], item, np.minimum(scores[place, item], 1.0)))
    kept = ~_dropped(some, own, steps.denoise)
    user = np.repeat(there, np.diff(some.indptr))
    parts = [(user[kept], some.indices[kept], some.data[kept]), *added]
    users, items, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return csr_matrix((values.astype(np.float32), (users, items)), shape=rows.shape)


def _first_ease(rows: csr_matrix) -> WeightForm:
    """EASE of one domain alone (Steck 2019), on people with a row, (n_users, n_items)."""
    users, items = rows.shape
    ridge = np.full(items, RIDGE, dtype=np.float32)
    if solves_dual("auto", users, items, items, rows.nnz):
        return UserMix(rows, *_mix(rows, ridge))
    return DenseWeights(ease_primal(rows, ridge, 0))


def _mix(rows: csr_matrix, ridge: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    mix, self_weight = ease_dual(rows, ridge, 0)
    return mix, ridge, self_weight


def _best(scores: FloatArray, most: int) -> BoolArray:
    """Which cells are among the `most` highest of their row, (n_rows, n_items); above 0 alone."""
    most = min(most, scores.shape[1])
    top = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    best = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(best, top, True, axis=1)
    return best & (scores > 0)


def _dropped(rows: csr_matrix, scores: FloatArray, share: float) -> BoolArray:
    """Which stored rows are left out, (nnz,): the lowest that are nobody's and nothing's best."""
    users = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    order = np.argsort(scores, kind="stable")
    best = np.zeros(rows.nnz, dtype=bool)
    for owners, n in ((users, rows.shape[0]), (rows.indices, rows.shape[1])):
        last = np.full(n, -1)
        last[owners[order]] = order  # the last to be written is the highest
        best[last[last >= 0]] = True
    lowest = order[~best[order]][: int(share * rows.nnz)]
    dropped = np.zeros(rows.nnz, dtype=bool)
    dropped[lowest] = True
    return dropped


def _kept(path: Path, rows: csr_matrix, steps: Steps) -> csr_matrix:
    """What the steps make of the rows, as kept or made now."""
    if not steps.any:
        return rows
    with suppress(OSError, ValueError, BadZipFile):
        found = csr_matrix(load_npz(path))
        if found.shape == rows.shape:
            return found
    made = stepped(rows, steps)
    with suppress(OSError):  # a full disk: it is made again the next time
        write_whole(path, lambda part: _write(part, made))
    return made


def _write(path: Path, rows: csr_matrix) -> None:
    with path.open("wb") as file:  # a name alone would get another ending
        save_npz(file, rows)
