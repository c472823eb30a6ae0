import os
import subprocess
import sys
import time

import pytest

from core.basics.files import whole_folder, write_json
from core.basics.workspace import Workspace
from core.jobs.leftovers import DAYS_KEPT, sweep


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path)


def test_what_a_killed_process_left_half_written_is_removed(workspace):
    code = (
        "import sys, os, time; from pathlib import Path; from core.basics.files import whole_folder"
    )
    code += "\nwith whole_folder(Path(sys.argv[1])) as part:"
    code += "\n (part / 'x').write_text('x'); print(part, flush=True); time.sleep(60)"
    path = workspace.runs / "ease-1"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    part = child.stdout.readline().strip()
    assert sweep(workspace) == []  # its writer lives
    child.kill()
    child.communicate()
    assert [str(path) for path in sweep(workspace)] == [part]
    assert list(workspace.runs.iterdir()) == []


def test_a_part_of_a_living_process_stays(workspace):
    with whole_folder(workspace.runs / "ease-1"):
        assert sweep(workspace) == []
    assert (workspace.runs / "ease-1").exists()


def test_a_file_inside_a_run_and_a_half_deleted_run_are_found(workspace):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_json(workspace.runs / "ease-1" / "label.json", {})
    (workspace.runs / "ease-1" / f"label.json.{gone.pid}.part").write_text("{")
    (workspace.runs / "ease-2.deleted.part").mkdir()
    assert len(sweep(workspace)) == 2
    assert [path.name for path in workspace.runs.rglob("*")] == ["ease-1", "label.json"]


def test_checkpoints_are_kept_for_a_month_after_their_last_change(workspace):
    now = time.time()
    for name, days in (("old", DAYS_KEPT + 1), ("new", DAYS_KEPT - 1)):
        file = write_json(workspace.checkpoints / name / "run" / "fit.json", {})
        for path in (file, file.parent):
            os.utime(path, (now - days * 86_400,) * 2)
    sweep(workspace)
    assert [path.name for path in workspace.checkpoints.iterdir()] == ["new"]
