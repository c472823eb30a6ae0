"""Seconds from an empty workspace to a chart on every page, as a person clicks through the demo.

`python tests/benchmarks/demo_time.py` prints one JSON object; the bar is 60 s.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from browsing import App, Visit, browsing  # noqa: E402

LIMIT = 60.0
PAGES = ("Data", "Train", "Fusion", "Metrics", "Embeddings", "Recommendations")


def main() -> None:
    """Click, wait, look at every page, and say how long each took."""
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        app = App(Path(folder) / "workspace")
        app.start()
        try:
            print(json.dumps(measure(Visit(browser, app.url).open())))
        finally:
            app.stop()


def measure(visit: Visit) -> dict:
    """Seconds of the demo and of the way through the pages."""
    began = last = time.monotonic()
    seconds = {}
    visit.press("Explore with the sample pair")
    visit.sees("Verdict", seconds=180)
    seconds["demo runs"], last = time.monotonic() - last, time.monotonic()
    for title in PAGES:
        visit.goto(title)
        visit.sees_chart()
        seconds[title], last = time.monotonic() - last, time.monotonic()
    visit.check()
    total = time.monotonic() - began
    rounded = {step: round(value, 1) for step, value in seconds.items()}
    return {
        "what": "empty workspace to charts on every page",
        "seconds": round(total, 1),
        "limit": LIMIT,
        "ratio": round(total / LIMIT, 2),
        "steps": rounded,
    }


if __name__ == "__main__":
    main()
