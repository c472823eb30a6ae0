"""Pages with stored results, from a click until nothing is stale: `page_repaint.py WORKSPACE`.

`python tests/benchmarks/page_repaint.py WORKSPACE`, a workspace with a trained run. In real
Chromium; on every page a choice is switched to and fro once its results are stored. Prints one JSON
object with medians in milliseconds; the bar is 500 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from browsing import App, Visit, browsing

from core.basics.workspace import Workspace
from core.store.run_folder import list_runs

BAR_MS = 500
# Page -> key of the choice that is switched, and its two options.
CHOICES = {
    "metrics": ("k_widget", "5", "10"),
    "fusion": ("k_widget", "5", "10"),
    "embeddings": ("colour_widget", "Popularity", "Domain"),
    "recommendations": ("k_widget", "5", "10"),
}
# From the click to the first of two frames in which the script has ended and nothing waits to be
# redrawn. That it ran is told by its state, or where no frame showed it, by the address it changed.
WATCH = """() => { window.repainted = new Promise((resolve, reject) => {
    const app = document.querySelector('[data-testid=stApp]'), before = location.search;
    const idle = () => app.getAttribute('data-test-script-state') === 'notRunning';
    let pressed, calm, ran = false;
    setTimeout(() => reject(new Error('the page was not repainted')), 30000);
    document.addEventListener('pointerup', () => { pressed = performance.now(); },
        {capture: true, once: true});
    const look = () => {
        ran = ran || (pressed && (!idle() || location.search !== before));
        const done = ran && idle() && !document.querySelector('[data-stale=true]');
        if (done && calm) { resolve(calm - pressed); return; }
        calm = done ? performance.now() : undefined;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}); }"""


def main() -> None:
    """Open every page, fill its caches, switch its choice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--switches", type=int, default=12)
    asked = parser.parse_args()
    workspace = asked.workspace.resolve()
    run = next(run for run in list_runs(Workspace(workspace)) if run.card.additive and run.twin)
    app, found = App(workspace), {}
    with browsing() as browser:
        app.start()
        try:
            visit = Visit(browser, app.url)
            for page, choice in CHOICES.items():
                visit.open(f"/{page}?run={run.id}")
                if page == "fusion":
                    visit.press("Options")
                visit.key(choice[0]).wait_for()
                found[page] = switched(visit, *choice, asked.switches)
        finally:
            app.stop()
    slowest = max(found.values())
    print(
        json.dumps(
            {
                "name": "page_repaint",
                "bar_ms": BAR_MS,
                "kept": slowest <= BAR_MS,
                "median_ms": found,
                "run": run.id,
                "load_average": [round(load, 2) for load in os.getloadavg()],
            }
        )
    )


def switched(visit: Visit, key: str, first: str, second: str, switches: int) -> float:
    """Median milliseconds of a switch after both options were seen once."""
    times = []
    for turn in range(switches + 2):
        option = (first, second)[turn % 2]
        visit.page.evaluate(WATCH)
        visit.key(key).get_by_text(option, exact=True).first.click()
        times.append(visit.page.evaluate("() => window.repainted"))
    return round(statistics.median(times[2:]), 1)


if __name__ == "__main__":
    main()
