"""A record as a run has it, and a run on disk with its twin, for tests that ask little of them."""

from core.basics.files import write_json
from core.basics.workspace import Workspace
from core.store.record import Record
from core.store.run_folder import POPULARITY, RECORD, TWIN, Run, list_runs


def record(**said) -> Record:
    """A whole record with what the test says of it."""
    figures = {"valid": {}, "test": {}, "counts": {}, "fit": {}, "curve": [], "settings": {}}
    names = {"source_name": "books", "target_name": "films", "label": "EASE", "model": "ease"}
    hashes = {"split_hash": "0" * 16, "dataset_hash": "0" * 16}
    rest = {"role": "run", "seed": 0, "created": 0.0, "cancelled": False}
    return Record(**(figures | names | hashes | rest | said))


def run_on_disk(workspace: Workspace, name: str, ndcg: float, *, twin: bool = True, **said) -> Run:
    """A run without weights whose nDCG@10 on validation and test has a standard error of .01.

    Popularity stands beside it, and its twin if it has one. It is one second younger than the runs
    that are there.
    """
    half = 1.959964 * 0.01
    figure = {"mean": ndcg, "low": ndcg - half, "high": ndcg + half, "users": 100, "skipped": 0}
    counts = {"users": 100, "skipped": 0, "by_popularity": 0}
    told = {"created": float(len(list_runs(workspace)) + 1)} | said
    told |= {"label": name, "valid": {"ndcg@10": figure}, "test": {"ndcg@10": figure}}
    told |= {"counts": {"valid": counts, "test": counts}}
    told |= {"fit": {"wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_rss_mib": 1.0}}
    folder = workspace.runs / name
    for role in ("run", POPULARITY, *([TWIN] if twin else [])):
        place = folder if role == "run" else folder / role
        place.mkdir(parents=True)
        write_json(place / RECORD, record(role=role, **told).to_dict())
    return next(run for run in list_runs(workspace) if run.id == name)
