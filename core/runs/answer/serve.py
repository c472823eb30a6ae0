"""One run to serve and to export: it asks, for each group of people, the model of the answer."""

from __future__ import annotations

from typing import Any

from core.basics.errors import RunError
from core.basics.progress import Report
from core.basics.workspace import Workspace
from core.evaluation.segments import BINS
from core.runs.answer.groups import Answer, answer_of
from core.runs.answer.make_answer import Checklist, run_of, trained
from core.runs.answer.standing import standing
from core.runs.making.plan import RunPlan
from core.runs.making.route import route_runs
from core.store.run_folder import list_runs

ROUTE = "Put them together"


def serve_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Make the routed run of the pair in the payload (`pair`: its hash); answers {"run": id}.

    A model that was judged on another split, as those for cold people are, is trained again on the
    split of everybody, by the same plan: one run needs one split.
    """
    runs = [run for run in list_runs(workspace) if run.record.dataset_hash == payload["pair"]]
    first = standing(workspace, payload["pair"], runs)
    answer = answer_of(workspace, runs, first.run if first else None)
    plans = {} if answer is None else plans_of(answer)
    members = list({plan.key: plan for plan in plans.values()}.values())
    if len(members) < 2:
        raise RunError(
            what="One model is best for everybody here, so there is nothing to put together.",
            hint="Export that run as it is.",
        )
    titles = [f"Train {plan.label}" for plan in members]
    checklist = Checklist((*titles, ROUTE), report)
    ids = {}
    for title, plan in zip(titles, members, strict=True):
        checklist.at(title)
        known = run_of(plan, list_runs(workspace))
        ids[plan.key] = known or trained(plan, workspace, checklist.inside(title))
    checklist.at(ROUTE)
    given = {group: ids[plan.key] for group, plan in plans.items()}
    label = f"Routed: {' / '.join(plan.label for plan in members)}"[:100]
    folder = route_runs(workspace, list(ids.values()), given, label, checklist.inside(ROUTE))
    return {"run": folder.name}


def plans_of(answer: Answer) -> dict[str, RunPlan]:
    """By group of BINS, how its model is trained on the split of everybody."""
    main = answer.everybody.run.record.split_hash
    plans = {}
    for group in answer.groups:
        if group.name in BINS and group.known:
            record = group.run.record
            title = group.run.card.title
            plans[group.name] = RunPlan(
                main, record.model, record.settings, record.seed, label=title
            )
    return plans
