"""Jobs that prepare data: make a pair, check it, split it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from core.basics.errors import DataError
from core.basics.files import still_there
from core.basics.progress import Progress, Report
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair
from core.data.checks.quality import check_pair
from core.data.database import Connection, in_memory
from core.data.pair_folder import (
    RECORD,
    PairInfo,
    PairInputs,
    PairSettings,
    inputs_of,
    read_pair_info,
)
from core.data.reading.options import RECORD as DATASET_RECORD
from core.data.splitting import SplitSettings, split_pair

FILES = ("source", "target", "items_source", "items_target", "links", "triples")


def pair_payload(
    workspace: Workspace, inputs: PairInputs, settings: PairSettings
) -> dict[str, Any]:
    """What `pair_job` needs to know, as plain values; paths are told from the workspace on."""
    files = {name: getattr(inputs, name) for name in FILES}
    told = {
        name: str(file.relative_to(workspace.root)) if file else None
        for name, file in files.items()
    }
    names = {"source_name": inputs.source_name, "target_name": inputs.target_name}
    return {"files": told, **names, "settings": settings.to_dict()}


def pair_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Make a pair of two imported datasets; answers {"pair": its hash}."""
    report(Progress(0, 1, "filtering and matching"))
    files = {name: workspace.root / path for name, path in payload["files"].items() if path}
    inputs = PairInputs(
        **files, source_name=payload["source_name"], target_name=payload["target_name"]
    )
    settings = PairSettings.of(payload["settings"])
    with _database(workspace) as connection, ExitStack() as datasets:
        for file in files.values():
            datasets.enter_context(still_there(file.parent / DATASET_RECORD))
        folder = build_pair(connection, inputs, settings, workspace.pairs)
    report(Progress(1, 1, "done"))
    return {"pair": folder.name}


def quality_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Check the pair named in the payload; answers {"pair": its hash, "lights": by question}."""
    folder = workspace.pairs / payload["pair"]
    info = read_pair_info(folder)  # where it is not there, that is what is said
    with _database(workspace) as connection, still_there(folder / RECORD):
        checks = check_pair(connection, folder, _inputs(workspace, info), report)
    return {"pair": folder.name, "lights": {check.key: check.light for check in checks}}


def split_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Split the pair named in the payload; answers {"split": its hash}."""
    report(Progress(0, 1, "splitting"))
    settings = SplitSettings.of(payload["settings"])
    pair = workspace.pairs / payload["pair"]
    read_pair_info(pair)
    with still_there(pair / RECORD):
        folder = split_pair(pair, settings, payload["seed"], workspace.splits)
    report(Progress(1, 1, "done"))
    return {"split": folder.name}


def _inputs(workspace: Workspace, info: PairInfo) -> PairInputs | None:
    """The imported files of a pair, None where one was deleted since."""
    try:
        return inputs_of(workspace, info)
    except DataError:
        return None


@contextmanager
def _database(workspace: Workspace) -> Iterator[Connection]:
    connection = in_memory(workspace.root)
    try:
        yield connection
    finally:
        connection.close()
