"""What runs made from other runs share: how they are evaluated, recorded and kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import __version__
from core.basics.columns import TEST, USER, VALID
from core.basics.errors import RunError
from core.basics.files import fingerprint, whole_folder
from core.basics.progress import Progress, Report
from core.basics.workspace import Workspace
from core.data.snapshot import Split
from core.evaluation.evaluate import Evaluation, evaluate_parts
from core.evaluation.lift import lift
from core.evaluation.ratings import RATINGS, rate
from core.fusion.candidates import DEPTH
from core.models.protocol import CrossDomainModel, State
from core.runs.compare import comparison, summary
from core.runs.cost import Cost, measured
from core.runs.train import contender
from core.store.run_folder import BIAS, POPULARITY, RUN, TWIN, Contender, Run, write_contender

PARTS = (VALID, TEST)


@dataclass(frozen=True)
class Derived:
    """A model made from runs: what its record says of it, what it keeps, how it came out."""

    about: dict[str, Any]  # "model", "settings", "label" and what is special about it
    state: State
    made_of: tuple[Run, ...]
    cost: Cost  # of making it, its runs apart
    evaluations: dict[str, Evaluation]
    evaluation_cost: Cost


def metric_of(run: Run) -> str:
    """What a run made from this one is compared by: nDCG@10, or RMSE where it predicts ratings."""
    return "rmse" if run.card.task == "rating" else "ndcg@10"


def evaluated(
    model: CrossDomainModel, split: Split, role: str, report: Report, rates: bool = False
) -> tuple[dict[str, Evaluation], Cost]:
    """The model on both held-out parts; fusion candidates for a run itself that ranks alone.

    rates: whether it predicts ratings.
    """
    prefix = "twin: " if role == TWIN else ""
    with measured() as cost:
        report(Progress(done=0, total=1, stage=f"{prefix}evaluating on {' and '.join(PARTS)}"))
        depth = DEPTH if role == RUN and not rates else 0
        evaluations = evaluate_parts(model.score, split, PARTS, depth=depth)
        if rates:
            for part, found in evaluations.items():
                evaluations[part] = rate(found, model.score, split.rated, part)
    return evaluations, cost


def keep(workspace: Workspace, kind: str, split: Split, made: Mapping[str, Derived]) -> Path:
    """Write the run with its twin, if there is one, and its floor; answers its folder.

    made: by role; popularity, or the biases beside ratings, come from a run it is made of.
    """
    records = {role: _record(part, role) for role, part in made.items()}
    floor, beside = _floor(made[RUN].made_of)
    records[RUN] |= comparison(split, _compared(made, floor, beside))
    folder = workspace.runs / _run_id(kind, made[RUN])
    with whole_folder(folder) as part_folder:
        for role, part in made.items():
            inside = part_folder if role == RUN else part_folder / role
            write_contender(inside, contender(records[role], part.state, part.evaluations))
        if beside is not None:
            record = beside.record | {"role": floor}
            frames = {part: beside.metrics(part) for part in PARTS}
            lists = {part: beside.lists(part) for part in PARTS if beside.has_lists}
            kept = Contender(record, beside.state(), frames, {}, lists=lists)
            write_contender(part_folder / floor, kept)
    return folder


def difference(made: Derived, other: Run, metric: str) -> dict[str, Any]:
    """{"valid": {mean, low, high, users, helped, harmed}, "test": …}: the metric less the other's.

    Paired over the users both were evaluated on.
    """
    found = {}
    for part in PARTS:
        frame = made.evaluations[part].per_user
        columns = [name for name in (USER, RATINGS, metric) if name in frame]
        found[part] = lift(frame[columns], other.metrics(part)[columns])[metric]
    return found


def check_same_split(runs: tuple[Run, ...]) -> None:
    """Refuse runs whose users and items differ; raises RunError with the hashes."""
    for name, word in (("dataset_hash", "data"), ("split_hash", "splits")):
        found = list(dict.fromkeys(run.record[name] for run in runs))
        if len(found) > 1:
            raise RunError(
                what=f"These runs stand on different {word} ({' and '.join(found)}).",
                hint="Choose runs of one split, or train both on the same one.",
            )


def check_ranks(run: Run) -> None:
    """Refuse a run that predicts ratings: standard scores are no ratings."""
    if run.card.task != "ranking":
        raise RunError(
            what=f"{run.label} predicts ratings, and a blend ranks.",
            hint="Choose a run that ranks.",
        )


def check_has_model(run: Run) -> None:
    """Refuse a run that has only lists: there is no model to ask or to change."""
    if not run.has_model:
        raise RunError(
            what=f"{run.label} has only lists: its model stands in another system.",
            hint="Choose a run that was trained here.",
        )


def _compared(
    made: Mapping[str, Derived], floor: str, beside: Run | None
) -> dict[str, dict[str, Evaluation]]:
    found = {role: part.evaluations for role, part in made.items()}
    if beside is not None:
        own = made[RUN].evaluations
        found[floor] = {part: _as_evaluation(beside, part, own[part]) for part in PARTS}
    return found


def _as_evaluation(run: Run, part: str, like: Evaluation) -> Evaluation:
    """What was kept of an evaluation of the same users."""
    return Evaluation(like.users, run.metrics(part), like.lists[:0], {}, run.record["counts"][part])


def _floor(made_of: tuple[Run, ...]) -> tuple[str, Run | None]:
    """What stands beside the run: popularity, or the biases where ratings are predicted."""
    name = BIAS if made_of[0].card.task == "rating" else POPULARITY
    found = [run if run.record["model"] == name else run.floor for run in made_of]
    return name, next((run for run in found if run is not None), None)


def _run_id(kind: str, run: Derived) -> str:
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    key = fingerprint(kind, [member.id for member in run.made_of], run.about["settings"])
    return f"{kind}-{moment}-{key[:6]}"


def _record(made: Derived, role: str) -> dict[str, Any]:
    """What the contender is, where it comes from, what it cost, and how good it came out."""
    first, evaluations = made.made_of[0].record, made.evaluations
    same = ("split_hash", "dataset_hash", "source_name", "target_name", "seed", "device")
    return {
        "crosswalk": __version__,
        "created": time.time(),
        "role": role,
        **{name: first[name] for name in same},
        **made.about,
        "fit": _whole_cost(made),
        "making": made.cost.to_dict(),
        "evaluate": made.evaluation_cost.to_dict(),
        "curve": [],
        "best_epoch": 1,
        "cancelled": False,
        **{part: summary(evaluation) for part, evaluation in evaluations.items()},
        "counts": {part: evaluation.counts for part, evaluation in evaluations.items()},
    }


def _whole_cost(made: Derived) -> dict[str, float]:
    """What it takes to have the run: training all it is made of, and making it."""
    costs = [made.cost.to_dict(), *(run.record["fit"] for run in made.made_of)]
    whole = {name: round(sum(cost[name] for cost in costs), 3) for name in costs[0]}
    return whole | {"peak_rss_mib": max(cost["peak_rss_mib"] for cost in costs)}
