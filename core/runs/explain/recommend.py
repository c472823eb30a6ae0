"""A user's recommendations as data, and lists of many users exported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, RANK, SCORE, TEST, TITLE, USER, VALID
from core.basics.errors import RunError
from core.basics.files import escaped, fingerprint, still_there, write_whole
from core.basics.progress import Progress, Report
from core.basics.types import FloatArray, IntArray
from core.basics.workspace import Workspace
from core.data.knowledge import (
    KnowledgeGraph,
    KnowledgePath,
    attribute_paths,
    knowledge_graph,
    path_words,
)
from core.data.pair import DomainPair, ItemFeatures
from core.data.snapshot import Split, read_snapshot
from core.evaluation.lift import summarise
from core.evaluation.ratings import Bounds, errors_per_user, weighted_guesses
from core.evaluation.weightings import fused_per_user
from core.fusion.combine import NO_ITEM, RAW, WEIGHTED_SUM, Z_SCORE, Fusion, fuse_scores, top_k
from core.fusion.rerank import BY_SCORE, Rerank
from core.models.protocol import CrossDomainModel, ModelCard
from core.runs.explain.new_items import with_new_items
from core.runs.explain.one_user import UserList, reasons, reranked_user_list
from core.store.run_folder import RECORD, Run, read_run

REASONS = 5  # history items named per domain and recommendation


def scale_of(card: ModelCard) -> str:
    """Scale of the parts: raw where they sum to the model's own score or are points of a rating,
    z-scores elsewhere.
    """
    return RAW if card.additive or card.task.rates else Z_SCORE


def recommend_user(
    workspace: Workspace,
    run: Run,
    user: str,
    k: int,
    alpha: float,
    beta: float,
    new_items: bool = False,
    rule: Rerank = BY_SCORE,
) -> dict[str, Any]:
    """The list of a user named by id, with titles, both parts and reasons, as plain values.

    new_items: items of the item table that nobody took may stand in it, and say so. rule: another
    order than by score. Raises RunError for a user or a length the run does not know, and for a
    run that cannot list new items.
    """
    split = read_snapshot(workspace.splits / run.record.split_hash)
    wider = with_new_items(run, split) if new_items else None
    split = split if wider is None else wider.split
    train = run.train_of(split)
    if user not in train.users:
        raise RunError(
            what=f"There is no user {user!r} in this split.",
            hint="Check the spelling; ids are text and must match exactly.",
        )
    if not 1 <= k <= len(train.target_items):
        raise RunError(
            what=f"A list of {k} items cannot be made.",
            hint=f"Choose a length from 1 to {len(train.target_items)}.",
        )
    number = int(train.users.numbers([user])[0])
    model = run.model(split) if wider is None else wider.model
    fusion = Fusion(alpha, beta, scale=scale_of(run.card))
    ranked = reranked_user_list(model, split, TEST, number, fusion, k, rule)
    graph = knowledge_graph(train)
    rows = [_row(ranked, i, model, train, fusion, graph) for i in range(len(ranked.items))]
    if wider is not None:
        rows = [
            row | {"new": bool(new)}
            for row, new in zip(rows, wider.is_new(ranked.items), strict=True)
        ]
    return {
        "user": user,
        "run": run.id,
        "k": k,
        "alpha": alpha,
        "beta": beta,
        "scale": fusion.scale,
        **({"rerank": rule.kind, "strength": rule.strength} if rule.acts else {}),
        "source_history": int(train.source_history[number]),
        "target_history": int(train.target_history[number]),
        "items": rows,
        **({} if wider is None else {"new_items": wider.words()}),
    }


def fused_figures(run: Run, split: Split, fusion: Fusion, k: int) -> dict[str, Any]:
    """Metrics of the fused lists at one weighting, on both held-out parts; of a run of ratings the
    errors of its predictions.

    k is at most the depth of the candidates; raises RunError beyond it.
    """
    figures: dict[str, Any] = {"alpha": fusion.alpha, "beta": fusion.beta, "scale": fusion.scale}
    for part in (VALID, TEST):
        if run.card.task.rates:
            errors = weighted_errors(run, split, part, fusion.alpha, fusion.beta)
            figures[part] = summarise(errors)
            continue
        candidates = run.candidates(part)
        if not 1 <= k <= candidates.depth:
            raise RunError(
                what=f"Fused lists of {k} items are not kept.",
                hint=f"Choose a length from 1 to {candidates.depth}.",
            )
        figures[part] = summarise(fused_per_user(candidates, split.held_out(part), fusion, k))
    return figures


def weighted_errors(run: Run, split: Split, part: str, alpha: float, beta: float) -> pd.DataFrame:
    """Each user's rating errors at one weighting, of a run that predicts ratings."""
    predictions = run.predictions(part)
    bounds = Bounds.of(split.rated.train.target)
    return errors_per_user(predictions, weighted_guesses(predictions, alpha, beta), bounds)


def _row(
    ranked: UserList,
    place: int,
    model: CrossDomainModel,
    train: DomainPair,
    fusion: Fusion,
    graph: KnowledgeGraph,
) -> dict[str, Any]:
    """One place of the list as plain values."""
    item = int(ranked.items[place])
    why = reasons(model, train, ranked, place, fusion)
    source_names = _names(train.source_features, train.source_items.ids)
    target_names = _names(train.target_features, train.target_items.ids)
    return {
        "rank": place + 1,
        "item": str(train.target_items.ids[item]),
        "title": str(target_names[item]),
        "score": float(ranked.fused[place]),
        "base": float(ranked.base[place]),
        "source": float(ranked.source[place]),
        "target": float(ranked.target[place]),
        "hit": bool(ranked.hits[place]),
        "reasons": {
            "source": _strongest(why.source_items, why.source_amounts, source_names),
            "target": _strongest(why.target_items, why.target_amounts, target_names),
        },
        "paths": [
            _path(path, source_names, target_names)
            for path in attribute_paths(graph, why.source_items, why.target_items, item)[:REASONS]
        ],
    }


def _path(
    path: KnowledgePath, source_names: np.ndarray, target_names: np.ndarray
) -> dict[str, Any]:
    """What the item shares with history items, as plain values and in words."""
    names = [*map(str, source_names[path.source_items]), *map(str, target_names[path.target_items])]
    return {
        "relation": path.relation,
        "entity": path.entity,
        "items": names,
        "rarity": path.rarity,
        "via": list(path.via),
        "words": path_words(path.relation, path.entity, names, path.via),
    }


def _names(features: ItemFeatures | None, ids: np.ndarray) -> np.ndarray:
    return ids if features is None else np.where(features.titles == "", ids, features.titles)


def _strongest(items: IntArray, amounts: FloatArray, names: np.ndarray) -> list[dict[str, Any]]:
    strongest = np.argsort(-np.abs(amounts), kind="stable")[:REASONS]
    return [{"item": str(names[items[i]]), "amount": float(amounts[i])} for i in strongest]


# Lists of all users as one CSV file: ids as they are, or safe to open in a spreadsheet.

CELLS = 4_000_000  # users times items scored at once
LONGEST = 1000  # items of a list


@dataclass(frozen=True)
class ExportPlan:
    """Which lists to write: everything that decides the file."""

    run: str
    k: int = 10
    alpha: float = 1.0
    beta: float = 1.0
    kind: str = WEIGHTED_SUM
    scale: str = RAW
    spreadsheet: bool = False  # a `'` before cells that would be formulas; ids are then marked too
    new_items: bool = False  # whether items nobody took may stand in the lists, marked as new

    @property
    def fusion(self) -> Fusion:
        """How the parts of a score are put together."""
        return Fusion(self.alpha, self.beta, self.kind, self.scale)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A plan from JSON."""
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the payload of a job of kind "export"."""
        return asdict(self)

    def file(self, workspace: Workspace) -> Path:
        """Where the file stands once it is whole."""
        told = fingerprint(self.to_dict())[:8]
        name = f"{self.run}-{told}{'-spreadsheet' if self.spreadsheet else ''}.csv"
        return workspace.exports / name


def export_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the file of the plan in the payload, and return its name and rows.

    Raises RunError for a run that is gone or a length that cannot be, DataError for a run that is
    deleted while its lists are written.
    """
    plan = ExportPlan.from_dict({key: payload[key] for key in payload if key != "resume"})
    run = read_run(workspace.runs / plan.run)
    split = read_snapshot(workspace.splits / run.record.split_hash)
    if not 1 <= plan.k <= LONGEST:
        raise RunError(
            what=f"Lists of {plan.k} items cannot be written.",
            hint=f"Choose a length from 1 to {LONGEST}.",
        )
    rows, record = 0, run.folder / RECORD

    def write(part: Path) -> None:
        nonlocal rows
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            for chunk in list_chunks(run, split, plan, report):
                safe = escaped(chunk)  # titles are for reading in either file, ids are for joining
                ids = {} if plan.spreadsheet else {name: chunk[name] for name in (USER, ITEM)}
                safe.assign(**ids).to_csv(file, index=False, header=rows == 0)
                rows += len(chunk)

    with still_there(record):
        path = write_whole(plan.file(workspace), write, record)
    return {"file": path.name, "rows": rows}


def list_chunks(run: Run, split: Split, plan: ExportPlan, report: Report) -> Iterator[pd.DataFrame]:
    """Lists of some users at a time: USER, RANK, ITEM, TITLE, SCORE and both parts.

    Training and validation items are masked, as when test is evaluated, and so is what a user rated
    low in them. With new items "new" says 1 of those. Users nobody knows
    anything about get popular items. A run that has only lists gives those of its test users,
    without scores.
    """
    if not run.has_model:
        kept = run.lists(TEST)
        row, place = np.nonzero(kept.items[:, : plan.k] != NO_ITEM)
        items = kept.items[row, place]
        kept_lists = pd.DataFrame(
            {
                USER: split.train.users.names(kept.users[row]),
                RANK: place + 1,
                ITEM: split.train.target_items.names(items),
                TITLE: _titles(split)[items],
            }
        )
        yield kept_lists
        return
    wider = with_new_items(run, split) if plan.new_items else None
    model, split = (run.model(split), split) if wider is None else (wider.model, wider.split)
    n_users, n_items = split.train.target.shape
    step = max(1, CELLS // max(1, n_items))
    titles = _titles(split)
    for start in range(0, n_users, step):
        users = np.arange(start, min(start + step, n_users))
        lists, items = _lists(model, split, users, plan, titles)
        yield lists if wider is None else lists.assign(new=wider.is_new(items).astype(int))
        report(Progress(done=int(users[-1]) + 1, total=n_users, stage="writing lists"))


def _titles(split: Split) -> np.ndarray:
    names = split.train.target_features
    return names.names(split.train.target_items) if names else split.train.target_items.ids


def _lists(
    model: CrossDomainModel,
    split: Split,
    users: IntArray,
    plan: ExportPlan,
    titles: np.ndarray,
) -> tuple[pd.DataFrame, IntArray]:
    """Rows of the lists, and the number of the item of each."""
    scores = model.score(users).filled(split.train.popularity)
    fused = fuse_scores(scores, split.masked(TEST)[users], plan.fusion)
    lists = top_k(fused, scores.source, scores.target, plan.k)
    row, place = np.nonzero(lists != NO_ITEM)
    items = lists[row, place]
    frame = pd.DataFrame(
        {
            USER: split.train.users.names(users[row]),
            RANK: place + 1,
            ITEM: split.train.target_items.names(items),
            TITLE: titles[items],
            SCORE: fused[row, items],
            "source_part": _at(scores.source, row, items),
            "target_part": _at(scores.target, row, items),
        }
    )
    return frame, items


def _at(part: FloatArray, row: IntArray, items: IntArray) -> FloatArray:
    return part[row, items]
