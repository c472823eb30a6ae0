import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from core.basics.workspace import Workspace
from core.jobs.supervisor import ROOT, Lock, Supervisor, ensure_supervisor, is_alive
from core.jobs.table import (
    CANCELLED,
    DONE,
    FAILED,
    KILLED,
    QUEUED,
    RUNNING,
    SLOTS,
    Job,
    enqueue,
    list_jobs,
    log_tail,
    read_curve,
    read_job,
    request_cancel,
    resume,
)
from tests.core.jobs.conftest import end_supervisor, wait_until


def ask(
    workspace: Workspace, habit: str, lane: Any = "training", grace: float = 5.0, **payload: Any
) -> str:
    command = ("-m", "tests.core.jobs.jobs_child", habit)
    job_id = enqueue(workspace, habit, payload, lane, habit, command)
    ensure_supervisor(workspace, grace)
    return job_id


def when(workspace: Workspace, job_id: str, is_so: Callable[[Job], object]) -> Job:
    wait_until(lambda: is_so(read_job(workspace, job_id)))
    return read_job(workspace, job_id)


def ended(workspace: Workspace, job_id: str) -> Job:
    return when(workspace, job_id, lambda job: not job.is_active)


def begun(workspace: Workspace) -> list[str]:
    return (workspace.root / "begun.txt").read_text().split()


def test_a_double_start_makes_one_job_that_runs_once(workspace):
    first, second = ask(workspace, "quick"), ask(workspace, "quick")
    ended(workspace, first)
    assert first == second
    assert begun(workspace) == [first]


def test_a_finished_job_has_its_result_its_curve_and_its_last_progress(workspace):
    job = ended(workspace, ask(workspace, "quick"))
    assert (job.status, job.result, job.done) == (DONE, {"kept": 3}, 3)
    assert [(p.epoch, p.valid) for p in read_curve(workspace, job.id)] == [
        (epoch, epoch / 600) for epoch in (1, 2, 3)
    ]


def test_a_cancelled_job_says_cancelled_and_keeps_what_it_had(workspace):
    job_id = ask(workspace, "patient")
    when(workspace, job_id, lambda job: job.done >= 2)  # the first is kept whenever it is heard
    request_cancel(workspace, job_id)
    job = ended(workspace, job_id)
    assert (job.status, job.stage) == (CANCELLED, "keeping the best epoch")
    assert job.result["kept"] >= 1
    assert "kept" in job.what
    wait_until(lambda: not is_alive(job.pid, job.pid_started))


def test_a_cancel_is_heard_where_an_epoch_takes_longer_than_the_grace(workspace):
    """Cancelling a training with slow epochs killed it, and its best epoch was lost."""
    job_id = ask(workspace, "slow", grace=0.9)
    when(workspace, job_id, lambda job: job.done >= 2)
    request_cancel(workspace, job_id)
    assert ended(workspace, job_id).result["kept"] >= 2


def test_a_cancelled_job_that_keeps_nothing_says_so(workspace):
    job_id = ask(workspace, "careless")
    when(workspace, job_id, lambda job: job.done)
    request_cancel(workspace, job_id)
    job = ended(workspace, job_id)
    assert (job.status, job.result) == (CANCELLED, {})
    assert "nothing" in job.what


def test_a_child_deaf_to_the_cancel_and_to_sigterm_is_killed_after_the_grace(workspace):
    job_id = ask(workspace, "deaf", grace=0.5)
    job = when(workspace, job_id, lambda job: job.status == RUNNING)
    wait_until(lambda: (workspace.root / "begun.txt").exists())
    os.kill(job.pid, signal.SIGTERM)
    request_cancel(workspace, job_id)
    job = ended(workspace, job_id)
    assert job.status == CANCELLED
    assert "could not be interrupted" in job.what
    wait_until(lambda: not is_alive(job.pid, job.pid_started))


def test_sigterm_from_outside_ends_a_listening_child_as_a_cancel_does(workspace):
    job_id = ask(workspace, "patient")
    job = when(workspace, job_id, lambda job: job.done)
    os.kill(job.pid, signal.SIGTERM)
    assert ended(workspace, job_id).status == CANCELLED


def test_kill_9_of_the_child_is_seen_with_its_reason_and_can_be_resumed(workspace):
    job_id = ask(workspace, "patient")
    job = when(workspace, job_id, lambda job: read_curve(workspace, job.id))
    os.kill(job.pid, signal.SIGKILL)
    job = ended(workspace, job_id)
    assert (job.status, job.what) == (KILLED, "It was killed from outside (SIGKILL).")
    assert "Resume" in job.hint

    again = resume(workspace, job_id)
    new = read_job(workspace, again)
    assert (new.resumed, new.attempts, new.payload) == (True, 2, job.payload)
    assert read_curve(workspace, again) == read_curve(workspace, job_id)
    assert [listed.id for listed in list_jobs(workspace)] == [again]


def test_a_child_that_cannot_even_start_is_a_failure_that_points_to_the_log(workspace):
    job = ended(workspace, ask(workspace, "stillborn"))
    assert (job.status, job.started) == (FAILED, None)
    assert "exit code 3" in job.what
    assert "log" in job.hint


def test_two_lanes_run_side_by_side_and_each_in_its_order(workspace):
    long, after = ask(workspace, "patient", n=1), ask(workspace, "patient", n=2)
    short = ask(workspace, "patient", lane="short")
    for job_id in (long, short):
        when(workspace, job_id, lambda job: job.status == RUNNING)
    assert {job.id for job in list_jobs(workspace, active=True) if job.started} == {long, short}
    request_cancel(workspace, long)
    when(workspace, after, lambda job: job.status == RUNNING)
    assert ended(workspace, long).ended <= read_job(workspace, after).started


def test_a_lane_with_two_places_runs_two_jobs_and_never_a_third(workspace, monkeypatch):
    monkeypatch.setitem(SLOTS, "trials", 2)
    first, second, third = (
        enqueue(
            workspace,
            "patient",
            {"n": n},
            "trials",
            "patient",
            ("-m", "tests.core.jobs.jobs_child", "patient"),
        )
        for n in range(3)
    )
    supervisor = Supervisor(workspace)

    def status(job_id: str) -> str:
        supervisor.step()
        return read_job(workspace, job_id).status

    wait_until(lambda: status(first) == status(second) == RUNNING)
    adopting = Supervisor(workspace)  # after a kill: it counts children that are not its own
    adopting.step()
    assert (status(third), adopting.children) == (QUEUED, {})
    request_cancel(workspace, first)
    wait_until(lambda: status(third) == RUNNING)
    assert read_job(workspace, second).status == RUNNING


def test_the_next_supervisor_adopts_a_child_that_lived_on(workspace):
    job_id = ask(workspace, "patient")
    job = when(workspace, job_id, lambda job: job.done)
    end_supervisor(workspace)
    assert is_alive(job.pid, job.pid_started)
    assert ensure_supervisor(workspace)
    done = read_job(workspace, job_id).done
    when(workspace, job_id, lambda job: job.done > done)
    assert begun(workspace) == [job_id]
    request_cancel(workspace, job_id)
    assert ended(workspace, job_id).status == CANCELLED


def test_the_next_supervisor_says_killed_of_a_child_that_died_unwatched(workspace):
    job_id = ask(workspace, "patient")
    job = when(workspace, job_id, lambda job: job.status == RUNNING)
    waiting = ask(workspace, "quick")
    end_supervisor(workspace)
    os.kill(job.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(job.pid, job.pid_started))
    ensure_supervisor(workspace)
    job = ended(workspace, job_id)
    assert (job.status, "nobody watched" in job.what) == (KILLED, True)
    assert ended(workspace, waiting).status == DONE


def test_a_job_goes_on_when_the_app_that_started_it_is_killed_with_its_whole_group(workspace):
    code = (
        "import sys, time; from pathlib import Path; from core.basics.workspace import Workspace;"
        "from tests.core.jobs.test_supervisor import ask;"
        "print(ask(Workspace(Path(sys.argv[1])), 'patient'), flush=True); time.sleep(60)"
    )
    app = subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    job_id = app.stdout.readline().strip()
    done = when(workspace, job_id, lambda job: job.done).done
    os.killpg(app.pid, signal.SIGKILL)
    app.communicate()
    when(workspace, job_id, lambda job: job.done > done)
    request_cancel(workspace, job_id)
    assert ended(workspace, job_id).result["kept"] > done


def test_children_are_not_in_the_group_of_the_process_that_asked(workspace):
    job = when(workspace, ask(workspace, "patient"), lambda job: job.status == RUNNING)
    ours = os.getpgrp()
    assert ours not in {os.getpgid(job.pid), os.getpgid(Lock(workspace).holder())}


def test_a_second_supervisor_is_not_started_beside_one_that_works(workspace):
    when(workspace, ask(workspace, "patient"), lambda job: job.status == RUNNING)
    assert not ensure_supervisor(workspace)


def test_nothing_is_started_where_nothing_is_to_do(workspace):
    assert not ensure_supervisor(workspace)
    assert not workspace.root.exists()


@pytest.mark.parametrize("text", ["", "one\ntwo\n"])
def test_the_log_tail_is_what_was_printed_last(workspace, text):
    workspace.logs.mkdir(parents=True)
    (workspace.logs / "some.log").write_text(text)
    assert log_tail(workspace, "some", lines=1) == text.strip().split("\n")[-1]
