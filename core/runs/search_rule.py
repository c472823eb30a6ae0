"""Which trial wins: the simplest of those that validation cannot tell from the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from core.basics.settings import Value

# Words of a setting's name. Fewer of these is simpler, most telling first ...
FEWER = (
    "layers",
    "blocks",
    "heads",
    "factors",
    "width",
    "hidden",
    "units",
    "dimensions",
    "filters",
    "clusters",
    "topics",
    "neighbours",
    "epochs",
)
# ... and more of these is: they smooth.
MORE = ("regularization", "decay", "dropout", "shrinkage")

RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"


@dataclass(frozen=True)
class Trial:
    """One fit of a model or its twin, measured on validation users only."""

    role: str
    number: int  # from 0, in the order they were asked for
    settings: dict[str, Value]  # the searched ones
    status: str = RUNNING
    mean: float | None = None  # validation nDCG@10; RMSE of a model of ratings
    error: float | None = None  # its standard error over users
    gap_error: float | None = None  # standard error of its difference to the role's best trial
    epochs: int = 0  # of the best state
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    what: str = ""  # why it failed
    job: str = ""  # id of the job that does it

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A trial from JSON."""
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Choice:
    """The best trial, and the one to take: the simplest within one standard error of it."""

    best: Trial
    taken: Trial
    alike: int = field(default=1)  # trials within one standard error, the best included
    tried: int = field(default=1)  # trials that were measured


def choose(trials: Sequence[Trial], *, lower_is_better: bool = False) -> Choice | None:
    """One-standard-error rule (Hastie et al., The elements of statistical learning, sec. 7.10).

    Of the trials within one standard error of the best, the simplest by `simplicity`; between
    equally simple ones the better. As all trials see the same users, the error is that of the
    difference per user where it is known: a mean's own error calls nearly everything alike. None
    without a trial that was measured.
    """
    done = measured_trials(trials)
    if not done:
        return None

    def quality(trial: Trial) -> float:
        return (-1.0 if lower_is_better else 1.0) * (trial.mean or 0.0)

    best = max(done, key=quality)
    alike = [trial for trial in done if quality(best) - quality(trial) <= _margin(trial, best)]
    taken = min(alike, key=lambda trial: (simplicity(trial.settings), -quality(trial)))
    return Choice(best, taken, len(alike), len(done))


def measured_trials(trials: Sequence[Trial]) -> list[Trial]:
    """Those that came to a figure."""
    return [trial for trial in trials if trial.status == DONE and trial.mean is not None]


def _margin(trial: Trial, best: Trial) -> float:
    return (best.error or 0.0) if trial.gap_error is None else trial.gap_error


def simplicity(settings: dict[str, Value]) -> tuple[float, ...]:
    """Smaller is simpler: sizes in the order of FEWER first, then the opposite of MORE.

    Settings of neither kind, such as a learning rate or a weight of the source, do not count.
    """
    sizes = [_sum_of(settings, word) for word in FEWER]
    return (*sizes, *(-_sum_of(settings, word) for word in MORE))


def _sum_of(settings: dict[str, Value], word: str) -> float:
    """Sum of the numbers of all settings whose name has the word in it."""
    named = [value for name, value in settings.items() if word in name.split("_")]
    return sum(float(value) for value in named if isinstance(value, int | float))


def equal_shares(trials: Sequence[Trial], budgets: dict[str, int]) -> dict[str, list[Trial]]:
    """Ended trials by role, cut to the same number where a search was stopped before its end.

    A role that has used up its whole budget does not shorten the other's.
    """
    ended = {
        role: [trial for trial in trials if trial.role == role and trial.status in (DONE, FAILED)]
        for role in budgets
    }
    unfinished = [len(ended[role]) for role in budgets if len(ended[role]) < budgets[role]]
    shortest = min(unfinished, default=None)
    return {role: found[:shortest] for role, found in ended.items()}
