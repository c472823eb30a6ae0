"""What a model found out about itself is in its run's record, for the page and the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.basics.files import read_json, write_json
from core.basics.workspace import Workspace
from core.data.snapshot import write_snapshot
from core.models.protocol import Finding, findings_of
from core.models.registry import build
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import RECORD, list_runs, read_run
from core.ui.train.runs import findings
from tests.core.runs.making.test_make_run import taste_tables


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    here = Workspace(tmp_path_factory.mktemp("workspace"))
    write_snapshot(
        here.splits,
        taste_tables(),
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    return here


@pytest.fixture(scope="module")
def run(workspace):
    plan = RunPlan(next(workspace.splits.iterdir()).name, "linear_map", {"factors": 4})
    return read_run(train_run(plan, workspace))


def test_a_run_of_a_map_keeps_how_well_it_maps(run):
    titles = [finding["title"] for finding in findings(run.record)]
    assert titles == [
        "Mapping error, cosine",
        "Mapping error, relative L2",
        "Mapping R²",
        "Retrieval MRR",
    ]
    assert run.popularity.record.findings == []


def test_a_run_from_before_findings_still_opens(run, workspace):
    record = read_json(run.folder / RECORD)
    kept = record.pop("findings")
    write_json(run.folder / RECORD, record)
    try:
        (older,) = list_runs(workspace)
        assert findings(older.record) == []
    finally:
        write_json(run.folder / RECORD, record | {"findings": kept})


def test_only_finite_figures_are_kept_as_plain_numbers():
    class Model:
        def findings(self):
            numbers = np.array([0.5, np.nan, np.inf], dtype=np.float32)
            return [Finding("gap", number, "Lower is better.") for number in numbers]

    found = findings_of(Model())
    assert [one.value for one in found] == [0.5]
    json.dumps(found[0].value)
    assert findings_of(build("popularity")) == []
