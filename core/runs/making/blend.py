"""Blend two runs with weights found on validation users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.columns import VALID
from core.basics.errors import RunError
from core.basics.progress import Progress, Report, silent
from core.basics.types import BoolArray, FloatArray, IntArray, Masked
from core.basics.workspace import Workspace
from core.data.snapshot import Split, read_snapshot
from core.evaluation.evaluate import user_chunks
from core.fusion.combine import mask, top_k
from core.metrics.ranking import per_user_metrics
from core.models.made.blend import (
    STACKING,
    Blend,
    BlendSettings,
    Comparable,
    combined,
    simple_coefficients,
    stacked_weights,
)
from core.models.made.recorded import BLEND, reads_order
from core.models.protocol import CrossDomainModel
from core.runs.making.fit import measured
from core.runs.making.make_run import (
    Derived,
    check_has_model,
    check_ranks,
    check_reads_ones,
    check_same_split,
    differences_to,
    evaluated,
    keep,
    member_record,
)
from core.store.run_folder import RUN, TWIN, Run, read_run

AUTO, GIVEN = "auto", "given"


@dataclass(frozen=True)
class BlendPlan:
    """Two runs by id, how they become one, and what the first counts: a number or "auto"."""

    runs: tuple[str, str]
    kind: str = "sum"
    weight: float | str = AUTO
    label: str = ""

    def __post_init__(self) -> None:
        BlendSettings.of({"kind": self.kind} | ({} if self.auto else {"weight": self.weight}))
        if len(self.runs) != 2 or self.runs[0] == self.runs[1]:
            raise RunError(
                what="A blend is made of two different runs.",
                hint="Choose exactly two runs of one split.",
            )

    @property
    def auto(self) -> bool:
        """Whether the weight is found on validation users."""
        return self.weight == AUTO

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A plan from JSON; only the runs must be in it."""
        return cls(
            tuple(values["runs"]),
            values.get("kind", "sum"),
            values.get("weight", AUTO),
            values.get("label", ""),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the payload of a job of kind "blend"."""
        return {
            "runs": list(self.runs),
            "kind": self.kind,
            "weight": self.weight,
            "label": self.label,
        }


def blend_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Blend the two runs in the payload, and return the id of the new run."""
    return {"run": blend_runs(BlendPlan.from_dict(payload), workspace, report).name}


def blend_runs(plan: BlendPlan, workspace: Workspace, report: Report = silent) -> Path:
    """Blend, evaluate and keep, and return the folder of a run that needs its members no more.

    Its twin is the blend of the members' twins, found in the same way; a member that never sees
    the source stands for itself. Raises RunError for runs of different splits or data, and for
    runs that do not rank.
    """
    first, second = (read_run(workspace.runs / run_id) for run_id in plan.runs)
    check_same_split((first, second))
    for run in (first, second):
        check_has_model(run)
        check_ranks(run)
        check_reads_ones(run, "a blend")
    runs = first, second
    split = read_snapshot(workspace.splits / runs[0].record.split_hash)
    made = {RUN: _made(plan, runs, split, RUN, report)}
    if (twins := _twins(runs)) is not None:
        made[TWIN] = _made(plan, twins, split, TWIN, report)
    made[RUN].about["against"] = differences_to(made[RUN], runs)
    report(Progress(done=0, total=1, stage="keeping"))
    return keep(workspace, BLEND, split, made)


def _twins(runs: tuple[Run, Run]) -> tuple[Run, Run] | None:
    """What the twin is made of; None where a member that uses the source has no twin."""
    stand_ins = [run.twin or (None if run.card.cross_domain else run) for run in runs]
    first, second = stand_ins
    if first is None or second is None or not any(run.twin for run in runs):
        return None
    return first, second


def _made(
    plan: BlendPlan, runs: tuple[Run, Run], split: Split, role: str, report: Report
) -> Derived:
    """The blend of two runs, or of their twins: fitted on validation, evaluated on both parts."""
    prefix = "twin: " if role == TWIN else ""
    report(Progress(done=0, total=1, stage=f"{prefix}finding the weights on validation"))
    members = [run.model(split) for run in runs]
    with measured() as cost:
        blend, chosen = _weighed(plan, runs, members, split)
    evaluations, evaluation_cost = evaluated(blend, split, role, report)
    about = {
        "model": BLEND,
        "label": plan.label or _label(runs, blend),
        "settings": blend.settings.to_dict(),
        "members": [member_record(run) for run in runs],
        "blend": chosen | {"coefficients": blend.coefficients.round(4).tolist()},
    }
    return Derived(about, blend.state(), runs, cost, evaluations, evaluation_cost)


def _weighed(
    plan: BlendPlan, runs: Sequence[Run], members: list[CrossDomainModel], split: Split
) -> tuple[Blend, dict[str, Any]]:
    """The members as one, by weights found on validation, and how these were found."""
    weight, chosen = _chosen_weight(plan, members, split)
    blend = Blend(
        BlendSettings(plan.kind, weight), members, [reads_order(run.card) for run in runs]
    )
    if plan.kind == STACKING:
        blend.coefficients = stacked_coefficients(members, split)
    return blend, chosen


def blended_again(
    run: Run, runs: Sequence[Run], members: list[CrossDomainModel], split: Split
) -> Blend:
    """A blend's other models of the same members blended, by weights found as its own were.

    runs: what it was made of, whose models `members` stand in for.
    """
    kept = run.record
    given = (kept.blend or {}).get("chosen") == GIVEN
    weight = float(kept.settings["weight"]) if given else AUTO
    first, second = runs
    plan = BlendPlan((first.id, second.id), str(kept.settings["kind"]), weight)
    return _weighed(plan, runs, members, split)[0]


def _chosen_weight(
    plan: BlendPlan, members: list[CrossDomainModel], split: Split
) -> tuple[float, dict[str, Any]]:
    """The weight and how it was found, in words and numbers."""
    if plan.kind == STACKING:
        return 0.5, {"chosen": "six weights learned on validation users", "parameters": 6}
    if not plan.auto:
        return float(plan.weight), {"chosen": GIVEN, "parameters": 1}
    found = weights_on_validation(members, plan.kind, split)
    tried = [{"weight": weight, "valid": float(v.mean())} for weight, v in found.items()]
    return best_weight(found), {
        "chosen": f"of {len(found)} weights, the nearest to equal shares within one standard error "
        "of the best nDCG@10 on validation users",
        "parameters": 1,
        "tried": tried,
    }


def _label(runs: tuple[Run, Run], blend: Blend) -> str:
    names = " + ".join(run.card.title for run in runs)
    kind = blend.settings.kind
    how = kind if kind == STACKING else f"{kind} {blend.settings.weight:g}"
    return f"Blend · {names} · {how}"


# The weights of a blend, found on validation users: one from a small grid, or six by stacking.

GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MOST_USERS = 2_000  # validation users looked at, drawn once
SHOWN = 100  # best items of each member that stacking learns from


@dataclass(frozen=True)
class _Chunk:
    """Some validation users with what both members say of them."""

    first: Comparable
    second: Comparable
    masked: Masked
    relevant: csr_matrix


def weights_on_validation(
    members: Sequence[CrossDomainModel], kind: str, split: Split
) -> dict[float, FloatArray]:
    """nDCG@10 of every validation user by weight of the first member, over the grid.

    Raises RunError where the split has no validation users.
    """
    found: dict[float, list[FloatArray]] = {weight: [] for weight in GRID}
    for chunk in _chunks(members, kind, split):
        for weight, values in found.items():
            scores = combined(chunk.first, chunk.second, simple_coefficients(weight))
            # nDCG@10 of each user by the blend's own score
            lists = top_k(
                mask(scores.own_scores().copy(), chunk.masked), scores.source, scores.target, 10
            )
            ndcg = per_user_metrics(
                _hits(lists, chunk.relevant), np.diff(chunk.relevant.indptr), (10,)
            )["ndcg@10"]
            values.append(ndcg)
    return {weight: np.concatenate(values) for weight, values in found.items()}


def best_weight(found: dict[float, FloatArray]) -> float:
    """The weight nearest to equal shares within one standard error of the best.

    The error is that of the paired difference to the best: neighbours on a noisy curve are not
    told apart by luck on validation.
    """
    best = max(found.values(), key=lambda values: float(values.mean()))
    n_users = max(1, len(best))

    def as_good(values: FloatArray) -> bool:
        behind = best - values
        return bool(behind.mean() <= behind.std() / np.sqrt(n_users))

    near = [weight for weight, values in found.items() if as_good(values)]
    return min(near, key=lambda weight: (abs(weight - 0.5), -found[weight].mean()))


def stacked_coefficients(members: Sequence[CrossDomainModel], split: Split) -> FloatArray:
    """(2, 3) weights of own score, source part and target part of both members.

    Learned on the items that stand among the SHOWN best of either member: an item that neither
    lists cannot be brought up by weighing them.
    """
    features, liked = [], []
    for chunk in _chunks(members, STACKING, split):
        for row in range(chunk.relevant.shape[0]):
            # Unmasked items among the best of either member, (n_shown,)
            free, best = chunk.masked.free(row), []
            for member in (chunk.first, chunk.second):
                own = member.own[row].copy()
                own[~free] = -np.inf
                n_best = min(SHOWN, int(free.sum()))
                best.append(np.argsort(-own)[:n_best])
            items = np.union1d(*best)
            features.append(_features(chunk, row, items))
            liked.append(np.isin(items, chunk.relevant[row].indices))
    return stacked_weights(features, liked).reshape(2, 3).astype(np.float32)


def _chunks(members: Sequence[CrossDomainModel], kind: str, split: Split) -> Iterator[_Chunk]:
    users = split.users(VALID)
    if not len(users):
        raise RunError(
            what="This split has no validation users to find the weights on.",
            hint="Give a weight for a sum or a product, or split with a validation part.",
        )
    if len(users) > MOST_USERS:
        users = np.sort(np.random.default_rng(0).choice(users, MOST_USERS, replace=False))
    masked, relevant = split.masked(VALID), split.held_out(VALID)
    for chunk in user_chunks(users, relevant.shape[1]):
        first, second = (Comparable.of(member.score(chunk), kind) for member in members)
        yield _Chunk(first, second, masked[chunk], relevant[chunk])


def _hits(lists: IntArray, relevant: csr_matrix) -> BoolArray:
    """Which places of the lists hold something to find; padding never does."""
    rows = np.arange(len(lists))[:, None]
    found = relevant.astype(bool).toarray()
    return found[rows, lists] & (lists >= 0)


def _features(chunk: _Chunk, row: int, items: IntArray) -> FloatArray:
    """(n_shown, 6) own score, source part and target part of the first member, then the second."""
    columns = [
        values[row, items]
        for member in (chunk.first, chunk.second)
        for values in (member.own, member.source, member.target)
    ]
    return np.stack(columns, axis=1)
