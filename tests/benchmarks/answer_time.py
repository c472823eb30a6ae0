"""Seconds and clicks from an empty workspace to the answer of two own files, in a real browser.

`python tests/benchmarks/answer_time.py SOURCE TARGET` prints one JSON object; the bars are 60 s to
a first verdict, 90 s with cold users, 4 clicks.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from browsing import App, Visit, browsing

FIRST, COLD, CLICKS = 60.0, 90.0, 4


def main(source: Path, target: Path) -> None:
    """Drop both files, press the button, and say when what was there to read."""
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        app = App(Path(folder) / "workspace")
        app.start()
        try:
            print(json.dumps(measure(Visit(browser, app.url).open(), app, source, target)))
        finally:
            app.stop()


def measure(visit: Visit, app: App, source: Path, target: Path) -> dict:
    """Wall seconds from the first file on; CPU seconds of the app and of all its children."""
    began, clicks = time.monotonic(), 0
    for label, file in (("File of the source", source), ("File of the target", target)):
        visit.upload(label, file)
        clicks += 1  # on the drop zone
    visit.key("files_answer").wait_for()
    read = time.monotonic() - began
    visit.settle().press_key("files_answer")
    clicks += 1
    visit.sees("So far", seconds=600)
    first = time.monotonic() - began
    visit.sees("nothing yet in", seconds=600)
    cold = time.monotonic() - began
    visit.sees("What next", seconds=600)
    whole = time.monotonic() - began
    visit.check()
    job = app.jobs("answer")[0]
    return {
        "what": f"{source.name} and {target.name} to their answer",
        "clicks": {"number": clicks, "limit": CLICKS},
        "files_read": round(read, 1),
        "first_verdict": {"seconds": round(first, 1), "limit": FIRST},
        "with_cold_users": {"seconds": round(cold, 1), "limit": COLD},
        "whole": round(whole, 1),
        "job_seconds": round(job.seconds(time.time()), 1),
        "app_cpu_seconds": round(sum(psutil.Process(app.process.pid).cpu_times()[:2]), 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
