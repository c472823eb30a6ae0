import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from core.basics.columns import ITEM, USER
from core.basics.errors import DataError, JobError
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.data.reading.options import ReadOptions, list_datasets
from core.jobs.table import WORKER, enqueue
from core.runs.jobs.data_jobs import discard_upload, import_job, stage_upload

ROOT = Path(__file__).resolve().parents[4]
OPTIONS = ReadOptions(roles={"u": USER, "i": ITEM}).to_dict()


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "workspace")


def payload(workspace, content=b"u,i\na,x\n", name="../../x.csv"):
    staged = stage_upload(workspace, io.BytesIO(content))
    return {"path": str(staged), "options": OPTIONS, "name": name}


def test_the_name_of_an_upload_is_no_part_of_any_path(workspace):
    done = import_job(workspace, payload(workspace), silent)
    dataset = list_datasets(workspace)[0]
    assert (dataset.name, dataset.hash) == ("x", done["hash"])
    assert pd.read_parquet(dataset.file)[USER].tolist() == ["a"]
    names = [path.name for path in workspace.root.rglob("*")]
    assert not any("x.csv" in name for name in names)


def test_an_upload_is_removed_after_its_import_and_kept_after_an_error(workspace):
    import_job(workspace, payload(workspace), silent)
    assert not list(workspace.uploads.iterdir())
    with pytest.raises(DataError):
        import_job(workspace, payload(workspace, b""), silent)
    assert len(list(workspace.uploads.iterdir())) == 1


def test_a_cancelled_import_leaves_no_dataset_and_can_be_done_again(workspace):
    def cancel(progress):
        raise Cancelled

    wanted = payload(workspace)
    with pytest.raises(Cancelled):
        import_job(workspace, wanted, cancel)
    assert not list_datasets(workspace)
    assert not list(workspace.datasets.iterdir())
    assert import_job(workspace, wanted, silent)["kept"] == 1


def test_an_import_killed_in_the_middle_leaves_what_was_there_and_can_be_done_again(workspace):
    first = import_job(workspace, payload(workspace), silent)
    wanted = payload(workspace, b"u,i\n" + b"a,x\nb,y\n" * 1_000_000, "large.csv")
    job = enqueue(workspace, "import", wanted, "short", "Import")
    child = subprocess.Popen([sys.executable, *WORKER, str(workspace.root), job], cwd=ROOT)
    while not list(workspace.datasets.glob("import.*")):
        assert child.poll() is None
        time.sleep(0.005)
    child.kill()
    child.wait()
    assert [dataset.hash for dataset in list_datasets(workspace)] == [first["hash"]]
    second = import_job(workspace, wanted, silent)
    assert (second["rows"], second["kept"]) == (2_000_000, 2)
    assert {path.name for path in workspace.datasets.iterdir()} == {first["hash"], second["hash"]}


def test_an_upload_that_is_gone_says_so(workspace):
    wanted = payload(workspace)
    import_job(workspace, wanted, silent)
    with pytest.raises(JobError, match="The uploaded file is gone"):
        import_job(workspace, wanted, silent)


def test_only_uploads_are_discarded(workspace, tmp_path):
    precious = tmp_path / "upload"
    precious.write_text("mine")
    discard_upload(workspace, precious)
    assert precious.exists()


def test_uploads_nobody_imported_go_after_two_days(workspace):
    old = stage_upload(workspace, io.BytesIO(b"x"))
    os.utime(old.parent, (0, time.time() - 3 * 24 * 3600))
    new = stage_upload(workspace, io.BytesIO(b"y"))
    assert (old.exists(), new.exists()) == (False, True)
