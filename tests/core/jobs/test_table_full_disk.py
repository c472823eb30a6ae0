"""Jobs on a full disk: their list can be read, and whoever waits is told in two sentences.

A child whose files may not grow stands for the full disk: the system refuses its writes as well.
"""

import subprocess
import sys

import pytest

from core.basics.errors import JobError
from core.jobs import table
from core.jobs.supervisor import DISK_FULL, ROOT, Child, Lock, Supervisor
from core.jobs.table import FAILED, QUEUED, end_job, enqueue, list_jobs, read_job

CHILD = """
import resource, sys
from pathlib import Path
from core.basics.errors import JobError
from core.basics.workspace import Workspace
from core.jobs import table
from core.jobs.table import enqueue, list_jobs
table.free_space = lambda folder: 0
table.keep_reserve = lambda file: None
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
workspace = Workspace(Path(sys.argv[1]))
print([job.title for job in list_jobs(workspace)])
try:
    enqueue(workspace, "train", {"n": 2}, "training", "two")
except JobError as error:
    print(error)
"""


def test_the_list_is_read_on_a_full_disk_and_says_why_it_cannot_be_changed(workspace):
    """Seen: no page that shows jobs opened, and each said `disk I/O error`."""
    enqueue(workspace, "train", {"n": 1}, "training", "one")
    command = [sys.executable, "-c", CHILD, str(workspace.root)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [
        "['one']",
        "The disk is full, so the list of jobs cannot be changed. "
        "Free some space and do it again: what was there before is still there.",
    ]
    assert [job.title for job in list_jobs(workspace)] == ["one"]


def test_a_list_that_is_no_list_is_not_blamed_on_the_disk(workspace):
    workspace.root.mkdir(parents=True)
    workspace.jobs.write_bytes(b"no table" * 512)
    with pytest.raises(JobError) as raised:
        enqueue(workspace, "train", {}, "training", "one")
    assert "disk is full" not in str(raised.value)
    workspace.jobs.unlink()


class Ended:
    """A process that ended with a code."""

    def __init__(self, code: int) -> None:
        self.code, self.pid = code, 1

    def poll(self) -> int:
        return self.code


@pytest.fixture
def unspoken(workspace):
    """A supervisor whose child ended because the disk took nothing, and the job it left queued."""
    job_id = enqueue(workspace, "split", {}, "short", "Split")
    supervisor = Supervisor(workspace)
    supervisor.children[job_id] = Child(Ended(DISK_FULL), "short")
    return supervisor, job_id


def test_a_child_that_could_not_even_claim_its_job_fails_with_the_reason(workspace, unspoken):
    """Seen: the job waited for ever, and child after child was started for it."""
    supervisor, job_id = unspoken
    supervisor.step()
    job = read_job(workspace, job_id)
    assert (job.status, job.what) == (FAILED, "The disk is full, so the job could not be finished.")
    assert job.hint.startswith("Free some space")
    assert not supervisor.children


def test_what_cannot_be_written_now_is_written_later_and_no_child_is_started_meanwhile(
    workspace, unspoken, monkeypatch
):
    supervisor, job_id = unspoken
    monkeypatch.setattr("core.jobs.supervisor.end_job", refusing)
    for _ in range(3):
        assert supervisor._looked()
    assert read_job(workspace, job_id).status == QUEUED
    assert list(supervisor.children) == [job_id]
    monkeypatch.setattr("core.jobs.supervisor.end_job", end_job)
    supervisor.step()
    assert read_job(workspace, job_id).status == FAILED


def refusing(*args, **more):
    raise JobError("The disk is full, so the list of jobs cannot be changed.", "Free some space.")


def test_a_supervisor_can_be_started_though_its_number_cannot_be_written(workspace, monkeypatch):
    workspace.root.mkdir(parents=True)

    def full(handle, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.jobs.supervisor.os.write", full)
    lock = Lock(workspace)
    assert lock.take()
    assert Lock(workspace).holder() == 0  # somebody
    lock.release()
    assert Lock(workspace).holder() is None


def test_a_locked_list_on_a_disk_with_room_is_not_called_full(workspace, monkeypatch):
    enqueue(workspace, "train", {}, "training", "one")
    monkeypatch.setattr(table, "PATIENCE", 0.05)
    with (
        table.connected(workspace) as one,
        table.transaction(one),
        pytest.raises(JobError) as raised,
    ):
        enqueue(workspace, "train", {"n": 2}, "training", "two")
    assert "locked" in str(raised.value)
