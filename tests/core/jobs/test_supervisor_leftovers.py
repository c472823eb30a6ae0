import os
import subprocess
import sys
import time

import pytest

from core.basics.files import whole_folder, write_json
from core.basics.workspace import Workspace
from core.jobs.supervisor import DAYS_KEPT, HOURS_WAITING, sweep
from core.jobs.table import enqueue


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


def dead_pid() -> int:
    """The number of a process that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_parts_of_every_kind_and_depth_are_found(workspace):
    """Seen: a part of an export, and temporary folders of killed commands, stayed for good."""
    gone = dead_pid()
    names = (
        f"exports/run-1.csv.aa.{gone}.part",
        f"datasets/import.{gone}.abc",
        f"spill.{gone}",
        f"uploads/lists.{gone}.abc",
        f"uploads/x.{gone}.part",
        f"jobs.x.{gone}.part",
        f"runs/one/asked/words/a.safetensors.bb.{gone}.part",
        "runs/two.0f.deleted.part",
    )
    for name in names:
        path = workspace.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if "." not in path.stem else path.write_text("x")
    for name in (f"spill.{os.getpid()}", f"exports/run-2.csv.aa.{os.getpid()}.part"):
        (workspace.root / name).write_text("a living process writes here")
    assert {str(path.relative_to(workspace.root)) for path in sweep(workspace)} == set(names)
    left = {path.name for path in workspace.root.rglob("*") if path.is_file()}
    assert left == {f"spill.{os.getpid()}", f"run-2.csv.aa.{os.getpid()}.part"}


def test_a_process_that_began_later_is_not_the_one_that_wrote_the_part(workspace):
    """In a container the app has the same number at every start."""
    part = workspace.root / f"run.csv.aa.{os.getpid()}.part"
    part.write_text("x")
    assert sweep(workspace) == []
    yesterday = time.time() - 86_400
    os.utime(part, (yesterday, yesterday))
    assert sweep(workspace) == [part]


def test_uploads_of_an_app_that_is_gone_are_removed_unless_a_job_names_them(workspace):
    """Seen: what was uploaded before a kill stayed on the disk."""
    folders = {}
    for name, pid in (("left", dead_pid()), ("waited_for", dead_pid()), ("mine", os.getpid())):
        folders[name] = workspace.uploads / f"{name}.{pid}"
        folders[name].mkdir(parents=True)
        (folders[name] / "upload").write_text("x")
    payload = {"path": str(folders["waited_for"] / "upload")}
    enqueue(workspace, "import", payload, "short", "Import")
    assert sweep(workspace) == [folders["left"]]
    assert sorted(workspace.uploads.iterdir()) == sorted([folders["waited_for"], folders["mine"]])


def test_an_upload_without_a_process_in_its_name_goes_by_age(workspace):
    for name, hours in (("old", HOURS_WAITING + 1), ("new", HOURS_WAITING - 1)):
        path = workspace.uploads / f"{name}.zip"
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        os.utime(path, (time.time() - hours * 3600,) * 2)
    assert [path.name for path in sweep(workspace)] == ["old.zip"]
