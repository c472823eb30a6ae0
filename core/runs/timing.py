"""Time a model before anybody trains it: its first steps on the pair at hand, as a short job."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.basics.columns import VALID
from core.basics.errors import CrosswalkError
from core.basics.files import read_json, write_json
from core.basics.progress import Progress, Report, silent
from core.basics.types import IdMap
from core.basics.workspace import Workspace
from core.data.pair import DomainPair
from core.data.snapshot import RECORD, Split, read_snapshot
from core.evaluation.evaluate import evaluate
from core.fusion.candidates import DEPTH
from core.models.protocol import CrossDomainModel, PairSizes
from core.models.registry import build, card_of
from core.runs.estimate import work
from core.runs.texts import encode_texts
from core.runs.watch import watcher

STEPS = 3  # epochs that are timed at most
LONG = 15.0  # seconds after which no third epoch is timed
MOST_ROWS = 300_000  # of a pair that is timed by epochs; a larger one is thinned by users
QUICK = 0.3  # seconds of a thinned closed form below which the whole fit is timed
USERS = 200  # users whose evaluation is timed ...
PASSES = 3  # ... so many times, the quickest counts


def timing_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Time the model in the payload on its split and device, and remember it."""
    split = read_snapshot(workspace.splits / payload["split"])
    found = time_model(split, payload["model"], payload["device"], report)
    path = _path(workspace, payload["model"], payload["split"], payload["device"])
    write_json(path, found, beside=split.folder / RECORD)
    return found


def measured_steps(
    workspace: Workspace, model: str, split: str, device: str
) -> dict[str, Any] | None:
    """What was found for this model, split and device; None where nobody looked."""
    path = _path(workspace, model, split, device)
    try:
        kept = read_json(path)
    except CrosswalkError:
        return None
    whole = isinstance(kept, dict) and {"settings", "parts", "evaluate"} <= set(kept)
    return kept if whole else None


def time_model(split: Split, name: str, device: str, report: Report) -> dict[str, Any]:
    """Seconds of the first step and of further ones, of model and twin, and of evaluating all.

    Settings are the model's own. Popularity, which stands beside every run, is left out.
    """
    card = card_of(name)
    parts, evaluating = [], 0.0
    for role in ("model", "twin")[: 1 + card.has_twin]:
        report(Progress(0, 1, f"timing the {role}"))
        sample = split  # ratings are read from the folder, whole
        if card.task == "ranking":
            sample = _thinned_for(split, hasattr(card.settings(), "epochs"))
        part, model, judged = _timed(sample, split, name, device, role == "twin")
        parts.append(part)
        evaluating += _evaluating(
            model, judged, split, DEPTH if role == "model" and card.task == "ranking" else 0
        )
    return {"settings": card.settings().to_dict(), "parts": parts, "evaluate": evaluating}


def _timed(
    sample: Split, split: Split, name: str, device: str, target_only: bool
) -> tuple[dict[str, float], CrossDomainModel, Split]:
    """First and further steps of the whole fit, the fitted model, and the split it can judge."""
    part, model = _first_steps(sample, name, device, target_only)
    if sample is split:
        return part, model, split
    if not hasattr(model.settings, "epochs") and part["first"] < QUICK:
        part, model = _first_steps(split, name, device, target_only)
        return part, model, split
    card, sizes = card_of(name), (PairSizes.of(each.train) for each in (split, sample))
    whole, thin = (work(card, size, model.settings) for size in sizes)
    return {key: seconds * whole / max(1.0, thin) for key, seconds in part.items()}, model, sample


def _first_steps(
    split: Split, name: str, device: str, target_only: bool
) -> tuple[dict[str, float], CrossDomainModel]:
    """Seconds until the first yield, and between two later ones; validation is looked at too."""
    card = card_of(name)
    train = card.pair_of(split)
    train = train.target_only() if target_only else train
    model, watch = build(name, {}, device), watcher(split, 0, card.task)
    encode_texts(train, model.settings, silent)  # kept for good: no run pays for it again
    began = time.perf_counter()
    moments: list[float] = []
    for progress in model.fit_epochs(train, 0):
        if progress.total > 1 or progress.loss is not None:
            watch(model)
        moments.append(time.perf_counter() - began)
        if len(moments) == STEPS or (len(moments) > 1 and moments[-1] > LONG):
            break
    later = np.diff(moments)
    return {"first": moments[0], "step": float(later.mean()) if len(later) else 0.0}, model


def _evaluating(model: CrossDomainModel, judged: Split, split: Split, depth: int) -> float:
    """Seconds to evaluate all held-out users, from some of them."""
    users = judged.users(VALID)[:USERS]
    if not len(users):
        return 0.0
    held_out = judged.valid[: users[-1] + 1]
    held_out.resize(judged.valid.shape)
    some = replace(judged, valid=held_out)
    seconds = []
    for _ in range(PASSES):  # the first one also warms up
        began = time.perf_counter()
        evaluate(model.score, some, VALID, depth=depth)
        seconds.append(time.perf_counter() - began)
    each = min(seconds) / (len(users) * judged.valid.shape[1])
    everybody = sum(len(split.users(part)) for part in ("valid", "test"))
    return float(each * everybody * split.valid.shape[1])


def _thinned_for(split: Split, by_epochs: bool) -> Split:
    """A split small enough to be timed quickly: fewer users, for a closed form fewer items too."""
    if not by_epochs:
        return _thinned(split, 2, 2)
    rows = split.train.source.nnz + split.train.target.nnz
    step = -(-rows // MOST_ROWS)
    return split if step <= 1 else _thinned(split, step, 1)


@dataclass(frozen=True, kw_only=True)
class _Thin(Split):
    """Every so-manieth user and item of either domain of a whole split."""

    whole: Split
    every_user: int
    every_item: int

    @cached_property
    def timed(self) -> DomainPair:
        """Places in time of the whole, thinned: the folder knows the whole split alone."""
        return _thinned_pair(self.whole.timed, self.every_user, self.every_item)


def _thinned(split: Split, users: int, items: int) -> Split:
    """Every so-manieth user and item of either domain."""
    valid, test = (split.held_out(part)[::users][:, ::items].tocsr() for part in ("valid", "test"))
    train = _thinned_pair(split.train, users, items)
    new = split.new_items and {part: of[::items] for part, of in split.new_items.items()}
    return _Thin(
        split.info,
        train,
        valid,
        test,
        split.folder,
        new,
        whole=split,
        every_user=users,
        every_item=items,
    )


def _thinned_pair(pair: DomainPair, users: int, items: int) -> DomainPair:
    return DomainPair(
        IdMap(pair.users.ids[::users]),
        IdMap(pair.source_items.ids[::items]),
        IdMap(pair.target_items.ids[::items]),
        pair.source[::users][:, ::items].tocsr(),
        pair.target[::users][:, ::items].tocsr(),
        pair.source_features and pair.source_features.every(items),
        pair.target_features and pair.target_features.every(items),
    )


def _path(workspace: Workspace, model: str, split: str, device: str) -> Path:
    return workspace.timings / f"{model}-{split}-{device}.json"
