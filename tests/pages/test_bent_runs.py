"""What loading accepts, pages can show: runs whose records are bent as far as they may be."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from core.basics.columns import TEST, VALID
from core.basics.workspace import Workspace
from core.store.bundle import export_run, import_run
from core.store.run_folder import read_run
from tests.bends import MISSING, bent, kind
from tests.pages.stories import entered, open_page, well, words

OLD = Path(__file__).resolve().parents[1] / "old_workspace"
RUNS = json.loads((OLD / "told.json").read_text())["runs"]
HTML = "<img src=x onerror=alert(1)> ../x **bold** $x$\nsecond line"
LEAST, MOST = 0, 2**53
OWN_TEXTS = (
    "label",
    "source_name",
    "target_name",
    "name",
    "by",
    "segment",
    "chosen",
    "words",
    "kind",
    "title",
    "help",
    "run",
)
KEPT = ("created", "seed", "parameters")  # in bounds of their own


def _every(record: dict, good: str, put) -> dict:
    """The record with every field of a kind bent at once, settings and sizes of parts apart."""
    for path, value in list(_all_fields(record)):
        apart = "settings" in path or path[0] in ("counts", *KEPT) or path[-1] in ("order", "kind")
        if kind(value) == good and not apart and (good != "text" or path[-1] in OWN_TEXTS):
            record = bent(record, path, put)
    return record


def _all_fields(value, at=()):
    """Every field, of lists every entry."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inside:
        yield (*at, name), one
        if isinstance(one, dict | list):
            yield from _all_fields(one, (*at, name))


def _without_figures(record: dict) -> dict:
    """No figure has a value, and what older versions did not write is not there."""
    for path, _ in list(_all_fields(record)):
        if path[-1] in ("mean", "low", "high", "loss"):
            record = bent(record, path, None)
    for name in ("crosswalk", "device", "findings", "evaluate", "making", "segments", "against"):
        if name in record:
            record = bent(record, (name,), MISSING)
    return record | {"curve": [{"epoch": 0}], "fit": dict.fromkeys(record["fit"])}


def _cancelled_and_empty(record: dict) -> dict:
    needed = "rmse" if "rmse" in record[TEST] else "ndcg@10"
    less = {part: {needed: record[part][needed]} for part in (VALID, TEST)}
    lifts = {name: {} for name in ("lift", "lift_over_popularity") if record.get(name)}
    return record | less | lifts | {"cancelled": True, "curve": [], "best_epoch": 0}


BENDS = {
    "ease": lambda record: _every(record, "text", HTML),
    "cmf": lambda record: _every(record, "number", MOST),
    "two_tower": _cancelled_and_empty,
    "mf_rating": _without_figures,
    "blend": lambda record: _every(_every(record, "text", HTML), "number", LEAST),
    "compressed": lambda record: _every(_every(record, "text", "\x00"), "number", MOST),
    "uploaded": lambda record: _every(record, "number", MOST),
}


@pytest.fixture(scope="module")
def bent_workspace(tmp_path_factory) -> Workspace:
    """The old workspace, its runs bent, each taken in from a run file of its own."""
    root = tmp_path_factory.mktemp("bent")
    with tarfile.open(OLD / "workspace.tar.gz") as packed:
        packed.extractall(root, filter="data")
    here = Workspace(root / "workspace")
    here.jobs.unlink()
    for name, bend in BENDS.items():
        run = read_run(here.runs / RUNS[name])
        path = export_run(run, here.splits / run.record.split_hash, root / f"{name}.zip")
        with zipfile.ZipFile(path) as bundle:
            members = {one: bundle.read(one) for one in bundle.namelist()}
        record = f"{run.id}/run.json"
        members[record] = json.dumps(bend(json.loads(members[record]))).encode()
        with zipfile.ZipFile(path, "w") as bundle:
            for one, content in members.items():
                bundle.writestr(one, content)
        run.folder.rename(root / run.id)
        import_run(here, path)
    return here


@pytest.mark.parametrize("page", ["start", "train"])
def test_pages_of_the_whole_workspace_show_bent_runs(bent_workspace, page, monkeypatch):
    entered(bent_workspace, monkeypatch)
    _known(open_page(page))


@pytest.mark.parametrize("name", BENDS)
def test_pages_of_a_run_show_one_that_is_bent(bent_workspace, name, monkeypatch):
    entered(bent_workspace, monkeypatch)
    for page in ("fusion", "metrics", "recommendations", "report"):
        _known(open_page(page, run=RUNS[name]))


def _known(app) -> None:
    assert "a problem it does not know" not in words(well(app))
