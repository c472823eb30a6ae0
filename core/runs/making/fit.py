"""Fit a model and keep its best epoch by validation, with what it cost."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.basics.columns import OWN, USER, VALID
from core.basics.errors import CrosswalkError
from core.basics.files import read_json, write_json
from core.basics.progress import Cancelled, Progress, Report
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.evaluation.evaluate import evaluate
from core.evaluation.ratings import Bounds, errors_per_user, intervals, predict_held_out
from core.metrics.ratings import RMSE
from core.models.kernel.training_settings import FEWEST_EPOCHS, TIMES_AT_MOST
from core.models.protocol import CrossDomainModel, State
from core.models.registry import card_of
from core.store.record import few_to_choose_by
from core.store.run_folder import read_tensors, write_tensors

RISE = 0.01  # share of the validation metric by which the last round is better than the one before
SECONDS_BETWEEN_CHECKPOINTS = 0.5  # at least; longer where saving is slow
SHARE_SPENT_SAVING = 0.05  # of the training time, at most


@dataclass(frozen=True)
class Point:
    """One epoch of the learning curve."""

    epoch: int
    loss: float | None
    valid: float | None  # validation nDCG@10, or RMSE of a model of ratings


@dataclass
class Fit:
    """How a fit went; the model stands at its best epoch when it ends."""

    curve: list[Point] = field(default_factory=list)
    best_epoch: int = 0
    cancelled: bool = False
    finished: bool = False
    lower_is_better: bool = False  # of the validation metric
    preparation: int = 0  # epochs before the model that is kept exists
    cut_short: bool = False  # it ended at its last epoch, and not because patience was used up

    @property
    def best(self) -> float:
        """Validation quality of the best epoch so far, minus infinity before the first."""
        return self.best_beside(self.curve[-1].epoch if self.curve else 0)

    def best_beside(self, epoch: int) -> float:
        """The best quality so far that an epoch of this number competes with."""
        first = self.preparation if epoch > self.preparation else 0
        rivals = (self.quality(point.valid) for point in self.curve if point.epoch > first)
        return max(rivals, default=-np.inf)

    @property
    def waited(self) -> int:
        """Epochs since the best one of the model that is kept, or since its preparation."""
        last = self.curve[-1].epoch if self.curve else 0
        return last - max(self.best_epoch, self.preparation)

    def quality(self, valid: float | None) -> float:
        """The validation metric turned so that more is better; 0 where none is known."""
        return 0.0 if valid is None else -valid if self.lower_is_better else valid


class Checkpoints:
    """A folder with the last and the best state of an unfinished fit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last_saved = -np.inf  # the first epoch is kept at once
        self._seconds = 0.0  # what the last save took

    def save(self, model: CrossDomainModel, fit: Fit, best: State) -> None:
        """Keep where the fit stands; files appear whole, the record last."""
        began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        write_tensors(self.folder / "best.safetensors", best)
        write_tensors(self.folder / f"{len(fit.curve)}.safetensors", model.checkpoint())  # type: ignore[attr-defined]
        write_json(self.folder / "fit.json", asdict(fit))
        for path in self.folder.glob("[0-9]*.safetensors"):
            if path.stem != str(len(fit.curve)):
                path.unlink()
        self._last_saved = time.monotonic()
        self._seconds = self._last_saved - began

    @property
    def due(self) -> bool:
        """Whether enough time has passed to be worth another save."""
        wait = max(SECONDS_BETWEEN_CHECKPOINTS, self._seconds / SHARE_SPENT_SAVING)
        return time.monotonic() - self._last_saved >= wait

    def load(self) -> tuple[Fit, State, State] | None:
        """The fit, its best state and its last checkpoint; None where there is nothing whole."""
        if not (self.folder / "fit.json").exists():
            return None
        try:
            values = read_json(self.folder / "fit.json")
            fit = Fit(**values | {"curve": [Point(**point) for point in values["curve"]]})
            last = read_tensors(self.folder / f"{len(fit.curve)}.safetensors")
            return fit, _copied(read_tensors(self.folder / "best.safetensors")), _copied(last)
        except (
            CrosswalkError,
            KeyError,
            TypeError,
        ):  # killed between two files, or another version
            return None


def fit_best(
    model: CrossDomainModel,
    train: DomainPair,
    seed: int,
    validate: Callable[[CrossDomainModel], float | None],
    report: Report,
    checkpoints: Checkpoints | None = None,
    lower_is_better: bool = False,
) -> Fit:
    """Train until validation is not better for the model's `patience` epochs, or to the end.

    A model that has patience is not stopped at `epochs` while validation is still getting better:
    it goes on, up to TIMES_AT_MOST as many, so that patience decides and not the cap. A fit that
    ends at a cap all the same says so in `cut_short`. The first epochs are what they would be
    without those after them.
    Cancelling keeps the best epoch of a model that has one, and raises Cancelled otherwise.
    Checkpoints are kept for models that can resume; a fit found in them goes on from there.
    A model may say how many epochs are `preparation`: they compete only with each other.
    """
    fit, best = _resumed(model, train, checkpoints)
    fit.lower_is_better, fit.preparation = lower_is_better, model.preparation
    was_finished = fit.finished
    patience = getattr(model.settings, "patience", None)
    try:
        for point in fit.curve:  # whoever watches may have missed the last ones
            report(Progress(point.epoch, model.settings.epochs, "", point.loss, point.valid))
        for progress in () if was_finished else _steps(model, train, seed, fit):
            if progress.total == 1 and progress.loss is None:  # solved at once: nothing to choose
                report(progress)
                return replace(fit, best_epoch=1, finished=True)
            best = _one_step(model, fit, best, progress, validate)
            if checkpoints and checkpoints.due:
                checkpoints.save(model, fit, best)
            report(replace(progress, valid=fit.curve[-1].valid))
            if patience and fit.waited >= patience:
                break
        else:
            fit.cut_short = fit.cut_short or _is_cut(fit, patience)
    except Cancelled:
        if not best:
            raise
        fit.cancelled = True
    fit.finished = True
    if checkpoints and not fit.cancelled and not was_finished:
        checkpoints.save(model, fit, best)
    model.restore(train, best)
    return fit


def _steps(model: CrossDomainModel, train: DomainPair, seed: int, fit: Fit) -> Iterator[Progress]:
    """The epochs of the settings, and those after them; whoever pulls stops by patience.

    Where nothing says how good an epoch is, or the model has no patience, the settings decide.
    `total` of a further epoch is where patience would be used up if nothing got better.
    """
    yield from model.fit_epochs(train, seed)
    epochs, patience = getattr(model.settings, "epochs", 0), getattr(model.settings, "patience", 0)
    if not patience or epochs < FEWEST_EPOCHS or not fit.curve or fit.curve[-1].valid is None:
        return
    most = TIMES_AT_MOST * epochs
    for progress in model.go_on(most):
        yield replace(progress, total=min(most, progress.done - 1 + max(1, patience - fit.waited)))


def _is_cut(fit: Fit, patience: int | None) -> bool:
    """Whether a fit by epochs that has come to its last one was still getting better.

    With patience: it is not used up. Without: the last of several rounds is the best by more than
    RISE of its quality; rounds of alternating least squares creep on for ever.
    """
    valid = [point.valid for point in fit.curve]
    if not valid or valid[-1] is None:
        return False
    if patience:
        return fit.waited < patience
    if len(valid) < 2 or fit.best_epoch != fit.curve[-1].epoch or valid[-2] is None:
        return False
    return fit.quality(valid[-1]) - fit.quality(valid[-2]) > RISE * abs(valid[-1])


def _one_step(
    model: CrossDomainModel,
    fit: Fit,
    best: State,
    progress: Progress,
    validate: Callable[[CrossDomainModel], float | None],
) -> State:
    """Add the epoch to the curve and answer the best state so far; the last, if none is known."""
    valid, before = validate(model), fit.best_beside(progress.done)
    fit.curve.append(Point(progress.done, progress.loss, valid))
    if valid is not None and fit.quality(valid) <= before:
        return best
    fit.best_epoch = progress.done
    return _copied(model.state())


def _resumed(
    model: CrossDomainModel, train: DomainPair, checkpoints: Checkpoints | None
) -> tuple[Fit, State]:
    if checkpoints is None or (found := checkpoints.load()) is None:
        return Fit(), {}
    fit, best, last = found
    try:
        model.resume(train, last)  # type: ignore[attr-defined]
    except KeyError:  # another version of the model kept other weights: start again
        return Fit(), {}
    return fit, best


def _copied(state: State) -> State:
    return {name: np.array(array) for name, array in state.items()}


# What is looked at after every epoch: quality on validation users, the same ones every time.

WATCHED_USERS = 2_000  # validation users looked at after every epoch
Watch = Callable[[CrossDomainModel], float | None]


def few_will_choose(model: str, valid: Path) -> str:
    """A warning before a fit whose epoch few people of validation will choose; "" for others.

    valid: the rows of validation, as a snapshot keeps them.
    """
    names = {info.name for info in card_of(model).settings.infos()}
    if not names & {"epochs", "rounds"}:  # solved at once: nothing to choose
        return ""
    users = int(pd.read_parquet(valid, columns=[USER])[USER].nunique())
    return few_to_choose_by(users, "the epoch that is kept", "will choose")


def watcher(split: Split, seed: int, task: str = "ranking") -> Watch:
    """nDCG@10, or the RMSE of a model of ratings, over at most WATCHED_USERS; None without any."""
    if task == "rating":
        return _rating_watcher(_watched(split.rated, seed))
    return _ranking_watcher(_watched(split, seed))


def _ranking_watcher(split: Split) -> Watch:
    def watch(model: CrossDomainModel) -> float | None:
        # parts are not looked at here
        found = evaluate(model.score_own, split, VALID, ks=(10,)).per_user["ndcg@10"]
        return float(found.mean()) if len(found) else None

    return watch


def _rating_watcher(rated: Split) -> Watch:
    bounds = Bounds.of(rated.train.target)

    def watch(model: CrossDomainModel) -> float | None:
        predictions = predict_held_out(model.score_own, rated, VALID)
        errors = errors_per_user(predictions, predictions[OWN].to_numpy(), bounds)
        value = intervals(errors, [RMSE])[0].mean
        return None if np.isnan(value) else value

    return watch


def _watched(split: Split, seed: int) -> Split:
    """The split with the validation rows of the watched users alone."""
    users = split.users(VALID)
    if len(users) <= WATCHED_USERS:
        return split
    chosen = np.random.default_rng(seed).choice(users, WATCHED_USERS, replace=False)
    places = split.valid.tocoo()
    kept = np.isin(places.row, chosen)
    rows = places.data[kept], (places.row[kept], places.col[kept])
    return replace(split, valid=csr_matrix(rows, shape=places.shape))


# What a piece of work cost: wall seconds, CPU seconds and peak memory of this process.

_RSS_PER_MIB = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB here


@dataclass
class Cost:
    """Filled in when the measured block ends."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0  # user and system, all threads
    peak_rss_mib: float = 0.0  # highest of the process so far

    def to_dict(self) -> dict[str, float]:
        """Plain values, rounded to what can be trusted."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@contextmanager
def measured() -> Iterator[Cost]:
    """The cost of the block."""
    cost = Cost()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield cost
    finally:
        cost.wall_seconds = time.perf_counter() - wall
        cost.cpu_seconds = time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cost.peak_rss_mib = peak / _RSS_PER_MIB
