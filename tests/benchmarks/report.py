"""Time and size of the report of a pair with six runs, from a fresh process to the file.

`python tests/benchmarks/report.py` makes a workspace with the sample pair, trains six runs on one
split and prints one JSON object; the bars are 10 s and 8 MB. With a workspace and a run id after
it, the report of that run is measured instead.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

import measuring  # noqa: F401  one thread, before NumPy

from core.basics.workspace import Workspace
from core.runs.jobs.demo import load_demo
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import list_runs

LIMIT_SECONDS, LIMIT_MB = 10.0, 8.0
MODELS = ("item_knn", "edlae", "cmf_als", "linear_map")  # beside popularity and joint EASE
MEASURE = """
import json, sys, time
from pathlib import Path
began, cpu = time.perf_counter(), time.process_time()
from core.basics.workspace import Workspace
from core.runs.report.html import report_html
from core.runs.report.story import ReportOptions, tell_story, write_report
from core.store.run_folder import read_run
workspace = Workspace(Path(sys.argv[1]))
loaded = time.perf_counter()
story = tell_story(workspace, read_run(workspace.runs / sys.argv[2]))
told = time.perf_counter()
path = write_report(Path(sys.argv[3]), report_html(story, ReportOptions()))
done = time.perf_counter()
print(json.dumps({
    "seconds": round(done - loaded, 2), "story": round(told - loaded, 2),
    "html": round(done - told, 2), "imports": round(loaded - began, 2),
    "cpu_seconds": round(time.process_time() - cpu, 2),
    "megabytes": round(path.stat().st_size / 1e6, 2),
}))
"""


def main() -> None:
    """Make or take the runs, write one report in a process of its own, say what it took."""
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 2:
            workspace, run = Workspace(Path(sys.argv[1]).resolve()), sys.argv[2]
        else:
            workspace, run = six_runs(Workspace(Path(folder) / "workspace"))
        print(json.dumps(measure(workspace, run, Path(folder) / "report.html")))


def six_runs(workspace: Workspace) -> tuple[Workspace, str]:
    """The demo with four more runs on its random split; answers joint EASE."""
    load_demo(workspace)
    ease = list_runs(workspace)[0]
    for model in MODELS:
        train_run(RunPlan(ease.record.split_hash, model), workspace)
    return workspace, ease.id


def measure(workspace: Workspace, run: str, out: Path) -> dict:
    """What a fresh process needs for one report."""
    began = time.monotonic()
    command = [sys.executable, "-c", MEASURE, str(workspace.root), run, str(out)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    kept = found["seconds"] <= LIMIT_SECONDS and found["megabytes"] <= LIMIT_MB
    return {
        "what": "report of a pair with six runs",
        "limit_seconds": LIMIT_SECONDS,
        "limit_megabytes": LIMIT_MB,
        "kept": kept,
        "whole_process_seconds": round(time.monotonic() - began, 2),
    } | found


if __name__ == "__main__":
    main()
