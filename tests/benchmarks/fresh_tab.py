"""What a fresh tab costs the browser, and how many words it shows: `fresh_tab.py WORKSPACE`.

`python tests/benchmarks/fresh_tab.py WORKSPACE [--url URL] [--tries 3] [--only WORD]`. Every page,
and every tab of the pages that have some, is opened in a Chromium of its own. Prints a line per
page: CPU seconds of all Chromium's processes from the address until the page stands still (median;
an empty page of the same Chromium taken off), the charts and tables drawn, and the visible words of
the page without its sidebar. --url: of a server that runs already, to compare two versions.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from browsing import App, Visit, browsing

PAGES = [
    "/",
    *(f"/data?tab={tab}" for tab in ("Import", "Pair", "Quality", "Text", "Split")),
    "/train",
    "/fusion",
    *(
        f"/metrics?metrics_tab={tab}"
        for tab in ("", "Per user", "Beyond accuracy", "Fairness", "Classification", "Trade-off")
    ),
    *(f"/embeddings?embeddings_tab={tab}" for tab in ("Map", "Before and after")),
    *(f"/recommendations?lists_tab={tab}" for tab in ("List", "Compare two runs", "What if")),
    "/recommendations?lists_tab=New visitor",
    "/report",
]
STILL_FOR = 2.0  # seconds in which Chromium does next to nothing: the page stands
WORDS = """() => {
    const words = document.querySelector('[data-testid=stMain]').innerText.split(/\\s+/);
    return {words: words.filter((word) => /\\p{L}/u.test(word)).length,
        charts: document.querySelectorAll('.js-plotly-plot').length,
        tables: document.querySelectorAll('[data-testid=stDataFrame]').length,
        elements: document.querySelectorAll('*').length,
        tab: document.querySelector('[data-testid=stMain] [role=tab][aria-selected=true]')
            ?.innerText || ''};
}"""


def main() -> None:
    """Open every page some times, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--url", help="of a server that runs already")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--only", default="", help="pages whose address has this word")
    asked = parser.parse_args()
    app = None if asked.url else App(asked.workspace.resolve())
    if app:
        app.start()
    url = asked.url or app.url
    try:
        for page in [page for page in PAGES if asked.only in page]:
            print(json.dumps({"page": page} | seen(url, page, asked.tries)), flush=True)
    finally:
        if app:
            app.stop()


def seen(url: str, page: str, tries: int) -> dict[str, object]:
    """CPU seconds of a page and what stands on it."""
    seconds, there = [], {}
    for _ in range(tries):
        with browsing() as browser:
            visit = Visit(browser, url)
            before = _spent_when_still()
            visit.open(page)
            seconds.append(round(_spent_when_still() - before, 2))
            there = visit.page.evaluate(WORDS)
    load = round(os.getloadavg()[0], 1)
    return {"cpu_s": statistics.median(seconds), "all": seconds, "load": load} | there


def _spent_when_still() -> float:
    """CPU seconds of this process's Chromium once it has stood still for a while."""
    spent, since = _spent(), time.monotonic()
    while time.monotonic() - since < STILL_FOR:
        time.sleep(0.25)
        now = _spent()
        if now - spent > 0.05:
            spent, since = now, time.monotonic()
    return spent


def _spent() -> float:
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            if "chrom" in child.name():
                times = child.cpu_times()
                total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    main()
