"""Maps by UMAP, of a run's vectors or of texts, made by a job and kept in the workspace."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core import __version__
from core.basics.errors import DataError
from core.basics.files import fingerprint, still_there
from core.basics.progress import Progress, Report
from core.basics.types import Vectors
from core.basics.workspace import Workspace
from core.data.snapshot import RECORD as SPLIT_RECORD
from core.data.snapshot import Split, read_snapshot
from core.embedding.maps import MAP_TEXTS, WHATS, Points, points_of
from core.embedding.neighbours import trustworthiness
from core.embedding.umap_map import (
    STAGES,
    KeptMap,
    MapInfo,
    map_name,
    read_map,
    umap_map,
    write_map,
)
from core.models.kernel.coordinates import interaction_vectors
from core.models.protocol import CrossDomainModel
from core.models.text.features import TextSettings
from core.runs.making.texts import (
    ItemTexts,
    encode_texts,
    key_of,
    read_texts,
    settings_of,
    texts_payload,
)
from core.store.run_folder import RECORD, Run, read_run

SEED = 0  # of every map a page asks for


@dataclass(frozen=True)
class MapPoints:
    """The points of a run's map and what they were made from."""

    points: Points
    made_from: str  # run id, or "interactions" and the split's hash
    from_interactions: bool  # the model has no vectors of its own


def map_points(run: Run, split: Split, model: CrossDomainModel, what: str) -> MapPoints:
    """Points from the model's vectors, or from the training interactions where it has none."""
    vectors = model.vectors()
    if vectors is not None:
        return MapPoints(points_of(vectors, what), run.id, False)
    points = points_of(interaction_vectors(split.train), what)
    return MapPoints(points, f"interactions of {split.info.split_hash}", True)


def map_payload(run_id: str, what: str, seed: int = SEED) -> dict[str, Any]:
    """What a job of kind "map" is given; equal payloads are one job."""
    return {"run_id": run_id, "what": what, "seed": seed}


def map_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Make the map of the payload's run, unless it is there, and return the name of its folder."""
    if payload["what"] not in WHATS:
        raise DataError(
            what=f"There is no map of {payload['what']!r}.", hint=f"Choose from {', '.join(WHATS)}."
        )
    started = time.process_time()
    run = read_run(workspace.runs / payload["run_id"])
    split = read_snapshot(workspace.splits / run.record.split_hash)
    what, record = payload["what"], run.folder / RECORD
    with still_there(record):
        made = map_points(run, split, run.model(split), what)
        return {"map": _kept(workspace, made, what, payload["seed"], started, report, record)}


def text_points(split: Split, settings: TextSettings, texts: ItemTexts) -> MapPoints:
    """Points of both domains' items by their texts; raises DataError where none has a text."""
    vectors = Vectors(texts.source, texts.target, None, None)
    read = fingerprint(*key_of(settings))
    made_from = f"texts of {split.info.split_hash}, {read}"
    return MapPoints(points_of(vectors, MAP_TEXTS), made_from, False)


def text_map_payload(split_hash: str, settings: TextSettings, seed: int = SEED) -> dict[str, Any]:
    """What a job of kind "text_map" is given; equal payloads are one job."""
    return texts_payload(split_hash, settings) | {"seed": seed}


def text_map_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Make the map of a split's texts, encoded first where they are not, and return its folder."""
    started = time.process_time()
    split = read_snapshot(workspace.splits / payload["split_hash"])
    settings = settings_of(payload)
    encode_texts(split.train, settings, report)
    texts = read_texts(split.train, settings)
    if texts is None:
        raise DataError(what="The vectors of these texts are gone.", hint="Draw the map again.")
    made = text_points(split, settings, texts)
    record = split.folder / SPLIT_RECORD
    return {"map": _kept(workspace, made, MAP_TEXTS, payload["seed"], started, report, record)}


def _kept(
    workspace: Workspace,
    made: MapPoints,
    what: str,
    seed: int,
    started: float,
    report: Report,
    record: Path,
) -> str:
    """Name of the folder of the map, which is made unless it is there.

    record: of the run or split it shows, without which nothing is kept.
    """
    name = map_name(made.made_from, what, seed)
    if read_map(workspace.maps / name) is None:
        write_map(workspace.maps, _made(made, what, seed, started, report), record)
    return name


def _made(made: MapPoints, what: str, seed: int, started: float, report: Report) -> KeptMap:
    rows = made.points.shown(seed)
    vectors = made.points.vectors[rows]
    places = umap_map(vectors, seed=seed, report=report)
    report(Progress(STAGES - 1, STAGES, "measuring how far the map can be trusted"))
    trusted = trustworthiness(vectors, places)
    info = MapInfo(
        made_from=made.made_from,
        what=what,
        seed=seed,
        shown=len(rows),
        of=len(made.points),
        trustworthiness=None if math.isnan(trusted) else round(trusted, 4),
        cpu_seconds=round(time.process_time() - started, 2),
        versions={"crosswalk": __version__, "umap-learn": version("umap-learn")},
    )
    return KeptMap(info, rows, places)
