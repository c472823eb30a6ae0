"""Seconds from an empty workspace to a chart on every page, as a person clicks through the demo.

`python tests/benchmarks/demo_time.py` prints one JSON object; the bar is 60 s.
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

LIMIT = 60.0
PAGES = ("Data", "Fusion", "Metrics", "Embeddings", "Recommendations", "Train")


def main() -> None:
    """Click, wait, look at every page, and say how long each took."""
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        app = App(Path(folder) / "workspace")
        app.start()
        try:
            print(json.dumps(measure(Visit(browser, app.url).open(), app)))
        finally:
            app.stop()


def measure(visit: Visit, app: App) -> dict:
    """Seconds of the demo and of the way through the pages, and the app's CPU seconds in each."""
    began, cpu_began = time.monotonic(), cpu_seconds(app)
    steps = {}
    for title in ("demo runs", *PAGES):
        last, cpu = time.monotonic(), cpu_seconds(app)
        take(visit, title)
        seconds, app_cpu = time.monotonic() - last, cpu_seconds(app) - cpu
        steps[title] = {"seconds": round(seconds, 1), "app_cpu_seconds": round(app_cpu, 2)}
    visit.check()
    total = time.monotonic() - began
    return {
        "what": "empty workspace to charts on every page",
        "seconds": round(total, 1),
        "limit": LIMIT,
        "ratio": round(total / LIMIT, 2),
        "app_cpu_seconds": round(cpu_seconds(app) - cpu_began, 1),
        "load_average": round(os.getloadavg()[0], 1),
        "steps": steps,
    }


def take(visit: Visit, title: str) -> None:
    """One step: the demo itself, or a page until what it shows is drawn."""
    if title == "demo runs":
        visit.press("Explore with the sample pair")
        visit.sees("What next", seconds=180)
        return
    visit.goto(title)
    if title == "Data":
        visit.tab("Pair")
    if title == "Train":  # its curve belongs to LightGCN, which goes on behind the demo
        visit.sees("Runs")
    else:
        visit.sees_chart()


def cpu_seconds(app: App) -> float:
    """User and system seconds of the app's process so far."""
    times = psutil.Process(app.process.pid).cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main()
