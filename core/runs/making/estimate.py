"""What a run will cost, before it starts: memory against what is free, seconds from what is known.

Seconds come from the nearest thing that was really timed here: the same run, the model on this
split with other settings, a measured step on this split, or the model on another split.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.basics.columns import VALID
from core.basics.errors import CrosswalkError
from core.basics.files import read_json, write_json
from core.basics.formatting import duration
from core.basics.machine import AUTO, free_memory
from core.basics.progress import Progress, Report, silent
from core.basics.types import IdMap
from core.basics.workspace import Workspace
from core.data.pair import DomainPair
from core.data.snapshot import NEW_ITEMS, RECORD, RatingFacts, Split, SplitInfo, read_snapshot
from core.evaluation.evaluate import evaluate
from core.fusion.candidates import DEPTH
from core.models.kernel.training_settings import FEWEST_EPOCHS, TIMES_AT_MOST
from core.models.linear.data_steps import memory_of
from core.models.linear.item_weights import solves_dual
from core.models.protocol import CrossDomainModel, ModelCard, PairSizes
from core.models.readiness import Readiness, readiness
from core.models.registry import build, card_of
from core.runs.making.fit import watcher
from core.runs.making.plan import RunPlan
from core.runs.making.texts import encode_texts
from core.store.run_folder import Run

Basis = Literal["same", "other settings", "measured", "other split"]
SAME: Basis = "same"
OTHER_SETTINGS: Basis = "other settings"
MEASURED: Basis = "measured"
OTHER_SPLIT: Basis = "other split"
Infos = Callable[[str], SplitInfo | None]  # what is known about a split, by its hash
GROWTH = 1.4  # time of a closed form by its memory: between n^2 entries read and n^3 operations
SECONDS_TO_START = 1.5  # of a child: Python, the libraries, the split


@dataclass(frozen=True)
class Timing:
    """Wall seconds of a run with its twin, and what they were taken from."""

    fit: float
    evaluate: float
    basis: Basis
    times: float = 0.0  # of `fit` at most, where validation decides when it ends; 0 is not known

    @property
    def seconds(self) -> float:
        """All of the run."""
        return self.fit + self.evaluate

    @property
    def words(self) -> str:
        """`about 40 s, at most 3 min`: early stopping makes it shorter, a rising curve longer."""
        if self.times <= 1:
            return f"{'at most ' if self.times else ''}about {duration(self.seconds)}"
        most = duration(self.times * self.fit + self.evaluate)
        return f"about {duration(self.seconds)}, at most {most}"


@dataclass(frozen=True)
class Estimate:
    """memory, free: bytes; timing: None where nothing like it was ever timed here."""

    memory: int
    free: int
    timing: Timing | None
    readiness: Readiness

    @property
    def fits(self) -> bool:
        """Whether the run may be started."""
        return self.readiness.light != "red"


def estimate(
    plan: RunPlan,
    info: SplitInfo,
    shared_users: int,
    timing: Timing | None,
    free: int | None = None,
    facts: RatingFacts | None = None,
) -> Estimate:
    """What the plan will cost on this split; free: bytes, what the machine has now if None.

    facts: what is known of the split's texts and vectors; without them the model can read some.
    """
    card = card_of(plan.model)
    settings = card.settings.of(plan.settings)
    sizes = sizes_of(info, facts)
    free = free_memory() if free is None else free
    return Estimate(
        memory=memory_of(card, sizes, settings),
        free=free,
        timing=timing,
        readiness=readiness(
            card, sizes, shared_users, settings, free, facts, info.kind == NEW_ITEMS
        ),
    )


def sizes_of(info: SplitInfo, facts: RatingFacts | None = None) -> PairSizes:
    """Sizes of the pair a split trains on, without reading its rows."""
    counts, width = info.counts, 0 if facts is None else max(facts.vectors)
    return PairSizes(
        counts["users"],
        counts["source_items"],
        counts["target_items"],
        counts["source_train"],
        counts["target_train"],
        width,
    )


def time_of(
    plan: RunPlan, runs: Iterable[Run], infos: Infos, measured: dict[str, Any] | None = None
) -> Timing | None:
    """Seconds the plan will take, from the nearest thing that was timed; None without any.

    runs: newest first. measured: what a timing job found for this model, split and device.
    """
    alike = [run for run in runs if _is_like(run, plan)]
    here = [run for run in alike if run.record.split_hash == plan.split]
    values = card_of(plan.model).settings.of(plan.settings).to_dict()
    for run in here:
        if run.record.settings == values:
            return Timing(_seconds(run, "fit"), _seconds(run, "evaluate"), SAME)
    if here:
        return _scaled_run(plan, here[0], infos, OTHER_SETTINGS)
    if measured is not None:
        # First step and further steps as measured, times what these settings change
        info = infos(plan.split)
        if info is None:
            return None
        card, sizes = card_of(plan.model), sizes_of(info)
        settings, then = card.settings.of(plan.settings), card.settings.of(measured["settings"])
        steps, steps_then = (getattr(each, "epochs", 1) for each in (settings, then))
        ratio = work(card, sizes, settings) / steps / (work(card, sizes, then) / steps_then)
        fit = sum(
            ratio * (part["first"] + part["step"] * (steps - 1)) for part in measured["parts"]
        )
        times = TIMES_AT_MOST if steps >= FEWEST_EPOCHS else 1
        early = times if getattr(settings, "patience", 0) else 0
        return Timing(fit, measured["evaluate"], MEASURED, early)
    return next((t for run in alike if (t := _scaled_run(plan, run, infos, OTHER_SPLIT))), None)


def search_seconds(timing: Timing, trials: int, places: int) -> float:
    """Seconds of as many trials of a model and of its twin, `places` of them side by side.

    A trial fits once and evaluates validation only: half of what a run evaluates.
    """
    each = timing.fit + timing.evaluate / 2 + 2 * SECONDS_TO_START
    return trials * each / max(1, places)


def work(card: ModelCard, sizes: PairSizes, settings: Any) -> float:
    """A number that grows as the time of a fit does; only ratios of it mean anything.

    Epochs x rows x factors (x layers) for what is trained by gradients; alternating least squares
    solves a system per user and item, so factors count squared; a closed form by its memory.
    """
    if not hasattr(settings, "epochs"):
        return float(card.memory(sizes, settings) ** GROWTH)
    rows = sizes.source_rows + sizes.target_rows
    factors = getattr(settings, "factors", 1) ** (1 if card.gradient else 2)
    return float(settings.epochs * max(1, rows) * factors * getattr(settings, "layers", 1))


def _is_like(run: Run, plan: RunPlan) -> bool:
    """Whether a whole run of the same model and device was really trained, not derived."""
    record = run.record
    same = record.model == plan.model and record.device == plan.device
    return same and run.complete and record.making is None and "wall_seconds" in record.fit


def _seconds(run: Run, step: str) -> float:
    parts = (run, run.twin, run.popularity)
    return sum(getattr(part.record, step)["wall_seconds"] for part in parts if part is not None)


def _scaled_run(plan: RunPlan, run: Run, infos: Infos, basis: Basis) -> Timing | None:
    """A run's seconds times the ratio of the work; None where its split is unknown."""
    here, there = infos(plan.split), infos(run.record.split_hash)
    if here is None or there is None:
        return None
    card = card_of(plan.model)
    ours = work(card, sizes_of(here), card.settings.of(plan.settings))
    theirs = work(card, sizes_of(there), card.settings.of(run.record.settings))
    looked = _ranked_cells(here) / max(1, _ranked_cells(there))
    fit, evaluate = _seconds(run, "fit"), _seconds(run, "evaluate")
    return Timing(fit * ours / max(1.0, theirs), evaluate * looked, basis)


def _ranked_cells(info: SplitInfo) -> int:
    """Held-out rows times target items: evaluation ranks all items of every user."""
    counts = info.counts
    return int((counts["target_valid"] + counts["target_test"]) * counts["target_items"])


# Time a model before anybody trains it: its first steps on the pair at hand, as a short job.

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
        if not card.task.rates:
            sample = _thinned_for(split, hasattr(card.settings(), "epochs"))
        part, model, judged = _timed(sample, split, name, device, role == "twin")
        parts.append(part)
        evaluating += _evaluating(
            model, judged, split, DEPTH if role == "model" and not card.task.rates else 0
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


# Before a costly model is started: how much a cheap one costs beside it, and to train that first.
# Seconds are said where both were timed on this machine. Where not, the two are compared by their
# work, and what is said is a floor: the least that was seen of models trained by gradients.

CHEAP = {"ranking": "ease", "rating": "mf_rating"}  # by task
TIMES, SECONDS = 10.0, 30.0  # as costly as the cheap one at least, and so long at least
# Seconds on one core, with the twin, of sixteen models on pairs of 3,300 users and 57,000 items and
# of 20,000 users and 8,000 items. By a unit of `work`: the least of models trained by gradients,
# the most of alternating least squares. Of EASE: by side^3 of what it inverts, and by byte.
_GRADIENT, _ALTERNATING = 2e-7, 1e-8
_INVERTED, _MOVED = 6e-11, 5e-9


@dataclass(frozen=True)
class CheaperFirst:
    """What to say before a costly run, and the cheap one to train first."""

    words: str
    plan: RunPlan


def cheap_plan(plan: RunPlan, info: SplitInfo) -> RunPlan | None:
    """The cheap model with its own settings on the same split.

    None where nothing sensible is cheaper: for the cheap model itself, and on a split of new
    items for one that cannot tell these apart.
    """
    card = card_of(plan.model)
    cheap = card_of(CHEAP[card.task])
    if cheap.name == plan.model or (info.kind == NEW_ITEMS and not cheap.new_items):
        return None
    label = f"{cheap.title} · seed {plan.seed}"
    return RunPlan(plan.split, cheap.name, cheap.settings().to_dict(), plan.seed, AUTO, label)


def cheaper_first(
    plans: Iterable[RunPlan],
    info: SplitInfo,
    known: Iterable[tuple[str, str]],
    cost_of: Callable[[RunPlan], Estimate],
) -> CheaperFirst | None:
    """The costliest of the plans beside the cheap model; None where none of them is costly.

    known: model and split of every run that is there or on its way. cost_of: what a plan will
    take. Nothing is said where the cheap model is known, planned too, or does not fit.
    """
    plans = list(plans)
    there = {*known, *((plan.model, plan.split) for plan in plans)}
    found: list[tuple[float, CheaperFirst]] = []
    for plan in plans:
        cheap = cheap_plan(plan, info)
        if cheap is None or (cheap.model, cheap.split) in there:
            continue
        its, other = cost_of(plan), cost_of(cheap)
        if not (its.fits and other.fits):
            continue
        said = _in_seconds if its.timing and other.timing else _in_times
        if told := said(plan, cheap, info, its.timing, other.timing):
            seconds, words = told
            found.append((seconds, CheaperFirst(words, cheap)))
    return max(found, key=lambda one: one[0])[1] if found else None


def _in_seconds(
    plan: RunPlan, cheap: RunPlan, info: SplitInfo, its: Timing | None, other: Timing | None
) -> tuple[float, str] | None:
    """Seconds of the plan and the words about them; None where it is not costly."""
    assert its is not None
    assert other is not None
    if its.seconds < max(SECONDS, TIMES * other.seconds):
        return None
    briefly = "under a second" if other.seconds < 1 else f"about {duration(other.seconds)}"
    return its.seconds, (
        f"{card_of(plan.model).title} takes {its.words} on this pair; "
        f"{card_of(cheap.model).title} takes {briefly} and is often as good."
    )


def _in_times(
    plan: RunPlan, cheap: RunPlan, info: SplitInfo, its: Timing | None, other: Timing | None
) -> tuple[float, str] | None:
    """The same by the work where one of the two was not timed; for models trained by gradients."""
    card, first, sizes = card_of(plan.model), card_of(cheap.model), sizes_of(info)
    if not card.gradient:
        return None
    least = _cheap_seconds(cheap, sizes)
    floor = _GRADIENT * work(card, sizes, card.settings.of(plan.settings))
    seconds = its.seconds if its else floor
    if seconds < SECONDS or floor < TIMES * least:
        return None
    takes = f"takes about {duration(seconds)} on this pair" if its else "was not timed here yet"
    return seconds, (
        f"{card.title} {takes}; on a CPU it is more than {_rounded_down(floor / least):,} times "
        f"the work of {first.title}, which is often as good."
    )


def _cheap_seconds(cheap: RunPlan, sizes: PairSizes) -> float:
    """Seconds of a fit of the cheap model at most, as its work lets expect them."""
    card = card_of(cheap.model)
    settings: Any = card.settings.of(cheap.settings)
    if hasattr(settings, "epochs"):
        return _ALTERNATING * work(card, sizes, settings)
    items = sizes.source_items + sizes.target_items
    rows = sizes.source_rows + sizes.target_rows
    dual = solves_dual(settings.solver, sizes.users, items, sizes.target_items, rows)
    side = sizes.users if dual else items
    return _INVERTED * side**3 + _MOVED * card.memory(sizes, settings)


def _rounded_down(times: float) -> int:
    """Its first figure, so that a rough number looks rough: 487 is 400."""
    digits = 10 ** (len(str(int(times))) - 1)
    return int(times) // digits * digits
