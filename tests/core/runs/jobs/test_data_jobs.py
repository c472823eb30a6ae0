import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, RATING, SOURCE, TARGET, TIME, USER
from core.basics.errors import CrosswalkError, DataError
from core.basics.files import whole_folder, write_json
from core.basics.progress import Progress, silent
from core.basics.workspace import Workspace
from core.data.checks.check import read_checks
from core.data.database import in_memory
from core.data.pair_folder import PairInputs, PairSettings, delete_pair, rows_file
from core.data.profile import KEPT, overlap, pair_figures, profile
from core.data.reading.options import read_dataset
from core.data.snapshot import read_info
from core.data.splitting import SplitSettings
from core.runs.jobs.data_jobs import pair_job, pair_payload, quality_job, split_job
from core.runs.jobs.worker import work_of


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    here = Workspace(tmp_path)
    for seed, dataset_hash in enumerate(("aa", "bb")):
        draw = np.random.default_rng(seed)
        user, item = np.nonzero(draw.random((80, 30)) < 0.3)
        frame = pd.DataFrame({USER: [f"u{n}" for n in user], ITEM: [f"i{n}" for n in item]})
        frame[RATING] = 1.0
        frame[TIME] = 1_600_000_000 + 86_400 * np.arange(len(frame))
        counts = {"rows": len(frame), "kept": len(frame), "rejected": 0, "merged": 0}
        with whole_folder(here.datasets / dataset_hash) as part:
            frame.to_parquet(part / "interactions.parquet", index=False)
            record = {"kind": "interactions", "name": dataset_hash, "counts": counts}
            write_json(part / "dataset.json", record)
    return here


def make_pair(workspace: Workspace, **settings) -> str:
    files = [read_dataset(workspace, dataset_hash).file for dataset_hash in ("aa", "bb")]
    inputs = PairInputs(*files, source_name="books", target_name="films")
    payload = pair_payload(workspace, inputs, PairSettings(**settings))
    return pair_job(workspace, payload, silent)["pair"]


def test_pair_check_and_split_follow_on_each_other(workspace):
    pair = make_pair(workspace)
    lights = quality_job(workspace, {"pair": pair}, silent)["lights"]
    assert lights["import"] == "green"
    assert lights == {check.key: check.light for check in read_checks(workspace.pairs / pair)}
    payload = {"pair": pair, "settings": SplitSettings().to_dict(), "seed": 7}
    info = read_info(workspace.splits / split_job(workspace, payload, silent)["split"])
    assert (info.dataset_hash, info.source_name, info.seed) == (pair, "books", 7)


def test_a_check_leaves_the_figures_of_the_pair_in_its_folder(workspace, monkeypatch):
    """Every new server described a pair of ten million rows again, for twenty CPU seconds."""
    folder = workspace.pairs / make_pair(workspace)
    files = rows_file(folder, SOURCE), rows_file(folder, TARGET)
    with in_memory(workspace.root) as connection:
        made = overlap(connection, *files), profile(connection, *files)
    quality_job(workspace, {"pair": folder.name}, silent)
    monkeypatch.setattr("core.data.profile.relation", None)  # no row is read any more
    shared, domains = pair_figures(None, folder)
    for kept, first in ((shared, made[0]), (domains, made[1])):
        for name, value in vars(first).items():
            if isinstance(value, pd.DataFrame):
                pd.testing.assert_frame_equal(getattr(kept, name), value)
            else:
                assert getattr(kept, name) == value
    assert len(domains.times)
    monkeypatch.undo()
    (folder / KEPT).write_text('{"version": 1, "overlap": {}}')
    with in_memory(workspace.root) as connection:
        assert pair_figures(connection, folder)[0].shared == shared.shared  # damaged: made anew


def test_a_check_goes_on_without_a_deleted_dataset(workspace):
    pair = make_pair(workspace, swap=True)
    (workspace.datasets / "aa" / "dataset.json").unlink()
    lights = quality_job(workspace, {"pair": pair}, silent)["lights"]
    assert lights["exchanged"] == "grey"


def test_a_pair_that_is_not_there_says_so(workspace):
    with pytest.raises(DataError, match="not in this workspace"):
        quality_job(workspace, {"pair": "nothing"}, silent)


def test_progress_reaches_the_end(workspace):
    pair, steps = make_pair(workspace), []
    quality_job(workspace, {"pair": pair}, steps.append)
    assert steps[-1].done == steps[-1].total
    assert len({step.stage for step in steps}) == len(steps)


@pytest.mark.parametrize("kind", ["pair", "quality", "split"])
def test_the_worker_finds_the_job(kind):
    assert callable(work_of(kind))


@pytest.mark.parametrize("stage", ["matching profiles", "comparing items", "looking at times"])
def test_a_pair_deleted_while_it_is_checked_stays_deleted(workspace, stage):
    pair = make_pair(workspace)

    def delete(progress: Progress) -> None:
        if progress.stage == stage:
            delete_pair(workspace, pair)

    with pytest.raises(CrosswalkError, match=f"The pair {pair} was deleted meanwhile"):
        quality_job(workspace, {"pair": pair}, delete)
    assert list(workspace.pairs.iterdir()) == []


def test_a_pair_deleted_before_it_is_split_says_so(workspace):
    pair = make_pair(workspace)
    delete_pair(workspace, pair)
    payload = {"pair": pair, "settings": SplitSettings().to_dict(), "seed": 7}
    with pytest.raises(CrosswalkError, match="is not in this workspace"):
        split_job(workspace, payload, lambda progress: None)


def test_a_dataset_deleted_before_its_pair_is_made_says_so(workspace):
    (workspace.datasets / "bb").rename(workspace.root / "away")
    with pytest.raises(CrosswalkError, match=r"dataset bb was deleted|'bb' is not in this"):
        make_pair(workspace)
