"""Route between runs: every group of people asks the run that is best for it on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, USER, USERS, VALID
from core.basics.errors import RunError, SettingsError
from core.basics.progress import Progress, Report, silent
from core.basics.types import FloatArray, IntArray
from core.basics.workspace import Workspace
from core.data.pair import BINS, BOUNDS, bin_places
from core.data.snapshot import Split, read_snapshot
from core.evaluation.lift import summarise
from core.evaluation.ratings import RATINGS
from core.evaluation.segments import FEWEST
from core.models.made.recorded import ROUTE, has_stand_in, reads_order
from core.models.made.route import Routed, RouteSettings
from core.runs.making.fit import measured
from core.runs.making.make_run import (
    Derived,
    check_has_model,
    check_reads_ones,
    check_same_split,
    differences_to,
    evaluated,
    keep,
    member_record,
    metric_of,
)
from core.store.record import BY_ALL, BY_HAND, BY_NEAREST, BY_VALIDATION
from core.store.run_folder import RUN, TWIN, Run, read_run

NONE = "none"  # what a person may call the group without target history


@dataclass(frozen=True)
class RoutePlan:
    """Runs by id, and which of them a group asks whatever validation says.

    given: run id by group, as in `bins_of`; of two that name one group the later counts.
    """

    runs: tuple[str, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        if len(self.runs) < 2 or len(set(self.runs)) < len(self.runs):
            raise RunError(
                what="A routed run is made of two or more different runs.",
                hint="Choose runs of one split, each of them once.",
            )
        for group, run in self.given.items():
            bins_of(group)
            if run not in self.runs:
                raise RunError(
                    what=f"Group {group} is to ask {run}, which is none of the runs.",
                    hint=f"Choose from {', '.join(self.runs)}.",
                )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A plan from JSON; only the runs must be in it."""
        return cls(tuple(values["runs"]), values.get("given", {}), values.get("label", ""))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the payload of a job of kind "route"."""
        return {"runs": list(self.runs), "given": dict(self.given), "label": self.label}


def bins_of(group: str) -> tuple[int, ...]:
    """Places in BINS of a group as a person writes it: "none", "1-4", "20+"; "5+" is all from 5.

    Raises SettingsError for anything else.
    """
    name = group.strip().replace("-", "–")
    if name in (NONE, BINS[0]):
        return (0,)
    if name in BINS:
        return (BINS.index(name),)
    first = name.removesuffix("+")
    if name.endswith("+") and first.isdecimal() and int(first) in BOUNDS:
        return tuple(range(BOUNDS.index(int(first)), len(BINS)))
    raise SettingsError(
        what=f"There is no group {group!r} of people.",
        hint=f"Choose from {NONE}, {', '.join(BINS[1:])}, or 1+, 5+ and 10+ for all from there.",
    )


def route_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Route between the runs in the payload, and return the id of the new run."""
    plan = RoutePlan.from_dict(payload)
    return {"run": route_runs(workspace, plan.runs, plan.given, plan.label, report).name}


def route_runs(
    workspace: Workspace,
    runs: Sequence[str],
    given: Mapping[str, str] | None = None,
    label: str = "",
    report: Report = silent,
) -> Path:
    """Choose on validation, evaluate and keep, and return the folder of a run that needs its
    members no more.

    runs: ids of whole runs of one split and task. given: run id by group (see `bins_of`), for
    groups that nobody on validation belongs to, or that validation shall not decide. Its twin asks
    the members' twins in the same way; a member that never sees the source stands for itself, and
    who answers people without target history alone is replaced by the floor. Raises RunError for
    runs that do not fit each other, SettingsError for a group there is not.
    """
    plan = RoutePlan(tuple(runs), given or {}, label)
    every = tuple(read_run(workspace.runs / run_id) for run_id in plan.runs)
    _check(every)
    split = read_snapshot(workspace.splits / every[0].record.split_hash)
    report(Progress(done=0, total=1, stage="choosing on validation"))
    with measured() as cost:
        judged = Judged.of(every, split)
        by_hand = {
            place: plan.runs.index(run)
            for group, run in plan.given.items()
            for place in bins_of(group)
        }
        choices = choose(judged, by_hand)
    # Members in the order of the groups that ask them, each once
    asked = list(dict.fromkeys(choice.run for choice in choices))
    members = tuple(every[place] for place in asked)
    places = [asked.index(choice.run) for choice in choices]
    settings = RouteSettings.of_places(places)

    def made(runs: tuple[Run, ...], role: str) -> Derived:
        models = [run.model(split) for run in runs]
        known = runs[0].train_of(split).target_history
        routed = Routed(settings, models, [reads_order(run.card) for run in runs], known)
        evaluations, evaluating = evaluated(routed, split, role, report, every[0].card.task)
        about = {
            "model": ROUTE,
            "label": plan.label or _label(members, places),
            "settings": settings.to_dict(),
            "members": [member_record(run) for run in runs],
        }
        return Derived(about, routed.state(), runs, cost, evaluations, evaluating)

    found = {RUN: made(members, RUN)}
    if (twins := _twins(members, places)) is not None:
        found[TWIN] = made(twins, TWIN)
    found[RUN].about["route"] = _told(judged, choices)
    found[RUN].about["against"] = differences_to(found[RUN], every)
    report(Progress(done=0, total=1, stage="keeping"))
    return keep(workspace, ROUTE, split, found)


def _check(runs: Sequence[Run]) -> None:
    check_same_split(tuple(runs))
    for run in runs:
        check_has_model(run)
        check_reads_ones(run, "a routed run")
        if not run.complete:
            raise RunError(
                what=f"{run.label} was cancelled before it was whole.",
                hint="Train it again, or leave it out.",
            )
        if run.card.task != runs[0].card.task:
            raise RunError(
                what=f"{runs[0].label} and {run.label} do not do the same: one ranks, the other "
                "predicts ratings.",
                hint="Choose runs that all rank, or that all predict ratings.",
            )


def _twins(members: Sequence[Run], places: Sequence[int]) -> tuple[Run, ...] | None:
    """What the twin asks in each member's place; None where that would say nothing."""
    found = []
    for place, run in enumerate(members):
        alone = run if not run.card.cross_domain else run.floor
        spare = alone if has_stand_in(run.card, places, place) else None
        if (stands_in := run.twin or spare) is None:
            return None
        found.append(stands_in)
    return tuple(found) if any(run.twin for run in members) else None


def _label(members: Sequence[Run], places: Sequence[int]) -> str:
    """ "Routed · Linear map (none) · EASE (1+)"."""
    names = []
    for place, run in enumerate(members):
        bins = [at for at, asked in enumerate(places) if asked == place]
        names.append(f"{run.card.title} ({groups_words(bins)})")
    return " · ".join(["Routed", *names])


def groups_words(bins: Sequence[int]) -> str:
    """Groups by their places in BINS, neighbours in one: "none", "1–9", "none, 20+", "all"."""
    if len(bins) == len(BINS):
        return "all"
    stretches: list[list[int]] = []
    for place in bins:
        if stretches and stretches[-1][-1] == place - 1 and stretches[-1][0] > 0:
            stretches[-1].append(place)
        else:
            stretches.append([place])
    said = []
    for first, last in ((stretch[0], stretch[-1]) for stretch in stretches):
        end = "+" if last == len(BINS) - 1 else f"–{BOUNDS[last + 1] - 1}"
        said.append(NONE if first == 0 else f"{BOUNDS[first]}{end}")
    return ", ".join(said)


# Who is best for whom, on validation users alone.


@dataclass(frozen=True)
class Judged:
    """What every run is worth to every validation user.

    losses: (n_runs, n_users), less is better: nDCG@10 with a minus, or the squared error of a
    user's ratings. weights: (n_users,) how many ratings each is over, ones for a ranking. bins:
    (n_users,) places in BINS by the target history in training.
    """

    runs: tuple[Run, ...]
    frames: tuple[pd.DataFrame, ...]  # by run the users' metric, as kept
    losses: FloatArray
    weights: FloatArray
    bins: IntArray

    @classmethod
    def of(cls, runs: tuple[Run, ...], split: Split) -> Self:
        """The runs' own figures, of the users whom all of them were evaluated on."""
        metric, lower = metric_of(runs[0]), runs[0].card.task.lower_is_better
        frames = [run.metrics(VALID) for run in runs]
        frames = [one[[c for c in (USER, RATINGS, metric) if c in one]].dropna() for one in frames]
        users = frames[0][USER]
        for one in frames[1:]:
            users = users[users.isin(one[USER])]
        frames = [one[one[USER].isin(users)].reset_index(drop=True) for one in frames]
        values = np.stack([one[metric].to_numpy(np.float64) for one in frames])
        first = frames[0]
        weights = first[RATINGS] if RATINGS in first else pd.Series(1.0, index=first.index)
        known = runs[0].train_of(split).target_history[first[USER].to_numpy()]
        losses = values**2 if lower else -values
        return cls(runs, tuple(frames), losses, weights.to_numpy(np.float64), bin_places(known))

    def best(self, users: np.ndarray) -> int:
        """Place of the run to ask for these users, a mask over all; somebody must be among them.

        Of the runs within one standard error of the best, by the paired difference, an additive
        one comes first: its parts and reasons are exact. Then the one that is best for everybody.
        """
        weights, losses = self.weights[users], self.losses[:, users]
        total = weights.sum()
        means = losses @ weights / total
        behind = losses - losses[int(np.argmin(means))]
        gaps = behind @ weights / total
        spread = weights * (behind - gaps[:, None])
        near = gaps <= np.sqrt((spread**2).sum(axis=1)) / total
        overall = self.losses @ self.weights
        return min(
            np.flatnonzero(near).tolist(),
            key=lambda place: (not self.runs[place].card.additive, overall[place], place),
        )


@dataclass(frozen=True)
class Choice:
    """The run that a group asks, by its place among the runs, and who decided it."""

    run: int
    by: str  # BY_VALIDATION, BY_NEAREST, BY_ALL or BY_HAND
    like: int | None = None  # place in BINS of the nearest group, whose choice it is


def choose(judged: Judged, by_hand: Mapping[int, int]) -> list[Choice]:
    """By BINS the run that is asked; by_hand: places of runs by places in BINS.

    A group of fewer than FEWEST validation users follows the nearest one that has as many, the
    larger of two; where none has, all users decide. Raises RunError where nobody can.
    """
    sizes = np.bincount(judged.bins, minlength=len(BINS))
    enough = np.flatnonzero(sizes >= FEWEST).tolist()
    own = {place: judged.best(judged.bins == place) for place in enough}
    found = []
    for place in range(len(BINS)):
        if place in by_hand:
            found.append(Choice(by_hand[place], BY_HAND))
        elif place in own:
            found.append(Choice(own[place], BY_VALIDATION))
        elif own:
            like = min(own, key=lambda other: (abs(other - place), -sizes[other]))
            found.append(Choice(own[like], BY_NEAREST, like))
        elif len(judged.bins):
            found.append(Choice(judged.best(np.ones(len(judged.bins), dtype=bool)), BY_ALL))
        else:
            raise RunError(
                what="This split has no validation users to choose on.",
                hint="Say which run each group asks, or split with a validation part.",
            )
    return found


def _told(judged: Judged, choices: Sequence[Choice]) -> dict[str, Any]:
    """What the record says: by group the run that is asked, who decided it, and every figure."""
    metric, groups = metric_of(judged.runs[0]), []
    for place, choice in enumerate(choices):
        within = judged.bins == place
        tried = []
        for run, frame in zip(judged.runs, judged.frames, strict=True):
            figure: dict[str, Any] = dict.fromkeys((MEAN, LOW, HIGH))  # of too few to say
            if within.sum() >= FEWEST:
                figure = {name: summarise(frame[within])[metric][name] for name in figure}
            figure[USERS] = int(within.sum())
            tried.append({"run": run.id, "label": run.label} | figure)
        like = {} if choice.like is None else {"like": BINS[choice.like]}
        asks = judged.runs[choice.run].id
        groups.append({"segment": BINS[place], "run": asks, "by": choice.by, "tried": tried} | like)
    return {"metric": metric, "groups": groups}
