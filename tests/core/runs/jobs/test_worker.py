import subprocess
import sys

import pytest
from safetensors import SafetensorError

from core.basics.errors import DataError, JobError
from core.basics.progress import Cancelled, Progress
from core.basics.workspace import Workspace
from core.jobs.reporter import JobReporter
from core.jobs.supervisor import DISK_FULL, ROOT
from core.jobs.table import (
    CANCELLED,
    DONE,
    FAILED,
    end_job,
    enqueue,
    read_job,
    request_cancel,
    resume,
)
from core.runs.jobs.worker import do, main


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def done(workspace, work, payload=None):
    """The job after the work was done in its name."""
    job_id = enqueue(workspace, "train", payload or {}, "training", "EASE")
    reporter = JobReporter(workspace, job_id)
    assert reporter.begin()
    do(read_job(workspace, job_id), reporter, work)
    return read_job(workspace, job_id)


def raising(error):
    def work(workspace, payload, report):
        raise error

    return work


def test_what_the_work_answers_is_the_result(workspace):
    job = done(workspace, lambda ws, payload, report: {"twice": payload["n"] * 2}, {"n": 4})
    assert (job.status, job.result) == (DONE, {"twice": 8})


def test_a_known_error_is_shown_in_its_own_two_sentences(workspace):
    job = done(workspace, raising(DataError("No users are shared.", "Check the ids.")))
    assert (job.status, job.what, job.hint) == (FAILED, "No users are shared.", "Check the ids.")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("shapes (3,) and (4,) not aligned"), "nobody foresaw (ValueError)"),
        (MemoryError(), "Memory ran out"),
        (OSError(13, "Permission denied"), "could not be read or written (Permission denied)"),
        (OSError(28, "No space left on device"), "The disk is full, so the job could not be done."),
        (
            SafetensorError("I/O error: No space left on device (os error 28)"),
            "The disk is full, so the job could not be done.",
        ),
    ],
)
def test_any_other_error_is_two_plain_sentences_and_its_traceback_is_in_the_log(
    workspace, capsys, error, words
):
    job = done(workspace, raising(error))
    assert job.status == FAILED
    assert words in job.what
    assert job.hint.endswith(".")
    assert "Traceback" not in job.what + job.hint
    assert "Traceback" in capsys.readouterr().err


def test_an_error_that_comes_from_a_full_disk_says_so_in_place_of_its_own_words(workspace):
    error = DataError("books.csv cannot be read.", "Choose another.")
    error.__cause__ = OSError(28, "No space left on device")
    job = done(workspace, raising(error))
    assert (job.status, job.what) == (FAILED, "The disk is full, so the job could not be done.")


def test_a_log_that_finds_no_room_hides_no_reason(workspace, monkeypatch):
    """Seen: the log stood on the full disk, and the job ended with `exit code 1`."""

    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

        def flush(self):
            raise OSError(28, "No space left on device")

    def work(workspace, payload, report):
        report(Progress(0, 2, "training"))
        raise ValueError("shapes")

    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    job = done(workspace, work)
    assert "nobody foresaw (ValueError)" in job.what


def test_a_child_that_cannot_write_how_it_ended_says_by_its_code_that_the_disk_is_full(
    workspace, monkeypatch
):
    def full(*args, **more):
        raise JobError("The disk is full, so the list of jobs cannot be changed.", "Free some.")

    job_id = enqueue(workspace, "bake", {}, "short", "Bread")
    monkeypatch.setattr("core.jobs.reporter.end_job", full)
    with pytest.raises(SystemExit) as leaving:
        main([str(workspace.root), job_id])
    assert leaving.value.code == DISK_FULL


def test_a_cancelled_work_that_keeps_something_is_cancelled_with_a_result(workspace):
    def work(workspace, payload, report):
        request_cancel(workspace, payload["id"])
        try:
            report(Progress(1, 2))
        except Cancelled:
            return {"run": "kept"}
        return {}

    job_id = enqueue(workspace, "train", {}, "training", "EASE")
    reporter = JobReporter(workspace, job_id)
    reporter.begin()
    do(
        read_job(workspace, job_id),
        reporter,
        lambda ws, _, report: work(ws, {"id": job_id}, report),
    )
    job = read_job(workspace, job_id)
    assert (job.status, job.result) == (CANCELLED, {"run": "kept"})


def test_cancelled_without_anything_kept_is_cancelled(workspace):
    job = done(workspace, raising(Cancelled()))
    assert (job.status, job.result) == (CANCELLED, {})


def test_the_work_is_told_when_it_resumes_and_only_then(workspace):
    first = done(workspace, lambda ws, payload, report: dict(payload), {"n": 1})
    again = resume(workspace, first.id)
    reporter = JobReporter(workspace, again)
    reporter.begin()
    do(read_job(workspace, again), reporter, lambda ws, payload, report: dict(payload))
    assert first.result == {"n": 1}
    assert read_job(workspace, again).result == {"n": 1, "resume": True}


def test_a_child_with_an_unknown_kind_fails_in_two_sentences(workspace):
    job_id = enqueue(workspace, "bake", {}, "short", "Bread")
    command = [sys.executable, "-m", "core.runs.jobs.worker", str(workspace.root), job_id]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    job = read_job(workspace, job_id)
    assert (job.status, job.what) == (FAILED, "There is no kind of job 'bake'.")


def test_a_child_whose_job_is_not_queued_any_more_does_nothing(workspace):
    job_id = enqueue(workspace, "bake", {}, "short", "Bread")
    end_job(workspace, job_id, DONE)
    before = read_job(workspace, job_id)
    command = [sys.executable, "-m", "core.runs.jobs.worker", str(workspace.root), job_id]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert read_job(workspace, job_id) == before
