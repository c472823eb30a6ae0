"""Children with one habit each: `python -m tests.core.jobs.jobs_child HABIT WORKSPACE JOB_ID`."""

import sys
import time
from pathlib import Path

from core.basics.progress import Cancelled, Progress
from core.basics.workspace import Workspace
from core.jobs.reporter import JobReporter


def main(habit: str, root: str, job_id: str) -> None:
    if habit == "stillborn":
        sys.exit(3)
    workspace = Workspace(Path(root))
    report = JobReporter(workspace, job_id)
    if not report.begin():
        return
    with (workspace.root / "begun.txt").open("a") as file:
        file.write(f"{job_id}\n")
    if habit == "deaf":
        time.sleep(60)
    kept = 0
    try:
        for epoch in range(1, 4 if habit == "quick" else 601):
            report(Progress(epoch, 600, "training", loss=1.0 / epoch, valid=epoch / 600))
            kept = epoch
            time.sleep({"quick": 0.0, "slow": 1.0}.get(habit, 0.1))
    except Cancelled:
        if habit == "careless":
            report.stop()
            return
        report(Progress(1, 1, "keeping the best epoch"))
    report.finish({"kept": kept})


if __name__ == "__main__":
    main(*sys.argv[1:])
