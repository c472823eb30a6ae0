"""A weight that is dragged, frame by frame: `python tests/benchmarks/cockpit_frames.py WORKSPACE`.

WORKSPACE has a trained run. In real Chromium, on the Fusion page, a slider is moved to 200
positions one after the other; a frame is what the browser's main thread does for a move: script,
styles, layout and paint of tiles, curve and list together. Prints one JSON object for lists of 10
and of 50: milliseconds by the clock and of the processor, which a busy machine does not stretch,
and how many messages went to the server. The bars are 16 ms of the processor and none.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

import numpy as np
from browsing import App, Visit, browsing
from playwright.sync_api import CDPSession

from core.basics.workspace import Workspace
from core.store.run_folder import list_runs

BAR_MS, MOVES = 16, 200
# One frame: from its first callback, which stands before the cockpit's own, to the first message
# after it, which comes when styles, layout and paint are done.
FRAMES = """async ([range, moves]) => {
    const times = [];
    for (let move = 0; move < moves; move++) {
        const weight = ((move * 37) % 101) / 100;
        times.push(await new Promise(resolve => {
            let start;
            requestAnimationFrame(() => { start = performance.now(); });
            range.value = String(weight);
            range.dispatchEvent(new Event('input', {bubbles: true}));
            requestAnimationFrame(() => {
                const channel = new MessageChannel();
                channel.port1.onmessage = () => resolve(performance.now() - start);
                channel.port2.postMessage(null);
            });
        }));
    }
    return times;
}"""


def main() -> None:
    """Serve the page, move alpha, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    workspace = parser.parse_args().workspace.resolve()
    run = next(run for run in list_runs(Workspace(workspace)) if run.twin and run.card.additive)
    app, found, messages = App(workspace), {}, []
    with browsing() as browser:
        app.start()
        try:
            visit = Visit(browser, app.url)
            visit.page.on(
                "websocket",
                lambda socket: socket.on("framesent", lambda frame: messages.append(frame)),
            )
            session = visit.context.new_cdp_session(visit.page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            for k in (10, 50):
                visit.open(f"/fusion?run={run.id}&k={k}&alpha=1&beta=0.5")
                range_ = visit.page.get_by_role("slider", name="alpha").element_handle()
                visit.page.wait_for_timeout(1000)
                before, busy = len(messages), processor_ms(session)
                times = visit.page.evaluate(FRAMES, [range_, MOVES])
                busy = (processor_ms(session) - busy) / MOVES
                found[f"list of {k}"] = {
                    **{f"p{p}_ms": round(float(np.percentile(times, p)), 1) for p in (50, 95, 100)},
                    "processor_ms": round(busy, 1),
                    "messages": len(messages) - before,
                }
        finally:
            app.stop()
    kept = all(each["processor_ms"] <= BAR_MS and not each["messages"] for each in found.values())
    print(
        json.dumps(
            {
                "name": "cockpit_frames",
                "bar_ms": BAR_MS,
                "kept": kept,
                "frames": found,
                "run": run.id,
                "load_average": [round(load, 2) for load in os.getloadavg()],
            }
        )
    )


def processor_ms(session: CDPSession) -> float:
    """Milliseconds of the processor that the page has taken in its main thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(m["value"] for m in metrics if m["name"] == "TaskDuration")


if __name__ == "__main__":
    main()
