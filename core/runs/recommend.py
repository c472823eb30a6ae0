"""One user's list as plain values: fused scores with both parts, and the reasons for each item."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.basics.columns import TEST, VALID
from core.basics.errors import RunError
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
from core.fusion.combine import RAW, Z_SCORE, Fusion
from core.models.protocol import CrossDomainModel, ModelCard
from core.runs.one_user import UserList, reasons, user_list
from core.store.run_folder import Run

REASONS = 5  # history items named per domain and recommendation


def scale_of(card: ModelCard) -> str:
    """Scale of the parts: raw where they sum to the model's own score or are points of a rating,
    z-scores elsewhere.
    """
    return RAW if card.additive or card.task == "rating" else Z_SCORE


def recommend_user(
    workspace: Workspace, run: Run, user: str, k: int, alpha: float, beta: float
) -> dict[str, Any]:
    """The list of a user named by id, with titles, both parts and reasons, as plain values.

    Raises RunError for a user or a length the run does not know.
    """
    split = read_snapshot(workspace.splits / run.record["split_hash"])
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
    model, fusion = run.model(split), Fusion(alpha, beta, scale=scale_of(run.card))
    ranked = user_list(model, split, TEST, number, fusion, k)
    graph = knowledge_graph(train)
    return {
        "user": user,
        "run": run.id,
        "k": k,
        "alpha": alpha,
        "beta": beta,
        "scale": fusion.scale,
        "source_history": int(train.source_history[number]),
        "target_history": int(train.target_history[number]),
        "items": [_row(ranked, i, model, train, fusion, graph) for i in range(len(ranked.items))],
    }


def fused_figures(run: Run, split: Split, fusion: Fusion, k: int) -> dict[str, Any]:
    """Metrics of the fused lists at one weighting, on both held-out parts; of a run of ratings the
    errors of its predictions.

    k is at most the depth of the candidates; raises RunError beyond it.
    """
    figures: dict[str, Any] = {"alpha": fusion.alpha, "beta": fusion.beta, "scale": fusion.scale}
    for part in (VALID, TEST):
        if run.card.task == "rating":
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
        "words": path_words(path.relation, path.entity, names),
    }


def _names(features: ItemFeatures | None, ids: np.ndarray) -> np.ndarray:
    return ids if features is None else np.where(features.titles == "", ids, features.titles)


def _strongest(items: IntArray, amounts: FloatArray, names: np.ndarray) -> list[dict[str, Any]]:
    strongest = np.argsort(-np.abs(amounts), kind="stable")[:REASONS]
    return [{"item": str(names[items[i]]), "amount": float(amounts[i])} for i in strongest]
