"""What a search tries: settings with their values, how many trials, and the twin's equal share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise, product
from typing import Any, Self

from core.basics.errors import RunError, SettingsError
from core.basics.files import fingerprint
from core.basics.settings import SettingInfo, Value
from core.models.readiness import grid_of
from core.models.registry import card_of
from core.runs.making.plan import RunPlan
from core.store.run_folder import RUN, TWIN

Grid = dict[str, tuple[Value, ...]]
MOST_TRIALS = 500
MOST_SPACE = 10_000  # combinations counted at most
SOURCE_PREFIX = "source_"  # settings that weigh the source say nothing to a twin


@dataclass(frozen=True)
class SearchPlan:
    """A model on one split and the values to try; equal plans are one search.

    grid: values by setting. settings: what all trials share, and where the searched ones begin.
    trials: of the model, and as many of its twin; 0 stands for every combination of the grid.
    """

    split: str
    model: str
    grid: Grid = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    trials: int = 0
    seed: int = 2022
    device: str = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", checked_grid(self.model, self.grid))
        object.__setattr__(self, "trials", self.trials or min(combinations(self.grid), MOST_TRIALS))
        values = card_of(self.model).settings.of(self.settings).to_dict()
        fixed = {name: values[name] for name in self.settings}
        object.__setattr__(self, "settings", fixed)
        if not 1 <= self.trials <= MOST_TRIALS:
            raise SettingsError(
                what=f"A search cannot have {self.trials} trials.",
                hint=f"Choose a number from 1 to {MOST_TRIALS}.",
            )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A plan from JSON; raises RunError for a field that is no part of a search."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise RunError(
                what=f"A search has no field {', '.join(unknown)}.",
                hint=f"It has {', '.join(sorted(known))}.",
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self) | {"grid": {name: list(values) for name, values in self.grid.items()}}

    @property
    def key(self) -> str:
        """Hash of all that decides the result."""
        return fingerprint(self.to_dict())

    @property
    def rates(self) -> bool:
        """Whether the model predicts ratings and is judged by RMSE; else by nDCG@10."""
        return card_of(self.model).task.rates

    @property
    def roles(self) -> tuple[str, ...]:
        """Who is searched for: the model, and its twin where it has one."""
        return (RUN, TWIN) if card_of(self.model).has_twin else (RUN,)

    @property
    def tries_all(self) -> bool:
        """Whether the trials are enough for every combination of the grid."""
        return combinations(self.grid) <= self.trials

    def grid_of(self, role: str) -> Grid:
        """What the role can choose; a twin has nothing of the source to weigh."""
        if role == RUN:
            return self.grid
        names = [name for name in self.grid if not name.startswith(SOURCE_PREFIX)]
        return {name: self.grid[name] for name in names}

    def combinations_of(self, role: str) -> list[dict[str, Value]]:
        """Settings to try one after the other where the grid is tried as a whole.

        A twin has fewer settings to choose, so its values are taken closer together until it has
        as many trials as the model: an equal budget.
        """
        infos = {info.name: info for info in card_of(self.model).settings.infos()}
        tried = list(_combined(grid := self.grid_of(role)))
        wanted = combinations(self.grid)
        while role == TWIN and len(tried) < wanted:
            finer = {name: _halved(infos[name], values) for name, values in grid.items()}
            if finer == grid:
                break
            grid = finer
            tried += [entry for entry in _combined(grid) if entry not in tried]
        return tried[:wanted]

    def budget(self, role: str) -> int:
        """Trials of the role."""
        if not self.grid_of(role):
            return 1
        return len(self.combinations_of(role)) if self.tries_all else self.trials

    def run_plan(self, found: dict[str, dict[str, Value]]) -> RunPlan:
        """An ordinary run of the settings found, by role; the twin with its own."""
        twin = self.settings | found[TWIN] if TWIN in found else None
        plan = RunPlan(self.split, self.model, self.settings | found[RUN], self.seed, self.device)
        title = f"{card_of(self.model).title} · found by search · seed {self.seed}"
        return replace(plan, twin_settings=twin, label=title)


def checked_grid(model: str, grid: Mapping[str, Sequence[Any]]) -> Grid:
    """The grid with every value of its setting's kind, each once, falling back to the card's own.

    Raises SettingsError for an unknown setting, a value out of bounds, or nothing to choose.
    """
    card = card_of(model)
    found: Grid = {}
    for name, values in (grid or grid_of(card)).items():
        taken = [card.settings.of({name: value}).to_dict()[name] for value in values]
        if not taken:
            raise SettingsError(
                what=f"There is no value to try for {name.replace('_', ' ')}.",
                hint="Give it two values or more, or leave this setting out.",
            )
        found[name] = tuple(dict.fromkeys(taken))
    if not any(len(values) > 1 for values in found.values()):
        raise SettingsError(
            what=f"There is nothing to choose for {card.title}.",
            hint="Give at least one setting two values to try.",
        )
    return found


def combinations(grid: Grid) -> int:
    """Combinations of all values, counted up to MOST_SPACE."""
    count = 1
    for values in grid.values():
        count = min(count * max(1, len(values)), MOST_SPACE)
    return count


def is_geometric(values: Sequence[Value]) -> bool:
    """Whether the numbers grow by factors rather than by steps, so that a log axis suits them."""
    numbers = [float(value) for value in values if is_number(value)]
    if len(numbers) < len(values) or len(numbers) < 2 or min(numbers) <= 0:
        return False
    return max(numbers) / min(numbers) > 3


def is_number(value: Value) -> bool:
    """Whether values of this kind have an order and a middle."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _combined(grid: Grid) -> Iterator[dict[str, Value]]:
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _halved(info: SettingInfo, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """The values with one more between any two neighbours, geometric where they grow so."""
    if info.kind not in (int, float) or len(values) < 2:
        return values
    numbers = sorted(float(value) for value in values)
    if is_geometric(values):
        middles = [(low * high) ** 0.5 for low, high in pairwise(numbers)]
    else:
        middles = [(low + high) / 2 for low, high in pairwise(numbers)]
    added = [round(middle) if info.kind is int else float(f"{middle:.3g}") for middle in middles]
    return tuple(dict.fromkeys([*values, *added]))


# Which trial wins: the simplest of those that validation cannot tell from the best.

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


def choose(
    trials: Sequence[Trial], *, lower_is_better: bool = False, simplest: bool = True
) -> Choice | None:
    """One-standard-error rule (Hastie et al., The elements of statistical learning, sec. 7.10).

    Of the trials within one standard error of the best, the simplest by `simplicity`; between
    equally simple ones the better; without `simplest` the best itself. As all trials see the same
    users, the error is that of the difference per user where it is known: a mean's own error calls
    nearly everything alike. None without a trial that was measured.
    """
    done = measured_trials(trials)
    if not done:
        return None

    def quality(trial: Trial) -> float:
        return (-1.0 if lower_is_better else 1.0) * (trial.mean or 0.0)

    best = max(done, key=quality)
    alike = [
        trial
        for trial in done
        if quality(best) - quality(trial)
        <= ((best.error or 0.0) if trial.gap_error is None else trial.gap_error)
    ]
    taken = min(alike, key=lambda trial: (simplicity(trial.settings), -quality(trial)))
    return Choice(best, taken if simplest else best, len(alike), len(done))


EDGE = 0.05  # share of the range tried that counts as its end: values are drawn, too


def edges(trial: Trial, model: str, grid: Grid) -> dict[str, str]:
    """Settings in which the trial stands at an end of what was tried: better ones may lie beyond.

    "low" or "high" by name; nothing of words, nor of a value that the setting cannot pass.
    """
    found = {}
    infos = {info.name: info for info in card_of(model).settings.infos()}
    for name, values in grid.items():
        numbers = [float(value) for value in values if is_number(value)]
        if len(numbers) < len(values) or len(set(numbers)) < 2 or name not in trial.settings:
            continue
        value, info = float(trial.settings[name]), infos[name]
        scale = math.log if is_geometric(values) else float
        low, high = scale(min(numbers)), scale(max(numbers))
        place = (scale(value) - low) / (high - low)
        if place <= EDGE and (info.low is None or value > info.low):
            found[name] = "low"
        elif place >= 1 - EDGE and (info.high is None or value < info.high):
            found[name] = "high"
    return found


def measured_trials(trials: Sequence[Trial]) -> list[Trial]:
    """Those that came to a figure."""
    return [trial for trial in trials if trial.status == DONE and trial.mean is not None]


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
