import sqlite3
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.basics.errors import JobError
from core.basics.progress import Cancelled, Progress
from core.basics.workspace import Workspace
from core.jobs.reporter import JobReporter
from core.jobs.supervisor import ROOT, reason_of
from core.jobs.table import (
    ACTIVE,
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    KILLED,
    QUEUED,
    RUNNING,
    claim,
    connected,
    dismiss,
    end_job,
    enqueue,
    list_jobs,
    mark_cancel_seen,
    read_curve,
    read_job,
    request_cancel,
    resume,
    write_progress,
)

RANK = dict.fromkeys(ENDED, 2) | {QUEUED: 0, RUNNING: 1}

STEPS = {
    "claim": lambda ws, job: claim(ws, job, None),
    "progress": lambda ws, job: write_progress(ws, job, Progress(1, 2, "training"), []),
    "cancel": request_cancel,
    "seen": mark_cancel_seen,
    "done": lambda ws, job: end_job(ws, job, DONE),
    "failed": lambda ws, job: end_job(ws, job, FAILED, "No.", "Try."),
    "killed": lambda ws, job: end_job(ws, job, KILLED),
    "dismiss": dismiss,
}


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=12))
def test_statuses_only_move_forward_whatever_happens_in_whatever_order(steps):
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        job = enqueue(workspace, "train", {}, "training", "EASE")
        statuses = [QUEUED]
        for step in steps:
            STEPS[step](workspace, job)
            statuses.append(read_job(workspace, job).status)
    for before, after in pairwise(statuses):
        assert before == after or RANK[before] < RANK[after]


def test_the_table_itself_refuses_a_status_that_goes_back(tmp_path):
    workspace = Workspace(tmp_path)
    job = enqueue(workspace, "train", {}, "training", "EASE")
    end_job(workspace, job, DONE)
    with pytest.raises(JobError, match="only moves forward"), connected(workspace) as connection:
        connection.execute("UPDATE jobs SET status = 'running'")


def test_only_one_process_gets_a_job(tmp_path):
    job = enqueue(Workspace(tmp_path), "train", {}, "training", "EASE")
    assert [claim(Workspace(tmp_path), job, None) for _ in range(3)] == [True, False, False]


def test_jobs_with_other_settings_or_after_the_first_ended_are_other_jobs(tmp_path):
    workspace = Workspace(tmp_path)
    first = enqueue(workspace, "train", {"k": 1}, "training", "EASE")
    assert enqueue(workspace, "train", {"k": 2}, "training", "EASE") != first
    assert enqueue(workspace, "map", {"k": 1}, "short", "Map") != first
    end_job(workspace, first, DONE)
    assert enqueue(workspace, "train", {"k": 1}, "training", "EASE") != first


def test_processes_that_ask_at_the_same_moment_in_a_new_workspace_get_one_job(tmp_path):
    code = (
        "import sys; from pathlib import Path; from core.basics.workspace import Workspace;"
        "from core.jobs.table import enqueue;"
        "print(enqueue(Workspace(Path(sys.argv[1])), 'train', {}, 'training', 'EASE'))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    askers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    answers = {asker.communicate()[0].strip() for asker in askers}
    assert answers == {job.id for job in list_jobs(Workspace(tmp_path))}
    assert len(answers) == 1


def test_a_queued_job_is_cancelled_at_once_and_never_claimed(tmp_path):
    workspace = Workspace(tmp_path)
    job = enqueue(workspace, "train", {}, "training", "EASE")
    request_cancel(workspace, job)
    assert read_job(workspace, job).status == CANCELLED
    assert not claim(workspace, job, None)


def test_an_active_job_can_be_neither_dismissed_nor_resumed(tmp_path):
    workspace = Workspace(tmp_path)
    job = enqueue(workspace, "train", {}, "training", "EASE")
    dismiss(workspace, job)
    assert resume(workspace, job) == job
    assert [listed.id for listed in list_jobs(workspace)] == [job]


def test_resuming_what_was_already_started_again_answers_the_one_that_waits(tmp_path):
    workspace = Workspace(tmp_path)
    old = enqueue(workspace, "train", {}, "training", "EASE")
    end_job(workspace, old, KILLED)
    again = enqueue(workspace, "train", {}, "training", "EASE")
    assert resume(workspace, old) == again


def test_a_reporter_raises_cancelled_once_and_then_only_reports(tmp_path):
    workspace = Workspace(tmp_path)
    job = enqueue(workspace, "train", {}, "training", "EASE")
    report = JobReporter(workspace, job)
    assert report.begin()
    request_cancel(workspace, job)
    with pytest.raises(Cancelled):
        report(Progress(1, 10, "training", loss=2.0))
    report(Progress(1, 1, "keeping"))
    report.finish({"run": "r"})
    ended = read_job(workspace, job)
    assert (ended.status, ended.stage, ended.result) == (CANCELLED, "keeping", {"run": "r"})


def test_every_epoch_is_in_the_curve_however_fast_they_pass_and_the_twins_stand_apart(tmp_path):
    workspace = Workspace(tmp_path)
    job = enqueue(workspace, "train", {}, "training", "LightGCN")
    report = JobReporter(workspace, job)
    report.begin()
    for epoch in range(1, 201):
        report(Progress(epoch, 200, "training", loss=1 / epoch, valid=epoch / 200))
    report(Progress(1, 200, "twin: training", loss=3.0))
    report.finish({})
    curve = read_curve(workspace, job)
    assert [point.epoch for point in curve if not point.twin] == list(range(1, 201))
    assert [(point.epoch, point.loss, point.valid) for point in curve if point.twin] == [
        (1, 3, None)
    ]


def test_time_left_is_what_the_pace_of_this_stage_says(tmp_path):
    workspace = Workspace(tmp_path)
    job = enqueue(workspace, "train", {}, "training", "EASE")
    assert read_job(workspace, job).seconds_left(0.0) is None
    claim(workspace, job, None)
    write_progress(workspace, job, Progress(1, 4, "training"), [])
    running = read_job(workspace, job)
    assert running.seconds_left(running.stage_started + 10.0) == pytest.approx(30.0)
    assert running.share == 1 / 4


@pytest.mark.parametrize(
    ("code", "kills", "words"),
    [
        (-9, 0, "killed from outside (SIGKILL)"),
        (-9, 1, "memory ran out"),
        (-11, 0, "SIGSEGV"),
        (-61, 0, "signal 61"),
        (1, 0, "exit code 1"),
        (None, 0, "nobody watched"),
    ],
)
def test_how_a_process_died_is_told_in_words(code, kills, words):
    assert words in reason_of(code, kills)


def test_an_unknown_job_an_unknown_lane_and_a_broken_table_are_two_sentences(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(JobError, match=r"There is no job 'x'\. Choose"):
        read_job(workspace, "x")
    with pytest.raises(JobError, match="no lane"):
        enqueue(workspace, "train", {}, "fast", "EASE")
    workspace.jobs.write_bytes(b"this is no database" * 100)
    for suffix in ("-wal", "-shm"):
        workspace.jobs.with_name(workspace.jobs.name + suffix).unlink(missing_ok=True)
    with pytest.raises(JobError, match="cannot be used"):
        list_jobs(workspace)


def test_listing_the_jobs_of_an_empty_workspace_makes_no_file(tmp_path):
    assert list_jobs(Workspace(tmp_path / "none")) == []
    assert not (tmp_path / "none").exists()


def test_the_unique_index_holds_even_without_the_look_before(tmp_path):
    workspace = Workspace(tmp_path)
    enqueue(workspace, "train", {}, "training", "EASE")
    with sqlite3.connect(workspace.jobs) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "INSERT INTO jobs (id, kind, title, lane, command, payload, hash, created)"
            " SELECT 'other', kind, title, lane, command, payload, hash, created FROM jobs"
        )
    assert ACTIVE == (QUEUED, RUNNING)
