"""Which users a report shows: extremes and middles, by rules that nobody can bend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import USER
from core.basics.types import IntArray
from core.evaluation.segments import COLD, HARMED, HELPED, TYPICAL, user_order
from core.evaluation.side_by_side import moved_users
from core.metrics.registry import metric_card
from core.runs.report.evidence import Evidence


@dataclass(frozen=True)
class Chosen:
    """A user of the report: number, why this one, and the metric with and without."""

    user: int
    role: str
    ours: float
    theirs: float | None


def choose(evidence: Evidence) -> list[Chosen]:
    """Users by rules that nobody can bend: extremes and middles, ties by number."""
    assert evidence.split is not None
    train, ours = evidence.split.train, evidence.frame(evidence.run)
    if ours is None:
        return []
    moved = _moved(evidence)
    evaluated = ours[USER].to_numpy()
    orders = {
        kind: user_order(kind, train, evaluated, moved) for kind in (HELPED, TYPICAL, HARMED, COLD)
    }
    cold = _middle(orders[COLD][np.isin(orders[COLD], evaluated)], ours, evidence.metric)
    wanted = [
        ("the most helped person", orders[HELPED]),
        ("a typical person", orders[TYPICAL]),
        (f"somebody with nothing yet in {evidence.target}", cold),
        ("the most harmed person", orders[HARMED]),
    ]
    found: list[Chosen] = []
    for role, order in wanted:
        taken = {chosen.user for chosen in found}
        if (free := [user for user in order[:4] if user not in taken]) and len(found) < 3:
            found.append(_chosen(evidence, int(free[0]), role))
    return found


def _moved(evidence: Evidence) -> pd.DataFrame | None:
    """Differences by user, turned so that above 0 is help."""
    ours, other = evidence.frame(evidence.run), evidence.other
    theirs = None if other is None else evidence.frame(other)
    if ours is None or theirs is None or evidence.metric not in theirs:
        return None
    table = moved_users(ours, theirs, evidence.metric, {})
    sign = 1 if metric_card(evidence.metric).higher_is_better else -1
    return table.assign(difference=sign * table["difference"])


def _chosen(evidence: Evidence, user: int, role: str) -> Chosen:
    values = []
    for run in (evidence.run, evidence.other):
        frame = None if run is None else evidence.frame(run)
        row = None if frame is None else frame.loc[frame[USER] == user, evidence.metric]
        values.append(None if row is None or row.empty else float(row.iloc[0]))
    return Chosen(user, role, float("nan") if values[0] is None else values[0], values[1])


def _middle(users: IntArray, frame: pd.DataFrame, metric: str) -> IntArray:
    """The users from the one in the middle of the metric outwards."""
    values = frame.set_index(USER)[metric].reindex(users).to_numpy(float)
    places = np.argsort(np.nan_to_num(values), kind="stable")
    return users[places][np.argsort(np.abs(np.arange(len(users)) - (len(users) - 1) / 2))]
